"""What leaves the store when its time is over, and what stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from botsvc.retention import delete_old_audit, delete_old_mails
from botsvc.storage import Storage
from botsvc.storage.records import AuditEntry, StoredMail

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def test_the_audit_is_kept_for_its_days(storage: Storage) -> None:
    with storage.write() as writing:
        for days in (10, 400):
            at = NOW - timedelta(days=days)
            entry = AuditEntry(
                id=f"u_{days}", at=at, agent_id="a_1", action="x", conversation_id="", detail=""
            )
            writing.add_audit(entry)
    assert delete_old_audit(storage, 365, clock=clock) == 1
    with storage.read() as reading:
        assert [entry.id for entry in reading.audit()] == ["u_10"]


def test_mails_that_belong_to_nobody_are_forgotten(storage: Storage) -> None:
    with storage.write() as writing:
        for days in (10, 400):
            writing.add_mail(
                StoredMail(
                    message_id=f"<{days}@mail.test>",
                    direction="in",
                    conversation_id=None,
                    what="ignored",
                    at=NOW - timedelta(days=days),
                )
            )
    assert delete_old_mails(storage, 365, clock=clock) == 1
    with storage.read() as reading:
        assert reading.mail("<10@mail.test>") is not None
        assert reading.mail("<400@mail.test>") is None
