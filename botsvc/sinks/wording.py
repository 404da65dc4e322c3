"""The texts of mails: ``texts/{fi,sv,en}.yaml``, the same keys in each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import yaml

from botsvc.texts import Texts

LANGUAGES = ("fi", "sv", "en")
FALLBACK = "en"  #: for readers whose language has no texts here
_VARIABLE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=len(LANGUAGES))
def mail_texts(lang: str) -> Mapping[str, str]:
    """The texts of a language by key."""
    source = resources.files(__package__).joinpath("texts", f"{lang}.yaml").read_bytes()
    return {str(key): str(text) for key, text in yaml.safe_load(source.decode("utf-8")).items()}


@dataclass(frozen=True, slots=True)
class MailWords:
    """Texts, times and shares as the reader of a mail knows them."""

    lang: str
    texts: Texts
    zone: ZoneInfo

    def __getitem__(self, key: str) -> str:
        """The text ``key``; KeyError when there is none."""
        return self._own[key]

    def say(self, key: str, **values: object) -> str:
        """The text ``key`` with its ``{variables}`` filled in as they are."""
        return _VARIABLE.sub(lambda match: str(values[match[1]]), self[key])

    def named(self, family: str, name: str) -> str:
        """The text of a closed list's value, such as ``state_open``; the value itself where there is none."""
        return self._own.get(f"{family}_{name}", name)

    def moment(self, at: str | datetime, zone: str = "") -> str:
        """A date and time, in ``zone`` or the site's."""
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        local = moment.astimezone(ZoneInfo(zone) if zone else self.zone)
        time = local.time().replace(second=0, microsecond=0)
        return f"{self.texts.date(self.lang, local.date())} {self.texts.time(self.lang, time)}"

    def percent(self, share: float) -> str:
        """A probability in whole percent."""
        return self.texts.percent(self.lang, share)

    def language_name(self, lang: str) -> str:
        """The name of a language."""
        return self.texts.language_name(lang, named_in=self.lang)

    @property
    def _own(self) -> Mapping[str, str]:
        return mail_texts(self.lang if self.lang in LANGUAGES else FALLBACK)
