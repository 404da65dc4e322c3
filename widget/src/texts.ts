/** The widget's own words. What the bot and people say comes from the server. */

import first from "virtual:first-texts";
import type fi from "../texts/fi.json";

type Base<Key> = Key extends `${infer Stem}.${Intl.LDMLPluralRule}` ? Stem : Key;

/** Name of a text; of its plural forms, what stands before the dot. */
export type TextKey = Base<keyof typeof fi>;

export type Values = Readonly<Record<string, string | number>>;

/** A host page's own words: by key, or by language and key. */
export type Overrides = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export interface Translator {
  /** The text in the language, with its variables; a number called `count` picks the plural form. */
  (key: TextKey, values?: Values): string;
  /** "fi", "sv" or "en". */
  readonly lang: string;
  /** BCP 47, as dates and numbers need it. */
  readonly locale: string;
  /** False while only the first few texts are there. */
  readonly whole: boolean;
}

/** The texts of one language, by key. */
export type Words = Readonly<Record<string, string>>;

const LOCALES: Readonly<Record<string, string>> = { fi: "fi-FI", sv: "sv-FI", en: "en-GB" };

/** The language to use for what a page or browser says, such as "sv-FI"; English for others. */
export function supported(lang: string): string {
  const short = lang.toLowerCase().split(/[-_]/)[0] ?? "";
  return Object.hasOwn(first, short) ? short : "en";
}

/** Where the whole texts of a language are, below the service's address. The version lets them be kept for good. */
export function addressOf(lang: string): string {
  return `/widget-texts/${lang}.json?v=${first[lang]?.["version"]}`;
}

/** Without `words`, only what stands on the page before the chat is opened has a text. */
export function translator(lang: string, overrides: Overrides = {}, words?: Words): Translator {
  const code = supported(lang);
  const texts = words ?? first[code] ?? {};
  const locale = LOCALES[code] ?? code;
  let rules: Intl.PluralRules | undefined; // slow to make, and often not needed
  const own = Object.hasOwn(overrides, code) ? overrides[code] : undefined;
  const find = (key: string): string | undefined => {
    if (typeof own === "object" && Object.hasOwn(own, key)) return own[key];
    const flat = Object.hasOwn(overrides, key) ? overrides[key] : undefined;
    return typeof flat === "string" ? flat : Object.hasOwn(texts, key) ? texts[key] : undefined;
  };
  const t = (key: TextKey, values: Values = {}): string => {
    const count = values["count"];
    const form = typeof count === "number" ? (find(`${key}.${(rules ??= new Intl.PluralRules(locale)).select(count)}`) ?? find(`${key}.other`)) : find(key);
    return (form ?? find(key) ?? key).replace(/\{(\w+)\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? String(values[name]) : whole,
    );
  };
  return Object.assign(t, { lang: code, locale, whole: words !== undefined });
}

/** Name of a language in the translator's: "ruotsi", "engelska". */
export function languageName(t: Translator, lang: string): string {
  try {
    return new Intl.DisplayNames(t.locale, { type: "language" }).of(lang) ?? lang;
  } catch {
    return lang;
  }
}

/** A moment in the customer's own time: the hour today, else the day too. Empty for what is no time. */
export function moment(t: Translator, iso: string, now: Date): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const today = at.toDateString() === now.toDateString();
  const style: Intl.DateTimeFormatOptions = today
    ? { timeStyle: "short" }
    : { day: "numeric", month: "numeric", hour: t.lang === "en" ? "2-digit" : "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(t.locale, style).format(at);
}

/** A day such as 2026-11-01, as the language writes it. Empty for what is no day. */
export function day(t: Translator, iso: string): string {
  const at = new Date(`${iso.slice(0, 10)}T12:00:00Z`);
  if (Number.isNaN(at.getTime())) return "";
  return new Intl.DateTimeFormat(t.locale, { dateStyle: "long", timeZone: "UTC" }).format(at);
}

/** A share as the language writes per cents: "93 %". */
export function percent(t: Translator, share: number): string {
  return new Intl.NumberFormat(t.locale, { style: "percent" }).format(share);
}
