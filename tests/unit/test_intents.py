"""Asking for a person: the shipped model on plain cases, the nets' sums, and what a word is read as."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from botsvc.intent_features import NGRAM_SIZE, Flag, concepts, grams, read
from botsvc.intent_net import Nets
from botsvc.intent_text import lexicons
from botsvc.intents import IntentModel, message

ASKED = [
    ("fi", "aspa"),
    ("fi", "haluan puhua ihmiselle"),
    ("fi", "Voisitteko yhdistää minut asiakaspalvelijalle?"),
    ("fi", "en halua puhua botille"),
    ("sv", "kundtjänst"),
    ("sv", "jag vill prata med en människa"),
    ("sv", "koppla mig till en handläggare tack"),
    ("en", "agent please"),
    ("en", "I want to talk to a real person"),
    ("en", "can someone call me back"),
]
NOT_ASKED = [
    ("fi", "en halua puhua ihmiselle"),
    ("fi", "mistä löydän laskuni"),
    ("fi", "miten henkilöstöetu otetaan käyttöön"),
    ("sv", "jag vill inte prata med någon"),
    ("sv", "hur ändrar jag min adress"),
    ("sv", "är personalförmånen skattefri"),
    ("en", "I don't want to talk to a human"),
    ("en", "how do I reset my password"),
    ("en", "operators"),
]


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return IntentModel.load()


@pytest.mark.parametrize(("lang", "text"), ASKED)
def test_a_request_for_a_person_is_found_by_its_wording_alone(
    model: IntentModel, lang: str, text: str
) -> None:
    assert model.classify(text, None, lang).human_request >= 0.5


@pytest.mark.parametrize(("lang", "text"), NOT_ASKED)
def test_a_look_alike_or_refusal_asks_for_nobody(model: IntentModel, lang: str, text: str) -> None:
    assert model.classify(text, None, lang).human_request < 0.5


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("fi", "joo kiitos"),
        ("fi", "Kyllä kiitos!"),
        ("sv", "ja tack"),
        ("sv", "Gärna"),
        ("en", "Yes, please."),
    ],
)
def test_a_mere_yes_asks_for_nobody(model: IntentModel, lang: str, text: str) -> None:
    assert model.classify(text, None, lang).human_request < 0.5


def test_an_empty_message_asks_for_nobody(model: IntentModel) -> None:
    assert model.classify("", None, "fi").human_request < 0.5


def test_who_is_meant_is_heard_inside_a_compound() -> None:
    assert "role" in concepts()["sv"].of("studiehandledaren")
    assert "agent" in concepts()["fi"].of("lainaneuvojalle")


@pytest.mark.parametrize(("word", "look"), [("0401234567", "telephone"), ("42", "number")])
def test_numbers_are_told_from_telephone_numbers(word: str, look: str) -> None:
    assert concepts()["en"].of(word) == (look,)


def test_a_word_is_read_with_its_negation_and_its_clause_with_a_mark() -> None:
    lexicon, table = lexicons()["en"], concepts()["en"]
    words = message("I have a question, don't call me!", lexicon, table).words
    flags = {word.text: word.flags for word in words}
    assert Flag.NEGATED in flags["call"]
    assert [word.flags for word in words].count((Flag.BREAK,)) == 1
    assert words[-1].flags == (Flag.CALLED,)


def test_nothing_to_read_is_one_mark() -> None:
    lexicon, table = lexicons()["en"], concepts()["en"]
    assert len(read("", [], [], alone=False, lexicon=lexicon, table=table)) == 1


def test_letters_fall_into_buckets() -> None:
    assert grams("") == []
    assert all(0 <= bucket < NGRAM_SIZE for bucket in grams("asiakaspalvelija"))


@pytest.fixture(scope="module")
def record() -> dict[str, object]:
    source = resources.files("botsvc.intents_data").joinpath("model.json").read_bytes()
    nets: dict[str, object] = json.loads(source)["nets"]
    return nets


def test_an_embedding_changes_the_scores_and_words_met_before_do_not(record: dict[str, object]) -> None:
    nets = Nets.from_json(record)
    words = message("can I talk to someone", lexicons()["en"], concepts()["en"]).words
    alone = nets.scores(words, None, "en")
    assert nets.scores(words, None, "en") == alone
    view = np.asarray(nets.centre + 0.05, dtype=np.float32)
    assert nets.scores(words, view, "en") != alone


def test_nets_fitted_to_other_concepts_are_refused(record: dict[str, object]) -> None:
    names = record["names"]
    assert isinstance(names, list)
    with pytest.raises(ValueError, match="concepts"):
        Nets.from_json({**record, "names": names[1:]})


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("how do I send my account money", "en"),
        ("please extend my loan", "en"),
        ("What happens when I suspend my computer?", "en"),
        ("I'd like to end my subscription", "en"),
        ("hinta on ihan tajuton", "fi"),
        ("mitä vakuutus korvaa jos on tulipalo", "fi"),
        ("kortet slutade fungera, jag orkar inte vänta", "sv"),
    ],
)
def test_ordinary_words_are_no_crisis(text: str, lang: str) -> None:
    assert not IntentModel.load().classify(text, None, lang).crisis


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("I just want to end it all", "en"),
        ("my husband hit me and I'm afraid for my life", "en"),
        ("my mother is not breathing", "en"),
        ("pelkään että hän tappaa minut", "fi"),
        ("en jaksa enää elämää", "fi"),
        ("pappa är medvetslös, vad gör jag", "sv"),
        ("jag är i fara här hemma", "sv"),
    ],
)
def test_somebody_in_danger_is_noticed(text: str, lang: str) -> None:
    assert IntentModel.load().classify(text, None, lang).crisis
