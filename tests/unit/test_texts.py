from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from botsvc.decisions import Reason
from botsvc.intents import SmallTalkKind
from botsvc.texts import SHIPPED, load_texts
from indexer import SettingsError, split_sentences

TEXTS = load_texts()
VARIABLE = re.compile(r"\{(\w+)\}")
#: Sentences of the bot that tell of a person who got the question; said only where there is a team.
PASSED_ON = (
    "handoff_team",
    "handoff_context",
    "waiting_team",
    "offer_team",
    "promise_made",
    "promise_after_opening",
    "promise_late",
    "interview_thanks_team",
    "interview_thanks_address",
    "interview_skipped_team",
)


@pytest.mark.parametrize("lang", SHIPPED)
def test_each_language_has_every_text_with_the_same_variables(lang: str) -> None:
    reference, texts = TEXTS.all("en"), TEXTS.all(lang)
    assert list(texts) == list(reference)
    for key, text in texts.items():
        assert text.strip(), key
        if key not in ("date", "time"):
            assert set(VARIABLE.findall(text)) == set(VARIABLE.findall(reference[key])), key


@pytest.mark.parametrize("lang", SHIPPED)
def test_at_most_two_sentences_and_one_apology(lang: str) -> None:
    apologies = r"pahoittelu\w*|anteeksi|harmi\w*|valitettavasti|beklagar|tyvärr|ursäkta|synd|sorry"
    sorry = re.compile(rf"\b(?:{apologies})\b", re.IGNORECASE)
    for key, text in TEXTS.all(lang).items():
        assert len(split_sentences(text)) <= 2, key
        assert len(sorry.findall(text)) <= 1, key


def test_the_first_thing_said_is_that_this_is_automatic() -> None:
    for lang, word in {"fi": "automaattinen", "sv": "automatisk", "en": "automatic"}.items():
        assert word in split_sentences(TEXTS.say(lang, "welcome"))[0]


@pytest.mark.parametrize("lang", SHIPPED)
def test_without_a_team_nothing_is_said_to_be_passed_on(lang: str) -> None:
    passed = re.compile(
        r"välit\w+|siirsin|siirrän|ohjasin|saat vastauksen|vastataan|"
        r"skicka\w*|vidarebefordra\w*|koppla\w*|återkommer|"
        r"\bpass(?:ed)?\b|handed|transfer\w*|forward\w*|will (?:reply|answer|contact)|get back",
        re.IGNORECASE,
    )
    about_the_message = ("send", "error_too_many")
    texts = TEXTS.all(lang)
    assert all(passed.search(texts[key]) for key in ("handoff_team", "offer_team"))
    found = {key: text for key, text in texts.items() if passed.search(text)}
    assert found.keys() <= {*PASSED_ON, *about_the_message}


def test_every_small_talk_has_its_text() -> None:
    for kind in SmallTalkKind:
        assert Reason(kind.value)
        assert TEXTS.say("fi", kind.value)


def test_variables_are_filled_in_as_they_are() -> None:
    said = TEXTS.say("fi", "error_too_long", limit=2000)
    assert said == "Viesti on liian pitkä. Lyhennä se niin, että siinä on enintään 2000 merkkiä."
    assert TEXTS.say("en", "low_confidence", "offer_saved") == (
        "I couldn't find an answer I'm sure of. Shall I save your question for customer service?"
    )


def test_dates_times_and_percentages_as_each_language_writes_them() -> None:
    day, morning = datetime.date(2026, 12, 4), datetime.time(8, 5)
    assert [TEXTS.date(lang, day) for lang in SHIPPED] == ["4.12.2026", "4.12.2026", "4 December 2026"]
    assert [TEXTS.time(lang, morning) for lang in SHIPPED] == ["klo 8.05", "kl. 8.05", "8:05"]
    assert [TEXTS.percent(lang, 0.949) for lang in SHIPPED] == ["95 %", "95 %", "95%"]


def test_language_names_and_the_fallback() -> None:
    assert TEXTS.language_name("sv", named_in="fi") == "ruotsi"
    assert TEXTS.language_name("et", named_in="fi") == "et"
    assert TEXTS.say("et", "greeting") == TEXTS.say("en", "greeting")


def test_an_operators_own_sentences_replace_ours(tmp_path: Path) -> None:
    (tmp_path / "fi.yaml").write_text("greeting: 'Terve! Mitä kuuluu?'\n", encoding="utf-8")
    (tmp_path / "README.yaml").write_text("just: notes\n", encoding="utf-8")
    texts = load_texts(tmp_path)
    assert texts.say("fi", "greeting") == "Terve! Mitä kuuluu?"
    assert texts.say("fi", "thanks") == TEXTS.say("fi", "thanks")
    assert texts.say("sv", "greeting") == TEXTS.say("sv", "greeting")


def test_a_further_language_needs_all_texts(tmp_path: Path) -> None:
    (tmp_path / "et.yaml").write_text("greeting: Tere!\n", encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"et\.yaml: \d+ texts are missing, the first is 'welcome': add them"
    ):
        load_texts(tmp_path)
    whole = "\n".join(f'"{key}": {text!r}' for key, text in TEXTS.all("en").items() if "'" not in text)
    rest = "\n".join(f'"{key}": "{text}"' for key, text in TEXTS.all("en").items() if "'" in text)
    (tmp_path / "et.yaml").write_text(f"{whole}\n{rest}\n", encoding="utf-8")
    assert load_texts(tmp_path).languages == ("fi", "sv", "en", "et")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"greetings: Moi", r"fi\.yaml: no text is called 'greetings': did you mean 'greeting'\?"),
        (b"zzzzzz: Moi", r"fi\.yaml: no text is called 'zzzzzz': remove it"),
        (
            b"greeting: Moi {name}",
            r"the text of 'greeting' names \{name\}, which nothing fills in: remove it",
        ),
        (b"greeting: 5", r"the text of 'greeting' is 5: put it in quotes"),
        (b"yes: Joo", r"no text is called 'True'"),
        (b"- a\n- b", r"fi\.yaml holds no list of texts"),
        (b"greeting: [", r"fi\.yaml is not valid YAML"),
        (b"greeting: \xff", r"fi\.yaml is not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "fi.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=sentence):
        load_texts(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist: create it or remove the setting"):
        load_texts(tmp_path / "none")
