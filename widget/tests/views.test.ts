// @vitest-environment happy-dom
import { render } from "lit/html.js";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Launcher } from "../src/views/launcher";
import { panel } from "../src/views/panel";
import type { Scene } from "../src/views/scene";
import { standingLines } from "../src/views/standing";
import { entry, hit, reply, request, scene, state, words as translated } from "./scenes";

let box: HTMLElement;
beforeEach(() => {
  box = document.createElement("div");
  document.body.replaceChildren(box);
});

function draw(shown: Scene): Scene {
  render(panel(shown, () => undefined), box);
  return shown;
}
const all = (selector: string): HTMLElement[] => [...box.querySelectorAll<HTMLElement>(selector)];
const words = (selector: string): string[] => all(selector).map((one) => (one.textContent ?? "").replace(/\s+/g, " ").trim());
function button(label: string): HTMLElement {
  const found = all("button, summary").find((one) => one.textContent?.trim() === label || one.getAttribute("aria-label") === label);
  if (!found) throw new Error(`no button "${label}" among: ${words("button").join(", ")}`);
  return found;
}
function send(form: HTMLElement | null): void {
  form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
}

describe("the conversation", () => {
  test("is a log in which drawn messages are left alone, so that each is announced once", () => {
    draw(scene({ entries: [entry("1", { author: "customer" }), entry("2", { reply: reply() })] }));
    const before = all(".entry");
    expect(all("[role=log] .entry")).toHaveLength(2);
    const inside = all(".prose *");
    draw(scene({ entries: [entry("1", { author: "customer" }), entry("2", { reply: reply() }), entry("3")] }));
    expect(all(".entry").slice(0, 2)).toEqual(before);
    expect(all(".prose *")).toEqual(inside);
    expect(all(".entry")).toHaveLength(3);
  });

  test("quotes the article, with its source and three more that open inside the panel", () => {
    const shown = draw(scene({ entries: [entry("2", { reply: reply() })] }));
    expect(words(".prose")).toEqual(["Sulje kortti."]);
    expect(words(".choices ~ .others li, .log ~ .others li")).toEqual(["Ohje a", "Ohje b", "Ohje c"]);
    const source = all(".card a")[0];
    expect(source?.getAttribute("href")).toBe("https://help.example/help/fi/kortti");
    const click = new MouseEvent("click", { bubbles: true, cancelable: true });
    source?.dispatchEvent(click);
    expect(click.defaultPrevented).toBe(true);
    expect(shown.commands.openArticle).toHaveBeenCalledWith("fi", "kortti");
  });

  test("leaves a link alone that is wanted in a tab of its own", () => {
    const shown = draw(scene({ entries: [entry("2", { reply: reply() })] }));
    let left = false;
    const browser = (event: Event): void => {
      left = !event.defaultPrevented;
      event.preventDefault(); // or the link would be fetched
    };
    box.addEventListener("click", browser);
    all(".card a")[0]?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: true }));
    expect(left).toBe(true);
    expect(shown.commands.openArticle).not.toHaveBeenCalled();
  });

  test.each([
    [0.95, "Hyvin varma"],
    [0.75, "Melko varma"],
    [0.5, "Epävarma"],
  ])("says how sure %f is, in words and as the language writes numbers", (confidence, said) => {
    draw(scene({ entries: [entry("2", { reply: reply({ confidence }) })] }));
    expect(box.textContent).toContain(said);
    expect(box.textContent).toContain(`${Math.round(confidence * 100)}\u00a0%`);
  });

  test("says nothing of sureness about an article that the customer picked", () => {
    draw(scene({ entries: [entry("2", { reply: reply({ reason: "chosen" }) })] }));
    expect(box.textContent).not.toContain("varmuus");
  });

  test("labels what is in another language, for eyes and for voices", () => {
    const answer = { ...reply().answer!, lang: "sv" };
    draw(scene({ entries: [entry("2", { reply: reply({ answer }) })] }));
    expect(words(".tag")).toEqual(["Ohjeen kieli: ruotsi"]);
    expect(all(".prose")[0]?.lang).toBe("sv");
  });

  test("offers to read on only where the quotation is not whole", () => {
    draw(scene({ entries: [entry("2", { reply: reply() })] }));
    expect(box.textContent).not.toContain("Lue koko ohje");
    draw(scene({ entries: [entry("2", { reply: reply({ complete: false }) })] }));
    expect(words(".card a")).toContain("Lue koko ohje");
  });

  test("has the buttons that can be pressed, and asks whether the answer helped", () => {
    const buttons = [
      { press: "helped", index: 0, label: "Kyllä" },
      { press: "not_helped", index: 0, label: "Ei" },
    ] as const;
    const shown = draw(scene({ buttons }));
    expect(all(".choices")[0]?.getAttribute("aria-label")).toBe("Oliko tästä apua?");
    button("Ei").click();
    expect(shown.commands.press).toHaveBeenCalledWith(buttons[1]);
  });

  test("shows numbers so that they can be called, and words as words", () => {
    const details = [
      { kind: "crisis", label: "Kriisiapu", value: "MIELI 09 2525 0111" },
      { kind: "email", label: "Sähköposti", value: "a@b.example" },
      { kind: "hours", label: "Palveluajat", value: "ma–pe klo 8–17, 010 100 200" },
    ] as const;
    draw(scene({ entries: [entry("2", { reply: reply({ details }) })] }));
    expect(all("dl a").map((one) => one.getAttribute("href"))).toEqual(["tel:0925250111", "mailto:a@b.example"]);
    expect(all("dl")[0]?.className).toContain("urgent");
  });

  test("shows what anybody wrote as text, never as markup", () => {
    const evil = '<img src=x onerror="window.pwned=1">';
    draw(
      scene({
        entries: [
          entry("1", { author: "customer", text: evil }),
          entry("2", { author: "person", name: evil, text: evil, article: { ...hit("x"), title: evil, url: "javascript:window.pwned=1" } }),
          entry("3", { text: evil, reply: reply({ details: [{ kind: "phone", label: evil, value: evil }] }) }),
        ],
        buttons: [{ press: "choice", index: 0, label: evil }],
        standing: request({ team: evil, agent: evil }),
        typing: evil,
      }),
    );
    expect(all("img")).toEqual([]);
    expect(all("a").filter((one) => one.getAttribute("href")?.startsWith("javascript:"))).toEqual([]);
  });

  test("says what became of a message that waits or did not go", () => {
    draw(scene({ entries: [entry("1", { author: "customer", state: "queued" })] }));
    expect(words(".mark")).toEqual(["Odottaa yhteyttä."]);
    const shown = draw(scene({ entries: [entry("1", { author: "customer", state: "failed" })] }));
    button("Yritä uudelleen").click();
    expect(shown.commands.retry).toHaveBeenCalled();
  });

  test("says that a message was delivered and read only while people have it, and while it is the last", () => {
    const own = entry("1", { author: "customer", state: "read" });
    draw(scene({ entries: [own], standing: request() }));
    expect(words(".mark")).toEqual(["Viestisi on luettu."]);
    draw(scene({ entries: [own, entry("2", { author: "person", name: "Maija" })], standing: request() }));
    expect(words(".mark")).toEqual([]);
  });
});

describe("a person", () => {
  test.each(["home", "conversation", "requests"] as const)("can be asked for on the screen %s", (screen) => {
    const shown = draw(scene({ screen }));
    button("Haluan asiakaspalvelijalle").click();
    expect(shown.commands.person).toHaveBeenCalled();
  });

  test("is offered once, in the service's words, where the bot offers one", () => {
    const offered = { press: "person", index: 0, label: "Jätä kysymys asiakaspalveluun" } as const;
    const shown = draw(scene({ buttons: [offered] }));
    expect(words("button").filter((label) => label.includes("asiakaspalvel"))).toEqual([offered.label]);
    button(offered.label).click();
    expect(shown.commands.press).toHaveBeenCalledWith(offered);
  });

  test("is not asked for again while people have the request", () => {
    draw(scene({ standing: request() }));
    expect(all(".human")).toEqual([]);
  });
});

describe("what is to be read first", () => {
  const notice = { text: "Tallennamme viestisi.", url: "https://shop.example/tietosuoja" };

  test("stands by the field until there is a conversation, with its link", () => {
    draw(scene({ screen: "home", started: false, notice }));
    expect(box.querySelector("footer .notice")?.textContent).toContain("Tallennamme viestisi.");
    expect(box.querySelector<HTMLAnchorElement>("footer .notice a")?.href).toBe("https://shop.example/tietosuoja");
    draw(scene({ started: true, notice }));
    expect(box.querySelector(".notice")).toBeNull();
  });

  test("needs no link, and takes none that is no web address", () => {
    draw(scene({ started: false, notice: { ...notice, url: "" } }));
    expect(box.querySelector(".notice a")).toBeNull();
    draw(scene({ started: false, notice: { ...notice, url: "javascript:alert(1)" } }));
    expect(box.querySelector(".notice a")?.getAttribute("href")).toBe("#");
  });
});

describe("a request to people", () => {
  test.each([
    [request({ agent: "Maija", place: 0 }), "Maija hoitaa asiaasi."],
    [request({ live: true, place: 1 }), "Asiakaspalvelijamme vastaavat nyt. Olet jonossa seuraavana."],
    [request({ live: true, place: 3 }), "Asiakaspalvelijamme vastaavat nyt. Paikkasi jonossa on 3."],
    [request({ reply_by_words: "huomenna klo 8.00" }), "Saat vastauksen viimeistään huomenna klo 8.00."],
    [request(), "Kysymyksesi odottaa asiakaspalvelijaa."],
    [request({ staffed: false }), "Kysymyksesi on tallennettu."],
    [request({ state: "withdrawn" }), "Pyyntö on peruttu."],
    [request({ state: "unreachable" }), "Pyyntö on päättynyt. Voit kysyä uudelleen milloin vain."],
  ])("stands as it is %#", (standing, said) => {
    expect(standingLines(scene(), standing)[0]).toBe(said);
  });

  test("asks for an address until there is one, and then says that mail comes too", () => {
    expect(standingLines(scene(), request())).toContain("Jätä yhteystietosi, niin vastaus tavoittaa sinut, vaikka sulkisit sivun.");
    expect(standingLines(scene(), request({ reachable: true, mail: true }))[1]).toMatch(/^Vastaus tulee myös sähköpostiisi/);
    expect(standingLines(scene(), request({ reachable: true }))).toHaveLength(1);
  });

  test("takes an address, and says what to write where there is none", () => {
    const shown = draw(scene({ standing: request() }));
    const form = box.querySelector<HTMLFormElement>("form:has([name=contact0])");
    send(form);
    expect(shown.change).toHaveBeenLastCalledWith({ wrong: "contact" });
    expect(shown.commands.contact).not.toHaveBeenCalled();
    form!.querySelector<HTMLInputElement>("[name=contact0]")!.value = " a@b.example ";
    send(form);
    expect(shown.commands.contact).toHaveBeenCalledWith("a@b.example", "");
    draw(scene({ standing: request() }, { wrong: "contact" }));
    expect(words("[role=alert]")).toContain("Kirjoita sähköpostiosoite tai puhelinnumero.");
  });

  test("takes a wish to be called", () => {
    const shown = draw(scene({ standing: request() }));
    const form = box.querySelector<HTMLFormElement>("form:has([name=call1])");
    form!.querySelector<HTMLInputElement>("[name=call0]")!.value = "040 123 4567";
    form!.querySelector<HTMLInputElement>("[name=call1]")!.value = "iltapäivällä";
    send(form);
    expect(shown.commands.callback).toHaveBeenCalledWith("040 123 4567", "iltapäivällä");
  });

  test("can be called off, and the bot asked meanwhile, once", () => {
    const offered = { press: "ask_meanwhile", index: 0, label: "Kysy" } as const;
    const said = entry("2", { reply: reply({ outcome: "handed_off", answer: null, hits: [], buttons: [offered] }) });
    const shown = draw(scene({ standing: request(), entries: [said] }));
    button("Ei tarvitsekaan").click();
    expect(shown.commands.noNeed).toHaveBeenCalled();
    button("Kysy sillä välin automaatilta").click();
    expect(shown.commands.press).toHaveBeenCalledWith(expect.objectContaining({ press: "ask_meanwhile" }));
    draw(scene({ standing: request(), entries: [said, entry("3", { author: "customer", press: "ask_meanwhile" })] }));
    expect(words("button")).not.toContain("Kysy sillä välin automaatilta");
  });

  test("has its own screen with the link to its own page", () => {
    draw(scene({ screen: "requests", standing: request({ status_url: "https://help.example/status/x" }) }));
    expect(words("h3")).toEqual(["Missä kortti on?"]);
    expect(all("a").map((one) => one.getAttribute("href"))).toEqual(["https://help.example/status/x"]);
  });
});

describe("the score", () => {
  test("is asked for, needs a choice, and goes with what was written", () => {
    const shown = draw(scene({ csat: "ask" }));
    const form = box.querySelector<HTMLFormElement>("form.card");
    send(form);
    expect(shown.change).toHaveBeenLastCalledWith({ wrong: "csat" });
    expect(shown.commands.rate).not.toHaveBeenCalled();
    form!.querySelectorAll<HTMLInputElement>("[name=score]")[3]!.checked = true;
    form!.querySelector("textarea")!.value = "Hyvä";
    send(form);
    expect(shown.commands.rate).toHaveBeenCalledWith(4, "Hyvä");
  });

  test("is thanked for", () => {
    draw(scene({ csat: "sent" }));
    expect(box.textContent).toContain("Kiitos arviostasi!");
  });
});

describe("home", () => {
  test("says that the service is automatic, and suggests questions that are asked when they are pressed", () => {
    const suggestions = [{ text: "Miten suljen korttini?", article_id: "a", lang: "fi" }];
    const shown = draw(scene({ screen: "home", started: false, suggestions }));
    expect(box.textContent).toContain("automaattinen palvelu");
    all(".links button")[0]?.click();
    expect(shown.commands.ask).toHaveBeenCalledWith("Miten suljen korttini?");
    expect(all(".menu")).toEqual([]);
  });

  test("searches while the customer types, and says how many were found", () => {
    const shown = draw(scene({ screen: "home" }));
    const field = box.querySelector<HTMLInputElement>("input[type=search]")!;
    field.value = "kortti";
    field.dispatchEvent(new Event("input"));
    expect(shown.commands.search).toHaveBeenCalledWith("kortti");
    draw(scene({ screen: "home", searchResults: [hit("a"), hit("b", "sv")] }, { query: "kortti" }));
    expect(words("[role=status]")).toContain("2 ohjetta löytyi.");
    expect(words(".links li")).toEqual(["Ohje a", "Ohje b (ruotsi)"]);
    draw(scene({ screen: "home", searchResults: [] }, { query: "kortti" }));
    expect(box.textContent).toContain("Ohjeita ei löytynyt.");
  });
});

describe("an article", () => {
  const shown = {
    lang: "sv", id: "kort", status: "ready", title: "Kort", summary: "", updated: "2026-11-01", url: "https://help.example/help/sv/kort",
    sections: [
      { section_id: "lead", heading_path: [], text: "", html: '<p>Se <a href="/help/sv/annat">annat</a></p>', url: "" },
      { section_id: "b", heading_path: ["Kort", "Spärra"], text: "", html: "<p>x</p>", url: "" },
    ],
    translations: [{ lang: "fi", title: "Kortti", url: "https://help.example/help/fi/kort" }],
  } as const;

  test("is shown whole, in its language, and leads on inside the panel", () => {
    const drawn = draw(scene({ screen: "article", article: shown }));
    expect(all("article")[0]?.lang).toBe("sv");
    expect(words("article h3")).toEqual(["Spärra"]);
    expect(box.textContent).toContain("Päivitetty 1. marraskuuta 2026");
    box.querySelector<HTMLElement>(".prose a")?.click();
    expect(drawn.commands.openArticle).toHaveBeenLastCalledWith("sv", "annat");
    all("a").find((one) => one.textContent === "suomi")?.click();
    expect(drawn.commands.openArticle).toHaveBeenLastCalledWith("fi", "kort");
  });

  test("goes back to where it was opened", () => {
    const drawn = draw(scene({ screen: "article", article: shown }, { from: "conversation" }));
    button("Takaisin").click();
    expect(drawn.commands.go).toHaveBeenCalledWith("conversation");
  });

  test("that cannot be had says so", () => {
    draw(scene({ screen: "article", article: { ...shown, status: "missing", sections: [] } }));
    expect(words("h2")).toContain("Ohjetta ei löytynyt. Se on voitu siirtää tai poistaa.");
    const drawn = draw(scene({ screen: "article", article: { ...shown, status: "failed", sections: [] } }));
    button("Yritä uudelleen").click();
    expect(drawn.commands.openArticle).toHaveBeenCalledWith("sv", "kort");
  });
});

describe("trouble", () => {
  test("leaves contact details and the typed text", () => {
    const contact = [{ kind: "phone", label: "Puhelin", value: "020 123 400" }] as const;
    draw(scene({ connection: "down", contact, draft: "Kortti hukkui" }));
    expect(box.querySelector("dl a")?.getAttribute("href")).toBe("tel:020123400");
    expect(box.querySelector<HTMLTextAreaElement>("#draft")?.value).toBe("Kortti hukkui");
  });

  test.each([
    [{ connection: "offline" }, "Verkkoyhteys on poikki."],
    [{ expired: true }, "Tätä keskustelua ei voi enää jatkaa."],
    [{ error: "rate-limited" }, "Viestejä tuli monta peräkkäin."],
    [{ error: "constructor" }, "Jokin meni vikaan."],
  ] as const)("is told in words: %j", (changes, said) => {
    draw(scene(changes));
    expect(words(".trouble")[0]).toContain(said);
  });
});

describe("the field", () => {
  const press = (key: string, more: KeyboardEventInit = {}): KeyboardEvent => {
    const event = new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true, ...more });
    box.querySelector("#draft")?.dispatchEvent(event);
    return event;
  };

  test("sends with Enter, and not a new line, a half-composed word or nothing", () => {
    const shown = draw(scene({ draft: " Hei " }));
    expect(press("Enter", { shiftKey: true }).defaultPrevented).toBe(false);
    expect(press("Enter", { isComposing: true }).defaultPrevented).toBe(false);
    expect(shown.commands.ask).not.toHaveBeenCalled();
    press("Enter");
    expect(shown.commands.ask).toHaveBeenCalledWith("Hei");
    const empty = draw(scene({ draft: "  " }));
    press("Enter");
    expect(empty.commands.ask).not.toHaveBeenCalled();
  });

  test("keeps what is typed, and tells that somebody types", () => {
    const shown = draw(scene());
    const field = box.querySelector<HTMLTextAreaElement>("#draft")!;
    field.value = "Mo";
    field.dispatchEvent(new Event("input"));
    expect(shown.commands.draft).toHaveBeenCalledWith("Mo");
    expect(shown.commands.typing).toHaveBeenCalled();
  });
});

test("the conversation can be deleted after a word about what goes with it", () => {
  const shown = draw(scene());
  expect(box.textContent).toContain("odottava pyyntö perutaan");
  button("Poista").click();
  expect(shown.commands.deleteConversation).toHaveBeenCalled();
  button("Aloita uusi keskustelu").click();
  expect(shown.commands.newConversation).toHaveBeenCalled();
});

test("the launcher says how many messages wait", () => {
  const press = vi.fn();
  const launcher = new Launcher(press);
  const shown = launcher.box.querySelector("button");
  launcher.show(state({ open: false, unread: 2 }), translated("fi"));
  expect(shown?.getAttribute("aria-label")).toBe("Avaa keskustelu, 2 uutta viestiä");
  expect(shown?.getAttribute("aria-expanded")).toBe("false");
  expect(launcher.box.querySelector(".count")?.textContent).toBe("2");
  launcher.show(state({ open: true, unread: 100 }), translated("fi"));
  expect(shown?.getAttribute("aria-label")).toBe("Sulje keskustelu");
  expect(launcher.box.querySelector(".count")).toBeNull();
  launcher.show(state({ open: false, unread: 100 }), translated("sv"));
  expect(launcher.box.lang).toBe("sv");
  expect(launcher.box.querySelector(".count")?.textContent).toBe("99+");
  shown?.click();
  expect(press).toHaveBeenCalledOnce();
});
