/** What can be read without a conversation: suggestions, articles searched while the customer types, and whole ones; also where the bot cannot answer. */

import { troubled, type Api } from "./api";
import type { ArticleView, State } from "./contract";
import type { Plain } from "./state";

/** How long the typing has to rest before a search, in milliseconds. */
export const SEARCH_MS = 200;

export interface Host {
  state(): State;
  set(to: Plain): void;
  /** The service has answered, or what kept it from it. */
  well(): void;
  unwell(error: unknown): void;
  later(name: "search", ms: number, act: () => void): void;
  /** The customer has opened an article that the conversation has shown. */
  opened(lang: string, id: string): void;
}

export class Articles {
  #searching: AbortController | null = null;
  #welcomed = "";

  constructor(
    private readonly api: Api,
    /** Path of the page. */
    private readonly page: string,
    private readonly env: { readonly title: () => string },
    private readonly host: Host,
  ) {}

  stop(): void {
    this.#searching?.abort();
  }

  /** What belongs to the page and the language: asked once for each language. */
  async welcome(): Promise<void> {
    const { lang } = this.host.state();
    if (this.#welcomed === lang) return;
    this.#welcomed = lang;
    try {
      const { notice, contact, questions } = await this.api.welcome(lang, this.page.slice(0, 300), this.env.title().trim().slice(0, 200));
      this.host.well();
      if (lang === this.host.state().lang) this.host.set({ notice, contact, suggestions: questions });
    } catch (error) {
      this.#welcomed = "";
      this.host.unwell(error);
    }
  }

  search(text: string): void {
    this.#searching?.abort();
    const stop = (this.#searching = new AbortController());
    if (!text) {
      this.host.later("search", 0, () => undefined);
      this.host.set({ searchResults: null });
      return;
    }
    this.host.later("search", SEARCH_MS, () => void this.#find(text, stop.signal));
  }

  async #find(text: string, signal: AbortSignal): Promise<void> {
    try {
      const searchResults = await this.api.search(text, this.host.state().lang, signal);
      if (signal.aborted) return;
      this.host.well();
      this.host.set({ searchResults, error: null });
    } catch (error) {
      if (signal.aborted) return;
      this.host.unwell(error);
      this.host.set({ error: troubled(error).kind });
    }
  }

  async open(lang: string, id: string): Promise<void> {
    const blank = { title: "", summary: "", updated: null, url: "", sections: [], translations: [] };
    const shown = (article: ArticleView): boolean => {
      const { article: now } = this.host.state();
      if (article.status !== "loading" && (now?.id !== id || now.lang !== lang)) return false; // another one is open
      this.host.set({ article });
      return true;
    };
    this.host.set({ screen: "article", error: null });
    shown({ lang, id, status: "loading", ...blank });
    try {
      const { title, summary, updated, url, sections, translations } = await this.api.article(lang, id);
      this.host.well();
      if (!shown({ lang, id, status: "ready", title, summary, updated, url, sections, translations })) return;
      if (this.#wasShown(lang, id)) this.host.opened(lang, id);
    } catch (error) {
      const missing = [404, 422].includes(troubled(error).status);
      if (!missing) this.host.unwell(error);
      shown({ lang, id, status: missing ? "missing" : "failed", ...blank });
    }
  }

  #wasShown(lang: string, id: string): boolean {
    return this.host.state().entries.some(({ reply, article }) =>
      [reply?.answer, article, ...(reply?.hits ?? [])].some((one) => one?.article_id === id && one.lang === lang),
    );
  }
}
