"""People of the desk: passwords, roles, sessions, limits, and the commands over them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from botsvc.cli import main
from botsvc.errors import SignInRefused, StaffError, TooManySignIns, UnknownAgent
from botsvc.settings import DeskSettings
from botsvc.staff import Availability, Profile, Role, SignInLimits, Staff
from botsvc.storage import Storage, open_storage

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "mansikka-torni-83"
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    found = open_storage(f"sqlite:///{tmp_path}/store.sqlite")
    yield found
    found.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def staff(storage: Storage, clock: Clock) -> Staff:
    return Staff(storage, DeskSettings(), clock=clock, hasher=FAST)


def admin(staff: Staff) -> str:
    profile = Profile(email="Maija@Example.com ", name="Maija  Meikäläinen", roles=(Role.ADMIN, Role.AGENT))
    return staff.add(profile, PASSWORD, by="console").id


def test_a_person_is_kept_as_checked(staff: Staff) -> None:
    person = staff.person(admin(staff))
    assert person.email == "maija@example.com"
    assert person.name == "Maija Meikäläinen"
    assert list(person.roles) == ["agent", "admin"]
    assert person.password_hash.startswith("$argon2id$")
    assert PASSWORD not in person.password_hash


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"email": "maija"}, "email_wrong"),
        ({"email": "a@b@c.fi x"}, "email_wrong"),
        ({"name": " "}, "name_wrong"),
        ({"name": "x" * 121}, "name_wrong"),
        ({"roles": ()}, "roles_wrong"),
        ({"roles": ("king",)}, "roles_wrong"),
        ({"languages": ("suomi!",)}, "languages_wrong"),
        ({"room": 51}, "room_wrong"),
        ({"room": -1}, "room_wrong"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(staff: Staff, change: dict[str, object], key: str) -> None:
    profile = replace(Profile(email="a@example.com", name="A"), **change)  # type: ignore[arg-type]
    with pytest.raises(StaffError) as refused:
        staff.add(profile, PASSWORD, by="console")
    assert refused.value.key == key
    assert staff.people() == ()


@pytest.mark.parametrize(
    ("password", "key"),
    [
        ("short", "password_short"),
        ("", "password_short"),
        ("x" * 201, "password_long"),
        ("aaaaaaaaaaaaaaaa", "password_easy"),
        ("maija@example.com", "password_easy"),
        ("Meikäläinen1234!", "password_easy"),
    ],
)
def test_a_weak_password_is_refused(staff: Staff, password: str, key: str) -> None:
    profile = Profile(email="maija@example.com", name="Maija Meikäläinen")
    with pytest.raises(StaffError) as refused:
        staff.add(profile, password, by="console")
    assert refused.value.key == key


def test_an_address_belongs_to_one_person(staff: Staff) -> None:
    admin(staff)
    other = staff.add(Profile(email="ville@example.com", name="Ville"), PASSWORD, by="console")
    with pytest.raises(StaffError, match="already"):
        staff.change(other.id, replace(Profile.of(other), email="MAIJA@example.com"), by="console")


def test_signing_in_gives_a_session_of_which_only_a_hash_is_kept(staff: Staff, storage: Storage) -> None:
    agent_id = admin(staff)
    signed = staff.sign_in(" MAIJA@example.com", PASSWORD, network="10.0.0.1")
    found = staff.session(signed.token)
    assert found is not None
    assert found.agent.id == agent_id
    assert found.agent.seen_at == NOW
    assert len(found.csrf) >= 32
    with storage.read() as reading:
        assert reading.desk_session(signed.token) is None
        assert reading.desk_session(found.token_hash) is not None
    assert staff.session(signed.token + "x") is None
    assert staff.session("") is None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("maija@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("closed@example.com", PASSWORD),
    ],
)
def test_a_wrong_sign_in_does_not_tell_why(
    staff: Staff, caplog: pytest.LogCaptureFixture, email: str, password: str
) -> None:
    admin(staff)
    closed = staff.add(Profile(email="closed@example.com", name="Gone"), PASSWORD, by="console")
    staff.set_active(closed.id, False, by="console")
    with caplog.at_level(logging.DEBUG), pytest.raises(SignInRefused) as refused:
        staff.sign_in(email, password, network="10.0.0.1")
    assert str(refused.value) == "the address or the password is not right"
    assert PASSWORD not in caplog.text


def test_nobodys_password_costs_the_same_work(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    admin(staff)
    verified: list[str] = []
    real = PasswordHasher.verify

    def verify(hasher: PasswordHasher, hashed: str, password: str) -> bool:
        verified.append(hashed.rpartition("$")[0].rpartition("$")[0])
        return real(hasher, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    for email in ("maija@example.com", "nobody@example.com"):
        with pytest.raises(SignInRefused):
            staff.sign_in(email, "wrong", network="10.0.0.1")
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_a_session_lasts_longer_by_being_used_and_ends_when_it_is_not(staff: Staff, clock: Clock) -> None:
    admin(staff)
    token = staff.sign_in("maija@example.com", PASSWORD, network="n").token
    for _ in range(4):
        clock.now += timedelta(hours=11)
        assert staff.session(token) is not None
    clock.now += timedelta(hours=12, seconds=1)
    assert staff.session(token) is None


def test_a_page_that_is_only_open_does_not_keep_anybody_signed_in(staff: Staff, clock: Clock) -> None:
    admin(staff)
    token = staff.sign_in("maija@example.com", PASSWORD, network="n").token
    clock.now += timedelta(hours=11)
    assert staff.session(token, used=False) is not None
    clock.now += timedelta(hours=1)
    assert staff.session(token, used=False) is None


def test_signing_out_here_and_everywhere(staff: Staff) -> None:
    agent_id = admin(staff)
    tokens = [staff.sign_in("maija@example.com", PASSWORD, network="n").token for _ in range(3)]
    first = staff.session(tokens[0])
    assert first is not None
    staff.sign_out(first)
    assert [staff.session(token) is not None for token in tokens] == [False, True, True]
    assert staff.sign_out_everywhere(agent_id, by=agent_id) == 2
    assert [staff.session(token) for token in tokens] == [None, None, None]


def test_closing_an_account_ends_its_sessions(staff: Staff) -> None:
    admin(staff)
    other = staff.add(Profile(email="ville@example.com", name="Ville"), PASSWORD, by="console")
    token = staff.sign_in("ville@example.com", PASSWORD, network="n").token
    staff.set_active(other.id, False, by="console")
    assert staff.session(token) is None


def test_another_password_ends_the_other_sessions(staff: Staff) -> None:
    admin(staff)
    here, there = (staff.sign_in("maija@example.com", PASSWORD, network="n").token for _ in range(2))
    session = staff.session(here)
    assert session is not None
    with pytest.raises(StaffError) as refused:
        staff.change_own_password(session, "not it", "kuu-kettu-lapio-9")
    assert refused.value.key == "password_wrong"
    staff.change_own_password(session, PASSWORD, "kuu-kettu-lapio-9")
    assert staff.session(here) is not None
    assert staff.session(there) is None
    assert staff.sign_in("maija@example.com", "kuu-kettu-lapio-9", network="n")
    with pytest.raises(SignInRefused):
        staff.sign_in("maija@example.com", PASSWORD, network="n")


def test_old_hashes_are_made_anew_when_their_owner_signs_in(staff: Staff, storage: Storage) -> None:
    agent_id = admin(staff)
    before = staff.person(agent_id).password_hash
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    Staff(storage, DeskSettings(), hasher=stronger).sign_in("maija@example.com", PASSWORD, network="n")
    after = staff.person(agent_id).password_hash
    assert "m=8,t=1" in before
    assert "m=16,t=2" in after


def test_tries_are_limited_by_account_and_network_and_lock_nobody_else_out(staff: Staff) -> None:
    admin(staff)
    staff.add(Profile(email="ville@example.com", name="Ville"), PASSWORD, by="console")
    for _ in range(10):
        with pytest.raises(SignInRefused):
            staff.sign_in("maija@example.com", "wrong", network="office")
    with pytest.raises(TooManySignIns) as limited:
        staff.sign_in("maija@example.com", PASSWORD, network="office")
    assert limited.value.seconds >= 1
    assert staff.sign_in("ville@example.com", PASSWORD, network="office")
    assert staff.sign_in("maija@example.com", PASSWORD, network="home")


def test_an_account_attacked_from_everywhere_still_opens_where_it_is_known() -> None:
    limits = SignInLimits(2, clock=lambda: 0.0)
    limits.take("maija@example.com", "office")
    limits.signed_in("maija@example.com", "office")
    for network in range(11):
        limits.take("maija@example.com", f"bot {network}")
    limits.take("maija@example.com", "office")
    with pytest.raises(TooManySignIns):
        limits.take("maija@example.com", "cafe")


def test_one_network_cannot_try_all_accounts() -> None:
    limits = SignInLimits(1, clock=lambda: 0.0)
    for account in range(20):
        limits.take(f"a{account}@example.com", "bot")
    with pytest.raises(TooManySignIns):
        limits.take("a20@example.com", "bot")


def test_there_is_always_an_admin(staff: Staff) -> None:
    agent_id = admin(staff)
    profile = Profile.of(staff.person(agent_id))
    with pytest.raises(StaffError, match="nobody would be an admin"):
        staff.change(agent_id, replace(profile, roles=(Role.AGENT,)), by=agent_id)
    with pytest.raises(StaffError, match="nobody would be an admin"):
        staff.set_active(agent_id, False, by=agent_id)
    assert staff.person(agent_id).active
    staff.add(Profile(email="b@example.com", name="B", roles=(Role.ADMIN,)), PASSWORD, by=agent_id)
    staff.set_active(agent_id, False, by="console")
    assert not staff.person(agent_id).active


def test_presence_and_status(staff: Staff, clock: Clock) -> None:
    agent_id = admin(staff)
    clock.now += timedelta(minutes=5)
    staff.heartbeat(agent_id)
    assert staff.person(agent_id).seen_at == clock.now
    staff.set_status(agent_id, Availability.AWAY)
    assert staff.person(agent_id).status == "away"


def test_what_was_done_is_kept(staff: Staff, storage: Storage) -> None:
    agent_id = admin(staff)
    staff.sign_in("maija@example.com", PASSWORD, network="n")
    with pytest.raises(SignInRefused):
        staff.sign_in("maija@example.com", "wrong", network="n")
    staff.audit(agent_id, "fact.seen", conversation_id="c_1", detail="iban")
    with storage.read() as reading:
        found = [(entry.agent_id, entry.action, entry.detail) for entry in reading.audit()]
        of_conversation = reading.audit(conversation_id="c_1")
    assert sorted(found) == sorted(
        [
            ("console", "person.added", agent_id),
            (agent_id, "sign_in", ""),
            (agent_id, "sign_in.refused", ""),
            (agent_id, "fact.seen", "iban"),
        ]
    )
    assert [entry.detail for entry in of_conversation] == ["iban"]


def test_nobody_is_named_when_there_is_nobody(staff: Staff) -> None:
    with pytest.raises(UnknownAgent, match="agent list"):
        staff.person("a_nothing")
    with pytest.raises(UnknownAgent):
        staff.set_status("a_nothing", Availability.AWAY)


def call(folder: Path, *arguments: str, said: str = "") -> tuple[int, str]:
    env = {"HELPPARI_STORAGE__URL": f"sqlite:///{folder}/cli.sqlite", "HELPPARI_DESK__PASSWORD_LENGTH": "12"}
    done = CliRunner(env=env).invoke(main, ["desk", "agent", *arguments], input=said)
    return done.exit_code, done.output


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = call(tmp_path, "list")
    assert (code, "there is no database" in said) == (2, True)
    code, said = call(tmp_path, "add", "maija@example.com", "--name", "Maija", said=PASSWORD)
    assert (code, "--password-stdin" in said) == (2, True)
    code, said = call(
        tmp_path, "add", "maija@example.com", "--name", "Maija", "--password-stdin", said="short\n"
    )
    assert (code, "fewer than 12" in said) == (2, True)
    arguments = ("add", "maija@example.com", "--name", "Maija", "--language", "fi", "--password-stdin")
    code, said = call(tmp_path, *arguments, said=f"{PASSWORD}\n")
    assert code == 0, said
    assert "nobody is an admin yet" in said
    assert PASSWORD not in said
    code, said = call(tmp_path, "change", "maija@example.com", "--role", "admin", "--room", "5")
    assert code == 0, said
    code, said = call(tmp_path, "list", "--json")
    person = json.loads(said)["people"][0]
    assert (person["roles"], person["room"], person["languages"]) == (["admin"], 5, ["fi"])
    assert "password" not in said
    code, said = call(tmp_path, "disable", "maija@example.com")
    assert (code, "nobody would be an admin" in said) == (2, True)
    code, said = call(
        tmp_path, "password", "maija@example.com", "--password-stdin", said="kuu-kettu-lapio-9\n"
    )
    assert code == 0, said
    call(
        tmp_path,
        "add",
        "b@example.com",
        "--name",
        "B",
        "--role",
        "admin",
        "--password-stdin",
        said=f"{PASSWORD}\n",
    )
    code, said = call(tmp_path, "disable", "maija@example.com")
    assert code == 0, said
    code, said = call(tmp_path, "list")
    assert "closed" in said
    code, said = call(tmp_path, "disable", "nobody@example.com")
    assert (code, "there is nobody" in said) == (2, True)
