"""The linear probe: what examples teach, and that nothing it has not seen leaks into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import ArticleKey, Builder, Index, IndexDamaged, builds, current_build
from indexer.probe import FILE, PlacedProbe, Probe
from indexer.ranking import Feature
from indexer.testing import HashEncoder, tiny_index

#: Two articles that say the same, and only people's words for them tell them apart.
TWINS: list[dict[str, Any]] = [
    {"id": "desk", "lang": "en", "title": "Moving", "body": "Tell us about it in the app."},
    {"id": "home", "lang": "en", "title": "Moving", "body": "Tell us about it in the app."},
    {"id": "gym", "lang": "en", "title": "Gym", "body": "Pay at the counter with the card."},
]
ASKED = {
    "desk": ["new office chair", "our office goes elsewhere", "workplace changes"],
    "home": ["new flat", "changed my street", "another town for me"],
    "gym": ["paying for sport"],
}


def with_examples() -> list[dict[str, Any]]:
    return [record | {"questions": ASKED[record["id"]]} for record in TWINS]


def probed(index: Index, text: str) -> dict[str, float]:
    ranked = index.rank(text)
    column = ranked.candidates.features[:, Feature.PROBE].tolist()
    return {key.id: score for key, score in zip(ranked.keys, column, strict=True)}


def test_examples_tell_twins_apart(tmp_path: Path) -> None:
    index = tiny_index(with_examples(), tmp_path)
    assert set(index.probe.keys) == {ArticleKey("en", name) for name in ASKED}
    for text, expected in [("the office is elsewhere now", "desk"), ("a street in another town", "home")]:
        scores = probed(index, text)
        assert max(scores, key=scores.__getitem__) == expected
        assert index.search(text).hits[0].article_id == expected


def test_without_examples_there_is_none(tmp_path: Path) -> None:
    index = tiny_index(TWINS, tmp_path)
    assert index.probe.keys == ()
    assert set(probed(index, "the office is elsewhere now").values()) == {0.0}


def test_two_articles_are_opposites(tmp_path: Path) -> None:
    index = tiny_index(with_examples()[:2], tmp_path)
    scores = probed(index, "new office")
    assert scores["desk"] > scores["home"]
    assert index.probe.weights.sum(axis=0) == pytest.approx(np.zeros(64), abs=2e-3)


def test_the_weight_grows_with_the_examples(tmp_path: Path) -> None:
    spread = []
    for count in (1, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        few = [record | {"questions": record["questions"][:count]} for record in with_examples()]
        scores = probed(tiny_index(few, folder), "our office goes")
        spread.append(max(scores.values()) - min(scores.values()))
    assert 0 < spread[0] < spread[1]


def test_what_is_taken_away_was_never_learned(tmp_path: Path) -> None:
    index = tiny_index(with_examples(), tmp_path)
    less = index.without([ArticleKey("en", "home")])
    (tmp_path / "less").mkdir()
    alone = tiny_index([r for r in with_examples() if r["id"] != "home"], tmp_path / "less")
    assert less.probe.keys == alone.probe.keys
    assert less.probe.weights == pytest.approx(alone.probe.weights)


def test_questions_left_out_teach_nothing(tmp_path: Path) -> None:
    index = tiny_index(with_examples(), tmp_path)
    segment = index.snapshot.parts[0].segment
    every = {0: range(segment.questions.count)}
    assert Probe.train(index.snapshot, 64, every).keys == ()
    first = int(segment.question_starts[segment.rows[ArticleKey("en", "desk")]])
    fewer = Probe.train(index.snapshot, 64, {0: range(first, first + 3)})
    named = fewer.rows[ArticleKey("en", "desk")], fewer.rows[ArticleKey("en", "home")]
    query = index.cohort.centre_queries(index.encoder.encode_queries(["our office goes elsewhere"]))[0]
    before, after = (
        float((p.weights[list(named)] @ query + p.biases[list(named)])[0]) for p in (index.probe, fewer)
    )
    assert after < before


def test_an_example_never_makes_its_article_harder_to_find(tmp_path: Path) -> None:
    texts = ["tell us about moving", "the app", "our new flat", "card at the counter"]
    tables = []
    for number, records in enumerate((TWINS, with_examples())):
        folder = tmp_path / str(number)
        folder.mkdir()
        index = tiny_index(records, folder)
        tables.append([index.rank(text) for text in texts])
    for bare, taught in zip(*tables, strict=True):
        for feature in (Feature.QUESTION, Feature.QUESTION_NGRAM):
            column = dict(zip(bare.keys, bare.candidates.features[:, feature].tolist(), strict=True))
            for key, value in zip(taught.keys, taught.candidates.features[:, feature].tolist(), strict=True):
                assert value >= column[key] - 1e-6


def test_an_edit_keeps_the_probe_until_it_is_learned_again(tmp_path: Path) -> None:
    source, encoder = tmp_path / "kb.jsonl", HashEncoder()

    def save(records: list[dict[str, Any]]) -> None:
        source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")

    many = with_examples() + [
        {"id": f"more{n}", "lang": "en", "title": f"More {n}", "body": f"Word{n}."} for n in range(6)
    ]
    save(many)
    builder = Builder(kb=source, root=tmp_path / "index", encoder=encoder)
    builder.build()
    before = Index.load(tmp_path / "index", encoder=encoder)
    save([*many, {"id": "new", "lang": "en", "title": "Sauna", "body": "Hot.", "questions": ["sauna?"]}])
    builder.build(recalibrate=False)
    edited = Index.load(tmp_path / "index", encoder=encoder)
    assert edited.probe.keys == before.probe.keys
    assert edited.search("sauna").hits[0].article_id == "new"
    assert np.isfinite(edited.rank("sauna").candidates.features).all()
    builder.build()
    again = Index.load(tmp_path / "index", encoder=encoder)
    assert ArticleKey("en", "new") in again.probe.rows


def test_an_unknown_article_gets_no_number(tmp_path: Path) -> None:
    index = tiny_index(with_examples(), tmp_path)
    partly = Probe.train(index.snapshot.without([ArticleKey("en", "gym")]), 64)
    row = index.snapshot.parts[0].segment.rows[ArticleKey("en", "gym")]
    placed = PlacedProbe(partly, index.snapshot)
    assert np.isnan(placed.scores(0, np.array([row]), np.ones(64, np.float32))).all()


def test_the_file_keeps_it_and_damage_is_named(tmp_path: Path) -> None:
    index = tiny_index(with_examples(), tmp_path)
    loaded = Probe.load(tmp_path / "index" / "builds" / current_build(tmp_path / "index"))
    assert loaded.keys == index.probe.keys
    assert (loaded.weights == index.probe.weights).all()
    path = tmp_path / "index" / "builds" / builds(tmp_path / "index")[0] / FILE
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IndexDamaged, match=FILE):
        Index.load(tmp_path / "index", encoder=HashEncoder())
