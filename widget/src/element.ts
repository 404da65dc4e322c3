/** The custom element: draws the session's state, and keeps focus, scrolling and events in order. */

import { LitElement, html, type PropertyValues, type TemplateResult } from "lit";
import type { Button, Commands, Config, Entry, Session, State } from "./contract.js";
import { createSession } from "./session.js";
import { styles } from "./styles.js";
import { supported, translator, type Overrides, type Translator } from "./texts.js";
import { launcher } from "./views/launcher.js";
import { panel } from "./views/panel.js";
import { waitsForPeople, type Scene, type Ui } from "./views/scene.js";

/** Where the whole screen is taken; the same as in the style sheet. */
const NARROW = "(max-width: 480px), (max-height: 440px)";
const NEAR = 80; //: pixels from the end that still count as reading along

export type HelppariEvent = "open" | "close" | "answer" | "handoff" | "error" | "feedback";

export class HelppariChat extends LitElement {
  static override styles = styles;
  static override properties = {
    server: {},
    siteKey: { attribute: "site-key" },
    lang: {},
    position: {},
    theme: {},
    store: {},
    texts: { attribute: false },
    ui: { state: true },
  };
  /** Address of the service; by default where the script came from. */
  declare server: string;
  declare siteKey: string;
  declare position: "right" | "left";
  declare theme: "auto" | "light" | "dark";
  /** Whether the conversation is kept for this tab ("session") or for this browser ("local"). */
  declare store: "session" | "local";
  /** The host's own words, by key, or by language and key. */
  declare texts: Overrides;
  declare ui: Ui;

  /** Set where the element is defined: the script's own address. */
  static home = "";

  #session: Session | undefined;
  #commands: Commands | undefined;
  #end: (() => void) | undefined;
  #before: State | undefined;
  #narrow: MediaQueryList | undefined;
  #opener: HTMLElement | null = null;
  #focused: HTMLElement | null = null;
  #reading = true;
  #translator: { lang: string; texts: Overrides; t: Translator } | undefined;

  constructor() {
    super();
    this.server = HelppariChat.home;
    this.siteKey = "";
    this.lang = document.documentElement.lang;
    this.position = "right";
    this.theme = "auto";
    this.store = "session";
    this.texts = {};
    this.ui = { query: "", wrong: "", below: false, from: "home" };
    for (const type of ["keydown", "keyup", "keypress"]) this.addEventListener(type, (event) => event.stopPropagation());
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

  /** Changes the language of the panel: "fi", "sv" or "en". */
  setLanguage(lang: string): void {
    this.lang = lang;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#narrow = window.matchMedia(NARROW);
    this.#narrow.addEventListener("change", this.#refit);
    window.visualViewport?.addEventListener("resize", this.#measure);
    document.addEventListener("visibilitychange", this.#look);
    this.renderRoot.addEventListener("focusin", this.#entered);
    this.renderRoot.addEventListener("focusout", this.#left);
    this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#narrow?.removeEventListener("change", this.#refit);
    window.visualViewport?.removeEventListener("resize", this.#measure);
    document.removeEventListener("visibilitychange", this.#look);
    this.renderRoot.removeEventListener("focusin", this.#entered);
    this.renderRoot.removeEventListener("focusout", this.#left);
    this.#stop();
  }

  #begin(): void {
    const config: Config = {
      server: this.server.replace(/\/+$/, ""),
      siteKey: this.siteKey,
      lang: supported(this.lang),
      page: location.origin + location.pathname,
      store: this.store === "local" ? "local" : "session",
    };
    const session = createSession(config);
    this.#session = session;
    this.#commands = this.#told(session.commands);
    this.#before = session.state;
    this.#end = session.subscribe(this.#changed);
    session.start();
    this.requestUpdate();
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
      const from = before.screen === "article" ? this.ui.from : before.screen;
      this.ui = { ...this.ui, from, wrong: "", below: false };
    }
    this.requestUpdate();
  };

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.hasUpdated || !this.#session) return;
    if (changed.has("server") || changed.has("siteKey") || changed.has("store")) {
      this.#stop();
      this.#begin();
    } else if (changed.has("lang")) {
      this.#commands?.setLanguage(supported(this.lang));
    }
  }

  protected override render(): TemplateResult {
    const session = this.#session;
    const commands = this.#commands;
    if (!session || !commands) return html``;
    const { state } = session;
    const t = this.#words(state.lang);
    const scene: Scene = {
      state,
      commands,
      t,
      links: { base: this.server || location.origin, newTab: t("new_tab") },
      now: new Date(),
      ui: this.ui,
      change: (ui) => {
        if (ui.below === false && this.ui.below) this.#toEnd();
        this.ui = { ...this.ui, ...ui };
      },
    };
    return html`<dialog
        part="panel"
        lang=${state.lang}
        aria-labelledby="title"
        @keydown=${this.#key}
        @cancel=${this.#cancelled}
      >
        ${state.open ? panel(scene, this.#scrolled) : ""}
      </dialog>
      <div lang=${state.lang}>${launcher(scene)}</div>`;
  }

  #words(lang: string): Translator {
    if (this.#translator?.lang !== lang || this.#translator.texts !== this.texts) {
      this.#translator = { lang, texts: this.texts, t: translator(lang, this.texts) };
    }
    return this.#translator.t;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }

  get #body(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>(".body");
  }

  #drawn: State | undefined;

  protected override updated(): void {
    const state = this.#session?.state;
    const dialog = this.#dialog;
    if (!state || !dialog) return;
    const before = this.#drawn;
    this.#drawn = state;
    if (state.open !== dialog.open) {
      if (state.open) this.#show(dialog, before !== undefined);
      else this.#hide(dialog);
    } else if (state.open) {
      this.#keepFocus(before?.screen !== state.screen);
    }
    if (state.open) this.#follow(before, state);
  }

  // Opening, closing, focus

  #show(dialog: HTMLDialogElement, asked: boolean): void {
    const inside = this.#focused !== null || this.#opener !== null;
    if (this.#narrow?.matches) dialog.showModal();
    else dialog.setAttribute("open", ""); // show() would take the focus, asked or not
    this.#measure();
    if (asked && inside) this.#aim();
  }

  #hide(dialog: HTMLDialogElement): void {
    const inside = this.#focused !== null || this.#lost();
    dialog.close();
    const opener = this.#opener;
    this.#opener = null;
    if (!inside) return;
    if (opener?.isConnected && opener !== this && opener !== document.body) opener.focus();
    else this.renderRoot.querySelector<HTMLElement>(".launcher")?.focus();
  }

  /** To the field on large screens; on phones to the heading, as the field would bring the keyboard up. */
  #aim(): void {
    const target = this.#narrow?.matches ? "#title" : "#draft";
    this.renderRoot.querySelector<HTMLElement>(target)?.focus();
  }

  /** What had the focus was drawn away: the focus goes on in the panel, never to the page behind. */
  #keepFocus(moved: boolean): void {
    if (!this.#focused || this.#focused.isConnected || !this.#lost()) return;
    const heading = this.renderRoot.querySelector<HTMLElement>("[data-heading]");
    if (moved) heading?.focus();
    else this.#aim();
  }

  #lost(): boolean {
    const active = document.activeElement;
    return active === null || active === document.body || (active === this && this.shadowRoot?.activeElement === null);
  }

  readonly #entered = (event: Event): void => {
    this.#focused = event.target as HTMLElement;
  };

  readonly #left = (event: Event): void => {
    const to = (event as FocusEvent).relatedTarget;
    if (to !== null || (event.target as HTMLElement).isConnected) {
      queueMicrotask(() => {
        if (!this.#focused?.isConnected) return;
        if (this.shadowRoot?.activeElement === null) this.#focused = null;
      });
    }
  };

  readonly #refit = (): void => {
    const dialog = this.#dialog;
    if (!dialog?.open) return;
    const active = this.shadowRoot?.activeElement;
    const inside = active instanceof HTMLElement;
    dialog.close();
    if (this.#narrow?.matches) dialog.showModal();
    else dialog.setAttribute("open", "");
    if (inside) active.focus();
    this.#measure();
  };

  readonly #key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    const menu = this.renderRoot.querySelector<HTMLDetailsElement>(".menu[open]");
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
    if (this.#reading && this.ui.below) this.ui = { ...this.ui, below: false };
    this.#look();
  };

  #toEnd(): void {
    const body = this.#body;
    if (body) body.scrollTop = body.scrollHeight;
  }

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
      this.ui = { ...this.ui, below: true };
    }
    this.#look();
  }

  #topOf(entry: Entry): number | null {
    const shown = this.renderRoot.querySelector<HTMLElement>(".entry:last-child");
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
