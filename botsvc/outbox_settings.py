"""Settings of how patiently handoffs and mail are delivered."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from botsvc.mail_settings import MailSettings, SinksSettings
from indexer.settings import Section, SettingsContradiction

MAIL_SECONDS = 100.0  #: longest try of a mail: ``botsvc.sinks.smtp``


class OutboxSettings(Section):
    """``[outbox]``: tries of what has to leave."""

    first_wait_seconds: float = Field(
        default=2.0,
        ge=0.01,
        le=3_600,
        description="Longest wait before the second try; doubles with each further one.",
    )
    longest_wait_seconds: float = Field(
        default=900.0, ge=0.1, le=86_400, description="Longest wait between two tries."
    )
    give_up_hours: float = Field(
        default=72.0, ge=0.01, le=8_760, description="Hours after which a delivery counts as dead."
    )
    lease_seconds: float = Field(
        default=120.0,
        ge=1,
        le=3_600,
        description="How long a try may take, and so when that of a killed process is repeated.",
    )
    cut_off_seconds: float = Field(
        default=60.0,
        ge=0.1,
        le=86_400,
        description="After how long without success customers hear that requests are saved, not passed on.",
    )


def contradictions(
    outbox: OutboxSettings, mail: MailSettings, sinks: SinksSettings
) -> Iterator[SettingsContradiction]:
    """A lease that ends before a try does: two processes would try at once."""
    limits = {
        f"sinks.webhook.{name}.timeout_seconds": one.timeout_seconds for name, one in sinks.webhook.items()
    }
    if mail.sender:
        limits["the time that a mail may take"] = MAIL_SECONDS
    key, longest = max(limits.items(), key=lambda one: one[1], default=("", 0.0))
    if longest >= outbox.lease_seconds:
        yield SettingsContradiction(
            key="outbox.lease_seconds",
            value=outbox.lease_seconds,
            need=f"should be longer than {key}, which is {longest:g}",
        )
