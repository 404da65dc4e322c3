"""The part of the page at ``/`` that shows where a request to people stands, and what its customer can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botsvc.episode import Owner, Press
from botsvc.handoff import HandoffState
from botsvc.pages.rendering import Pages
from botsvc.standing import Standing
from botsvc.texts import Texts


def request_view(pages: Pages, shown: Mapping[str, Any], lang: str) -> dict[str, Any] | None:
    """What the template shows of a request; None where there is nothing to show."""
    request = shown["request"]
    owner = Owner(shown["owner"])
    if request is None or owner is Owner.BOT:
        return None
    service = pages.service
    is_open = request["state"] == HandoffState.OPEN
    offered = _offered(shown["entries"])
    waits = owner is Owner.QUEUE
    csat = shown["csat"]
    return {
        "lines": list(standing_lines(service.texts, lang, request)),
        "open": is_open,
        "team": request["team"] if is_open else "",
        "mark": _mark(service.texts.all(lang), shown) if is_open else "",
        "call": call_lines(service.texts, lang, request["call"]),
        "gives_contact": is_open,
        "reachable": request["reachable"],
        "asks_for_call": is_open and request["staffed"],
        "ends": "" if not is_open else "request" if waits else "conversation",
        "no_need": is_open and waits and Press.NO_NEED in offered,
        "meanwhile": is_open and waits and not offered and _is_silent(shown["entries"]),
        "csat": csat["asked"] and csat["score"] is None,
        "thanks": csat["asked"] and csat["score"] is not None,
        "status_url": shown["status_url"] if is_open and request["reachable"] else "",
        "agent": request["agent"],
    }


def standing_lines(texts: Texts, lang: str, request: Mapping[str, Any]) -> Iterator[str]:
    """How the request stands, in one or two sentences that each stand alone."""
    words, state = texts.all(lang), request["state"]
    if state != HandoffState.OPEN:
        yield words[
            {HandoffState.RESOLVED: "resolved", HandoffState.WITHDRAWN: "request_withdrawn"}.get(
                HandoffState(state), "request_ended"
            )
        ]
        return
    if request["agent"]:
        yield texts.say(lang, "with_agent", name=request["agent"])
    elif not request["staffed"]:
        yield words["handoff_saved"]
    elif request["live"] and request["place"]:
        key = "chat_next" if request["place"] == 1 else "chat_place"
        yield texts.say(lang, key, place=request["place"])
    elif request["reply_by_words"]:
        yield texts.say(lang, "promise_made", when=request["reply_by_words"])
    else:
        yield words["queued"]
    if not request["reachable"]:
        yield words["address_hint"]
    elif request["mail"]:
        yield words["mail_continues"]


def call_lines(texts: Texts, lang: str, call: Mapping[str, Any] | None) -> list[str]:
    """That a call is wished for, and when."""
    if call is None:
        return []
    lines = [texts.say(lang, "call_promised", phone=call["phone"])]
    return [*lines, texts.say(lang, "call_when", wished=call["wished"])] if call["wished"] else lines


def standing_json(standing: Standing) -> Mapping[str, Any]:
    """What ``standing_lines`` reads, of a standing that no transcript holds."""
    names = ("state", "agent", "staffed", "live", "place", "reply_by_words", "reachable", "mail")
    return {name: getattr(standing, name) for name in names}


def _mark(words: Mapping[str, str], shown: Mapping[str, Any]) -> str:
    """What became of the customer's last message, while people have the conversation."""
    own = [entry["sequence"] for entry in shown["entries"] if entry["author"] == "customer"]
    said = [entry["sequence"] for entry in shown["entries"] if entry["author"] in ("customer", "agent")]
    if not own or own[-1] != said[-1]:
        return ""  # it has been answered: that says more
    request = shown["request"]
    if own[-1] <= request["read_up_to"]:
        return words["mark_read"]
    return words["mark_delivered" if request["delivered"] else "mark_saved"]


def _offered(entries: list[dict[str, Any]]) -> set[str]:
    """The buttons that stand under the last thing said."""
    message = entries[-1]["message"] if entries else None
    return {button["press"] for button in message["buttons"]} if message else set()


def _is_silent(entries: list[dict[str, Any]]) -> bool:
    """Whether the bot says nothing to what the customer writes, unless asked to."""
    messages = [entry["message"] for entry in entries if entry["message"]]
    own = [entry for entry in entries if entry["author"] == "customer"]
    asked = any(entry["press"] == Press.ASK_MEANWHILE for entry in own)
    offered = any(
        button["press"] == Press.ASK_MEANWHILE for message in messages for button in message["buttons"]
    )
    return offered and not asked
