/** Several tabs, one conversation: one of them follows it, and tells the others. */

import type { Access, Signal, Transcript } from "./api";

export type Word =
  | { readonly t: "hello" }
  /** I have this conversation; also the answer to "hello". */
  | { readonly t: "here"; readonly access: Access }
  | { readonly t: "signals"; readonly id: string; readonly signals: readonly Signal[] }
  | { readonly t: "transcript"; readonly id: string; readonly body: Transcript }
  | { readonly t: "seen"; readonly id: string; readonly upTo: number }
  /** Something was said in another tab: read again. */
  | { readonly t: "changed"; readonly id: string }
  /** The conversation was deleted or left. */
  | { readonly t: "gone"; readonly id: string };

export type Channel = Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;

export interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<unknown>;
}

export interface TabsEnvironment {
  readonly locks: Locks | null;
  readonly channel: ((name: string) => Channel) | null;
}

export class Tabs {
  readonly #channel: Channel | null;
  readonly #locks: Locks | null;

  constructor(
    private readonly name: string,
    env: TabsEnvironment,
    hear: (word: Word) => void,
  ) {
    let channel: Channel | null = null;
    try {
      channel = env.channel?.(name) ?? null;
    } catch {
      // Forbidden here, such as in a sandboxed frame.
    }
    this.#channel = channel;
    this.#locks = channel ? env.locks : null;
    if (channel) {
      channel.onmessage = (event) => {
        const word = event.data as Word | null;
        if (typeof word?.t === "string") hear(word);
      };
    }
  }

  /** Whether tabs know of each other: else each has to look for itself. */
  get together(): boolean {
    return this.#locks !== null;
  }

  say(word: Word): void {
    try {
      this.#channel?.postMessage(word);
    } catch {
      // Closed already.
    }
  }

  /** Calls `lead` once this tab is the one that follows; returns what gives the place up. */
  whenLeader(conversation: string, lead: () => void, alone: () => void): () => void {
    const end = new AbortController();
    let release = (): void => undefined;
    if (!this.#locks) {
      alone();
      return release;
    }
    const held = (): Promise<void> => {
      if (end.signal.aborted) return Promise.resolve();
      lead();
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    this.#locks.request(`${this.name}:${conversation}`, { signal: end.signal }, held).catch(() => {
      if (!end.signal.aborted) alone(); // locks are forbidden here
    });
    return () => {
      end.abort();
      release();
    };
  }

  close(): void {
    if (this.#channel) this.#channel.onmessage = null;
    this.#channel?.close();
  }
}
