"""Experts' cases: asked from a conversation, answered at the desk or by a signed link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from botsvc.cases import AnswerTo, CaseState, Question, may_answer
from botsvc.desk.conversation import case_draft, opened
from botsvc.desk.guard import Call, Form, Refused
from botsvc.desk.rendering import Desk
from botsvc.desk.wording import Words
from botsvc.errors import BotError, InvalidMessage, NotOpen, StorageError, UnknownCase
from botsvc.handling import may_handle
from botsvc.handoff import HandoffState
from botsvc.problems import Problem
from botsvc.storage.records import Case, Handoff

MOST_CASES = 100
#: The link is the expert's key: no other site, and no search engine, may learn it.
_SECRET = {"Referrer-Policy": "no-referrer"}


def cases_page(call: Call) -> Response:
    """The cases that this person can answer, and those that they asked."""
    agent = call.session.agent
    with call.desk.storage.read() as reading:
        found = reading.cases()
        names = {person.id: person.name for person in reading.agents()}
    to_answer = [case for case in found if case.state == CaseState.OPEN and may_answer(agent, case)]
    asked = [case for case in reversed(found) if case.asked_by == agent.id][:MOST_CASES]
    teams = call.desk.team_names(call.desk.language(call.request, call.session))
    return call.page("cases.html", to_answer=to_answer, asked=asked, names=names, teams=teams)


def case_opened(call: Call) -> Response:
    """Ask an expert; the link is shown this once."""
    found = opened(call)
    words = call.desk.words(call.request, call.session)
    form = call.form
    team, _, expert = form["to"].partition("/")
    if team and team not in call.desk.team_names(words.lang):
        raise Refused("choose_somebody", 422)
    done = set(form.all("check"))
    checks = case_draft(found, words).checklist
    question = Question(
        summary=form.raw("summary"),
        team=team,
        expert=expert,
        email=form["email"],
        checklist=[{"text": text, "done": str(place) in done} for place, (text, _) in enumerate(checks)],
        missing=[line for line in form.raw("missing").splitlines() if line.strip()],
    )
    asked = call.desk.service.tier.cases.open(found.conversation.id, call.session.agent, question)
    base = call.desk.service.settings.site.base_url or str(call.request.base_url).rstrip("/")
    return call.page("case_opened.html", case=asked.case, link=f"{base}/case/{asked.token}")


def case_page(call: Call, *, text: str = "") -> Response:
    """A case with all that is known."""
    case, handoff = _case(call)
    agent = call.session.agent
    may = may_answer(agent, case)
    if not may and not may_handle(agent, handoff) and case.asked_by != agent.id:
        raise Refused("other_team")
    link = f"/desk/c/{case.conversation_id}" if may_handle(agent, handoff) else ""
    values = _shown(call.desk, case, handoff)
    return call.page(
        "case.html",
        **values,
        may=may and handoff.state == HandoffState.OPEN,
        action=f"/desk/cases/{case.id}",
        conversation_link=link,
        text=text,
    )


def case_answered(call: Call) -> Response:
    """An expert's answer from the desk."""
    case, _ = _case(call)
    call.desk.service.tier.cases.answer(
        case, call.form.raw("text"), _to(call.form), expert=call.session.agent
    )
    return call.to(f"/desk/cases/{case.id}")


def _case(call: Call) -> tuple[Case, Handoff]:
    with call.desk.storage.read() as reading:
        case = reading.case(call.request.path_params["case"])
        handoff = reading.handoff(case.handoff_id) if case else None
    if case is None or handoff is None:
        raise Refused("case_unknown", 404)
    return case, handoff


def _shown(desk: Desk, case: Case, handoff: Handoff) -> dict[str, Any]:
    with desk.storage.read() as reading:
        asker = reading.agent(case.asked_by)
    return {
        "case": case,
        "document": _with_addresses(desk, handoff.document),
        "one_language": handoff.language,
        "asked_by": asker.name if asker else "",
    }


def _with_addresses(desk: Desk, document: Mapping[str, Any]) -> dict[str, Any]:
    base = desk.service.settings.site.base_url
    articles: Sequence[Mapping[str, Any]] = document.get("articles", [])
    full = [
        {**one, "url": base + one["url"] if one["url"].startswith("/") else one["url"]} for one in articles
    ]
    return {**document, "articles": full}


def _to(form: Form) -> AnswerTo:
    return AnswerTo.CUSTOMER if form["to"] == AnswerTo.CUSTOMER else AnswerTo.AGENT


async def link_endpoint(desk: Desk, request: Request) -> Response:
    """A case by its link, without signing in: shown, and answered once."""
    body = await request.body() if request.method == "POST" else b""
    try:
        return await desk.service.work.run(partial(_link, desk, request, body))
    except (Problem, StorageError):
        return _link_page(desk, request, desk.words(request), said="trouble_busy", status=503)


def _link(desk: Desk, request: Request, body: bytes) -> Response:
    words = desk.words(request)
    cases = desk.service.tier.cases
    try:
        desk.link_limits.take(desk.service.network(request), "This network opens many links")
        case = cases.by_link(request.path_params["token"])
        with desk.storage.read() as reading:
            handoff = reading.handoff(case.handoff_id)
    except UnknownCase:
        return _link_page(desk, request, words, said="link_unknown", status=404)
    except NotOpen:
        return _link_page(desk, request, words, said="link_expired", status=410)
    except Problem:
        return _link_page(desk, request, words, said="sign_in_too_many", status=429)
    if handoff is None:
        return _link_page(desk, request, words, said="link_unknown", status=404)
    if request.method != "POST":
        return _link_page(desk, request, words, case=case, handoff=handoff)
    text = ""
    try:
        form = Form.read(body)
        text = form.raw("text")
        cases.answer(case, text, _to(form))
    except Refused as refused:
        said, status = refused.key, refused.status
    except InvalidMessage:
        said, status = "message_wrong", 422
    except NotOpen:
        said, status = "case_over", 409
    except BotError:
        said, status = "trouble", 409
    else:
        return _link_page(desk, request, words, said="case_thanks", good=True)
    return _link_page(desk, request, words, case=case, handoff=handoff, said=said, status=status, text=text)


def _link_page(
    desk: Desk,
    request: Request,
    words: Words,
    *,
    case: Case | None = None,
    handoff: Handoff | None = None,
    said: str = "",
    good: bool = False,
    status: int = 200,
    text: str = "",
) -> Response:
    shown = _shown(desk, case, handoff) if case is not None and handoff is not None else {"case": None}
    values = {
        **shown,
        "said": words[said] if said else "",
        "good": good,
        "may": handoff is not None and handoff.state == HandoffState.OPEN,
        "action": request.url.path,
        "text": text,
    }
    return desk.page(request, "case_link.html", None, values, status=status, headers=_SECRET, words=words)
