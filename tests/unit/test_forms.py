"""Forms and canned replies: read with file and line, kept in the index, and the sample's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest
import yaml

from indexer import Builder, FieldKind, Index, Problem, Severity, open_variables
from indexer.artifact import MANIFEST, build_folder
from indexer.companions import Companions, read_companions
from indexer.forms import Form
from indexer.replies import VARIABLES, CannedReply
from indexer.schemas import form_schema, reply_schema
from indexer.sources import read_kb
from indexer.testing import HashEncoder

ROOT = Path(__file__).parents[2]
FORM = """\
id: lost
title: {en: Lost card}
fields:
  - name: when
    kind: date
    label: {en: Day}
    question: {en: "When did you lose it?"}
    min: 2026-01-01
  - name: how
    kind: choice
    label: {en: How}
    question: {en: "How was it lost?"}
    sensitive: true
    choices:
      - {value: stolen, label: {en: Stolen}}
      - {value: dropped, label: {en: Dropped}}
"""
REPLY = """\
id: hello
title: {en: Hello}
text: {en: "Hello, {agent_name} here."}
teams: [cards]
"""


def write_kb(folder: Path, *, form: str = FORM, reply: str = REPLY, named: str = "lost") -> Path:
    kb = folder / "kb"
    files = {"en/card/card.md": f"---\nid: card\ntitle: Card\nhandoff: {{form: {named}}}\n---\n\nLock it.\n"}
    files |= {"forms/lost.yaml": form} if form else {}
    files |= {"replies/hello.yaml": reply} if reply else {}
    for name, text in files.items():
        path = kb / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return kb


def read(kb: Path, before: Companions | None = None) -> tuple[Companions, list[str]]:
    articles = read_kb(kb).articles
    found, problems = read_companions(kb, articles, before or Companions())
    return found, [f"{problem.severity.value} {problem}" for problem in problems]


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_a_form_and_a_reply_are_read(tmp_path: Path) -> None:
    found, problems = read(write_kb(tmp_path))
    assert problems == []
    form, reply = found.forms["lost"], found.replies["hello"]
    assert [(one.name, one.kind, one.sensitive) for one in form.fields] == [
        ("when", FieldKind.DATE, False),
        ("how", FieldKind.CHOICE, True),
    ]
    assert (form.languages, form.source, form.fields[0].minimum) == (("en",), "forms/lost.yaml", "2026-01-01")
    assert [choice.label["en"] for choice in form.fields[1].choices] == ["Stolen", "Dropped"]
    assert Form.from_json(json.loads(json.dumps(form.to_json()))) == form
    assert (reply.teams, reply.languages) == (("cards",), ("en",))
    assert CannedReply.from_json(json.loads(json.dumps(reply.to_json()))) == reply


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: date", "kinds: date", 'lost.yaml:5: unknown key "kinds" in "fields": did you mean "kind"?'),
        ("kind: date", "kind: day", 'lost.yaml:5: "kind" must be text, choice, date, number, email, phone'),
        ("name: how", "name: when", 'lost.yaml:9: the field "when" stands twice (line 4): rename one'),
        ("    label: {en: Day}\n", "", 'lost.yaml:4: "label" is missing in "fields": short name that people'),
        ("value: dropped", "value: stolen", 'lost.yaml:16: two choices are "stolen" (value): change one'),
        ("{en: Dropped}", "{en: STOLEN}", 'lost.yaml:16: two choices are "stolen" (en): change one'),
        ("kind: choice", "kind: text", 'lost.yaml:14: "choices" belongs to a field of kind choice, not text'),
        ("kind: date", "kind: choice", 'lost.yaml:4: a field of kind choice needs "choices": list its'),
        ("2026-01-01", "1.1.2026", 'lost.yaml:8: "min" must be such as 2026-01-31, not "1.1.2026"'),
        ("min: 2026-01-01", "pattern: '['", '"pattern" belongs to a field of kind text, not date: remove it'),
        ("kind: date", "kind: email", 'lost.yaml:8: "min" belongs to a number or a date, not to a field of'),
        ("sensitive: true", "sensitive: 'yes'", 'lost.yaml:13: "sensitive" must be true or false, not "yes"'),
        ('{en: "When did you lose it?"}', "When?", '"question" must have a text for each language'),
        (
            '{en: "When did you lose it?"}',
            "{english: When?}",
            'unknown key "english" in "question": the keys',
        ),
        ("id: lost", "id: found", 'lost.yaml:1: "id" is "found", the file is lost.yaml: give both the same'),
        ("id: lost", "", 'lost.yaml:1: "id" is missing: the file\'s name without .yaml'),
        ("fields:", "fields: [", "lost.yaml:4: not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_last_good_form_stays(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    good, _ = read(write_kb(tmp_path))
    found, problems = read(write_kb(tmp_path, form=changed(FORM, old, new)), good)
    assert found.forms == good.forms
    assert any(one.startswith("error forms/lost.yaml:") and problem in one for one in problems), problems
    nothing, _ = read(tmp_path / "kb")
    assert not nothing.forms


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("'['", "is not a regular expression (unterminated character set): mend it, or remove it"),
        ("'(a+)+'", "repeats a group that repeats something itself: write it without"),
        ("'[0-9]{6}'", 'needs an "error": say in one sentence what the answer looks like'),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, problem: str) -> None:
    form = changed(changed(FORM, "kind: date", "kind: text"), "min: 2026-01-01", f"pattern: {pattern}")
    assert f'error forms/lost.yaml:8: "pattern" {problem}' in read(write_kb(tmp_path, form=form))[1]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "agent_name",
            "customer",
            'error replies/hello.yaml:3: "text.en" has {customer}, which nothing fills in',
        ),
        ("{agent_name}", "{", 'error replies/hello.yaml:3: "text.en" has {, which nothing fills in'),
        ("teams: [cards]", "team: cards", 'replies/hello.yaml:4: unknown key "team": did you mean "teams"?'),
        ("teams: [cards]", "teams: cards", 'replies/hello.yaml:4: "teams" must be a list such as'),
        ("title: {en: Hello}\n", "", 'replies/hello.yaml:1: "title" is missing: name in the agents\' list'),
    ],
)
def test_mistakes_in_a_reply(tmp_path: Path, old: str, new: str, problem: str) -> None:
    problems = read(write_kb(tmp_path, reply=changed(REPLY, old, new)))[1]
    assert any(problem in one for one in problems), problems


def test_missing_languages_and_unknown_forms_are_warnings(tmp_path: Path) -> None:
    kb = write_kb(tmp_path, named="lots")
    swedish = kb / "sv" / "kort" / "kort.md"
    swedish.parent.mkdir(parents=True)
    swedish.write_text("---\nid: card\ntitle: Kort\n---\n\nSpärra det.\n", encoding="utf-8")
    (kb / "forms" / "notes.txt").write_text("x", encoding="utf-8")
    found, problems = read(kb)
    assert (found.forms["lost"].languages, found.replies["hello"].languages) == (("en",), ("en",))
    lacks = "lacks sv: the form is not asked in that language"
    assert problems == [
        'warning en/card/card.md:4: "handoff" names the form "lots", and there is no forms/lots.yaml: '
        "write it, or take the name out",
        f'warning forms/lost.yaml:2: "title" {lacks}',
        f'warning forms/lost.yaml:6: "label" of the field "when" {lacks}',
        f'warning forms/lost.yaml:7: "question" of the field "when" {lacks}',
        f'warning forms/lost.yaml:11: "label" of the field "how" {lacks}',
        f'warning forms/lost.yaml:12: "question" of the field "how" {lacks}',
        f'warning forms/lost.yaml:15: "choices" of the field "how" {lacks}',
        f'warning forms/lost.yaml:16: "choices" of the field "how" {lacks}',
        "warning forms/notes.txt: the file is not read: call it notes.yaml",
        'warning replies/hello.yaml:2: "title" lacks sv: agents get no reply in that language',
        'warning replies/hello.yaml:3: "text" lacks sv: agents get no reply in that language',
    ]


def test_variables_are_filled_in_and_an_empty_one_stays_to_be_seen(tmp_path: Path) -> None:
    reply = read(write_kb(tmp_path))[0].replies["hello"]
    assert reply.fill("en", {"agent_name": "Aino"}) == "Hello, Aino here."
    assert reply.fill("en", {"agent_name": ""}) == "Hello, {agent_name} here."
    assert open_variables(reply.fill("en", {})) == ("agent_name",)
    assert open_variables("a {word} in braces") == ()
    with pytest.raises(KeyError):
        reply.fill("sv", {})


# In the index


def build(kb: Path, root: Path) -> tuple[Index, tuple[Problem, ...]]:
    report = Builder(kb=kb, root=root, encoder=HashEncoder()).build()
    return Index.load(root, encoder=HashEncoder()), report.problems


def test_they_travel_in_the_index_and_change_its_id_but_not_its_calibration(tmp_path: Path) -> None:
    first, problems = build(write_kb(tmp_path), tmp_path / "index")
    assert problems == ()
    form = first.form("lost")
    assert form is not None
    assert (first.forms(), first.form("other")) == ((form,), None)
    assert [reply.id for reply in first.replies("en")] == ["hello"]
    assert first.replies("sv") == ()
    write_kb(tmp_path, form=changed(FORM, "When did you", "When was it you"))
    second, _ = build(tmp_path / "kb", tmp_path / "index")
    assert second.index_id != first.index_id
    assert second.manifest.content_hash != first.manifest.content_hash
    assert second.manifest.calibrated_on == first.manifest.calibrated_on
    asked = second.form("lost")
    assert asked is not None
    assert asked.fields[0].question["en"] == "When was it you lose it?"
    again, _ = build(tmp_path / "kb", tmp_path / "index")
    assert again.build_id == second.build_id


def test_a_broken_form_is_named_by_the_build_and_its_last_good_version_served(tmp_path: Path) -> None:
    build(write_kb(tmp_path), tmp_path / "index")
    index, problems = build(write_kb(tmp_path, form="id: ["), tmp_path / "index")
    assert [(problem.source, problem.severity) for problem in problems] == [
        ("forms/lost.yaml", Severity.ERROR)
    ]
    assert index.form("lost") is not None
    assert index.problems == problems


def test_a_form_that_was_removed_is_gone(tmp_path: Path) -> None:
    kb = write_kb(tmp_path)
    build(kb, tmp_path / "index")
    shutil.rmtree(kb / "forms")
    index, problems = build(kb, tmp_path / "index")
    assert index.forms() == ()
    assert len(problems) == 1


def test_an_index_of_an_older_version_has_none(tmp_path: Path) -> None:
    root = tmp_path / "index"
    index, _ = build(write_kb(tmp_path), root)
    folder = build_folder(root, index.build_id)
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["files"]["content.json"]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "content.json").unlink()
    older = Index.load(root, encoder=HashEncoder())
    assert (older.forms(), older.replies("en"), older.form("lost")) == ((), (), None)


# The sample, and what editors' tools check


def test_the_sample_has_forms_and_replies_in_its_three_languages() -> None:
    kb = ROOT / "kb"
    found, problems = read(kb)
    assert problems == []
    assert len(found.forms) >= 4
    assert len(found.replies) >= 8
    everything: list[Form | CannedReply] = [*found.forms.values(), *found.replies.values()]
    for one in everything:
        assert one.languages == ("en", "fi", "sv"), one.source
    named = {article.handoff.form for article in read_kb(kb).articles.values()}
    assert named - {""} == found.forms.keys()
    used = {
        name for reply in found.replies.values() for name in open_variables(" ".join(reply.text.values()))
    }
    assert used <= VARIABLES.keys()
    for reply in found.replies.values():
        variables = {lang: set(open_variables(text)) for lang, text in reply.text.items()}
        assert variables["fi"] == variables["sv"] == variables["en"], reply.id


def test_the_sample_obeys_the_schemas() -> None:
    for folder, schema in (("forms", form_schema()), ("replies", reply_schema())):
        jsonschema.Draft202012Validator.check_schema(schema)
        for path in sorted((ROOT / "kb" / folder).glob("*.yaml")):
            jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)


def test_the_schema_refuses_what_the_indexer_refuses() -> None:
    valid = yaml.safe_load(dedent(FORM).replace("2026-01-01", "'2026-01-01'"))
    checker = jsonschema.Draft202012Validator(form_schema())
    assert checker.is_valid(valid)
    changes: list[dict[str, Any]] = [{"id": None}, {"titel": {}}, {"fields": []}, {"title": {"english": "x"}}]
    for change in changes:
        assert not checker.is_valid(valid | change), change
