from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import HandoffRule, Offer, Status, Visibility
from indexer.errors import ArticleError
from indexer.fieldchecks import Checked, Value, unknown_key
from indexer.frontmatter import check_front_matter, decode, load_yaml, split_document
from indexer.problems import ProblemKind, Severity

WHOLE = """---
id: lost-card                 # stable
title: Kadonnut tai varastettu kortti
summary: Näin suljet kortin ja tilaat uuden.
audience: [employee]
topics: [card]
questions: [hukkasin korttini, kortti varastettiin]
tests:
  - kortti hävisi junassa
handoff: {offer: always, team: cards, form: lost-card}
urgent: "24/7: 020 123 456"
personal: true
visibility: internal
restricted: true
status: draft
publish_at: 2026-11-01T08:00+02:00
expire_at: 2026-12-01 08:00:00 Z
updated: 2026-11-01
---

Sulje kortti heti.
"""


def checked(front: str) -> Checked:
    text = f"---\n{front}\n---\nBody\n"
    return check_front_matter(split_document(text, "fi/card/x.md"))


def only_error(front: str) -> tuple[int, str]:
    """The one problem of a front matter that would be fine without ``front``."""
    result = checked(f"id: x\ntitle: T\n{front}")
    assert not result.usable
    assert len(result.findings) == 1, result.findings
    return result.findings[0].line, result.findings[0].message


def test_every_key_arrives_typed() -> None:
    document = split_document(WHOLE, "x.md")
    result = check_front_matter(document)
    assert result.findings == []
    assert result.values == {
        "id": "lost-card",
        "title": "Kadonnut tai varastettu kortti",
        "summary": "Näin suljet kortin ja tilaat uuden.",
        "audience": ("employee",),
        "topics": ("card",),
        "questions": ("hukkasin korttini", "kortti varastettiin"),
        "tests": ("kortti hävisi junassa",),
        "handoff": HandoffRule(offer=Offer.ALWAYS, team="cards", form="lost-card"),
        "urgent": "24/7: 020 123 456",
        "personal": True,
        "visibility": Visibility.INTERNAL,
        "restricted": True,
        "status": Status.DRAFT,
        "publish_at": datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=2))),
        "expire_at": datetime(2026, 12, 1, 8, tzinfo=UTC),
        "updated": date(2026, 11, 1),
    }


def test_body_begins_in_the_line_after_the_fence() -> None:
    document = split_document(WHOLE, "x.md")
    assert document.body_line == 20
    assert document.body == "\nSulje kortti heti.\n"
    assert WHOLE.split("\n")[20] == "Sulje kortti heti."


def test_keys_without_a_value_are_as_good_as_absent() -> None:
    result = checked("id: x\ntitle: T\npublish_at:\nquestions:\nhandoff:\nsummary: null")
    assert result.values == {"id": "x", "title": "T"}
    assert result.findings == []


def test_numbers_dates_and_words_stay_as_written() -> None:
    result = checked(
        "id: 007\ntitle: 2026\nurgent: 020123456\nquestions: [no, 1_000, 0x10, on]\nupdated: 2026-11-01"
    )
    assert result.values["id"] == "007"
    assert result.values["title"] == "2026"
    assert result.values["urgent"] == "020123456"
    assert result.values["questions"] == ("no", "1_000", "0x10", "on")


@pytest.mark.parametrize(
    ("front", "line", "message"),
    [
        ("audiense: [x]", 4, 'unknown key "audiense": did you mean "audience"?'),
        ("summary: S\nquestion: [x]", 5, 'unknown key "question": did you mean "questions"?'),
        ("lang: fi", 4, 'unknown key "lang": the folder\'s name gives the language'),
        ("tags: [x]", 4, 'unknown key "tags": it is called "topics" here'),
        ("summary: [x]", 4, '"summary" must be text, not a list'),
        ("summary: true", 4, '"summary" must be text, not the value true: put it in quotes'),
        ("questions: how", 4, '"questions" must be a list such as [first, second], not "how"'),
        ("questions:\n  - a\n  - ''", 6, 'entry 2 of "questions" is empty: remove it or write it'),
        (
            "questions:\n  - a\n  - true",
            6,
            'entry 2 of "questions" must be text, not the value true: put it in quotes',
        ),
        (
            "questions:\n  - Miten: näin",
            5,
            'entry 1 of "questions" must be text, not a mapping: put a text with a colon in quotes',
        ),
        ("personal: maybe", 4, '"personal" must be true or false, not "maybe"'),
        (
            "status: publishd",
            4,
            '"status" must be draft, published or archived, not "publishd": did you mean "published"?',
        ),
        ("visibility: secret", 4, '"visibility" must be public or internal, not "secret"'),
        ("updated: 1.11.2026", 4, '"updated" must be a day such as 2026-11-01, not "1.11.2026"'),
        (
            "updated: 2026-02-30",
            4,
            '"updated" must be a day such as 2026-11-01, not "2026-02-30", which no calendar has',
        ),
        ("updated: 20261101", 4, '"updated" must be a day such as 2026-11-01, not "20261101"'),
        (
            "publish_at: 2026-11-01T08:00",
            4,
            '"publish_at" has no time zone: write it such as 2026-12-01T08:00+02:00, not "2026-11-01T08:00"',
        ),
        ("expire_at: soon", 4, '"expire_at" must be a time such as 2027-01-31T23:59+02:00, not "soon"'),
        (
            "publish_at: 2026-11-02T08:00Z\nexpire_at: 2026-11-02T10:00+02:00",
            5,
            '"expire_at" is not after "publish_at": the article would never be shown',
        ),
        (
            "handoff: cards",
            4,
            '"handoff" must be a mapping such as {offer: after_answer, team: cards}, not "cards"',
        ),
        ("handoff:\n  teem: cards", 5, 'unknown key "teem" in "handoff": did you mean "team"?'),
        (
            "handoff:\n  team: cards\n  offer: sometimes",
            6,
            '"offer" must be auto, always, after_answer or never, not "sometimes"',
        ),
    ],
)
def test_each_mistake_is_named_with_its_line(front: str, line: int, message: str) -> None:
    assert only_error(front) == (line, message)


def test_missing_and_empty_keys_are_named() -> None:
    messages = [(f.line, f.message) for f in checked("title: ''").findings]
    assert messages == [
        (1, '"id" is missing: add a line such as "id: lost-card"'),
        (2, '"title" is empty: write what the article is about'),
    ]


def test_an_id_is_one_word() -> None:
    (finding,) = checked("id: lost card\ntitle: T").findings
    assert (
        finding.message
        == '"id" must be one word of letters, digits, hyphens, dots or underscores, not "lost card"'
    )


def test_all_mistakes_are_named_at_once() -> None:
    result = checked("id: x\ntitle: [T]\nstatus: gone\nupdated: never")
    assert [finding.line for finding in result.findings] == [3, 4, 5]


def test_too_long_texts_are_named() -> None:
    assert only_error(f"summary: {'x' * 1001}") == (
        4,
        '"summary" has 1001 characters: at most 1000 are allowed',
    )


def test_phrases_that_stand_twice_are_warnings() -> None:
    result = checked("id: x\ntitle: T\nquestions:\n  - Lost it?\n  - lost  IT\ntests: [lost it, other]")
    assert result.usable
    assert [(f.line, f.severity, f.kind) for f in result.findings] == [
        (6, Severity.WARNING, ProblemKind.PHRASE),
        (7, Severity.WARNING, ProblemKind.PHRASE),
    ]
    assert result.findings[0].message == '"lost IT" stands twice in "questions": remove one'
    assert "both in" in result.findings[1].message


@pytest.mark.parametrize(
    ("yaml", "line", "part"),
    [
        ("id: x\ntitle: Hei: sinä", 3, "put a text that holds a colon in quotes"),
        ("id: x\nquestions: [a, b\ntitle: T", 4, "close the list with ]"),
        ("id: x\n\ttitle: T", 3, "not tabs"),
        ("id: x\ntitle: 'T", 3, "close the quotes"),
        ("id: x\ntitle: *T", 3, "begins with * in quotes"),
        ("id: x\ntitle: T\x07", 3, "the character U+0007 is not allowed"),
        ("id: x\ntitle: T\nid: y", 4, '"id" stands twice: keep one'),
        ("id: x\ntitle: !!python/object/apply:os.system [ls]", 3, "put a text that begins with ! in quotes"),
        ("just text", 2, "this is not a mapping"),
        ("- id: x", 2, "this is not a mapping"),
        ("[a]: b", 2, "a key must be one word"),
        ("a: &a [*a]", 2, "an alias (*) holds itself"),
    ],
)
def test_broken_yaml_is_named_with_its_line(yaml: str, line: int, part: str) -> None:
    with pytest.raises(ArticleError) as caught:
        split_document(f"---\n{yaml}\n---\nBody", "fi/x.md")
    assert (caught.value.source, caught.value.line) == ("fi/x.md", line)
    assert part in caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 30_000,
        "a: " + "{a: " * 10_000,
        "- " * 30_000,
        "a: " + "[" * 30_000 + "]" * 30_000,
        "? " * 30_000,
        "\n".join(" " * depth + "a:" for depth in range(330)),
        "\n".join(" " * depth + "-" for depth in range(330)),
    ],
)
def test_deep_nesting_is_refused_before_it_overflows_the_stack(text: str) -> None:
    with pytest.raises(ArticleError, match="nested too deeply"):
        load_yaml(text, "x.md")


def test_many_short_lists_are_not_deep() -> None:
    assert len(load_yaml("a: [" + "[x], " * 500 + "]", "x.md")["a"].data) == 500


def test_aliases_cannot_blow_a_file_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 7)]
    data = load_yaml("\n".join(lines), "x.md")
    distinct: dict[int, Value] = {}

    def visit(value: Value) -> None:
        if id(value) not in distinct:
            distinct[id(value)] = value
            for item in value.data if isinstance(value.data, list) else []:
                visit(item)

    for value in data.values():
        visit(value)
    assert len(distinct) < 100


def test_front_matter_must_begin_and_end() -> None:
    with pytest.raises(ArticleError, match='begin with a line "---"'):
        split_document("# Title\n", "x.md")
    with pytest.raises(ArticleError, match="has no end"):
        split_document("---\nid: x\n", "x.md")
    with pytest.raises(ArticleError, match="characters of YAML"):
        split_document("---\nid: " + "x" * 70_000 + "\n---\n", "x.md")


def test_byte_order_mark_line_ends_and_composed_letters_are_made_one() -> None:
    raw = "\ufeff---\r\nid: x\r\ntitle: Pa\u0308iva\r\n---\rBody\r\n".encode()
    text = decode(raw, "x.md")
    assert text == "---\nid: x\ntitle: P\u00e4iva\n---\nBody\n"


def test_other_encodings_are_named_with_byte_and_line() -> None:
    with pytest.raises(ArticleError) as caught:
        decode("---\nid: x\ntitle: Päivä\n".encode("latin-1"), "fi/x.md")
    assert str(caught.value) == "fi/x.md:3: not UTF-8 (byte 0xe4): save the file as UTF-8"


def test_control_characters_leave_the_text() -> None:
    assert split_document("---\nid: x\n---\na\x00b\x1bc\td", "x.md").body == "a b c\td"


def test_nearest_key_needs_some_likeness() -> None:
    assert unknown_key("Visability") == 'unknown key "Visability": did you mean "visibility"?'
    assert unknown_key("zzz").startswith('unknown key "zzz": the keys are id, title, summary, ')


@given(st.text(max_size=300))
def test_any_front_matter_is_read_or_named(front: str) -> None:
    lines = len(front.splitlines()) + 3
    error: ArticleError | None = None
    try:
        document = split_document(f"---\n{front}\n---\nBody", "x.md")
    except ArticleError as caught:
        error = caught
    if error is not None:
        assert 1 <= error.line <= lines
        assert "\n" not in error.reason
    else:
        assert all(1 <= finding.line <= lines for finding in check_front_matter(document).findings)


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "title", "handoff", "questions", "status", "updated", "x"]), _values
    )
)
def test_values_of_any_type_are_checked(record: dict[str, Any]) -> None:
    def value(data: Any) -> Value:  # noqa: ANN401 - any JSON value
        if isinstance(data, list):
            return Value([value(item) for item in data], 1)
        if isinstance(data, dict):
            return Value({name: value(item) for name, item in data.items()}, 1)
        return Value(data, 1)

    from indexer.fieldchecks import check_fields

    result = check_fields({name: value(data) for name, data in record.items()}, line=1)
    if result.usable:
        assert isinstance(result.values["id"], str)
        assert isinstance(result.values["title"], str)


def test_the_c_parser_is_used_where_it_exists() -> None:
    import yaml

    from indexer import frontmatter

    if not yaml.__with_libyaml__:
        pytest.skip("this Python's PyYAML has no C parser")
    assert issubclass(frontmatter._Loader, yaml.CSafeLoader)
    assert "yaml" in sys.modules
