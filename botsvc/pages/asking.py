"""The page at ``/``: ask, see the answer and how sure it is, get to a person.

With scripts the customer's words go into the chat, by ``static/chat.js``. Without them, every message is a
form that carries the conversation's id and token in its body, and the page is written anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from botsvc.contacts import EMAIL_PLACE, PHONE_PLACE
from botsvc.dialogue import take_turn, transcript
from botsvc.episode import Press
from botsvc.errors import (
    ConversationError,
    ConversationFull,
    InvalidMessage,
    PeopleError,
    StorageError,
    UnknownConversation,
    WrongToken,
)
from botsvc.exchange import CustomerTurn, Start
from botsvc.pages.acting import ACTS, ActRefused, perform
from botsvc.pages.rendering import Pages, safe
from botsvc.pages.request import request_view
from botsvc.pages.topics import topics
from botsvc.problems import Problem, ProblemType

#: From these probabilities on an answer is called very, or fairly, sure.
_VERY_SURE, _FAIRLY_SURE = 0.9, 0.7
_EXPIRED = (UnknownConversation, WrongToken, ConversationFull)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The conversation that a page goes on with, kept in its form."""

    id: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the page sent."""

    text: str
    press: Press | None
    index: int
    message_id: str
    held: Held
    act: str  #: what was done beside writing, of ``ACTS``
    fields: Mapping[str, str]  #: everything, for the acts


def ask_page(pages: Pages, request: Request) -> Response:
    """The page before anything was asked."""
    return _page(pages, request, pages.language(request), Held())


def asked_page(pages: Pages, request: Request, body: bytes) -> Response:
    """The page after a message."""
    lang = pages.language(request)
    form = _form(body)
    held = form.held
    try:
        if form.act and held.id:
            perform(pages, held.id, held.token, form.act, form.fields, form.message_id)
        elif form.text.strip() or form.press:
            if not held.id:
                held = _open(pages, request, lang)
            turn = CustomerTurn(
                client_message_id=form.message_id,
                text=form.text,
                press=form.press,
                index=form.index,
                network=pages.service.network(request),
            )
            take_turn(pages.service, held.id, held.token, turn, None)
        shown = transcript(pages.service, held.id, held.token, lang=lang) if held.id else None
    except (Problem, ConversationError, PeopleError, StorageError, ActRefused) as error:
        return _failed(pages, request, lang, form, error)
    return _page(pages, request, lang, held, shown=shown)


def _page(
    pages: Pages,
    request: Request,
    lang: str,
    held: Held,
    *,
    shown: Mapping[str, Any] | None = None,
    error: str = "",
    text: str = "",
    status: int = 200,
) -> Response:
    service = pages.service
    texts = service.texts.all(lang)
    index = service.swapper.index
    entries = list(_entries(pages, shown["entries"], lang)) if shown else []
    return pages.page(
        request,
        "ask.html",
        lang=lang,
        title=texts["page_title"],
        description=texts["welcome"],
        values={
            "entries": entries,
            "held": held,
            "message_id": _new_id(),
            "waiting": _waiting(pages, shown, lang),
            "request": request_view(pages, shown, lang) if shown else None,
            "error": error,
            "text": text,
            "limit": service.settings.limits.message_chars,
            "notice": service.settings.notice_for(lang) if not held.id else None,
            "topics": topics(index, lang, service.bot.access(), texts) if index and not held.id else (),
        },
        alternates={code: f"/?lang={code}" for code in service.languages()},
        status=status,
        cache=not held.id,
    )


def _failed(pages: Pages, request: Request, lang: str, form: Form, error: Exception) -> Response:
    """What went wrong, in the customer's words; what was typed stays in its field."""
    texts = pages.service.texts
    limit = pages.service.settings.limits.message_chars
    held = form.held
    status, said = 503, texts.say(lang, "error_search")
    shown = None
    if isinstance(error, _EXPIRED):
        status, said, held = 410, texts.say(lang, "error_expired"), Held()
    elif isinstance(error, ActRefused):
        status, said = 422, texts.say(lang, error.key)
    elif isinstance(error, InvalidMessage) and error.field == "text":
        status, said = 422, texts.say(lang, "error_too_long", limit=limit)
    elif isinstance(error, Problem) and error.kind is ProblemType.RATE_LIMITED:
        status, said = 429, texts.say(lang, "error_too_many")
    elif isinstance(error, PeopleError):
        status, said = 409, texts.say(lang, "request_ended")
    elif isinstance(error, ConversationError):
        status = 422
    if held.id:
        with suppress(Problem, ConversationError, StorageError):  # then only what went wrong is shown
            shown = transcript(pages.service, held.id, held.token, lang=lang)
    return _page(pages, request, lang, held, shown=shown, error=said, text=form.text, status=status)


def _open(pages: Pages, request: Request, lang: str) -> Held:
    service = pages.service
    service.starts.take(service.network(request), "This network opens many conversations")
    locale = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0]
    notice = service.settings.notice_for(lang).text
    start = Start(language=lang, locale=locale[:35], page="/", notice=notice)
    opened = service.conversations.create(start)
    return Held(id=opened.conversation_id, token=opened.token)


def _form(body: bytes) -> Form:
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Problem(ProblemType.INVALID_REQUEST, "The form has too many fields.") from error

    def value(name: str) -> str:
        return fields.get(name, [""])[-1]

    press, _, place = value("press").partition(":")
    known = press in set(Press)
    return Form(
        text="" if known else value("q"),
        press=Press(press) if known else None,
        index=int(place) if place.isascii() and place.isdigit() and len(place) < 3 else 0,
        message_id=value("message_id")[:100] or _new_id(),
        held=Held(id=value("conversation")[:100], token=value("token")[:200]),
        act=act if (act := value("act")) in ACTS else "",
        fields={name: values[-1][:2_000] for name, values in fields.items()},
    )


def _new_id() -> str:
    return secrets.token_hex(12)


def _waiting(pages: Pages, shown: Mapping[str, Any] | None, lang: str) -> str:
    """A line for a customer who wrote on while waiting for a person, to whom the bot says nothing."""
    entries = shown["entries"] if shown else []
    if shown and shown["owner"] != "bot" and entries and entries[-1]["author"] == "customer":
        return pages.service.texts.say(lang, "waiting_saved")
    return ""


def _entries(pages: Pages, entries: list[dict[str, Any]], lang: str) -> Iterator[dict[str, Any]]:
    """The entries of a transcript with what the template shows of them."""
    buttons: list[dict[str, Any]] = []
    last = len(entries) - 1
    for place, entry in enumerate(entries):
        if entry["author"] == "customer":
            pressed = _label(pages, entry, buttons, lang) if entry["press"] else ""
            text = _without_places(entry["text"], pages.service.texts.all(lang))
            yield {**entry, "text": text or pressed, "lang": lang, "view": None}
            continue
        if entry["author"] != "bot":
            yield {**entry, "lang": lang, "view": None}
            continue
        message = entry["message"]
        view = _view(pages, message) if message and message["reply"] else None
        if view is not None:
            buttons = view["buttons"]
            view["current"] = place == last
        yield {**entry, "lang": view["lang"] if view else lang, "view": view}


def _without_places(text: str, words: Mapping[str, str]) -> str:
    """The customer's words with what stands for a moved address in their own language."""
    text = text.replace(EMAIL_PLACE, f"[{words['contact_email'].lower()}]")
    return text.replace(PHONE_PLACE, f"[{words['contact_phone'].lower()}]")


def _label(pages: Pages, entry: dict[str, Any], buttons: list[dict[str, Any]], lang: str) -> str:
    """What stood on the button that was pressed."""
    same = [button["label"] for button in buttons if button["press"] == entry["press"]]
    index = entry.get("index", 0)
    if same:
        return str(same[index] if index < len(same) else same[0])
    return pages.service.texts.all(lang)["button_person"] if entry["press"] == Press.PERSON else ""


def _view(pages: Pages, message: Mapping[str, Any]) -> dict[str, Any]:
    """A reply as the template shows it."""
    reply, texts = message["reply"], pages.service.texts
    lang = reply["language"]
    words = texts.all(lang)
    answer = reply["answer"]
    shown = (answer["lang"], answer["article_id"]) if answer else None
    others = [hit for hit in reply["hits"] if (hit["lang"], hit["article_id"]) != shown][:3]
    unsure = reply["reason"] in ("low_confidence", "repeated_failure")
    buttons = list(message["buttons"])
    return {
        "lang": lang,
        "t": words,
        "said": message["said"],
        "complete": message["complete"],
        "outcome": reply["outcome"],
        "answer": answer and {**answer, "html": safe(answer["html"])},
        "other_language": texts.language_name(answer["lang"], named_in=lang)
        if answer and answer["lang"] != lang
        else "",
        "confidence": _confidence(pages, reply, lang) if reply["outcome"] == "answered" else None,
        "others_label": words["nearest_articles" if unsure else "more_articles"],
        "others": others if reply["outcome"] == "answered" or unsure else [],
        "details": list(message["details"]),
        "asks_helped": any(button["press"] == Press.HELPED for button in buttons),
        "buttons": buttons,
        "current": False,
    }


def _confidence(pages: Pages, reply: Mapping[str, Any], lang: str) -> dict[str, Any] | None:
    """How sure the answer is, in words and as a number; None for an article that the customer picked."""
    share = reply["confidence"]
    if share is None or reply["reason"] == "chosen":
        return None
    level = "high" if share >= _VERY_SURE else "medium" if share >= _FAIRLY_SURE else "low"
    texts = pages.service.texts
    return {
        "level": level,
        "words": texts.all(lang)[f"confidence_{level}"],
        "percent": texts.percent(lang, share),
    }
