"""The people of the desk: who they are, what they may do, and their sessions."""

from __future__ import annotations

import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from botsvc.errors import SignInRefused, StaffError, TooManySignIns, UnknownAgent
from botsvc.limits import Buckets
from botsvc.problems import Problem
from botsvc.storage.records import AuditEntry, DeskSession, StoredAgent
from botsvc.tokens import hash_token, new_id

if TYPE_CHECKING:
    from botsvc.settings import DeskSettings
    from botsvc.storage import Storage
    from botsvc.storage.transactions import Writing

log = logging.getLogger(__name__)

#: argon2id with 19 MiB and two rounds: 50 ms a try on one core, and many may sign in at once.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
LONGEST_PASSWORD = 200
#: Tries from one network on all of its accounts, and on one account from all networks, a minute, as a
#: multiple of those on one account from one network.
_NETWORK_SHARE, _ACCOUNT_SHARE = 20, 6
#: A session's end moves on when this part of its time is over, not on every call.
_EXTEND_AFTER = 0.1
_REMEMBERED = 20_000
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']+\.[^\s@<>\"']{2,}")
SESSION_PREFIX = "hpd_"


class Role(StrEnum):
    """What somebody may do at the desk."""

    AGENT = "agent"
    EXPERT = "expert"
    EDITOR = "editor"
    ADMIN = "admin"


class Availability(StrEnum):
    """Whether somebody takes live chats."""

    AVAILABLE = "available"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an admin sets of a person."""

    email: str
    name: str
    roles: Sequence[str] = (Role.AGENT,)
    teams: Sequence[str] = ()  #: keys of ``[teams]``; with none, only what has no team
    languages: Sequence[str] = ()
    skills: Sequence[str] = ()
    room: int = 3  #: live chats that fit at the same time

    @classmethod
    def of(cls, agent: StoredAgent) -> Profile:
        """The profile as it is."""
        names = ("email", "name", "roles", "teams", "languages", "skills", "room")
        return cls(**{name: getattr(agent, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser with the person who uses it."""

    agent: StoredAgent
    csrf: str
    token_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session; the token is said once."""

    session: Session
    token: str


class SignInLimits:
    """How often one may try: kept in memory by the serving process.

    What is counted is (account, network): a colleague's tries never lock out the next desk of the office. A
    network has many times more; so has an account from everywhere, except where it has signed in before.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] | None = None) -> None:
        ticks = {} if clock is None else {"clock": clock}
        self._pairs = Buckets(per_minute, **ticks)
        self._networks = Buckets(per_minute * _NETWORK_SHARE, **ticks)
        self._accounts = Buckets(per_minute * _ACCOUNT_SHARE, **ticks)
        self._known: OrderedDict[str, None] = OrderedDict()

    def take(self, email: str, network: str) -> None:
        """Count a try, or raise ``TooManySignIns``."""
        pair = f"{email}\n{network}"
        try:
            self._networks.take(network, "This network")
            self._pairs.take(pair, "This account")
            if pair not in self._known:
                self._accounts.take(email, "This account")
        except Problem as problem:
            seconds = int(problem.headers["Retry-After"])
            raise TooManySignIns(
                f"too many tries to sign in: try again in {seconds} s", seconds=seconds
            ) from None

    def signed_in(self, email: str, network: str) -> None:
        """From here on, tries from elsewhere cannot keep this account out of this network."""
        self._known[f"{email}\n{network}"] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


class Staff:
    """The desk's people in a store."""

    def __init__(
        self,
        storage: Storage,
        settings: DeskSettings,
        *,
        limits: SignInLimits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        hasher: PasswordHasher = HASHER,
    ) -> None:
        self._storage = storage
        self._settings = settings
        self._limits = limits or SignInLimits(settings.sign_ins_per_minute)
        self._clock = clock
        self._hasher = hasher

    # People

    def people(self) -> tuple[StoredAgent, ...]:
        """Everybody, by name; those who left too."""
        with self._storage.read() as reading:
            return reading.agents()

    def person(self, agent_id: str) -> StoredAgent:
        """The person, or ``UnknownAgent``."""
        with self._storage.read() as reading:
            return _found(reading.agent(agent_id), agent_id)

    def by_email(self, email: str) -> StoredAgent:
        """The person who signs in with this address, or ``UnknownAgent``."""
        with self._storage.read() as reading:
            return _found(reading.agent_by_email(email.strip()), email)

    def add(self, profile: Profile, password: str, *, by: str) -> StoredAgent:
        """A new person; ``by`` is the id of who adds them, or ``console``. Raises ``StaffError``."""
        profile = _checked(profile)
        agent = StoredAgent(
            id=new_id("a"),
            email=profile.email,
            name=profile.name,
            password_hash=self._hashed(password, profile),
            roles=list(profile.roles),
            teams=list(profile.teams),
            languages=list(profile.languages),
            skills=list(profile.skills),
            room=profile.room,
            status=Availability.AVAILABLE,
            active=True,
            seen_at=None,
            created_at=self._clock(),
        )
        with self._storage.write() as writing:
            _refuse_taken(writing, profile.email, agent.id)
            writing.save_agent(agent)
            self._audit(writing, by, "person.added", agent.id)
        return agent

    def change(self, agent_id: str, profile: Profile, *, by: str) -> StoredAgent:
        """The person with another profile; raises ``StaffError``."""
        profile = _checked(profile)
        with self._storage.write() as writing:
            before = _found(writing.agent(agent_id), agent_id)
            _refuse_taken(writing, profile.email, agent_id)
            after = replace(
                before,
                email=profile.email,
                name=profile.name,
                roles=list(profile.roles),
                teams=list(profile.teams),
                languages=list(profile.languages),
                skills=list(profile.skills),
                room=profile.room,
            )
            writing.save_agent(after)
            _keep_an_admin(writing, before)
            self._audit(writing, by, "person.changed", agent_id)
        return after

    def set_active(self, agent_id: str, active: bool, *, by: str) -> StoredAgent:
        """The person with an open or a closed account; closing ends all of their sessions at once."""
        with self._storage.write() as writing:
            before = _found(writing.agent(agent_id), agent_id)
            after = replace(before, active=active)
            writing.save_agent(after)
            _keep_an_admin(writing, before)
            if not active:
                writing.end_desk_sessions(agent_id)
            self._audit(writing, by, "person.opened" if active else "person.closed", agent_id)
        return after

    def set_password(self, agent_id: str, password: str, *, by: str, keep: str = "") -> None:
        """Give a person another password; ends their sessions, except the one with the hash ``keep``."""
        hashed = self._hashed(password, Profile.of(self.person(agent_id)))
        with self._storage.write() as writing:
            person = _found(writing.agent(agent_id), agent_id)
            writing.save_agent(replace(person, password_hash=hashed))
            writing.end_desk_sessions(agent_id, but=keep)
            self._audit(writing, by, "person.password", agent_id)

    def change_own_password(self, session: Session, current: str, new: str) -> None:
        """The same by the person, who knows the current one; raises ``StaffError``."""
        person = self.person(session.agent.id)
        if not self._matches(person.password_hash, current):
            raise StaffError("the current password is not right", key="password_wrong")
        self.set_password(person.id, new, by=person.id, keep=session.token_hash)

    def set_status(self, agent_id: str, status: Availability) -> None:
        """Say whether the person takes live chats."""
        with self._storage.write() as writing:
            person = _found(writing.agent(agent_id), agent_id)
            writing.save_agent(replace(person, status=status.value, seen_at=self._clock()))

    def heartbeat(self, agent_id: str) -> None:
        """Keep that the person's desk is open now."""
        with self._storage.write() as writing:
            writing.saw_agent(agent_id, self._clock())

    def audit(self, agent_id: str, action: str, *, conversation_id: str = "", detail: str = "") -> None:
        """Keep that somebody looked at or changed something."""
        with self._storage.write() as writing:
            self._audit(writing, agent_id, action, detail, conversation_id)

    # Sessions

    def sign_in(self, email: str, password: str, *, network: str) -> SignedIn:
        """A new session; raises ``SignInRefused`` or ``TooManySignIns``, in a time that tells nothing."""
        email = email.strip().lower()[:254]
        self._limits.take(email, network)
        with self._storage.read() as reading:
            agent = reading.agent_by_email(email)
        known = agent.password_hash if agent is not None and agent.active else ""
        # For somebody who is not there, the same work is done on a password that nobody has.
        right = self._matches(known or self._nobodys, password)
        if agent is None or not known or not right:
            if agent is not None:
                self.audit(agent.id, "sign_in.refused")
            raise SignInRefused("the address or the password is not right", key="sign_in_refused")
        self._limits.signed_in(email, network)
        now = self._clock()
        token = SESSION_PREFIX + secrets.token_urlsafe(32)
        session = DeskSession(
            token_hash=hash_token(token),
            agent_id=agent.id,
            csrf=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=now + self._lifetime,
        )
        with self._storage.write() as writing:
            agent = replace(_found(writing.agent(agent.id), email), seen_at=now)
            if agent.password_hash == known and self._hasher.check_needs_rehash(known):
                agent = replace(agent, password_hash=self._hasher.hash(password))
            writing.save_agent(agent)
            writing.delete_expired_desk_sessions(now)
            writing.add_desk_session(session)
            self._audit(writing, agent.id, "sign_in")
        return SignedIn(session=_session(session, agent), token=token)

    def session(self, token: str, *, used: bool = True) -> Session | None:
        """The session of a token, which lasts longer by being ``used``; None when there is none any more."""
        if not token.startswith(SESSION_PREFIX):
            return None
        with self._storage.read() as reading:
            found = reading.desk_session(hash_token(token))
            agent = reading.agent(found.agent_id) if found is not None else None
        now = self._clock()
        if found is None or agent is None or not agent.active or found.expires_at <= now:
            return None
        later = now + self._lifetime
        if used and (later - found.expires_at) > self._lifetime * _EXTEND_AFTER:
            with self._storage.write() as writing:
                if not writing.extend_desk_session(found.token_hash, later):
                    return None
            found = replace(found, expires_at=later)
        return _session(found, agent)

    def sign_out(self, session: Session) -> None:
        """End this session."""
        with self._storage.write() as writing:
            writing.end_desk_session(session.token_hash)
            self._audit(writing, session.agent.id, "sign_out")

    def sign_out_everywhere(self, agent_id: str, *, by: str) -> int:
        """End all sessions of a person; how many there were."""
        with self._storage.write() as writing:
            count = writing.end_desk_sessions(agent_id)
            self._audit(writing, by, "sign_out.everywhere", agent_id)
        return count

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(hours=self._settings.session_hours)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password[:LONGEST_PASSWORD])
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            log.error("a stored password hash cannot be read: give its owner a new password")
            return False

    def _hashed(self, password: str, profile: Profile) -> str:
        least = self._settings.password_length
        if len(password) < least:
            raise StaffError(f"the password has fewer than {least} characters", key="password_short")
        if len(password) > LONGEST_PASSWORD:
            raise StaffError(f"the password has more than {LONGEST_PASSWORD} characters", key="password_long")
        folded = password.casefold()
        own = (profile.email, profile.email.partition("@")[0], *profile.name.split())
        rest = folded
        for word in own:
            rest = rest.replace(word.casefold(), "") if len(word) > 2 else rest
        if len(set(rest)) < 6:
            raise StaffError(
                "the password is too easy to guess: take several words that do not belong together",
                key="password_easy",
            )
        return self._hasher.hash(password)

    def _audit(
        self, writing: Writing, agent_id: str, action: str, detail: str = "", conversation_id: str = ""
    ) -> None:
        writing.add_audit(
            AuditEntry(
                id=new_id("u"),
                at=self._clock(),
                agent_id=agent_id,
                action=action,
                conversation_id=conversation_id,
                detail=detail[:200],
            )
        )


def _session(stored: DeskSession, agent: StoredAgent) -> Session:
    return Session(agent=agent, csrf=stored.csrf, token_hash=stored.token_hash, expires_at=stored.expires_at)


def _found(agent: StoredAgent | None, who: str) -> StoredAgent:
    if agent is None:
        raise UnknownAgent(
            f"there is nobody {who[:80]} at the desk: `helppari desk agent list` names everybody",
            key="person_unknown",
        )
    return agent


def _checked(profile: Profile) -> Profile:
    email, name = profile.email.strip().lower(), " ".join(profile.name.split())
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise StaffError("the e-mail address is not one: write name@company.com", key="email_wrong")
    if not 1 <= len(name) <= 120:
        raise StaffError("the name is missing or has more than 120 characters", key="name_wrong")
    roles = [role.value for role in Role if role in profile.roles]
    if not roles or len(roles) != len(set(profile.roles)):
        raise StaffError(f"the roles should be one or more of {', '.join(Role)}", key="roles_wrong")
    languages = _words(profile.languages)
    if any(not re.fullmatch(r"[a-z]{2,3}", code) for code in languages):
        raise StaffError("the languages should be codes such as fi, sv or en", key="languages_wrong")
    if not 0 <= profile.room <= 50:
        raise StaffError("the room should be 0 to 50 chats at the same time", key="room_wrong")
    return Profile(
        email=email,
        name=name,
        roles=roles,
        teams=_words(profile.teams),
        languages=languages,
        skills=_words(profile.skills),
        room=profile.room,
    )


def _words(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value.strip()[:80] for value in values if value.strip()))[:50]


def _refuse_taken(writing: Writing, email: str, agent_id: str) -> None:
    other = writing.agent_by_email(email)
    if other is not None and other.id != agent_id:
        raise StaffError(f"{email} is already somebody's address: take another", key="email_taken")


def _keep_an_admin(writing: Writing, before: StoredAgent) -> None:
    """Whoever closes the last admin's account could never open it again."""
    if _is_admin(before) and not any(_is_admin(agent) for agent in writing.agents()):
        raise StaffError("nobody would be an admin any more: make somebody else one first", key="last_admin")


def _is_admin(agent: StoredAgent) -> bool:
    return agent.active and Role.ADMIN in agent.roles
