from __future__ import annotations

import pytest

from botsvc.typed_replies import PromptKind, Reply, ReplyKind, read_choice, read_reply

YES = Reply(kind=ReplyKind.YES)
NO = Reply(kind=ReplyKind.NO)
NONE = Reply(kind=ReplyKind.NONE_OF_THESE)
NO_NEED = Reply(kind=ReplyKind.NO_NEED)
TITLES = ("Kortti hukassa", "Uuden kortin tilaus", "PIN-koodi")


def choice(index: int) -> Reply:
    return Reply(kind=ReplyKind.CHOICE, index=index)


CARD = ("Kortti on kadonnut", "Kortti varastettiin", "En ole varma")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kadonnut", 0),
        ("se varastettiin junassa", 1),
        ("2", 1),
        ("en ole", 2),
        ("kortti", None),  # of two
        ("ei se ole kadonnut", None),
        ("kadonnut tai varastettiin", None),
        ("jotain muuta", None),
        ("", None),
    ],
)
def test_a_choice_by_a_telling_word(text: str, place: int | None) -> None:
    assert read_choice(text, CARD, lang="fi") == place


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("joo", "fi", YES),
        ("Jooooo!!", "fi", YES),
        ("kyllä", "fi", YES),
        ("kylla kiitos", "fi", YES),
        ("auttoi, kiitos", "fi", YES),
        ("👍", "fi", YES),
        ("ei", "fi", NO),
        ("no ei", "fi", NO),
        ("ei auttanut", "fi", NO),
        ("Ei valitettavasti auttanut...", "fi", NO),
        ("ei toiminutkaan", "fi", NO),
        ("no", "fi", None),  # "well"
        ("ja", "fi", None),  # "and"
        ("ja", "sv", YES),
        ("jå", "sv", YES),
        ("ja tack", "sv", YES),
        ("nej tyvärr", "sv", NO),
        ("nä", "sv", NO),
        ("det hjälpte inte", "sv", NO),
        ("det hjalpte", "sv", YES),  # without dots
        ("en", "sv", None),  # "one"
        ("yes", "en", YES),
        ("Yep, that helped!", "en", YES),
        ("no", "en", NO),
        ("it didn’t help", "en", NO),
        ("👎", "en", NO),
        ("no", "sv", NO),  # customers mix languages
        ("miten tilaan kortin", "fi", None),
        ("ei kortti toimi automaatilla", "fi", None),  # a question of its own
        ("", "fi", None),
        ("!?", "fi", None),
    ],
)
def test_did_this_help(text: str, lang: str, expected: Reply | None) -> None:
    assert read_reply(text, PromptKind.HELPED, lang=lang) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ei, haluan tilata uuden kortin", Reply(kind=ReplyKind.NO, rest="haluan tilata uuden kortin")),
        ("ei vaan miten suljen kortin?", Reply(kind=ReplyKind.NO, rest="miten suljen kortin?")),
        ("Nej, jag menade fakturan", Reply(kind=ReplyKind.NO, rest="jag menade fakturan")),
        ("no. what about invoices?", Reply(kind=ReplyKind.NO, rest="what about invoices?")),
        ("joo auttoi. entä laskut?", Reply(kind=ReplyKind.YES, rest="entä laskut?")),
        ("joo, kiitos, auttoi", YES),
        ("kiitos, joo", YES),
        ("haluan, ei", None),
    ],
)
def test_a_reply_with_more_behind_it(text: str, expected: Reply | None) -> None:
    assert read_reply(text, PromptKind.HELPED) == expected


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("eka", "fi", choice(0)),
        ("se eka", "fi", choice(0)),
        ("ensimmäinen", "fi", choice(0)),
        ("toinen", "fi", choice(1)),
        ("kolmonen kiitos", "fi", choice(2)),
        ("viimeinen", "fi", choice(2)),
        ("keskimmäinen", "fi", choice(1)),
        ("2", "fi", choice(1)),
        ("2.", "fi", choice(1)),
        ("#3", "en", choice(2)),
        ("4", "fi", None),
        ("den första", "sv", choice(0)),
        ("den andra", "sv", choice(1)),
        ("tredje", "sv", choice(2)),
        ("the second one please", "en", choice(1)),
        ("the last one", "en", choice(2)),
        ("pin-koodi", "fi", choice(2)),  # the label itself
        ("UUDEN KORTIN TILAUS!", "fi", choice(1)),
        ("ei mikään näistä", "fi", NONE),
        ("ei kumpikaan", "fi", NONE),
        ("inget av dessa", "sv", NONE),
        ("none of these", "en", NONE),
        ("ei", "fi", NONE),
        ("joo", "fi", YES),
        ("kortti katosi junassa", "fi", None),
    ],
)
def test_which_of_these(text: str, lang: str, expected: Reply | None) -> None:
    assert read_reply(text, PromptKind.CHOICES, lang=lang, labels=TITLES) == expected


def test_ordinals_need_so_many_choices() -> None:
    assert read_reply("kolmas", PromptKind.CHOICES, labels=TITLES[:2]) is None
    assert read_reply("viimeinen", PromptKind.CHOICES, labels=TITLES[:2]) == choice(1)
    assert read_reply("keskimmäinen", PromptKind.CHOICES, labels=TITLES[:2]) is None


def test_a_label_shown_twice_names_none() -> None:
    assert read_reply("kortti", PromptKind.CHOICES, labels=("Kortti", "Kortti")) is None


def test_who_is_asking() -> None:
    labels = ("Työntekijä", "Työnantaja")
    assert read_reply("työnantaja", PromptKind.AUDIENCE, labels=labels) == choice(1)
    assert read_reply("eka", PromptKind.AUDIENCE, labels=labels) == choice(0)
    assert read_reply("ei kumpikaan", PromptKind.AUDIENCE, labels=labels) == NONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kyllä kiitos", YES),
        ("ok", YES),
        ("gärna", YES),
        ("yes please", YES),
        ("ei kiitos", NO),
        ("nej tack", NO),
        ("no thanks", NO),
        ("ei tarvitse", NO),
        ("miksi?", None),
    ],
)
def test_shall_a_person_look_at_it(text: str, expected: Reply | None) -> None:
    assert read_reply(text, PromptKind.OFFER_PERSON) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ei tarvitse enää", NO_NEED),
        ("ei tarvii", NO_NEED),
        ("löysin jo", NO_NEED),
        ("det behövs inte längre", NO_NEED),
        ("never mind", NO_NEED),
        ("peruuta", NO_NEED),
        ("ei", None),  # too little to call a person off
        ("nej", None),
        ("no", None),
        ("kiitos", None),
    ],
)
def test_calling_a_person_off(text: str, expected: Reply | None) -> None:
    assert read_reply(text, PromptKind.NO_NEED) == expected
