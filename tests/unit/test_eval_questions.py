"""Reading questions and conversations: every fault names file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.conversations import Turn, read_conversations
from evals.errors import QuestionsError
from evals.predictions import Outcome
from evals.questions import Kind, read_questions

GOOD = {"id": "q1", "lang": "fi", "text": "hukkasin kortin", "gold": ["lost-card"], "kind": "in_scope"}


def write(path: Path, *lines: object) -> Path:
    path.write_text(
        "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines),
        encoding="utf-8",
    )
    return path


def test_reads_all_fields_and_keeps_unknown_keys(tmp_path: Path) -> None:
    record = {**GOOD, "tag": "desc", "gold_sections": ["close"], "group": "g1", "answer": "sulje se"}
    found = read_questions(write(tmp_path / "q.jsonl", record, ""))
    (question,) = found.questions
    assert question.kind is Kind.IN_SCOPE
    assert question.gold == ("lost-card",)
    assert question.gold_sections == ("close",)
    assert question.tag == "desc"
    assert question.extra == {"group": "g1", "answer": "sulje se"}
    assert question.group == "g1"
    assert found.warnings == ()
    assert len(found.sha256) == 64


def test_byte_order_mark_windows_lines_and_blank_lines_are_no_reason_to_fail(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n")
    assert [q.text for q in read_questions(path).questions] == ["hukkasin kortin"]


def test_gold_of_another_kind_is_ignored_with_a_warning(tmp_path: Path) -> None:
    absent = {**GOOD, "id": "q2", "kind": "absent"}
    found = read_questions(write(tmp_path / "q.jsonl", GOOD, absent))
    assert found.questions[1].gold == ()
    assert found.warnings == (
        "1 questions of another kind than in_scope name a gold article, which is ignored (first: line 2)",
    )


def test_questions_with_a_tag_can_be_left_out(tmp_path: Path) -> None:
    titled = {**GOOD, "id": "q2", "tag": "title"}
    found = read_questions(write(tmp_path / "q.jsonl", GOOD, titled))
    assert [q.id for q in found.without_tags(["title"]).questions] == ["q1"]
    assert [q.id for q in found.without_tags([]).questions] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", r"q.jsonl:2: is not JSON \(.* at column 2\): write one JSON object a line"),
        ("[1]", r"q.jsonl:2: is \[1\]: write one JSON object a line"),
        ({**GOOD, "id": 3}, r"q.jsonl:2: 'id' is 3: write a string"),
        ({**GOOD, "id": " "}, r"q.jsonl:2: 'id' is empty"),
        (
            {k: v for k, v in GOOD.items() if k != "text"} | {"txt": "x"},
            r"'text' is missing \(did you mean it by 'txt'\?\)",
        ),
        (
            {**GOOD, "kind": "inscope"},
            r"'kind' is \"inscope\" \(did you mean 'in_scope'\?\): write one of in_scope, absent",
        ),
        ({**GOOD, "gold": "lost-card"}, r"'gold' is \"lost-card\": write a list of ids"),
        ({**GOOD, "gold": [1]}, r"'gold' is \[1\]"),
        ({**GOOD, "tag": 7}, r"'tag' is 7: write a string"),
        ({**GOOD, "id": "q1"}, r"q.jsonl:2: id 'q1' is already used on line 1"),
        (
            '{"id": "q2", "lang": "fi", "text": "\\ud800", "kind": "absent"}',
            r"q.jsonl:2: holds half of a surrogate pair",
        ),
    ],
)
def test_faults_name_file_line_and_field(tmp_path: Path, line: object, sentence: str) -> None:
    with pytest.raises(QuestionsError, match=sentence) as raised:
        read_questions(write(tmp_path / "q.jsonl", GOOD, line))
    assert raised.value.line == 2


def test_a_file_that_is_missing_empty_or_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"none.jsonl: there is no such file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(QuestionsError, match=r"e.jsonl: holds no questions"):
        read_questions(write(tmp_path / "e.jsonl", "", ""))
    (tmp_path / "l.jsonl").write_bytes(json.dumps(GOOD).encode() + b"\n\xe4\xe4")
    with pytest.raises(QuestionsError, match=r"l.jsonl:2: is not UTF-8"):
        read_questions(tmp_path / "l.jsonl")


CONVERSATIONS = """\
- id: stolen-after-lost
  lang: fi
  tag: follow-up
  turns:
    - [hukkasin korttini, answered, lost-card]
    - {said: no, outcome: [clarified, handed_off], reason: asked}
    - [kiitos, small_talk]
"""


def test_conversations_are_tables_of_turns(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONVERSATIONS, encoding="utf-8")
    (conversation,) = read_conversations(path).conversations
    assert (conversation.id, conversation.lang, conversation.tag) == ("stolen-after-lost", "fi", "follow-up")
    assert conversation.turns == (
        Turn(said="hukkasin korttini", outcomes=(Outcome.ANSWERED,), articles=("lost-card",), line=5),
        # YAML would read a bare no as false.
        Turn(said="no", outcomes=(Outcome.CLARIFIED, Outcome.HANDED_OFF), reason="asked", line=6),
        Turn(said="kiitos", outcomes=(Outcome.SMALL_TALK,), line=7),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- [", r"c.yaml:\d+: is not YAML"),
        ("- [what now?, answered]", r"c.yaml:1: is not YAML \(.*\): put what is said in quotes"),
        ("", r"c.yaml: holds no conversations"),
        ("conversations: 1", r"c.yaml:1: holds no conversations"),
        ("a: 1", r"c.yaml:1: the file has the unknown key 'a': conversations"),
        (
            "- {id: a, lang: fi, turns: [{said: x, outcome: answered, follow_up: maybe}]}",
            r"c.yaml:1: 'follow_up' is 'maybe': write true or false",
        ),
        ("- {id: a, lang: fi}", r"c.yaml:1: a conversation has no 'turns'"),
        ("- id: a\n  lang: fi\n  turns: []", r"c.yaml:3: 'turns' is not a list of turns"),
        (
            "- id: a\n  lang: fi\n  turn: []",
            r"c.yaml:3: a conversation has the unknown key 'turn' \(did you mean 'turns'\?\)",
        ),
        (
            "- id: a\n  lang: fi\n  turns:\n    - [hei, answred]",
            r"c.yaml:4: 'outcome' is 'answred' \(did you mean 'answered'\?\)",
        ),
        ("- id: a\n  lang: fi\n  turns:\n    - [hei]", r"c.yaml:4: a turn has 1 parts"),
        ("- id: a\n  lang: fi\n  turns:\n    - {said: [a], outcome: notice}", r"c.yaml:4: 'said' is a list"),
        (
            "- &a {id: a, lang: fi, turns: [[hei, notice]]}\n- *a",
            r"c.yaml:1: id 'a' is already used on line 1",
        ),
    ],
)
def test_faults_of_conversations_name_file_and_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuestionsError, match=sentence):
        read_conversations(path)


def test_conversations_may_stand_under_their_name_and_say_which_turns_follow_up(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "conversations:\n"
        "  - id: a\n    lang: fi\n    turns:\n"
        "      - [hei, small_talk]\n"
        "      - {said: no, outcome: answered, article: [x, y], follow_up: true}\n",
        encoding="utf-8",
    )
    first, second = read_conversations(path).conversations[0].turns
    assert (first.follow_up, second.follow_up) == (False, True)
    assert (second.said, second.articles, second.line) == ("no", ("x", "y"), 6)


def test_a_fifth_of_the_sample_turns_cannot_be_understood_alone() -> None:
    conversations = read_conversations(Path("evals/data/sample/conversations.yaml")).conversations
    for lang in ("fi", "sv", "en"):
        turns = [turn for c in conversations if c.lang == lang for turn in c.turns]
        assert sum(turn.follow_up for turn in turns) >= 0.2 * len(turns), lang
        assert not any(c.turns[0].follow_up for c in conversations)
