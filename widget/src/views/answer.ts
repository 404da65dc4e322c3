/** What the bot said, and what it quotes. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { guard } from "lit/directives/guard.js";
import type { Answer, ArticleCard, BotReply, ContactLine, Entry } from "../contract.js";
import { languageName, percent } from "../texts.js";
import { safeHtml } from "./html.js";
import { articleLink, articleList, followed } from "./links.js";
import type { Scene } from "./scene.js";

const VERY_SURE = 0.9;
const FAIRLY_SURE = 0.7;

/** Safe HTML of the service, built once for each text. */
export function prose(scene: Scene, source: string, lang: string): TemplateResult {
  const { links } = scene;
  return html`<div class="prose" part="prose" lang=${lang} @click=${followed(scene)}>
    ${guard([source, links.base, links.newTab], () => safeHtml(source, links))}
  </div>`;
}

/** How sure an answer is; nothing for an article that the customer picked. */
export function confidence({ t }: Scene, reply: BotReply): TemplateResult | typeof nothing {
  const share = reply.confidence;
  if (share === null || reply.outcome !== "answered" || reply.reason === "chosen") return nothing;
  const words = t(share >= VERY_SURE ? "confidence_high" : share >= FAIRLY_SURE ? "confidence_medium" : "confidence_low");
  return html`<p class="small">
    ${t("confidence")}:
    <strong>${words}</strong> (${percent(t, share)})
  </p>`;
}

function language({ state, t }: Scene, lang: string): TemplateResult | typeof nothing {
  return lang === state.lang ? nothing : html`<p class="tag">${t("article_language")}: ${languageName(t, lang)}</p>`;
}

function quotation(scene: Scene, answer: Answer, reply: BotReply): TemplateResult {
  const { t } = scene;
  return html`<article class="card" part="answer">
    <h3 lang=${answer.lang}>${answer.title}</h3>
    ${language(scene, answer.lang)} ${prose(scene, answer.html, answer.lang)}
    <p>
      <span class="small">${t("source")}:</span> ${articleLink(scene, answer)}${reply.complete
        ? nothing
        : html` · ${articleLink(scene, answer, t("read_more"))}`}
    </p>
    ${confidence(scene, reply)}
  </article>`;
}

/** Lines such as phone numbers; each leads to what dials or writes. */
export function details(lines: readonly ContactLine[]): TemplateResult | typeof nothing {
  if (!lines.length) return nothing;
  const grave = lines.some(({ kind }) => kind === "urgent" || kind === "emergency" || kind === "crisis");
  return html`<dl class="details ${grave ? "urgent" : ""}" part="details">
    ${lines.map(({ kind, label, value }) => html`<div><dt>${label}:</dt><dd>${reachedBy(kind, value)}</dd></div>`)}
  </dl>`;
}

function reachedBy(kind: ContactLine["kind"], value: string): TemplateResult | string {
  if (kind === "email" && /^[^\s@]+@[^\s@]+$/.test(value)) return html`<a href=${`mailto:${value}`}>${value}</a>`;
  const number = /\+?\d[\d ()-]+\d/.exec(value)?.[0];
  if (!number || kind === "hours" || kind === "email") return value;
  const at = value.indexOf(number);
  const dialled = number.replace(/[^+\d]/g, "");
  return html`${value.slice(0, at)}<a href=${`tel:${dialled}`}>${number}</a>${value.slice(at + number.length)}`;
}

/** The bot's entry. */
export function botEntry(scene: Scene, entry: Entry): TemplateResult {
  const { reply } = entry;
  if (!reply) return html`<p class="bubble">${entry.text}</p>`;
  return html`${entry.text ? html`<p class="bubble">${entry.text}</p>` : nothing}
    ${reply.answer ? quotation(scene, reply.answer, reply) : nothing} ${details(reply.details)}`;
}

/** Further articles of the last reply; below its buttons, so that the question whether it helped stays in sight. */
export function others(scene: Scene): TemplateResult | typeof nothing {
  const reply = scene.state.entries.at(-1)?.reply;
  const unsure = reply?.reason === "low_confidence" || reply?.reason === "repeated_failure";
  if (!reply || (reply.outcome !== "answered" && !unsure)) return nothing;
  const { answer, hits } = reply;
  const found = hits.filter((hit) => hit.article_id !== answer?.article_id || hit.lang !== answer.lang).slice(0, 3);
  if (!found.length) return nothing;
  return html`<div class="others">
    <h3 class="small">${scene.t("more")}</h3>
    ${articleList(scene, found)}
  </div>`;
}

/** An article that a person sent, with what they wrote. */
export function sentArticle(scene: Scene, article: ArticleCard, text: string): TemplateResult {
  const { t } = scene;
  return html`<article class="card" part="answer">
    <h3 lang=${article.lang}>${article.title}</h3>
    ${language(scene, article.lang)}
    ${text && text !== article.title ? html`<p lang=${article.lang}>${text}</p>` : nothing}
    <p>${articleLink(scene, article, t("read_more"))}</p>
  </article>`;
}
