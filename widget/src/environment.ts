/** What the session needs of its browser; tests give their own. */

import type { ApiEnvironment } from "./api";
import type { Shelf } from "./storage";
import type { FollowEnvironment } from "./stream";
import type { TabsEnvironment } from "./tabs";

export interface Environment extends ApiEnvironment, FollowEnvironment, TabsEnvironment {
  readonly online: () => boolean;
  /** A new id of letters and digits, never given before. */
  readonly id: () => string;
  /** Of the page: for suggestions. */
  readonly title: () => string;
  readonly locale: () => { readonly locale: string; readonly zone: string };
  readonly session: () => Shelf | null | undefined;
  readonly local: () => Shelf | null | undefined;
  /** Tells of "online", "offline", "visible" and "hidden"; returns what ends it. */
  readonly listen: (hear: (what: "online" | "offline" | "visible" | "hidden") => void) => () => void;
}

export function browser(): Environment {
  const { navigator } = globalThis;
  return {
    fetch: (...call) => fetch(...call),
    setTimeout: (act, ms) => window.setTimeout(act, ms),
    clearTimeout: (id) => window.clearTimeout(id),
    now: () => Date.now(),
    random: () => Math.random(),
    visible: () => document.visibilityState === "visible",
    online: () => navigator.onLine !== false,
    id: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join(""),
    title: () => document.title,
    locale: () => ({ locale: navigator.language, zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "" }),
    session: () => window.sessionStorage,
    local: () => window.localStorage,
    locks: navigator.locks ?? null,
    channel: typeof BroadcastChannel === "function" ? (name) => new BroadcastChannel(name) : null,
    listen: (hear) => {
      const end = new AbortController();
      const { signal } = end;
      addEventListener("online", () => hear("online"), { signal });
      addEventListener("offline", () => hear("offline"), { signal });
      const seen = (): void => hear(document.visibilityState === "visible" ? "visible" : "hidden");
      document.addEventListener("visibilitychange", seen, { signal });
      addEventListener("pageshow", (event) => event.persisted && hear("visible"), { signal });
      return () => end.abort();
    },
  };
}
