"""The desk's own texts: ``texts/{fi,sv,en}.yaml``, the same keys in each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import yaml

LANGUAGES = ("fi", "sv", "en")
_VARIABLE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=len(LANGUAGES))
def texts(lang: str) -> Mapping[str, str]:
    """The texts of a language by key."""
    source = resources.files(__package__).joinpath("texts", f"{lang}.yaml").read_bytes()
    return {str(key): str(text) for key, text in yaml.safe_load(source.decode("utf-8")).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Texts, times and counts as one person reads them."""

    lang: str
    zone: ZoneInfo
    now: datetime

    def __getitem__(self, key: str) -> str:
        """The text ``key``; KeyError when there is none."""
        return texts(self.lang)[key]

    def say(self, key: str, **values: object) -> str:
        """The text ``key`` with its ``{variables}`` filled in as they are."""
        return _VARIABLE.sub(lambda match: str(values[match[1]]), self[key])

    def named(self, family: str, name: str) -> str:
        """The text of a closed list's value, such as ``state_open``; the value itself where there is none."""
        return texts(self.lang).get(f"{family}_{name}", name)

    def count(self, key: str, n: int) -> str:
        """The text ``key_one`` or ``key_many`` with the number ``n`` in it."""
        return self.say(f"{key}_one" if n == 1 else f"{key}_many", n=n)

    def span(self, length: timedelta) -> str:
        """A length of time in at most two units: 45 min, 3 h 5 min, 2 d 4 h."""
        minutes = int(abs(length).total_seconds() // 60)
        days, rest = divmod(minutes, 1_440)
        hours, left = divmod(rest, 60)
        if days:
            parts = [("unit_days", days), ("unit_hours", hours)]
        elif hours:
            parts = [("unit_hours", hours), ("unit_minutes", left)]
        else:
            parts = [("unit_minutes", left)]
        said = [self.say(key, n=n) for key, n in parts if n or len(parts) == 1]
        return "\N{NO-BREAK SPACE}".join(said)

    def ago(self, moment: datetime) -> str:
        """How long it is since ``moment``."""
        return self.span(max(self.now - moment, timedelta()))

    def clock(self, moment: datetime) -> str:
        """The time of day in the site's zone; with the date when it is not today's."""
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        time = self.say("time", hour=local.hour, minute=f"{local.minute:02}")
        if local.date() == today.date():
            return time
        key = "date" if local.year == today.year else "date_year"
        return f"{self.say(key, day=local.day, month=local.month, year=local.year)} {time}"

    def promise(self, by: datetime) -> str:
        """What is left of a promise, or by how much it is late, in words."""
        late = by <= self.now
        return self.say("promise_late" if late else "promise_left", span=self.span(by - self.now))
