/** The service's calls: typed, with a time limit, and with problems as errors that say what to do. */

import type { Answer, ArticleSection, Button, ContactLine, Hit, Notice, Outcome, Owner, Press, Question, Translation } from "./contract";

/** Longest that a call may take, in milliseconds. */
export const READ_MS = 10_000;
export const WRITE_MS = 20_000;

/** A call that did not work. `kind` is a problem's short name, "network" or "timeout". */
export class Trouble extends Error {
  constructor(
    readonly kind: string,
    readonly status = 0,
    /** Milliseconds to wait, if the service said so. */
    readonly wait: number | null = null,
  ) {
    super(kind);
  }

  /** Whether the same call may work later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** Whether the conversation cannot be used any more. */
  get lost(): boolean {
    return ["wrong-token", "missing-token", "unknown-conversation"].includes(this.kind);
  }
}

/** The trouble that was thrown; of any other error, the line is to blame. */
export function troubled(error: unknown, kind = "network"): Trouble {
  return error instanceof Trouble ? error : new Trouble(kind);
}

export interface Reply {
  readonly conversation_id: string;
  readonly sequence: number;
  readonly owner: Owner;
  readonly text: string;
  readonly said: string;
  readonly reply: {
    readonly outcome: Outcome;
    readonly reason: string;
    readonly confidence: number | null;
    readonly choices_confidence: number | null;
    readonly language: string;
    readonly answer: Answer | null;
    readonly hits: readonly Hit[];
  } | null;
  readonly complete: boolean;
  readonly buttons: readonly Button[];
  readonly details: readonly ContactLine[];
}

export interface Said {
  readonly sequence: number;
  readonly at: string;
  readonly author: "customer" | "bot" | "agent" | "service";
  readonly name: string;
  readonly text: string;
  readonly press: Press | null;
  readonly index: number;
  readonly client_message_id: string;
  readonly message: Reply | null;
  readonly article: Omit<Hit, "score"> | null;
}

export interface Transcript {
  readonly conversation_id: string;
  readonly language: string;
  readonly owner: Owner;
  readonly expires_at: string;
  readonly last_sequence: number;
  readonly entries: readonly Said[];
  readonly request: {
    readonly state: "open" | "resolved" | "withdrawn" | "unreachable" | "abandoned";
    readonly question: string;
    readonly asked_at: string;
    readonly waiting_since: string;
    readonly ended_at: string | null;
    readonly team: string;
    readonly agent: string;
    readonly staffed: boolean;
    readonly live: boolean;
    readonly place: number;
    readonly reply_by: string | null;
    readonly reply_by_words: string;
    readonly delivered: boolean;
    readonly answered: boolean;
    readonly read_up_to: number;
    readonly mail: boolean;
    readonly reachable: boolean;
    readonly call: { readonly phone: string; readonly wished: string } | null;
  } | null;
  readonly csat: { readonly asked: boolean; readonly score: number | null };
  readonly status_url: string;
}

export interface Signal {
  readonly kind: string;
  readonly name: string;
  readonly seconds: number;
}

export interface News {
  readonly owner: Owner;
  /** Each is something that happened (docs/reference/events.md); the conversation says what. */
  readonly events: readonly unknown[];
  readonly next: number;
  readonly more: boolean;
  readonly signals: readonly Signal[];
}

/** The conversation's name and secret. */
export interface Access {
  readonly id: string;
  readonly token: string;
  /** ISO 8601. */
  readonly expires: string;
}

export interface Message {
  readonly client_message_id: string;
  readonly text: string;
  readonly press: Press | null;
  readonly index: number;
  readonly lang: string;
}

export interface Article {
  readonly article_id: string;
  readonly lang: string;
  readonly title: string;
  readonly summary: string;
  readonly updated: string | null;
  readonly url: string;
  readonly sections: readonly ArticleSection[];
  readonly translations: readonly Translation[];
}

/** What a customer who opens the chat is shown. */
export interface Welcome {
  readonly notice: Notice | null;
  readonly contact: readonly ContactLine[];
  readonly questions: readonly Question[];
}

export interface ApiEnvironment {
  readonly fetch: typeof fetch;
  readonly setTimeout: (act: () => void, ms: number) => number;
  readonly clearTimeout: (id: number) => void;
  readonly now: () => number;
}

interface Call {
  readonly method?: "POST";
  readonly body?: unknown;
  readonly access?: Access;
  readonly signal?: AbortSignal | undefined;
  /** Sequence after which a stream of events begins: the answer itself is returned, and goes on. */
  readonly after?: number;
}

export class Api {
  readonly #base: string;

  constructor(
    server: string,
    private readonly siteKey: string,
    private readonly env: ApiEnvironment,
  ) {
    this.#base = server.replace(/\/+$/, "");
  }

  async start(body: { lang: string; locale: string; time_zone: string; page: string; notice_shown: boolean }): Promise<Access> {
    const made = await this.#call<{ conversation_id: string; token: string; expires_at: string }>("/v1/conversations", {
      method: "POST",
      body,
    });
    return { id: made.conversation_id, token: made.token, expires: made.expires_at };
  }

  message(access: Access, body: Message): Promise<Reply> {
    return this.#call(at(access, "/messages"), { method: "POST", body, access });
  }

  transcript(access: Access): Promise<Transcript> {
    return this.#call(at(access, ""), { access });
  }

  /** One of the calls beside writing; what they answer is not needed. */
  act(access: Access, name: string, body?: unknown): Promise<void> {
    return this.#call(at(access, `/${name}`), { method: "POST", body, access });
  }

  /** Opens the stream of events; the answer's body goes on. */
  stream(access: Access, after: number, signal: AbortSignal): Promise<Response> {
    return this.#call(at(access, "/events"), { access, signal, after });
  }

  news(access: Access, after: number, signal: AbortSignal): Promise<News> {
    return this.#call(at(access, `/events?after=${after}`), { access, signal });
  }

  welcome(lang: string, page: string, title: string): Promise<Welcome> {
    return this.#call(`/v1/welcome?${new URLSearchParams({ lang, page, title })}`, {});
  }

  async search(text: string, lang: string, signal?: AbortSignal): Promise<readonly Hit[]> {
    const query = new URLSearchParams({ q: text.slice(0, 300), lang });
    return (await this.#call<{ hits: readonly Hit[] }>(`/v1/search?${query}`, { signal })).hits;
  }

  article(lang: string, id: string): Promise<Article> {
    return this.#call(`/v1/articles/${encodeURIComponent(lang)}/${encodeURIComponent(id)}`, {});
  }

  /** The address as a whole one; empty if it is none that a page may link to. */
  #absolute(address: string): string {
    try {
      const page = typeof location === "object" ? location.href : undefined;
      const found = new URL(address, this.#base ? `${this.#base}/` : page);
      return /^https?:$/.test(found.protocol) ? found.href : "";
    } catch {
      return "";
    }
  }

  async #call<Body>(path: string, call: Call): Promise<Body> {
    const { access, after, body, method = "GET", signal } = call;
    const stop = new AbortController();
    const ended = (): void => stop.abort();
    signal?.addEventListener("abort", ended);
    if (signal?.aborted) ended();
    let kind = "network";
    const late = (): void => {
      kind = "timeout";
      ended();
    };
    const timer = this.env.setTimeout(late, body === undefined ? READ_MS : WRITE_MS);
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (access) headers["Authorization"] = `Bearer ${access.token}`;
    if (this.siteKey) headers["X-Helppari-Site"] = this.siteKey;
    if (after !== undefined) Object.assign(headers, { Accept: "text/event-stream", "Last-Event-ID": String(after) });
    try {
      const response = await this.env.fetch(this.#base + path, {
        method,
        headers,
        signal: stop.signal,
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw await this.#trouble(response);
      if (after !== undefined) return response as Body;
      const text = await response.text();
      // Every address in an answer becomes a whole one that a page may link to.
      const whole = (key: string, value: unknown): unknown => (value && /^(status_)?url$/.test(key) ? this.#absolute(String(value)) : value);
      return (text ? JSON.parse(text, whole) : null) as Body;
    } catch (error) {
      // Cut off in the middle, or not the service at all.
      throw troubled(error, kind);
    } finally {
      this.env.clearTimeout(timer);
      // A stream goes on: its signal must still end it.
      if (after === undefined) signal?.removeEventListener("abort", ended);
    }
  }

  async #trouble(response: Response): Promise<Trouble> {
    let kind = `http-${response.status}`;
    try {
      const type = ((await response.json()) as { type?: unknown }).type;
      if (typeof type === "string" && type.startsWith("urn:helppari:problem:")) kind = type.slice(21);
    } catch {
      // Not the service's own words: a proxy's page.
    }
    return new Trouble(kind, response.status, retryAfter(response.headers.get("Retry-After"), this.env.now()));
  }
}

function at({ id }: Access, rest: string): string {
  return `/v1/conversations/${encodeURIComponent(id)}${rest}`;
}

/** Milliseconds to wait, from seconds or a date; null for none, at most ten minutes. */
export function retryAfter(value: string | null, now: number): number | null {
  if (value === null || value === "") return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), 600_000);
}
