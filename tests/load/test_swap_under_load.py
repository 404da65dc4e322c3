"""Twenty edits and a deletion while customers ask: nothing fails, nothing is mixed, nothing stays stale."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.processes import HELPPARI, command, serving

ARTICLES = 1_000
EDITS = 20
RATE = 60  #: requests a second that are sent
LEAST_RATE = 50  #: and that must be answered
FRESH = 2.0  #: seconds from saving to being served
WORKERS = 6

THINGS = (
    "card",
    "invoice",
    "refund",
    "delivery",
    "password",
    "receipt",
    "contract",
    "booking",
    "ticket",
    "bike",
)
PLACES = ("Helsinki", "Turku", "Tampere", "Oulu", "Vaasa", "Lahti", "Kuopio", "Pori", "Kotka", "Rauma")
ACTS = ("change", "cancel", "order", "renew", "lock", "send", "check", "move", "pay", "find")


def title(number: int) -> str:
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    return f"How to {ACTS[hundreds]} a {THINGS[tens]} in {PLACES[ones]}"


def text(number: int, version: int) -> str:
    return (
        f"---\nid: a{number}\ntitle: {title(number)}\ntopics: [{THINGS[number // 10 % 10]}]\n---\n"
        f"Ask the office in {PLACES[number % 10]} and give the code a{number}-version-{version}.\n"
    )


def write(kb: Path, number: int, version: int) -> float:
    """Save as editors do, whole and at once; the moment."""
    path = kb / "en" / THINGS[number // 10 % 10] / f"a{number}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(text(number, version), encoding="utf-8")
    draft.replace(path)
    return time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One request and what came back."""

    path: str
    started: float
    ended: float
    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class Client:
    """A connection that is kept open."""

    address: str
    connection: http.client.HTTPConnection | None = None

    def ask(self, question: str) -> Reply:
        return self.request("POST", "/v1/ask", {"text": question})

    def article(self, number: int) -> Reply:
        return self.request("GET", f"/v1/articles/en/a{number}", None)

    def request(self, method: str, path: str, body: dict[str, Any] | None) -> Reply:
        if self.connection is None:
            self.connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=10)
        started = time.monotonic()
        content = json.dumps(body) if body is not None else None
        self.connection.request(method, path, content, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        read = json.loads(response.read())
        return Reply(path=path, started=started, ended=time.monotonic(), status=response.status, body=read)


@dataclass(slots=True)
class Crowd:
    """Customers who ask at a steady rate until they are told to stop."""

    address: str
    replies: list[Reply] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._ask, args=(place,)) for place in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def finish(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _ask(self, place: int) -> None:
        client, draw = Client(self.address), random.Random(place)
        due = time.monotonic() + place / RATE
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            due += WORKERS / RATE
            number = draw.randrange(ARTICLES)
            try:
                asks = draw.random() < 0.8
                self.replies.append(client.ask(title(number)) if asks else client.article(number))
            except BaseException as fault:
                self.faults.append(fault)
                client = Client(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened: all replies, and when each edit was served."""

    replies: list[Reply]
    faults: list[BaseException]
    seconds: float
    waits: list[float]
    deleted: int
    gone_at: float


def warm_up(kb: Path, client: Client) -> None:
    """Save until it is noticed: the watcher builds once before it watches, and says nothing in between."""
    for version in range(100, 130):
        write(kb, 0, version)
        for _ in range(30):
            if f"a0-version-{version}" in str(client.article(0).body):
                return
            time.sleep(0.1)
    raise AssertionError("no save was noticed")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("load")
    kb, root = folder / "kb", folder / "index"
    for number in range(ARTICLES):
        write(kb, number, 1)
    built = subprocess.run(
        [HELPPARI, "index", "build", "--kb", str(kb), "--out", str(root)], cwd=folder, check=False
    )
    assert built.returncode == 0
    with (
        serving(folder, root, {"HELPPARI_SERVER__INDEX_POLL_SECONDS": "0.15"}) as (address, _),
        command("index", "watch", "--kb", str(kb), "--out", str(root), cwd=folder) as watching,
    ):
        watching.wait_for("watching")
        crowd, client = Crowd(address), Client(address)
        warm_up(kb, client)
        crowd.start()
        begun = time.monotonic()
        waits = []
        for number in random.Random(7).sample(range(1, ARTICLES), EDITS):
            saved = write(kb, number, 2)
            while f"a{number}-version-2" not in str(client.article(number).body):
                assert time.monotonic() < saved + 30, f"a{number} was never served"
                time.sleep(0.02)
            waits.append(time.monotonic() - saved)
            time.sleep(0.2)
        deleted = 500
        next(kb.rglob(f"a{deleted}.md")).unlink()
        saved = time.monotonic()
        while client.article(deleted).status != 404:
            assert time.monotonic() < saved + 30, "the deleted article stays"
            time.sleep(0.02)
        waits.append(time.monotonic() - saved)
        gone_at = time.monotonic()
        for _ in range(50):
            crowd.replies.append(client.ask(title(deleted)))
        crowd.finish()
        yield Story(
            replies=crowd.replies,
            faults=crowd.faults,
            seconds=time.monotonic() - begun,
            waits=waits,
            deleted=deleted,
            gone_at=gone_at,
        )


pytestmark = pytest.mark.load


def test_no_request_fails_at_full_rate(story: Story) -> None:
    assert story.faults == []
    failed = [reply for reply in story.replies if reply.status != 200]
    assert [reply for reply in failed if reply.path != f"/v1/articles/en/a{story.deleted}"] == []
    assert len(story.replies) / story.seconds >= LEAST_RATE


def test_every_edit_is_served_in_time(story: Story) -> None:
    assert len(story.waits) == EDITS + 1
    assert max(story.waits) < FRESH, story.waits


def test_no_reply_mixes_two_indexes(story: Story) -> None:
    """What an index id says of an article is always the same; a mixture would say both versions."""
    said: dict[tuple[str, str], set[str]] = {}
    for reply in story.replies:
        if reply.status != 200:
            continue
        body = reply.body
        found = [(section["section_id"], section["text"]) for section in body.get("sections", ())]
        if body.get("answer"):
            found = [(body["answer"]["section_id"], body["answer"]["text"])]
        for _, passage in found:
            article = passage.partition("-version-")[0].rpartition(" ")[2]
            said.setdefault((body["index_id"], article), set()).add(passage)
    assert len(said) > 300
    assert {key: texts for key, texts in said.items() if len(texts) > 1} == {}


def test_after_a_swap_nobody_is_served_the_old_index(story: Story) -> None:
    """A request that starts after somebody got a newer index does not get an older one."""
    replies = [reply for reply in story.replies if reply.status == 200]
    first_seen: dict[str, float] = {}
    for reply in replies:
        id = reply.body["index_id"]
        first_seen[id] = min(first_seen.get(id, reply.ended), reply.ended)
    assert len(first_seen) > EDITS
    order = sorted(first_seen, key=first_seen.__getitem__)
    for older, newer in pairwise(order):
        late = [
            reply
            for reply in replies
            if reply.body["index_id"] == older and reply.started > first_seen[newer]
        ]
        assert late == []


def test_the_deleted_article_is_never_served_after_its_swap(story: Story) -> None:
    after = [reply for reply in story.replies if reply.started > story.gone_at]
    assert len(after) >= 50
    for reply in after:
        hits = {hit["article_id"] for hit in reply.body.get("hits", ())}
        assert f"a{story.deleted}" not in hits
        assert f"a{story.deleted}-version" not in str(reply.body)
