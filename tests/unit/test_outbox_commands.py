"""``helppari desk outbox``: what an operator sees and does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from botsvc.cli import main
from botsvc.storage import Storage, open_storage
from tests.integration.outbox_rows import NOW, add, handoff_delivery


def helppari(*args: str) -> Result:
    return CliRunner().invoke(main, ["desk", "outbox", *args])


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Storage:
    """One delivery is dead, one waits behind another handoff's."""
    for name in [name for name in os.environ if name.startswith("HELPPARI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    store = open_storage("sqlite:///build/helppari.sqlite")
    add(store, handoff_delivery(1, sink="webhook-crm"), handoff_delivery(1, sink="email", handoff="h_2"))
    with store.write() as writing:
        (leased,) = writing.lease(NOW.replace(year=2027), "w", 1, 60, sink="webhook-crm")
        writing.settle_dead(leased, "crm.example.com answered 410")
    store.close()
    return store


@pytest.mark.usefixtures("storage")
def test_listing_shows_what_waits_and_why_without_the_customers_words() -> None:
    listed = helppari("list")
    assert listed.exit_code == 0
    pending, dead = listed.stdout.splitlines()[1:]
    assert dead.split()[0] == "d_handoff-h_1-1-webhook-crm"
    assert "dead" in dead
    assert dead.endswith("crm.example.com answered 410")
    assert " pending " in pending
    assert listed.stderr.endswith("1 pending, 1 dead\n")
    found = json.loads(helppari("list", "--state", "dead", "--json").stdout)
    assert (found["pending"], found["dead"], len(found["deliveries"])) == (1, 1, 1)
    assert found["deliveries"][0]["key"] == "handoff:h_1:1:webhook-crm"
    assert "korttini" not in helppari("list", "--state", "all", "--json").stdout
    assert helppari("list", "--state", "delivered").stdout == ""


@pytest.mark.usefixtures("storage")
def test_retrying_and_dropping() -> None:
    assert json.loads(helppari("retry", "--all", "--json").stdout) == {
        "retried": ["d_handoff-h_1-1-webhook-crm"]
    }
    assert json.loads(helppari("list", "--json").stdout)["dead"] == 0
    dropped = helppari("drop", "d_handoff-h_1-1-webhook-crm", "d_handoff-h_2-1-email")
    assert dropped.stderr.endswith("dropped 2 deliveries\n")
    assert json.loads(helppari("list", "--json").stdout)["deliveries"] == []
    assert len(json.loads(helppari("list", "--state", "dropped", "--json").stdout)["deliveries"]) == 2


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["retry"], "name deliveries, or say --all"),
        (["retry", "d_1", "--all"], "name deliveries, or say --all"),
        (
            ["retry", "d_1"],
            "there is no delivery d_1: `helppari desk outbox list --state all` names them all",
        ),
        (["drop", "d_1"], "there is no delivery d_1"),
        (["drop"], "missing argument"),
    ],
)
def test_mistakes_are_explained(args: list[str], sentence: str) -> None:
    failed = helppari(*args)
    assert failed.exit_code == 2
    assert sentence in failed.stderr
