"""Answers to a form's questions: what fits, how a message is read, and what a step does."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botsvc.form_filling import (
    LONGEST_VALUE,
    MOST_MESSAGES,
    Asks,
    Progress,
    Question,
    checked,
    questions_of,
    reply_in,
    step,
)
from botsvc.typed_replies import PromptKind, Reply, ReplyKind
from indexer import Choice, FieldKind, Form, FormField

ANSWER, SKIP = Reply(kind=ReplyKind.ANSWER), Reply(kind=ReplyKind.SKIP)


def asked(
    kind: FieldKind = FieldKind.TEXT, *, minimum: str = "", maximum: str = "", pattern: str = ""
) -> Question:
    choices = ("Kyllä", "En ole", "Sulkeminen ei onnistu") if kind is FieldKind.CHOICE else ()
    return Question(
        asks=Asks.FIELD,
        form="f",
        field="a",
        label="A",
        text="A?",
        kind=kind,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        pattern=pattern,
    )


DATE, NUMBER, LAST4 = asked(FieldKind.DATE), asked(FieldKind.NUMBER), asked(FieldKind.CARD_LAST4)
ADDRESS = Question(asks=Asks.ADDRESS)


@pytest.mark.parametrize(
    ("question", "said", "kept"),
    [
        (asked(), "  ei   aukea ", "ei aukea"),
        (asked(), "...", None),
        (asked(), "x" * 600, "x" * LONGEST_VALUE),
        (asked(pattern="[0-9]{4}"), "1234", "1234"),
        (asked(pattern="[0-9]{4}"), "12345", None),
        (asked(pattern="[0-9]{4}"), "lasku 1234", None),
        (DATE, "12.11.2026", "12.11.2026"),
        (DATE, "joskus 12.11.", "joskus 12.11."),
        (DATE, "2026-11-12", "2026-11-12"),
        (DATE, "29.2.", "29.2."),
        (DATE, "29.2.2025", None),
        (DATE, "31.4.", None),
        (DATE, "12.13.", None),
        (DATE, "eilen illalla", "eilen illalla"),
        (DATE, "i går", "i går"),
        (DATE, "last Monday", "last Monday"),
        (DATE, "en muista tarkkaan", None),
        (replace(DATE, minimum="2026-01-01"), "31.12.2025", None),
        (replace(DATE, maximum="2026-06-30"), "1.7.2026", None),
        (replace(DATE, maximum="2026-06-30"), "30.6.26", "30.6.26"),
        (NUMBER, "12,50 €", "12,50 €"),
        (NUMBER, "noin 1 250 euroa", "noin 1 250 euroa"),
        (NUMBER, "kaksitoista", None),
        (NUMBER, "10 tai 20", None),
        (replace(NUMBER, minimum="1"), "0,5", None),
        (replace(NUMBER, minimum="0"), "-3", None),
        (replace(NUMBER, maximum="1000"), "1 000,00", "1 000,00"),
        (replace(NUMBER, maximum="1000"), "1 001", None),
        (LAST4, "1234", "1234"),
        (LAST4, "loppu on 1234.", "1234"),
        (LAST4, "[card ****4321]", "4321"),
        (LAST4, "123", None),
        (LAST4, "12345", None),
        (LAST4, "1234 5678", None),
        (asked(FieldKind.EMAIL), "[e-mail]", "[e-mail]"),
        (asked(FieldKind.EMAIL), "aino at example", None),
        (asked(FieldKind.PHONE), "se on [phone]", "se on [phone]"),
        (asked(FieldKind.PHONE), "[e-mail]", None),
        (asked(FieldKind.CHOICE), "sininen", None),
    ],
)
def test_what_fits(question: Question, said: str, kept: str | None) -> None:
    assert checked(question, said) == kept


@pytest.mark.parametrize(
    ("question", "said", "kind"),
    [
        (asked(), "miksi näin kävi?", ReplyKind.ANSWER),  # to an open question anything is an answer
        (asked(), "ei", ReplyKind.ANSWER),
        (asked(), "ei enää", ReplyKind.ANSWER),
        (asked(), "inte längre", ReplyKind.ANSWER),
        (asked(), "en tiedä", ReplyKind.SKIP),
        (asked(), "ei tarvitse", ReplyKind.NO_NEED),
        (asked(), "Cancel, says the button", ReplyKind.ANSWER),
        (DATE, "ei", ReplyKind.SKIP),
        (DATE, "ei nyt", ReplyKind.SKIP),
        (DATE, "miten suljen kortin?", None),
        (DATE, "eilenkö muka?", ReplyKind.ANSWER),  # too short to be a question of its own
        (DATE, "oliko se 12.11. vai?", ReplyKind.ANSWER),
        (asked(FieldKind.CHOICE), "kyllä", ReplyKind.CHOICE),
        (asked(FieldKind.CHOICE), "sulkeminen ei onnistu", ReplyKind.CHOICE),
        (asked(FieldKind.CHOICE), "kolmas", ReplyKind.CHOICE),
        (asked(FieldKind.CHOICE), "en muista", ReplyKind.SKIP),
        (ADDRESS, "korttini katosi eilen", None),
        (ADDRESS, "ei kiitos", ReplyKind.SKIP),
        (ADDRESS, "ei", ReplyKind.SKIP),
        (ADDRESS, "peruuta", ReplyKind.NO_NEED),
        (ADDRESS, "ei tarvitse enää, kortti löytyi", ReplyKind.NO_NEED),
        (ADDRESS, "", None),
    ],
)
def test_how_a_message_is_read(question: Question, said: str, kind: ReplyKind | None) -> None:
    reply = reply_in(Progress(questions=(question,)), said, contacts=False, lang="fi")
    assert (reply and reply.kind) == kind


def test_contacts_answer_the_address_whatever_else_is_said() -> None:
    progress = Progress(questions=(ADDRESS,))
    assert reply_in(progress, "ei muuta kuin [e-mail]", contacts=True, lang="fi") == ANSWER


def test_a_skipped_and_a_sensitive_answer_say_so() -> None:
    progress = Progress(questions=(replace(LAST4, sensitive=True), asked()))
    skipped = step(progress, SKIP, "ohita")
    assert skipped.collected is not None
    assert (skipped.collected.skipped, skipped.collected.value, skipped.given) == (True, "", 0)
    assert skipped.after == Progress(questions=(asked(),))
    answered = step(progress, ANSWER, "1234")
    assert answered.collected is not None
    assert (answered.collected.sensitive, answered.collected.value, answered.given) == (True, "1234", 1)


def test_an_empty_last_try_is_skipped() -> None:
    progress = Progress(questions=(asked(FieldKind.CHOICE),), tries=MOST_MESSAGES - 1)
    last = step(progress, Reply(kind=ReplyKind.CHOICE, index=9), "")
    assert last.collected is not None
    assert (last.collected.skipped, last.after) == (True, None)


def test_the_address_collects_no_fact() -> None:
    progress = Progress(questions=(ADDRESS, DATE))
    for reply, count in ((ANSWER, 1), (SKIP, 0)):
        taken = step(progress, reply, "[e-mail]")
        assert (taken.collected, taken.given, taken.wrong) == (None, count, False)
        assert taken.after == Progress(questions=(DATE,), given=count)


def test_questions_are_asked_in_one_language_or_not_at_all() -> None:
    form = Form(
        id="f",
        title={"fi": "T", "sv": "T"},
        fields=(
            FormField(
                name="a",
                kind=FieldKind.CHOICE,
                label={"fi": "Nimi", "sv": "Namn"},
                question={"fi": "Kumpi?", "sv": "Vilken?"},
                help={"fi": "Valitse."},
                choices=(Choice(value="x", label={"fi": "Tämä", "sv": "Den här"}),),
            ),
        ),
    )
    (question,) = questions_of(form, "sv")
    assert (question.text, question.label, question.help, question.choices) == (
        "Vilken?",
        "Namn",
        "",
        ("Den här",),
    )
    assert questions_of(form, "en") == ()
    assert question.prompt is PromptKind.FORM


@given(
    said=st.text(max_size=80),
    kind=st.sampled_from(FieldKind),
    tries=st.integers(0, MOST_MESSAGES - 1),
    reply=st.sampled_from([ANSWER, SKIP, Reply(kind=ReplyKind.CHOICE, index=2)]),
)
def test_a_step_goes_on_or_counts(said: str, kind: FieldKind, tries: int, reply: Reply) -> None:
    progress = Progress(questions=(asked(kind), asked()), tries=tries, lang="fi")
    taken = step(progress, reply, said)
    assert taken.after is not None
    assert Progress.from_json(json.loads(json.dumps(asdict(taken.after)))) == taken.after
    if taken.wrong:
        assert (taken.collected, taken.after.current, taken.after.tries) == (None, asked(kind), tries + 1)
        assert tries < MOST_MESSAGES - 1
    else:
        assert taken.collected is not None
        assert (taken.after.current, taken.after.tries) == (asked(), 0)
        assert taken.collected.skipped is not bool(taken.collected.value)
