"""All that a serving process holds, made once and given to every route."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request

from botsvc.answering import Answering, answering
from botsvc.clock import utc_now
from botsvc.contacts import OwnContacts
from botsvc.conversations import Conversations
from botsvc.edge import request_id
from botsvc.limits import Buckets, Networks
from botsvc.live.attendance import Attendance, Seats
from botsvc.live.hub import Hub
from botsvc.problems import FieldError, Problem, ProblemType
from botsvc.saying import Speaker
from botsvc.swap import Swapper
from botsvc.texts import Texts, load_texts
from botsvc.welcoming import Welcoming
from indexer import Index

if TYPE_CHECKING:
    from botsvc.customer_acts import CustomerActs
    from botsvc.human_tier import HumanTier
    from botsvc.settings import Settings
    from botsvc.status_links import StatusLinks
    from botsvc.storage import Storage

T = TypeVar("T")

#: Calls that may wait for a thread, per thread; more are told to come back rather than kept waiting.
WAITING_PER_THREAD = 32
#: How long a call may take before its client is told to come back.
SECONDS = 20.0


class Work:
    """Runs blocking calls in a bounded pool of threads."""

    def __init__(
        self, threads: int, *, name: str = "work", most: int | None = None, seconds: float = SECONDS
    ) -> None:
        self._most = threads * (1 + WAITING_PER_THREAD) if most is None else most
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._inside = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The value of ``call()``; raises ``Problem`` when there is too much to do or it takes too long.

        A call that takes too long goes on in its thread: what it stores stays stored, and a repeat finds it.
        """
        if self._inside >= self._most:
            raise _overloaded("too many calls are waiting")
        self._inside += 1
        try:
            # What calls log carries the id of the request that they serve.
            called = asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, call)
            async with asyncio.timeout(self._seconds):
                return await called
        except TimeoutError:
            raise _overloaded(f"the call took longer than {self._seconds:g} s") from None
        finally:
            self._inside -= 1


def _cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _overloaded(why: str) -> Problem:
    return Problem(
        ProblemType.OVERLOADED,
        f"The service is too busy ({why}): try again in a moment.",
        headers={"Retry-After": "2"},
    )


@dataclass(slots=True, kw_only=True)
class Service:
    """The parts of a serving process."""

    settings: Settings
    swapper: Swapper
    bot: Answering
    texts: Texts
    speaker: Speaker
    welcoming: Welcoming
    networks: Networks
    asks: Buckets
    starts: Buckets
    messages: Buckets
    work: Work
    asking: Work  #: for calls that wait for nothing but the processor
    clock: Callable[[], datetime] = utc_now
    polls: Buckets  #: asking for news, and saying what was read or is being typed
    own_contacts: OwnContacts
    streams: Seats  #: of one conversation
    network_streams: Seats
    hub: Hub = field(default_factory=Hub)
    attendance: Attendance = field(default_factory=Attendance)
    storage: Storage | None = None  #: opened when the process starts
    conversations_or_none: Conversations | None = field(default=None)
    tier_or_none: HumanTier | None = field(default=None)
    links_or_none: StatusLinks | None = field(default=None)

    @classmethod
    def of(
        cls,
        settings: Settings,
        swapper: Swapper,
        bot: Answering | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> Service:
        """The parts as the operator has set them up, with nothing opened yet."""
        texts = load_texts()
        bot = bot or answering(settings)
        threads = settings.server.threads
        return cls(
            settings=settings,
            swapper=swapper,
            bot=bot,
            texts=texts,
            speaker=Speaker(texts=texts, settings=settings, desk=bot.policy.desk),
            welcoming=Welcoming(settings=settings.widget, bot=bot, site_name=settings.site.name),
            networks=Networks(settings.server.trusted_proxies),
            asks=Buckets(settings.limits.asks_per_minute),
            starts=Buckets(settings.limits.conversations_per_minute),
            messages=Buckets(settings.limits.messages_per_minute),
            polls=Buckets(settings.limits.polls_per_minute),
            own_contacts=OwnContacts(settings.own_contacts),
            streams=Seats(settings.limits.streams_per_conversation),
            network_streams=Seats(settings.limits.streams_per_network),
            work=Work(threads),
            # Threads beyond the cores only fight for the interpreter: eight of them on two cores took a
            # third more CPU a question than two, and answered no more of them.
            clock=clock,
            asking=Work(min(threads, max(2, _cores())), name="ask", most=threads * (1 + WAITING_PER_THREAD)),
        )

    @property
    def conversations(self) -> Conversations:
        """The conversations; a problem while the store is closed."""
        if self.conversations_or_none is None:
            raise Problem(
                ProblemType.STORAGE_UNAVAILABLE, "The store of conversations is not open: try again."
            )
        return self.conversations_or_none

    @property
    def tier(self) -> HumanTier:
        """The people behind the bot; a problem while the store is closed."""
        if self.tier_or_none is None:
            raise Problem(ProblemType.STORAGE_UNAVAILABLE, "The store of requests is not open: try again.")
        return self.tier_or_none

    @property
    def status_links(self) -> StatusLinks:
        """The links to the pages of requests; a problem while the store is closed."""
        if self.links_or_none is None:
            raise Problem(ProblemType.STORAGE_UNAVAILABLE, "The store of requests is not open: try again.")
        return self.links_or_none

    @property
    def acts(self) -> CustomerActs:
        """What customers do beside writing; a problem while the store is closed."""
        from botsvc.customer_acts import CustomerActs

        tier = self.tier
        return CustomerActs(
            storage=tier.front_desk.storage,
            front_desk=tier.front_desk,
            texts=self.texts,
            clock=tier.clock,
            sinks=tier.sinks,
            own=self.own_contacts,
            benefit_card_prefixes=self.settings.privacy.benefit_card_prefixes,
        )

    def index(self) -> Index:
        """The index to answer this call with; a problem while there is none."""
        index = self.swapper.index
        if index is None:
            raise Problem(
                ProblemType.INDEX_NOT_READY,
                "No index is loaded yet: try again in a moment, or see /readyz.",
                headers={"Retry-After": "2"},
            )
        return index

    def languages(self) -> tuple[str, ...]:
        """The site's languages, the default one first."""
        index = self.swapper.index
        if index is not None:
            return self.bot.languages(index)
        return self.settings.site.languages or self.texts.languages

    def check_language(self, lang: str | None, field_name: str) -> None:
        """Raise the problem that names the languages there are."""
        if lang is not None and lang not in self.languages():
            known = ", ".join(self.languages())
            raise Problem(
                ProblemType.UNKNOWN_LANGUAGE,
                f"There is nothing in the language {lang}: use one of {known}.",
                errors=[FieldError(field=field_name, message=f"should be one of {known}")],
            )

    def network(self, request: Request) -> str:
        """The network that a call comes from."""
        return self.networks.of(request.client.host if request.client else "", request.headers)

    def new_request_id(self) -> str:
        """The id of the call being served."""
        return request_id.get()
