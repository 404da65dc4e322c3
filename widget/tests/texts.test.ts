/// <reference types="vite/client" />
import { describe, expect, test } from "vitest";
import { addressOf, day, languageName, moment, percent, supported, translator as bare } from "../src/texts.js";
import { TEXTS, words as translator } from "./scenes";

const LANGUAGES = ["fi", "sv", "en"];
const FORM = /\.(zero|one|two|few|many|other)$/;
const variables = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();

const SOURCES: Record<string, string> = import.meta.glob("../src/**/*.ts", { query: "?raw", import: "default", eager: true });

describe.each(LANGUAGES)("the texts in %s", (lang) => {
  const own = TEXTS[lang] ?? {};

  test("are the same ones as in Finnish, in the same order", () => {
    expect(Object.keys(own)).toEqual(Object.keys(TEXTS["fi"] ?? {}));
  });

  test("are not empty, and none is another language's by mistake", () => {
    for (const [key, text] of Object.entries(own)) expect(text.trim(), key).not.toBe("");
    const others = LANGUAGES.filter((other) => other !== lang);
    const long = Object.entries(own).filter(([, text]) => text.length > 20);
    for (const [key, text] of long) for (const other of others) expect(TEXTS[other]?.[key], key).not.toBe(text);
  });

  test("use the same variables as in Finnish", () => {
    for (const [key, text] of Object.entries(own)) {
      expect(variables(text), key).toEqual(variables(TEXTS["fi"]?.[key] ?? ""));
    }
  });

  test("have a form for each plural that the language knows", () => {
    const forms = new Intl.PluralRules(translator(lang).locale).resolvedOptions().pluralCategories;
    const stems = new Set(Object.keys(own).filter((key) => FORM.test(key)).map((key) => key.replace(FORM, "")));
    expect(stems.size).toBeGreaterThan(0);
    for (const stem of stems) for (const form of forms) expect(own, stem).toHaveProperty([`${stem}.${form}`]);
  });

  test("say at most two sentences", () => {
    for (const [key, text] of Object.entries(own)) expect(text.split(/[.!?](?:\s|$)/).filter(Boolean).length, key).toBeLessThan(3);
  });
});

test("no text is unused", () => {
  const code = Object.values(SOURCES).join("\n");
  const stems = new Set(Object.keys(TEXTS["fi"] ?? {}).map((key) => key.replace(FORM, "")));
  expect([...stems].filter((stem) => !code.includes(`"${stem}"`))).toEqual([]);
});

describe("before the texts have come", () => {
  test.each(LANGUAGES)("there is a text for what stands on the page in %s, and the address of the rest", (lang) => {
    const t = bare(lang);
    expect(t.whole).toBe(false);
    for (const key of ["open", "close", "title", "retry", "error_other"] as const) expect(t(key)).toBe(TEXTS[lang]?.[key]);
    expect(t("unread", { count: 2 })).toBe(translator(lang)("unread", { count: 2 }));
    expect(addressOf(lang)).toMatch(new RegExp(`^/widget-texts/${lang}\\.json\\?v=[0-9a-f]{8}$`));
  });

  test("a host's own words are there at once", () => {
    expect(bare("fi", { open: "Avaa" })("open")).toBe("Avaa");
  });
});

describe("a translator", () => {
  test("picks the plural form by the number", () => {
    const t = translator("fi");
    expect(t("unread", { count: 1 })).toBe("1 uusi viesti");
    expect(t("unread", { count: 2 })).toBe("2 uutta viestiä");
    expect(translator("sv")("unread", { count: 0 })).toBe("0 nya meddelanden");
  });

  test("puts values in as they are, also those that look like variables", () => {
    expect(translator("en")("with_agent", { name: "{when} $& <b>" })).toBe("{when} $& <b> is looking after your request.");
  });

  test("takes the host's own words, for all languages or for one", () => {
    expect(translator("sv", { title: "Chat" })("title")).toBe("Chat");
    const both = { title: "Chat", sv: { title: "Snack" } };
    expect(translator("sv", both)("title")).toBe("Snack");
    expect(translator("en", both)("title")).toBe("Chat");
    expect(translator("en", { "unread.other": "{count}!" })("unread", { count: 4 })).toBe("4!");
  });

  test("is English where the language is not known, whatever is said", () => {
    expect([supported("sv-FI"), supported("FI"), supported("de"), supported(""), supported("constructor")]).toEqual([
      "sv", "fi", "en", "en", "en",
    ]);
  });
});

describe("dates and numbers", () => {
  const now = new Date(2026, 10, 22, 15, 30);

  test("of today are an hour, of other days a day too", () => {
    const today = new Date(2026, 10, 22, 9, 5).toISOString();
    const earlier = new Date(2026, 10, 20, 9, 5).toISOString();
    expect(moment(translator("fi"), today, now)).toBe("9.05");
    expect(moment(translator("fi"), earlier, now)).toMatch(/^20\.11\..*9\.05$/);
    expect(moment(translator("fi"), "nonsense", now)).toBe("");
  });

  test("are as each language writes them", () => {
    expect(day(translator("fi"), "2026-11-01")).toBe("1. marraskuuta 2026");
    expect(day(translator("sv"), "2026-11-01")).toBe("1 november 2026");
    expect(day(translator("en"), "2026-11-01")).toBe("1 November 2026");
    expect(day(translator("en"), "")).toBe("");
    expect(percent(translator("fi"), 0.934)).toBe("93\u00a0%");
  });

  test("name languages in the reader's own", () => {
    expect(languageName(translator("fi"), "sv")).toBe("ruotsi");
    expect(languageName(translator("sv"), "en")).toBe("engelska");
    expect(languageName(translator("en"), "?")).toBe("?");
  });
});
