"""The sinks and the mailbox that the settings ask for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from botsvc.settings import Settings
from botsvc.sinks.email import CUSTOMER_MAIL_SINK, EMAIL_SINK, CustomerMailSink, EmailSink, MailHouse
from botsvc.sinks.incoming_mail import IncomingMail, MailSorter
from botsvc.sinks.mail_reader import MailReader
from botsvc.sinks.protocol import Sink
from botsvc.sinks.reply_tags import ReplyTags
from botsvc.sinks.webhook import WebhookSink
from botsvc.sinks.wording import FALLBACK
from botsvc.status_links import StatusLinks
from botsvc.storage import Storage
from botsvc.texts import Texts

WEBHOOK_PREFIX = "webhook-"


def handoff_sink_names(settings: Settings) -> tuple[str, ...]:
    """The sinks that each revision of a handoff goes to."""
    names = [EMAIL_SINK] if settings.sinks.email.to and settings.mail.smtp_host else []
    return (*names, *(f"{WEBHOOK_PREFIX}{name}" for name in settings.sinks.webhook))


def can_mail_customers(settings: Settings) -> bool:
    """Whether a person's message can reach a customer by e-mail: there is the sink ``customer-mail``."""
    return bool(settings.mail.smtp_host and settings.mail.sender)


def reply_tags(storage: Storage) -> ReplyTags:
    """The tags of this installation; their key is made once and kept in the database."""
    with storage.write() as writing:
        return ReplyTags(writing.secret("reply_tags", secrets.token_hex(32)))


def build_sinks(
    settings: Settings,
    storage: Storage,
    *,
    texts: Texts,
    zone: ZoneInfo,
    clock: Callable[[], datetime],
    address_of: Callable[[str], str],
    link_of: Callable[[str], str] | None = None,
) -> dict[str, Sink]:
    """All sinks by name.

    ``zone`` is for times in mails that no promise gives one for; ``address_of`` gives a team's own address,
    or nothing; ``link_of`` the desk's address of a conversation.
    """
    found: dict[str, Sink] = {}
    if can_mail_customers(settings):
        links = StatusLinks(storage=storage, public_url=settings.server.public_url)
        house = MailHouse(
            settings=settings.mail,
            site=settings.site.name,
            texts=texts,
            zone=zone,
            tags=reply_tags(storage),
            clock=clock,
        )
        found[CUSTOMER_MAIL_SINK] = CustomerMailSink(
            house, storage, status_url=lambda conversation_id: links.url(conversation_id, clock())
        )
        if EMAIL_SINK in handoff_sink_names(settings):
            language = settings.site.languages[0] if settings.site.languages else FALLBACK
            found[EMAIL_SINK] = EmailSink(
                house, settings.sinks.email, language=language, address_of=address_of, link_of=link_of
            )
    for name, hook in settings.sinks.webhook.items():
        found[WEBHOOK_PREFIX + name] = WebhookSink(WEBHOOK_PREFIX + name, hook, clock=clock)
    return found


def build_mail_reader(
    settings: Settings,
    storage: Storage,
    *,
    clock: Callable[[], datetime],
    team_addresses: Callable[[], Collection[str]],
    on_mail: Callable[[IncomingMail], str | None],
) -> MailReader | None:
    """The reader of the mailbox; None where the settings name none.

    ``team_addresses`` gives the addresses that teams get handoffs at, besides those of the desk's agents.
    """
    if not settings.mail.imap_host:
        return None

    def addresses() -> Collection[str]:
        return [*team_addresses(), settings.sinks.email.to]

    sorter = MailSorter(settings.mail, reply_tags(storage), team_addresses=addresses)
    return MailReader(settings.mail, storage, sorter, on_mail=on_mail, clock=clock)
