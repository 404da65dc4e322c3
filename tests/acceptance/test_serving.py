"""The product from outside: a real process with the sample articles and the bundled encoder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.processes import HELPPARI, command, serving

#: What the serving process must never load.
HEAVY = ("torch", "transformers", "sentence_transformers", "sklearn", "scipy", "onnx")


def call(address: str, path: str, body: Any = None, token: str = "") -> dict[str, Any]:  # noqa: ANN401 - JSON
    request = urllib.request.Request(
        address + path,
        json.dumps(body).encode() if body is not None else None,
        {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    return found


@pytest.mark.parametrize(
    ("text", "lang", "article"),
    [
        ("kortti hukassa", "fi", "lost-card"),
        ("mitkä neljä numeroa sovellus oikein kysyy", "fi", "card-activation"),
        ("jag har tappat mitt kort", "sv", "lost-card"),
        ("How do I lock my Etupolku card?", "en", "lost-card"),
    ],
)
def test_questions_find_their_article_in_their_language(
    address: str, text: str, lang: str, article: str
) -> None:
    body = call(address, "/v1/ask", {"text": text})
    assert (body["hits"][0]["article_id"], body["hits"][0]["lang"], body["language"]) == (article, lang, lang)
    assert body["outcome"] in ("answered", "clarified")


@pytest.mark.parametrize(
    ("text", "handed_off"),
    [
        ("saanko puhua ihmiselle", True),
        ("får jag prata med en människa", True),
        ("can I talk to a human please", True),
        ("mikä on Suomen pääkaupunki", False),
        ("en halua puhua ihmiselle", False),
    ],
)
def test_a_person_is_given_to_whoever_asks_and_to_nobody_else(
    address: str, text: str, handed_off: bool
) -> None:
    body = call(address, "/v1/ask", {"text": text})
    assert (body["outcome"] == "handed_off") is handed_off
    assert body["answer"] is None


def test_a_handoff_is_stored_and_the_desk_sees_it(sample_index: Path, tmp_path: Path) -> None:
    environment = {"HELPPARI_STORAGE__URL": f"sqlite:///{tmp_path}/store.sqlite"}
    with serving(tmp_path, sample_index, environment) as (address, process):
        opened = call(address, "/v1/conversations", {"lang": "fi"})
        messages = f"/v1/conversations/{opened['conversation_id']}/messages"
        call(address, messages, {"client_message_id": "1", "text": "kortti hukassa"}, opened["token"])
        asked = {"client_message_id": "2", "text": "saanko puhua ihmiselle"}
        handed = call(address, messages, asked, opened["token"])
        assert handed["reply"]["outcome"] == "handed_off"
        listed = subprocess.run(
            [HELPPARI, "desk", "list", "--json"],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(listed.stdout)["handoffs"]
        assert [one["handoff_id"] for one in found] == [handed["reply"]["handoff"]["id"]]
        assert found[0]["question"] == "kortti hukassa"
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(10) in (0, -signal.SIGTERM)


def test_the_command_line_gives_the_body_of_the_interface(address: str, sample_index: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [HELPPARI, "ask", "--index", str(sample_index), "--json", "kortti hukassa"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == call(address, "/v1/ask", {"text": "kortti hukassa"})


def test_the_serving_process_loads_no_training_library(sample_index: Path, tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from pydantic import SecretStr
from starlette.testclient import TestClient
from botsvc.app import create_app
from botsvc.settings import Settings, StorageSettings
from indexer.settings import IndexSettings
settings = Settings(
    index=IndexSettings(dir=Path({str(sample_index)!r})),
    storage=StorageSettings(url=SecretStr("sqlite:///{tmp_path}/store.sqlite")),
)
with TestClient(create_app(settings)) as client:
    for text in ("kortti hukassa", "saanko puhua ihmiselle"):
        assert client.post("/v1/ask", json={{"text": text}}).status_code == 200
    opened = client.post("/v1/conversations", json={{}}).json()
    bearer = {{"authorization": "Bearer " + opened["token"]}}
    client.post(f"/v1/conversations/{{opened['conversation_id']}}/handoff",
        json={{"client_message_id": "1"}}, headers=bearer)
    assert client.get("/").status_code == client.get("/help/fi/").status_code == 200
loaded = {{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r})
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_library_of_theirs_is_mapped_by_the_server(sample_index: Path, tmp_path: Path) -> None:
    with serving(tmp_path, sample_index) as (address, process):
        call(address, "/v1/ask", {"text": "kortti hukassa"})
        maps = Path(f"/proc/{process.popen.pid}/maps").read_text(encoding="utf-8")
    assert "onnxruntime" in maps
    assert [name for name in ("libtorch", "/sklearn/", "/scipy/", "/onnx/") if name in maps] == []


def test_without_an_index_the_server_says_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path, tmp_path / "nothing") as (address, process):
        process.wait_for("helppari index build")
        assert call(address, "/readyz")["status"] == "not_ready"


def test_a_taken_port_is_one_sentence(address: str, sample_index: Path, tmp_path: Path) -> None:
    port = address.rpartition(":")[2]
    environment = {"HELPPARI_STORAGE__URL": f"sqlite:///{tmp_path}/store.sqlite"}
    arguments = ("serve", "--index", str(sample_index), "--port", port)
    with command(*arguments, cwd=tmp_path, env=environment) as process:
        assert process.popen.wait(30) == 2
        process.wait_for(f"port {port} cannot be listened on")
        assert "Traceback" not in "".join(process.said)
