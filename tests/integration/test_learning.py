"""Learning from use with a real store, real builds and the real commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from botsvc.cli import main
from botsvc.examples import customer_key
from botsvc.learning.trials import Move, Phrase, Remembering, Said, worse
from botsvc.storage import StoredExample, open_storage
from indexer import EXAMPLES, Builder, Index, builds, current_build
from indexer.testing import HashEncoder

NOW = datetime.now(UTC)
TITLES = {"card": "Lost card", "lunch": "Lunch benefit", "gym": "Gym benefit", "bus": "Bus tickets"}
QUESTION = "zebra crossing closed"


class Place:
    """A help center in a folder, with its commands."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "index"
        self.kb = folder / "articles.jsonl"
        self.database = f"sqlite:///{folder / 'store.sqlite'}"
        self.labels = folder / "labels.jsonl"
        self.write_kb(TITLES)
        Builder(kb=self.kb, root=self.root, encoder=HashEncoder()).build()

    def write_kb(self, titles: Mapping[str, str]) -> None:
        records = [
            {
                "id": name,
                "lang": "en",
                "title": title,
                "body": f"Everything about {title.lower()}.",
                "questions": [f"tell me about {title.lower()}"],
                "tests": [f"what of {title.lower()}"],
            }
            for name, title in titles.items()
        ]
        self.kb.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")

    def say(self, customer: str, article: str = "bus", text: str = QUESTION, **more: Any) -> StoredExample:  # noqa: ANN401
        """Keep a customer's feedback, as the service does."""
        key = customer_key(f"c_{customer}")
        fields = {"helped": True, "network": f"n_{customer}", "at": NOW, **more}
        row = StoredExample(
            id=f"e_{customer}_{article}",
            article_id=article,
            lang="en",
            text=text,
            source="customer",
            decision="",
            customer=key,
            **fields,
        )
        storage = open_storage(self.database)
        with storage.write() as writing:
            writing.save_example(row)
        storage.close()
        return row

    def label(self, *labels: dict[str, Any]) -> str:
        lines = "".join(json.dumps({"lang": "en", "source": "qa", **one}) + "\n" for one in labels)
        self.labels.write_text(lines, encoding="utf-8")
        return str(self.labels)

    def call(self, command: str, *args: str) -> Result:
        places = ("--index", str(self.root), "--kb", str(self.kb), "--database", self.database)
        return CliRunner().invoke(main, ["kb", command, *places, *args])

    def learn(self, *args: str, code: int = 0) -> dict[str, Any]:
        done = self.call("learn", "--json", *args)
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def first(self, question: str = QUESTION) -> str:
        return Index.load(self.root, encoder=HashEncoder()).search(question).hits[0].article_id

    def holds(self, text: str) -> list[str]:
        """Files below the index that hold a text."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return [path.name for path in files if text.encode() in path.read_bytes()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("indexer.index.open_encoder", lambda name: HashEncoder())
    # Without a real encoder the index is sure of anything.
    monkeypatch.setenv("HELPPARI_LEARNING__CONTRADICTION_CONFIDENCE", "1")
    return Place(tmp_path)


def whys(judgements: list[dict[str, Any]]) -> list[str]:
    return [one["why"] for one in judgements]


def test_two_customers_move_an_answer_when_an_editor_applies_it(place: Place) -> None:
    before = place.first()
    article = next(name for name in TITLES if name != before)
    place.say("1", article)
    place.say("2", article, "the zebra crossing is closed")
    served = current_build(place.root)
    shown = place.learn()
    assert whys(shown["approved"]) == ["customers", "customers"]
    moved = {one["text"]: one for one in shown["moves"]}
    assert (moved[QUESTION]["before"]["article_id"], moved[QUESTION]["after"]["article_id"]) == (
        before,
        article,
    )
    assert (shown["applied"], current_build(place.root), place.first()) == (False, served, before)
    assert not (place.root / EXAMPLES).exists()
    assert not list(place.root.glob(".trial-*"))
    applied = place.learn("--apply")
    assert (applied["applied"], applied["build_id"]) == (True, current_build(place.root))
    assert place.first() == article
    again = place.learn()
    assert (len(again["approved"]), again["moves"], again["asked"]) == (2, [], 0)


def test_one_customer_with_fifty_confirmations_moves_nothing(place: Place) -> None:
    before = place.first()
    for number in range(50):
        # Another conversation each time, from one network; and one customer from many.
        place.say(f"attacker{number}", "bus", f"{QUESTION} {number}", network="n_attacker")
    for article in TITLES:
        place.say("lonely", article, f"giraffe on the roof of {article}")
    served = current_build(place.root)
    shown = place.learn("--apply")
    assert shown["approved"] == []
    assert set(whys(shown["held_back"])) <= {"one_network", "daily_limit", "few_customers"}
    assert (place.first(), Index.load(place.root, encoder=HashEncoder()).build_id) == (before, served)


def test_forgetting_a_customer_leaves_no_trace_in_any_build(place: Place) -> None:
    place.say("1", text="my zebra is closed since tuesday")
    place.say("2", text="my zebra is closed since monday")
    place.learn("--apply")
    place.learn("--apply", "--labels", place.label({"article_id": "gym", "text": "giraffe weights"}))
    assert len(builds(place.root)) > 1
    assert place.holds("tuesday")
    done = place.call("forget", "--customer", "c_1")
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("forgot 1 example; build ")
    assert place.holds("tuesday") == []
    assert builds(place.root) == (current_build(place.root),)
    assert place.holds("giraffe weights")
    # The other customer alone is not enough any more, and leaves with the next lesson.
    left = place.learn("--apply")
    assert (whys(left["held_back"]), left["leaving"]) == (["few_customers"], 1)
    assert place.holds("monday") == []
    nobody = place.call("forget", "--customer", customer_key("c_1"), "--json")
    assert json.loads(nobody.stdout) == {"forgotten": 0, "build_id": None}


def test_feedback_whose_time_is_over_leaves_the_index_too(place: Place) -> None:
    for customer in ("1", "2"):
        place.say(customer, at=NOW - timedelta(days=9))
    place.learn("--apply")
    storage = open_storage(place.database)
    with storage.write() as writing:
        assert writing.delete_old_examples(since=NOW - timedelta(days=1), limit=10) == 2
    storage.close()
    assert place.learn("--apply")["leaving"] == 1
    assert place.holds(QUESTION) == []


def test_labels_are_kept_once_and_a_wrong_one_is_shown(place: Place) -> None:
    labels = place.label(
        {"article_id": "gym", "text": "giraffe weights, 131052-308T"},
        {"article_id": "gym", "text": "what is the lost card", "date": "2026-11-01"},
        {"article_id": "sauna", "text": "steam"},
        {"article_id": "gym", "text": "from a customer", "source": "customer"},
        {"article_id": "gym", "text": "odd", "colour": "red"},
    )
    shown = place.learn("--labels", labels)
    by_text = {one["text"]: one for one in [*shown["approved"], *shown["held_back"]]}
    assert by_text["giraffe weights, [henkilötunnus ****308T]"]["why"] == "person"
    assert by_text["steam"]["why"] == "gone"
    assert any("1 examples of customers are left out" in warning for warning in shown["warnings"])
    assert any('unknown key "colour"' in warning for warning in shown["warnings"])
    assert place.learn()["approved"] == []  # nothing was kept
    place.learn("--apply", "--labels", labels)
    first = {one["id"] for one in place.learn()["approved"]}
    place.learn("--apply", "--labels", labels)
    assert {one["id"] for one in place.learn()["approved"]} == first
    assert place.holds("131052-308T") == []


def test_an_editor_accepts_and_rejects_by_hand(place: Place) -> None:
    row = place.say("1")
    assert whys(place.learn("--accept", row.id)["approved"]) == ["accepted"]
    assert place.learn()["approved"] == []
    place.learn("--apply", "--accept", row.id)
    assert whys(place.learn()["approved"]) == ["accepted"]
    rejected = place.learn("--apply", "--reject", row.id)
    assert (rejected["approved"], whys(rejected["held_back"])) == ([], ["refused"])
    unknown = place.call("learn", "--accept", "e_none")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "there is no example e_none" in unknown.stderr


def test_what_makes_the_tests_worse_is_not_applied(place: Place) -> None:
    accept = ("--accept", place.say("1", "bus", "what of lost card").id)
    served = current_build(place.root)
    shown = place.learn(*accept, "--apply", code=1)
    assert shown["tests_lost"] > shown["tests_won"] == 0
    assert (shown["applied"], current_build(place.root)) == (False, served)
    assert any(one["lost"] and one["kind"] == "test" for one in shown["moves"])
    told = place.call("learn", *accept)
    assert told.exit_code == 1
    assert "LOST test en" in told.stdout
    assert place.learn(*accept, "--apply", "--force")["applied"] is True


@pytest.mark.parametrize(
    ("before", "after", "harm"),
    [
        (("card", "answered"), ("bus", "handed_off"), True),
        (("card", "handed_off"), ("bus", "answered"), True),
        (("card", "clarified"), ("bus", "clarified"), True),
        (("card", "handed_off"), ("bus", "handed_off"), False),
        (("bus", "answered"), ("card", "answered"), False),
        (("bus", "answered"), ("gym", "answered"), False),
        (("card", "answered"), ("card", "handed_off"), False),
    ],
)
def test_a_test_that_shows_another_article_is_worse(
    before: tuple[str, str], after: tuple[str, str], harm: bool
) -> None:
    def said(article: str, outcome: str) -> Said:
        return Said(article_id=article, outcome=outcome, confidence=0.5)

    phrase = Phrase(kind="test", text="x", lang="en", expected="card")
    move = Move(phrase=phrase, before=said(*before), after=said(*after))
    assert worse([move]) is harm
    assert worse([replace(move, phrase=replace(phrase, kind="question"))]) is False
    won = Move(phrase=phrase, before=said("bus", "answered"), after=said("card", "answered"))
    assert worse([move, won]) is False
    logged = Move(
        phrase=replace(phrase, kind="logged", expected=""), before=said(*before), after=said(*after)
    )
    assert (logged.lost, logged.won) == (False, False)


def test_without_a_store_or_with_a_wrong_call(place: Place, tmp_path: Path) -> None:
    shown = place.learn("--out", str(tmp_path / "out.jsonl"))
    assert (shown["approved"], shown["held_back"]) == ([], [])
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == ""
    assert not (tmp_path / "store.sqlite").exists()
    for args, sentence in (
        (["--labels", "none.jsonl"], "none.jsonl cannot be read"),
        (["--index", "nowhere"], "there is no index at nowhere"),
        (["--kb", "nowhere"], "there is no knowledge base at nowhere"),
        (["--database", "mysql://x"], "use sqlite:///path or postgresql://"),
    ):
        done = place.call("learn", *args)
        assert (done.exit_code, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_encoder_that_remembers_gives_the_same_vectors() -> None:
    plain, remembering = HashEncoder(), Remembering(HashEncoder())
    texts = ["card", "lunch", "card"]
    assert (remembering.encode_queries(texts) == plain.encode_queries(texts)).all()
    assert (remembering.encode_queries(["gym", "card"]) == plain.encode_queries(["gym", "card"])).all()
    assert remembering.encode_queries([]).shape == (0, 64)
    assert (remembering.fingerprint, remembering.dim) == (plain.fingerprint, plain.dim)


def test_the_group_has_the_commands_of_other_rooms() -> None:
    done = CliRunner().invoke(main, ["kb", "--help"])
    assert done.exit_code == 0
    assert "\n  learn " in done.stdout
    assert "\n  forget " in done.stdout
    assert CliRunner().invoke(main, ["kb", "nothing"]).exit_code == 2
