"""Building and searching with an encoder without a model: values, order, incremental builds, damage."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import (
    Access,
    ArticleKey,
    Builder,
    EncoderMismatch,
    Index,
    IndexDamaged,
    IndexFormatError,
    IndexNotFound,
    KnowledgeBaseError,
    builds,
    current_build,
    publish,
)
from indexer.settings import AnsweringSettings
from indexer.testing import HashEncoder, tiny_index

CARD = (
    "# Lost card\n\nLock the card in the app at once.\n\n## New card {#new}\n\nA new card costs eight euros."
)
WORDS = (
    *("card", "app", "lunch", "gym", "invoice", "bus"),
    *("pool", "museum", "refund", "address", "password", "receipt"),
)


def article(name: str, body: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": name,
        "lang": "en",
        "title": f"About {name}",
        "body": body or f"Everything about {name}.",
        **more,
    }


def write_kb(folder: Path, articles: dict[str, str]) -> Path:
    kb = folder / "kb"
    for name, text in articles.items():
        path = kb / "en" / "topic" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nid: {name}\ntitle: About {name}\n---\n\n{text}\n", encoding="utf-8")
    return kb


def builder(kb: Path, root: Path) -> Builder:
    return Builder(kb=kb, root=root, encoder=HashEncoder())


def test_the_right_section_comes_first(tmp_path: Path) -> None:
    index = tiny_index([article("lost-card", CARD), article("lunch"), article("gym")], tmp_path)
    result = index.search("how much does a new card cost")
    assert result.hits[0].article_id == "lost-card"
    assert result.hits[0].section_id == "new"
    assert result.hits[0].url == "/help/en/lost-card#new"
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert len({hit.key for hit in result.hits}) == len(result.hits)
    p = result.probabilities
    assert 0 <= p.confidence <= p.choices <= 1
    assert 0 <= p.scope <= 1


@pytest.mark.parametrize("text", ["", "   ", "?", "\x00", "🙂", "a" * 5000, "e" + "\u0301" * 3000, "<s>"])
def test_any_question_gets_a_result(tmp_path: Path, text: str) -> None:
    result = tiny_index([article("card"), article("gym")], tmp_path).search(text)
    assert all(np.isfinite(value) for value in result.probabilities)
    assert len(result.hits) <= 5


def test_excluded_and_unpublished_articles_never_come(tmp_path: Path) -> None:
    records = [
        article("card"),
        article("card-old", "Everything about card.", status="archived"),
        article("card-draft", "Everything about card.", status="draft"),
        article("card-secret", "Everything about card.", visibility="internal"),
    ]
    index = tiny_index(records, tmp_path)
    assert [hit.article_id for hit in index.search("card").hits] == ["card"]
    assert index.search("card", exclude=[ArticleKey("en", "card")]).hits == ()
    desk = Access(now=datetime.now(UTC), internal=True)
    assert "card-secret" in {hit.article_id for hit in index.search("card", access=desk).hits}


def test_publication_times_hold_when_asked_not_when_built(tmp_path: Path) -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=UTC)
    timed = article("card", publish_at=start.isoformat(), expire_at=(start + timedelta(hours=1)).isoformat())
    index = tiny_index([timed, article("gym")], tmp_path)

    def found(now: datetime) -> bool:
        return "card" in {hit.article_id for hit in index.search("card", access=Access(now=now)).hits}

    assert not found(start - timedelta(seconds=1))
    assert found(start)
    assert not found(start + timedelta(hours=1))


def test_a_restricted_article_needs_a_verified_identity_of_its_audience(tmp_path: Path) -> None:
    records = [article("fees", audience=["merchant"], restricted=True), article("gym")]
    index = tiny_index(records, tmp_path)
    now = datetime.now(UTC)

    def found(access: Access) -> bool:
        return "fees" in {hit.article_id for hit in index.search("fees", access=access).hits}

    assert not found(Access(now=now, audience="merchant"))
    assert not found(Access(now=now, verified_audience="employee"))
    assert found(Access(now=now, verified_audience="merchant"))


def test_a_named_audience_is_a_preference(tmp_path: Path) -> None:
    same = "How to pay with the card."
    records = [article("pay-a", same, audience=["merchant"]), article("pay-b", same, audience=["employee"])]
    for record in records:
        record["title"] = "Paying"
    index = tiny_index(records, tmp_path)
    now = datetime.now(UTC)
    for group, first in (("merchant", "pay-a"), ("employee", "pay-b")):
        hits = index.search("pay with card", access=Access(now=now, audience=group)).hits
        assert hits[0].article_id == first
        assert len(hits) == 2


def test_the_questions_language_comes_first(tmp_path: Path) -> None:
    records = [
        {"id": "card", "lang": "fi", "title": "Kadonnut kortti", "body": "Sulje kortti heti sovelluksessa."},
        {"id": "card", "lang": "sv", "title": "Förlorat kort", "body": "Spärra kortet genast i appen."},
        {"id": "only-sv", "lang": "sv", "title": "Parkering", "body": "Parkering ingår inte i förmånen."},
    ]
    index = tiny_index(records, tmp_path)
    finnish = index.search("miten suljen kadonneen kortin sovelluksessa")
    assert (finnish.language.lang, finnish.hits[0].lang, finnish.cross_language) == ("fi", "fi", False)
    swedish = index.search("hur spärrar jag kortet i appen")
    assert (swedish.language.lang, swedish.hits[0].lang) == ("sv", "sv")
    assert {hit.lang for hit in index.search("kortti", languages=["fi"]).hits} == {"fi"}


def test_synonyms_of_editors_find_the_official_word(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, {"bike": "A leased bicycle from the employer.", "gym": "A leased gym place."})
    first = builder(kb, tmp_path / "a").build()
    assert first.problems == ()
    plain = Index.load(tmp_path / "a", encoder=HashEncoder()).rank("velocipede")
    (kb / "synonyms.yaml").write_text("en:\n  - [bicycle, velocipede]\n", encoding="utf-8")
    builder(kb, tmp_path / "a").build()
    index = Index.load(tmp_path / "a", encoder=HashEncoder())
    helped = index.rank("velocipede")
    assert float(plain.candidates.features[:, 4].max(initial=0)) == 0
    assert helped.keys[int(helped.order[0])].id == "bike"


def test_a_full_build_gives_the_same_bytes(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, {word: f"Everything about {word}. See also the {word} page." for word in WORDS})
    one, two = (builder(kb, tmp_path / name).build(full=True) for name in ("one", "two"))
    assert one.build_id == two.build_id
    folders = [tmp_path / name / "builds" / one.build_id for name in ("one", "two")]
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*") if path.is_file())
    assert len(files) > 10
    for file in files:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


def test_nothing_new_publishes_nothing(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, {"card": "Lock it.", "gym": "Open daily."})
    first = builder(kb, tmp_path / "i").build()
    again = builder(kb, tmp_path / "i").build()
    assert first.published
    assert not again.published
    assert (again.build_id, again.changed, again.removed) == (first.build_id, 0, 0)


def test_a_broken_file_keeps_its_last_good_version(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, {"card": "Lock the card.", "gym": "Gyms are open daily."})
    builder(kb, tmp_path / "i").build()
    (kb / "en/topic/card.md").write_text("---\nid: card\ntitle: [broken\n---\nNew text.\n", encoding="utf-8")
    (kb / "en/topic/gym.md").write_text(
        "---\nid: gym\ntitle: About gym\n---\nGyms are closed today.\n", encoding="utf-8"
    )
    for full in (False, True):
        report = builder(kb, tmp_path / "i").build(full=full)
        assert [(problem.source, problem.line > 0) for problem in report.errors] == [
            ("en/topic/card.md", True)
        ]
        index = Index.load(tmp_path / "i", encoder=HashEncoder())
        card, gym = index.article(ArticleKey("en", "card")), index.article(ArticleKey("en", "gym"))
        assert card is not None
        assert card.body.strip() == "Lock the card."
        assert gym is not None
        assert "closed today" in gym.body
        assert index.problems[0].source == "en/topic/card.md"


EDITS = st.lists(
    st.tuples(
        st.sampled_from(WORDS), st.one_of(st.none(), st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS, batch=st.integers(1, 3))
def test_an_incremental_build_equals_a_full_one(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, list[str] | None]], batch: int
) -> None:
    """The same hits, and scores within 1e-5, whatever was edited, added and removed in which steps."""
    folder = tmp_path_factory.mktemp("edits")
    kb = write_kb(
        folder,
        {word: f"All about {word} and {other}." for word, other in pairwise(WORDS)},
    )
    step = builder(kb, folder / "step")
    step.build(recalibrate=False)
    for start in range(0, len(edits), batch):
        for name, text in edits[start : start + batch]:
            if text is None:
                (kb / "en" / "topic" / f"{name}.md").unlink(missing_ok=True)
            else:
                write_kb(folder, {name: f"{' '.join(text)}.\n\n## More {{#more}}\n\n{text[0]} again"})
        step.build(recalibrate=False)
    builder(kb, folder / "full").build(full=True, recalibrate=False)
    stepped = Index.load(folder / "step", encoder=HashEncoder())
    full = Index.load(folder / "full", encoder=HashEncoder())
    assert stepped.keys() == full.keys()
    assert stepped.manifest.content_hash == full.manifest.content_hash
    for question in [*WORDS, "refund of a gym card", "lunch and bus"]:
        one, two = stepped.search(question), full.search(question)
        assert [(h.key, h.section_id) for h in one.hits] == [(h.key, h.section_id) for h in two.hits]
        assert [h.score for h in one.hits] == pytest.approx([h.score for h in two.hits], abs=1e-5)
        assert one.probabilities == pytest.approx(two.probabilities, abs=1e-5)


def test_without_is_a_build_without(tmp_path: Path) -> None:
    records = [article(word, f"All about {word} and more {word}.") for word in WORDS]
    (tmp_path / "all").mkdir()
    (tmp_path / "some").mkdir()
    index = tiny_index(records, tmp_path / "all")
    gone = [ArticleKey("en", word) for word in WORDS[::2]]
    some = tiny_index([r for r in records if ArticleKey("en", r["id"]) not in gone], tmp_path / "some")
    less = index.without(gone)
    assert less.keys() == some.keys()
    for question in WORDS:
        one, two = less.search(question), some.search(question)
        assert [h.key for h in one.hits] == [h.key for h in two.hits]
        assert [h.score for h in one.hits] == pytest.approx([h.score for h in two.hits], abs=1e-5)
        assert one.probabilities == pytest.approx(two.probabilities, abs=1e-5)


def test_an_unrelated_article_leaves_an_exact_hit_first(tmp_path: Path) -> None:
    records = [article(word, f"All about {word}.") for word in WORDS[:6]]
    for number, extra in enumerate(WORDS[6:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        index = tiny_index([*records, article(extra, f"All about {extra}.")], folder)
        for word in WORDS[:6]:
            assert index.search(f"About {word}").hits[0].article_id == word


def test_roll_back_to_an_older_build(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, {"card": "Lock it.", "gym": "Open."})
    root = tmp_path / "i"
    first = builder(kb, root).build()
    (kb / "en/topic/gym.md").unlink()
    second = builder(kb, root).build()
    assert current_build(root) == second.build_id
    assert set(builds(root)) == {first.build_id, second.build_id}
    publish(root, first.build_id)
    assert Index.load(root, encoder=HashEncoder()).article_count == 2


def test_damage_is_named_and_refused(tmp_path: Path) -> None:
    tiny_index([article("card"), article("gym")], tmp_path)
    root = tmp_path / "index"
    folder = root / "builds" / current_build(root)
    for name in [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]:
        copy = tmp_path / "copy"
        shutil.copytree(root, copy)
        file = copy / "builds" / folder.name / name
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
        with pytest.raises((IndexDamaged, IndexFormatError), match="rebuild") as damaged:
            Index.load(copy, encoder=HashEncoder())
        assert Path(name).name in str(damaged.value)
        file.unlink()
        with pytest.raises((IndexDamaged, IndexNotFound), match="rebuild"):
            Index.load(copy, encoder=HashEncoder())
        shutil.rmtree(copy)


def test_foreign_indexes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="helppari index build"):
        Index.load(tmp_path / "nowhere")
    tiny_index([article("card"), article("gym")], tmp_path)
    root = tmp_path / "index"
    with pytest.raises(EncoderMismatch, match="32"):
        Index.load(root, encoder=HashEncoder(32))
    manifest = root / "builds" / current_build(root) / "manifest.json"
    record = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(record | {"format": 99}), encoding="utf-8")
    with pytest.raises(IndexFormatError, match="99"):
        Index.load(root, encoder=HashEncoder())
    (root / "CURRENT").write_text("../../etc", encoding="utf-8")
    with pytest.raises(IndexDamaged, match="does not name a build"):
        Index.load(root, encoder=HashEncoder())


def test_another_encoder_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    class Other(HashEncoder):
        def encode_queries(self, texts: Any, progress: Any = None) -> Any:  # noqa: ANN401
            return np.roll(super().encode_queries(texts), 1, axis=1)

    tiny_index([article("card"), article("gym")], tmp_path)
    with pytest.raises(EncoderMismatch, match="cosine"):
        Index.load(tmp_path / "index", encoder=Other())


def test_an_empty_kb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kb" / "en").mkdir(parents=True)
    with pytest.raises(KnowledgeBaseError, match="no articles"):
        builder(tmp_path / "kb", tmp_path / "i").build()
    kb = write_kb(tmp_path, {"card": "Lock it."})
    (kb / "en/topic/card.md").write_text("---\nid: card\ntitle: A\nstatus: draft\n---\nx\n", encoding="utf-8")
    with pytest.raises(KnowledgeBaseError, match="published"):
        builder(kb, tmp_path / "i").build()


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb = write_kb(tmp_path, {"card": "Lock it.", "gym": "Open."})
    root = tmp_path / "i"
    served = builder(kb, root).build().build_id
    write_kb(tmp_path, {"new": "Newer."})
    monkeypatch.setattr(
        "indexer.drafts.write_segment", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        builder(kb, root).build()
    assert current_build(root) == served
    assert [path.name for path in (root / "builds").iterdir()] == [served]


def test_the_build_says_when_goals_send_more_to_people_than_they_can_take(tmp_path: Path) -> None:
    records = [
        article(word, f"All about the {word}.", questions=[f"where is my {word}", f"{word} does not work"])
        for word in WORDS
    ]
    source = tmp_path / "kb.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    said: dict[float | None, list[str]] = {}
    for share in (None, 0.01, 1.0):
        answering = AnsweringSettings(max_handoff_share=share)
        builder = Builder(kb=source, root=tmp_path / str(share), encoder=HashEncoder(), answering=answering)
        report = builder.build()
        assert report.calibration.languages["en"].expected["handoffs"] > 1
        said[share] = [warning for warning in report.warnings if "max_handoff_share" in warning]
    assert said[None] == said[1.0] == []
    assert len(said[0.01]) == 1
    assert "max_handoff_share allows 1" in said[0.01][0]
