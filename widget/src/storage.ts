/** What is kept in the browser: from the first message on, and only what bringing the conversation back needs. */

import type { Access } from "./api";
import type { Outgoing } from "./state";

/** The part of `Storage` that is used. */
export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What belongs to this tab alone. */
export interface TabNotes {
  readonly draft: string;
  readonly queue: readonly Outgoing[];
  readonly open: boolean;
  /** How far the conversation has been seen. */
  readonly seen: number;
}

/** A shelf that works where the browser's does not: blocked, full, or missing. */
class Sure implements Shelf {
  readonly #memory = new Map<string, string>();

  /** `find` is called at each use and no sooner: some browsers throw already there, and the first time is slow. */
  constructor(private readonly find: () => Shelf | null | undefined) {}

  getItem(key: string): string | null {
    try {
      return this.#memory.get(key) ?? this.find()?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  setItem(key: string, value: string): void {
    try {
      const shelf = this.find();
      if (!shelf) throw new Error("no storage");
      shelf.setItem(key, value);
      this.#memory.delete(key);
    } catch {
      this.#memory.set(key, value);
    }
  }

  removeItem(key: string): void {
    this.#memory.delete(key);
    try {
      this.find()?.removeItem(key);
    } catch {
      // Nothing can be kept there either.
    }
  }
}

export class Keeper {
  readonly #shared: Shelf;
  readonly #tab: Shelf;

  constructor(
    /** Tells this service and site from others on the same page. */
    private readonly name: string,
    shared: () => Shelf | null | undefined,
    tab: () => Shelf | null | undefined,
  ) {
    this.#shared = new Sure(shared);
    this.#tab = new Sure(tab);
  }

  access(): Access | null {
    const found = read(this.#shared, this.name) as Partial<Access> | null;
    const whole = found && [found.id, found.token, found.expires].every((one) => typeof one === "string" && one);
    return whole ? (found as Access) : null;
  }

  keep(access: Access): void {
    this.#shared.setItem(this.name, JSON.stringify(access));
  }

  notes(): TabNotes | null {
    const found = read(this.#tab, `${this.name}:tab`) as Partial<TabNotes> | null;
    if (!found) return null;
    return {
      draft: typeof found.draft === "string" ? found.draft : "",
      queue: Array.isArray(found.queue) ? found.queue.filter(isOutgoing) : [],
      open: found.open === true,
      seen: typeof found.seen === "number" ? found.seen : 0,
    };
  }

  note(notes: TabNotes): void {
    this.#tab.setItem(`${this.name}:tab`, JSON.stringify(notes));
  }

  forget(): void {
    this.#shared.removeItem(this.name);
    this.#tab.removeItem(`${this.name}:tab`);
  }
}

function read(shelf: Shelf, key: string): object | null {
  try {
    const found: unknown = JSON.parse(shelf.getItem(key) ?? "null");
    return typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}

function isOutgoing(one: unknown): one is Outgoing {
  const found = one as Partial<Outgoing> | null;
  return typeof found?.id === "string" && typeof found.text === "string" && typeof found.at === "string";
}
