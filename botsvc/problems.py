"""Problem documents: the one shape in which the service says that a call could not be served (RFC 9457).

``ProblemType`` is the closed list, ``docs/reference/errors.md`` explains it, a test holds both together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:helppari:problem:"


class ProblemType(StrEnum):
    """Every kind of problem that the service reports."""

    MALFORMED_JSON = f"{_PREFIX}malformed-json"
    INVALID_REQUEST = f"{_PREFIX}invalid-request"
    UNKNOWN_LANGUAGE = f"{_PREFIX}unknown-language"
    UNSUPPORTED_MEDIA_TYPE = f"{_PREFIX}unsupported-media-type"
    TOO_LARGE = f"{_PREFIX}too-large"
    TOO_SLOW = f"{_PREFIX}too-slow"
    NOT_FOUND = f"{_PREFIX}not-found"
    METHOD_NOT_ALLOWED = f"{_PREFIX}method-not-allowed"
    UNKNOWN_ARTICLE = f"{_PREFIX}unknown-article"
    UNKNOWN_CONVERSATION = f"{_PREFIX}unknown-conversation"
    MISSING_TOKEN = f"{_PREFIX}missing-token"
    WRONG_TOKEN = f"{_PREFIX}wrong-token"
    CONVERSATION_FULL = f"{_PREFIX}conversation-full"
    MESSAGE_ID_REUSED = f"{_PREFIX}message-id-reused"
    TAKEN_BY_ANOTHER = f"{_PREFIX}taken-by-another"
    NOT_ALLOWED = f"{_PREFIX}not-allowed"
    NOT_OPEN = f"{_PREFIX}not-open"
    SITE_NOT_ALLOWED = f"{_PREFIX}site-not-allowed"
    RATE_LIMITED = f"{_PREFIX}rate-limited"
    INDEX_NOT_READY = f"{_PREFIX}index-not-ready"
    OVERLOADED = f"{_PREFIX}overloaded"
    STORAGE_UNAVAILABLE = f"{_PREFIX}storage-unavailable"
    INTERNAL = f"{_PREFIX}internal"

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return _KINDS[self][0]

    @property
    def summary(self) -> str:
        """What happened, in words that never change: the document's title."""
        return _KINDS[self][1]


_KINDS: Mapping[ProblemType, tuple[int, str]] = {
    ProblemType.MALFORMED_JSON: (400, "The body is not valid JSON"),
    ProblemType.INVALID_REQUEST: (422, "A field cannot be used"),
    ProblemType.UNKNOWN_LANGUAGE: (422, "The help center does not have this language"),
    ProblemType.UNSUPPORTED_MEDIA_TYPE: (415, "The body is of another media type"),
    ProblemType.TOO_LARGE: (413, "The body is too large"),
    ProblemType.TOO_SLOW: (408, "The body did not arrive in time"),
    ProblemType.NOT_FOUND: (404, "There is nothing at this address"),
    ProblemType.METHOD_NOT_ALLOWED: (405, "This address takes other methods"),
    ProblemType.UNKNOWN_ARTICLE: (404, "There is no such article"),
    ProblemType.UNKNOWN_CONVERSATION: (404, "There is no such conversation"),
    ProblemType.MISSING_TOKEN: (401, "The conversation's token is missing"),
    ProblemType.WRONG_TOKEN: (403, "The token is not this conversation's, or has expired"),
    ProblemType.CONVERSATION_FULL: (409, "The conversation takes no more messages"),
    ProblemType.MESSAGE_ID_REUSED: (409, "The client's message id belongs to another message"),
    ProblemType.TAKEN_BY_ANOTHER: (409, "Somebody else has the conversation"),
    ProblemType.NOT_ALLOWED: (403, "This is another team's, or needs another role"),
    ProblemType.NOT_OPEN: (409, "This has ended, and nothing more can be done with it"),
    ProblemType.SITE_NOT_ALLOWED: (403, "The chat's site key does not go with this page"),
    ProblemType.RATE_LIMITED: (429, "Too many calls"),
    ProblemType.INDEX_NOT_READY: (503, "No index is loaded yet"),
    ProblemType.OVERLOADED: (503, "The service is too busy"),
    ProblemType.STORAGE_UNAVAILABLE: (503, "The store of conversations does not answer"),
    ProblemType.INTERNAL: (500, "Something went wrong inside the service"),
}


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="Where: `text`, `query.q`, `path.lang` ...")
    message: str = Field(description="What is wrong, as a sentence.")


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457) as sent."""

    model_config = ConfigDict(extra="forbid")

    type: ProblemType
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What happened this time and what to do, as one sentence.")
    request_id: str = Field(description="Names this call in the service's log.")
    errors: list[FieldProblem] = Field(default=[], description="One entry for each field that is wrong.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One field that cannot be used, and why."""

    field: str
    message: str


class Problem(Exception):
    """A call that cannot be served; becomes a problem document."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """The problem as an HTTP response."""
        document: dict[str, Any] = {
            "type": self.kind.value,
            "title": self.kind.summary,
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": [{"field": error.field, "message": error.message} for error in self.errors],
        }
        body = json.dumps(document, ensure_ascii=False).encode()
        return Response(body, self.kind.status, headers=self.headers, media_type=MEDIA_TYPE)


def declared(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that may report these kinds, for its OpenAPI."""
    by_status: dict[int, list[ProblemType]] = {}
    for kind in dict.fromkeys((*kinds, *EVERYWHERE)):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {'; '.join(kind.summary for kind in of_status)}",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status, of_status in sorted(by_status.items())
    }


#: What any call may meet.
EVERYWHERE = (ProblemType.INTERNAL, ProblemType.OVERLOADED, ProblemType.SITE_NOT_ALLOWED)
