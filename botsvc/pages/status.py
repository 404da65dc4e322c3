"""The page behind a signed link: where a customer's requests stand, and the few things to do about them.

It shows what was asked, who has it and by when the answer comes, never the conversation itself. Whoever has
the link may call the request off or leave an address; the way back leads only the browser that has the token.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from botsvc.customer_acts import ByLink
from botsvc.errors import ConversationError, InvalidMessage, PeopleError
from botsvc.handoff import HandoffState
from botsvc.opening_hours import zone_of
from botsvc.pages.acting import refusal
from botsvc.pages.rendering import Pages
from botsvc.pages.request import call_lines, standing_json, standing_lines
from botsvc.standing import Standing, standing_of
from botsvc.storage.records import Conversation

#: Search engines and the next site's log have no business with these addresses.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def status_page(pages: Pages, request: Request) -> Response:
    """The requests of the conversation that the link names."""
    return _page(pages, request)


def status_act(pages: Pages, request: Request, body: bytes) -> Response:
    """The same after the customer called a request off or left an address."""
    service = pages.service
    token = str(request.path_params["token"])
    conversation_id = service.status_links.conversation_of(token, service.clock())
    if conversation_id is None:
        return _page(pages, request)
    service.messages.take(conversation_id, "This conversation has had many messages")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        fields = {}
    email, phone = (fields.get(name, [""])[-1].strip()[:300] for name in ("email", "phone"))
    try:
        match fields.get("act", [""])[-1]:
            case "close":
                service.acts.close(conversation_id, ByLink.CHECKED)
            case "contact":
                service.acts.give_contact(conversation_id, ByLink.CHECKED, email=email, phone=phone)
            case _:
                pass
    except InvalidMessage as error:
        return _page(pages, request, error=refusal(error, email=email, phone=phone), status=422)
    except PeopleError:
        pass  # it has ended meanwhile: the page shows that
    except ConversationError:
        return _page(pages, request)
    # A reload then asks again for the page, and sends nothing a second time.
    return RedirectResponse(f"/status/{token}", 303, headers=_HEADERS)


def _page(pages: Pages, request: Request, *, error: str = "", status: int = 200) -> Response:
    service = pages.service
    now = service.clock()
    token = str(request.path_params["token"])
    service.polls.take(f"status:{service.network(request)}", "This network asks for requests too often")
    conversation_id = service.status_links.conversation_of(token, now)
    found = _found(pages, conversation_id, now, request) if conversation_id else None
    lang = found["lang"] if found else pages.language(request)
    texts = service.texts.all(lang)
    response = pages.page(
        request,
        "status.html",
        lang=lang,
        title=texts["status_title"],
        values={
            "requests": found["requests"] if found else [],
            "conversation_id": conversation_id if found else "",
            "token": token,
            "error": texts[error] if error else "",
        },
        alternates={},
        status=status if found else 404,
        cache=False,
    )
    response.headers.update(_HEADERS)
    return response


def _found(pages: Pages, conversation_id: str, now: datetime, request: Request) -> dict[str, Any] | None:
    front_desk = pages.service.tier.front_desk
    with front_desk.storage.read() as reading:
        conversation = reading.conversation(conversation_id)
        if conversation is None:
            return None
        known = pages.service.languages()
        lang = conversation.language if conversation.language in known else pages.language(request)
        standings = [
            (
                handoff,
                standing_of(
                    reading,
                    front_desk,
                    conversation,
                    handoff,
                    reading.events(conversation_id, episode=handoff.episode),
                    now,
                    lang=lang,
                ),
            )
            for handoff in reading.handoffs(conversation_id=conversation_id)
        ]
    standings.sort(key=lambda pair: pair[0].episode, reverse=True)
    return {
        "lang": lang,
        "requests": [
            _view(pages, conversation, standing, handoff.team, lang)
            | {"current": handoff.episode == conversation.episode and standing.open}
            for handoff, standing in standings
        ],
    }


def _view(
    pages: Pages,
    conversation: Conversation,
    standing: Standing,
    team: str,
    lang: str,
) -> dict[str, Any]:
    texts = pages.service.texts
    known_team = pages.service.tier.front_desk.teams.get(team)
    zone = zone_of(conversation.time_zone) or (zone_of(known_team.time_zone) if known_team else None)

    def said(key: str, moment: datetime) -> str:
        at = moment.astimezone(zone or ZoneInfo("UTC") or UTC)
        return texts.say(lang, key, date=texts.date(lang, at.date()), time=texts.time(lang, at.time()))

    if standing.open:
        lines = list(standing_lines(texts, lang, standing_json(standing)))
        if not standing.agent and not standing.reply_by and not standing.live:
            lines.append(said("status_waiting", standing.waiting_since))
        if standing.answered:
            lines.append(texts.all(lang)["status_answered"])
    else:
        ended = {HandoffState.RESOLVED: "request_resolved", HandoffState.WITHDRAWN: "request_withdrawn"}
        lines = [texts.all(lang)[ended.get(standing.state, "request_ended")]]
    return {
        "id": standing.handoff_id,
        "question": standing.question,
        "asked": said("status_asked", standing.asked_at),
        "team": standing.team,
        "lines": lines,
        "call": call_lines(
            texts,
            lang,
            {"phone": standing.call.phone, "wished": standing.call.wished} if standing.call else None,
        ),
        "reachable": standing.reachable,
    }
