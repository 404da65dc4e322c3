"""People, their sessions and the audit, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from botsvc.errors import StaffError
from botsvc.settings import DeskSettings
from botsvc.staff import Profile, Role, Staff
from botsvc.storage import Storage
from botsvc.storage.records import AuditEntry, DeskSession

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "mansikka-torni-83"
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def staff_of(storage: Storage) -> Staff:
    return Staff(storage, DeskSettings(), clock=lambda: NOW, hasher=FAST)


def person(staff: Staff, email: str = "maija@example.com") -> str:
    profile = Profile(
        email=email, name="Maija", roles=tuple(Role), teams=["cards"], languages=["fi", "sv"], skills=["ä"]
    )
    return staff.add(profile, PASSWORD, by="console").id


def session(agent_id: str, name: str, expires_at: datetime) -> DeskSession:
    return DeskSession(
        token_hash=name * 64, agent_id=agent_id, csrf="c", created_at=NOW, expires_at=expires_at
    )


def test_people_come_back_as_they_went_in(storage: Storage) -> None:
    staff = staff_of(storage)
    found = staff.person(person(staff))
    assert found == staff.by_email("MAIJA@example.com")
    assert (list(found.teams), list(found.languages), list(found.skills)) == (["cards"], ["fi", "sv"], ["ä"])
    assert found.created_at == NOW
    assert found.seen_at is None
    assert staff.people() == (found,)


def test_being_seen_changes_nothing_else(storage: Storage) -> None:
    staff = staff_of(storage)
    agent_id = person(staff)
    before = staff.person(agent_id)
    with storage.write() as writing:
        assert writing.saw_agent(agent_id, NOW + timedelta(minutes=1))
        assert not writing.saw_agent("a_nothing", NOW)
    after = staff.person(agent_id)
    assert after.seen_at == NOW + timedelta(minutes=1)
    assert (after.name, after.password_hash) == (before.name, before.password_hash)


def test_sessions_are_extended_ended_and_deleted(storage: Storage) -> None:
    agent_id = person(staff_of(storage))
    with storage.write() as writing:
        for name, hours in (("a", 1), ("b", 2), ("c", -1)):
            writing.add_desk_session(session(agent_id, name, NOW + timedelta(hours=hours)))
    with storage.write() as writing:
        assert writing.delete_expired_desk_sessions(NOW) == 1
        assert writing.extend_desk_session("a" * 64, NOW + timedelta(hours=9))
        assert not writing.extend_desk_session("c" * 64, NOW)
    with storage.read() as reading:
        kept = reading.desk_session("a" * 64)
        assert kept is not None
        assert kept.expires_at == NOW + timedelta(hours=9)
    with storage.write() as writing:
        assert writing.end_desk_sessions(agent_id, but="a" * 64) == 1
        assert writing.end_desk_session("a" * 64)
        assert not writing.end_desk_session("a" * 64)


def test_the_audit_is_newest_first_and_can_be_asked_by_conversation(storage: Storage) -> None:
    with storage.write() as writing:
        for place in range(4):
            writing.add_audit(
                AuditEntry(
                    id=f"u_{place}",
                    at=NOW + timedelta(minutes=place),
                    agent_id="a_1",
                    action="fact.seen",
                    conversation_id=f"c_{place % 2}",
                    detail="",
                )
            )
    with storage.read() as reading:
        assert [entry.id for entry in reading.audit(limit=3)] == ["u_3", "u_2", "u_1"]
        assert [entry.id for entry in reading.audit(conversation_id="c_0")] == ["u_2", "u_0"]


def test_of_two_who_take_the_same_address_at_once_one_gets_it(storage: Storage) -> None:
    staff = staff_of(storage)
    refused: list[Exception] = []
    ready = threading.Barrier(2)

    def add() -> None:
        ready.wait(10)
        try:
            person(staff)
        except Exception as error:
            refused.append(error)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(staff.people()) == 1
    assert len(refused) == 1


def test_a_refused_change_leaves_no_trace(storage: Storage) -> None:
    staff = staff_of(storage)
    agent_id = person(staff)
    with pytest.raises(StaffError):
        staff.set_active(agent_id, False, by=agent_id)
    with storage.read() as reading:
        assert [entry.action for entry in reading.audit()] == ["person.added"]
