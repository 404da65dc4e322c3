// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Config, Session, State } from "../src/contract";
import { TEXTS, commands, entry, reply, request, state } from "./scenes";

let now: State;
let told: () => void;
let config: Config;
const calls = commands();
const stopped = vi.fn();

vi.mock("../src/session.js", () => ({
  createSession: (given: Config): Session => {
    config = given;
    return {
      get state() {
        return now;
      },
      commands: calls,
      subscribe: (listener) => {
        told = listener;
        return () => undefined;
      },
      start: () => undefined,
      stop: stopped,
    };
  },
}));

/** The service's texts; the addresses that were asked for. */
const asked = vi.fn();
let down = false;
vi.stubGlobal("fetch", (address: string): Promise<Response> => {
  asked(address);
  const lang = /widget-texts\/(\w+)\.json/.exec(address)?.[1] ?? "";
  return down ? Promise.reject(new TypeError("fetch failed")) : Promise.resolve(new Response(JSON.stringify(TEXTS[lang])));
});
const loaded = (): Promise<void> => new Promise((done) => setTimeout(done));

const { HelppariChat } = await import("../src/element");
customElements.define("helppari-chat", HelppariChat);

async function change(changes: Partial<State>): Promise<void> {
  now = { ...now, ...changes };
  told();
  await Promise.resolve();
}

async function added(attributes: Record<string, string> = {}, changes: Partial<State> = {}): Promise<InstanceType<typeof HelppariChat>> {
  now = state({ open: false, screen: "home", started: false, ...changes });
  const element = document.createElement("helppari-chat") as InstanceType<typeof HelppariChat>;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  document.body.replaceChildren(element);
  await loaded();
  return element;
}
const inside = (element: HTMLElement, selector: string): HTMLElement => element.shadowRoot!.querySelector<HTMLElement>(selector)!;

beforeEach(() => {
  vi.clearAllMocks();
  down = false;
  document.documentElement.lang = "sv-FI";
});

describe("the element", () => {
  test("reads its attributes, and the page's language where it has none", async () => {
    await added({ server: "https://help.example/", "site-key": "shop", store: "local" });
    expect(config).toMatchObject({ server: "https://help.example", siteKey: "shop", lang: "sv", store: "local" });
    await added({ lang: "fi" });
    expect(config.lang).toBe("fi");
    expect(config.page).not.toMatch(/[?#]/);
  });

  test("begins again where another service is named, and not for its look", async () => {
    const element = await added({ server: "https://a.example" });
    stopped.mockClear(); // of the element before
    element.setAttribute("theme", "dark");
    expect(stopped).not.toHaveBeenCalled();
    element.setAttribute("server", "https://b.example");
    expect(stopped).toHaveBeenCalledOnce();
    expect(config.server).toBe("https://b.example");
    element.setLanguage("en-US");
    expect(calls.setLanguage).toHaveBeenCalledWith("en");
  });

  test("draws nothing but its button while it is closed", async () => {
    const element = await added();
    expect(inside(element, ".launcher").getAttribute("aria-expanded")).toBe("false");
    expect(inside(element, "header")).toBeNull();
  });

  test("obeys the page: open, ask, close", async () => {
    const element = await added();
    element.ask("  Missä kortti on? ");
    expect(calls.open).toHaveBeenCalled();
    expect(calls.ask).toHaveBeenCalledWith("Missä kortti on?");
    element.ask(" ");
    expect(calls.ask).toHaveBeenCalledOnce();
    element.close();
    expect(calls.close).toHaveBeenCalled();
  });

  test("says the host's own words, also those set before it was defined", async () => {
    const element = await added({}, { open: true });
    element.texts = { title: "Snacka" };
    await Promise.resolve();
    expect(inside(element, "#title").textContent).toBe("Snacka");
  });

  test("opens and asks for a person where the page says so", async () => {
    const element = await added();
    element.askForPerson();
    expect(calls.open).toHaveBeenCalled();
    expect(calls.person).toHaveBeenCalledOnce();
  });
});

describe("its texts", () => {
  test("are loaded on opening, once, and the panel waits for them with its head", async () => {
    const element = await added({ server: "https://help.example" }, { lang: "sv" });
    expect(asked).not.toHaveBeenCalled();
    await change({ open: true });
    expect(inside(element, "#title").textContent).toBe("Fråga oss");
    expect(inside(element, "#draft")).toBeNull();
    await loaded();
    expect(inside(element, "#draft").getAttribute("aria-label")).toBe("Skriv din fråga");
    await change({ open: false });
    await change({ open: true });
    await loaded();
    expect(asked).toHaveBeenCalledOnce();
    expect(asked.mock.calls[0]?.[0]).toMatch(/^https:\/\/help\.example\/widget-texts\/sv\.json\?v=/);
  });

  test("that do not come can be asked for again, and are when the panel is opened anew", async () => {
    down = true;
    const element = await added({}, { open: true, lang: "sv" });
    expect(inside(element, "[role=status]").textContent).toContain("Något gick fel.");
    inside(element, ".trouble button").click();
    await loaded();
    expect(asked).toHaveBeenCalledTimes(2);
    down = false;
    await change({ open: false });
    await change({ open: true });
    await loaded();
    expect(inside(element, "#draft")).not.toBeNull();
  });

  test("of the language before stay until those of the new one are there", async () => {
    const element = await added({}, { open: true, lang: "sv" });
    await change({ lang: "fi" });
    expect(inside(element, "dialog").lang).toBe("sv");
    await loaded();
    expect(inside(element, "dialog").lang).toBe("fi");
    expect(inside(element, "#draft").getAttribute("aria-label")).toBe("Kirjoita kysymyksesi");
  });
});

describe("events", () => {
  const question = entry("1", { author: "customer" });
  async function heard(changes: Partial<State>[]): Promise<[string, unknown][]> {
    const found: [string, unknown][] = [];
    const types = ["open", "close", "answer", "handoff", "error", "feedback"];
    const hear = (event: Event): number => found.push([event.type, (event as CustomEvent).detail]);
    for (const type of types) document.addEventListener(`helppari:${type}`, hear);
    for (const one of changes) await change(one);
    for (const type of types) document.removeEventListener(`helppari:${type}`, hear);
    return found;
  }

  test("tell of opening and closing", async () => {
    await added();
    expect((await heard([{ open: true }, { unread: 1 }, { open: false }])).map(([type]) => type)).toEqual(["helppari:open", "helppari:close"]);
  });

  test("tell of an answer once, by its article and never by its words", async () => {
    await added();
    const found = await heard([{ entries: [question] }, { entries: [question, entry("2", { reply: reply() })] }, { busy: true }]);
    expect(found).toEqual([["helppari:answer", { article_id: "kortti", lang: "fi", confidence: 0.93 }]]);
  });

  test("do not tell again of what a reload brings back", async () => {
    await added();
    expect(await heard([{ entries: [question, entry("2", { reply: reply() })], standing: request() }])).toEqual([]);
  });

  test("tell of a handoff, and of errors when they begin", async () => {
    await added({}, { entries: [question] });
    const found = await heard([{ standing: request() }, { connection: "down" }, { unread: 2 }, { connection: "online" }, { error: "rate-limited" }]);
    expect(found).toEqual([
      ["helppari:handoff", { team: "Korttipalvelu" }],
      ["helppari:error", { code: "down" }],
      ["helppari:error", { code: "rate-limited" }],
    ]);
  });

  test("tell whether the answer helped", async () => {
    const element = await added({}, { open: true, screen: "conversation", buttons: [{ press: "helped", index: 0, label: "Kyllä" }] });
    const found = vi.fn();
    document.addEventListener("helppari:feedback", found, { once: true });
    inside(element, "[data-press=helped]").click();
    expect((found.mock.calls[0]?.[0] as CustomEvent).detail).toEqual({ helped: true });
  });
});

describe("the page around it", () => {
  test("never hears the keys that are pressed in it", async () => {
    const element = await added({}, { open: true });
    const heard = vi.fn();
    for (const type of ["keydown", "keyup", "keypress"]) {
      document.addEventListener(type, heard);
      inside(element, "#draft").dispatchEvent(new KeyboardEvent(type, { key: "s", bubbles: true, composed: true }));
    }
    expect(heard).not.toHaveBeenCalled();
  });

  test("keeps its focus when messages, a handoff or a person's words arrive", async () => {
    const element = await added({}, { open: true, screen: "conversation" });
    const field = document.createElement("input");
    document.body.append(field);
    field.focus();
    await change({ entries: [entry("1")] });
    await change({ standing: request({ agent: "Maija" }), typing: "Maija", entries: [entry("1"), entry("2", { author: "person" })] });
    expect(document.activeElement).toBe(field);
    expect(element.shadowRoot?.activeElement ?? null).toBeNull();
  });

  test("keeps its focus when the panel was open before a reload", async () => {
    const field = document.createElement("input");
    const element = await added({}, { open: false });
    document.body.append(field);
    field.focus();
    await change({ open: true });
    expect(inside(element, "dialog").hasAttribute("open")).toBe(true);
    expect(document.activeElement).toBe(field);
  });
});

test("Escape closes the menu first, and then the panel", async () => {
  const element = await added({}, { open: true, started: true });
  const menu = inside(element, ".menu") as HTMLDetailsElement;
  menu.open = true;
  const escape = (): boolean =>
    inside(element, "#draft").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true, cancelable: true }));
  escape();
  expect(menu.open).toBe(false);
  expect(calls.close).not.toHaveBeenCalled();
  escape();
  expect(calls.close).toHaveBeenCalled();
});
