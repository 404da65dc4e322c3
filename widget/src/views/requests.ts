import { html, type TemplateResult } from "lit/html.js";
import { moment } from "../texts.js";
import type { Scene } from "./scene.js";
import { standing } from "./standing.js";

/** The customer's own request, apart from what was said. */
export function requests(scene: Scene): TemplateResult {
  const { state, commands, t, now } = scene;
  const request = state.standing;
  return html`<h2 tabindex="-1" data-heading>${t("requests")}</h2>
    ${request
      ? html`<div class="card">
            <h3>${request.question || t("person")}</h3>
            <p class="small">${t("asked", { date: moment(t, request.asked_at, now) })}</p>
          </div>
          ${standing(scene, request)}
          <button type="button" class="primary" @click=${() => commands.go("conversation")}>${t("continue")}</button>`
      : html`<p>${t("requests_none")}</p>`}`;
}
