"""What every call about a conversation shares: its id in the path, its token in the header."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from botsvc.problems import ProblemType

#: The problems of a call with a token.
ADMISSION = (ProblemType.MISSING_TOKEN, ProblemType.WRONG_TOKEN, ProblemType.UNKNOWN_CONVERSATION)
#: The problems of a call with a JSON body.
BODY = (
    ProblemType.MALFORMED_JSON,
    ProblemType.INVALID_REQUEST,
    ProblemType.UNSUPPORTED_MEDIA_TYPE,
    ProblemType.TOO_LARGE,
    ProblemType.TOO_SLOW,
    ProblemType.STORAGE_UNAVAILABLE,
    ProblemType.RATE_LIMITED,
)
_bearer = HTTPBearer(auto_error=False, description="The conversation's token.")


async def _token(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str | None:
    return credentials.credentials if credentials is not None else None


Token = Annotated[str | None, Depends(_token)]
ConversationPath = Annotated[str, Path(max_length=100)]
