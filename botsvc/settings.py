"""Settings of the service: the base of ``indexer.settings`` plus what serving, people and storing need."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from botsvc import mail_settings, outbox_settings, team_settings, widget_settings
from botsvc.mail_settings import MailSettings, SinksSettings
from botsvc.outbox_settings import OutboxSettings
from botsvc.team_settings import RoutingSettings, TeamKey, TeamSettings
from botsvc.widget_settings import Origin, WidgetSettings, origin
from indexer import settings as base
from indexer.settings import Language, Section, SettingsContradiction


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError as error:
        raise ValueError("should be addresses or networks such as 10.0.0.0/8") from error


def _database(value: SecretStr) -> SecretStr:
    if not re.match(r"(sqlite|postgresql(\+psycopg)?)://", value.get_secret_value()):
        raise ValueError("should begin with sqlite:/// or postgresql://")
    return value


def _sealing_key(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except ValueError:
        key = b""
    if len(key) != SEALING_KEY_BYTES:
        raise ValueError('should be 32 bytes in base64: make one with "openssl rand -base64 32"')
    return value


SEALING_KEY_BYTES = 32


def _public_address(value: str) -> str:
    return origin(value.rstrip("/")) if value else ""


PublicAddress = Annotated[str, AfterValidator(_public_address)]
Network = Annotated[str, AfterValidator(_network)]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")]
DatabaseAddress = Annotated[SecretStr, AfterValidator(_database)]
SealingKey = Annotated[SecretStr, AfterValidator(_sealing_key)]


class ServerSettings(Section):
    """``[server]``: how the service listens."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    allowed_origins: tuple[Origin, ...] = Field(
        default=(), description="Web sites whose pages may call the service from a browser; empty means none."
    )
    public_url: PublicAddress = Field(
        default="",
        description="Address of this service from outside, for the links to customers' requests.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(), description="Proxies whose X-Forwarded-For header is believed; empty means none."
    )
    body_limit_bytes: int = Field(
        default=65_536, ge=1_024, le=10_485_760, description="Largest request body that is read."
    )
    threads: int = Field(
        default=8,
        ge=1,
        le=128,
        description="Requests worked on at the same time in one process; questions at most one a core.",
    )
    index_poll_seconds: float = Field(
        default=0.2, gt=0, le=60, description="How often the service looks for a newly published index."
    )
    shutdown_seconds: int = Field(
        default=3, ge=0, le=600, description="How long open requests may take to finish at shutdown."
    )


class HandoffSettings(Section):
    """``[handoff]``: when and how the bot passes a conversation to people."""

    low_confidence: Literal["hand_off", "offer"] = Field(
        default="hand_off",
        description="Whether a question that the bot is not sure of is handed off, or a person is offered.",
    )
    emergency_number: str = Field(
        default="112",
        min_length=1,
        max_length=40,
        description="Number shown first when somebody is in danger.",
    )
    crisis_lines: dict[Language, str] = Field(
        default={},
        description="Crisis line and its hours, in this language, shown after the emergency number.",
    )


class ContactSettings(Section):
    """``[contact.<language>]``: how people are reached without the bot."""

    phone: str = Field(
        default="", max_length=80, description="Phone number of customer service, as customers see it."
    )
    email: str = Field(default="", max_length=254, description="E-mail address of customer service.")
    hours: str = Field(default="", max_length=200, description="Opening hours in words, in this language.")

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.phone or self.email or self.hours)


def _web_address(value: str) -> str:
    if value and not re.match(r"https?://[^\s/]", value):
        raise ValueError("should be an address such as https://www.example.com/privacy")
    return value


class NoticeSettings(Section):
    """``[notice.<language>]``: what customers read before they write for the first time."""

    text: str = Field(
        default="",
        max_length=300,
        description="One or two sentences, such as what happens to messages; empty shows none.",
    )
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        default="", max_length=500, description="Address of the privacy notice, linked after the text."
    )


class ConversationSettings(Section):
    """``[conversations]``: the life of a conversation."""

    token_hours: int = Field(
        default=72,
        ge=1,
        le=8_760,
        description="How long a conversation's token works after its last message.",
    )
    max_messages: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Most messages that one conversation takes from its customer.",
    )
    reopening_hours: int = Field(
        default=24,
        ge=0,
        le=720,
        description="How long after a person's resolution the customer's next message reopens the request.",
    )
    unreachable_minutes: int = Field(
        default=30,
        ge=2,
        le=10_080,
        description="How long after a customer without an address has gone the request ends as unreachable.",
    )
    abandoned_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="Days without a word from the customer after people's reply until it is abandoned.",
    )


class PrivacySettings(Section):
    """``[privacy]``: what masking leaves alone, and what encrypts sensitive answers."""

    benefit_card_prefixes: tuple[Digits, ...] = Field(
        default=(),
        description="First digits of the company's own customer cards, whose numbers are not masked.",
    )
    key: SealingKey | None = Field(
        default=None,
        description="Encrypts sensitive answers: 32 bytes in base64; without it the database keeps a key.",
    )
    old_keys: tuple[SealingKey, ...] = Field(
        default=(), description="Former keys, which still read what they encrypted."
    )


class StorageSettings(Section):
    """``[storage]``: where conversations and handoffs are kept."""

    url: DatabaseAddress = Field(
        default=SecretStr("sqlite:///build/helppari.sqlite"),
        description="Database: sqlite:///path for one process, or postgresql://user:password@host/name.",
    )
    pool_size: int = Field(
        default=8, ge=1, le=100, description="Database connections that one process keeps."
    )


class LimitSettings(Section):
    """``[limits]``: how much one customer or network may ask for."""

    message_chars: int = Field(
        default=2_000, ge=1, le=20_000, description="Longest message or question, in characters."
    )
    polls_per_minute: int = Field(
        default=240,
        ge=0,
        description="Polls, read marks and typing of one conversation in a minute; 0 means no limit.",
    )
    streams_per_conversation: int = Field(
        default=8, ge=0, description="Event streams that one conversation may have open; 0 means no limit."
    )
    streams_per_network: int = Field(
        default=1_000, ge=0, description="Event streams that one network may have open; 0 means no limit."
    )
    messages_per_minute: int = Field(
        default=20, ge=0, description="Messages that one conversation may send in a minute; 0 means no limit."
    )
    conversations_per_minute: int = Field(
        default=120,
        ge=0,
        description="Conversations that one network may start in a minute; 0 means no limit.",
    )
    asks_per_minute: int = Field(
        default=1_200,
        ge=0,
        description="Questions and searches that one network may send in a minute; 0 means no limit.",
    )


class RetentionSettings(Section):
    """``[retention]``: how long data are kept."""

    conversation_days: int = Field(
        default=365,
        ge=1,
        description="Days after its last message when a conversation is deleted, with its handoffs.",
    )
    example_days: int = Field(
        default=730,
        ge=1,
        description="Days after which a customer's feedback is deleted and no longer learned from.",
    )
    audit_days: int = Field(
        default=365,
        ge=1,
        description="Days after which the record of what people did at the desk is deleted.",
    )


class LearningSettings(Section):
    """``[learning]``: when customers' feedback may change what is answered."""

    customers_needed: int = Field(
        default=2,
        ge=2,
        le=100,
        description="Different customers who must confirm near-same questions of an article.",
    )
    networks_needed: int = Field(
        default=2,
        ge=1,
        le=100,
        description="Networks (/24, or /48 for IPv6) they must come from; 1 trusts several customers of one.",
    )
    customer_examples_per_day: int = Field(
        default=5, ge=1, le=1_000, description="Examples of one customer that count in a day."
    )
    network_examples_per_day: int = Field(
        default=20, ge=1, le=100_000, description="Examples from one network that count in a day."
    )
    contradiction_confidence: float = Field(
        default=0.5,
        ge=0.1,
        le=1,
        description="Confidence in another article from which on an example is held back.",
    )


class DeskSettings(Section):
    """``[desk]``: signing in to the desk."""

    session_hours: int = Field(
        default=12, ge=1, le=720, description="Hours without use after which a person has to sign in again."
    )
    password_length: int = Field(
        default=12, ge=8, le=100, description="Fewest characters of a password of the desk."
    )
    sign_ins_per_minute: int = Field(
        default=10,
        ge=1,
        le=1_000,
        description="Tries to sign in to one account from one network in a minute.",
    )


class Settings(base.Settings):
    """All settings: what ``serve``, ``ask``, ``desk`` and ``config check`` read."""

    other_sections: ClassVar[frozenset[str]] = frozenset()

    server: ServerSettings = ServerSettings()
    handoff: HandoffSettings = HandoffSettings()
    contact: dict[Language, ContactSettings] = Field(default={})
    notice: dict[Language, NoticeSettings] = Field(default={})
    conversations: ConversationSettings = ConversationSettings()
    privacy: PrivacySettings = PrivacySettings()
    storage: StorageSettings = StorageSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionSettings = RetentionSettings()
    learning: LearningSettings = LearningSettings()
    desk: DeskSettings = DeskSettings()
    teams: dict[TeamKey, TeamSettings] = Field(default={})
    routing: RoutingSettings = RoutingSettings()
    mail: MailSettings = MailSettings()
    sinks: SinksSettings = SinksSettings()
    outbox: OutboxSettings = OutboxSettings()
    widget: WidgetSettings = WidgetSettings()

    def contradictions(self) -> Iterator[SettingsContradiction]:
        """Teams that are named and not there; mail, sinks and sites of the widget that lack something."""
        yield from team_settings.contradictions(self.teams, self.routing)
        yield from mail_settings.contradictions(self.mail, self.sinks)
        yield from outbox_settings.contradictions(self.outbox, self.mail, self.sinks)
        yield from widget_settings.contradictions(self.widget, self.site.languages)

    def contact_for(self, lang: str) -> ContactSettings:
        """Contact details in ``lang``, else in the site's first language that has some, else empty ones."""
        order = [lang, *self.site.languages, *self.contact]
        return next((self.contact[code] for code in order if code in self.contact), ContactSettings())

    def notice_for(self, lang: str) -> NoticeSettings:
        """What customers read first in ``lang``, else in the site's first language that has it."""
        order = [lang, *self.site.languages, *self.notice]
        return next((self.notice[code] for code in order if code in self.notice), NoticeSettings())

    def crisis_line_for(self, lang: str) -> str:
        """Crisis line in ``lang``, else in the site's first language that has one, else nothing."""
        lines = self.handoff.crisis_lines
        return next((lines[code] for code in [lang, *self.site.languages, *lines] if code in lines), "")

    @property
    def own_contacts(self) -> tuple[str, ...]:
        """Phones and e-mails of the company itself, which are never taken for a customer's."""
        lines = [self.handoff.emergency_number, *self.handoff.crisis_lines.values()]
        lines += [team.email for team in self.teams.values() if team.email]
        return (*(text for c in self.contact.values() for text in (c.phone, c.email) if text), *lines)
