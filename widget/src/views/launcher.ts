import { html, nothing, type TemplateResult } from "lit/html.js";
import { icon } from "./icons.js";
import type { Scene } from "./scene.js";

/** The button that opens and closes; how many messages wait is said and shown. */
export function launcher({ state, commands, t }: Scene): TemplateResult {
  const waiting = state.open ? 0 : state.unread;
  const label = state.open ? t("close") : t("open") + (waiting ? `, ${t("unread", { count: waiting })}` : "");
  return html`<button
    type="button"
    class="launcher"
    part="launcher"
    aria-label=${label}
    aria-expanded=${state.open}
    aria-haspopup="dialog"
    @click=${state.open ? commands.close : commands.open}
  >
    ${icon(state.open ? "down" : "chat")}
    ${waiting ? html`<span class="count" part="unread" aria-hidden="true">${waiting > 99 ? "99+" : waiting}</span>` : nothing}
  </button>`;
}
