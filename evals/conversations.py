"""Conversations of an evaluation: tables of turns (said, expected outcome, article), read from YAML.

```
conversations:                       # or the list alone
  - id: stolen-after-lost
    lang: fi
    tag: follow-up
    turns:
      - ["hukkasin korttini", answered, lost-card]
      - {said: "entä jos se varastettiin?", outcome: answered, article: lost-card, follow_up: true}
      - {said: "ei auttanut", outcome: [clarified, handed_off]}
```

A follow-up is a turn that cannot be understood without those before it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from evals.errors import QuestionsError
from evals.predictions import Outcome
from evals.questions import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the customer says and what should come of it."""

    said: str
    outcomes: tuple[Outcome, ...]  #: any of these is right
    articles: tuple[str, ...] = ()  #: any of these must be shown; empty = not looked at
    reason: str = ""  #: empty = not looked at
    follow_up: bool = False  #: cannot be understood without the turns before it
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns that belong together, said in this order."""

    id: str
    lang: str
    turns: tuple[Turn, ...]
    tag: str = ""
    line: int = 0


class ConversationSet(NamedTuple):
    """A conversations file as read."""

    conversations: tuple[Conversation, ...]
    sha256: str


_KEYS = ("id", "lang", "turns", "tag")
_PARTS = ("said", "outcome", "article", "reason")  #: of a turn that is written as a list
_TURN_KEYS = (*_PARTS, "follow_up")
_FLAGS = {"true": True, "false": False}


def read_conversations(path: Path) -> ConversationSet:
    """All conversations of the file; raises ``QuestionsError`` with file and line at the first fault."""
    text, sha256 = read_text(path)
    try:
        # The node tree, not the values: "no" and "on" stay words, and every node knows its line.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        reason = f"is not YAML ({error.problem}): put what is said in quotes"
        raise QuestionsError(reason, source=str(path), line=line) from error
    except yaml.YAMLError as error:
        raise QuestionsError(f"is not YAML ({error})", source=str(path)) from error
    reader = _Reader(str(path))
    conversations: list[Conversation] = []
    lines: dict[str, int] = {}
    for node in reader.listed(root):
        conversation = reader.conversation(node)
        if conversation.id in lines:
            raise reader.fault(
                f"id {conversation.id!r} is already used on line {lines[conversation.id]}", node
            )
        lines[conversation.id] = conversation.line
        conversations.append(conversation)
    return ConversationSet(tuple(conversations), sha256)


class _Reader:
    """Turns YAML nodes into conversations; knows the file's name for its sentences."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fault(self, reason: str, node: yaml.Node | None) -> QuestionsError:
        line = 0 if node is None else node.start_mark.line + 1
        return QuestionsError(reason, source=self.source, line=line)

    def listed(self, root: yaml.Node | None) -> list[yaml.Node]:
        """The conversations: the whole file, or what it holds under ``conversations``."""
        known = ("conversations",)
        if isinstance(root, yaml.MappingNode):
            root = self._mapping(root, known, required=known, what="the file")["conversations"]
        if not isinstance(root, yaml.SequenceNode) or not root.value:
            raise self.fault("holds no conversations: write a list of them", root)
        return list(root.value)

    def conversation(self, node: yaml.Node) -> Conversation:
        fields = self._mapping(node, _KEYS, required=("id", "lang", "turns"), what="a conversation")
        turns = fields["turns"]
        if not isinstance(turns, yaml.SequenceNode) or not turns.value:
            raise self.fault("'turns' is not a list of turns: write [said, outcome, article]", turns)
        return Conversation(
            id=self._text(fields["id"], "id"),
            lang=self._text(fields["lang"], "lang"),
            turns=tuple(self._turn(turn) for turn in turns.value),
            tag=self._text(fields["tag"], "tag") if "tag" in fields else "",
            line=node.start_mark.line + 1,
        )

    def _turn(self, node: yaml.Node) -> Turn:
        if isinstance(node, yaml.SequenceNode):
            if not 2 <= len(node.value) <= len(_PARTS):
                raise self.fault(f"a turn has {len(node.value)} parts: write [said, outcome, article]", node)
            fields = dict(zip(_PARTS, node.value, strict=False))
        else:
            fields = self._mapping(node, _TURN_KEYS, required=("said", "outcome"), what="a turn")
        return Turn(
            said=self._scalar(fields["said"], "said"),
            outcomes=tuple(self._outcome(item) for item in self._items(fields["outcome"])),
            articles=tuple(self._text(item, "article") for item in self._items(fields.get("article"))),
            reason=self._text(fields["reason"], "reason") if "reason" in fields else "",
            follow_up=self._flag(fields["follow_up"], "follow_up") if "follow_up" in fields else False,
            line=node.start_mark.line + 1,
        )

    def _mapping(
        self, node: yaml.Node, known: tuple[str, ...], *, required: tuple[str, ...], what: str
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(f"{what} must be a mapping with {', '.join(known)}", node)
        fields: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self._scalar(key_node, "key")
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise self.fault(f"{what} has the unknown key {key!r}{hint}: {', '.join(known)}", key_node)
            if key in fields:
                raise self.fault(f"{what} has {key!r} twice", key_node)
            fields[key] = value
        for key in required:
            if key not in fields:
                raise self.fault(f"{what} has no {key!r}", node)
        return fields

    def _items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None:
            return []
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def _outcome(self, node: yaml.Node) -> Outcome:
        name = self._text(node, "outcome")
        try:
            return Outcome(name)
        except ValueError:
            near = difflib.get_close_matches(name, [str(outcome) for outcome in Outcome], n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise self.fault(
                f"'outcome' is {name!r}{hint}: write one of {', '.join(Outcome)}", node
            ) from None

    def _flag(self, node: yaml.Node, key: str) -> bool:
        word = self._scalar(node, key).casefold()
        if word not in _FLAGS:
            raise self.fault(f"{key!r} is {word!r}: write true or false", node)
        return _FLAGS[word]

    def _text(self, node: yaml.Node, key: str) -> str:
        text = self._scalar(node, key).strip()
        if not text:
            raise self.fault(f"{key!r} is empty", node)
        return text

    def _scalar(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.fault(f"{key!r} is a list or mapping: write a text", node)
        return str(node.value)
