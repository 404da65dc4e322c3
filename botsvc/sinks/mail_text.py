"""What somebody wrote in a mail: HTML as text, without what is quoted and without signatures."""

from __future__ import annotations

import re
from collections.abc import Collection
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre"}
    | {"blockquote", "section", "article", "header", "footer"}
)
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "svg"})
_MOST_DEPTH = 50  #: of quotes within quotes


class _TextOfHtml(HTMLParser):
    """Collects lines; those inside quotes begin with ``>``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._line = ""
        self._unseen = 0
        self._quotes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self._end_line()
            if tag == "blockquote":
                self._quotes = min(self._quotes + 1, _MOST_DEPTH)
            elif tag == "li":
                self._line = "- "
            elif tag == "p" and self.lines and self.lines[-1].strip("> "):
                self.lines.append(self._mark())

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self._end_line()
            if tag == "blockquote":
                self._quotes = max(0, self._quotes - 1)
        elif tag in ("td", "th"):
            self._line += " "

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            space = " " if data[:1].isspace() and not self._line.endswith(" ") else ""
            self._line += space + " ".join(data.split()) + (" " if data[-1:].isspace() else "")

    def close(self) -> None:
        super().close()
        self._end_line()

    def _mark(self) -> str:
        return ">" * self._quotes

    def _end_line(self) -> None:
        line = re.sub(" +", " ", self._line).strip()
        if line:
            self.lines.append(f"{self._mark()} {line}" if self._quotes else line)
        self._line = ""


def text_of_html(source: str) -> str:
    """The readable text of an HTML mail; lines of quotes begin with ``>``."""
    reader = _TextOfHtml()
    reader.feed(source)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(reader.lines)).strip()


#: "Matti kirjoitti 2.11.2026 klo 10.00:", "Den mån 2 nov. 2026 kl 10:00 skrev Matti <m@x>:", "On ... wrote:"
_WROTE = r"kirjoitti|kirjoitit|skrev|skreiv|wrote|schrieb"
_DATED = r"\d{1,4}[./ -]|<[^<>\s]+@[^<>\s]+>|\d{1,2}[:.]\d\d"
_ATTRIBUTION = re.compile(
    rf"^(?=.*(?:{_DATED}))(?:.{{0,200}}\b(?:{_WROTE})\b.{{0,120}}:|(?:On|Den|Am|El|Op)\b.{{0,250}}\b(?:{_WROTE})\b.{{0,120}}:?)$",
    re.IGNORECASE,
)
_BEGINS_ATTRIBUTION = re.compile(rf"^(?:On|Den|Am|El|Op)\b|{_DATED}")
#: What our own mails put before what they quote.
_OWN_ATTRIBUTION = re.compile(r"^(?:Kirjoitit meille|Du skrev till oss|You wrote to us):$", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"^[\s>*]*-{2,}\s*(?:original message|forwarded message|alkuperäinen viesti|välitetty viesti"
    r"|edelleenlähetetty viesti|ursprungligt meddelande|ursprungsmeddelande|vidarebefordrat meddelande"
    r"|originalmeddelande|original appointment)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^_{10,}\s*$")
_FROM = r"from|lähettäjä|från|avsändare|von"
_OTHERS = (
    r"sent|date|to|cc|subject|lähetetty|päivä|päiväys|päivämäärä|vastaanottaja|kopio|aihe"
    r"|skickat|skickades|datum|till|kopia|ämne|an|betreff|gesendet|reply-to|importance|prioriteetti|tärkeys"
)
_HEADER_FROM = re.compile(rf"^\*?(?:{_FROM})\s*:\*?\s", re.IGNORECASE)
_HEADER_OTHER = re.compile(rf"^\*?(?:{_OTHERS})\s*:\*?(?:\s|$)", re.IGNORECASE)
_DEVICE = re.compile(
    r"^(?:sent from (?:my|outlook|mail|yahoo|samsung|proton)\b.*|sent with proton.*|get outlook for .*"
    r"|lähetetty (?:minun )?(?:iphone|ipad|samsung|android|puhelime|outlook|laittee|galaxy|huawei|nokia)\S*.*"
    r"|hanki outlook .*|skickat från (?:min|mitt|outlook|e-post|samsung|yahoo)\b.*|hämta outlook för .*"
    r"|skaffa outlook för .*)$",
    re.IGNORECASE,
)
_LONGEST_ATTRIBUTION = 400  #: characters


def reply_text(text: str, *, own_lines: Collection[str] = ()) -> str:
    """What is new in a reply: no quotes, no history below it, no signature after ``--``.

    Answers written between quoted lines stay. ``own_lines`` begin a mail of ours: from one of them on
    everything is history, however it is quoted. Where nothing is new, the result is empty.
    """
    lines = [line.rstrip().replace("\u00a0", " ") for line in text.replace("\r\n", "\n").split("\n")]
    kept: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        if _begins_history(lines, place) or line.strip() in own_lines:
            break
        attribution = _attribution_length(lines, place)
        if attribution:
            place += attribution
            if not _quote_follows(lines, place):
                break  # a client that does not mark what it quotes: everything below is old
            continue
        if line.startswith(">"):
            place += 1
            continue
        if line == "--":
            place = _after_signature(lines, place)
            continue
        kept.append(line)
        place += 1
    while kept and (not kept[-1] or _DEVICE.match(kept[-1].strip())):
        kept.pop()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _begins_history(lines: list[str], place: int) -> bool:
    """A separator, or the block of headers that Outlook puts above what it quotes without marking it."""
    line = lines[place].strip()
    if _SEPARATOR.match(line):
        return True
    if _RULE.match(line):
        return _begins_history_soon(lines, place + 1)
    return _is_header_block(lines, place)


def _begins_history_soon(lines: list[str], place: int) -> bool:
    after = next((at for at in range(place, min(place + 3, len(lines))) if lines[at].strip()), None)
    return after is not None and _is_header_block(lines, after)


def _is_header_block(lines: list[str], place: int) -> bool:
    if not _HEADER_FROM.match(lines[place].strip()):
        return False
    near = [one.strip() for one in lines[place + 1 : place + 9]]
    return sum(bool(_HEADER_OTHER.match(one)) for one in near) >= 2


def _attribution_length(lines: list[str], place: int) -> int:
    """How many lines "on that day somebody wrote:" takes, up to three; 0 where there is none."""
    if not lines[place].strip() or lines[place].startswith(">"):
        return 0
    if _OWN_ATTRIBUTION.match(lines[place].strip()):
        return 1
    for length in (1, 2, 3):
        joined = lines[place : place + length]
        if len(joined) < length or not all(one.strip() and not one.startswith(">") for one in joined):
            return 0
        if length == 2 and not _BEGINS_ATTRIBUTION.search(joined[0]):
            return 0  # what somebody wrote right above it
        whole = " ".join(one.strip() for one in joined)
        if len(whole) <= _LONGEST_ATTRIBUTION and _ATTRIBUTION.match(whole):
            return length
    return 0


def _quote_follows(lines: list[str], place: int) -> bool:
    return next((one.startswith(">") for one in lines[place:] if one.strip()), False)


def _after_signature(lines: list[str], place: int) -> int:
    """Where the signature ends: at the quote below it, or with the mail."""
    for at in range(place + 1, len(lines)):
        if lines[at].startswith(">") or _attribution_length(lines, at) or _begins_history(lines, at):
            return at
    return len(lines)
