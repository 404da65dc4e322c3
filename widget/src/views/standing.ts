/** Where the request to people stands, and what its customer can do meanwhile. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import type { Press, Standing } from "../contract.js";
import type { Scene } from "./scene.js";

/** How the request stands, in sentences that each stand alone. */
export function standingLines({ t }: Scene, request: Standing): readonly string[] {
  if (request.state === "resolved") return [t("resolved")];
  if (request.state === "withdrawn") return [t("withdrawn")];
  if (request.state !== "open") return [t("ended")];
  const lines = [
    request.agent
      ? t("with_agent", { name: request.agent })
      : !request.team
        ? t("saved")
        : request.live && request.place
          ? t(request.place === 1 ? "place_first" : "place", { place: request.place })
          : request.reply_by_words
            ? t("promise", { when: request.reply_by_words })
            : t("queued"),
  ];
  if (!request.reachable) lines.push(t("address_hint"));
  else if (request.mail) lines.push(t("mail_continues"));
  if (request.call) lines.push(t("call_promised", { phone: request.call.phone }));
  if (request.call?.wished) lines.push(t("call_when", { wished: request.call.wished }));
  return lines;
}

/** Whether the bot is silent until it is asked meanwhile. */
function silent({ state }: Scene): boolean {
  const offered = state.entries.some(({ reply }) => reply?.buttons.some(({ press }) => press === "ask_meanwhile"));
  return offered && !state.entries.some(({ press }) => press === "ask_meanwhile");
}

export function standing(scene: Scene, request: Standing): TemplateResult {
  const { state, commands, t } = scene;
  const lines = standingLines(scene, request);
  const open = request.state === "open";
  const waits = open && !request.agent;
  const offered = (press: Press): boolean => state.buttons.some((button) => button.press === press);
  return html`<section class="standing" part="standing" aria-label=${t("standing")}>
    ${open && request.team ? html`<p class="small">${request.team}</p>` : nothing}
    <div role="status">${lines.map((line, place) => html`<p class=${place ? "" : "first"}>${line}</p>`)}</div>
    ${open ? html`${contact(scene, request)} ${request.team ? call(scene) : nothing}` : nothing}
    ${waits
      ? html`<div class="choices">
          ${offered("ask_meanwhile") || !silent(scene)
            ? nothing
            : html`<button
                type="button"
                @click=${() => commands.press({ press: "ask_meanwhile", index: 0, label: t("ask_meanwhile") })}
              >
                ${t("ask_meanwhile")}
              </button>`}
          ${offered("no_need")
            ? nothing
            : html`<button type="button" class="quiet" @click=${() => commands.noNeed()}>${t("no_need")}</button>`}
        </div>`
      : nothing}
    ${request.status_url ? html`<p>${statusLink(scene, request)}</p>` : nothing}
  </section>`;
}

export function statusLink({ t }: Scene, request: Standing): TemplateResult {
  return html`<a href=${request.status_url} target="_blank" rel="noopener"
    >${t("status_link")}<span class="hidden"> (${t("new_tab")})</span></a
  >`;
}

/** Reads a form, and closes what it is folded into once it is complete. */
function sent(event: SubmitEvent, names: readonly string[]): { values: readonly string[]; done(): void } {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const data = new FormData(form);
  return {
    values: names.map((name) => String(data.get(name) ?? "").trim()),
    done: () => {
      form.reset();
      const fold = form.closest("details");
      if (fold) fold.open = false;
      fold?.querySelector("summary")?.focus();
    },
  };
}

function contact(scene: Scene, request: Standing): TemplateResult {
  const { commands, t, ui } = scene;
  const submit = (event: SubmitEvent): void => {
    const { values, done } = sent(event, ["email", "phone"]);
    const [email = "", phone = ""] = values;
    scene.change({ wrong: email || phone ? "" : "contact" });
    if (!email && !phone) return;
    commands.contact(email, phone);
    done();
  };
  return html`<details>
    <summary>${t(request.reachable ? "change_contact" : "give_contact")}</summary>
    <form class="fields" novalidate @submit=${submit}>
      <label>${t("email")}<input type="email" name="email" maxlength="254" autocomplete="email" /></label>
      <label>${t("phone")}<input type="tel" name="phone" maxlength="40" autocomplete="tel" /></label>
      <p class="wrong" role="alert">${ui.wrong === "contact" ? t("contact_missing") : nothing}</p>
      <button class="primary">${t("save")}</button>
    </form>
  </details>`;
}

function call(scene: Scene): TemplateResult {
  const { commands, t, ui, state } = scene;
  const submit = (event: SubmitEvent): void => {
    const { values, done } = sent(event, ["phone", "wished"]);
    const [phone = "", wished = ""] = values;
    const known = phone || state.standing?.call?.phone || "";
    scene.change({ wrong: known ? "" : "call" });
    if (!known) return;
    commands.callback(known, wished);
    done();
  };
  return html`<details>
    <summary>${t("ask_for_call")}</summary>
    <form class="fields" novalidate @submit=${submit}>
      <label>${t("phone")}<input type="tel" name="phone" maxlength="40" autocomplete="tel" /></label>
      <label>${t("wished")}<input type="text" name="wished" maxlength="400" autocomplete="off" /></label>
      <p class="wrong" role="alert">${ui.wrong === "call" ? t("phone_missing") : nothing}</p>
      <button class="primary">${t("save")}</button>
    </form>
  </details>`;
}
