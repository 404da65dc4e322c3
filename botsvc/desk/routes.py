"""The addresses of the desk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from botsvc.desk import actions, case_pages, conversation, lists, people_pages, queue, signing, stream
from botsvc.desk.guard import Handler, serve
from botsvc.desk.rendering import Desk, static_file

if TYPE_CHECKING:
    from botsvc.service import Service

_TALK = "/desk/c/{conversation}"
_SHOWN: tuple[tuple[str, Handler], ...] = (
    ("/desk", queue.queue_page),
    ("/desk/", queue.queue_page),
    (_TALK, conversation.conversation_page),
    (f"{_TALK}/articles", conversation.articles_part),
    ("/desk/cases", case_pages.cases_page),
    ("/desk/cases/{case}", case_pages.case_page),
    ("/desk/callbacks", lists.callbacks_page),
    ("/desk/outbox", lists.outbox_page),
    ("/desk/me", signing.me_shown),
    ("/desk/people", people_pages.people_page),
    ("/desk/people/new", people_pages.person_page),
    ("/desk/people/{agent}", people_pages.person_page),
)
_DONE: tuple[tuple[str, Handler], ...] = (
    (f"{_TALK}/take", actions.took),
    (f"{_TALK}/release", actions.released),
    (f"{_TALK}/transfer", actions.transferred),
    (f"{_TALK}/say", actions.said),
    (f"{_TALK}/article", actions.article_sent),
    (f"{_TALK}/note", actions.noted),
    (f"{_TALK}/resolve", actions.resolved),
    (f"{_TALK}/contact", actions.contact_logged),
    (f"{_TALK}/priority", actions.prioritised),
    (f"{_TALK}/fact/{{field}}", actions.fact_seen),
    (f"{_TALK}/case", case_pages.case_opened),
    ("/desk/cases/{case}", case_pages.case_answered),
    ("/desk/callbacks/{callback}", lists.called),
    ("/desk/outbox/{delivery}", lists.retried),
    ("/desk/sign-out", signing.sign_out),
    ("/desk/status", signing.status_changed),
    ("/desk/me/password", signing.password_changed),
    ("/desk/me/keys", signing.keys_changed),
    ("/desk/people/new", people_pages.person_saved),
    ("/desk/people/{agent}", people_pages.person_saved),
    ("/desk/people/{agent}/password", people_pages.password_given),
    ("/desk/people/{agent}/account", people_pages.account_changed),
)
#: What an open page asks by itself.
_ASKED: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/desk/queue", queue.queue_part),
    ("GET", f"{_TALK}/news", conversation.news),
    ("POST", "/desk/heartbeat", signing.heartbeat),
)


def desk_routes(service: Service) -> list[BaseRoute]:
    """The desk over a service."""
    desk = Desk(service=service)
    return [
        Route("/desk/static/{name}", static_file, methods=["GET"]),
        Route("/desk/sign-in", partial(signing.sign_in_endpoint, desk), methods=["GET", "POST"]),
        Route("/desk/language", partial(signing.language_endpoint, desk), methods=["GET"]),
        Route("/desk/live", partial(stream.stream_endpoint, desk), methods=["GET"]),
        Route("/case/{token}", partial(case_pages.link_endpoint, desk), methods=["GET", "POST"]),
        *(
            Route(path, serve(desk, handler, used=False), methods=[method])
            for method, path, handler in _ASKED
        ),
        *(Route(path, serve(desk, handler), methods=["GET"]) for path, handler in _SHOWN),
        *(Route(path, serve(desk, handler), methods=["POST"]) for path, handler in _DONE),
    ]
