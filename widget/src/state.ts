/** The state and how it changes: a pure function, without clock, network or storage. */

import type { Reply, Said, Transcript } from "./api";
import type { Button, Entry, Owner, Press, Standing, State } from "./contract";

/** A message of the customer that the service has not acknowledged. */
export interface Outgoing {
  /** Made once, and sent with every try. */
  readonly id: string;
  readonly text: string;
  readonly press: Press | null;
  readonly index: number;
  /** What stood on the button. */
  readonly label: string;
  readonly lang: string;
  readonly at: string;
  readonly state: "queued" | "sending" | "failed";
}

/** Something said that the service has, with its place in the conversation. */
interface Line {
  readonly entry: Entry;
  /** The event's sequence; the bot's replies stand half a step after what they answer. */
  readonly place: number;
  /** With the bot's: who had the conversation then. */
  readonly owner?: Owner;
}

export interface Model {
  readonly view: State;
  readonly lines: readonly Line[];
  readonly queue: readonly Outgoing[];
  readonly owner: Owner;
  /** Sequence of the last event known. */
  readonly last: number;
  /** Place up to which the customer has seen, and sequence up to which people have read. */
  readonly seen: number;
  readonly readUpTo: number;
}

/** Parts of the view that are set as they are. */
export type Plain = Partial<
  Pick<
    State,
    | "open"
    | "screen"
    | "lang"
    | "started"
    | "connection"
    | "typing"
    | "csat"
    | "draft"
    | "suggestions"
    | "searchResults"
    | "article"
    | "contact"
    | "notice"
    | "expired"
    | "error"
  >
>;

export type Action =
  | { readonly do: "set"; readonly to: Plain }
  | { readonly do: "queue"; readonly items: readonly Outgoing[] }
  | { readonly do: "mark"; readonly id: string; readonly state: Outgoing["state"] }
  | { readonly do: "drop"; readonly id: string }
  | { readonly do: "reply"; readonly id: string; readonly reply: Reply; readonly at: string }
  | { readonly do: "transcript"; readonly body: Transcript }
  | { readonly do: "seen"; readonly upTo?: number }
  /** The lines go; what was not sent, and the draft, stay unless the customer deletes all. */
  | { readonly do: "leave"; readonly all: boolean };

const PEOPLE: readonly Owner[] = ["queue", "agent", "expert"];

export function initial(lang: string): Model {
  const view: State = {
    open: false,
    screen: "home",
    lang,
    started: false,
    connection: "idle",
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
  };
  return { view, lines: [], queue: [], owner: "bot", last: 0, seen: 0, readUpTo: 0 };
}

/** Whether people have, or wait for, the conversation. */
export function involvesPeople(model: Model): boolean {
  return PEOPLE.includes(model.owner) || model.view.standing?.state === "open";
}

/** The last thing that people or the service said, 0 for none: what a read mark is about. */
export function lastFromPeople(model: Model): number {
  return model.lines.reduce(
    (found, { entry, place }) =>
      entry.author === "person" || entry.author === "service" ? Math.max(found, place) : found,
    0,
  );
}

export function reduce(model: Model, action: Action): Model {
  switch (action.do) {
    case "set":
      return derive({ ...model, view: { ...model.view, ...action.to } });
    case "queue": {
      const known = new Set([...model.queue.map((one) => one.id), ...model.lines.map((one) => one.entry.key)]);
      const news = action.items.filter((one) => !known.has(one.id));
      return news.length ? derive({ ...model, queue: [...model.queue, ...news] }) : model;
    }
    case "mark":
      return derive({
        ...model,
        queue: model.queue.map((one) => (one.id === action.id ? { ...one, state: action.state } : one)),
      });
    case "drop":
      return derive({ ...model, queue: model.queue.filter((one) => one.id !== action.id) });
    case "reply":
      return derive(replied(model, action.id, action.reply, action.at));
    case "transcript":
      return derive(restored(model, action.body));
    case "seen":
      return derive({ ...model, seen: Math.max(model.seen, action.upTo ?? model.lines.at(-1)?.place ?? 0) });
    case "leave": {
      const fresh = initial(model.view.lang);
      const { open, screen, connection, suggestions, searchResults, article, notice, contact, draft } = model.view;
      const view = { ...fresh.view, open, screen, connection, suggestions, searchResults, article, notice, contact };
      const queue = action.all ? [] : model.queue.map((one) => ({ ...one, state: "queued" as const }));
      return derive({ ...fresh, queue, view: { ...view, draft: action.all ? "" : draft } });
    }
  }
}

function derive(model: Model): Model {
  const { view, lines, queue } = model;
  const botHasIt = model.owner === "bot" || model.owner === "nobody";
  return {
    ...model,
    view: {
      ...view,
      entries: [...lines.map((line) => withMark(line, model.readUpTo)), ...queue.map(unsent)],
      buttons: pressable(model),
      busy: botHasIt && queue.some((one) => one.state === "sending"),
      unread: lines.filter(({ entry, place }) => entry.author !== "customer" && place > model.seen).length,
    },
  };
}

function withMark({ entry, place }: Line, readUpTo: number): Entry {
  if (entry.author !== "customer") return entry;
  const state = place <= readUpTo ? "read" : "sent";
  return entry.state === state ? entry : { ...entry, state };
}

function unsent(one: Outgoing): Entry {
  const text = one.press ? one.label : one.text;
  return { key: one.id, author: "customer", text, at: one.at, state: one.state, press: one.press ?? undefined };
}

/** The last reply's buttons, as long as nothing has come after it and the same hands have the conversation. */
function pressable({ lines, queue, owner }: Model): readonly Button[] {
  if (queue.some((one) => one.state !== "failed")) return [];
  const last = lines.findLast(({ entry }) => entry.author === "bot" || entry.author === "customer");
  return last?.entry.reply && last.owner === owner ? last.entry.reply.buttons : [];
}

function replied(model: Model, id: string, reply: Reply, at: string): Model {
  const item = model.queue.find((one) => one.id === id);
  const known = model.lines.find(({ entry }) => entry.key === id);
  const lines: Line[] = [];
  if (item) {
    const text = item.press ? item.label : reply.text;
    const { at: sent, press } = item;
    const own: Entry = { key: id, author: "customer", text, at: known?.entry.at ?? sent, state: "sent", press: press ?? undefined };
    lines.push({ place: reply.sequence, entry: own });
  }
  const said = botLine(reply, at);
  if (said) lines.push(said);
  // A repeated message gets the reply that it had: what has happened since says who has the conversation.
  // `last` stays: something that was not read yet may have happened before this message.
  const newest = reply.sequence >= model.last;
  return {
    ...model,
    queue: model.queue.filter((one) => one.id !== id),
    lines: merged(model.lines, lines),
    owner: newest ? reply.owner : model.owner,
  };
}

function botLine(message: Reply, at: string): Line | null {
  const { reply, said, sequence, complete, buttons, details, owner } = message;
  if (!said && !reply) return null;
  const entry: Entry = { key: `b${sequence}`, author: "bot", text: said, at };
  const line: Line = { place: sequence + 0.5, owner, entry };
  return reply ? { ...line, entry: { ...entry, lang: reply.language, reply: { ...reply, sequence, complete, buttons, details } } } : line;
}

/** The same lines with the new ones, each once, in order. */
function merged(lines: readonly Line[], news: readonly Line[]): readonly Line[] {
  const all = new Map(lines.map((line) => [line.entry.key, line]));
  for (const line of news) all.set(line.entry.key, line);
  return [...all.values()].sort((one, other) => one.place - other.place);
}

function restored(model: Model, body: Transcript): Model {
  if (body.last_sequence < model.last) return model; // an older reading that came late
  const lines: Line[] = [];
  let buttons: readonly Button[] = [];
  for (const one of body.entries) {
    const line = said(one, buttons);
    lines.push(line);
    buttons = one.message?.buttons ?? (one.author === "customer" ? [] : buttons);
  }
  const known = new Set(lines.map(({ entry }) => entry.key));
  return {
    ...model,
    // What was sent a moment ago and is not in this reading stays, until the next one has it.
    lines: merged(model.lines.filter((line) => line.place > body.last_sequence), lines),
    queue: model.queue.filter((one) => !known.has(one.id)),
    owner: body.owner,
    last: body.last_sequence,
    readUpTo: Math.max(model.readUpTo, body.request?.read_up_to ?? 0),
    view: {
      ...model.view,
      started: true,
      standing: standing(body),
      csat: body.csat.score !== null ? "sent" : body.csat.asked ? "ask" : "none",
    },
  };
}

function said(one: Said, buttons: readonly Button[]): Line {
  if (one.author === "bot" && one.message) {
    const line = botLine(one.message, one.at);
    if (line) return line;
  }
  const author = one.author === "agent" ? "person" : one.author;
  const key = (author === "customer" && one.client_message_id) || `s${one.sequence}`;
  const label = buttons.find((button) => button.press === one.press && button.index === one.index)?.label;
  const entry: Entry = {
    key,
    author,
    text: one.text || (one.press ? (label ?? "") : ""),
    at: one.at,
    name: one.name,
    press: one.press ?? undefined,
    state: author === "customer" ? "sent" : undefined,
    article: one.article ?? undefined,
  };
  return { place: one.sequence, entry };
}

function standing(body: Transcript): Standing | null {
  if (!body.request) return null;
  const { read_up_to: _, ...request } = body.request;
  return { ...request, owner: body.owner, status_url: body.status_url };
}
