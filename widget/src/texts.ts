/** The widget's own words. What the bot and people say comes from the server. */

import en from "../texts/en.json";
import fi from "../texts/fi.json";
import sv from "../texts/sv.json";

type Base<Key> = Key extends `${infer Stem}.${Intl.LDMLPluralRule}` ? Stem : Key;

/** Name of a text; of its plural forms, what stands before the dot. */
export type TextKey = Base<keyof typeof fi>;

export type Values = Readonly<Record<string, string | number>>;

/** A host page's own words: by key, or by language and key. */
export type Overrides = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export interface Translator {
  /** The text in the language, with its variables; a number called `count` picks the plural form. */
  (key: TextKey, values?: Values): string;
  /** BCP 47, as dates and numbers need it. */
  readonly locale: string;
}

export const TEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = { fi, sv, en };
const LOCALES: Readonly<Record<string, string>> = { fi: "fi-FI", sv: "sv-FI", en: "en-GB" };

/** The language to use for what a page or browser says, such as "sv-FI"; English for others. */
export function supported(lang: string): string {
  const short = lang.toLowerCase().split(/[-_]/)[0] ?? "";
  return Object.hasOwn(TEXTS, short) ? short : "en";
}

export function translator(lang: string, overrides: Overrides = {}): Translator {
  const code = supported(lang);
  const locale = LOCALES[code] ?? code;
  const rules = new Intl.PluralRules(locale);
  const own = Object.hasOwn(overrides, code) ? overrides[code] : undefined;
  const find = (key: string): string | undefined => {
    if (typeof own === "object" && Object.hasOwn(own, key)) return own[key];
    const flat = Object.hasOwn(overrides, key) ? overrides[key] : undefined;
    return typeof flat === "string" ? flat : TEXTS[code]?.[key];
  };
  const t = (key: TextKey, values: Values = {}): string => {
    const count = values["count"];
    const form = typeof count === "number" ? (find(`${key}.${rules.select(count)}`) ?? find(`${key}.other`)) : find(key);
    return (form ?? find(key) ?? key).replace(/\{(\w+)\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? String(values[name]) : whole,
    );
  };
  return Object.assign(t, { locale });
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
    : { day: "numeric", month: "numeric", hour: "numeric", minute: "2-digit" };
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
