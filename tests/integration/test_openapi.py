"""The API against its own description: whatever is sent, what comes back is declared and fits its schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # has no type information

from botsvc.episode import Press
from botsvc.problems import MEDIA_TYPE, ProblemType
from tests.integration.help_center import SCRIPT, Running

OPERATIONS = {
    ("post", "/v1/ask"): "ask",
    ("get", "/v1/search"): "search",
    ("get", "/v1/welcome"): "welcome",
    ("get", "/v1/articles/{lang}/{article_id}"): "article",
    ("post", "/v1/conversations"): "create_conversation",
    ("get", "/v1/conversations/{conversation_id}"): "read_conversation",
    ("post", "/v1/conversations/{conversation_id}/messages"): "post_message",
    ("post", "/v1/conversations/{conversation_id}/handoff"): "ask_for_a_person",
    ("post", "/v1/conversations/{conversation_id}/feedback"): "give_feedback",
    ("post", "/v1/conversations/{conversation_id}/close"): "close_conversation",
    ("post", "/v1/conversations/{conversation_id}/csat"): "give_score",
    ("post", "/v1/conversations/{conversation_id}/articles/opened"): "opened_article",
    ("post", "/v1/conversations/{conversation_id}/read"): "read_up_to",
    ("post", "/v1/conversations/{conversation_id}/typing"): "typing",
    ("post", "/v1/conversations/{conversation_id}/contact"): "give_contact",
    ("post", "/v1/conversations/{conversation_id}/callback"): "wish_to_be_called",
    ("get", "/v1/conversations/{conversation_id}/events"): "follow_conversation",
    ("post", "/v1/feedback"): "judge_answer",
    ("get", "/healthz"): "health",
    ("get", "/readyz"): "readiness",
}

FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

#: JSON of any kind, with the keys and words that the API knows thrown in.
KEYS = st.sampled_from(["text", "lang", "audience", "client_message_id", "press", "index", "helped", "page"])
WORDS = st.sampled_from([*SCRIPT, *[press.value for press in Press], "en", "fi", "de", "a1", "\x00", "💥"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS | st.text(), inside, max_size=4),
    max_leaves=8,
)
BODIES = st.dictionaries(KEYS, SCALARS, max_size=5) | VALUES


_read: dict[int, dict[str, Any]] = {}


def schema_of(web: Running) -> dict[str, Any]:
    """The API's own description, read once for each application."""
    if id(web) not in _read:
        _read[id(web)] = web.client.get("/openapi.json").json()
    return _read[id(web)]


@pytest.fixture
def schema(web: Running) -> dict[str, Any]:
    return schema_of(web)


def fits(response: httpx2.Response, schema: dict[str, Any], method: str, path: str) -> None:
    """The response is one that the operation declares, to the last key."""
    operation = schema["paths"][path][method]
    assert response.status_code != 500, response.text
    assert str(response.status_code) in operation["responses"], (path, response.status_code)
    declared = operation["responses"][str(response.status_code)]["content"]
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in declared, (path, response.status_code, media_type)
    body: dict[str, Any] = {**declared[media_type]["schema"], "components": schema["components"]}
    Draft202012Validator(body).validate(response.json())


def test_every_call_is_described_and_nothing_else(schema: dict[str, Any]) -> None:
    described = {
        (method, path): operation["operationId"]
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    assert described == OPERATIONS
    Draft202012Validator.check_schema({"components": schema["components"]})


def _objects(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)


def test_every_object_is_closed_and_every_problem_is_declared_as_one(schema: dict[str, Any]) -> None:
    assert all(found["additionalProperties"] is False for found in _objects(schema["components"]["schemas"]))
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert MEDIA_TYPE in response["content"], (method, path, status)
    kinds = schema["components"]["schemas"]["ProblemType"]["enum"]
    assert kinds == [kind.value for kind in ProblemType]


def test_the_order_of_keys_in_a_reply_is_the_schemas(web: Running, schema: dict[str, Any]) -> None:
    body = web.client.post("/v1/ask", json={"text": "my card is gone"}).json()
    properties = schema["components"]["schemas"]["AskReply"]["properties"]
    assert list(body) == list(properties)


@pytest.mark.parametrize("text", [*SCRIPT, "hello", "can I talk to a human", "nothing of the kind"])
def test_every_outcome_fits_its_schema(web: Running, schema: dict[str, Any], text: str) -> None:
    fits(web.client.post("/v1/ask", json={"text": text}), schema, "post", "/v1/ask")
    opened = web.client.post("/v1/conversations", json={})
    fits(opened, schema, "post", "/v1/conversations")
    id, token = opened.json()["conversation_id"], opened.json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    turns: list[tuple[str, dict[str, Any]]] = [
        ("messages", {"text": text}),
        ("feedback", {"helped": False}),
        ("handoff", {}),
    ]
    for number, (what, body) in enumerate(turns):
        answer = web.client.post(
            f"/v1/conversations/{id}/{what}", json={"client_message_id": str(number), **body}, headers=bearer
        )
        assert answer.status_code == 200
        fits(answer, schema, "post", f"/v1/conversations/{{conversation_id}}/{what}")
    read = web.client.get(f"/v1/conversations/{id}", headers=bearer)
    assert read.status_code == 200
    fits(read, schema, "get", "/v1/conversations/{conversation_id}")
    acts: list[tuple[str, dict[str, Any]]] = [
        ("contact", {"client_message_id": "c", "email": "me@example.net"}),
        ("callback", {"phone": "040 123 4567"}),
        ("articles/opened", {"article_id": "invoice", "lang": "en"}),
        ("read", {"up_to": 1}),
        ("typing", {}),
        ("csat", {"score": 1}),
        ("close", {}),
    ]
    for what, body in acts:
        answer = web.client.post(f"/v1/conversations/{id}/{what}", json=body, headers=bearer)
        if answer.status_code != 204:
            fits(answer, schema, "post", f"/v1/conversations/{{conversation_id}}/{what}")
    followed = web.client.get(f"/v1/conversations/{id}/events", headers=bearer)
    assert {event["type"] for event in followed.json()["events"]} > {"bot_replied", "conversation_closed"}
    fits(followed, schema, "get", "/v1/conversations/{conversation_id}/events")


def test_looking_up_fits_its_schema(web: Running, schema: dict[str, Any]) -> None:
    article = "/v1/articles/{lang}/{article_id}"
    fits(web.client.get("/v1/articles/en/lost-card"), schema, "get", article)
    fits(web.client.get("/v1/articles/en/nothing"), schema, "get", article)
    for path in ("/v1/search", "/healthz", "/readyz"):
        fits(web.client.get(path), schema, "get", path)
    for params in ({"lang": "en", "title": "my card is gone"}, {"lang": "de"}, {}):
        fits(web.client.get("/v1/welcome", params=params), schema, "get", "/v1/welcome")


@FUZZ
@given(body=BODIES)
def test_any_json_to_ask_gets_a_declared_reply(web: Running, body: Any) -> None:  # noqa: ANN401
    fits(web.client.post("/v1/ask", json=body), schema_of(web), "post", "/v1/ask")


@FUZZ
@given(
    what=st.sampled_from(["messages", "handoff", "feedback", "csat", "read", "contact", "callback"]),
    bodies=st.lists(BODIES, max_size=4),
)
def test_any_json_in_a_conversation_gets_a_declared_reply(web: Running, what: str, bodies: list[Any]) -> None:
    opened = web.client.post("/v1/conversations", json={}).json()
    bearer = {"authorization": f"Bearer {opened['token']}"}
    for number, body in enumerate(bodies):
        if isinstance(body, dict) and number % 2:
            body = {**body, "client_message_id": f"m{number}"}
        address = f"/v1/conversations/{opened['conversation_id']}/{what}"
        response = web.client.post(address, json=body, headers=bearer)
        fits(response, schema_of(web), "post", f"/v1/conversations/{{conversation_id}}/{what}")


@FUZZ
@given(body=BODIES, raw=st.binary(max_size=200))
def test_any_start_of_a_conversation_gets_a_declared_reply(
    web: Running,
    body: Any,  # noqa: ANN401
    raw: bytes,
) -> None:
    fits(web.client.post("/v1/conversations", json=body), schema_of(web), "post", "/v1/conversations")
    response = web.client.post("/v1/ask", content=raw, headers={"content-type": "application/json"})
    fits(response, schema_of(web), "post", "/v1/ask")


@FUZZ
@given(
    page=st.text(max_size=1_100), title=st.text(max_size=1_100), lang=st.sampled_from(["en", "de", "\x00"])
)
def test_any_page_gets_a_declared_welcome(web: Running, page: str, title: str, lang: str) -> None:
    params = {"lang": lang, "page": page, "title": title}
    params = {name: text.encode("utf-8", "replace").decode() for name, text in params.items()}
    fits(web.client.get("/v1/welcome", params=params), schema_of(web), "get", "/v1/welcome")


@FUZZ
@given(q=st.text(max_size=600), lang=st.sampled_from(["", "en", "de", "\x00"]), id=st.text(min_size=1))
def test_any_search_and_any_article_get_a_declared_reply(web: Running, q: str, lang: str, id: str) -> None:
    params = {"q": q.encode("utf-8", "replace").decode(), **({"lang": lang} if lang else {})}
    fits(web.client.get("/v1/search", params=params), schema_of(web), "get", "/v1/search")
    segment = "".join(f"%{byte:02X}" for byte in id.encode("utf-8", "replace") if byte != ord("/"))
    if segment and segment.replace("%2E", ""):
        response = web.client.get(f"/v1/articles/en/{segment}")
        fits(response, schema_of(web), "get", "/v1/articles/{lang}/{article_id}")
