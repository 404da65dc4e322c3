"""Signing in and out, and what people set for themselves."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from botsvc.desk.guard import Call, Form, Refused, check_origin, keep, onward, session_of
from botsvc.desk.rendering import KEYS_COOKIE, LANGUAGE_COOKIE, PRIVATE, Desk
from botsvc.desk.wording import LANGUAGES
from botsvc.errors import SignInRefused, StaffError, StorageError, TooManySignIns
from botsvc.problems import Problem
from botsvc.staff import Availability

_YEAR = 365 * 86_400


def sign_in_page(desk: Desk, request: Request) -> Response:
    """The form to sign in with; who is signed in goes on."""
    if session_of(desk, request) is not None:
        return RedirectResponse(onward(request.query_params.get("next", "")), 303, headers=dict(PRIVATE))
    return _form(desk, request, next_page=request.query_params.get("next", ""))


def signed_in(desk: Desk, request: Request, body: bytes) -> Response:
    """A session for who has the right password."""
    email = next_page = ""
    try:
        form = Form.read(body)
        email, next_page = form["email"], form["next"]
        check_origin(desk, request)
        network = desk.service.network(request)
        signed = desk.staff.sign_in(email, form.raw("password"), network=network)
    except TooManySignIns as limited:
        headers = {"Retry-After": str(limited.seconds)}
        return _form(desk, request, "sign_in_too_many", 429, email, next_page, headers)
    except SignInRefused:
        return _form(desk, request, "sign_in_refused", 403, email, next_page)
    except Refused as refused:
        return _form(desk, request, refused.key, refused.status, email, next_page)
    response = RedirectResponse(onward(next_page), 303, headers=dict(PRIVATE))
    keep(desk, request, response, signed.token)
    return response


def _form(
    desk: Desk,
    request: Request,
    error: str = "",
    status: int = 200,
    email: str = "",
    next_page: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    values = {"error": error, "email": email[:254], "next_page": next_page[:500]}
    return desk.page(request, "sign_in.html", None, values, status=status, headers=headers)


async def sign_in_endpoint(desk: Desk, request: Request) -> Response:
    """Both of the above, on a thread, and in words when the store does not answer."""
    call = partial(sign_in_page, desk, request)
    if request.method == "POST":
        call = partial(signed_in, desk, request, await request.body())
    try:
        return await desk.service.work.run(call)
    except (Problem, StorageError):
        return _form(desk, request, "trouble_busy", 503)


async def language_endpoint(desk: Desk, request: Request) -> Response:
    """The same page in another language."""
    chosen = request.query_params.get("to", "")
    response = RedirectResponse(onward(request.query_params.get("next", "")), 303, headers=dict(PRIVATE))
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=_YEAR, path="/desk", samesite="strict")
    return response


def sign_out(call: Call) -> Response:
    """End this session, or all of them."""
    if call.form["everywhere"]:
        call.desk.staff.sign_out_everywhere(call.me, by=call.me)
    else:
        call.desk.staff.sign_out(call.session)
    response = call.to("/desk/sign-in")
    keep(call.desk, call.request, response, "")
    return response


def me_page(call: Call, *, error: str = "", done: str = "") -> Response:
    """What a person sets for themselves."""
    status = 422 if error else 200
    least = call.desk.service.settings.desk.password_length
    return call.page("me.html", error=error, done=done, least=least, status=status)


def me_shown(call: Call) -> Response:
    """The page as it is."""
    return me_page(call, done=call.request.query_params.get("done", "")[:20])


def password_changed(call: Call) -> Response:
    """Another password of one's own."""
    if call.form.raw("new") != call.form.raw("again"):
        return me_page(call, error="password_differs")
    try:
        call.desk.staff.change_own_password(call.session, call.form.raw("current"), call.form.raw("new"))
    except StaffError as error:
        return me_page(call, error=error.key)
    return call.to("/desk/me?done=password")


def keys_changed(call: Call) -> Response:
    """Keyboard shortcuts on or off."""
    response = call.to("/desk/me?done=keys")
    value = "on" if call.form["keys"] else "off"
    response.set_cookie(KEYS_COOKIE, value, max_age=_YEAR, path="/desk", samesite="strict")
    return response


def status_changed(call: Call) -> Response:
    """Available or away."""
    status = Availability.AVAILABLE if call.form["status"] == Availability.AVAILABLE else Availability.AWAY
    call.desk.staff.set_status(call.me, status)
    return call.to(onward(call.form["next"]))


def heartbeat(call: Call) -> Response:
    """The person's desk is open."""
    call.desk.staff.heartbeat(call.me)
    return Response(status_code=204, headers=dict(PRIVATE))
