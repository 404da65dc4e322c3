"""Days on which people work otherwise: a country's public holidays, and the eves of feasts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class Eve(StrEnum):
    """The eves that a team may keep closed or shorten."""

    EPIPHANY = "epiphany_eve"  # loppiaisaatto, trettondagsafton
    MAUNDY_THURSDAY = "maundy_thursday"  # kiirastorstai, skärtorsdag
    MAY_DAY = "may_day_eve"  # vappuaatto, valborgsmässoafton
    MIDSUMMER = "midsummer_eve"  # juhannusaatto, midsommarafton
    CHRISTMAS = "christmas_eve"  # jouluaatto, julafton
    NEW_YEAR = "new_years_eve"  # uudenvuodenaatto, nyårsafton


#: Eves that nearly everybody has off, although they are no public holidays or are so only by custom.
USUALLY_CLOSED: Mapping[str, frozenset[Eve]] = {
    "AX": frozenset({Eve.MIDSUMMER, Eve.CHRISTMAS}),
    "FI": frozenset({Eve.MIDSUMMER, Eve.CHRISTMAS}),
    "SE": frozenset({Eve.MIDSUMMER, Eve.CHRISTMAS, Eve.NEW_YEAR}),
}

_PLACE = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9]{1,4}))?")


@lru_cache(maxsize=16)
def eves(year: int) -> Mapping[datetime.date, Eve]:
    """The eves of a year by date."""
    june = datetime.date(year, 6, 19)  # midsummer's eve is the Friday from 19 to 25 June
    return {
        datetime.date(year, 1, 5): Eve.EPIPHANY,
        _easter(year) - datetime.timedelta(days=3): Eve.MAUNDY_THURSDAY,
        datetime.date(year, 4, 30): Eve.MAY_DAY,
        june + datetime.timedelta(days=(4 - june.weekday()) % 7): Eve.MIDSUMMER,
        datetime.date(year, 12, 24): Eve.CHRISTMAS,
        datetime.date(year, 12, 31): Eve.NEW_YEAR,
    }


@lru_cache(maxsize=64)
def public_holidays(place: str, year: int) -> frozenset[datetime.date]:
    """The public holidays of a country, such as FI, or of a part of it, such as DE-BY; none for ``""``."""
    if not place:
        return frozenset()
    import holidays

    country, _, part = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def is_known_place(place: str) -> bool:
    """Whether ``public_holidays`` knows this country, or this part of it."""
    import holidays

    found = _PLACE.fullmatch(place)
    countries = holidays.list_supported_countries()
    if found is None or found[1] not in countries:
        return False
    return found[2] is None or found[2] in countries[found[1]]


def _easter(year: int) -> datetime.date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return datetime.date(year, month, day + 1)
