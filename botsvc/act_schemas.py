"""What travels over HTTP when customers do something beside writing: end, judge, open, read, be reached."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, StringConstraints

from botsvc.episode import Owner
from botsvc.schemas import ClientMessageId, LanguageCode, Wire


class OwnerBody(Wire):
    """Who has the conversation now."""

    conversation_id: str
    owner: Owner


class CsatRequest(Wire):
    """How well the customer was served."""

    score: StrictInt = Field(ge=1, le=5, description="1 is worst, 5 is best.")
    comment: Annotated[StrictStr, StringConstraints(max_length=1_000)] = Field(default="")


class CsatKept(Wire):
    """The score as it counts now."""

    conversation_id: str
    score: int
    by: Literal["bot", "person"] = Field(description="Whom it is about.")


class OpenedRequest(Wire):
    """An article of the conversation that was opened."""

    article_id: Annotated[StrictStr, StringConstraints(max_length=200)]
    lang: LanguageCode


class ReadRequest(Wire):
    """How far the customer has read."""

    up_to: StrictInt = Field(ge=1, le=2_147_483_647, description="Sequence of the last thing seen.")


class ReadReply(Wire):
    """How far the customer has read, as known now."""

    conversation_id: str
    up_to: int


class TypingRequest(Wire):
    """Whether the customer is writing."""

    typing: StrictBool = True


class ContactRequest(Wire):
    """Where a later reply reaches the customer; one of them is needed."""

    client_message_id: ClientMessageId
    email: Annotated[StrictStr, StringConstraints(max_length=254)] = ""
    phone: Annotated[StrictStr, StringConstraints(max_length=40)] = ""


class ContactKept(Wire):
    """The address as kept."""

    conversation_id: str
    email: str
    phone: str


class CallbackRequest(Wire):
    """The customer wants to be called."""

    phone: Annotated[StrictStr, StringConstraints(max_length=40)] = Field(
        default="", description="Empty: the number given before."
    )
    wished: Annotated[StrictStr, StringConstraints(max_length=400)] = Field(
        default="", description="When, in the customer's words."
    )


class WishKept(Wire):
    """The wish to be called, as kept."""

    conversation_id: str
    callback_id: str
