"""``helppari desk outbox``: what waits to leave, what could not, and what an operator does about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from botsvc.printing import age_of, table_lines
from indexer.console import print_json, say

if TYPE_CHECKING:
    from botsvc.storage import Storage
    from botsvc.storage.records import Delivery

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml in this folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_WAITING = ("dead", "pending")


@click.group()
def outbox() -> None:
    """Look at what leaves to e-mail and webhooks, and help what could not."""


@outbox.command("list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "dead", "pending", "delivered", "dropped", "all"]),
    default="waiting",
    help="Show deliveries in this state; waiting means dead or pending.",
    show_default=True,
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, help="Show at most so many.", show_default=True
)
@_CONFIG
@_JSON
def outbox_list(state: str, limit: int, config: Path | None, as_json: bool) -> None:
    """List deliveries, the oldest first, with why they failed; works while the service runs."""
    from botsvc.clock import utc_now
    from botsvc.outbox import outbox_health

    states = {"waiting": _WAITING, "all": ()}.get(state, (state,))
    now = utc_now()
    with _stored(config) as storage, storage.read() as reading:
        found = reading.deliveries_in(states, limit=limit)
        health = outbox_health(reading, now)
    if as_json:
        print_json(
            {
                "pending": health.pending,
                "oldest_pending_seconds": round(health.oldest_pending_seconds),
                "dead": health.dead,
                "deliveries": [_summary(one) for one in found],
            }
        )
        return
    if found:
        rows = [("DELIVERY", "AGE", "SINK", "STATE", "TRIES", "CONVERSATION", "LAST ERROR")]
        for one in found:
            age = age_of((now - one.created_at).total_seconds())
            rows.append(
                (one.id, age, one.sink, one.state, str(one.attempts), one.conversation_id, one.error or "-")
            )
        for line in table_lines(rows):
            click.echo(line)
    say(f"{health.pending} pending, {health.dead} dead")


@outbox.command("retry")
@click.argument("delivery_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Retry all that are dead.")
@_CONFIG
@_JSON
def outbox_retry(delivery_ids: tuple[str, ...], everything: bool, config: Path | None, as_json: bool) -> None:
    """Try dead or waiting deliveries again at once; a running service takes them within a second."""
    from botsvc.clock import utc_now
    from botsvc.errors import UnknownDelivery
    from botsvc.outbox import retry

    if bool(delivery_ids) == everything:
        raise click.UsageError("Name deliveries, or say --all: `helppari desk outbox list` shows them")
    done: list[str] = []
    with _stored(config) as storage, storage.write() as writing:
        if everything:
            for one in writing.deliveries_in(("dead",)):
                try:
                    retry(writing, one.id, utc_now())
                except UnknownDelivery as error:
                    say(str(error))
                else:
                    done.append(one.id)
        for delivery_id in delivery_ids:
            retry(writing, delivery_id, utc_now())
            done.append(delivery_id)
    _report("retried", done, as_json=as_json)


@outbox.command("drop")
@click.argument("delivery_ids", nargs=-1, required=True)
@_CONFIG
@_JSON
def outbox_drop(delivery_ids: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Give up dead or waiting deliveries for good; the handoffs themselves stay at the desk."""
    from botsvc.clock import utc_now
    from botsvc.outbox import drop

    with _stored(config) as storage, storage.write() as writing:
        for delivery_id in delivery_ids:
            drop(writing, delivery_id, utc_now())
    _report("dropped", list(delivery_ids), as_json=as_json)


def _report(what: str, delivery_ids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({what: delivery_ids})
        return
    count = len(delivery_ids)
    say(f"{what} {count} {'delivery' if count == 1 else 'deliveries'}")


def _summary(one: Delivery) -> dict[str, Any]:
    """Without the payload: it holds what the customer wrote."""
    moments = {
        name: moment.isoformat() if moment else None
        for name, moment in (
            ("created_at", one.created_at),
            ("due_at", one.due_at),
            ("delivered_at", one.delivered_at),
        )
    }
    names = ("id", "key", "kind", "sink", "state", "attempts", "error", "conversation_id", "stream", "place")
    return {name: getattr(one, name) for name in names} | moments


@contextmanager
def _stored(config: Path | None) -> Iterator[Storage]:
    from botsvc.settings import Settings
    from botsvc.storage import open_existing_storage
    from indexer.settings import load_settings

    storage = open_existing_storage(load_settings(Settings, config).storage.url.get_secret_value())
    try:
        yield storage
    finally:
        storage.close()
