"""The chat loses nothing and doubles nothing: reloads, tabs, a cut network, a killed server."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from botsvc.clock import utc_now
from botsvc.handling import Handling
from botsvc.people import People
from botsvc.settings import DeskSettings
from botsvc.staff import Profile, Staff
from botsvc.storage import open_storage
from tests.acceptance.processes import Process, command
from tests.acceptance.widget_site import RECEIVED, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

QUESTION = "when is the invoice due"


@pytest.fixture
def chat(browser: Browser, chat_site: ChatSite) -> Iterator[Chat]:
    context = customer(browser)
    yield Chat(context.new_page()).at(chat_site.host.page(chat_site.address))
    context.close()


def talked(chat: Chat, site: ChatSite) -> str:
    """A conversation with a bot's answer and a person's; its id."""
    chat.open()
    chat.ask(QUESTION)
    chat.person()
    conversation = chat.conversation_id
    site.people.take(conversation, site.agent)
    site.people.say(conversation, site.agent, "Maija here.", message_id="t1")
    expect(chat.people).to_have_count(1)
    return conversation


def test_a_reload_brings_everything_back_once_and_the_draft_with_it(chat: Chat, chat_site: ChatSite) -> None:
    conversation = talked(chat, chat_site)
    before = chat.in_sight()
    chat.box.fill("I was just about to")
    chat.page.reload()
    expect(chat.launcher).to_be_visible()
    if not chat.panel.is_visible():
        chat.open()
    expect(chat.people).to_have_count(1)
    assert chat.in_sight() == before
    expect(chat.box).to_have_value("I was just about to")
    chat_site.people.say(conversation, chat_site.agent, "Still there?", message_id="t2")
    expect(chat.people).to_have_count(2)


def test_two_tabs_show_the_same_and_double_nothing(browser: Browser, chat_site: ChatSite) -> None:
    context = customer(browser)
    page = chat_site.host.page(chat_site.address, store="local")
    first = Chat(context.new_page()).at(page)
    conversation = talked(first, chat_site)
    second = Chat(context.new_page()).at(page)
    if not second.panel.is_visible():
        second.open()
    if not second.log.is_visible():
        second.root.get_by_role("button", name="Continue the conversation").click()
    expect(second.people).to_have_count(1)
    assert second.in_sight() == first.in_sight()

    second.write("from the second tab")
    first.page.bring_to_front()
    expect(first.mine.last).to_contain_text("from the second tab")
    first.write("from the first tab")
    expect(second.mine.last).to_contain_text("from the first tab")
    chat_site.people.say(conversation, chat_site.agent, "Both are here.", message_id="t3")
    for tab in (first, second):
        expect(tab.people).to_have_count(2)
        assert [text for who, text in tab.in_sight() if who == "customer"][-2:] == [
            "from the second tab",
            "from the first tab",
        ]
    assert chat_site.said(conversation)[-2:] == ["from the second tab", "from the first tab"]
    # One tab alone keeps a stream, however many there are.
    streams = [
        request
        for tab in (first, second)
        for request in tab.requests
        if request.url.partition("?")[0].endswith("/events")
    ]
    assert streams

    # The tab that follows goes away: the other one goes on.
    first.page.close()
    chat_site.people.say(conversation, chat_site.agent, "One is left.", message_id="t4")
    expect(second.people).to_have_count(3)
    assert first.complaints == second.complaints == []
    context.close()


def test_what_is_written_without_a_network_is_shown_as_waiting_and_sent_once(
    chat: Chat, chat_site: ChatSite
) -> None:
    conversation = talked(chat, chat_site)
    context = chat.page.context
    context.set_offline(True)
    expect(chat.root.locator(".trouble")).to_contain_text("offline")
    chat.write("written in the tunnel")
    expect(chat.root.locator(".mark")).to_contain_text("Waiting for a connection")
    chat.write("and this too")
    chat_site.people.say(conversation, chat_site.agent, "Said meanwhile.", message_id="t5")
    assert chat_site.said(conversation)[-1] != "and this too"

    context.set_offline(False)
    expect(chat.people.last).to_contain_text("Said meanwhile.")
    expect(chat.root.locator(".trouble")).to_have_count(0)
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
    assert chat_site.said(conversation)[-2:] == ["written in the tunnel", "and this too"]
    assert chat_site.said(conversation).count("and this too") == 1
    assert [text for _, text in chat.in_sight()].count("and this too") == 1
    assert chat.complaints == []


def test_what_waits_is_sent_after_a_reload(chat: Chat, chat_site: ChatSite) -> None:
    conversation = talked(chat, chat_site)
    # The service does not answer, while the page itself can be had.
    chat.page.route("**/v1/**", lambda route: route.abort())
    chat.write("not yet sent")
    expect(chat.root.locator(".trouble, .mark").first).to_be_visible()
    chat.page.reload()
    expect(chat.launcher).to_be_visible()
    chat.page.unroute("**/v1/**")
    if not chat.panel.is_visible():
        chat.open()
    expect(chat.mine.last).to_contain_text("not yet sent")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED, timeout=30_000)
    assert chat_site.said(conversation).count("not yet sent") == 1


def test_a_lost_reply_makes_no_second_message(chat: Chat, chat_site: ChatSite) -> None:
    conversation = talked(chat, chat_site)
    lost: list[str] = []

    def swallow(route: object) -> None:
        # The service has it, and the answer gets lost on its way.
        assert hasattr(route, "fetch")
        if not lost:
            route.fetch()
            lost.append("once")
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    chat.page.route("**/messages", swallow)
    chat.write("said once")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED, timeout=30_000)
    assert lost
    assert chat_site.said(conversation).count("said once") == 1
    assert [text for _, text in chat.in_sight()].count("said once") == 1


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_killed_server_that_comes_back_has_lost_nothing(
    browser: Browser, sample_index: Path, tmp_path: Path
) -> None:
    env = {
        "HELPPARI_SERVER__PORT": str(free_port()),
        "HELPPARI_STORAGE__URL": f"sqlite:///{tmp_path}/store.sqlite",
    }
    serve = ("serve", "--index", str(sample_index))
    context = customer(browser)
    chat = Chat(context.new_page())

    def address(process: Process) -> str:
        return str(process.wait_for(r"(http://[\d.]+:\d+)", 120)[1])

    with command(*serve, cwd=tmp_path, env=env) as process:
        chat.at(address(process) + "/demo/en").open()
        chat.ask(QUESTION)
        before = chat.in_sight()
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait()
        chat.write("are you still there")
        expect(chat.root.locator(".trouble")).to_be_visible()
        expect(chat.root.locator(".trouble")).to_contain_text("safe")
    with command(*serve, cwd=tmp_path, env=env) as process:
        address(process)
        retry = chat.root.locator(".trouble button")
        if retry.count():
            retry.first.click()
        expect(chat.bot).to_have_count(len([who for who, _ in before if who == "bot"]) + 1, timeout=60_000)
        expect(chat.root.locator(".trouble")).to_have_count(0)
        seen = chat.in_sight()
        assert seen[: len(before)] == before
        assert [text for _, text in seen].count("are you still there") == 1
        chat.page.reload()
        expect(chat.launcher).to_be_visible()
        if not chat.panel.is_visible():
            chat.open()
        expect(chat.mine.last).to_contain_text("are you still there")
        assert [text for who, text in chat.in_sight() if who == "customer"] == [
            QUESTION,
            "are you still there",
        ]
    context.close()
    assert chat.complaints == []


def test_a_phone_that_slept_catches_up_once(chat: Chat, chat_site: ChatSite) -> None:
    conversation = talked(chat, chat_site)
    chat.box.fill("half a thou")
    browser = chat.page.context.new_cdp_session(chat.page)
    chat.page.context.set_offline(True)  # asleep, and out of reach: the stream is cut without a word
    browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    for number in (2, 3):
        chat_site.people.say(conversation, chat_site.agent, f"Message {number}.", message_id=f"z{number}")
    browser.send("Page.setWebLifecycleState", {"state": "active"})
    chat.page.context.set_offline(False)
    expect(chat.people).to_have_count(3, timeout=30_000)
    expect(chat.root.locator(".trouble")).to_have_count(0)
    assert [text for who, text in chat.in_sight() if who == "person"] == [
        "Maija here.",
        "Message 2.",
        "Message 3.",
    ]
    expect(chat.box).to_have_value("half a thou")
    chat.write("awake again")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
    assert chat_site.said(conversation)[-1] == "awake again"


def test_what_people_write_while_the_server_is_dead_comes_once_it_is_back(
    browser: Browser, sample_index: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    env = {"HELPPARI_SERVER__PORT": str(free_port()), "HELPPARI_STORAGE__URL": url}
    serve = ("serve", "--index", str(sample_index))
    with at_the_desk(url) as (_, staff):
        profile = Profile(email="maija@etupolku.example", name="Maija", languages=("en",))
        agent = staff.add(profile, "mansikka-torni-83", by="console")
    context = customer(browser)
    chat = Chat(context.new_page())
    with command(*serve, cwd=tmp_path, env=env) as process:
        chat.at(str(process.wait_for(r"(http://[\d.]+:\d+)", 120)[1]) + "/demo/en").open()
        chat.person()
        conversation = chat.conversation_id
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait()
    with at_the_desk(url) as (people, _):  # as another process of the service would
        people.take(conversation, agent)
        people.say(conversation, agent, "Still here.", message_id="d1")
    chat.write("and you?")
    with command(*serve, cwd=tmp_path, env=env) as process:
        process.wait_for(r"(http://[\d.]+:\d+)", 120)
        expect(chat.people).to_have_count(1, timeout=60_000)
        expect(chat.root.locator(".standing")).to_contain_text("Maija")
        expect(chat.root.locator(".trouble")).to_have_count(0)
        expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
        texts = [text for _, text in chat.in_sight()]
        assert (texts.count("Still here."), texts.count("and you?")) == (1, 1)
    context.close()
    assert chat.complaints == []


@contextmanager
def at_the_desk(url: str) -> Iterator[tuple[People, Staff]]:
    """Those who answer, over the store of a service that is not running."""
    storage = open_storage(url, pool_size=1)
    try:
        yield People(handling=Handling(storage=storage, clock=utc_now)), Staff(storage, DeskSettings())
    finally:
        storage.close()
