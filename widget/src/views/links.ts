/** Links to articles: they open inside the panel, and in a new tab for who asks for one. */

import { html, type TemplateResult } from "lit/html.js";
import { languageName } from "../texts.js";
import { safeAddress } from "./html.js";
import { icon } from "./icons.js";
import type { Scene } from "./scene.js";

interface Linked {
  readonly article_id: string;
  readonly lang: string;
  readonly title: string;
  readonly url: string;
}

function plain(event: MouseEvent): boolean {
  return !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

/** A link to an article with the title, or other words, as its text. */
export function articleLink(scene: Scene, hit: Linked, words = "", mark = false): TemplateResult {
  const { state, commands, links, t } = scene;
  const open = (event: MouseEvent): void => {
    if (!plain(event)) return;
    event.preventDefault();
    commands.openArticle(hit.lang, hit.article_id);
  };
  const foreign = !words && hit.lang !== state.lang;
  return html`<a href=${safeAddress(hit.url, links.base)?.href ?? "#"} target="_blank" rel="noopener" @click=${open}
    ><span><span lang=${words ? state.lang : hit.lang}>${words || hit.title || hit.article_id}</span>${foreign
      ? html` <span class="small">(${languageName(t, hit.lang)})</span>`
      : ""}</span>${mark ? icon("on") : ""}</a
  >`;
}

/** A link that leaves the panel. */
export function outside({ links, t }: Scene, address: string, words: string): TemplateResult {
  return html`<a href=${safeAddress(address, links.base)?.href ?? "#"} target="_blank" rel="noopener"
    >${words}<span class="hidden"> (${t("new_tab")})</span></a
  >`;
}

/** A list of articles. */
export function articleList(scene: Scene, hits: readonly Linked[]): TemplateResult {
  return html`<ul class="links" role="list">
    ${hits.map((hit) => html`<li>${articleLink(scene, hit, "", true)}</li>`)}
  </ul>`;
}

/** Follows links to articles inside quoted HTML. */
export function followed(scene: Scene): (event: MouseEvent) => void {
  return (event) => {
    const link = (event.target as Element | null)?.closest<HTMLElement>("a[data-article]");
    const { article, lang } = link?.dataset ?? {};
    if (!article || !lang || !plain(event)) return;
    event.preventDefault();
    scene.commands.openArticle(lang, article);
  };
}
