/** What was said, and what can be pressed now. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { keyed } from "lit/directives/keyed.js";
import type { Button, Entry } from "../contract.js";
import { moment } from "../texts.js";
import { botEntry, others, sentArticle } from "./answer.js";
import { csat } from "./csat.js";
import type { Scene } from "./scene.js";
import { waitsForPeople } from "./scene.js";
import { standing } from "./standing.js";

export function conversation(scene: Scene): TemplateResult {
  const { state, t, ui } = scene;
  return html`<h2 class="hidden" tabindex="-1" data-heading>${t("log")}</h2>
    <div class="log" role="log" aria-label=${t("log")} aria-relevant="additions">
      ${state.entries.map((entry, place) => keyed(entry.key, one(scene, entry, state.entries[place - 1])))}
    </div>
    ${mark(scene)} ${writing(scene)} ${buttons(scene)} ${others(scene)} ${state.standing ? standing(scene, state.standing) : nothing} ${csat(scene)}
    ${ui.below
      ? html`<button type="button" class="below" @click=${() => scene.change({ below: false })}>${t("latest")}</button>`
      : nothing}`;
}

function one(scene: Scene, entry: Entry, before: Entry | undefined): TemplateResult {
  const { t, now, state } = scene;
  const who = author(scene, entry);
  const same = before?.author === entry.author && author(scene, before) === who;
  const when = moment(t, entry.at, now);
  return html`<div class="entry ${entry.author}" part="entry ${entry.author}" data-key=${entry.key}>
    ${same && entry.author !== "bot"
      ? nothing
      : html`<p class="who ${entry.author === "customer" ? "hidden" : ""}">
          ${who}${when ? html` <time datetime=${entry.at}>${when}</time>` : nothing}
        </p>`}
    <div class="said" lang=${entry.lang || state.lang}>${said(scene, entry)}</div>
  </div>`;
}

function author({ t }: Scene, entry: Entry): string {
  if (entry.author === "customer") return t("you");
  if (entry.author === "bot") return t("bot");
  return entry.name || t("service");
}

function said(scene: Scene, entry: Entry): TemplateResult {
  if (entry.author === "bot") return botEntry(scene, entry);
  if (entry.article) return sentArticle(scene, entry.article, entry.text);
  return html`<p class="bubble">${entry.text || (entry.press === "person" ? scene.t("person") : "…")}</p>`;
}

/** What became of the customer's last message, unless it has been answered: that says more. */
function mark({ state, commands, t }: Scene): TemplateResult | typeof nothing {
  const last = state.entries.filter(({ author }) => author !== "service").at(-1);
  if (last?.author !== "customer" || !last.state) return nothing;
  const waits = waitsForPeople(state);
  if (last.state === "failed") {
    return html`<div class="mark wrong">
      ${t("mark_failed")} <button type="button" class="quiet" @click=${() => commands.retry()}>${t("retry")}</button>
    </div>`;
  }
  if (!waits && last.state !== "queued") return nothing;
  if (last.state === "sending") return nothing;
  const words = {
    queued: "mark_queued",
    sent: state.standing?.delivered ? "mark_delivered" : "mark_saved",
    read: "mark_read",
  } as const;
  return html`<p class="mark">${t(words[last.state])}</p>`;
}

/** Three dots while somebody, or the bot, has something to say; in words for screen readers elsewhere. */
function writing({ state, t }: Scene): TemplateResult | typeof nothing {
  if (!state.busy && !state.typing) return nothing;
  const dots = html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>`;
  return html`<div class="writing">
    <p class="who">${state.typing ? t("typing", { name: state.typing }) : t("searching")}</p>
    ${dots}
  </div>`;
}

function buttons({ state, commands, t }: Scene): TemplateResult | typeof nothing {
  const shown = state.buttons.filter(({ press }) => press !== "person");
  if (!shown.length) return nothing;
  const helps = shown.some(({ press }) => press === "helped");
  const column = shown.some(({ press }) => press === "choice" || press === "audience");
  const own = ({ press, label }: Button): string => (press === "helped" || press === "not_helped" ? t(press) : label);
  const one = (button: Button): TemplateResult => html`<button
    type="button"
    part="choice"
    class=${["none_of_these", "skip", "no_need"].includes(button.press) ? "quiet" : ""}
    data-press=${button.press}
    @click=${() => commands.press({ ...button, label: own(button) })}
  >
    ${own(button)}
  </button>`;
  return html`<div class="choices ${column ? "column" : ""}" role="group" aria-label=${helps ? t("helped_question") : state.entries.at(-1)?.text || t("log")}>
    ${helps ? html`<span aria-hidden="true">${t("helped_question")}</span>` : nothing} ${shown.map(one)}
  </div>`;
}
