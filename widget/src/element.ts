/** The custom element: draws the session's state, and keeps focus, scrolling and events in order. */

import { html, render, type TemplateResult } from "lit/html.js";
import type { Button, Commands, Config, Entry, Session, State } from "./contract.js";
import { createSession } from "./session.js";
import { sheet } from "./styles.js";
import { supported, translator, type Overrides, type Translator, type Words } from "./texts.js";
import { Launcher } from "./views/launcher.js";
import { panel } from "./views/panel.js";
import { waitsForPeople, type Scene, type Ui } from "./views/scene.js";
import { Wording } from "./wording.js";

/** Where the whole screen is taken; the same as in the style sheet. */
const NARROW = "(max-width: 480px), (max-height: 440px)";
const NEAR = 80; //: pixels from the end that still count as reading along

export type HelppariEvent = "open" | "close" | "answer" | "handoff" | "error" | "feedback";

export class HelppariChat extends HTMLElement {
  static readonly observedAttributes = ["server", "site-key", "lang", "store"];

  /** Set where the element is defined: the script's own address. */
  static home = "";

  #session: Session | undefined;
  #commands: Commands | undefined;
  #end: (() => void) | undefined;
  #before: State | undefined;
  #narrow: MediaQueryList | undefined;
  #launcher: Launcher | undefined;
  #opener: HTMLElement | null = null;
  #focused: HTMLElement | null = null;
  #reading = true;
  #translator: { words: Words | undefined; texts: Overrides; t: Translator } | undefined;
  readonly #wording = new Wording(() => this.#redraw());

  #texts: Overrides = {};
  #ui: Ui = { query: "", wrong: "", below: false, from: "home" };
  #due = false;
  readonly #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    for (const type of ["keydown", "keyup", "keypress"]) this.addEventListener(type, (event) => event.stopPropagation());
  }

  /** The host's own words, by key, or by language and key. */
  get texts(): Overrides {
    return this.#texts;
  }

  set texts(words: Overrides) {
    this.#texts = words;
    this.#redraw();
  }

  /** Opens the panel and puts the focus into it. */
  open(): void {
    this.#opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.#commands?.open();
  }

  close(): void {
    this.#commands?.close();
  }

  /** Opens the panel and asks, as if the customer had written `text`. */
  ask(text: string): void {
    const question = String(text).trim();
    if (!question) return;
    this.open();
    this.#commands?.ask(question);
  }

  /** Opens the panel and asks for a person, as its own button does. */
  askForPerson(): void {
    this.open();
    this.#commands?.person();
  }

  /** Changes the language of the panel: "fi", "sv" or "en". */
  setLanguage(lang: string): void {
    this.lang = lang;
  }

  connectedCallback(): void {
    if (Object.hasOwn(this, "texts")) {
      const early = this.texts; // set before the element was defined
      Reflect.deleteProperty(this, "texts");
      this.texts = early;
    }
    this.#narrow = window.matchMedia(NARROW);
    this.#narrow.addEventListener("change", this.#refit);
    window.visualViewport?.addEventListener("resize", this.#measure);
    document.addEventListener("visibilitychange", this.#look);
    this.#root.addEventListener("focusin", this.#entered);
    this.#root.addEventListener("focusout", this.#left);
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#narrow?.removeEventListener("change", this.#refit);
    window.visualViewport?.removeEventListener("resize", this.#measure);
    document.removeEventListener("visibilitychange", this.#look);
    this.#root.removeEventListener("focusin", this.#entered);
    this.#root.removeEventListener("focusout", this.#left);
    this.#stop();
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (!this.#session || before === value) return;
    if (name === "lang") return this.#commands?.setLanguage(supported(this.lang));
    this.#stop();
    this.#begin();
  }

  get #server(): string {
    return (this.getAttribute("server") ?? HelppariChat.home).replace(/\/+$/, "");
  }

  #begin(): void {
    const config: Config = {
      server: this.#server,
      siteKey: this.getAttribute("site-key") ?? "",
      lang: supported(this.lang || document.documentElement.lang),
      page: location.origin + location.pathname,
      store: this.getAttribute("store") === "local" ? "local" : "session",
    };
    const session = createSession(config);
    this.#session = session;
    this.#commands = this.#told(session.commands);
    this.#before = session.state;
    this.#end = session.subscribe(this.#changed);
    // Each in a task of its own: nothing blocks a slow phone for long while its page loads.
    setTimeout(() => {
      this.#redraw();
      setTimeout(() => this.#session === session && session.start());
    });
  }

  #stop(): void {
    this.#end?.();
    this.#session?.stop();
    this.#session = this.#commands = this.#end = undefined;
  }

  #told(commands: Commands): Commands {
    return {
      ...commands,
      press: (button: Button) => {
        commands.press(button);
        if (button.press === "helped" || button.press === "not_helped") this.#tell("feedback", { helped: button.press === "helped" });
      },
      feedback: (helped: boolean) => {
        commands.feedback(helped);
        this.#tell("feedback", { helped });
      },
    };
  }

  #tell(type: HelppariEvent, detail: object = {}): void {
    this.dispatchEvent(new CustomEvent(`helppari:${type}`, { detail, bubbles: true, composed: true }));
  }

  readonly #changed = (): void => {
    const state = this.#session?.state;
    const before = this.#before;
    if (!state || !before || state === before) return;
    this.#before = state;
    if (state.open !== before.open) this.#tell(state.open ? "open" : "close");
    if (before.entries.length) {
      const known = new Set(before.entries.map(({ key }) => key));
      for (const { key, reply } of state.entries) {
        if (!reply?.answer || known.has(key)) continue;
        const { article_id, lang } = reply.answer;
        this.#tell("answer", { article_id, lang, confidence: reply.confidence });
      }
      if (waitsForPeople(state) && !waitsForPeople(before)) this.#tell("handoff", { team: state.standing?.team });
    }
    const wrong = (one: State): string | null => one.error ?? (one.connection === "down" ? "down" : null);
    if (wrong(state) && wrong(state) !== wrong(before)) this.#tell("error", { code: wrong(state) });
    if (state.screen !== before.screen) {
      this.#ui = { ...this.#ui, from: before.screen === "article" ? this.#ui.from : before.screen, wrong: "", below: false };
    }
    this.#redraw();
  };

  #redraw(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      const session = this.#session;
      if (!session) return;
      this.#paint(session.state, this.#commands ?? session.commands);
    });
  }

  /** The button at once; the panel only once it is opened. */
  #paint(state: State, commands: Commands): void {
    if (!this.#launcher) {
      this.#root.adoptedStyleSheets = [sheet()];
      this.#launcher = new Launcher(() => (this.#session?.state.open ? this.#commands?.close() : this.#commands?.open()));
      this.#root.append(this.#launcher.box);
    }
    this.#launcher.show(state, this.#words(state.lang));
    if (state.open || this.#dialog) render(this.#draw(state, commands), this.#root, { renderBefore: this.#launcher.box });
    this.#updated(state);
  }

  #set(ui: Partial<Ui>): void {
    this.#ui = { ...this.#ui, ...ui };
    this.#redraw();
  }

  #draw(state: State, commands: Commands): TemplateResult {
    const t = this.#words(state.lang);
    const scene: Scene = {
      state,
      commands,
      t,
      again: this.#wording.failed(state.lang) ? () => this.#load(true) : null,
      links: { base: this.#server || location.origin, newTab: t("new_tab") },
      now: new Date(),
      ui: this.#ui,
      change: (ui) => {
        if (ui.below === false) this.#body?.scrollTo(0, this.#body.scrollHeight);
        this.#set(ui);
      },
    };
    return html`<dialog
        part="panel"
        lang=${t.lang}
        aria-labelledby="title"
        @keydown=${this.#key}
        @cancel=${this.#cancelled}
      >
        ${state.open ? panel(scene, this.#scrolled) : ""}
      </dialog>`;
  }

  /** The translator of the language; of the one before, while the texts of a new one are on their way. */
  #words(lang: string): Translator {
    const words = this.#wording.of(lang);
    const had = this.#translator;
    if (!words && had?.t.whole && !this.#wording.failed(lang)) return had.t;
    if (!had || had.t.lang !== lang || had.words !== words || had.texts !== this.texts) {
      this.#translator = { words, texts: this.texts, t: translator(lang, this.texts, words) };
    }
    return this.#translator!.t;
  }

  #load(again: boolean): void {
    if (this.#session) void this.#wording.need(this.#server, this.#session.state.lang, again);
  }

  #find(selector: string): HTMLElement | null {
    return this.#root.querySelector<HTMLElement>(selector);
  }

  get #dialog(): HTMLDialogElement | null {
    return this.#find("dialog") as HTMLDialogElement | null;
  }

  get #body(): HTMLElement | null {
    return this.#find(".body");
  }

  #drawn: State | undefined;
  #whole = false;

  #updated(state: State): void {
    const dialog = this.#dialog;
    const before = this.#drawn;
    this.#drawn = state;
    if (!dialog) return;
    if (state.open !== dialog.open) {
      if (state.open) this.#show(dialog, before !== undefined);
      else this.#hide(dialog);
    } else if (state.open) {
      this.#keepFocus(before?.screen !== state.screen);
    }
    if (!state.open) return;
    this.#load(before?.open === false);
    const whole = this.#translator?.t.whole === true;
    if (whole && !this.#whole && this.#root.activeElement?.id === "title") this.#aim();
    this.#whole = whole;
    this.#follow(before, state);
  }

  // Opening, closing, focus

  #show(dialog: HTMLDialogElement, asked: boolean): void {
    const inside = this.#focused !== null || this.#opener !== null;
    this.#unfold(dialog);
    if (asked && inside) this.#aim();
  }

  #unfold(dialog: HTMLDialogElement): void {
    if (this.#narrow?.matches) {
      dialog.showModal();
      this.#find("#title")?.focus(); // a modal dialog takes the focus anyway, to its first button
    } else dialog.setAttribute("open", ""); // show() would take the focus, asked or not
    this.#measure();
  }

  #hide(dialog: HTMLDialogElement): void {
    const inside = this.#focused !== null || this.#lost();
    dialog.close();
    const opener = this.#opener;
    this.#opener = null;
    if (!inside) return;
    if (opener?.isConnected && opener !== this && opener !== document.body) opener.focus();
    else this.#find(".launcher")?.focus();
  }

  /** To the field on large screens; on phones to the heading, as the field would bring the keyboard up. */
  #aim(): void {
    const target = this.#narrow?.matches ? "#title" : "#draft";
    this.#find(target)?.focus();
    // Without its texts there is no field yet.
    if (!this.#translator?.t.whole) this.#find("#title")?.focus();
  }

  /** What had the focus was drawn away: the focus goes on in the panel, never to the page behind. */
  #keepFocus(moved: boolean): void {
    if (!this.#focused || this.#focused.isConnected || !this.#lost()) return;
    const heading = this.#find("[data-heading]");
    // An article's heading comes twice: while it loads, and with the article.
    if (moved || this.#focused.matches("[data-heading]")) heading?.focus();
    else this.#aim();
  }

  #lost(): boolean {
    const active = document.activeElement;
    return active === null || active === document.body || (active === this && this.#root.activeElement === null);
  }

  readonly #entered = (event: Event): void => {
    this.#focused = event.target as HTMLElement;
  };

  readonly #left = (event: Event): void => {
    const to = (event as FocusEvent).relatedTarget;
    if (to !== null || (event.target as HTMLElement).isConnected) {
      queueMicrotask(() => {
        if (!this.#focused?.isConnected) return;
        if (this.#root.activeElement === null) this.#focused = null;
      });
    }
  };

  readonly #refit = (): void => {
    const dialog = this.#dialog;
    if (!dialog?.open) return;
    const active = this.#root.activeElement;
    const inside = active instanceof HTMLElement;
    dialog.close();
    this.#unfold(dialog);
    if (inside) active.focus();
  };

  readonly #key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    const menu = this.#root.querySelector<HTMLDetailsElement>(".menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    } else {
      this.close();
    }
  };

  readonly #cancelled = (event: Event): void => {
    event.preventDefault();
    this.close();
  };

  /** On phones the keyboard covers what is fixed: the panel ends above it. */
  readonly #measure = (): void => {
    const height = window.visualViewport?.height;
    if (height) this.#dialog?.style.setProperty("--height", `${Math.round(height)}px`);
  };

  // Scrolling

  readonly #scrolled = (): void => {
    const body = this.#body;
    if (!body) return;
    this.#reading = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR;
    if (this.#reading && this.#ui.below) this.#set({ below: false });
    this.#look();
  };

  /** Shows what has come from its beginning, unless the customer is reading further up. */
  #follow(before: State | undefined, state: State): void {
    const body = this.#body;
    if (!body) return;
    const fresh = before?.open !== true || before.screen !== state.screen;
    if (state.screen !== "conversation") {
      if (fresh || before.article !== state.article) body.scrollTop = 0;
      return;
    }
    const newest = state.entries.at(-1);
    const come = fresh || newest?.key !== before.entries.at(-1)?.key;
    const more = before?.busy !== state.busy || before.buttons !== state.buttons || before.standing !== state.standing;
    if (!newest || !(come || more)) return;
    if (fresh || newest.author === "customer" || this.#reading) {
      const top = this.#topOf(newest);
      body.scrollTop = top === null ? body.scrollHeight : Math.min(body.scrollHeight, top - 12);
      this.#reading = true;
    } else if (come) {
      this.#set({ below: true });
    }
    this.#look();
  }

  #topOf(entry: Entry): number | null {
    const shown = this.#find(".entry:last-child");
    const body = this.#body;
    if (!shown || !body || entry.author === "customer") return null;
    return shown.getBoundingClientRect().top - body.getBoundingClientRect().top + body.scrollTop;
  }

  readonly #look = (): void => {
    const state = this.#session?.state;
    if (!state?.open || state.screen !== "conversation" || document.visibilityState !== "visible" || !this.#reading) return;
    const newest = state.entries.at(-1)?.key;
    if (!newest || (newest === this.#seen && !state.unread)) return;
    this.#seen = newest;
    this.#commands?.seen();
  };
  #seen = "";
}
