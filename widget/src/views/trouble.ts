import { html, nothing, type TemplateResult } from "lit/html.js";
import type { TextKey } from "../texts.js";
import { details } from "./answer.js";
import type { Scene } from "./scene.js";

const WORDS: Readonly<Record<string, TextKey>> = {
  "rate-limited": "error_rate",
  "conversation-full": "expired",
  "not-open": "ended",
  "invalid-request": "error_invalid",
  "too-large": "error_invalid",
};

/** What does not work just now, and what does. */
export function trouble({ state, commands, t }: Scene): TemplateResult | typeof nothing {
  const retry = html`<button type="button" class="button" @click=${() => commands.retry()}>${t("retry")}</button>`;
  const anew = html`<button type="button" class="button" @click=${() => commands.newConversation()}>${t("new")}</button>`;
  let shown: unknown;
  if (state.connection === "offline") shown = html`<p>${t("offline")}</p>`;
  else if (state.connection === "down") shown = html`<p>${t("down")}</p>${details(state.contact)}${retry}`;
  else if (state.expired) shown = html`<p>${t("expired")}</p>`;
  else if (state.error) {
    const key = Object.hasOwn(WORDS, state.error) ? WORDS[state.error] : undefined;
    shown = html`<p>${t(key ?? "error_other")}</p>${state.error === "conversation-full" ? anew : nothing}`;
  } else return nothing;
  return html`<div class="trouble" part="trouble">${shown}</div>`;
}
