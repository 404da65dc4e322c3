"""Everything that can be wrong with a call gets a problem document that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from botsvc.problems import MEDIA_TYPE, ProblemType
from tests.integration.help_center import Running, running

JSON = {"content-type": "application/json"}


def problem(response: httpx2.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == MEDIA_TYPE
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    kind = ProblemType(body["type"])
    assert (kind.status, kind.summary) == (body["status"], body["title"])
    assert body["detail"].endswith(".")
    return body


@pytest.mark.parametrize(
    ("body", "kind", "fields"),
    [
        (b"", "invalid-request", ["body"]),
        (b"{", "malformed-json", []),
        (b"\xff\xfe", "malformed-json", []),
        (b"[" * 60_000, "malformed-json", []),
        (b'{"text": ' + b"9" * 5_000 + b"}", "malformed-json", []),
        (b"[]", "invalid-request", ["body"]),
        (b'"card"', "invalid-request", ["body"]),
        (b"{}", "invalid-request", ["text"]),
        (b'{"text": 5}', "invalid-request", ["text"]),
        (b'{"text": null}', "invalid-request", ["text"]),
        (b'{"text": ["card"]}', "invalid-request", ["text"]),
        (b'{"text": ""}', "invalid-request", ["text"]),
        (b'{"text": " \\u0000\\n "}', "invalid-request", ["text"]),
        (b'{"text": "\\ud800"}', "invalid-request", ["text"]),
        (b'{"text": "card", "extra": 1}', "invalid-request", ["extra"]),
        (b'{"text": "card", "lang": "finnish"}', "invalid-request", ["lang"]),
        (b'{"text": "card", "lang": "de"}', "unknown-language", ["lang"]),
        (b'{"text": "card", "lang": 5, "audience": 6}', "invalid-request", ["lang", "audience"]),
        (json.dumps({"text": "a" * 2_001}).encode(), "invalid-request", ["text"]),
        (json.dumps({"text": "a" * 1_000_000}).encode(), "too-large", []),
    ],
)
def test_a_question_that_cannot_be_used(web: Running, body: bytes, kind: str, fields: list[str]) -> None:
    found = problem(web.client.post("/v1/ask", content=body, headers=JSON))
    assert found["type"] == f"urn:helppari:problem:{kind}"
    assert [error["field"] for error in found["errors"]] == fields


def test_the_field_that_is_wrong_is_named_with_what_was_wanted(web: Running) -> None:
    found = problem(web.client.post("/v1/ask", json={"text": 5}))
    assert found["errors"] == [{"field": "text", "message": "should be a valid string"}]
    assert found["detail"] == "The field text should be a valid string."
    found = problem(web.client.post("/v1/ask", json={"text": "a" * 2_001}))
    assert found["detail"] == "The field text has 2001 characters, at most 2000 are taken: ask shorter."


def test_nothing_that_was_sent_is_sent_back(web: Running) -> None:
    for body in ({"text": {"secret": "120464-126J"}}, {"text": "hi", "120464-126J": 1}):
        assert "120464-126J" not in web.client.post("/v1/ask", json={"text": "x", "lang": body}).text


def test_a_body_of_another_type_is_refused(web: Running) -> None:
    response = web.client.post("/v1/ask", content=b"text=card", headers={"content-type": "text/plain"})
    assert problem(response)["type"] == ProblemType.UNSUPPORTED_MEDIA_TYPE


def test_a_body_that_lies_about_its_length_is_still_limited(web: Running) -> None:
    def chunks() -> Any:  # noqa: ANN401 - a generator of bytes
        yield b'{"text": "'
        for _ in range(200):
            yield b"a" * 1_000
        yield b'"}'

    response = web.client.post("/v1/ask", content=chunks(), headers=JSON)
    assert problem(response)["type"] == ProblemType.TOO_LARGE


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/nothing", ProblemType.NOT_FOUND),
        ("GET", "/v1/nothing", ProblemType.NOT_FOUND),
        ("GET", "/v1/ask", ProblemType.METHOD_NOT_ALLOWED),
        ("DELETE", "/v1/conversations", ProblemType.METHOD_NOT_ALLOWED),
        ("GET", "/v1/search?q=a&k=0", ProblemType.INVALID_REQUEST),
        ("GET", "/v1/search?q=a&k=many", ProblemType.INVALID_REQUEST),
        ("GET", "/v1/search?q=a&lang=de", ProblemType.UNKNOWN_LANGUAGE),
        ("GET", "/v1/articles/de/lost-card", ProblemType.UNKNOWN_LANGUAGE),
        ("GET", "/v1/articles/en/" + "a" * 201, ProblemType.INVALID_REQUEST),
    ],
)
def test_addresses_and_parameters(web: Running, method: str, path: str, kind: ProblemType) -> None:
    assert problem(web.client.request(method, path))["type"] == kind


def test_a_fault_of_our_own_tells_nothing_and_is_logged(
    web: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = web.client.app.state.service  # type: ignore[attr-defined]

    def fail(*_: object, **__: object) -> None:
        raise ValueError("/etc/secret is unreadable")

    monkeypatch.setattr(type(service.bot), "ask", fail)
    response = web.client.post("/v1/ask", json={"text": "card"})
    found = problem(response)
    assert found["type"] == ProblemType.INTERNAL
    assert "secret" not in response.text
    assert "Traceback" in caplog.text
    assert "/etc/secret is unreadable" in caplog.text
    assert found["request_id"] in caplog.text


def test_without_an_index_questions_are_asked_to_wait_and_people_can_still_be_asked_for(
    tmp_path: Path,
) -> None:
    with running(tmp_path, built=False) as web:
        for response in (
            web.client.post("/v1/ask", json={"text": "card"}),
            web.client.get("/v1/search?q=card"),
            web.client.get("/v1/articles/en/lost-card"),
        ):
            assert problem(response)["type"] == ProblemType.INDEX_NOT_READY
            assert int(response.headers["retry-after"]) > 0
        opened = web.client.post("/v1/conversations", json={"lang": "en"}).json()
        address = f"/v1/conversations/{opened['conversation_id']}"
        bearer = {"authorization": f"Bearer {opened['token']}"}
        response = web.client.post(
            f"{address}/messages", json={"client_message_id": "1", "text": "card"}, headers=bearer
        )
        assert problem(response)["type"] == ProblemType.INDEX_NOT_READY
        handed = web.client.post(f"{address}/handoff", json={"client_message_id": "2"}, headers=bearer).json()
        assert (handed["owner"], handed["reply"]["outcome"]) == ("queue", "handed_off")
        assert handed["reply"]["handoff"]["reason"] == "asked"


def test_too_many_calls_are_told_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path, limits={"asks_per_minute": 3, "conversations_per_minute": 1}) as web:
        statuses = [web.client.post("/v1/ask", json={"text": "card"}).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        response = web.client.get("/v1/search?q=card")
        assert problem(response)["type"] == ProblemType.RATE_LIMITED
        assert 1 <= int(response.headers["retry-after"]) <= 20
        starts = [web.client.post("/v1/conversations", json={}).status_code for _ in range(2)]
        assert starts == [201, 429]


def test_no_origin_is_allowed_unless_named(tmp_path: Path, web: Running) -> None:
    origin = {"origin": "https://www.example.com"}
    preflight = {**origin, "access-control-request-method": "POST"}
    assert (
        "access-control-allow-origin"
        not in web.client.post("/v1/ask", json={"text": "card"}, headers=origin).headers
    )
    with running(tmp_path, server={"allowed_origins": ("https://www.example.com",)}) as open_web:
        answer = open_web.client.post("/v1/ask", json={"text": "card"}, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://www.example.com"
        assert "access-control-allow-credentials" not in answer.headers
        assert open_web.client.options("/v1/ask", headers=preflight).status_code == 200
        other = open_web.client.options("/v1/ask", headers={**preflight, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_every_response_has_its_security_headers(web: Running) -> None:
    responses = [
        web.client.get("/"),
        web.client.get("/healthz"),
        web.client.get("/nothing"),
        web.client.post("/v1/ask", content=b"a" * 70_000),
    ]
    for response in responses:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
    assert responses[1].headers["cache-control"] == "no-store"
