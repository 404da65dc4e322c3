/** The service's calls: typed, with a time limit, and with problems as errors that say what to do. */

import type { Answer, ArticleSection, Button, ContactLine, Hit, Outcome, Owner, Press, Translation } from "./contract";

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

/** Something that happened; `data` is as its type has it (docs/reference/events.md). */
export interface Happening {
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly actor: { readonly kind: string };
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Signal {
  readonly kind: string;
  readonly name: string;
  readonly seconds: number;
}

export interface News {
  readonly owner: Owner;
  readonly events: readonly Happening[];
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
  readonly headers?: Readonly<Record<string, string>>;
  readonly ms?: number;
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

  /** The address as a whole one; empty if it is none that a page may link to. */
  absolute(address: string): string {
    try {
      const page = typeof location === "object" ? location.href : undefined;
      const found = new URL(address, this.#base ? `${this.#base}/` : page);
      return found.protocol === "https:" || found.protocol === "http:" ? found.href : "";
    } catch {
      return "";
    }
  }

  /** The same with its `url` as a whole address. */
  linked<Linked extends { readonly url: string }>(one: Linked): Linked {
    return { ...one, url: this.absolute(one.url) };
  }

  async start(body: { lang: string; locale: string; time_zone: string; page: string }): Promise<Access> {
    const made = await this.#json<{ conversation_id: string; token: string; expires_at: string }>("/v1/conversations", {
      method: "POST",
      body,
    });
    return { id: made.conversation_id, token: made.token, expires: made.expires_at };
  }

  async message(access: Access, body: Message): Promise<Reply> {
    return this.#reply(await this.#json(this.#at(access, "/messages"), { method: "POST", body, access }));
  }

  async transcript(access: Access): Promise<Transcript> {
    const body = await this.#json<Transcript>(this.#at(access), { access });
    const entries = body.entries.map((one) => ({
      ...one,
      message: one.message && this.#reply(one.message),
      article: one.article && this.linked(one.article),
    }));
    return { ...body, entries, status_url: body.status_url && this.absolute(body.status_url) };
  }

  /** One of the calls beside writing; what they answer is not needed. */
  async act(access: Access, name: string, body?: unknown): Promise<void> {
    await (await this.#call(this.#at(access, `/${name}`), { method: "POST", body, access })).body?.cancel();
  }

  /** Opens the stream of events; the answer's body goes on. */
  stream(access: Access, after: number, signal: AbortSignal): Promise<Response> {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
    return this.#call(this.#at(access, "/events"), { access, signal, headers });
  }

  news(access: Access, after: number, signal: AbortSignal): Promise<News> {
    return this.#json(this.#at(access, `/events?after=${after}`), { access, signal });
  }

  async search(text: string, lang: string, signal?: AbortSignal): Promise<readonly Hit[]> {
    const query = new URLSearchParams({ q: text.slice(0, 300), lang });
    const found = await this.#json<{ hits: readonly Hit[] }>(`/v1/search?${query}`, { signal });
    return found.hits.map((hit) => this.linked(hit));
  }

  async article(lang: string, id: string): Promise<Article> {
    const path = `/v1/articles/${encodeURIComponent(lang)}/${encodeURIComponent(id)}`;
    const found = this.linked(await this.#json<Article>(path, {}));
    const linked = <Part extends { readonly url: string }>(one: Part): Part => this.linked(one);
    return { ...found, sections: found.sections.map(linked), translations: found.translations.map(linked) };
  }

  #reply(body: Reply): Reply {
    if (!body.reply) return body;
    const { answer, hits } = body.reply;
    const linked = { answer: answer && this.linked(answer), hits: hits.map((hit) => this.linked(hit)) };
    return { ...body, reply: { ...body.reply, ...linked } };
  }

  #at(access: Access, rest = ""): string {
    return `/v1/conversations/${encodeURIComponent(access.id)}${rest}`;
  }

  async #json<Body>(path: string, call: Call): Promise<Body> {
    const response = await this.#call(path, call);
    try {
      return (await response.json()) as Body;
    } catch {
      throw new Trouble("network"); // cut off in the middle, or not the service at all
    }
  }

  async #call(path: string, call: Call): Promise<Response> {
    const stop = new AbortController();
    const ended = (): void => stop.abort();
    call.signal?.addEventListener("abort", ended);
    if (call.signal?.aborted) stop.abort();
    let late = false;
    const timer = this.env.setTimeout(
      () => {
        late = true;
        stop.abort();
      },
      call.ms ?? (call.method ? WRITE_MS : READ_MS),
    );
    const headers: Record<string, string> = { Accept: "application/json", ...call.headers };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (call.access) headers["Authorization"] = `Bearer ${call.access.token}`;
    if (this.siteKey) headers["X-Helppari-Site"] = this.siteKey;
    try {
      const response = await this.env.fetch(this.#base + path, {
        method: call.method ?? "GET",
        headers,
        signal: stop.signal,
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      if (!response.ok) throw await this.#trouble(response);
      if (headers["Accept"] === "application/json") return await whole(response);
      return response;
    } catch (error) {
      if (error instanceof Trouble) throw error;
      throw new Trouble(late ? "timeout" : "network");
    } finally {
      this.env.clearTimeout(timer);
      // A stream goes on: its signal must still end it.
      if (headers["Accept"] === "application/json") call.signal?.removeEventListener("abort", ended);
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

/** The answer with its body read, so that the time limit covers it. */
async function whole(response: Response): Promise<Response> {
  const text = response.status === 204 ? null : await response.text();
  return new Response(text, { status: response.status, headers: response.headers });
}

/** Milliseconds to wait, from seconds or a date; null for none, at most ten minutes. */
export function retryAfter(value: string | null, now: number): number | null {
  if (value === null || value === "") return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), 600_000);
}
