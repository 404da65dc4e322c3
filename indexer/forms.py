"""Forms: what must be known of a topic before people can help, asked one by one (``kb/forms/<id>.yaml``).

Nobody has to answer: a form never holds a handoff back. A language in which a question lacks its text is
named to the editor, and the form is not asked in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Self

from indexer.fieldchecks import Value
from indexer.problems import ProblemKind
from indexer.records import ByLanguage, Flag, Key, Name, Notes, OneOf, Records, Text, read_keys

MOST_FIELDS = 10  #: more, and nobody answers to the end
MOST_CHOICES = 8


class FieldKind(StrEnum):
    """What an answer has to look like."""

    TEXT = "text"
    CHOICE = "choice"
    DATE = "date"
    NUMBER = "number"
    EMAIL = "email"
    PHONE = "phone"
    CARD_LAST4 = "card_last4"  #: the last four digits of a card


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers to choose from."""

    value: str  #: its name in every language
    label: Mapping[str, str]  #: by language


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question of a form."""

    name: str
    kind: FieldKind
    label: Mapping[str, str]  #: short name for people, by language
    question: Mapping[str, str]  #: as asked, by language
    help: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)  #: said when an answer does not fit
    choices: tuple[Choice, ...] = ()
    required: bool = False  #: people see that it is missing; the customer may skip it all the same
    sensitive: bool = False  #: stored encrypted, shown on an audited click only
    pattern: str = ""  #: that the whole answer must match
    minimum: str = ""  #: of a number or a day (ISO 8601)
    maximum: str = ""

    @property
    def languages(self) -> frozenset[str]:
        """The languages in which it can be asked."""
        texts = [self.label, self.question, *(choice.label for choice in self.choices)]
        return frozenset.intersection(*(frozenset(text) for text in texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The questions of one topic, in the order asked."""

    id: str
    title: Mapping[str, str]  #: by language
    fields: tuple[FormField, ...]
    source: str = ""  #: path relative to the kb's root

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the whole form can be asked, sorted."""
        return tuple(sorted(frozenset(self.title).intersection(*(field.languages for field in self.fields))))

    def field(self, name: str) -> FormField | None:
        """The question of this name."""
        return next((one for one in self.fields if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """The form as JSON values; ``from_json`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The form that ``to_json`` wrote."""
        fields = tuple(
            FormField(
                **{
                    **one,
                    "kind": FieldKind(one["kind"]),
                    "choices": tuple(Choice(**choice) for choice in one["choices"]),
                }
            )
            for one in record["fields"]
        )
        return cls(**{**record, "fields": fields})


CHOICE_KEYS = (
    Key(name="value", shape=Name(), required=True, example="stolen", about="Name of the answer, in English."),
    Key(
        name="label",
        shape=ByLanguage(limit=80),
        required=True,
        example={"fi": "Varastettu", "sv": "Stulet", "en": "Stolen"},
        about="The answer as the customer reads it, in each language.",
    ),
)
FIELD_KEYS = (
    Key(name="name", shape=Name(), required=True, example="when", about="Name of the field, in English."),
    Key(name="kind", shape=OneOf(words=FieldKind), required=True, about="What the answer has to look like."),
    Key(
        name="label",
        shape=ByLanguage(limit=60),
        required=True,
        example={"fi": "Katoamispäivä", "sv": "Dag", "en": "Day of loss"},
        about="Short name that people see beside the answer, in each language.",
    ),
    Key(
        name="question",
        shape=ByLanguage(limit=200),
        required=True,
        example={"fi": "Milloin kortti katosi?", "sv": "När försvann kortet?", "en": "When did you lose it?"},
        about="The question as the customer reads it, in each language.",
    ),
    Key(name="help", shape=ByLanguage(limit=200), about="A line after the question, in each language."),
    Key(
        name="choices",
        shape=Records(keys=CHOICE_KEYS, most=MOST_CHOICES, noun="choice"),
        about="The answers of a field of kind choice.",
    ),
    Key(
        name="required",
        shape=Flag(),
        about="True: people are told when it is missing; the customer may skip it all the same.",
    ),
    Key(
        name="sensitive",
        shape=Flag(),
        about="True: the answer is encrypted, and shown to the owning agent alone.",
    ),
    Key(
        name="pattern",
        shape=Text(limit=200),
        example="[0-9]{6}",
        about="Regular expression that the whole answer must match; needs an error sentence.",
    ),
    Key(name="min", shape=Text(limit=20), example="1", about="Least number, or first day (2026-01-31)."),
    Key(name="max", shape=Text(limit=20), example="100", about="Greatest number, or last day."),
    Key(
        name="error",
        shape=ByLanguage(limit=200),
        about="One friendly sentence for an answer that does not fit, in each language.",
    ),
)
FORM_KEYS = (
    Key(
        name="id",
        shape=Name(),
        required=True,
        example="lost-card",
        about="The file's name without .yaml; articles name it in handoff.form.",
    ),
    Key(
        name="title",
        shape=ByLanguage(limit=80),
        required=True,
        example={"fi": "Kadonnut kortti", "sv": "Förlorat kort", "en": "Lost card"},
        about="What the form is about, for people, in each language.",
    ),
    Key(
        name="fields",
        shape=Records(keys=FIELD_KEYS, most=MOST_FIELDS, noun="field"),
        required=True,
        about="The questions, in the order asked.",
    ),
)


def read_form(record: Mapping[str, Value], notes: Notes, languages: Collection[str]) -> Form | None:
    """The form of a file; None when it cannot be used, which is noted. ``languages`` are those of the kb."""
    values = read_keys(Value(dict(record), 1), FORM_KEYS, notes)
    names: dict[str, int] = {}
    fields = []
    for one in values.get("fields", ()):
        where: Value = one.pop("")
        if "name" in one:
            if one["name"] in names:
                message = f'the field "{one["name"]}" stands twice (line {names[one["name"]]}): rename one'
                notes.error(where.line, message, ProblemKind.DUPLICATE)
            names.setdefault(one["name"], where.line)
        _check_field(one, where, notes)
        lacking = [*_lacking(one, where, languages)]
        for line, text, missing in lacking:
            what = f'"{text}" of the field "{one.get("name", "")}"'
            notes.warn(line, f"{what} lacks {', '.join(missing)}: the form is not asked in that language")
        if notes.usable:
            fields.append(_field(one))
    _check_title(values, record, notes, languages)
    if not notes.usable:
        return None
    return Form(id=values["id"], title=values["title"], fields=tuple(fields), source=notes.source)


def _field(values: Mapping[str, Any]) -> FormField:
    choices = tuple(Choice(value=one["value"], label=one["label"]) for one in values.get("choices", ()))
    renamed = {"minimum": values.get("min", ""), "maximum": values.get("max", ""), "choices": choices}
    plain = {name: value for name, value in values.items() if name not in ("min", "max", "choices")}
    return FormField(**plain, **renamed)


def _check_title(
    values: Mapping[str, Any], record: Mapping[str, Value], notes: Notes, languages: Collection[str]
) -> None:
    missing = sorted(set(languages) - set(values.get("title", {})))
    if "title" in values and missing:
        message = f'"title" lacks {", ".join(missing)}: the form is not asked in that language'
        notes.warn(record["title"].line, message)


def _lacking(
    values: Mapping[str, Any], where: Value, languages: Collection[str]
) -> Sequence[tuple[int, str, list[str]]]:
    """Texts of a field that lack a language of the kb: line, key, languages."""
    found = []
    for name in ("label", "question", "help", "error"):
        if name in values and (missing := sorted(set(languages) - set(values[name]))):
            found.append((where.data[name].line, name, missing))
    for choice in values.get("choices", ()):
        if "label" in choice and (missing := sorted(set(languages) - set(choice["label"]))):
            found.append((choice[""].line, "choices", missing))
    return found


#: A group that repeats something and is repeated itself: matching may take for ever.
_REPEATED_TWICE = re.compile(r"\([^()]*(?<!\\)[*+{][^()]*\)[*+{]")


def _check_field(values: dict[str, Any], where: Value, notes: Notes) -> None:
    kind = values.get("kind")
    if kind is None:
        return
    has = set(values)
    if (kind is FieldKind.CHOICE) is not ("choices" in has):
        line = where.data["choices"].line if "choices" in where.data else where.line
        needed = 'a field of kind choice needs "choices"'
        other = f'"choices" belongs to a field of kind choice, not {kind.value}'
        notes.error(
            line, f"{needed}: list its answers" if kind is FieldKind.CHOICE else f"{other}: remove it"
        )
    _check_choices(values, notes)
    bounded = (FieldKind.NUMBER, FieldKind.DATE)
    for name in ("min", "max"):
        if name in has and kind not in bounded:
            message = (
                f'"{name}" belongs to a number or a date, not to a field of kind {kind.value}: remove it'
            )
            notes.error(where.data[name].line, message)
        elif name in has and not _is_bound(values[name], kind):
            example = "2026-01-31" if kind is FieldKind.DATE else "100"
            notes.error(where.data[name].line, f'"{name}" must be such as {example}, not "{values[name]}"')
    if "pattern" in has:
        _check_pattern(values, where, kind, notes)


def _check_choices(values: Mapping[str, Any], notes: Notes) -> None:
    seen: set[tuple[str, str]] = set()
    for choice in values.get("choices", ()):
        said = [("value", choice.get("value", ""))]
        said += [(lang, label.casefold()) for lang, label in choice.get("label", {}).items()]
        for name, text in said:
            if text and (name, text) in seen:
                notes.error(
                    choice[""].line, f'two choices are "{text}" ({name}): change one', ProblemKind.DUPLICATE
                )
            seen.add((name, text))


def _check_pattern(values: Mapping[str, Any], where: Value, kind: FieldKind, notes: Notes) -> None:
    line = where.data["pattern"].line
    if kind is not FieldKind.TEXT:
        notes.error(line, f'"pattern" belongs to a field of kind text, not {kind.value}: remove it')
    try:
        re.compile(values["pattern"])
    except re.error as error:
        notes.error(line, f'"pattern" is not a regular expression ({error.msg}): mend it, or remove it')
        return
    if _REPEATED_TWICE.search(values["pattern"]):
        notes.error(line, '"pattern" repeats a group that repeats something itself: write it without')
    if "error" not in values:
        notes.error(line, '"pattern" needs an "error": say in one sentence what the answer looks like')


def _is_bound(text: str, kind: FieldKind) -> bool:
    try:
        if kind is FieldKind.DATE:
            return date.fromisoformat(text).isoformat() == text
        return float(text) == float(text)
    except ValueError:
        return False
