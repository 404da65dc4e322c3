/// <reference types="vite/client" />
/** What tests of views and of the element draw. */

import { vi } from "vitest";
import type { BotReply, Commands, Entry, Standing, State } from "../src/contract";
import { translator, type Overrides, type Translator, type Words } from "../src/texts";
import type { Scene, Ui } from "../src/views/scene";

const FILES = import.meta.glob<Words>("../texts/*.json", { eager: true, import: "default" });

/** The whole texts, by language. */
export const TEXTS: Readonly<Record<string, Words>> = Object.fromEntries(
  ["fi", "sv", "en"].map((lang) => [lang, FILES[`../texts/${lang}.json`] ?? {}]),
);

/** The translator that has all its texts. */
export function words(lang: string, overrides: Overrides = {}): Translator {
  return translator(lang, overrides, TEXTS[lang] ?? {});
}

export const NOW = new Date("2026-11-22T12:00:00Z");

export function state(changes: Partial<State> = {}): State {
  return {
    open: true,
    screen: "conversation",
    lang: "fi",
    started: true,
    connection: "online",
    entries: [],
    buttons: [],
    busy: false,
    standing: null,
    typing: null,
    unread: 0,
    csat: "none",
    draft: "",
    suggestions: [],
    searchResults: null,
    article: null,
    notice: null,
    contact: [],
    expired: false,
    error: null,
    ...changes,
  };
}

export function entry(key: string, changes: Partial<Entry> = {}): Entry {
  return { key, author: "bot", text: `teksti ${key}`, at: "2026-11-22T10:00:00Z", ...changes };
}

export function hit(id: string, lang = "fi"): { article_id: string; lang: string; section_id: string; title: string; url: string; score: number } {
  return { article_id: id, lang, section_id: "lead", title: `Ohje ${id}`, url: `https://help.example/help/${lang}/${id}`, score: 1 };
}

export function reply(changes: Partial<BotReply> = {}): BotReply {
  const { score: _score, ...cited } = hit("kortti");
  return {
    sequence: 2,
    outcome: "answered",
    reason: "confident",
    confidence: 0.93,
    choices_confidence: 0.97,
    language: "fi",
    answer: { ...cited, text: "Sulje kortti.", html: "<p>Sulje <strong>kortti</strong>.</p>" },
    hits: [hit("kortti"), hit("a"), hit("b"), hit("c"), hit("d")],
    complete: true,
    buttons: [],
    details: [],
    ...changes,
  };
}

export function request(changes: Partial<Standing> = {}): Standing {
  return {
    owner: "queue",
    state: "open",
    question: "Missä kortti on?",
    asked_at: "2026-11-22T10:00:00Z",
    waiting_since: "2026-11-22T10:00:00Z",
    ended_at: null,
    team: "Korttipalvelu",
    agent: "",
    staffed: true, live: false,
    place: 2,
    reply_by: null,
    reply_by_words: "",
    delivered: false,
    answered: false,
    mail: false,
    reachable: false,
    call: null,
    status_url: "",
    ...changes,
  };
}

export function commands(): Commands {
  return {
    open: vi.fn(), close: vi.fn(), go: vi.fn(), ask: vi.fn(), press: vi.fn(), person: vi.fn(), draft: vi.fn(),
    search: vi.fn(), openArticle: vi.fn(), feedback: vi.fn(), contact: vi.fn(), callback: vi.fn(), noNeed: vi.fn(),
    rate: vi.fn(), deleteConversation: vi.fn(), newConversation: vi.fn(), setLanguage: vi.fn(), typing: vi.fn(),
    seen: vi.fn(), retry: vi.fn(),
  };
}

export function scene(changes: Partial<State> = {}, ui: Partial<Ui> = {}): Scene {
  const shown = state(changes);
  return {
    state: shown,
    commands: commands(),
    t: words(shown.lang),
    again: null,
    links: { base: "https://help.example", newTab: "avautuu uuteen välilehteen" },
    now: NOW,
    ui: { query: "", wrong: "", below: false, from: "home", ...ui },
    change: vi.fn(),
  };
}
