/** Follows a conversation: a stream of events read by fetch, with replay; polling as the last resort. */

import { Trouble, troubled, type News, type Signal } from "./api";

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** Reads our service's server-sent events from text that comes in any pieces. */
export class EventParser {
  /** Milliseconds to wait before coming back, as the service says. */
  retry = 2_000;
  #rest = "";

  push(piece: string): ServerEvent[] {
    const blocks = (this.#rest + piece).split(/\n\n|\r\n\r\n/);
    this.#rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const fields: Record<string, string> = {};
      // A comment has no name: it says that the line is alive.
      for (const [, name, value] of block.matchAll(/^(\w+): ?(.*)/gm)) fields[name!] = value!;
      this.retry = Number(fields["retry"]) || this.retry;
      return fields["data"] ? [{ type: fields["event"] ?? "", data: fields["data"] }] : [];
    });
  }
}

/** Doubling, up to ten seconds, and never all at once: 0.5 to 1 of the full wait, in milliseconds. */
export function backoff(failures: number, random: () => number): number {
  return Math.min(1_000 * 2 ** Math.max(0, failures - 1), 10_000) * (0.5 + random() / 2);
}

/** The first byte comes at once, and a sign of life every 15 s. */
export const FIRST_MS = 10_000;
export const SILENCE_MS = 40_000;
const QUIET_MS = 16_000;
export const POLL_MS = 4_000;
export const HIDDEN_POLL_MS = 20_000;
/** Streams that failed one after the other before polling; polls before a stream is tried again. */
const TRIES = 3;
const POLLS = 60;

export interface FollowEnvironment {
  readonly setTimeout: (act: () => void, ms: number) => number;
  readonly clearTimeout: (id: number) => void;
  readonly random: () => number;
  readonly visible: () => boolean;
  readonly now: () => number;
}

export interface Followed {
  stream(after: number, signal: AbortSignal): Promise<Response>;
  news(after: number, signal: AbortSignal): Promise<News>;
  /** The last sequence known. */
  last(): number;
  /** Something has happened after `last`. */
  happened(): void;
  signals(signals: readonly Signal[]): void;
  /** All is well, or what is not. */
  health(trouble: Trouble | null): void;
}

/** Follows until it is stopped, or the conversation is lost. */
export class Follower {
  #stop = new AbortController();
  #attempt: AbortController | null = null;
  #wake: (() => void) | null = null;
  #failures = 0;
  #heard = 0;
  #restarting = false;

  constructor(
    private readonly followed: Followed,
    private readonly env: FollowEnvironment,
    /** Without a leader among tabs, streams would use up the connections: only polls. */
    private readonly onlyPolls: boolean,
  ) {
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
    this.#attempt?.abort();
    this.#wake?.();
  }

  /** The network is back, or the tab was asleep: do not wait any longer, nor trust a line that has gone silent. */
  poke(): void {
    this.#failures = Math.min(this.#failures, TRIES - 1);
    if (!this.#wake && this.env.now() - this.#heard > QUIET_MS) {
      this.#restarting = true;
      this.#attempt?.abort();
    }
    this.#wake?.();
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.onlyPolls || this.#failures >= TRIES) await this.#poll();
        else await this.#pause(await this.#stream());
      } catch (error) {
        const trouble = troubled(error);
        if (this.#stopped) return;
        this.followed.signals([]);
        if (this.#restarting) {
          this.#restarting = false;
          continue;
        }
        this.followed.health(trouble);
        if (!trouble.passing) return;
        this.#failures += 1;
        await this.#pause(Math.max(trouble.wait ?? 0, backoff(this.#failures, this.env.random)));
      }
    }
  }

  /** Reads one stream to its end; returns how long to wait before the next, in milliseconds. */
  async #stream(): Promise<number> {
    const attempt = (this.#attempt = new AbortController());
    this.#heard = this.env.now();
    const response = await this.followed.stream(this.followed.last(), attempt.signal);
    if (!response.body) throw this.#noStreams();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    let limit = FIRST_MS;
    for (;;) {
      const { done, value } = await this.#timely(reader.read(), limit, attempt);
      if (this.#stopped) return 0;
      if (done) return parser.retry * (0.5 + this.env.random());
      this.#failures = 0;
      this.#heard = this.env.now();
      limit = SILENCE_MS;
      this.followed.health(null);
      this.#tell(parser.push(decoder.decode(value, { stream: true })));
    }
  }

  #noStreams(): Trouble {
    this.#failures = TRIES - 1;
    return new Trouble("network");
  }

  async #timely<Value>(promise: Promise<Value>, ms: number, attempt: AbortController): Promise<Value> {
    let timer = 0;
    const late = new Promise<never>((_, reject) => {
      timer = this.env.setTimeout(() => {
        reject(new Trouble("timeout"));
        attempt.abort();
      }, ms);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      this.env.clearTimeout(timer);
    }
  }

  #tell(found: readonly ServerEvent[]): void {
    for (const { type, data } of found) {
      if (type === "signal") this.followed.signals((JSON.parse(data) as Pick<News, "signals">).signals);
    }
    if (found.some(({ type }) => type !== "signal")) this.followed.happened();
  }

  async #poll(): Promise<void> {
    for (let count = 0; !this.#stopped && (this.onlyPolls || count < POLLS); count += 1) {
      const attempt = (this.#attempt = new AbortController());
      const news = await this.followed.news(this.followed.last(), attempt.signal);
      if (this.#stopped) return;
      this.followed.health(null);
      if (news.events.length) this.followed.happened();
      this.followed.signals(news.signals);
      if (this.onlyPolls) this.#failures = 0;
      if (!news.more) await this.#pause(this.env.visible() ? POLL_MS : HIDDEN_POLL_MS);
    }
    this.#failures = TRIES - 1; // one more try of the stream
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.env.setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        this.env.clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}
