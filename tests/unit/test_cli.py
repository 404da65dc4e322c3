"""The console command: lazy groups, exit codes, one sentence for whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from botsvc import cli
from botsvc.cli import main
from botsvc.conversations import Conversations
from botsvc.decisions import HandOff, Priority, Reason, Rule
from botsvc.episode import Message, advance
from botsvc.exchange import CustomerTurn, Met
from botsvc.storage import open_storage
from botsvc.turns import BotTurn
from indexer.errors import IndexNotFound


@pytest.fixture(autouse=True)
def bare_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("HELPPARI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def helppari(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.fixture
def waiting() -> str:
    """A stored handoff's id."""
    storage = open_storage("sqlite:///build/helppari.sqlite")
    conversations = Conversations(storage, clock=lambda: datetime(2026, 11, 2, 8, tzinfo=UTC))

    def bot(met: Met) -> BotTurn:
        decision = HandOff(
            rule=Rule.PERSON_ASKED, reason=Reason.ASKED, priority=Priority.ASKED, text=("handed_off",)
        )
        after = advance(met.state, Message(text=met.text), decision, question=met.text)
        return BotTurn(decision=decision, state=after, language="fi", text="Kysymys on tallessa.", body={})

    opened = conversations.create()
    message = CustomerTurn(client_message_id="1", text="saanko puhua ihmiselle? 040 123 4567")
    posted = conversations.post(opened.conversation_id, opened.token, message, bot)
    storage.close()
    return str(posted.body["handoff"]["id"])


def test_version_and_help_name_every_group() -> None:
    assert helppari("--version").stdout == "helppari 0.1.0\n"
    for name in ("serve", "ask", "index", "eval", "desk", "config"):
        assert f"\n  {name} " in helppari("--help").stdout


def test_a_group_loads_only_what_it_needs() -> None:
    """`desk list` must start fast: no web framework, no encoder, no evals."""
    code = (
        "import sys; from botsvc.cli import main\n"
        "try: main(['config', 'check'])\n"
        "except SystemExit as done: print(done.code)\n"
        "heavy = ('fastapi', 'onnxruntime', 'sqlalchemy', 'evals', 'uvicorn')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-2:] == ["0", "[]"]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["confg"], "helppari: no such command 'confg': see `helppari --help`"),
        (["desk", "list", "--limit", "x"], "see `helppari desk list --help`"),
        (["desk", "list", "--nonsense"], "no such option"),
        (["desk", "show"], "helppari: missing argument 'HANDOFF_ID': see `helppari desk show --help`"),
        (["ask"], "there is no question: write one"),
        (["ask", "x" * 1_000_000], "the question has 1000000 characters and 2000 are taken"),
        (["ask", "--index", "nowhere", "hei"], "nowhere"),
        (["config", "check", "--config", "no.toml"], "there is no settings file at no.toml"),
        (["desk", "list"], "there is no database at build/helppari.sqlite yet: start `helppari serve`"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(args: list[str], sentence: str) -> None:
    result = helppari(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("helppari: ")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def _registered(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = EntryPoint(name=name, value=value, group=cli.GROUP)
    monkeypatch.setattr(cli, "_registered", lambda: {name: entry})


@click.command()
def broken() -> None:
    """Fail as nobody foresaw."""
    raise ZeroDivisionError("division by zero\nin many lines")


@click.command()
def without_index() -> None:
    """Fail as foreseen."""
    raise IndexNotFound("there is no index at x: build one")


def test_what_nobody_foresaw_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "broken", f"{__name__}:broken")
    result = helppari("broken")
    assert result.exit_code == 2
    assert result.stderr == (
        "helppari: something unexpected happened (ZeroDivisionError: division by zero in many lines): "
        "set HELPPARI_DEBUG=1 to see where, and report it\n"
    )
    monkeypatch.setenv("HELPPARI_DEBUG", "1")
    assert isinstance(helppari("broken").exception, ZeroDivisionError)


def test_errors_of_the_rooms_are_their_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "without-index", f"{__name__}:without_index")
    result = helppari("without-index")
    assert (result.exit_code, result.stderr) == (2, "helppari: there is no index at x: build one\n")


def test_a_room_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "lost", "no_such_module:lost")
    result = helppari("lost")
    assert result.exit_code == 2
    assert "`lost` is not installed completely (no_such_module is missing)" in result.stderr


def test_desk_lists_what_waits(waiting: str) -> None:
    result = helppari("desk", "list")
    assert result.exit_code == 0
    header, row = result.stdout.splitlines()
    assert header.split()[:3] == ["HANDOFF", "AGE", "PRIORITY"]
    assert row.startswith(waiting)
    assert row.endswith("saanko puhua ihmiselle? [phone]")


def test_desk_list_as_json(waiting: str) -> None:
    result = helppari("desk", "list", "--json")
    assert result.stderr == ""
    (handoff,) = json.loads(result.stdout)["handoffs"]
    assert handoff["handoff_id"] == waiting
    assert handoff["reason"] == "asked"
    assert handoff["question"] == "saanko puhua ihmiselle? [phone]"


def test_desk_show_has_all_of_it(waiting: str) -> None:
    document: dict[str, Any] = json.loads(helppari("desk", "show", waiting, "--json").stdout)
    assert document["schema"] == "helppari.handoff/1"
    assert document["contact"] == {"email": None, "phone": "040 123 4567"}
    lines = helppari("desk", "show", waiting).stdout.splitlines()
    assert lines[0] == f"Handoff:      {waiting} (revision 1, open)"
    assert "Phone:        040 123 4567" in lines
    assert lines[-2:] == [
        "  2026-11-02 08:00:00  customer: saanko puhua ihmiselle? [phone]",
        "  2026-11-02 08:00:00  bot: Kysymys on tallessa.",
    ]


def test_desk_show_of_none(waiting: str) -> None:
    result = helppari("desk", "show", "h_none")
    assert result.exit_code == 2
    assert (
        result.stderr == "helppari: there is no handoff h_none: `helppari desk list --all` names them all\n"
    )


def test_an_empty_desk_is_no_error() -> None:
    open_storage("sqlite:///build/helppari.sqlite").close()
    assert helppari("desk", "list").stderr == "no handoffs\n"
    assert json.loads(helppari("desk", "list", "--json").stdout) == {"handoffs": []}


def test_config_check_without_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("helppari.toml").write_text('[site]\nname = "Etupolku"\n', encoding="utf-8")
    monkeypatch.setenv("HELPPARI_SERVER__PORT", "9000")
    monkeypatch.setenv("HELPPARI_STORAGE__URL", "postgresql://bot:hunter2@db/help")
    result = helppari("config", "check")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        'site.name = "Etupolku"  (helppari.toml)',
        "server.port = 9000  (HELPPARI_SERVER__PORT)",
        "storage.url = (hidden)  (HELPPARI_STORAGE__URL)",
    ]
    assert result.stderr == "helppari.toml: no problems\n"
    document = json.loads(helppari("config", "check", "--json").stdout)
    assert document["ok"] is True
    assert document["problems"] == []
    rows = {row["key"]: (row["value"], row["from"]) for row in document["settings"]}
    assert rows["server.port"] == ("9000", "HELPPARI_SERVER__PORT")
    assert rows["answering.absent_share"] == ("0.3", "default")
    assert "hunter2" not in json.dumps(document)


def test_config_check_explains_each_problem_by_its_key() -> None:
    text = "[answering]\nacuracy_goal = 1\nabsent_share = 2\n"
    Path("helppari.toml").write_text(text, encoding="utf-8")
    result = helppari("config", "check", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert {one["key"] for one in document["problems"]} == {
        "answering.acuracy_goal",
        "answering.absent_share",
    }
    result = helppari("config", "check")
    assert result.exit_code == 1
    assert "did you mean answering.accuracy_goal?" in result.stderr
    assert result.stderr.endswith("helppari.toml: 2 problems\n")


def test_a_reader_that_goes_away_is_no_trouble(waiting: str) -> None:
    command = f"{sys.executable} -c 'from botsvc.cli import main; main()' desk list --json | head -c 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert run.stderr == ""
