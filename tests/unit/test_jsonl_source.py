from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from indexer.articles import Article, ArticleKey, HandoffRule, Offer
from indexer.errors import KnowledgeBaseError
from indexer.plainbodies import lines_to_paragraphs
from indexer.readings import Previous
from indexer.sections import split_sections
from indexer.sources import Reading, Severity, read_kb


def record(identity: object = "a", **keys: object) -> dict[str, object]:
    return {"id": identity, "lang": "en", "title": f"Title {identity}", "body": "Text.", **keys}


class File:
    """An ``articles.jsonl`` read again and again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "articles.jsonl"
        self.last: Reading | None = None
        self._clock = 1_700_000_000

    def read(self, *lines: dict[str, object] | str | bytes) -> Reading:
        def raw(line: dict[str, object] | str | bytes) -> bytes:
            if isinstance(line, bytes):
                return line
            return (line if isinstance(line, str) else json.dumps(line)).encode()

        if lines:
            self.path.write_bytes(b"\n".join(map(raw, lines)) + b"\n")
            self._clock += 10
            os.utime(self.path, (self._clock, self._clock))
        previous = Previous(files=self.last.files, articles=self.last.articles.get) if self.last else None
        self.last = read_kb(self.path, previous=previous)
        return self.last


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def told(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def test_records_become_articles(file: File) -> None:
    full = record("b", lang="fi", questions=["q1", "q2"], handoff={"offer": "never"}, updated="2026-11-01")
    reading = file.read(record("a-1@en"), "", full)
    assert reading.articles[ArticleKey("en", "a-1@en")] == Article(
        id="a-1@en",
        lang="en",
        title="Title a-1@en",
        body="Text.",
        slug="a-1-en",
        source="articles.jsonl",
        line=1,
    )
    second = reading.articles[ArticleKey("fi", "b")]
    assert (second.line, second.questions, second.handoff) == (
        3,
        ("q1", "q2"),
        HandoffRule(offer=Offer.NEVER),
    )
    assert reading.problems == ()
    assert reading.files["articles.jsonl"].keys == (ArticleKey("en", "a-1@en"), ArticleKey("fi", "b"))


def test_a_folder_with_only_the_file_is_the_file(file: File) -> None:
    reading = file.read(record())
    (file.path.parent / "questions.jsonl").write_text("{}")
    assert read_kb(file.path.parent).articles == reading.articles


def test_ids_of_exports_are_taken_as_they_are_and_addresses_made_safe(file: File) -> None:
    reading = file.read(
        record(360001), record("Card payment?"), record("card-payment"), record("Ä"), record("../x")
    )
    assert {key.id: article.slug for key, article in reading.articles.items()} == {
        "360001": "360001",
        "Card payment?": "card-payment",
        "card-payment": "card-payment-2",
        "Ä": "a",
        "../x": "x",
    }
    assert reading.problems == ()


def test_unknown_keys_and_empty_titles_are_one_warning_each_with_their_number(file: File) -> None:
    records = [record(str(n), title="", group=n, audiense=["x"]) for n in range(3)]
    reading = file.read(record("first"), *records, {"id": "z", "lang": "en", "body": "B", "stem": "s"})
    assert told(reading) == [
        "articles.jsonl:2: the title is empty (in 4 lines)",
        'articles.jsonl:2: unknown key "audiense": did you mean "audience"; it is ignored (in 3 lines)',
        'articles.jsonl:2: unknown key "group"; it is ignored (in 3 lines)',
        'articles.jsonl:5: unknown key "stem"; it is ignored',
    ]
    assert {problem.severity for problem in reading.problems} == {Severity.WARNING}
    assert len(reading.articles) == 5
    assert reading.articles[ArticleKey("en", "z")].title == ""


BAD: list[tuple[dict[str, object] | str | bytes, str]] = [
    ('{"id": "a", ', "the line is not valid JSON (Expecting property name enclosed in double quotes)"),
    ("[1]", "the line is not an object such as"),
    ("[" * 100_000, "the JSON is nested too deeply"),
    ('{"id": "a", "lang": "en", "n": ' + "9" * 5000 + "}", "the line is not valid JSON"),
    (b'{"id": "a", "lang": "en", "title": "P\xe4iv\xe4"}', "the line is not UTF-8 (byte 0xe4)"),
    (record(lang="en-US"), '"lang" must be a code of two or three small letters such as "fi": not "en-US"'),
    (
        {"id": "a", "title": "T", "body": "B"},
        '"lang" must be a code of two or three small letters such as "fi": it is missing',
    ),
    ({"id": "a", "lang": "en", "title": "T"}, '"body" must be text: it is missing'),
    (record(body=["x"]), '"body" must be text: not list'),
    (record(title=5), '"title" must be text, not the number 5: put it in quotes'),
    (record(""), '"id" is empty'),
    (record(None), '"id" is missing'),
    (record({"x": 1}), '"id" must be text, not a mapping'),
    (record(questions="x"), '"questions" must be a list such as [first, second], not "x"'),
    (record(questions=["x", 1]), 'entry 2 of "questions" must be text, not the number 1: put it in quotes'),
    (record(personal="yes"), '"personal" must be true or false, not "yes"'),
    (record(body="x" * 1_000_001), '"body" has 1,000,001 characters'),
    (record("x" * 201), '"id" has 201 characters: at most 200 are allowed'),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_a_bad_line_is_named_and_the_others_are_read(
    file: File, line: dict[str, object] | str | bytes, message: str
) -> None:
    reading = file.read(record("good"), line, record("better"))
    assert {key.id for key in reading.articles} == {"good", "better"}
    (problem,) = reading.problems
    assert str(problem).startswith(f"articles.jsonl:2: {message}")
    assert problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    "broken",
    [record("b", status="gone"), '{"id": "b", "lang": "en", "title": "cut off', '{"lang":"en","id":"b"'],
    ids=str,
)
def test_a_broken_line_keeps_the_article_it_held(file: File, broken: dict[str, object] | str) -> None:
    good = file.read(record("a"), record("b"), record("c")).articles
    reading = file.read(record("a", body="Edited."), broken)
    assert reading.articles[ArticleKey("en", "b")] == good[ArticleKey("en", "b")]
    assert set(reading.changed) == {ArticleKey("en", "a")}
    assert set(reading.removed) == {ArticleKey("en", "c")}
    # Still named, and still served, at the next reading.
    again = file.read()
    assert told(again) == told(reading)
    assert len(again.problems) == 1
    assert again.articles == reading.articles
    reading = file.read(record("a", body="Edited."), record("b", body="Mended."))
    assert reading.problems == ()
    assert reading.articles[ArticleKey("en", "b")].body == "Mended."


def test_a_repeated_id_is_named_and_the_first_line_served(file: File) -> None:
    file.read(record("a", body="Old."), record("gone"))
    reading = file.read(record("a", body="First."), record("a", body="Second."))
    assert reading.articles == {ArticleKey("en", "a"): reading.articles[ArticleKey("en", "a")]}
    assert reading.articles[ArticleKey("en", "a")].body == "First."
    assert reading.removed == {ArticleKey("en", "gone")}, "a deleted record must not come back"
    assert told(reading) == [
        'articles.jsonl:2: the id "a" is already used in articles.jsonl:1: '
        "not served until it has an id of its own"
    ]


def test_only_changed_records_are_changed(file: File) -> None:
    file.read(record("a"), record("b"))
    assert file.read().changed == set()
    assert file.read(record("a"), record("b", title="New")).changed == {ArticleKey("en", "b")}


def test_an_unchanged_file_is_not_opened(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    first = file.read(record("a"), record("b", group=1))
    monkeypatch.setattr(Path, "read_bytes", None)
    again = file.read()
    assert (again.articles, again.problems, again.files) == (first.articles, first.problems, first.files)


def test_empty_and_wholly_broken_files(file: File) -> None:
    with pytest.raises(
        KnowledgeBaseError, match=r"there are no articles in .*: write one JSON object a line"
    ):
        file.read("")
    with pytest.raises(KnowledgeBaseError, match=r"the first: articles\.jsonl:1: the line is not valid JSON"):
        file.read("nonsense")


def test_a_byte_order_mark_and_other_line_ends_are_no_matter(file: File) -> None:
    reading = file.read(
        b"\xef\xbb\xbf" + json.dumps(record("a")).encode() + b"\r", record("b", body="x\r\n\r\ny\x00z")
    )
    assert [article.body for article in reading.articles.values()] == ["Text.", "x\n\ny z"]


def test_half_a_surrogate_pair_can_be_stored(file: File) -> None:
    reading = file.read('{"id": "a", "lang": "en", "title": "x\\ud800", "body": "y\\udfff"}')
    (article,) = reading.articles.values()
    assert (article.title, article.body) == ("x\ufffd", "y\ufffd")


WRAPPED = (
    "Lock the card at once in the app, under Card,\nor call us on the number below; the line is\n"
    "open at all hours and costs what a call to a\nlandline costs."
)


@pytest.mark.parametrize(
    ("plain", "markdown"),
    [
        ("one line", "one line"),
        ("What now?\nI lost it\nhow long", "What now?\n\nI lost it\n\nhow long"),
        ("# A\nb\nc\n\n- d\n  e\n- f", "# A\nb\n\nc\n\n- d\n  e\n- f"),
        ("a\n    b\n[c]: d", "a\n\nb\n\n\\[c]: d"),
        ("```\na\nb\n```", "```\na\nb\n```"),
        ("| a | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |"),
        (WRAPPED, WRAPPED),
    ],
    ids=["one line", "lines", "structure", "not code", "fence", "table", "wrapped"],
)
def test_lines_of_plain_text_become_paragraphs(plain: str, markdown: str) -> None:
    assert lines_to_paragraphs(plain) == markdown


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "articles", "problems"),
    [
        ("stackfaq", 125, 0),
        ("banking77", 77, 0),
        ("gnome_help", 624, 1),
        ("squad_fi_mt", 1990, 2),
        ("swequad_mc", 521, 1),
    ],
)
def test_development_sets_are_read_whole(name: str, articles: int, problems: int) -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / name / "articles.jsonl"
    if not path.exists():
        pytest.skip("the development data is not beside the checkout")
    reading = read_kb(path)
    assert (len(reading.articles), len(reading.problems)) == (articles, problems), told(reading)
    given: dict[tuple[str, str], dict[str, Any]] = {
        (each["lang"], each["id"]): each for each in map(json.loads, path.read_text("utf-8").splitlines())
    }
    assert set(reading.articles) == set(given)
    for article in reading.articles.values():
        assert split_sections(article)
