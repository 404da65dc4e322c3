"""The customer's clock jumps: days ahead, a day behind, over the change to winter time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.acceptance.widget_site import RECEIVED, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

QUESTION = "when is the invoice due"


@pytest.fixture
def chat(browser: Browser, chat_site: ChatSite) -> Iterator[Chat]:
    context = customer(browser)
    found = Chat(context.new_page()).at(chat_site.host.page(chat_site.address))
    yield found
    context.close()
    assert found.complaints == []


def reopened(chat: Chat) -> None:
    chat.page.reload()
    expect(chat.launcher).to_be_visible()
    if not chat.panel.is_visible():
        chat.open()


@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1), timedelta(days=4)])
def test_a_device_clock_that_is_wrong_by_days_loses_nothing(
    chat: Chat, chat_site: ChatSite, wrong: timedelta
) -> None:
    chat.open()
    chat.ask(QUESTION)
    chat.person()
    conversation = chat.conversation_id
    chat_site.people.take(conversation, chat_site.agent)
    chat_site.people.say(conversation, chat_site.agent, "Before.", message_id="c1")
    expect(chat.people).to_have_count(1)
    before = chat.in_sight()
    chat.page.clock.set_fixed_time(datetime.now(UTC) + wrong)
    # In the middle of a conversation, and after a reload.
    chat.write("what time is it")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
    chat_site.people.say(conversation, chat_site.agent, "After.", message_id="c2")
    expect(chat.people).to_have_count(2)
    reopened(chat)
    expect(chat.people).to_have_count(2)
    assert chat.in_sight()[: len(before)] == before
    expect(chat.root.locator(".trouble")).to_have_count(0)
    chat.write("and now")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
    assert chat_site.said(conversation)[-2:] == ["what time is it", "and now"]


def test_a_conversation_whose_time_is_over_is_told_and_the_draft_kept(
    chat: Chat, chat_site: ChatSite
) -> None:
    chat.open()
    chat.ask(QUESTION)
    old = chat.conversation_id
    chat.box.fill("I was just about to")
    chat_site.expire(old)
    chat.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=4))
    reopened(chat)
    expect(chat.root.locator(".trouble")).to_contain_text("can't be continued")
    expect(chat.box).to_have_value("I was just about to")
    chat.box.press("Enter")
    expect(chat.mine.last).to_contain_text("I was just about to")
    expect(chat.bot.last).to_be_visible()
    expect(chat.root.locator(".trouble")).to_have_count(0)
    assert chat.conversation_id != old
    assert chat_site.said(chat.conversation_id) == ["I was just about to"]


def test_what_is_written_when_the_time_is_over_begins_a_new_conversation(
    chat: Chat, chat_site: ChatSite
) -> None:
    chat.open()
    chat.ask(QUESTION)
    old = chat.conversation_id
    chat_site.expire(old)
    chat.write("where is my card")
    expect(chat.bot.last).to_be_visible()
    expect(chat.root.locator(".writing")).to_have_count(0)
    assert chat.conversation_id != old
    assert chat_site.said(chat.conversation_id) == ["where is my card"]
    assert chat_site.said(old) == [QUESTION]


#: Around four o'clock on 25 October 2026, when Finland turns its clocks back: half past three comes twice.
TURNED = ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z")
WRITTEN = {
    "fi": (["3.30", "3.30", "4.30"], ["25.10. klo 3.30", "25.10. klo 3.30", "25.10. klo 4.30"]),
    "sv": (["3.30", "3.30", "4.30"], ["25.10 3.30", "25.10 3.30", "25.10 4.30"]),
    "en": (["03:30", "03:30", "04:30"], ["25/10, 03:30", "25/10, 03:30", "25/10, 04:30"]),
}


@pytest.mark.parametrize("lang", WRITTEN)
def test_times_are_those_of_the_customer_s_own_clock(
    browser: Browser, chat_site: ChatSite, lang: str
) -> None:
    context = customer(browser, lang=lang)
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address, lang=lang)).open()
    chat.person()
    conversation = chat.conversation_id
    chat_site.people.take(conversation, chat_site.agent)

    def dated(route: Route) -> None:
        """As if people had answered while the clocks were turned."""
        body = route.fetch().json()
        said = next(one for one in body["entries"] if one["author"] != "bot")
        body["entries"] = [
            {**said, "author": "agent", "sequence": number + 1, "name": name, "at": at, "text": "."}
            for number, (name, at) in enumerate(zip("ABC", TURNED, strict=True))
        ]
        route.fulfill(json=body, headers={"Access-Control-Allow-Origin": chat_site.host.address})

    chat.page.route(f"**/v1/conversations/{conversation}", dated)
    for moment, written in zip(("2026-10-25T03:00:00Z", "2026-10-26T03:00:00Z"), WRITTEN[lang], strict=True):
        chat.page.clock.set_fixed_time(moment)
        reopened(chat)
        expect(chat.people).to_have_count(3)
        assert chat.log.locator("time").all_inner_texts() == written
    context.close()
    assert chat.complaints == []
