"""What a customer does beside writing: end, judge, read, type, give an address, wish to be called."""

from __future__ import annotations

from fastapi import APIRouter

from botsvc.act_schemas import (
    CallbackRequest,
    ContactKept,
    ContactRequest,
    CsatKept,
    CsatRequest,
    OpenedRequest,
    OwnerBody,
    ReadReply,
    ReadRequest,
    TypingRequest,
    WishKept,
)
from botsvc.episode import Owner
from botsvc.giving_contact import give_contact
from botsvc.live import CUSTOMER_ACTOR, Signal, SignalKind
from botsvc.problems import ProblemType, declared
from botsvc.routes.admission import ADMISSION, BODY, ConversationPath, Token
from botsvc.service import Service

_ACT = declared(*BODY, *ADMISSION)
_REQUEST = declared(*BODY, *ADMISSION, ProblemType.NOT_OPEN)
_CONTACT = declared(
    *BODY, *ADMISSION, ProblemType.NOT_OPEN, ProblemType.MESSAGE_ID_REUSED, ProblemType.CONVERSATION_FULL
)


def acts_router(service: Service) -> APIRouter:
    """The calls; each may be repeated, and then changes nothing."""
    router = APIRouter(prefix="/v1/conversations/{conversation_id}", tags=["conversations"])

    def count(conversation_id: str) -> None:
        service.messages.take(conversation_id, "This conversation has had many messages")

    @router.post(
        "/close",
        responses=declared(*(kind for kind in BODY if kind is not ProblemType.MALFORMED_JSON), *ADMISSION),
        operation_id="close_conversation",
    )
    async def close(conversation_id: ConversationPath, token: Token) -> OwnerBody:
        """End the matter; what waits for people is called off, and the next message begins a new one."""
        count(conversation_id)
        await service.work.run(lambda: service.acts.close(conversation_id, token))
        return OwnerBody(conversation_id=conversation_id, owner=Owner.NOBODY)

    @router.post("/csat", responses=_REQUEST, operation_id="give_score")
    async def csat(conversation_id: ConversationPath, body: CsatRequest, token: Token) -> CsatKept:
        """Say how well the customer was served, from 1 to 5; said again, the last one counts."""
        count(conversation_id)
        by = await service.work.run(
            lambda: service.acts.judge(conversation_id, token, body.score, body.comment)
        )
        return CsatKept(conversation_id=conversation_id, score=body.score, by=by.value)

    @router.post("/articles/opened", status_code=204, responses=_ACT, operation_id="opened_article")
    async def opened(conversation_id: ConversationPath, body: OpenedRequest, token: Token) -> None:
        """Say that the customer has opened an article that the conversation has shown."""
        count(conversation_id)
        await service.work.run(
            lambda: service.acts.opened(conversation_id, token, body.article_id, body.lang)
        )

    @router.post("/read", responses=_ACT, operation_id="read_up_to")
    async def read(conversation_id: ConversationPath, body: ReadRequest, token: Token) -> ReadReply:
        """Say that the customer has seen everything up to a sequence."""
        service.polls.take(conversation_id, "This conversation is read too often")
        up_to = await service.work.run(lambda: service.acts.read(conversation_id, token, body.up_to))
        return ReadReply(conversation_id=conversation_id, up_to=up_to)

    @router.post("/typing", status_code=204, responses=_ACT, operation_id="typing")
    async def typing(conversation_id: ConversationPath, body: TypingRequest, token: Token) -> None:
        """Say that the customer is writing, or has stopped; never stored, and over by itself soon."""
        service.polls.take(conversation_id, "This conversation tells too often that somebody types")
        await service.work.run(lambda: service.conversations.open_to(conversation_id, token))
        signal = Signal(kind=SignalKind.TYPING, actor=CUSTOMER_ACTOR)
        service.hub.signal(conversation_id, signal, on=body.typing)

    @router.post("/contact", responses=_CONTACT, operation_id="give_contact")
    async def contact(conversation_id: ConversationPath, body: ContactRequest, token: Token) -> ContactKept:
        """Give an address for a later reply to the open request."""
        count(conversation_id)
        kept = await service.work.run(
            lambda: give_contact(
                service,
                conversation_id,
                token,
                client_message_id=body.client_message_id,
                email=body.email,
                phone=body.phone,
            )
        )
        return ContactKept(
            conversation_id=conversation_id,
            email=(kept.emails or ("",))[0],
            phone=(kept.phones or ("",))[0],
        )

    @router.post("/callback", responses=_REQUEST, operation_id="wish_to_be_called")
    async def callback(conversation_id: ConversationPath, body: CallbackRequest, token: Token) -> WishKept:
        """Wish to be called about the open request; said again, the wish is changed."""
        count(conversation_id)
        name = await service.work.run(
            lambda: service.acts.wish_to_be_called(
                conversation_id, token, phone=body.phone, wished=body.wished
            )
        )
        return WishKept(conversation_id=conversation_id, callback_id=name)

    return router
