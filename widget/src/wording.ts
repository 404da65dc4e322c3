/** The texts of a language: loaded when the chat is opened, once for each. */

import { addressOf, type Words } from "./texts.js";

const PATIENCE_MS = 10_000;

export class Wording {
  readonly #found = new Map<string, Words>();
  readonly #asked = new Set<string>();
  readonly #failed = new Set<string>();

  constructor(private readonly changed: () => void) {}

  of(lang: string): Words | undefined {
    return this.#found.get(lang);
  }

  /** Whether they could not be had: the customer may try again. */
  failed(lang: string): boolean {
    return this.#failed.has(lang);
  }

  /** Loads what is not there yet, and what failed only when `again`. */
  async need(server: string, lang: string, again: boolean): Promise<void> {
    if (this.#found.has(lang) || this.#asked.has(lang) || (this.#failed.has(lang) && !again)) return;
    this.#asked.add(lang);
    if (this.#failed.delete(lang)) this.changed();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const response = await fetch(server + addressOf(lang), { credentials: "omit", referrerPolicy: "no-referrer", signal });
      if (!response.ok) throw response;
      this.#found.set(lang, (await response.json()) as Words);
    } catch {
      this.#failed.add(lang); // a dead line, or a strange answer: either may be better a moment later
    }
    this.#asked.delete(lang);
    this.changed();
  }
}
