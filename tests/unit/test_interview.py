"""Dialogues after a handoff as tables: an address, a form's questions, skipping, call-backs, and the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botsvc.answering import Reply
from botsvc.contacts import move_contacts
from botsvc.decide import decide
from botsvc.decisions import (
    Answered,
    Decision,
    HandOff,
    Interview,
    Outcome,
    Priority,
    Reason,
    Silent,
    SmallTalk,
)
from botsvc.episode import EpisodeState, Message, Owner, Press, advance
from botsvc.feedback import Verdict, judged
from botsvc.form_filling import MOST_MESSAGES, Collected
from botsvc.intents import IntentModel
from botsvc.lookup import Found, choose, plan
from botsvc.policy import Desk, Policy
from botsvc.saying import Speaker
from botsvc.settings import Settings
from botsvc.texts import load_texts
from botsvc.typed_replies import PromptKind, read_reply
from indexer import (
    Article,
    Choice,
    Detected,
    FieldKind,
    Form,
    FormField,
    HandoffRule,
    Hit,
    Offer,
    Probabilities,
    SearchResult,
    Thresholds,
)

LANGUAGES = ("fi", "sv", "en")
THRESHOLD = Thresholds(answer=0.8, choices=0.6, scope=0.5, proven=True, n=100)
POLICY = Policy(thresholds=dict.fromkeys(LANGUAGES, THRESHOLD), desk=Desk.TEAM, answers_later=True)
TEXTS, INTENTS = load_texts(), IntentModel.load()
SPEAKER = Speaker(texts=TEXTS, settings=Settings(), desk=Desk.TEAM)


def same(text: str) -> dict[str, str]:
    return {lang: f"{text} ({lang})?" for lang in LANGUAGES}


def one_of(value: str, fi: str, sv: str, en: str) -> Choice:
    return Choice(value=value, label={"fi": fi, "sv": sv, "en": en})


FORM = Form(
    id="fraud",
    title=same("title"),
    fields=(
        FormField(
            name="what",
            kind=FieldKind.CHOICE,
            label=same("What"),
            question=same("what"),
            choices=(
                one_of("stolen", "Varastettu", "Stulet", "Stolen"),
                one_of("lost", "Kadonnut", "Förlorat", "Lost"),
            ),
        ),
        FormField(
            name="sum",
            kind=FieldKind.NUMBER,
            label=same("Sum"),
            question=same("sum"),
            maximum="500",
            error={lang: f"At most 500 ({lang})." for lang in LANGUAGES},
        ),
        FormField(
            name="card", kind=FieldKind.CARD_LAST4, label=same("Card"), question=same("card"), sensitive=True
        ),
        FormField(name="more", kind=FieldKind.TEXT, label=same("More"), question=same("more")),
    ),
)
#: What is found: the beginning of a text -> article, confidence.
FINDS = {
    "korttia käytetty": ("fraud", 0.95),
    "någon har använt": ("fraud", 0.95),
    "someone used my": ("fraud", 0.95),
    "pin": ("pin", 0.95),
}


def article(article_id: str, lang: str) -> Article:
    rule = (
        HandoffRule(offer=Offer.AUTO, team="cards", form="fraud") if article_id == "fraud" else HandoffRule()
    )
    return Article(
        id=article_id, lang=lang, title=article_id, body="x", slug=article_id, topics=("t",), handoff=rule
    )


def search(text: str, lang: str, *, together: bool = False) -> Found:
    article_id, confidence = next(
        (found for start, found in FINDS.items() if text.startswith(start)), ("pin", 0.2)
    )
    scope = 0.9 if confidence > 0.5 or "x" not in text else 0.1
    hit = Hit(
        article_id=article_id,
        lang=lang,
        section_id="lead",
        title=article_id,
        heading_path=(),
        url="/",
        score=1.0,
    )
    result = SearchResult(
        query=text,
        language=Detected(lang=lang, probability=0.99),
        hits=(hit,),
        probabilities=Probabilities(confidence=confidence, choices=confidence, scope=scope),
        cross_language=False,
        embedding=np.zeros(4, dtype=np.float32),
        index_id="idx",
    )
    return Found(result=result, together=together)


@dataclass
class Dialogue:
    """Drives the pure parts as the service does, with the real intents and the real moving of contacts."""

    lang: str = "fi"
    policy: Policy = POLICY
    state: EpisodeState = field(default_factory=EpisodeState)
    said: str = ""  #: by the bot, last
    buttons: tuple[Press, ...] = ()

    def say(self, said: str | Press, index: int = 0) -> Decision:
        text, press = ("", said) if isinstance(said, Press) else (said, None)
        moved = move_contacts(text)
        message = Message(
            text=moved.text,
            press=press,
            index=index,
            lang=self.lang,
            intents=INTENTS.classify(moved.text, None, self.lang),
            contacts=bool(moved.contacts),
        )
        look = plan(message, self.state)
        found = [search(look.alone, self.lang)] if look.alone else []
        if look.together:
            found.append(search(look.together, self.lang, together=True))
        chosen = choose(found, message, self.state, self.policy)
        decision = decide(
            message,
            chosen,
            self.state,
            self.policy,
            article_of=lambda key: article(key.id, key.lang),
            form_of={"fraud": FORM}.get,
        )
        self.state = advance(self.state, message, decision, question=chosen.result.query if chosen else "")
        assert EpisodeState.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state
        reply = Reply(decision=decision, state=self.state, language=self.lang, index_id="idx")
        spoken = replace(SPEAKER, desk=self.policy.desk).say(reply)
        self.said, self.buttons = spoken.text, tuple(button.press for button in spoken.buttons)
        return decision


def text(key: str, lang: str) -> str:
    return TEXTS.say(lang, key)


#: In each language: the question, e-mail, "I don't know", two wrong sums, a right one, words, "no need".
WORDS = {
    "fi": (
        "korttia käytetty luvatta",
        "osoite on a@b.fi",
        "en tiedä",
        "paljon",
        "900 €",
        "12,50 €",
        "silloin olin kaupassa",
    ),
    "sv": (
        "någon har använt mitt kort",
        "skriv till a@b.fi",
        "vet inte",
        "mycket",
        "900 €",
        "12,50 €",
        "då var jag i butiken",
    ),
    "en": (
        "someone used my card",
        "write to a@b.fi",
        "i don't know",
        "a lot",
        "€900",
        "€12.50",
        "i was in a shop then",
    ),
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_whole_interview(lang: str) -> None:
    asked, address, unknown, words, too_much, right, more = WORDS[lang]
    dialogue = Dialogue(lang=lang)
    first = dialogue.say(asked)
    assert isinstance(first, HandOff)
    assert first.asks_address
    assert dialogue.said.endswith(text("ask_address", lang))
    assert dialogue.buttons == (Press.SKIP, Press.NO_NEED, Press.ASK_MEANWHILE)
    steps: list[tuple[str | Press, str, Collected | None, str]] = [
        (address, f"what ({lang})?", None, ""),
        (
            Press.CHOICE,
            f"sum ({lang})?",
            Collected(
                form="fraud",
                field="what",
                label=f"What ({lang})?",
                kind=FieldKind.CHOICE,
                value={"fi": "Varastettu", "sv": "Stulet", "en": "Stolen"}[lang],
            ),
            "",
        ),
        (words, f"sum ({lang})?", None, f"At most 500 ({lang})."),
        (too_much, f"sum ({lang})?", None, f"At most 500 ({lang})."),
        (
            right,
            f"card ({lang})?",
            Collected(form="fraud", field="sum", label=f"Sum ({lang})?", kind=FieldKind.NUMBER, value=right),
            "",
        ),
        (
            unknown,
            f"more ({lang})?",
            Collected(
                form="fraud",
                field="card",
                label=f"Card ({lang})?",
                kind=FieldKind.CARD_LAST4,
                skipped=True,
                sensitive=True,
            ),
            "",
        ),
        (more, "", Collected(form="fraud", field="more", label=f"More ({lang})?", value=more), ""),
    ]
    for said, question, collected, wrong in steps:
        sensitive = dialogue.state.interview is not None and dialogue.state.interview.current.field == "card"
        assert dialogue.state.expects_sensitive is sensitive
        decision = dialogue.say(said)
        assert isinstance(decision, Interview), said
        assert (decision.outcome, decision.reason, decision.withdraw) == (
            Outcome.SMALL_TALK,
            Reason.INTERVIEW,
            False,
        )
        assert (decision.collected, decision.wrong) == (collected, wrong), said
        assert question in dialogue.said
        assert dialogue.said.startswith(wrong)
    assert dialogue.said == text("interview_thanks_address", lang)
    assert dialogue.state.owner is Owner.QUEUE
    assert (dialogue.state.interview, dialogue.state.has_address) == (None, True)
    assert dialogue.state.pending is not None
    assert dialogue.state.pending.kind is PromptKind.NO_NEED
    assert list(dialogue.buttons) == [Press.NO_NEED, Press.ASK_MEANWHILE]


def handed_off(lang: str = "fi", policy: Policy = POLICY, *, has_address: bool = False) -> Dialogue:
    dialogue = Dialogue(lang=lang, policy=policy, state=EpisodeState(has_address=has_address))
    assert isinstance(dialogue.say(WORDS[lang][0]), HandOff)
    return dialogue


def test_the_third_mistake_is_taken_as_it_is() -> None:
    dialogue = handed_off(has_address=True)
    dialogue.say("varastettu")
    for said in ("paljon", "tosi paljon"):
        wrong = dialogue.say(said)
        assert isinstance(wrong, Interview)
        assert (wrong.collected, wrong.wrong) == (None, "At most 500 (fi).")
    taken = dialogue.say("enemmän kuin osaan laskea")
    assert isinstance(taken, Interview)
    assert taken.collected is not None
    assert (taken.collected.value, taken.collected.validated) == ("enemmän kuin osaan laskea", False)


def test_an_unknown_choice_is_asked_again_with_the_bots_own_sentence() -> None:
    dialogue = handed_off(has_address=True)
    dialogue.say("sininen")
    assert dialogue.said == f"{text('wrong_choice', 'fi')}\n\nwhat (fi)?"
    assert dialogue.buttons[:3] == (Press.CHOICE, Press.CHOICE, Press.SKIP)
    dialogue.say(Press.CHOICE, index=7)
    assert dialogue.said.startswith(text("wrong_choice", "fi"))


@pytest.mark.parametrize(
    ("lang", "said", "value"),
    [
        ("fi", "varastettu", "Varastettu"),
        ("fi", "toinen", "Kadonnut"),
        ("sv", "det är förlorat", "Förlorat"),
        ("sv", "ettan", "Stulet"),
        ("en", "it was stolen", "Stolen"),
        ("en", "the second one", "Lost"),
        ("en", "i think it was stolen on the bus", "Stolen"),
    ],
)
def test_choices_may_be_typed(lang: str, said: str, value: str) -> None:
    decision = handed_off(lang, has_address=True).say(said)
    assert isinstance(decision, Interview)
    assert decision.collected is not None
    assert decision.collected.value == value


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("fi", "ohita"),
        ("fi", "en tiedä"),
        ("fi", "ei kiitos"),
        ("fi", "ei"),
        ("fi", "en halua antaa"),
        ("sv", "hoppa över"),
        ("sv", "nej tack"),
        ("sv", "vill inte ge"),
        ("en", "skip"),
        ("en", "no thanks"),
        ("en", "I'd rather not"),
        ("en", Press.SKIP),
    ],
)
def test_an_address_may_be_refused_and_the_handoff_stays(lang: str, said: str | Press) -> None:
    dialogue = handed_off(lang)
    decision = dialogue.say(said)
    assert isinstance(decision, Interview)
    assert (decision.withdraw, decision.collected) == (False, None)
    assert dialogue.said == f"what ({lang})?"
    assert dialogue.state.owner is Owner.QUEUE
    assert not dialogue.state.has_address


@pytest.mark.parametrize(
    ("lang", "said"),
    [("fi", "ei tarvitse enää"), ("sv", "behövs inte"), ("en", "never mind"), ("fi", Press.NO_NEED)],
)
@pytest.mark.parametrize("known", [False, True])
def test_no_need_withdraws_at_any_question(lang: str, said: str | Press, known: bool) -> None:
    dialogue = handed_off(lang, has_address=known)
    decision = dialogue.say(said)
    assert isinstance(decision, SmallTalk)
    assert decision.withdraw
    assert (dialogue.state.owner, dialogue.state.interview) == (Owner.NOBODY, None)


@pytest.mark.parametrize(("lang", "said"), [("fi", "joo kiitos"), ("sv", "ja tack"), ("en", "yes please")])
def test_a_mere_yes_names_no_address(lang: str, said: str) -> None:
    dialogue = handed_off(lang)
    for _ in range(MOST_MESSAGES - 1):
        assert isinstance(dialogue.say(said), Interview)
        assert dialogue.said == text("ask_address", lang)
    dialogue.say(said)
    assert not dialogue.state.interviews


@pytest.mark.parametrize(
    ("lang", "said"),
    [("fi", "haluan ihmisen"), ("sv", "jag vill prata med en människa"), ("en", "let me talk to a person")],
)
def test_asking_for_a_person_is_acknowledged_and_the_question_stays(lang: str, said: str) -> None:
    dialogue = handed_off(lang)
    decision = dialogue.say(said)
    assert isinstance(decision, SmallTalk)
    assert (decision.reason, decision.escalate) == (Reason.WAITING, Priority.ASKED)
    assert dialogue.said == text("waiting_team", lang)
    assert dialogue.buttons[0] is Press.SKIP
    assert isinstance(dialogue.say("a@b.fi"), Interview)


def test_a_crisis_ends_the_interview_and_begins_none() -> None:
    dialogue = handed_off(has_address=True)
    decision = dialogue.say("haluan kuolla")
    assert isinstance(decision, SmallTalk)
    assert decision.crisis
    assert (dialogue.state.interview, dialogue.state.owner) == (None, Owner.QUEUE)
    first = Dialogue().say("haluan kuolla")
    assert isinstance(first, HandOff)
    assert first.interview is None


def test_another_question_is_answered_and_the_address_may_still_come() -> None:
    dialogue = handed_off()
    dialogue.say(Press.ASK_MEANWHILE)
    assert isinstance(dialogue.say("pin unohtui"), Answered)
    assert dialogue.state.pending is not None
    assert dialogue.state.pending.kind is PromptKind.HELPED
    decision = dialogue.say("a@b.fi")
    assert isinstance(decision, Interview)
    assert dialogue.said == "what (fi)?"


def test_after_three_other_messages_the_customer_is_left_in_peace() -> None:
    dialogue = handed_off()
    decision = dialogue.say("kuka maksaa kulut")
    assert (decision.reason, dialogue.said) == (Reason.ADDED, text("added_team", "fi"))
    assert dialogue.buttons[:2] == (Press.SKIP, Press.NO_NEED)
    assert isinstance(dialogue.say("kuka ne maksaa"), Silent)
    assert dialogue.state.interviews
    assert isinstance(dialogue.say("kulut ovat kovat"), Silent)
    assert not dialogue.state.interviews
    assert dialogue.state.pending is not None
    assert dialogue.state.pending.kind is PromptKind.NO_NEED


@pytest.mark.parametrize("said", ["kiitos", "ok", "ei muuta"])
def test_small_talk_skips_an_open_question(said: str) -> None:
    dialogue = handed_off(has_address=True)
    for _ in range(3):
        dialogue.say(Press.SKIP)
    assert dialogue.state.interview is not None
    assert dialogue.state.interview.current.field == "more"
    decision = dialogue.say(said)
    assert isinstance(decision, Interview)
    assert decision.collected is not None
    assert decision.collected.skipped
    assert dialogue.said == text("interview_skipped_team", "fi")


@pytest.mark.parametrize("owner", [Owner.AGENT, Owner.EXPERT])
def test_a_person_who_takes_the_conversation_ends_the_interview(owner: Owner) -> None:
    dialogue = handed_off()
    dialogue.state = replace(dialogue.state, owner=owner, pending=None)
    assert isinstance(dialogue.say("a@b.fi"), Silent)
    dialogue.state = replace(dialogue.state, owner=Owner.QUEUE)  # and gives it back
    assert not dialogue.state.interviews
    assert dialogue.state.has_address


@pytest.mark.parametrize(
    ("policy", "state", "asks"),
    [
        (POLICY, EpisodeState(), True),
        (replace(POLICY, answers_later=False), EpisodeState(), False),
        (replace(POLICY, answers_later=False), EpisodeState(wants_address=True), True),
        (POLICY, EpisodeState(has_address=True), False),
    ],
)
def test_an_address_is_asked_for_where_none_is_known_and_people_answer_later(
    policy: Policy, state: EpisodeState, asks: bool
) -> None:
    decision = Dialogue(policy=policy, state=state).say("korttia käytetty luvatta")
    assert isinstance(decision, HandOff)
    assert decision.asks_address is asks
    assert decision.interview is not None  # the form, in any case


def test_an_address_in_the_very_message_is_not_asked_for_again() -> None:
    decision = Dialogue().say("korttia käytetty luvatta, vastatkaa a@b.fi")
    assert isinstance(decision, HandOff)
    assert not decision.asks_address


def test_a_form_is_not_asked_in_a_language_that_it_lacks() -> None:
    finnish = replace(FORM, title={"fi": "vain"})
    message = Message(text="someone used my card", lang="en")
    decision = decide(
        message,
        search(message.text, "en"),
        EpisodeState(has_address=True),
        POLICY,
        article_of=lambda key: article(key.id, key.lang),
        form_of={"fraud": finnish}.get,
    )
    assert isinstance(decision, HandOff)
    assert (decision.form, decision.interview) == ("fraud", None)


def test_a_guessed_articles_form_is_not_asked_and_a_shown_one_is() -> None:
    unsure = Dialogue(state=EpisodeState(has_address=True)).say("en ymmärrä laskua")
    assert isinstance(unsure, HandOff)
    assert unsure.interview is None
    dialogue = Dialogue(policy=replace(POLICY, article_rules=False), state=EpisodeState(has_address=True))
    assert isinstance(dialogue.say("korttia käytetty luvatta"), Answered)
    dialogue.policy = POLICY
    asked = dialogue.say("haluan ihmisen")
    assert isinstance(asked, HandOff)
    assert (asked.form, asked.interview is not None) == ("fraud", True)


# Call-backs


@pytest.mark.parametrize(
    ("lang", "said", "number"),
    [
        ("fi", "soittakaa minulle huomenna iltapäivällä", "040 123 4567"),
        ("sv", "ring mig i morgon eftermiddag", "040 123 4567"),
        ("en", "please call me tomorrow afternoon", "+358 40 123 4567"),
    ],
)
def test_a_wish_to_be_called_asks_for_the_number_once(lang: str, said: str, number: str) -> None:
    dialogue = Dialogue(lang=lang)
    first = dialogue.say(said)
    assert isinstance(first, HandOff)
    assert (first.callback_wish, first.asks_address) == (said, True)
    assert dialogue.said.endswith(text("ask_number", lang))
    given = dialogue.say(number)
    assert isinstance(given, Interview)
    assert dialogue.state.has_phone
    again = dialogue.say(said)
    assert isinstance(again, Interview)
    assert (again.callback_wish, again.asks_address) == (said, False)
    assert dialogue.said == text("callback_team", lang)


def test_a_wish_to_be_called_takes_the_place_of_the_address() -> None:
    dialogue = handed_off()
    wished = dialogue.say("soittakaa mieluummin")
    assert isinstance(wished, Interview)
    assert (wished.reason, wished.escalate) == (Reason.CALLBACK, Priority.ASKED)
    assert dialogue.said == f"{text('callback_team', 'fi')}\n\n{text('ask_number', 'fi')}"
    given = dialogue.say("040 123 4567")
    assert isinstance(given, Interview)
    assert dialogue.said == "what (fi)?"


def test_a_number_and_the_wish_in_one_message() -> None:
    dialogue = handed_off()
    decision = dialogue.say("soittakaa minulle numeroon 040 123 4567")
    assert isinstance(decision, Interview)
    assert (decision.callback_wish, dialogue.state.has_phone) == ("soittakaa minulle numeroon [phone]", True)
    assert decision.escalate is Priority.ASKED
    assert dialogue.said == f"{text('callback_team', 'fi')}\n\nwhat (fi)?"


def test_an_address_with_a_wish_for_a_person_is_an_address() -> None:
    dialogue = handed_off()
    decision = dialogue.say("haluan että ihminen vastaa minulle: a@b.fi")
    assert isinstance(decision, Interview)
    assert dialogue.said == "what (fi)?"


def test_feedback_given_meanwhile_leaves_the_interview_going() -> None:
    dialogue = handed_off()
    dialogue.say(Press.ASK_MEANWHILE)
    answer = dialogue.say("pin unohtui")
    assert isinstance(answer, Answered)
    verdict = Verdict(helped=True, article=answer.hit.key, question="pin unohtui")
    dialogue.state = judged(dialogue.state, verdict)
    assert dialogue.state.interviews
    assert isinstance(dialogue.say("ohita"), Interview)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("fi", "älkää soittako minulle"),
        ("fi", "en halua että minulle soitetaan"),
        ("fi", "yritin soittaa teille"),
        ("sv", "ring inte mig"),
        ("sv", "jag har försökt ringa er"),
        ("en", "don't call me"),
        ("en", "I called you yesterday"),
    ],
)
def test_what_is_no_wish_to_be_called(lang: str, said: str) -> None:
    assert not INTENTS.classify(said, None, lang).callback


# Whatever is typed

SAYINGS: Sequence[str | Press] = (
    *(word for words in WORDS.values() for word in words),
    *(
        "a@b.fi",
        "040 123 4567",
        "1234",
        "kiitos",
        "ok",
        "moi",
        "",
        "?",
        "mitä tämä maksaa?",
        "varastettu",
        "eka",
    ),
    *("soittakaa minulle", "call me", "ring mig", "haluan ihmisen", "haluan kuolla", "haista home", "asdfgh"),
    *("ei", "en", "nej", "no thanks", "ohita", "skip", "pin unohtui", "joo", "ei auttanut", "x" * 600),
    *("ei tarvitse", "never mind"),
    *Press,
)


@settings(max_examples=120, deadline=None)
@given(
    said=st.lists(st.sampled_from(SAYINGS) | st.text(max_size=40), max_size=24),
    lang=st.sampled_from(LANGUAGES),
    desk=st.sampled_from(Desk),
    known=st.booleans(),
)
def test_an_interview_ends_and_only_no_need_undoes_a_handoff(
    said: list[str | Press], lang: str, desk: Desk, known: bool
) -> None:
    dialogue = handed_off(lang, replace(POLICY, desk=desk), has_address=known)
    most = MOST_MESSAGES * (len(FORM.fields) + 2)  # an address, and a number after it
    met = 0  # messages while it was going on; a wish to be called may begin it once more
    for one in said:
        met += dialogue.state.interviews
        decision = dialogue.say(one)
        if dialogue.state.owner is Owner.NOBODY:
            called_off = isinstance(one, str) and read_reply(one, PromptKind.NO_NEED, lang=lang) is not None
            assert one is Press.NO_NEED or called_off
            assert isinstance(decision, SmallTalk)
            assert decision.withdraw
            break
        assert dialogue.state.owner is Owner.QUEUE
        assert not isinstance(decision, HandOff)
        assert met < most or not dialogue.state.interviews
        assert bool(dialogue.said) is not isinstance(decision, Silent)
        if dialogue.state.interviews and isinstance(decision, Interview):
            assert Press.SKIP in dialogue.buttons
            assert Press.NO_NEED in dialogue.buttons
