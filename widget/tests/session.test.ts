import { afterEach, describe, expect, it } from "vitest";

import type { Config, Session } from "../src/contract";
import { createSession } from "../src/session";
import { Browser, Clock, Service, settle, tab, type Tab } from "./fakes";

const CONFIG: Config = {
  server: "https://help.example",
  siteKey: "shop",
  lang: "fi",
  page: "https://shop.example/cart?customer=7#pay",
  store: "session",
};
const MESSAGES = "/messages";

const running: Session[] = [];
afterEach(() => {
  for (const session of running.splice(0)) session.stop();
});

function begin(at: Tab, config: Partial<Config> = {}): Session {
  const session = createSession({ ...CONFIG, ...config }, at.env);
  running.push(session);
  session.start();
  return session;
}

async function asked(service = new Service(), at = tab(service)): Promise<[Session, Service, Tab]> {
  const session = begin(at);
  session.commands.ask("Hukkasin korttini");
  await settle();
  return [session, service, at];
}

const texts = (session: Session): string[] => session.state.entries.map((one) => one.text);

describe("before the first message", () => {
  it("stores nothing and calls nobody until the chat is opened", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    session.commands.draft("Hei");
    session.commands.close();
    await settle();
    expect(service.calls).toEqual([]);
    session.commands.open();
    session.commands.search("kortti");
    await at.clock.pass(1_000);
    expect(service.calls.map((call) => call.path)).toEqual(["/v1/welcome", "/v1/search"]);
    expect(session.state.suggestions[0]?.text).toBe("Hukkasin korttini");
    expect(session.state.contact[0]?.value).toBe("020 123 400");
    expect(session.state.searchResults?.[0]?.url).toBe("https://help.example/help/fi/lost-card#lead");
    expect([...at.session.kept, ...at.local.kept]).toEqual([]);
  });
});

describe("asking", () => {
  it("opens a conversation, sends once, and shows the reply", async () => {
    const [session, service] = await asked();
    expect(service.stored.map((one) => one.text)).toEqual(["Hukkasin korttini"]);
    expect(texts(session)).toEqual(["Hukkasin korttini", "Vastaus: Hukkasin korttini"]);
    expect(session.state).toMatchObject({ busy: false, started: true, connection: "online" });
    expect(session.state.buttons).toEqual([{ press: "helped", index: 0, label: "Kyllä" }]);
    expect(session.state.entries[1]?.reply?.answer?.url).toBe("https://help.example/help/fi/lost-card#lead");
  });

  it("tells the service whether the customer has read what is to be read first", async () => {
    const service = new Service();
    const [unread] = await asked(service);
    unread.stop();
    const at = tab(service);
    const session = begin(at);
    service.notice = { text: "Tallennamme viestisi.", url: "" };
    session.commands.open();
    await settle();
    expect(session.state.notice).toEqual(service.notice);
    session.commands.ask("Hei");
    await settle();
    const begun = service.calls.filter((call) => call.method === "POST" && call.path === "/v1/conversations");
    expect(begun.map((call) => (call.body as { notice_shown: boolean }).notice_shown)).toEqual([false, true]);
  });

  it("keeps the token out of addresses, and the page's query to itself", async () => {
    const [, service] = await asked();
    expect(service.calls.filter((call) => call.path.includes("t-c1"))).toEqual([]);
    expect(service.calls.find((call) => call.path.endsWith(MESSAGES))?.token).toBe("t-c1");
    expect(service.calls[0]?.body).toMatchObject({ page: "https://shop.example/cart", lang: "fi" });
    expect(service.calls[0]?.headers.get("X-Helppari-Site")).toBe("shop");
  });

  it("takes two presses of Enter as one message, and the same words later as another", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    session.commands.ask("Hei");
    session.commands.ask("Hei");
    await at.clock.pass(1_000);
    session.commands.ask("Hei");
    await settle();
    expect(service.stored).toHaveLength(2);
  });

  it("takes two presses of a button as one", async () => {
    const [session, service] = await asked();
    const button = session.state.buttons[0]!;
    session.commands.press(button);
    session.commands.press(button);
    await settle();
    expect(service.stored.map((one) => one.press)).toEqual([null, "helped"]);
    expect(session.state.entries[2]).toMatchObject({ text: "Kyllä", press: "helped" });
  });

  it("sends the same id again when the answer was lost, and shows the message once", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    let lost = 0;
    service.trouble = (path) => (path.endsWith(MESSAGES) && lost++ < 2 ? "after" : null);
    session.commands.ask("Hei");
    await settle();
    expect(session.state.entries).toMatchObject([{ text: "Hei", state: "queued" }]);
    expect(session.state).toMatchObject({ connection: "down", error: "network" });
    await at.clock.pass(10_000);
    expect(service.of(MESSAGES)).toBe(3);
    expect(service.stored).toHaveLength(1);
    expect(texts(session)).toEqual(["Hei", "Vastaus: Hei"]);
    expect(session.state).toMatchObject({ connection: "online", error: null });
  });

  it("keeps the order of what was written while the network was away, and sends it when it is back", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    service.trouble = () => "network";
    at.online = false;
    for (const text of ["yksi", "kaksi", "kolme"]) session.commands.ask(text);
    await at.clock.pass(5_000);
    expect(session.state.connection).toBe("offline");
    expect(session.state.entries.map((one) => one.state)).toEqual(["queued", "queued", "queued"]);
    service.trouble = () => null;
    at.online = true;
    at.feel("online");
    await settle();
    expect(service.stored.map((one) => one.text)).toEqual(["yksi", "kaksi", "kolme"]);
    expect(session.state.entries.filter((one) => one.state === "sent")).toHaveLength(3);
  });

  it("waits as long as the service says", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    let full = true;
    service.trouble = (path) =>
      full && path.endsWith(MESSAGES) ? service.problem("rate-limited", 429, { "Retry-After": "30" }) : null;
    session.commands.ask("Hei");
    await at.clock.pass(29_000);
    expect(service.of(MESSAGES)).toBe(1);
    expect(session.state).toMatchObject({ error: "rate-limited", connection: "online" });
    full = false;
    await at.clock.pass(2_000);
    expect(service.stored).toHaveLength(1);
  });

  it("gives a call that hangs up, and tries again", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    let hangs = true;
    service.trouble = (path) => (hangs && path.endsWith(MESSAGES) ? "hang" : null);
    session.commands.ask("Hei");
    await at.clock.pass(19_000);
    expect(session.state.busy).toBe(true);
    hangs = false;
    await at.clock.pass(3_000);
    expect(service.stored).toHaveLength(1);
    expect(session.state.busy).toBe(false);
  });

  it("marks what the service refuses, goes on with the next, and sends it again when told", async () => {
    const service = new Service();
    const at = tab(service);
    const session = begin(at);
    let refuse = true;
    service.trouble = (path) => {
      const refused = refuse && path.endsWith(MESSAGES);
      refuse = refuse && !refused;
      return refused ? service.problem("invalid-request", 422) : null;
    };
    session.commands.ask("liian pitkä");
    session.commands.ask("lyhyt");
    await settle();
    expect(service.stored.map((one) => one.text)).toEqual(["lyhyt"]);
    expect(session.state.entries.find((one) => one.text === "liian pitkä")?.state).toBe("failed");
    session.commands.retry();
    await settle();
    expect(service.stored.map((one) => one.text)).toEqual(["lyhyt", "liian pitkä"]);
  });
});

describe("coming back", () => {
  it("shows the conversation again after a reload, with the draft, and doubles nothing", async () => {
    const [first, service, at] = await asked();
    first.commands.open();
    first.commands.go("conversation");
    first.commands.seen();
    first.commands.draft("Ja sitten");
    first.stop();
    const again = begin(tab(service, { session: at.session, clock: at.clock }));
    await settle();
    expect(texts(again)).toEqual(["Hukkasin korttini", "Vastaus: Hukkasin korttini"]);
    expect(again.state).toMatchObject({ draft: "Ja sitten", started: true, open: true, unread: 0 });
    expect(service.stored).toHaveLength(1);
  });

  it("sends after a reload what the service had stored or had not, once", async () => {
    for (const how of ["after", "network"] as const) {
      const service = new Service();
      const at = tab(service);
      const first = begin(at);
      service.trouble = (path) => (path.endsWith(MESSAGES) ? how : null);
      first.commands.ask("Hei");
      await settle();
      first.stop();
      service.trouble = () => null;
      const again = begin(tab(service, { session: at.session, clock: at.clock }));
      await settle();
      expect(service.stored).toHaveLength(1);
      expect(texts(again)).toEqual(["Hei", "Vastaus: Hei"]);
    }
  });

  it("keeps a first message that never left over a reload", async () => {
    const service = new Service();
    const at = tab(service);
    service.trouble = () => "network";
    const first = begin(at);
    first.commands.ask("Hei");
    await settle();
    first.stop();
    service.trouble = () => null;
    const again = begin(tab(service, { session: at.session, clock: at.clock }));
    await settle();
    expect(texts(again)).toEqual(["Hei", "Vastaus: Hei"]);
    expect(service.conversations).toHaveLength(1);
  });

  it("begins a new conversation with the typed text when the token's time is over", async () => {
    const [session, service] = await asked();
    session.commands.draft("kesken");
    let expired = true;
    service.trouble = (path) => {
      const refused = expired && path.endsWith("/c1/messages");
      expired = expired && !refused;
      return refused ? service.problem("wrong-token", 403) : null;
    };
    service.entries = [];
    session.commands.ask("Vielä yksi");
    await settle();
    expect(service.conversations).toEqual(["c1", "c2"]);
    expect(service.calls.at(-1)).toMatchObject({ path: "/v1/conversations/c2/messages", token: "t-c2" });
    expect(texts(session)).toEqual(["Vielä yksi", "Vastaus: Vielä yksi"]);
    expect(session.state).toMatchObject({ expired: true, draft: "kesken" });
  });

  it("gives up a message that a second, new conversation refuses too", async () => {
    const [session, service] = await asked();
    service.trouble = (path) => (path.endsWith(MESSAGES) ? service.problem("wrong-token", 403) : null);
    session.commands.ask("Vielä yksi");
    await settle();
    expect(service.conversations).toHaveLength(2);
    expect(session.state.entries.at(-1)?.state).toBe("failed");
  });

  it("knows from the clock that the token's time is over", async () => {
    const [first, service, at] = await asked();
    first.stop();
    at.clock.now = Date.parse("2026-11-27T09:00:00Z");
    const calls = service.calls.length;
    const again = begin(tab(service, { session: at.session, clock: at.clock }));
    await settle();
    expect(service.calls).toHaveLength(calls);
    expect(again.state).toMatchObject({ expired: true, started: false });
  });

  it("stays open for a page that opened it before what is kept was read", async () => {
    const [first, service, at] = await asked();
    first.commands.open();
    first.commands.close();
    first.stop();
    const again = createSession(CONFIG, tab(service, { session: at.session, clock: at.clock }).env);
    running.push(again);
    again.commands.open();
    again.start();
    await settle();
    expect(again.state).toMatchObject({ open: true, screen: "conversation" });
    expect(texts(again)).toEqual(["Hukkasin korttini", "Vastaus: Hukkasin korttini"]);
  });

  it("asks the service when its own clock may be wrong", async () => {
    const [first, service, at] = await asked();
    first.stop();
    at.clock.now = Date.parse("2026-11-26T09:00:00Z"); // a day after the end, says this device
    const again = begin(tab(service, { session: at.session, clock: at.clock }));
    await settle();
    expect(again.state).toMatchObject({ expired: false, started: true });
    expect(texts(again)).toEqual(["Hukkasin korttini", "Vastaus: Hukkasin korttini"]);
  });

  it("forgets everything when the conversation is deleted, and ends it at the service", async () => {
    const [session, service, at] = await asked();
    session.commands.draft("salaista");
    service.trouble = (path) => (path.endsWith("/close") && service.of("/close") < 2 ? "network" : null);
    session.commands.deleteConversation();
    await settle();
    expect([...at.session.kept]).toEqual([]);
    expect(session.state).toMatchObject({ entries: [], started: false, draft: "", screen: "home" });
    await at.clock.pass(5_000);
    expect(service.calls.filter((call) => call.path.endsWith("/close")).map((call) => call.token)).toEqual(["t-c1", "t-c1"]);
  });

  it("leaves a message that is on its way to the conversation it was written in", async () => {
    const [session, service] = await asked();
    session.commands.ask("vielä yksi"); // on its way
    session.commands.newConversation();
    await settle();
    expect(service.stored.map((one) => one.text)).toEqual(["Hukkasin korttini", "vielä yksi"]);
    expect(session.state).toMatchObject({ entries: [], started: false });
    session.commands.ask("uusi asia");
    await settle();
    expect(service.conversations).toHaveLength(2);
    expect(texts(session)).toEqual(["uusi asia", "Vastaus: uusi asia"]);
  });

  it("works where the browser keeps nothing", async () => {
    const service = new Service();
    const at = tab(service);
    const blocked = { ...at.env, session: (): never => { throw new DOMException("no", "SecurityError"); } };
    const session = createSession(CONFIG, blocked);
    running.push(session);
    session.start();
    session.commands.ask("Hei");
    await settle();
    expect(texts(session)).toEqual(["Hei", "Vastaus: Hei"]);
  });
});

describe("people", () => {
  async function handedOff(service = new Service(), at = tab(service)): Promise<[Session, Service, Tab]> {
    const all = await asked(service, at);
    all[0].commands.open();
    all[0].commands.person();
    await at.clock.pass(0);
    return all;
  }

  it("opens no stream while the bot has the conversation, one when people have it, none afterwards", async () => {
    const [session, service, at] = await asked();
    expect(service.streams).toHaveLength(0);
    expect(service.of("GET /v1/conversations/c1")).toBe(0);
    session.commands.person();
    await at.clock.pass(0);
    expect(service.streams).toHaveLength(1);
    expect(session.state.standing).toMatchObject({ place: 1, team: "Korttipalvelu", owner: "queue" });
    session.commands.deleteConversation();
    await settle();
    expect(service.streams[0]?.aborted).toBe(true);
  });

  it("shows what a person writes, counts it as unread, and tells when it was read", async () => {
    const [session, service, at] = await handedOff();
    session.commands.close();
    const { unread } = session.state;
    const { sequence } = service.person("Hei, olen Maija.");
    await at.clock.pass(300);
    expect(session.state.entries.at(-1)).toMatchObject({ author: "person", name: "Maija", text: "Hei, olen Maija." });
    expect(session.state.unread).toBe(unread + 1);
    expect(service.of("/read")).toBe(0);
    session.commands.open();
    session.commands.seen();
    session.commands.seen();
    await settle();
    expect(session.state.unread).toBe(0);
    expect(service.calls.filter((call) => call.path.endsWith("/read")).map((call) => call.body)).toEqual([{ up_to: sequence }]);
  });

  it("does not call read what came while the tab was hidden, until it is shown", async () => {
    const [session, service, at] = await handedOff();
    at.visible = false;
    service.person("Oletko siellä?");
    await at.clock.pass(0);
    session.commands.seen();
    await settle();
    expect(service.of("/read")).toBe(0);
    at.visible = true;
    at.feel("visible");
    await settle();
    expect(service.of("/read")).toBe(1);
  });

  it("misses and doubles nothing when the stream breaks", async () => {
    const [session, service, at] = await handedOff();
    service.person("yksi");
    await settle();
    service.streams[0]?.end();
    await settle();
    service.person("kaksi");
    await at.clock.pass(5_000);
    service.person("kolme");
    await at.clock.pass(300);
    expect(service.streams).toHaveLength(2);
    const theirs = session.state.entries.filter((one) => one.author === "person").map((one) => one.text);
    expect(theirs).toEqual(["yksi", "kaksi", "kolme"]);
  });

  it("finds a person's message that came just before the customer's own", async () => {
    const [session, service, at] = await handedOff();
    for (const stream of service.streams) stream.push = () => undefined; // the line is slow
    service.person("ensin");
    session.commands.ask("sitten");
    await at.clock.pass(300);
    expect(texts(session).slice(-2)).toEqual(["ensin", "sitten"]);
  });

  it("notices a line that has gone silent", async () => {
    const [, service, at] = await handedOff();
    await at.clock.pass(39_000);
    expect(service.streams).toHaveLength(1);
    await at.clock.pass(4_000);
    expect(service.streams.map((one) => one.aborted)).toEqual([true, false]);
  });

  it("polls when streams do not get through, and tries them again later", async () => {
    const service = new Service();
    let blocked = true;
    const at = tab(service);
    service.trouble = (path) => (blocked && path.endsWith("/events") && !polled() ? "network" : null);
    const polled = (): boolean => service.calls.at(-1)?.headers.get("Accept") !== "text/event-stream";
    const [session] = await handedOff(service, at);
    await at.clock.pass(15_000);
    service.person("perillä");
    await at.clock.pass(5_000);
    expect(session.state.entries.at(-1)?.text).toBe("perillä");
    expect(service.streams).toHaveLength(0);
    blocked = false;
    await at.clock.pass(250_000);
    expect(service.streams.at(-1)?.aborted).toBe(false);
  });

  it("tells that the customer is writing, but not at every key", async () => {
    const [session, service, at] = await asked();
    session.commands.typing();
    expect(service.of("/typing")).toBe(0); // the bot does not care
    session.commands.person();
    await at.clock.pass(10);
    for (let key = 0; key < 60; key += 1) {
      session.commands.typing();
      await at.clock.pass(100);
    }
    expect(service.of("/typing")).toBe(2);
  });

  it("shows who is writing until it is over", async () => {
    const [session, service, at] = await handedOff();
    service.streams[0]?.push(`event: signal\ndata: {"signals": [{"kind": "typing", "name": "Maija", "seconds": 6}]}\n\n`);
    await settle();
    expect(session.state.typing).toBe("Maija");
    await at.clock.pass(6_100);
    expect(session.state.typing).toBeNull();
  });

  it("marks the customer's messages as read", async () => {
    const [session, service, at] = await handedOff();
    const event = { sequence: 90, type: "messages_read", data: { up_to: 1 } };
    service.readUpTo = 1;
    service.streams[0]?.push(`event: messages_read\ndata: ${JSON.stringify({ ...event, at: "", actor: { kind: "agent" } })}\n\n`);
    await at.clock.pass(0);
    expect(session.state.entries.filter((one) => one.author === "customer").map((one) => one.state)).toEqual(["read", "sent"]);
  });

  it("says what is wrong with an address, and lets it be given again", async () => {
    const [session, service] = await handedOff();
    service.trouble = (path) => (path.endsWith("/contact") ? service.problem("invalid-request", 422) : null);
    session.commands.contact("väärin", "");
    await settle();
    expect(session.state.error).toBe("invalid-request");
    service.trouble = () => null;
    session.commands.contact(" a@b.example ", "");
    await settle();
    expect(session.state.error).toBeNull();
    expect(service.calls.findLast((call) => call.path.endsWith("/contact"))?.body).toMatchObject({ email: "a@b.example" });
  });

  it("keeps a score", async () => {
    const [session, service, at] = await handedOff();
    service.csat = { asked: true, score: null };
    service.person("Valmista.");
    await at.clock.pass(300);
    expect(session.state.csat).toBe("ask");
    service.csat = { asked: true, score: 5 };
    session.commands.rate(5, " Kiitos ");
    await settle();
    expect(session.state.csat).toBe("sent");
    expect(service.calls.find((call) => call.path.endsWith("/csat"))?.body).toEqual({ score: 5, comment: "Kiitos" });
  });
});

describe("tabs", () => {
  it("share the conversation; one follows it, and another takes over", async () => {
    const service = new Service();
    const browser = new Browser();
    const clock = new Clock();
    const tabs = Array.from({ length: 7 }, () => begin(tab(service, { browser, clock })));
    tabs[0]?.commands.ask("Hei");
    await settle();
    tabs[0]?.commands.person();
    await clock.pass(500);
    expect(service.conversations).toHaveLength(1);
    expect(service.streams).toHaveLength(1);
    service.person("Maija tässä");
    await clock.pass(500);
    for (const one of tabs) expect(texts(one).filter((text) => text === "Maija tässä")).toHaveLength(1);
    tabs[0]?.stop();
    await clock.pass(500);
    expect(service.streams.map((one) => one.aborted)).toEqual([true, false]);
    service.person("vielä");
    await clock.pass(500);
    for (const one of tabs.slice(1)) expect(texts(one).at(-1)).toBe("vielä");
  });

  it("show in one what was asked in another, once", async () => {
    const service = new Service();
    const browser = new Browser();
    const clock = new Clock();
    const [one, other] = [begin(tab(service, { browser, clock })), begin(tab(service, { browser, clock }))];
    one.commands.ask("Hei");
    await clock.pass(500);
    other.commands.ask("Hei taas");
    await clock.pass(500);
    const all = ["Hei", "Vastaus: Hei", "Hei taas", "Vastaus: Hei taas"];
    expect([texts(one), texts(other)]).toEqual([all, all]);
    const keys = one.state.entries.map((entry) => entry.key);
    expect(new Set(keys).size).toBe(4);
  });

  it("forget together", async () => {
    const service = new Service();
    const browser = new Browser();
    const clock = new Clock();
    const second = tab(service, { browser, clock });
    const [one, other] = [begin(tab(service, { browser, clock })), begin(second)];
    one.commands.ask("Hei");
    await clock.pass(500);
    expect(other.state.started).toBe(true);
    one.commands.deleteConversation();
    await clock.pass(500);
    expect(other.state).toMatchObject({ started: false, entries: [] });
    expect([...second.session.kept]).toEqual([]);
  });

  it("poll each for itself where they cannot know of each other", async () => {
    const service = new Service();
    const clock = new Clock();
    const session = begin(tab(service, { browser: null, clock }));
    session.commands.person();
    await clock.pass(100);
    service.person("perillä");
    await clock.pass(5_000);
    expect(service.streams).toHaveLength(0);
    expect(texts(session).at(-1)).toBe("perillä");
  });
});
