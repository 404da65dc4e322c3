"""Every sentence that the bot and its pages say, per language, editable without code.

The shipped sentences are ``{fi,sv,en}.yaml`` beside this file. A folder of the operator's own may hold files
of the same names with the sentences to change, and files of further languages with all of them.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from indexer import SettingsError

SHIPPED = ("fi", "sv", "en")
FALLBACK = "en"  #: for customers whose language has no texts
_REFERENCE = "en"
_VARIABLE = re.compile(r"\{(\w*)\}")
#: What is filled into which text.
_VARIABLES = {
    "date": ("day", "month", "month_name", "year"),
    "time": ("hour", "minute"),
    "percent": ("percent",),
    "error_too_long": ("limit",),
    "mail_bounced": ("address",),
    "when_today": ("time",),
    "when_tomorrow": ("time",),
    "when_weekday": ("weekday", "time"),
    "when_date": ("date", "time"),
    "when_local": ("when",),
    "promise_made": ("when",),
    "promise_after_opening": ("opens", "when"),
    "promise_late": ("when",),
    "team_closed_opens": ("when",),
    "chat_place": ("place",),
    "with_agent": ("name",),
    "place_in_queue": ("place",),
    "call_promised": ("phone",),
    "call_when": ("wished",),
    "status_asked": ("date", "time"),
    "status_waiting": ("date", "time"),
}
_LANGUAGE_FILE = re.compile(r"[a-z]{2,3}")
#: Families of texts that an operator adds to: names of customer groups, languages and topics.
_OPEN = ("audience_", "language_", "topic_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The sentences of all languages."""

    by_language: Mapping[str, Mapping[str, str]]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have texts."""
        return tuple(self.by_language)

    def all(self, lang: str) -> Mapping[str, str]:
        """The sentences of a language by key; those of the fallback where it has none."""
        return self.by_language.get(lang) or self.by_language[FALLBACK]

    def say(self, lang: str, *keys: str, **values: object) -> str:
        """The sentences of ``keys``, one after the other, with ``{variables}`` filled in as they are."""
        sentences = self.all(lang)
        said = " ".join(sentences[key] for key in keys if sentences[key])
        return _VARIABLE.sub(lambda match: str(values[match[1]]), said)

    def date(self, lang: str, day: datetime.date) -> str:
        """A date as the language writes it: 24.12.2026, 24 December 2026."""
        names = [name.strip() for name in self.all(lang)["month_names"].split(",")]
        name = names[day.month - 1]
        return self.say(lang, "date", day=day.day, month=day.month, month_name=name, year=day.year)

    def time(self, lang: str, moment: datetime.time) -> str:
        """A time of day as the language writes it: klo 8.00, kl. 8.00, 8:00."""
        return self.say(lang, "time", hour=moment.hour, minute=f"{moment.minute:02}")

    def percent(self, lang: str, share: float) -> str:
        """A probability in whole percent: 95 %, 95%."""
        return self.say(lang, "percent", percent=round(100 * share))

    def language_name(self, lang: str, *, named_in: str) -> str:
        """The name of a language for a label; its code where the texts do not name it."""
        return self.all(named_in).get(f"language_{lang}", lang)


def load_texts(folder: Path | None = None) -> Texts:
    """The shipped sentences, changed and added to by the files in ``folder``; or SettingsError."""
    by_language = {lang: dict(_shipped(lang)) for lang in SHIPPED}
    if folder is not None:
        if not folder.is_dir():
            raise SettingsError(
                f"texts folder {folder} does not exist: create it or remove the setting", key="texts"
            )
        for path in sorted(folder.glob("*.yaml")):
            if _LANGUAGE_FILE.fullmatch(path.stem):
                changed = _read(path.read_bytes(), str(path))
                by_language[path.stem] = {**by_language.get(path.stem, {}), **changed}
                _check(by_language[path.stem], str(path))
    return Texts(by_language=by_language)


@lru_cache(maxsize=len(SHIPPED))
def _shipped(lang: str) -> Mapping[str, str]:
    name = f"{lang}.yaml"
    return _read(resources.files(__package__).joinpath(name).read_bytes(), f"botsvc/texts/{name}")


def _read(source: bytes, name: str) -> dict[str, str]:
    try:
        record: Any = yaml.safe_load(source.decode("utf-8-sig"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        where = " ".join(str(error).split())
        raise SettingsError(
            f"{name} is not valid YAML ({where}): mend it or remove it", key="texts"
        ) from error
    if not isinstance(record, dict):
        raise SettingsError(f"{name} holds no list of texts: write one 'key: sentence' a line", key="texts")
    for key, text in record.items():
        if not isinstance(text, str):
            raise SettingsError(
                f"{name}: the text of {key!r} is {text!r}: put it in quotes", key=f"texts.{key}"
            )
    return {str(key): " ".join(text.split()) for key, text in record.items()}


def _check(texts: Mapping[str, str], name: str) -> None:
    """Every key of the reference is there and no other, with no variable that nobody fills in."""
    reference = _shipped(_REFERENCE)
    for key in texts:
        if key not in reference and not key.startswith(_OPEN):
            near = difflib.get_close_matches(key, reference, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "remove it"
            raise SettingsError(f"{name}: no text is called {key!r}: {hint}", key=f"texts.{key}")
        for variable in _VARIABLE.findall(texts[key]):
            if variable not in _VARIABLES.get(key, ()):
                raise SettingsError(
                    f"{name}: the text of {key!r} names {{{variable}}}, which nothing fills in: remove it",
                    key=f"texts.{key}",
                )
    missing = [key for key in reference if key not in texts]
    if missing:
        raise SettingsError(
            f"{name}: {len(missing)} texts are missing, the first is {missing[0]!r}: add them",
            key=f"texts.{missing[0]}",
        )
