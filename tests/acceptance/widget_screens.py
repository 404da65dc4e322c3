"""Every screen of the chat, one after the other on one page, and what is measured on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Route, expect

from botsvc.live import Signal, SignalKind
from botsvc.people import Resolution, SentArticle
from tests.acceptance.widget_site import Chat, ChatSite

LOST = {"fi": "hukkasin korttini", "sv": "jag har tappat mitt kort", "en": "i've lost my card"}
#: Gets choices, as more than one article may be meant.
UNCLEAR = {"fi": "kortti ei toimi", "sv": "mitt kort har blivit stulet", "en": "payment failed"}
#: Gets an article in another language than the interface's.
FOREIGN = {"fi": "when is the invoice due", "sv": "laskun eräpäivä", "en": "laskun eräpäivä"}
#: Gets the numbers of those who help at once, and a person.
CRISIS = {"fi": "haluan kuolla", "sv": "jag vill dö", "en": "i want to die"}
SEARCHED = {"fi": "lasku", "sv": "faktura", "en": "invoice"}

#: What is wrong with the screen in sight, by what a customer would say of it.
PROBE = """async ({ targets, menu }) => {
  // The panel takes its new shape after the window has.
  for (let frame = 0; frame < 2; frame += 1) {
    await new Promise((done) => {
      requestAnimationFrame(done);
      setTimeout(done, 500); // a browser that draws nothing has nothing to wait for
    });
  }
  const root = document.querySelector("helppari-chat").shadowRoot;
  const fold = root.querySelector(".menu");
  if (menu) fold.open = true; // it closes when the panel changes its shape
  const open = fold?.open ? fold : null;
  const words = (one) => one.getAttribute("aria-label") || one.textContent || one.id;
  const short = (one) => words(one).trim().replace(/\\s+/g, " ").slice(0, 40);
  const named = (one) => `${one.localName}.${one.className} "${short(one)}"`;
  const found = { wide: [], unreachable: [], small: [], low: [], cut: [], moving: [], bare: [] };

  const frames = [document.documentElement, root.querySelector("dialog"), root.querySelector(".body")];
  for (const one of frames) {
    if (one && one.checkVisibility() && one.scrollWidth > one.clientWidth + 1) {
      found.wide.push(`${named(one)}: ${one.scrollWidth} of ${one.clientWidth}`);
    }
  }
  // What cannot be scrolled by hand must not be scrolled by a screen reader either: the head would be gone.
  const panel = root.querySelector("dialog");
  const clipped = panel && getComputedStyle(panel).overflowY === "hidden";
  if (clipped && panel.scrollHeight > panel.clientHeight + 1) {
    found.cut.push(`panel: ${panel.scrollHeight} of ${panel.clientHeight}`);
  }

  const controls = [...root.querySelectorAll("a[href], button, summary, input, textarea")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .filter((one) => !open || open.contains(one));
  for (const one of controls) {
    one.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    const box = one.getClientRects()[0];
    const x = box.x + box.width / 2;
    const y = Math.min(Math.max(box.y + box.height / 2, 1), innerHeight - 1);
    const hit = root.elementFromPoint(x, y);
    const inside = box.left >= -0.5 && box.right <= innerWidth + 0.5;
    if (!inside || !hit || !(one.contains(hit) || hit.closest("label")?.contains(one))) {
      found.unreachable.push(`${named(one)} at ${Math.round(x)},${Math.round(y)}: ${hit && named(hit)}`);
    }
    const target = ((one.type === "radio" && one.closest("label")) || one).getBoundingClientRect();
    const style = getComputedStyle(one);
    // A link within a sentence is as high as its line: WCAG 2.5.8 leaves it out.
    if (style.display !== "inline") {
      const size = `${named(one)}: ${Math.round(target.width)}x${Math.round(target.height)}`;
      if (Math.min(target.width, target.height) < 24) found.small.push(size);
      const main = one.matches("button, .button, input, textarea, .links a, summary.icon");
      if (targets && main && Math.min(target.width, target.height) < 44) found.low.push(size);
      // Where the system chooses the colours, only an edge or a line shows that something can be used.
      const seen = ["borderTopStyle", "outlineStyle"].some((edge) => style[edge] !== "none") ||
        style.textDecorationLine !== "none" || one.type === "radio";
      if (matchMedia("(forced-colors: active)").matches && !seen) found.bare.push(named(one));
    }
  }

  for (const one of root.querySelectorAll("p, h2, h3, button, summary, label, legend, dt, dd, a, span, li")) {
    if (one.closest(".hidden") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    if (style.overflow === "visible" || style.display === "inline") continue;
    const over = [one.scrollHeight - one.clientHeight, one.scrollWidth - one.clientWidth];
    if (Math.max(...over) > 2) found.cut.push(named(one));
  }
  found.moving = root.getAnimations().map((one) => one.animationName || one.transitionProperty);
  return Object.fromEntries(Object.entries(found).filter(([, wrong]) => wrong.length));
}"""
#: What a customer's own style sheet may set: WCAG 1.4.12.
SPACING = """(on) => {
  const root = document.querySelector("helppari-chat").shadowRoot;
  const kept = root.adoptedStyleSheets.filter((one) => !one.spacing);
  if (on) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important;" +
      " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }");
    sheet.spacing = true;
    kept.push(sheet);
  }
  root.adoptedStyleSheets = kept;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One customer who meets every screen."""

    chat: Chat
    site: ChatSite
    lang: str

    def screens(self) -> Iterator[str]:
        """Bring up screen after screen, in an order in which each leads to the next; their names."""
        yield from self._beginning()
        yield from self._articles()
        yield from self._answers()
        yield from self._waiting()
        yield from self._people()
        yield from self._ending()
        yield from self._troubles()

    def _beginning(self) -> Iterator[str]:
        chat, held = self.chat, list[Route]()
        chat.page.route("**/widget-texts/**", lambda route: held.append(route))
        yield "closed"
        chat.open()
        expect(chat.panel.locator(".dots")).to_be_visible()
        yield "starting"
        held.pop().abort()
        expect(chat.panel.locator(".trouble button")).to_be_visible()
        yield "texts missing"
        chat.page.unroute("**/widget-texts/**")
        chat.panel.locator(".trouble button").click()
        expect(chat.root.locator("#search")).to_be_visible()
        expect(chat.root.locator(".body ul.links button").first).to_be_visible()
        yield "home"

    def _articles(self) -> Iterator[str]:
        chat, links = self.chat, self.chat.root.locator(".body ul.links a")
        chat.root.locator("#search").fill(SEARCHED[self.lang])
        expect(links.first).to_be_visible()
        yield "search results"
        links.first.click()
        expect(chat.root.locator("article.article section").first).to_be_visible()
        yield "article"
        self._back()
        for name, status in (("article missing", 404), ("article failed", 503)):
            self._answering("**/v1/articles/**", status, {"type": "/problems/none", "status": status})
            links.first.click()
            heading = chat.root.locator(".body h2[data-heading]")
            expect(heading).to_be_visible()
            expect(chat.root.locator(".body .dots")).to_have_count(0)
            yield name
            chat.page.unroute("**/v1/articles/**")
            self._back()
        self._answering("**/v1/search*", 200, {"query": "", "language": self.lang, "hits": []})
        chat.root.locator("#search").fill("zzz")
        expect(links).to_have_count(0)
        expect(chat.root.locator(".body form + div p")).to_be_visible()
        yield "no results"
        chat.page.unroute("**/v1/search*")

    def _answers(self) -> Iterator[str]:
        chat = self.chat
        chat.ask(LOST[self.lang])
        expect(chat.bot.last.locator("article")).to_be_visible()
        yield "answer"
        chat.ask(UNCLEAR[self.lang])
        expect(chat.root.locator("[data-press=choice]").first).to_be_visible()
        yield "choices"
        chat.ask(FOREIGN[self.lang])
        expect(chat.bot.last.locator("article .tag")).to_be_visible()
        yield "other language"

    def _waiting(self) -> Iterator[str]:
        chat, standing = self.chat, self.chat.root.locator(".standing")
        chat.ask(CRISIS[self.lang])
        expect(chat.bot.last.locator(".details.urgent")).to_be_visible()
        expect(standing).to_be_visible()
        yield "urgent details, waiting without an address"
        contact, call = standing.locator("details").nth(0), standing.locator("details").nth(1)
        contact.locator("summary").click()
        yield "contact form"
        contact.locator("form button").click()
        expect(contact.locator("[role=alert]")).not_to_be_empty()
        yield "contact form with an error"
        contact.locator("input[type=email]").fill("jane@customer.example")
        contact.locator("form button").click()
        expect(contact).not_to_have_attribute("open", "")
        yield "waiting with an address"
        call.locator("summary").click()
        yield "call-back form"
        call.locator("form button").click()
        expect(call.locator("[role=alert]")).not_to_be_empty()
        yield "call-back form with an error"
        call.locator("input").first.fill("040 123 4567")
        call.locator("form button").click()
        expect(standing).to_contain_text("040 123 4567")
        chat.root.locator(".menu > summary").click()
        yield "menu"
        chat.root.locator(".menu details summary").click()
        yield "delete"
        chat.root.locator(".menu > div > button").first.click()
        expect(chat.root.locator(".body .card")).to_be_visible()
        yield "requests"
        self._back()

    def _people(self) -> Iterator[str]:
        chat, people, agent = self.chat, self.site.people, self.site.agent
        conversation = chat.conversation_id
        people.take(conversation, agent)
        expect(chat.root.locator(".standing")).to_contain_text("Maija")
        people.say(conversation, agent, "Hei, Maija 👋", message_id=f"one-{self.lang}")
        expect(chat.people).to_have_count(1)
        typing = Signal(kind=SignalKind.TYPING, actor=f"agent:{agent.id}", name=agent.name)
        self.site.service.hub.signal(conversation, typing)
        expect(chat.root.locator(".writing")).to_be_visible()
        yield "somebody types"
        article = SentArticle(
            article_id="lost-card",
            lang=self.lang,
            section_id="lead",
            title=LOST[self.lang],
            url=f"/help/{self.lang}/lost-card",
            text="...",
        )
        people.send_article(conversation, agent, article, message_id=f"two-{self.lang}")
        expect(chat.people).to_have_count(2)
        yield "with a person"

    def _ending(self) -> Iterator[str]:
        chat = self.chat
        self.site.people.resolve(chat.conversation_id, self.site.agent, Resolution.SOLVED)
        form = chat.root.locator("form[part=csat]")
        expect(form).to_be_visible()
        yield "rating"
        form.locator("button").click()
        expect(form.locator("[role=alert]")).not_to_be_empty()
        yield "rating with an error"
        form.locator("input[value='5']").check()
        form.locator("button").click()
        expect(form).to_have_count(0)
        yield "rated"

    def _troubles(self) -> Iterator[str]:
        chat, context = self.chat, self.chat.page.context
        context.set_offline(True)
        expect(chat.root.locator(".trouble")).to_be_visible()
        chat.write("...")
        yield "offline"
        # The network is back, and the service does not answer.
        chat.page.route("**/v1/**", lambda route: route.abort())
        context.set_offline(False)
        expect(chat.root.locator(".trouble button")).to_be_visible()
        yield "down"
        chat.page.unroute("**/v1/**")
        # It tries again by itself: the button to do so sooner may be gone any moment.
        expect(chat.root.locator(".trouble")).to_have_count(0, timeout=30_000)
        chat.box.fill("not yet sent")
        body = {"type": "urn:helppari:problem:unknown-conversation", "status": 404}
        self._answering("**/v1/conversations/**", 404, body)
        chat.page.reload()
        expect(chat.panel).to_be_visible()
        expect(chat.root.locator(".trouble")).to_be_visible()
        expect(chat.box).to_have_value("not yet sent")
        yield "expired"
        chat.page.unroute("**/v1/conversations/**")

    def _answering(self, path: str, status: int, body: object) -> None:
        headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
        self.chat.page.route(path, lambda route: route.fulfill(status=status, json=body, headers=headers))

    def _back(self) -> None:
        self.chat.root.locator("header button.icon").first.click()
