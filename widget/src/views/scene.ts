/** What every view is a function of. */

import type { Commands, State } from "../contract.js";
import type { Translator } from "../texts.js";
import type { Links } from "./html.js";

/** What only this tab's drawing knows; all else is the session's. */
export interface Ui {
  /** What is typed into the search field. */
  readonly query: string;
  /** The form that was sent incomplete. */
  readonly wrong: "" | "csat" | "contact" | "call";
  /** Something has come below what is in sight. */
  readonly below: boolean;
  /** Where an article was opened from. */
  readonly from: "home" | "conversation" | "requests";
}

export interface Scene {
  readonly state: State;
  readonly commands: Commands;
  readonly t: Translator;
  /** Tries once more to get the texts that did not come; null while there is no need to. */
  readonly again: (() => void) | null;
  readonly links: Links;
  readonly now: Date;
  readonly ui: Ui;
  change(ui: Partial<Ui>): void;
}

/** Whether people have the customer's request, and are still to do something. */
export function waitsForPeople(state: State): boolean {
  return state.standing?.state === "open";
}
