import { html, type TemplateResult } from "lit/html.js";
import type { Scene } from "./scene.js";

/** The panel's body while its texts are on their way, and when they do not come. */
export function starting({ t, again }: Scene): TemplateResult {
  return html`<div class="body" part="body">
    <div role="status">
      ${again
        ? html`<div class="trouble" part="trouble">
            <p>${t("error_other")}</p>
            <button type="button" class="button" @click=${again}>${t("retry")}</button>
          </div>`
        : ""}
    </div>
    ${again ? "" : html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>`}
  </div>`;
}
