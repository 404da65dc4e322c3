/** A clock, a service and tabs that do what a test tells them. */

import type { Environment } from "../src/environment";
import type { Reply, Said, Transcript } from "../src/api";
import type { Shelf } from "../src/storage";
import type { Channel } from "../src/tabs";

/** Lets everything that can go on without the clock go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

export class Clock {
  now = Date.parse("2026-11-22T08:00:00Z");
  #next = 1;
  #due = new Map<number, { at: number; act: () => void }>();

  setTimeout = (act: () => void, ms: number): number => {
    this.#due.set(this.#next, { at: this.now + ms, act });
    return this.#next++;
  };
  clearTimeout = (id: number): void => void this.#due.delete(id);

  get waiting(): number {
    return this.#due.size;
  }

  /** Lets `ms` go by, running what falls due, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const [id, first] = [...this.#due].sort((one, other) => one[1].at - other[1].at)[0] ?? [];
      if (id === undefined || !first || first.at > end) break;
      this.#due.delete(id);
      this.now = Math.max(this.now, first.at);
      first.act();
      await settle();
    }
    this.now = end;
  }
}

export class MemoryShelf implements Shelf {
  readonly kept = new Map<string, string>();
  getItem = (key: string): string | null => this.kept.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.kept.set(key, value);
  removeItem = (key: string): void => void this.kept.delete(key);
}

/** Browser-wide: channels and locks that tabs share. */
export class Browser {
  readonly #channels = new Set<Channel & { name: string }>();
  readonly #locks = new Map<string, (() => void)[]>();

  channel = (name: string): Channel => {
    const channel = {
      name,
      onmessage: null as Channel["onmessage"],
      postMessage: (word: unknown) => {
        const copy: unknown = structuredClone(word);
        for (const other of this.#channels) {
          if (other !== channel && other.name === name) {
            setTimeout(() => other.onmessage?.call(other as never, { data: copy } as MessageEvent), 0);
          }
        }
      },
      close: () => void this.#channels.delete(channel),
    };
    this.#channels.add(channel);
    return channel;
  };

  locks = {
    request: async (name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<void> => {
      const queue = this.#locks.get(name) ?? [];
      this.#locks.set(name, queue);
      await new Promise<void>((resolve, reject) => {
        queue.push(resolve);
        options.signal.addEventListener("abort", () => {
          const at = queue.indexOf(resolve);
          if (at > 0) {
            queue.splice(at, 1);
            reject(new DOMException("gone", "AbortError"));
          }
        });
        if (queue.length === 1) resolve();
      });
      await held();
      queue.shift();
      queue[0]?.();
    },
  };
}

export interface Stored {
  readonly id: string;
  readonly text: string;
  readonly press: string | null;
}

export type Happened = { sequence: number; type: string; data: Record<string, unknown>; kind?: string };

/** The service: conversations, messages once per id, a transcript, and streams. */
export class Service {
  readonly calls: { method: string; path: string; body: unknown; token: string; headers: Headers }[] = [];
  readonly conversations: string[] = [];
  readonly stored: Stored[] = [];
  readonly streams: { after: number; push: (text: string) => void; end: () => void; aborted: boolean }[] = [];
  entries: Said[] = [];
  events: Happened[] = [];
  notice: { text: string; url: string } | null = null;
  owner: Reply["owner"] = "bot";
  csat: Transcript["csat"] = { asked: false, score: null };
  readUpTo = 0;
  #sequence = 0;
  readonly #replies = new Map<string, Reply>();
  /** What goes wrong: looked at before each call; "after" stores and then loses the answer. */
  trouble: (path: string, method: string) => Response | "network" | "after" | "hang" | null = () => null;

  problem(kind: string, status: number, headers: Record<string, string> = {}): Response {
    const body = JSON.stringify({ type: `urn:helppari:problem:${kind}`, status });
    return new Response(body, { status, headers: { "Content-Type": "application/problem+json", ...headers } });
  }

  of(path: string): number {
    return this.calls.filter((call) => `${call.method} ${call.path}`.endsWith(path)).length;
  }

  fetch = async (address: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(address), "https://help.example");
    const headers = new Headers(init.headers);
    const method = init.method ?? "GET";
    const body: unknown = init.body ? JSON.parse(String(init.body)) : null;
    const token = (headers.get("Authorization") ?? "").replace("Bearer ", "");
    this.calls.push({ method, path: url.pathname, body, token, headers });
    const trouble = this.trouble(url.pathname, method);
    if (trouble === "network") throw new TypeError("fetch failed");
    if (trouble instanceof Response) return trouble;
    if (trouble === "hang") {
      return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    }
    const answer = this.#answer(url, method, body, token, headers, init.signal ?? null);
    if (trouble === "after") throw new TypeError("fetch failed");
    return answer;
  };

  #answer(url: URL, method: string, body: unknown, token: string, headers: Headers, signal: AbortSignal | null): Response {
    const json = (value: unknown, status = 200): Response => new Response(JSON.stringify(value), { status });
    const [, , area, id, act] = url.pathname.split("/");
    if (area === "welcome") {
      const questions = [{ text: "Hukkasin korttini", article_id: "lost-card", lang: "fi", title: "?", url: "/help/fi/lost-card" }];
      return json({ language: "fi", notice: this.notice, contact: [{ kind: "phone", label: "Puhelin", value: "020 123 400" }], questions });
    }
    if (area === "search") return json({ hits: [hit("lost-card")] });
    if (area === "articles") return json(article(act ?? ""));
    if (method === "POST" && !id) {
      const name = `c${this.conversations.length + 1}`;
      this.conversations.push(name);
      return json({ conversation_id: name, token: `t-${name}`, expires_at: "2026-11-25T08:00:00Z" }, 201);
    }
    if (token !== `t-${id}`) return this.problem("wrong-token", 403);
    if (act === "messages") return json(this.#message(id ?? "", body as { client_message_id: string; text: string; press: string | null }));
    if (act === "events") {
      const after = Number(headers.get("Last-Event-ID") ?? url.searchParams.get("after"));
      if (headers.get("Accept") === "text/event-stream") return this.#stream(after, signal);
      const events = this.events.filter((one) => one.sequence > after).map(asJson);
      return json({ owner: this.owner, events, next: after, more: false, signals: [] });
    }
    if (act) return new Response(null, { status: 204 });
    return json(this.transcript(id ?? ""));
  }

  #message(id: string, body: { client_message_id: string; text: string; press: string | null }): Reply {
    const before = this.#replies.get(body.client_message_id);
    if (before) return before;
    this.stored.push({ id: body.client_message_id, text: body.text, press: body.press });
    const sequence = (this.#sequence += 1);
    if (body.press === "person") this.owner = "queue";
    const silent = this.owner !== "bot" && !body.press;
    const reply: Reply = {
      conversation_id: id,
      sequence,
      owner: this.owner,
      text: body.text,
      said: silent ? "" : `Vastaus: ${body.text || body.press}`,
      reply: silent ? null : turn(this.owner === "queue" ? "handed_off" : "answered"),
      complete: true,
      buttons: silent ? [] : [{ press: "helped", index: 0, label: "Kyllä" }],
      details: [{ kind: "phone", label: "Puhelin", value: "020 123 400" }],
    };
    this.#replies.set(body.client_message_id, reply);
    const at = "2026-11-22T08:00:01Z";
    const common = { at, name: "", index: 0, article: null } as const;
    const { client_message_id, text, press } = body;
    this.entries.push({ ...common, sequence, author: "customer", text, press: press as never, client_message_id, message: null });
    const words = { text: reply.said, press: null, client_message_id: "", message: reply };
    if (!silent) this.entries.push({ ...common, sequence: (this.#sequence += 1), author: "bot", ...words });
    return reply;
  }

  transcript(id: string): Transcript {
    return {
      conversation_id: id,
      language: "fi",
      owner: this.owner,
      expires_at: "2026-11-25T08:00:00Z",
      last_sequence: this.#sequence,
      entries: this.entries,
      request: this.owner === "bot" ? null : standing(this.readUpTo),
      csat: this.csat,
      status_url: "",
    };
  }

  /** A person writes: stored, and told to the streams that are open. */
  person(text: string): Happened {
    const sequence = (this.#sequence += 1);
    const entry = { sequence, at: "2026-11-22T08:01:00Z", author: "agent", name: "Maija", text } as const;
    this.entries.push({ ...entry, press: null, index: 0, client_message_id: "", message: null, article: null });
    const event = { sequence, type: "person_message", data: { text, name: "Maija", channel: "chat" }, kind: "agent" };
    this.events.push(event);
    for (const stream of this.streams) if (!stream.aborted) stream.push(written(event));
    return event;
  }

  #stream(after: number, signal: AbortSignal | null): Response {
    let control: ReadableStreamDefaultController<Uint8Array>;
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        control = given;
      },
    });
    const stream = {
      after,
      aborted: false,
      push: (text: string) => control.enqueue(encoder.encode(text)),
      end: () => {
        stream.aborted = true;
        control.close();
      },
    };
    signal?.addEventListener("abort", () => {
      if (stream.aborted) return;
      stream.aborted = true;
      control.error(new Error("aborted"));
    });
    this.streams.push(stream);
    stream.push("retry: 2000\n\n" + this.events.filter((one) => one.sequence > after).map(written).join(""));
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

export function asJson(event: Happened): object {
  const { sequence, type, data, kind } = event;
  return { sequence, episode: 1, type, at: "2026-11-22T08:01:00Z", actor: { kind: kind ?? "agent", id: "" }, cause: null, data };
}

export function written(event: Happened): string {
  return `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(asJson(event))}\n\n`;
}

export function hit(id: string): { article_id: string; lang: string; section_id: string; title: string; url: string; score: number } {
  return { article_id: id, lang: "fi", section_id: "lead", title: id, url: `/help/fi/${id}#lead`, score: 40 };
}

function article(id: string): object {
  return { article_id: id, lang: "fi", title: id, summary: "", updated: null, url: "/x", sections: [], translations: [] };
}

export function turn(outcome: "answered" | "handed_off"): NonNullable<Reply["reply"]> {
  const hits = ["lost-card", "card-expired", "card-second", "card-damaged", "card-late"].map(hit);
  const answer = { ...hit("lost-card"), text: "Sulje kortti.", html: "<p>Sulje kortti.</p>" };
  const numbers = { confidence: 0.97, choices_confidence: 0.98 };
  return { outcome, reason: "confident", ...numbers, language: "fi", answer: outcome === "answered" ? answer : null, hits };
}

function standing(readUpTo: number): NonNullable<Transcript["request"]> {
  const times = { asked_at: "2026-11-22T08:00:01Z", waiting_since: "2026-11-22T08:00:01Z", ended_at: null };
  const promise = { reply_by: null, reply_by_words: "", delivered: true, answered: false, read_up_to: readUpTo };
  const who = { team: "Korttipalvelu", agent: "", staffed: true, live: true, place: 1 };
  return { state: "open", question: "?", ...times, ...who, ...promise, mail: false, reachable: false, call: null };
}

export interface Tab {
  readonly env: Environment;
  readonly clock: Clock;
  readonly session: MemoryShelf;
  readonly local: MemoryShelf;
  online: boolean;
  visible: boolean;
  feel: (what: "online" | "offline" | "visible" | "hidden") => void;
}

let made = 0;

/** A tab of a browser; give the shelves of another one for a reload, and its clock for tabs side by side. */
export function tab(service: Service, parts: Partial<Pick<Tab, "clock" | "session" | "local">> & { browser?: Browser | null } = {}): Tab {
  const { browser = new Browser() } = parts;
  const clock = parts.clock ?? new Clock();
  const hearers = new Set<(what: "online" | "offline" | "visible" | "hidden") => void>();
  const made_: Tab = {
    clock,
    session: parts.session ?? new MemoryShelf(),
    local: parts.local ?? new MemoryShelf(),
    online: true,
    visible: true,
    feel: (what) => {
      for (const hear of hearers) hear(what);
    },
    env: {
      fetch: service.fetch as typeof fetch,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      now: () => clock.now,
      random: () => 1,
      visible: () => made_.visible,
      online: () => made_.online,
      id: () => `m${(made += 1)}`,
      title: () => "Etupolku",
      locale: () => ({ locale: "fi-FI", zone: "Europe/Helsinki" }),
      session: () => made_.session,
      local: () => made_.local,
      locks: browser?.locks ?? null,
      channel: browser?.channel ?? null,
      listen: (hear) => {
        hearers.add(hear);
        return () => hearers.delete(hear);
      },
    },
  };
  return made_;
}
