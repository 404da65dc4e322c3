"""What an agent does with a conversation: each a form of its screen."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.responses import Response

from botsvc.decisions import Priority
from botsvc.desk.conversation import news_of, opened, parts
from botsvc.desk.guard import Call, Refused
from botsvc.desk.suggestions import sent_article
from botsvc.people import People, Resolution
from botsvc.storage.records import StoredAgent
from indexer import open_variables

_CHANNELS = ("phone", "email", "meeting")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{8,80}")


def took(call: Call) -> Response:
    """Have the conversation."""
    _people(call).take(_conversation(call), call.session.agent)
    return _after(call)


def released(call: Call) -> Response:
    """Give it back to the queue."""
    _people(call).release(_conversation(call), call.session.agent)
    return call.to("/desk")


def transferred(call: Call) -> Response:
    """Pass it on to a team or a colleague."""
    team, _, agent = call.form["to"].partition("/")
    if team not in call.desk.team_names("en") and not agent:
        raise Refused("choose_somebody", 422)
    _people(call).transfer(
        _conversation(call),
        call.session.agent,
        team="" if agent else team,
        to=agent,
        note=call.form.raw("note"),
    )
    return call.to("/desk")


def said(call: Call) -> Response:
    """Write to the customer; not while a canned reply's variable still stands in its braces."""
    text = call.form.raw("text")
    if left := open_variables(text):
        raise Refused("variables_open", 422, names=", ".join(f"{{{name}}}" for name in left))
    _people(call).say(_conversation(call), call.session.agent, text, message_id=_id(call))
    return _after(call)


def article_sent(call: Call) -> Response:
    """Send an article as the answer."""
    found = opened(call)
    lang, _, rest = call.form["article"].partition("/")
    article_id, _, section_id = rest.partition("#")
    audience = str(found.document.get("audience") or "")
    article = sent_article(call.desk, lang, article_id, section_id, audience)
    if article is None:
        raise Refused("article_gone", 409)
    _people(call).send_article(_conversation(call), call.session.agent, article, message_id=_id(call))
    return _after(call)


def noted(call: Call) -> Response:
    """Write to colleagues, those named with @ among them."""
    found = opened(call)
    text = call.form.raw("text")
    mentions = mentioned(text, found.people)
    _people(call).note(_conversation(call), call.session.agent, text, mentions=mentions)
    return _after(call)


def mentioned(text: str, people: Mapping[str, StoredAgent]) -> list[str]:
    """The ids of the people named as @First or @First Last; a first name that two have names nobody."""
    folded = text.casefold()
    active = [person for person in people.values() if person.active]
    firsts = [person.name.split()[0].casefold() for person in active]
    found = []
    for person, first in zip(active, firsts, strict=True):
        names = [person.name.casefold(), *([first] if firsts.count(first) == 1 else [])]
        if any(re.search(rf"(?<!\w)@{re.escape(name)}(?!\w)", folded) for name in names):
            found.append(person.id)
    return found


def resolved(call: Call) -> Response:
    """End the request with a reason."""
    reason = call.form["resolution"]
    if reason not in set(Resolution):
        raise Refused("choose_reason", 422)
    _people(call).resolve(
        _conversation(call), call.session.agent, Resolution(reason), note=call.form.raw("note")
    )
    return call.to("/desk")


def contact_logged(call: Call) -> Response:
    """Write down a call or a meeting."""
    channel = call.form["channel"]
    _people(call).log_contact(
        _conversation(call),
        call.session.agent,
        call.form.raw("text"),
        channel=channel if channel in _CHANNELS else "phone",
        reached=call.form["reached"] == "yes",
    )
    return _after(call)


def prioritised(call: Call) -> Response:
    """Change how urgent it is."""
    priority = call.form["priority"]
    if priority not in set(Priority):
        raise Refused("choose_reason", 422)
    _people(call).prioritise(_conversation(call), call.session.agent, Priority(priority))
    return _after(call)


def fact_seen(call: Call) -> Response:
    """A sensitive answer, shown to the agent who has the conversation; every look is kept."""
    found = opened(call)
    if found.handoff.agent != call.me:
        raise Refused("take_first")
    field = call.request.path_params["field"]
    fact = next((one for one in found.sealed if one.field == field), None)
    if fact is None:
        raise Refused("fact_gone", 404)
    # Kept first: a look that was not written down must not happen.
    call.desk.staff.audit(call.me, "fact.seen", conversation_id=found.conversation.id, detail=field)
    value = call.desk.sealer.open(
        fact.ciphertext, conversation_id=fact.conversation_id, episode=fact.episode, field=fact.field
    )
    return call.page("fact.html", fact=fact, value=value, back=f"/desk/c/{found.conversation.id}")


def _people(call: Call) -> People:
    return call.desk.service.tier.people


def _conversation(call: Call) -> str:
    return str(call.request.path_params["conversation"])


def _id(call: Call) -> str:
    """The message's id, so that a form sent twice is one message."""
    sent = call.form["message_id"]
    return sent if _MESSAGE_ID.fullmatch(sent) else secrets.token_hex(12)


def _after(call: Call) -> Response:
    """The screen as it is now: its changed parts for htmx, or the page anew."""
    if not call.partial:
        return call.to(f"/desk/c/{_conversation(call)}")
    words = call.desk.words(call.request, call.session)
    return news_of(call, parts(call, opened(call), words), {})
