import { html, nothing, type TemplateResult } from "lit/html.js";
import { icon } from "./icons.js";
import { articleList } from "./links.js";
import type { Scene } from "./scene.js";

/** The first screen: who answers here, search, and questions that may be the customer's. */
export function home(scene: Scene): TemplateResult {
  const { state, commands, t, ui } = scene;
  const found = state.searchResults;
  return html`<div class="home">
      <h2 tabindex="-1" data-heading>${t("home_title")}</h2>
      <p>${t("home_intro")}</p>
    </div>
    ${state.started
      ? html`<button type="button" class="primary" @click=${() => commands.go("conversation")}>
          ${t("continue")}${state.unread ? ` (${t("unread", { count: state.unread })})` : ""}
        </button>`
      : nothing}
    <form role="search" @submit=${(event: Event) => event.preventDefault()}>
      <label for="search">${t("search")}</label>
      <input
        id="search"
        type="search"
        autocomplete="off"
        enterkeyhint="search"
        maxlength="200"
        .value=${ui.query}
        @input=${(event: Event) => {
          const query = (event.target as HTMLInputElement).value;
          scene.change({ query });
          commands.search(query);
        }}
      />
    </form>
    ${found !== null && ui.query
      ? html`<div>${found.length ? articleList(scene, found) : html`<p>${t("results_none")}</p>`}</div>`
      : state.suggestions.length
        ? html`<div>
            <h3>${t("suggestions")}</h3>
            <ul class="links" role="list">
              ${state.suggestions.map(
                ({ text, lang }) => html`<li>
                  <button type="button" lang=${lang} @click=${() => commands.ask(text)}>${text}${icon("on")}</button>
                </li>`,
              )}
            </ul>
          </div>`
        : nothing}`;
}
