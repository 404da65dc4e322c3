import { html, nothing, type TemplateResult } from "lit/html.js";
import type { ArticleSection, ArticleView } from "../contract.js";
import { day, languageName } from "../texts.js";
import { prose } from "./answer.js";
import { articleOf, safeAddress } from "./html.js";
import { articleLink, outside } from "./links.js";
import type { Scene } from "./scene.js";

/** A whole article inside the panel. */
export function article(scene: Scene, shown: ArticleView): TemplateResult {
  const { t, commands } = scene;
  if (shown.status === "loading") {
    return html`<h2 tabindex="-1" data-heading>${shown.title || t("searching")}</h2>
      <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>`;
  }
  if (shown.status !== "ready") {
    const again = (): void => commands.openArticle(shown.lang, shown.id);
    return html`<h2 tabindex="-1" data-heading>${t(shown.status === "missing" ? "article_missing" : "error_other")}</h2>
      ${shown.status === "failed" ? html`<div><button type="button" @click=${again}>${t("retry")}</button></div>` : nothing}`;
  }
  return html`<article class="article" lang=${shown.lang} part="article">
      <h2 tabindex="-1" data-heading>${shown.title}</h2>
      ${shown.updated ? html`<p class="small" lang=${scene.state.lang}>${t("updated", { date: day(t, shown.updated) })}</p>` : nothing}
      ${shown.sections.map((section) => part(scene, section, shown))}
    </article>
    ${translations(scene, shown)}
    <p>${outside(scene, shown.url, t("open_page"))}</p>`;
}

function part(scene: Scene, section: ArticleSection, shown: ArticleView): TemplateResult {
  const heading = section.heading_path.at(-1) ?? "";
  return html`<section>
    ${heading && heading !== shown.title ? html`<h3>${heading}</h3>` : nothing} ${prose(scene, section.html, shown.lang)}
  </section>`;
}

function translations(scene: Scene, shown: ArticleView): TemplateResult | typeof nothing {
  const { t, links } = scene;
  const found = shown.translations.flatMap(({ lang, title, url }) => {
    const address = safeAddress(url, links.base);
    const at = address && articleOf(address, links.base);
    return at ? [{ article_id: at.id, lang, title, url }] : [];
  });
  if (!found.length) return nothing;
  return html`<p>
    <span class="small">${t("other_languages")}:</span>
    ${found.map((hit, place) => html`${place ? ", " : ""}${articleLink(scene, hit, languageName(t, hit.lang))}`)}
  </p>`;
}
