"""Everything behind the bot that involves people: their verbs, the front desk, time, and what leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from botsvc.arrivals import Arrivals
from botsvc.cases import Cases
from botsvc.clock import utc_now
from botsvc.contacts import OwnContacts
from botsvc.correspondence import Correspondence
from botsvc.handling import Handling
from botsvc.outbox import OutboxPolicy, OutboxWorker
from botsvc.people import People
from botsvc.reception import FrontDesk
from botsvc.sinks.configured import build_mail_reader, build_sinks
from botsvc.sinks.mail_reader import MailReader
from botsvc.storage import Storage
from botsvc.teams import Teams
from botsvc.timers import Patience, Timers, sweeping

if TYPE_CHECKING:
    from botsvc.outbox_settings import OutboxSettings
    from botsvc.settings import Settings
    from botsvc.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanTier:
    """Layers 2 and 3, over a store."""

    front_desk: FrontDesk
    people: People
    cases: Cases
    timers: Timers
    outbox: OutboxWorker
    mail_reader: MailReader | None
    sinks: tuple[str, ...]  #: names of the places outside, for what leaves
    clock: Callable[[], datetime]
    alone: bool = False  #: no other process serves this database

    @classmethod
    def of(
        cls,
        settings: Settings,
        storage: Storage,
        texts: Texts,
        *,
        is_thanks: Callable[[str, str], bool],
        clock: Callable[[], datetime] = utc_now,
    ) -> HumanTier:
        """The people as the operator has set them up; SettingsError names what does not fit."""
        teams = Teams.from_settings(settings)
        default, public = teams.get(teams.default), settings.server.public_url
        outside = build_sinks(
            settings,
            storage,
            texts=texts,
            zone=default.hours.zone if default else ZoneInfo("UTC"),
            clock=clock,
            address_of=lambda key: team.email if (team := teams.get(key)) else "",
            link_of=lambda conversation: f"{public}/desk/c/{conversation}" if public else "",
        )
        sinks = tuple(outside)
        front_desk = FrontDesk(
            storage=storage,
            teams=teams,
            texts=texts,
            sinks=sinks,
            contact=any(not contact.empty for contact in settings.contact.values()),
            patience=timedelta(seconds=settings.outbox.cut_off_seconds),
        )
        handling = Handling(
            storage=storage,
            clock=clock,
            sinks=sinks,
            benefit_card_prefixes=settings.privacy.benefit_card_prefixes,
        )
        arrivals = Arrivals(
            storage=storage,
            clock=clock,
            sinks=sinks,
            not_delivered=front_desk.not_delivered,
            staffed=front_desk.staffed,
        )
        patience = Patience(
            unreachable=timedelta(minutes=settings.conversations.unreachable_minutes),
            abandoned=timedelta(days=settings.conversations.abandoned_days),
        )
        correspondence = Correspondence(
            handling=handling,
            front_desk=front_desk,
            languages=settings.site.languages or texts.languages,
            own=OwnContacts(settings.own_contacts),
            reopening=timedelta(hours=settings.conversations.reopening_hours),
            is_thanks=is_thanks,
        )
        reader = build_mail_reader(
            settings,
            storage,
            clock=clock,
            team_addresses=lambda: [team.email for team in teams if team.email],
            on_mail=correspondence.receive,
        )
        return cls(
            front_desk=front_desk,
            people=People(handling=handling),
            cases=Cases(handling=handling),
            timers=Timers(
                storage=storage,
                words=front_desk,
                promise_anew=front_desk.promise_anew,
                sinks=sinks,
                patience=patience,
            ),
            outbox=OutboxWorker(
                storage,
                outside,
                clock=clock,
                rng=random.Random(),
                on_delivered=arrivals.delivered,
                on_dead=arrivals.dead,
                policy=_patience_of(settings.outbox),
            ),
            mail_reader=reader,
            sinks=sinks,
            clock=clock,
            alone=not storage.shared,
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let time do its work while the block lasts."""
        with ExitStack() as running:
            running.enter_context(sweeping(self.timers, self.clock))
            if self.sinks:
                if self.alone:
                    # Whoever held them has been killed: nobody else uses this database.
                    with self.people.handling.storage.write() as writing:
                        writing.release_all_leases()
                running.callback(self.outbox.stop)
                self.outbox.start()
            if self.mail_reader is not None:
                running.callback(self.mail_reader.stop)
                self.mail_reader.start()
            yield


def _patience_of(settings: OutboxSettings) -> OutboxPolicy:
    return OutboxPolicy(
        first_wait=settings.first_wait_seconds,
        longest_wait=settings.longest_wait_seconds,
        give_up_after=3_600 * settings.give_up_hours,
        lease=settings.lease_seconds,
    )
