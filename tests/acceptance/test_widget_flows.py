"""What customers do in the chat, on a company's page: answers, sources, people, their word on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from botsvc.people import Resolution
from tests.acceptance.widget_site import LOCALES, PHONE, RECEIVED, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

LOST: dict[str, tuple[str, str]] = {
    "fi": ("hukkasin korttini", "Kadonnut tai varastettu kortti"),
    "sv": ("jag har tappat mitt kort", "Borttappat eller stulet kort"),
    "en": ("i've lost my card", "Lost or stolen card"),
}
#: Words that only one language of the interface has.
WORDS: dict[str, tuple[str, str]] = {
    "fi": ("Hei! Miten voimme auttaa?", "Haluan asiakaspalvelijalle"),
    "sv": ("Hej! Hur kan vi hjälpa dig?", "Jag vill till kundtjänsten"),
    "en": ("Hello! How can we help?", "Talk to a person"),
}


@pytest.fixture
def chat(browser: Browser, chat_site: ChatSite) -> Iterator[Chat]:
    context = customer(browser)
    found = Chat(context.new_page())
    found.at(chat_site.host.page(chat_site.address))
    yield found
    context.close()
    assert found.complaints == []


@pytest.mark.parametrize("lang", LOCALES)
def test_a_question_gets_its_answer_and_the_source_opens_inside(
    browser: Browser, chat_site: ChatSite, lang: str
) -> None:
    context = customer(browser, lang=lang)
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address, lang=lang)).open()
    greeting, person = WORDS[lang]
    expect(chat.panel).to_contain_text(greeting)
    expect(chat.root.locator(".human")).to_contain_text(person)
    expect(chat.panel).to_have_attribute("lang", lang)
    chat.picture(f"home-{lang}")

    question, title = LOST[lang]
    answer = chat.ask(question)
    if not answer.locator("article").count():
        chat.root.locator("[data-press=choice]", has_text=title).click()
        expect(chat.bot.last.locator("article")).to_be_visible()
        answer = chat.bot.last
    expect(answer.get_by_role("heading", name=title)).to_be_visible()
    chat.picture(f"answer-{lang}")

    pages_before = len(context.pages)
    answer.locator("article > p a").first.click()
    article = chat.root.locator("article.article")
    expect(article.locator("h2")).to_have_text(title)
    assert article.locator("section").count() >= 2
    assert len(context.pages) == pages_before
    chat.picture(f"article-{lang}")
    chat.root.locator("header button.icon").first.click()
    expect(chat.mine.last).to_contain_text(question)
    assert chat.complaints == []
    context.close()


def test_searching_while_typing_finds_articles_and_clearing_forgets_them(chat: Chat) -> None:
    chat.open()
    chat.root.locator("#search").press_sequentially("invoice", delay=20)
    links = chat.root.locator(".body ul.links a")
    expect(links.first).to_contain_text("nvoice")
    links.first.click()
    expect(chat.root.locator("article.article h2")).to_contain_text("nvoice")
    assert not any("/v1/conversations" in request.url for request in chat.requests)


def test_not_helped_a_person_an_address_a_chat_and_a_word_on_it(
    browser: Browser, chat_site: ChatSite
) -> None:
    context = customer(browser, size=PHONE)
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address)).open()
    chat.ask("i've lost my card")
    choice = chat.root.locator("[data-press=choice]", has_text="Lost or stolen card")
    if choice.count():
        choice.click()
        expect(chat.bot.last.locator("article")).to_be_visible()
    before = chat.bot.count()
    chat.root.locator("[data-press=not_helped]").click()
    expect(chat.bot).to_have_count(before + 1)

    chat.person()
    standing = chat.root.locator(".standing")
    chat.picture("handed-off")
    standing.locator("details summary").first.click()
    standing.locator("input[type=email]").fill("jane@customer.example")
    standing.locator("form button").first.click()
    expect(standing).to_contain_text("Change your contact details")

    # Somebody takes it: the name appears by itself, and they chat both ways.
    people, agent, conversation = chat_site.people, chat_site.agent, chat.conversation_id
    people.take(conversation, agent)
    expect(standing).to_contain_text("Maija is looking after your request.")
    people.say(conversation, agent, "Hello, Maija here. Is the app at hand?", message_id="w1")
    expect(chat.people.last).to_contain_text("Hello, Maija here. Is the app at hand?")
    expect(chat.people.last).to_contain_text("Maija")
    bot_before = chat.bot.count()
    chat.write("yes, but where is the lock button")
    expect(chat.root.locator(".mark")).to_contain_text(RECEIVED)
    assert chat_site.said(conversation)[-1] == "yes, but where is the lock button"
    people.say(conversation, agent, "I have locked it for you.", message_id="w2")
    expect(chat.people.last).to_contain_text("I have locked it for you.")
    assert chat.bot.count() == bot_before, "the bot is silent while a person has the conversation"
    chat.picture("chat")

    people.resolve(conversation, agent, Resolution.SOLVED)
    form = chat.root.locator("form[part=csat]")
    expect(form).to_be_visible()
    form.locator("input[value='5']").check()
    form.locator("textarea").fill("Quick help")
    chat.picture("csat")
    form.locator("button").click()
    expect(chat.root.get_by_text("Thank you for your rating!")).to_be_visible()
    assert chat.complaints == []
    context.close()


def test_messages_that_come_while_the_panel_is_closed_are_counted(chat: Chat, chat_site: ChatSite) -> None:
    chat.open()
    chat.person()
    conversation = chat.conversation_id
    chat.panel.press("Escape")
    expect(chat.panel).to_be_hidden()
    chat_site.people.take(conversation, chat_site.agent)
    chat_site.people.say(conversation, chat_site.agent, "Are you there?", message_id="u1")
    expect(chat.root.locator(".count")).to_have_text("1")
    expect(chat.launcher).to_have_attribute("aria-label", "Open the chat, 1 new message")
    chat.open()
    expect(chat.people.last).to_contain_text("Are you there?")
    expect(chat.root.locator(".count")).to_have_count(0)


def test_no_need_takes_the_request_back(chat: Chat, chat_site: ChatSite) -> None:
    chat.open()
    chat.person()
    no_need = chat.root.get_by_role("button", name="No longer needed")
    if not no_need.count():
        no_need = chat.root.locator("[data-press=no_need]")
    no_need.first.click()
    expect(chat.root.locator(".human")).to_be_visible()
    assert chat_site.service.storage is not None
    with chat_site.service.storage.read() as reading:
        handoff = reading.handoff_of(chat.conversation_id, 1)
    assert handoff is not None
    assert handoff.state == "withdrawn"


def test_deleting_forgets_the_conversation_in_this_browser(chat: Chat) -> None:
    chat.open()
    chat.ask("when is the invoice due")
    assert chat.page.evaluate("sessionStorage.length") > 0
    chat.root.locator(".menu > summary").click()
    chat.root.locator(".menu details summary").click()
    chat.root.locator(".menu .danger").click()
    expect(chat.log.locator(".entry")).to_have_count(0)
    assert (
        chat.page.evaluate("JSON.stringify({...sessionStorage}) + JSON.stringify({...localStorage})").find(
            "invoice"
        )
        == -1
    )
    chat.page.reload()
    expect(chat.launcher).to_be_visible()
    chat.open()
    expect(chat.root.get_by_text("when is the invoice due")).to_have_count(0)


def test_a_page_can_open_ask_and_listen(chat: Chat) -> None:
    chat.page.evaluate(
        """() => {
            window.heard = [];
            for (const kind of ["open", "answer", "close"]) {
                document.addEventListener("helppari:" + kind, (event) => window.heard.push(kind));
            }
            document.querySelector("helppari-chat").ask("when is the invoice due");
        }"""
    )
    expect(chat.panel).to_be_visible()
    expect(chat.mine).to_contain_text("when is the invoice due")
    expect(chat.bot.first).to_be_visible()
    chat.page.evaluate("document.querySelector('helppari-chat').setLanguage('fi')")
    expect(chat.root.locator(".human")).to_contain_text("asiakaspalvelijalle")
    chat.page.evaluate("document.querySelector('helppari-chat').close()")
    expect(chat.panel).to_be_hidden()
    heard = chat.page.evaluate("window.heard")
    assert heard[0] == "open"
    assert heard[-1] == "close"
