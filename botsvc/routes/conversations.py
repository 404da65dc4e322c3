"""``/v1/conversations``: opened with a token, continued with it."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request

from botsvc.dialogue import take_turn, transcript
from botsvc.episode import Press
from botsvc.exchange import CustomerTurn, Start
from botsvc.problems import ProblemType, declared
from botsvc.routes.admission import ADMISSION, BODY, ConversationPath, Token
from botsvc.schemas import (
    AnswerFeedback,
    AnswerFeedbackRequest,
    ConversationCreated,
    ConversationRequest,
    FeedbackRequest,
    HandoffRequest,
    MessageReply,
    MessageRequest,
    Transcript,
)
from botsvc.service import Service
from botsvc.widget_sites import default_language

_BODY = (*BODY, ProblemType.UNKNOWN_LANGUAGE)
_MESSAGE = declared(
    *_BODY,
    *ADMISSION,
    ProblemType.CONVERSATION_FULL,
    ProblemType.MESSAGE_ID_REUSED,
    ProblemType.INDEX_NOT_READY,
)
_FEEDBACK = declared(*BODY, *ADMISSION)


def conversations_router(service: Service) -> APIRouter:
    """The conversations' calls."""
    router = APIRouter(prefix="/v1/conversations", tags=["conversations"])

    async def said(
        conversation_id: str, token: str | None, turn: CustomerTurn, lang: str | None
    ) -> MessageReply:
        service.check_language(lang, "lang")
        body = await service.work.run(lambda: take_turn(service, conversation_id, token, turn, lang))
        return MessageReply.model_validate(body, strict=False)

    @router.post("", status_code=201, responses=declared(*_BODY), operation_id="create_conversation")
    async def create(request: Request, body: ConversationRequest) -> ConversationCreated:
        """Open a conversation; the token is given here and never again."""
        service.starts.take(service.network(request), "This network opens many conversations")
        service.check_language(body.lang, "lang")
        start = Start(
            language=body.lang or default_language(request, service.languages()),
            locale=body.locale,
            page=body.page,
            audience=body.audience,
            time_zone=body.time_zone,
        )
        if body.notice_shown:
            start = replace(start, notice=service.settings.notice_for(start.language).text)
        opened = await service.work.run(lambda: service.conversations.create(start))
        return ConversationCreated(
            conversation_id=opened.conversation_id, token=opened.token, expires_at=opened.expires_at
        )

    @router.get(
        "/{conversation_id}",
        responses=declared(*ADMISSION, ProblemType.INVALID_REQUEST, ProblemType.STORAGE_UNAVAILABLE),
        operation_id="read_conversation",
    )
    async def read(conversation_id: ConversationPath, token: Token) -> Transcript:
        """Read the conversation so far."""
        body = await service.work.run(lambda: transcript(service, conversation_id, token))
        return Transcript.model_validate(body)

    @router.post("/{conversation_id}/messages", responses=_MESSAGE, operation_id="post_message")
    async def message(
        request: Request, conversation_id: ConversationPath, body: MessageRequest, token: Token
    ) -> MessageReply:
        """Say something, or press a button; a repeat with the same id is not a second message."""
        turn = CustomerTurn(
            client_message_id=body.client_message_id,
            text=body.text,
            press=body.press,
            index=body.index,
            network=service.network(request),
        )
        return await said(conversation_id, token, turn, body.lang)

    @router.post("/{conversation_id}/handoff", responses=_MESSAGE, operation_id="ask_for_a_person")
    async def handoff(conversation_id: ConversationPath, body: HandoffRequest, token: Token) -> MessageReply:
        """Ask for a person, at once."""
        turn = CustomerTurn(client_message_id=body.client_message_id, press=Press.PERSON)
        return await said(conversation_id, token, turn, body.lang)

    @router.post("/{conversation_id}/feedback", responses=_MESSAGE, operation_id="give_feedback")
    async def feedback(
        request: Request, conversation_id: ConversationPath, body: FeedbackRequest, token: Token
    ) -> MessageReply:
        """Say whether the last answer helped."""
        press = Press.HELPED if body.helped else Press.NOT_HELPED
        turn = CustomerTurn(
            client_message_id=body.client_message_id, press=press, network=service.network(request)
        )
        return await said(conversation_id, token, turn, body.lang)

    return router


def feedback_router(service: Service) -> APIRouter:
    """Feedback on any answer, by the sequence that its reply named."""
    router = APIRouter(prefix="/v1", tags=["conversations"])

    @router.post("/feedback", responses=_FEEDBACK, operation_id="judge_answer")
    async def judge(request: Request, body: AnswerFeedbackRequest, token: Token) -> AnswerFeedback:
        """Say whether one answer of a conversation helped; the bot says nothing to it."""
        service.messages.take(body.conversation_id, "This conversation has had many messages")
        network = service.network(request)
        judged = await service.work.run(
            lambda: service.conversations.judge(
                body.conversation_id, token, body.sequence, helped=body.helped, network=network
            )
        )
        return AnswerFeedback(
            conversation_id=judged.conversation_id,
            sequence=judged.sequence,
            article_id=judged.article.id,
            lang=judged.article.lang,
            helped=judged.helped,
        )

    return router
