"""What a screen reader hears of the chat: its order, each message once, and the focus left where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from botsvc.live import Signal, SignalKind
from botsvc.people import Resolution, SentArticle
from tests.acceptance.widget_site import Chat, ChatSite, customer

pytestmark = pytest.mark.browser

QUESTION = "when is the invoice due"
#: Notes which entries come, what changes within those that are there, and where the focus goes.
WATCH = """() => {
  const root = document.querySelector("helppari-chat").shadowRoot;
  const log = root.querySelector("[role=log]");
  window.came = [...log.children].map((one) => one.dataset.key);
  window.changed = [];
  window.went = [];
  window.nodes = new Map([...log.children].map((one) => [one.dataset.key, one]));
  new MutationObserver((records) => {
    for (const { type, target, addedNodes, removedNodes } of records) {
      const entries = [...addedNodes].filter((one) => one.nodeType === 1);
      if (target === log) {
        for (const one of entries) {
          window.came.push(one.dataset.key);
          window.nodes.set(one.dataset.key, one);
        }
        for (const one of removedNodes) {
          if (one.nodeType === 1) window.changed.push(`gone: ${one.dataset.key}`);
        }
      } else if (!target.parentElement?.closest("time")) {
        // A time may become the service's own by a second.
        const entry = target.parentElement?.closest(".entry") ?? target.closest?.(".entry");
        window.changed.push(`${type} in ${entry?.dataset.key}`);
      }
    }
  }).observe(log, { childList: true, subtree: true, characterData: true });
  root.addEventListener("focusin", (event) => window.went.push(event.target.id || event.target.className));
}"""
FOUND = """() => {
  const log = document.querySelector("helppari-chat").shadowRoot.querySelector("[role=log]");
  return {
    came: window.came,
    changed: window.changed,
    went: window.went,
    same: [...log.children].every((one) => window.nodes.get(one.dataset.key) === one),
    keys: [...log.children].map((one) => one.dataset.key),
  };
}"""


@pytest.fixture
def chat(browser: Browser, chat_site: ChatSite) -> Iterator[Chat]:
    context = customer(browser)
    found = Chat(context.new_page()).at(chat_site.host.page(chat_site.address))
    yield found
    context.close()
    assert found.complaints == []


def test_each_message_is_added_once_and_none_is_drawn_anew(chat: Chat, chat_site: ChatSite) -> None:
    chat.open()
    chat.ask(QUESTION)
    chat.page.evaluate(WATCH)
    chat.box.focus()
    chat.ask("i've lost my card")
    chat.box.fill("/")  # the box keeps the focus and what is typed
    people, agent, conversation = chat_site.people, chat_site.agent, chat.conversation_id
    chat.page.evaluate("document.querySelector('helppari-chat').askForPerson()")
    expect(chat.root.locator(".standing")).to_be_visible()
    people.take(conversation, agent)
    expect(chat.root.locator(".standing")).to_contain_text("Maija")
    typing = Signal(kind=SignalKind.TYPING, actor=f"agent:{agent.id}", name=agent.name)
    chat_site.service.hub.signal(conversation, typing)
    expect(chat.root.locator(".writing")).to_be_visible()
    before = len(chat.page.evaluate(FOUND)["went"])
    people.say(conversation, agent, "Hello, Maija here.", message_id="r1")
    people.send_article(
        conversation,
        agent,
        SentArticle(
            article_id="lost-card",
            lang="en",
            section_id="lead",
            title="Lost or stolen card",
            url="/help/en/lost-card",
            text="Lock the card in the app.",
        ),
        message_id="r2",
    )
    expect(chat.people).to_have_count(2)
    chat.page.keyboard.type("hm")
    expect(chat.box).to_have_value("/hm")
    people.read(conversation, agent, 1)
    people.resolve(conversation, agent, Resolution.SOLVED)
    expect(chat.root.locator("form[part=csat]")).to_be_visible()

    found: dict[str, Any] = chat.page.evaluate(FOUND)
    assert found["changed"] == []
    assert found["same"]
    assert found["came"] == found["keys"], "each once, in the order in sight"
    assert found["went"][before:] == [], "nothing that arrives takes the focus"
    assert (
        chat.page.evaluate("document.querySelector('helppari-chat').shadowRoot.activeElement.id") == "draft"
    )


def test_the_focus_goes_back_to_what_opened_the_chat(chat: Chat) -> None:
    chat.page.evaluate(
        """() => {
            const button = document.createElement("button");
            button.id = "help";
            button.textContent = "Help";
            button.onclick = () => document.querySelector("helppari-chat").open();
            document.querySelector("main").append(button);
        }"""
    )
    for opener in ("#help", ".launcher"):
        chat.page.locator(opener).focus()
        chat.page.keyboard.press("Enter")
        expect(chat.box).to_be_focused()
        chat.page.keyboard.press("Escape")
        expect(chat.panel).to_be_hidden()
        expect(chat.page.locator(opener)).to_be_focused()


#: The screens as a screen reader meets them, in English; what the sample's articles say is left out.
OUTLINES = {
    "home": """
- dialog "Ask us":
  - heading "Ask us" [level=2]
  - button "Close the chat"
  - group "Ask us":
    - heading "Hello! How can we help?" [level=2]
    - paragraph: /This is an automatic service .+/
    - search:
      - searchbox "Search our help articles"
  - status
  - button "Talk to a person"
  - textbox "Type your question"
  - button "Send"
""",
    "answer": """
- dialog "Ask us":
  - button "Back"
  - heading "Ask us" [level=2]
  - group
  - button "Close the chat"
  - group "Ask us":
    - heading "Conversation" [level=2]
    - log "Conversation":
      - paragraph:
        - text: You
        - time: /\\d\\d:\\d\\d/
      - paragraph: when is the invoice due
      - paragraph:
        - text: Automatic service
        - time: /\\d\\d:\\d\\d/
      - paragraph: Here is what I found in our help articles.
      - article:
        - heading "Invoice and due date" [level=3]
        - paragraph:
          - text: "Source:"
          - link "Invoice and due date"
        - paragraph:
          - text: "How sure this answer is:"
          - strong: Very sure
          - text: /\\(\\d+%\\)/
    - group "Did this help?":
      - button "Yes"
      - button "No"
    - heading "See also" [level=3]
    - list
  - status
  - button "Talk to a person"
  - textbox "Type your question"
  - button "Send"
""",
    "waiting": """
- dialog "Ask us":
  - group "Ask us":
    - log "Conversation"
    - group:
      - button "No longer needed"
      - button "Ask the automatic service meanwhile"
    - group "Your requests":
      - paragraph: Employer services
      - status:
        - paragraph
        - paragraph: /Leave your contact details .+/
      - group: Leave your contact details
      - group: Ask for a call
      - paragraph:
        - link "Follow your request on its own page (opens in a new tab)"
  - status
  - textbox "Type a message"
  - button "Send"
""",
    "with a person": """
- dialog "Ask us":
  - group "Ask us":
    - log "Conversation":
      - paragraph:
        - text: Maija
        - time: /\\d\\d:\\d\\d/
      - paragraph: Hello, Maija here.
    - group "Your requests":
      - status:
        - paragraph: Maija is looking after your request.
  - textbox "Type a message"
""",
    "rating": """
- dialog "Ask us":
  - group "Ask us":
    - log "Conversation"
    - group "Your requests":
      - status:
        - paragraph: /Your request has been marked as resolved.+/
    - group "How well was your request handled?":
      - radio "Poorly"
      - radio "Not very well"
      - radio "Fairly well"
      - radio "Well"
      - radio "Very well"
    - textbox /Is there anything .+/
    - alert
    - button "Send your rating"
  - button "Talk to a person"
""",
}


def test_a_screen_reader_meets_everything_in_order(chat: Chat, chat_site: ChatSite) -> None:
    def outlined(name: str) -> None:
        expect(chat.root).to_match_aria_snapshot(OUTLINES[name])

    chat.open()
    outlined("home")
    chat.ask(QUESTION)
    outlined("answer")
    chat.person()
    outlined("waiting")
    people, agent, conversation = chat_site.people, chat_site.agent, chat.conversation_id
    people.take(conversation, agent)
    people.say(conversation, agent, "Hello, Maija here.", message_id="o1")
    outlined("with a person")
    people.resolve(conversation, agent, Resolution.SOLVED)
    outlined("rating")
