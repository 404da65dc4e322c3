"""A message soon after a person has resolved the request: thanks, or the matter again."""

from __future__ import annotations

from botsvc.decisions import Decision, HandOff, Priority, Reason, Rule, SmallTalk
from botsvc.episode import Message, Press
from botsvc.smalltalk import SmallTalkKind
from botsvc.typed_replies import PromptKind, ReplyKind, read_reply

#: What may be said to a resolution without bringing the matter back.
_THANKS = frozenset(
    {SmallTalkKind.THANKS, SmallTalkKind.GOODBYE, SmallTalkKind.PRAISE, SmallTalkKind.ACKNOWLEDGED}
)


def is_thanks(message: Message) -> bool:
    """Whether the message accepts the resolution: thanks, good-bye, "yes, it works now"."""
    if message.press is not None:
        return message.press is Press.HELPED
    if message.intents.human_request >= 0.5 or message.intents.crisis:
        return False
    reply = read_reply(message.text, PromptKind.HELPED, lang=message.lang)
    if reply is not None and not reply.rest:
        return reply.kind is ReplyKind.YES
    return message.intents.small_talk in _THANKS


def returned(message: Message, priority: str) -> Decision:
    """What to say to a customer who is back: a word to thanks, or that the same people have it again."""
    if is_thanks(message):
        return SmallTalk(rule=Rule.SMALL_TALK, reason=Reason.THANKS, text=("thanks",))
    crisis = message.intents.crisis
    return HandOff(
        rule=Rule.CRISIS if crisis else Rule.REOPENED,
        reason=Reason.RULE if crisis else Reason.REOPENED,
        text=("crisis", "reopened") if crisis else ("reopened",),
        priority=Priority.CRISIS if crisis else Priority(priority),
        crisis=crisis,
    )
