"""Canned replies: what agents say often, with variables that are filled in (``kb/replies/<id>.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from indexer.fieldchecks import Value
from indexer.records import ByLanguage, Key, Name, Notes, Texts, read_keys

#: What may stand in braces. A variable is never inflected: the sentence has to bear the bare word.
VARIABLES: Mapping[str, str] = {
    "agent_name": "the agent's name, as the customer sees it",
    "company": "the site's name",
    "article_title": "title of the article chosen with the reply",
    "article_url": "address of that article",
    "contact_phone": "phone number of customer service",
    "contact_email": "e-mail address of customer service",
    "contact_hours": "opening hours in words",
}
_BRACED = re.compile(r"\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedReply:
    """A reply that agents pick from a list."""

    id: str
    title: Mapping[str, str]  #: in the list, by language
    text: Mapping[str, str]  #: as the customer gets it, by language
    teams: tuple[str, ...] = ()  #: that have it in their list; empty: every team
    topics: tuple[str, ...] = ()  #: of conversations where it comes first
    source: str = ""  #: path relative to the kb's root

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have both title and text, sorted."""
        return tuple(sorted(self.title.keys() & self.text.keys()))

    def fill(self, lang: str, values: Mapping[str, str]) -> str:
        """The text with its variables; one that ``values`` lacks or has empty stays for the agent to see.

        Raises ``KeyError`` for a language that the reply does not have.
        """

        def value(match: re.Match[str]) -> str:
            return values.get(match[1] or "") or match[0]

        return _BRACED.sub(value, self.text[lang])

    def to_json(self) -> dict[str, Any]:
        """The reply as JSON values; ``from_json`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The reply that ``to_json`` wrote."""
        return cls(**{**record, "teams": tuple(record["teams"]), "topics": tuple(record["topics"])})


def open_variables(text: str) -> tuple[str, ...]:
    """The variables that are still in ``text``: a message with one should not be sent."""
    return tuple(dict.fromkeys(m[1] for m in _BRACED.finditer(text) if m[1] in VARIABLES))


REPLY_KEYS = (
    Key(
        name="id",
        shape=Name(),
        required=True,
        example="more-details",
        about="The file's name without .yaml.",
    ),
    Key(
        name="title",
        shape=ByLanguage(limit=80),
        required=True,
        example={"fi": "Lisätietoja", "sv": "Mer information", "en": "More details"},
        about="Name in the agents' list, in each language.",
    ),
    Key(
        name="text",
        shape=ByLanguage(limit=2_000, lines=True),
        required=True,
        example={"fi": "Kiitos viestistäsi!", "sv": "Tack för ditt meddelande!", "en": "Thank you!"},
        about=f"The reply, in each language; variables: {', '.join(f'{{{name}}}' for name in VARIABLES)}.",
    ),
    Key(name="teams", shape=Texts(), example=["cards"], about="Teams that have it; none: every team."),
    Key(name="topics", shape=Texts(), example=["card"], about="Topics for which it comes first."),
)


def read_reply_file(
    record: Mapping[str, Value], notes: Notes, languages: Collection[str]
) -> CannedReply | None:
    """The reply of a file; None when it cannot be used, which is noted. ``languages`` are those of the kb."""
    values = read_keys(Value(dict(record), 1), REPLY_KEYS, notes)
    for name in ("title", "text"):
        if name in values and (missing := sorted(set(languages) - set(values[name]))):
            message = f'"{name}" lacks {", ".join(missing)}: agents get no reply in that language'
            notes.warn(record[name].line, message)
    for lang, text in values.get("text", {}).items():
        line = record["text"].data[lang].line
        for match in _BRACED.finditer(text):
            if match[1] not in VARIABLES:
                known = ", ".join(f"{{{name}}}" for name in VARIABLES)
                notes.error(line, f'"text.{lang}" has {match[0]}, which nothing fills in: there are {known}')
    return CannedReply(**values, source=notes.source) if notes.usable else None
