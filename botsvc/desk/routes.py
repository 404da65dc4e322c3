"""The addresses of the desk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from botsvc.desk import people_pages, signing
from botsvc.desk.guard import Handler, serve
from botsvc.desk.rendering import Desk, static_file

if TYPE_CHECKING:
    from botsvc.service import Service

_SHOWN: tuple[tuple[str, Handler], ...] = (
    ("/desk/me", signing.me_shown),
    ("/desk/people", people_pages.people_page),
    ("/desk/people/new", people_pages.person_page),
    ("/desk/people/{agent}", people_pages.person_page),
)
_DONE: tuple[tuple[str, Handler], ...] = (
    ("/desk/sign-out", signing.sign_out),
    ("/desk/status", signing.status_changed),
    ("/desk/heartbeat", signing.heartbeat),
    ("/desk/me/password", signing.password_changed),
    ("/desk/me/keys", signing.keys_changed),
    ("/desk/people/new", people_pages.person_saved),
    ("/desk/people/{agent}", people_pages.person_saved),
    ("/desk/people/{agent}/password", people_pages.password_given),
    ("/desk/people/{agent}/account", people_pages.account_changed),
)


def desk_routes(service: Service) -> list[BaseRoute]:
    """The desk over a service."""
    desk = Desk(service=service)
    return [
        Route("/desk/static/{name}", static_file, methods=["GET"]),
        Route("/desk/sign-in", partial(signing.sign_in_endpoint, desk), methods=["GET", "POST"]),
        Route("/desk/language", partial(signing.language_endpoint, desk), methods=["GET"]),
        *(Route(path, serve(desk, handler), methods=["GET"]) for path, handler in _SHOWN),
        *(Route(path, serve(desk, handler), methods=["POST"]) for path, handler in _DONE),
    ]
