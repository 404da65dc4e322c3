/** Where the request to people stands, and what its customer can do meanwhile. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import type { Press, Standing } from "../contract.js";
import type { TextKey } from "../texts.js";
import { outside } from "./links.js";
import type { Scene } from "./scene.js";

/** How the request stands, in sentences that each stand alone. */
export function standingLines({ t }: Scene, request: Standing): readonly string[] {
  if (request.state === "resolved") return [t("resolved")];
  if (request.state === "withdrawn") return [t("withdrawn")];
  if (request.state !== "open") return [t("ended")];
  const lines = [
    request.agent
      ? t("with_agent", { name: request.agent })
      : !request.staffed
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
  return html`<div role="group" class="standing" part="standing" aria-label=${t("requests")}>
    ${open && request.team ? html`<p class="small">${request.team}</p>` : nothing}
    <div role="status">${lines.map((line, place) => html`<p class=${place ? "" : "first"}>${line}</p>`)}</div>
    ${open ? html`${contact(scene, request)} ${request.staffed ? call(scene) : nothing}` : nothing}
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
    ${request.status_url
      ? html`<p>${outside(scene, request.status_url, t("status_link"))}</p>`
      : nothing}
  </div>`;
}

/** A form folded under its name; what it needs is told where it is missing, and it folds up once it is sent. */
function folded(
  { t, ui, change }: Scene,
  name: "contact" | "call",
  title: TextKey,
  fields: readonly [TextKey, TextKey],
  send: (first: string, last: string) => boolean,
): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const [first = "", last = ""] = [...form.querySelectorAll("input")].map(({ value }) => value.trim());
    const done = send(first, last);
    change({ wrong: done ? "" : name });
    if (!done) return;
    form.reset();
    const fold = form.closest("details");
    fold?.removeAttribute("open");
    fold?.querySelector("summary")?.focus();
  };
  const field = (key: TextKey, place: number): TemplateResult => {
    const [kind, fill, longest] = key === "email" ? ["email", "email", 254] : key === "phone" ? ["tel", "tel", 40] : ["text", "off", 400];
    return html`<label>${t(key)}<input name=${name + place} type=${kind} maxlength=${longest} autocomplete=${fill} /></label>`;
  };
  return html`<details>
    <summary>${t(title)}</summary>
    <form class="fields" novalidate @submit=${submit}>
      ${fields.map(field)}
      <p class="wrong" role="alert">${ui.wrong === name ? t(name === "call" ? "phone_missing" : "contact_missing") : nothing}</p>
      <button class="primary">${t("save")}</button>
    </form>
  </details>`;
}

function contact(scene: Scene, request: Standing): TemplateResult {
  return folded(scene, "contact", request.reachable ? "change_contact" : "give_contact", ["email", "phone"], (email, phone) => {
    if (!email && !phone) return false;
    scene.commands.contact(email, phone);
    return true;
  });
}

function call(scene: Scene): TemplateResult {
  return folded(scene, "call", "ask_for_call", ["phone", "wished"], (phone, wished) => {
    const known = phone || scene.state.standing?.call?.phone;
    if (known) scene.commands.callback(known, wished);
    return Boolean(known);
  });
}
