"""One conversation in seven tabs of a browser: one more than HTTP/1.1 has connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.widget_site import Chat, ChatSite, customer

pytestmark = pytest.mark.browser

TABS = 7


@pytest.fixture(params=["session", "local"])
def tabs(browser: Browser, chat_site: ChatSite, request: pytest.FixtureRequest) -> Iterator[list[Chat]]:
    """Seven tabs that show one conversation which people have; the first one began it."""
    context = customer(browser)
    page = chat_site.host.page(chat_site.address, store=request.param)
    first = Chat(context.new_page()).at(page).open()
    first.person()
    chat_site.people.take(first.conversation_id, chat_site.agent)
    found = [first]
    for _ in range(TABS - 1):
        chat = Chat(context.new_page()).at(page).open()
        expect(chat.log.or_(chat.panel.locator(".primary")).first).to_be_visible()
        if not chat.log.is_visible():
            chat.panel.locator(".primary").click()
        expect(chat.root.locator(".standing")).to_contain_text("Maija")
        found.append(chat)
    yield found
    context.close()
    assert [chat.complaints for chat in found] == [[]] * TABS


def becomes(seen: Callable[[], object], wanted: object, page: Chat, seconds: float = 20) -> None:
    """Wait for what no page shows; fails with what was seen last."""
    until = time.monotonic() + seconds
    while (now := seen()) != wanted and time.monotonic() < until:
        page.page.wait_for_timeout(50)
    assert now == wanted


def heard(chat: Chat) -> list[str]:
    """What people have said, as the tab shows it."""
    return [text for who, text in chat.in_sight() if who == "person"]


def test_seven_tabs_share_one_stream_and_hand_it_on(tabs: list[Chat], chat_site: ChatSite) -> None:
    first = tabs[0]
    conversation, streams = first.conversation_id, chat_site.streams
    becomes(lambda: streams.open[conversation], 1, first)

    def say(text: str) -> None:
        chat_site.people.say(conversation, chat_site.agent, text, message_id=text)

    say("One.")
    for chat in tabs:
        expect(chat.people).to_have_count(1)
        assert heard(chat) == ["One."]
    # Six connections, seven tabs, a stream: what the last tab sends still gets through.
    tabs[-1].write("from the seventh tab")
    for chat in tabs:
        expect(chat.mine.last).to_contain_text("from the seventh tab")
    assert chat_site.said(conversation).count("from the seventh tab") == 1
    assert (streams.open[conversation], streams.most[conversation]) == (1, 1)

    # The tab that follows goes away, and something is said before another one takes over.
    first.page.close()
    say("Two.")
    left = tabs[1:]
    becomes(lambda: streams.open[conversation], 1, left[0])
    say("Three.")
    for chat in left:
        expect(chat.people).to_have_count(3)
        assert heard(chat) == ["One.", "Two.", "Three."]
    left[0].write("still here")
    for chat in left:
        expect(chat.mine.last).to_contain_text("still here")
    assert chat_site.said(conversation).count("still here") == 1
    assert streams.open[conversation] == 1
