"""``helppari desk agent``: the people of the desk, the first admin above all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from botsvc.printing import table_lines
from indexer.console import print_json, say

if TYPE_CHECKING:
    from botsvc.staff import Staff
    from botsvc.storage.records import StoredAgent

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml in this folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)
_ROLES = ("agent", "expert", "editor", "admin")
_BY = "console"


@click.group()
def agent() -> None:
    """Add, change and list the people who sign in to the desk."""


@agent.command("add")
@click.argument("email")
@click.option("--name", required=True, help="Name, as customers see it.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES), help="Role; may be given more than once."
)
@click.option("--team", "teams", multiple=True, help="Key of a team; others' conversations are not seen.")
@click.option(
    "--language", "languages", multiple=True, help="Language that the person serves in, such as fi."
)
@click.option("--skill", "skills", multiple=True, help="What the person knows well, such as invoices.")
@click.option(
    "--room", type=click.IntRange(0, 50), default=3, help="Chats at the same time.", show_default=True
)
@_STDIN
@_CONFIG
def agent_add(
    email: str,
    name: str,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    languages: tuple[str, ...],
    skills: tuple[str, ...],
    room: int,
    password_stdin: bool,
    config: Path | None,
) -> None:
    """Add a person; the first one should be an admin. Asks for the password."""
    from botsvc.staff import Profile

    profile = Profile(
        email=email,
        name=name,
        roles=roles or ("agent",),
        teams=teams,
        languages=languages,
        skills=skills,
        room=room,
    )
    with _staff(config, create=True) as staff:
        added = staff.add(profile, _password(password_stdin), by=_BY)
        admins = any("admin" in person.roles for person in staff.people())
    say(f"added {added.name} ({added.email}): sign in at /desk")
    if not admins:
        say(f"nobody is an admin yet: helppari desk agent change {added.email} --role admin")


@agent.command("list")
@_CONFIG
@_JSON
def agent_list(config: Path | None, as_json: bool) -> None:
    """List everybody who has an account."""
    with _staff(config) as staff:
        people = staff.people()
    if as_json:
        print_json({"people": [_summary(person) for person in people]})
        return
    if not people:
        say("nobody yet: helppari desk agent add EMAIL --name NAME --role admin")
        return
    rows: list[tuple[str, ...]] = [
        ("E-MAIL", "NAME", "ROLES", "TEAMS", "LANGUAGES", "ROOM", "ACCOUNT", "LAST SEEN")
    ]
    for person in people:
        seen = person.seen_at.strftime("%Y-%m-%d %H:%M UTC") if person.seen_at else "-"
        words = (", ".join(values) or "-" for values in (person.roles, person.teams, person.languages))
        account = "open" if person.active else "closed"
        rows.append((person.email, person.name, *words, str(person.room), account, seen))
    for line in table_lines(rows):
        click.echo(line)


@agent.command("change")
@click.argument("email")
@click.option("--new-email", help="Another address to sign in with.")
@click.option("--name", help="Another name.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES), help="Roles instead of those before."
)
@click.option("--team", "teams", multiple=True, help="Teams instead of those before; '' means none.")
@click.option("--language", "languages", multiple=True, help="Languages instead of those before.")
@click.option("--skill", "skills", multiple=True, help="Skills instead of those before.")
@click.option("--room", type=click.IntRange(0, 50), help="Chats at the same time.")
@click.option("--enable", is_flag=True, help="Open a closed account again.")
@_CONFIG
def agent_change(
    email: str,
    new_email: str | None,
    name: str | None,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    languages: tuple[str, ...],
    skills: tuple[str, ...],
    room: int | None,
    enable: bool,
    config: Path | None,
) -> None:
    """Change a person's name, roles, teams, languages, skills or room."""
    from botsvc.staff import Profile

    with _staff(config) as staff:
        person = staff.by_email(email)
        before = Profile.of(person)
        after = replace(
            before,
            email=new_email or before.email,
            name=name or before.name,
            roles=roles or before.roles,
            teams=teams or before.teams,
            languages=languages or before.languages,
            skills=skills or before.skills,
            room=before.room if room is None else room,
        )
        staff.change(person.id, after, by=_BY)
        if enable and not person.active:
            staff.set_active(person.id, True, by=_BY)
    say(f"changed {after.name} ({after.email})")


@agent.command("password")
@click.argument("email")
@_STDIN
@_CONFIG
def agent_password(email: str, password_stdin: bool, config: Path | None) -> None:
    """Give a person another password and end their sessions."""
    with _staff(config) as staff:
        person = staff.by_email(email)
        staff.set_password(person.id, _password(password_stdin), by=_BY)
    say(f"{person.name} has another password and is signed out everywhere")


@agent.command("disable")
@click.argument("email")
@_CONFIG
def agent_disable(email: str, config: Path | None) -> None:
    """Close a person's account and end their sessions; what they wrote stays."""
    with _staff(config) as staff:
        person = staff.by_email(email)
        staff.set_active(person.id, False, by=_BY)
    again = f"helppari desk agent change {person.email} --enable"
    say(f"the account of {person.name} is closed; `{again}` opens it")


@contextmanager
def _staff(config: Path | None, *, create: bool = False) -> Iterator[Staff]:
    from botsvc.settings import Settings
    from botsvc.staff import Staff
    from botsvc.storage import open_existing_storage, open_storage
    from indexer.settings import load_settings

    settings = load_settings(Settings, config)
    opened = open_storage if create else open_existing_storage
    storage = opened(settings.storage.url.get_secret_value(), pool_size=1)
    try:
        yield Staff(storage, settings.desk)
    finally:
        storage.close()


def _password(from_stdin: bool) -> str:
    """The password from standard input or a prompt; never from an argument, which other users could see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password at: use --password-stdin")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _summary(person: StoredAgent) -> dict[str, object]:
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "roles": list(person.roles),
        "teams": list(person.teams),
        "languages": list(person.languages),
        "skills": list(person.skills),
        "room": person.room,
        "status": person.status,
        "active": person.active,
        "seen_at": person.seen_at.isoformat() if person.seen_at else None,
        "created_at": person.created_at.isoformat(),
    }
