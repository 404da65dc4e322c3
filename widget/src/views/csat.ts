import { html, nothing, type TemplateResult } from "lit/html.js";
import type { Scene } from "./scene.js";

const SCORES = [
  [1, "csat_1"],
  [2, "csat_2"],
  [3, "csat_3"],
  [4, "csat_4"],
  [5, "csat_5"],
] as const;

/** How well the matter was handled; asked once it has ended. */
export function csat(scene: Scene): TemplateResult | typeof nothing {
  const { state, commands, t, ui } = scene;
  if (state.csat === "none") return nothing;
  if (state.csat === "sent") return html`<p role="status">${t("csat_thanks")}</p>`;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const score = Number(data.get("score"));
    scene.change({ wrong: score ? "" : "csat" });
    if (score) commands.rate(score, String(data.get("comment") ?? "").trim());
  };
  return html`<form class="card" part="csat" novalidate @submit=${submit}>
    <fieldset>
      <legend>${t("csat")}</legend>
      <div class="scores">
        ${SCORES.map(
          ([score, key]) => html`<label><input type="radio" name="score" value=${score} />${t(key)}</label>`,
        )}
      </div>
    </fieldset>
    <label>${t("csat_comment")}<textarea name="comment" rows="2" maxlength="1000"></textarea></label>
    <p class="wrong" role="alert">${ui.wrong === "csat" ? t("csat_missing") : nothing}</p>
    <div><button class="primary">${t("csat_send")}</button></div>
  </form>`;
}
