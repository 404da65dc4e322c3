"""Who is calling, whether the call comes from our own page, and what it may do."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from botsvc.desk.rendering import PRIVATE, Desk
from botsvc.errors import (
    BotError,
    InvalidMessage,
    NotAllowed,
    NotOpen,
    PeopleError,
    SealingError,
    StaffError,
    StorageError,
    TakenByAnother,
    UnknownCase,
    UnknownConversation,
)
from botsvc.problems import Problem
from botsvc.staff import Role, Session

_INSECURE_COOKIE = "helppari-desk"
_SECURE_COOKIE = "__Host-helppari-desk"
CSRF_HEADER = "x-csrf-token"
_MOST_FIELDS = 100
_OWN_PAGE = re.compile(r"/desk(/[\w/.~%-]{0,200})?(\?[\w/.~%&=+-]{0,300})?", re.ASCII)


class Refused(Exception):
    """A call that this person may not make; ``key`` names the desk's text, ``status`` the HTTP status."""

    def __init__(self, key: str, status: int = 403, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields that a page sent."""

    fields: Mapping[str, list[str]]

    @classmethod
    def read(cls, body: bytes) -> Form:
        """The fields of a form; raises ``Refused`` when it is none."""
        try:
            text = body.decode("utf-8")
            return cls(fields=parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError as error:
            raise Refused("form_broken", 400) from error

    def __getitem__(self, name: str) -> str:
        """The last value of a field, trimmed; empty when it is missing."""
        return self.fields.get(name, [""])[-1].strip()

    def raw(self, name: str) -> str:
        """The last value of a field as it is."""
        return self.fields.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """All values of a field that are not empty."""
        return [value.strip() for value in self.fields.get(name, []) if value.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a signed-in person."""

    desk: Desk
    request: Request
    session: Session
    form: Form

    @property
    def me(self) -> str:
        """The id of who is calling."""
        return self.session.agent.id

    def has(self, role: Role) -> bool:
        """Whether the person has a role; an admin has all of them."""
        return bool({role, Role.ADMIN} & set(self.session.agent.roles))

    def need(self, role: Role) -> None:
        """Raise ``Refused`` when the person has not the role."""
        if not self.has(role):
            raise Refused("not_allowed")

    @property
    def partial(self) -> bool:
        """Whether htmx asks, which wants a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        values: Mapping[str, object] | None = None,
        **more: object,
    ) -> Response:
        """A page, or a part of one."""
        shown = {**(values or {}), **more}
        return self.desk.page(self.request, template, self.session, shown, status=status)

    def to(self, address: str) -> Response:
        """Lead on to a page of the desk."""
        if self.partial:
            return Response(status_code=204, headers={**PRIVATE, "HX-Redirect": address})
        return RedirectResponse(address, 303, headers=dict(PRIVATE))


Handler = Callable[[Call], Response]


def serve(desk: Desk, handler: Handler, *, used: bool = True) -> Callable[[Request], Awaitable[Response]]:
    """``handler`` for signed-in people; others are sent to sign in, and foreign forms are refused.

    What a page asks by itself is not ``used``: a forgotten tab must not keep anybody signed in.
    """

    async def endpoint(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        try:
            return await desk.service.work.run(partial(_called, desk, request, handler, body, used))
        except Problem as problem:
            return trouble(desk, request, None, "trouble_busy", problem.kind.status)

    return endpoint


def _called(desk: Desk, request: Request, handler: Handler, body: bytes, used: bool) -> Response:
    session: Session | None = None
    try:
        session = session_of(desk, request, used=used)
        if session is None:
            return _without_session(desk, request)
        form = Form.read(body)
        if request.method == "POST":
            check_origin(desk, request)
            sent = request.headers.get(CSRF_HEADER) or form.raw("csrf")
            if not compare_digest(sent.encode(), session.csrf.encode()):
                raise Refused("csrf")
        return handler(Call(desk=desk, request=request, session=session, form=form))
    except Refused as refused:
        return trouble(desk, request, session, refused.key, refused.status, **refused.values)
    except StaffError as error:
        return trouble(desk, request, session, error.key or "trouble", 422)
    except StorageError:
        return trouble(desk, request, session, "trouble_busy", 503)
    except BotError as error:
        key, status, values = _meaning(error)
        return trouble(desk, request, session, key, status, **values)


#: What a refusal is called in the desk's texts; the first match counts.
_MEANINGS: tuple[tuple[type[BotError], str, int], ...] = (
    (NotAllowed, "other_team", 403),
    (NotOpen, "request_over", 409),
    (UnknownCase, "case_unknown", 404),
    (UnknownConversation, "conversation_unknown", 404),
    (InvalidMessage, "message_wrong", 422),
    (PeopleError, "choose_somebody", 422),
    (SealingError, "fact_unreadable", 409),
)


def _meaning(error: BotError) -> tuple[str, int, dict[str, object]]:
    if isinstance(error, TakenByAnother):
        return "taken_by", 409, {"name": error.name}
    return next(
        ((key, status, {}) for kind, key, status in _MEANINGS if isinstance(error, kind)),
        ("trouble", 409, {}),
    )


def trouble(
    desk: Desk, request: Request, session: Session | None, key: str, status: int, **values: object
) -> Response:
    """What went wrong, as a page; for htmx as a line that takes the place of the page's trouble line."""
    words = desk.words(request, session)
    said = words.say(key, **values) if values else words[key]
    fragment = request.headers.get("hx-request") == "true"
    template = "parts/trouble.html" if fragment else "trouble.html"
    headers = {"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML"} if fragment else {}
    return desk.page(
        request, template, session, {"said": said, "status": status}, status=status, headers=headers
    )


def _without_session(desk: Desk, request: Request) -> Response:
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        # A link in a mail: the browser keeps a strict cookie back until our own page asks again.
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return desk.page(request, "again.html", None, {"address": address})
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = "/desk/sign-in"
    if request.method == "GET" and path not in ("/desk", "/desk/") and "hx-request" not in request.headers:
        address += f"?next={quote(path, safe='')}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={**PRIVATE, "HX-Redirect": address})
    return RedirectResponse(address, 303, headers=dict(PRIVATE))


def onward(address: str) -> str:
    """Where to go after signing in: only ever a page of the desk."""
    return address if _OWN_PAGE.fullmatch(address) and ".." not in address else "/desk"


def is_secure(desk: Desk, request: Request) -> bool:
    """Whether the person reached us over https, at once or through a proxy that says so.

    Who forges the header only makes the own browser keep the own cookie more strictly.
    """
    if request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https":
        return True
    public = urlsplit(desk.service.settings.site.base_url)
    return public.scheme == "https" and public.netloc.lower() == request.headers.get("host", "").lower()


def session_of(desk: Desk, request: Request, *, used: bool = True) -> Session | None:
    """The caller's session, or None."""
    name = _SECURE_COOKIE if is_secure(desk, request) else _INSECURE_COOKIE
    token = request.cookies.get(name, "")
    return desk.staff.session(token, used=used) if token else None


def keep(desk: Desk, request: Request, response: Response, token: str) -> None:
    """Give the browser its session; without a token, take it away."""
    secure = is_secure(desk, request)
    response.set_cookie(
        _SECURE_COOKIE if secure else _INSECURE_COOKIE,
        token,
        max_age=30 * 86_400 if token else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def check_origin(desk: Desk, request: Request) -> None:
    """Raise ``Refused`` when a browser says that the form is another site's."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Refused("csrf")
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {
        request.headers.get("host", "").lower(),
        urlsplit(desk.service.settings.site.base_url).netloc.lower(),
    }
    if urlsplit(origin).netloc.lower() not in own - {""}:
        raise Refused("csrf")
