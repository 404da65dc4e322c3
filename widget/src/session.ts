/** One customer's conversation in one tab: the commands, and what keeps it true and whole. */

import { Api, troubled, type Access, type Reply, type Signal, type Transcript } from "./api";
import { Articles } from "./articles";
import type { Button, Commands, Config, Press, Session, State } from "./contract";
import { browser, type Environment } from "./environment";
import { Following } from "./following";
import { Sending } from "./sending";
import { initial, involvesPeople, lastFromPeople, reduce, type Action, type Model, type Outgoing } from "./state";
import { Keeper } from "./storage";
import { backoff, type Followed } from "./stream";
import { Tabs, type Word } from "./tabs";

/** Spacing of calls, in milliseconds. */
const TYPING_MS = 4_000;
const READ_AGAIN_MS = 250;
/** The same words within this time are one message: a double click, or two presses of Enter. */
const TWICE_MS = 400;
/** A device's clock may be wrong by this much: within it the service is asked whether a token's time is over. */
const WRONG_CLOCK_MS = 172_800_000;

type Timer = "search" | "send" | "again" | "typing" | "close";

export function createSession(config: Config, env: Environment = browser()): Session {
  return new Live(config, env);
}

class Live implements Session {
  #model: Model;
  #access: Access | null = null;
  #running = false;
  #wasOpen = false;
  #tries = 0;
  #typedAt = 0;
  #readMark = 0;
  #lastAsked = { text: "", at: 0 };
  #reading: Promise<void> | null = null;
  #stale = false;
  #following: Following | null = null;
  #tabs: Tabs | null = null;
  #unlisten: (() => void) | null = null;
  #seenWhileHidden = false;
  /** What was said before this tab joined is nothing new. */
  #allSeen = false;
  readonly #timers = new Map<Timer, number>();
  readonly #listeners = new Set<() => void>();
  readonly #api: Api;
  readonly #sending: Sending;
  readonly #articles: Articles;
  readonly #keeper: Keeper;
  readonly #name: string;
  readonly #page: string;
  readonly commands: Commands;

  constructor(
    config: Config,
    private readonly env: Environment,
  ) {
    this.#model = initial(config.lang);
    this.#api = new Api(config.server, config.siteKey, env);
    // What stands after ? or # may be the customer's own business.
    this.#page = (config.page.split(/[?#]/)[0] ?? "").slice(0, 2_000);
    this.#articles = new Articles(this.#api, this.#page.replace(/^\w+:\/\/[^/]*/, ""), env, {
      state: () => this.state,
      set: (to) => this.#set(to),
      well: () => this.#well(),
      unwell: (error) => this.#unwell(error),
      later: (name, ms, act) => this.#later(name, ms, act),
      opened: (lang, id) => {
        if (this.#access) this.#tell(this.#access, "articles/opened", { article_id: id, lang });
      },
    });
    this.#sending = new Sending(this.#api, env, {
      queue: () => this.#model.queue,
      access: () => this.#access,
      begin: (lang) => this.#begin(lang),
      running: () => this.#running,
      do: (action) => this.#do(action),
      sent: (access, id, reply) => this.#sent(access, id, reply),
      lost: () => this.#lost(),
      unsent: (trouble) => {
        this.#unwell(trouble);
        this.#set({ error: trouble.kind });
      },
      later: (name, ms, act) => this.#later(name, ms, act),
    });
    this.#name = `helppari:${config.server}:${config.siteKey}`;
    this.#keeper = new Keeper(this.#name, config.store === "local" ? env.local : env.session, env.session);
    this.commands = this.#commands();
  }

  get state(): State {
    return this.#model.view;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tabs = new Tabs(this.#name, this.env, (word) => this.#hear(word));
    this.#unlisten = this.env.listen((what) => this.#felt(what));
    const access = this.#keeper.access();
    const notes = this.#keeper.notes();
    if (notes) {
      const items = notes.queue.map((one) => (one.state === "sending" ? { ...one, state: "queued" as const } : one));
      this.#do({ do: "queue", items });
      this.#set({ draft: this.state.draft || notes.draft, open: notes.open || this.state.open, screen: "conversation" });
      this.#do({ do: "seen", upTo: notes.seen });
    }
    this.#allSeen = !notes;
    if (access && Date.parse(access.expires) + WRONG_CLOCK_MS > this.env.now()) this.#take(access);
    else if (access) this.#lost();
    else if (this.#sending.waiting) void this.#send();
    else this.#tabs.say({ t: "hello" });
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#endFollowing();
    for (const timer of this.#timers.values()) this.env.clearTimeout(timer);
    this.#timers.clear();
    this.#articles.stop();
    this.#unlisten?.();
    this.#tabs?.close();
    this.#tabs = null;
  }

  // --- The state ---------------------------------------------------------------------------------------------

  #do(action: Action): void {
    const before = this.#model;
    this.#model = reduce(before, action);
    if (this.#model === before) return;
    this.#note();
    this.#follow();
    for (const listener of [...this.#listeners]) listener();
  }

  #set(to: Extract<Action, { do: "set" }>["to"]): void {
    this.#do({ do: "set", to });
  }

  /** Keeps what belongs to this tab: only once there is a conversation, or a message on its way to one. */
  #note(): void {
    if (!this.#running || !(this.#access || this.#model.queue.length)) return;
    const { draft, open } = this.state;
    this.#keeper.note({ draft, open, queue: this.#model.queue, seen: this.#model.seen });
  }

  #later(name: Timer, ms: number, act: () => void): void {
    const before = this.#timers.get(name);
    if (before !== undefined) this.env.clearTimeout(before);
    const run = (): void => {
      this.#timers.delete(name);
      act();
    };
    this.#timers.set(name, this.env.setTimeout(run, ms));
  }

  #well(): void {
    if (this.state.connection === "online") return;
    this.#set({ connection: "online" });
    void this.#send(); // whatever got through: what waits need not wait any longer
  }

  /** Shows what is wrong with the line; what is wrong with one call is said by that call. */
  #unwell(error: unknown): void {
    const trouble = troubled(error);
    if (!this.env.online()) this.#set({ connection: "offline" });
    else if (trouble.passing && trouble.status !== 429) this.#set({ connection: "down" });
    else this.#well();
  }

  // --- The conversation --------------------------------------------------------------------------------------

  /** Goes on with a conversation that exists: after a reload, or from another tab. */
  #take(access: Access): void {
    this.#access = access;
    this.#keeper.keep(access);
    this.#set({ started: true });
    void this.#send().then(() => this.#read());
  }

  /** The conversation cannot be used any more: its token's time is over, or the service does not know it. */
  #lost(): void {
    this.#access = null;
    this.#endFollowing();
    this.#keeper.forget();
    // What waits begins a new conversation; the old one's lines would not fit it.
    if (this.#model.queue.length) this.#do({ do: "leave", all: false });
    this.#set({ expired: true, started: false });
    void this.#send();
  }

  /** Leaves the conversation here and in the other tabs. */
  #leave(all: boolean): void {
    const id = this.#access?.id;
    this.#access = null;
    this.#readMark = 0;
    this.#endFollowing();
    this.#keeper.forget();
    this.#do({ do: "leave", all });
    this.#keeper.forget();
    if (id) this.#tabs?.say({ t: "gone", id });
  }

  #enqueue(press: Press | null, text: string, index = 0, label = ""): void {
    const lang = this.state.lang;
    const at = new Date(this.env.now()).toISOString();
    const item: Outgoing = { id: this.env.id(), text, press, index, label, lang, at, state: "queued" };
    if (!this.#access && this.state.expired) this.#do({ do: "leave", all: false });
    this.#do({ do: "queue", items: [item] });
    this.#set({ screen: "conversation", error: null });
    void this.#send();
  }

  #send(): Promise<void> {
    return this.#sending.send();
  }

  #sent(access: Access, id: string, reply: Reply): void {
    const before = this.#model.owner;
    this.#well();
    if (this.state.error) this.#set({ error: null });
    this.#do({ do: "reply", id, reply, at: new Date(this.env.now()).toISOString() });
    this.#tabs?.say({ t: "changed", id: access.id });
    if (before !== "bot" || reply.owner !== "bot" || this.state.standing) this.#readSoon(0);
  }

  async #begin(lang: string): Promise<Access> {
    const { locale, zone } = this.env.locale();
    const notice_shown = this.state.notice !== null;
    const access = await this.#api.start({ lang, locale: locale.slice(0, 35), time_zone: zone, page: this.#page, notice_shown });
    this.#access = access;
    this.#keeper.keep(access);
    this.#set({ started: true });
    this.#tabs?.say({ t: "here", access });
    return access;
  }

  #readSoon(ms: number): void {
    this.#later("again", ms, () => void this.#read());
  }

  /** Reads the conversation from the service: the truth, whatever was missed. */
  #read(): Promise<void> {
    if (!this.#access || !this.#running) return Promise.resolve();
    if (this.#reading) {
      this.#stale = true; // this reading may be too early: once more after it
      return this.#reading;
    }
    this.#stale = false;
    const access = this.#access;
    this.#reading = this.#readOnce(access).finally(() => {
      this.#reading = null;
      if (this.#stale) this.#readSoon(READ_AGAIN_MS);
    });
    return this.#reading;
  }

  async #readOnce(access: Access): Promise<void> {
    try {
      const body = await this.#api.transcript(access);
      if (this.#access?.id !== access.id) return;
      this.#well();
      this.#apply(body);
      this.#tabs?.say({ t: "transcript", id: access.id, body });
    } catch (error) {
      if (this.#access?.id !== access.id) return;
      const { lost, wait } = troubled(error);
      if (lost) return this.#lost();
      this.#unwell(error);
      this.#readSoon(Math.max(wait ?? 0, backoff(++this.#tries, this.env.random)));
    }
  }

  #apply(body: Transcript): void {
    this.#tries = 0;
    const said = lastFromPeople(this.#model);
    this.#do({ do: "transcript", body });
    if (this.state.typing && lastFromPeople(this.#model) > said) this.#signals([]);
    if (this.#allSeen) this.#do({ do: "seen" });
    this.#allSeen = false;
    if (this.#access && body.expires_at !== this.#access.expires) {
      this.#access = { ...this.#access, expires: body.expires_at };
      this.#keeper.keep(this.#access);
    }
  }

  // --- Following ---------------------------------------------------------------------------------------------

  /** Follows while people are involved, and only once what was before is known. */
  #follow(): void {
    const wanted = this.#running && this.#access && this.#model.last > 0 && involvesPeople(this.#model);
    if (!wanted || !this.#access) return this.#endFollowing();
    if (this.#following?.id === this.#access.id || !this.#tabs) return;
    this.#endFollowing();
    const following = (this.#following = new Following(this.#access.id, this.env));
    following.begin(this.#tabs, this.#followable(this.#access));
  }

  #endFollowing(): void {
    const following = this.#following;
    this.#following = null;
    following?.end();
    if (following && this.state.typing) this.#set({ typing: null });
  }

  #followable(access: Access): Followed {
    const { id } = access;
    return {
      stream: (after, signal) => this.#api.stream(access, after, signal),
      news: (after, signal) => this.#api.news(access, after, signal),
      last: () => this.#model.last,
      // That something happened is enough to know: words, places, promises and times are the service's.
      happened: () => this.#readSoon(0),
      signals: (signals) => {
        this.#tabs?.say({ t: "signals", id, signals });
        this.#signals(signals);
      },
      health: (trouble) => {
        if (!trouble) this.#well();
        else if (trouble.lost && this.#access?.id === id) this.#lost();
        else this.#unwell(trouble);
      },
    };
  }

  #signals(signals: readonly Signal[]): void {
    const one = signals.find((signal) => signal.kind === "typing");
    const typing = one?.name ?? null;
    if (typing !== this.state.typing) this.#set({ typing });
    if (one) this.#later("typing", one.seconds * 1_000, () => this.#set({ typing: null }));
  }

  // --- Other tabs, and the browser ---------------------------------------------------------------------------

  #hear(word: Word): void {
    const mine = this.#access?.id;
    switch (word.t) {
      case "hello":
        if (this.#access) this.#tabs?.say({ t: "here", access: this.#access });
        return;
      case "here":
        // Not while a message of this tab is about to begin a conversation.
        if (!mine && !this.#model.queue.length && !this.state.expired) this.#take(word.access);
        return;
      case "gone":
        if (mine === word.id) this.#leave(true);
        return;
      default:
        if (mine !== word.id) return;
    }
    if (word.t === "signals") this.#signals(word.signals);
    else if (word.t === "seen") this.#do({ do: "seen", upTo: word.upTo });
    else if (word.t === "transcript") this.#apply(word.body);
    else if (this.env.visible()) this.#readSoon(READ_AGAIN_MS);
    else this.#stale = true;
  }

  #felt(what: "online" | "offline" | "visible" | "hidden"): void {
    if (what === "offline") return this.#access || this.#model.queue.length ? this.#set({ connection: "offline" }) : undefined;
    if (what === "hidden") return;
    if (what === "visible" && this.#seenWhileHidden) this.commands.seen();
    this.#again();
  }

  /** Tries at once what waits: the network is back, or the tab was asleep. */
  #again(): void {
    this.#tries = 0;
    this.#sending.refresh();
    if (!this.#access && !this.#model.queue.length) return;
    this.#following?.poke();
    const read = this.#stale || involvesPeople(this.#model) || this.state.connection !== "online";
    void this.#send().then(() => (read ? this.#read() : undefined));
  }

  // --- Commands ----------------------------------------------------------------------------------------------

  #commands(): Commands {
    return {
      open: () => {
        const first = !this.#wasOpen && this.state.started;
        this.#wasOpen = true;
        this.#set(first ? { open: true, screen: "conversation" } : { open: true });
        void this.#articles.welcome();
      },
      close: () => this.#set({ open: false }),
      go: (screen) => this.#set({ screen, error: null }),
      ask: (text) => this.#ask(text.trim()),
      press: (button) => this.#press(button),
      person: () => this.#press({ press: "person", index: 0, label: "" }),
      feedback: (helped) => this.#press({ press: helped ? "helped" : "not_helped", index: 0, label: "" }),
      noNeed: () => this.#press({ press: "no_need", index: 0, label: "" }),
      draft: (draft) => (draft === this.state.draft ? undefined : this.#set({ draft })),
      search: (text) => this.#articles.search(text.trim()),
      openArticle: (lang, id) => void this.#articles.open(lang, id),
      contact: (email, phone) => {
        const body = { client_message_id: this.env.id(), email: email.trim(), phone: phone.trim() };
        void this.#act("contact", body);
      },
      callback: (phone, wished) => void this.#act("callback", { phone: phone.trim(), wished: wished.trim() }),
      rate: (score, comment) => {
        const body = { score, comment: comment.trim().slice(0, 1_000) };
        void this.#act("csat", body, () => this.#set({ csat: "sent" }));
      },
      deleteConversation: () => {
        const access = this.#access;
        this.#leave(true);
        this.#set({ screen: "home" });
        if (access) void this.#close(access, 1);
      },
      newConversation: () => {
        // What is on its way belongs to the conversation that is left.
        for (const { id, state } of this.#model.queue) if (state === "sending") this.#do({ do: "drop", id });
        this.#leave(false);
        this.#set({ screen: "conversation" });
        void this.#send();
      },
      setLanguage: (lang) => {
        if (lang === this.state.lang) return;
        this.#set({ lang, suggestions: [], searchResults: null });
        if (this.#wasOpen) void this.#articles.welcome();
      },
      typing: () => this.#typing(),
      seen: () => void this.#seen(),
      retry: () => {
        for (const one of this.#model.queue) {
          if (one.state === "failed") this.#do({ do: "mark", id: one.id, state: "queued" });
        }
        this.#set({ error: null });
        this.#again();
      },
    };
  }

  #ask(text: string): void {
    const now = this.env.now();
    if (!text || (text === this.#lastAsked.text && now - this.#lastAsked.at < TWICE_MS)) return;
    this.#lastAsked = { text, at: now };
    this.#typedAt = 0;
    if (this.state.draft.trim() === text) this.#set({ draft: "" });
    this.#enqueue(null, text);
  }

  #press(button: Button): void {
    const { press, index } = button;
    if (this.#model.queue.some((one) => one.press === press && one.index === index && one.state !== "failed")) return;
    const known = this.state.buttons.find((one) => one.press === press && one.index === index);
    this.#enqueue(press, "", index, button.label || (known?.label ?? ""));
  }

  /** One of the calls beside writing; what comes of it is read from the service. */
  async #act(name: string, body: unknown, done?: () => void): Promise<void> {
    const access = this.#access;
    if (!access) return;
    this.#set({ error: null });
    try {
      await this.#api.act(access, name, body);
      this.#well();
      done?.();
      this.#tabs?.say({ t: "changed", id: access.id });
      await this.#read();
    } catch (error) {
      const { kind, lost } = troubled(error);
      if (lost && this.#access?.id === access.id) return this.#lost();
      this.#unwell(error);
      this.#set({ error: kind });
    }
  }

  /** Ends the matter at the service; the token is forgotten already, and lives on in this call only. */
  async #close(access: Access, attempt: number): Promise<void> {
    try {
      await this.#api.act(access, "close");
    } catch (error) {
      const { passing, wait } = troubled(error);
      if (passing && attempt < 6) {
        this.#later("close", Math.max(wait ?? 0, backoff(attempt, this.env.random)), () => {
          void this.#close(access, attempt + 1);
        });
      }
    }
  }

  /** Says something that may get lost. */
  #tell(access: Access, name: string, body: unknown): void {
    this.#api.act(access, name, body).catch(() => undefined);
  }

  /** Tells people that the customer is writing, every few seconds at most. */
  #typing(): void {
    const now = this.env.now();
    if (!this.#access || !involvesPeople(this.#model) || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#tell(this.#access, "typing", { typing: true });
  }

  /** Marks what is in sight as seen; people are told what of theirs was read. */
  async #seen(): Promise<void> {
    const { open, screen } = this.state;
    this.#seenWhileHidden = !this.env.visible();
    if (this.#seenWhileHidden || !open || screen !== "conversation") return;
    if (this.state.unread) {
      this.#do({ do: "seen" });
      if (this.#access) this.#tabs?.say({ t: "seen", id: this.#access.id, upTo: this.#model.seen });
    }
    const upTo = lastFromPeople(this.#model);
    if (!this.#access || upTo <= this.#readMark) return;
    const before = this.#readMark;
    this.#readMark = upTo;
    try {
      await this.#api.act(this.#access, "read", { up_to: upTo });
    } catch {
      this.#readMark = Math.min(this.#readMark, before); // said again the next time
    }
  }
}
