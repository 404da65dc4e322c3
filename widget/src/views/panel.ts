/** The panel around the screens: its head, the field at the bottom, and the way to people. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { article } from "./article.js";
import { conversation } from "./conversation.js";
import { home } from "./home.js";
import { icon } from "./icons.js";
import { outside } from "./links.js";
import { requests } from "./requests.js";
import { waitsForPeople, type Scene } from "./scene.js";
import { starting } from "./starting.js";
import { trouble } from "./trouble.js";

export function panel(scene: Scene, onScroll: () => void): TemplateResult {
  if (!scene.t.whole) return html`${head(scene)}${starting(scene)}`;
  return html`${head(scene)}
    <div class="body" part="body" tabindex="0" role="group" aria-labelledby="title" @scroll=${onScroll}>${screen(scene)}</div>
    <footer part="footer" role="none">
      <div role="status">${trouble(scene)}</div>
      ${human(scene)} ${composer(scene)} ${notice(scene)}
    </footer>
    <p class="hidden" role="status">${announced(scene)}</p>`;
}

function screen(scene: Scene): TemplateResult {
  const { state } = scene;
  if (state.screen === "conversation") return conversation(scene);
  if (state.screen === "requests") return requests(scene);
  return state.screen === "article" && state.article ? article(scene, state.article) : home(scene);
}

/** What a screen reader hears beside the messages themselves. */
function announced({ state, t, ui }: Scene): string {
  if (state.screen === "article" && state.article?.status === "loading") return t("searching");
  if (state.screen === "home" && state.searchResults && ui.query) {
    const count = state.searchResults.length;
    return count ? t("results_count", { count }) : t("results_none");
  }
  if (state.busy) return t("searching");
  return state.typing ? t("typing", { name: state.typing }) : "";
}

function head(scene: Scene): TemplateResult {
  const { state, commands, t, ui } = scene;
  const back = state.screen === "article" ? ui.from : state.screen === "requests" && state.started ? "conversation" : "home";
  return html`<header part="header" role="none">
    ${state.screen === "home" || !t.whole
      ? nothing
      : html`<button type="button" class="icon" aria-label=${t("back")} @click=${() => commands.go(back)}>${icon("back")}</button>`}
    <h2 id="title" tabindex="-1">${t("title")}</h2>
    ${state.started && t.whole ? menu(scene) : nothing}
    <button type="button" class="icon" aria-label=${t("close")} @click=${() => commands.close()}>${icon("close")}</button>
  </header>`;
}

function menu({ commands, t, state }: Scene): TemplateResult {
  const does = (act: () => void) => (event: Event) => {
    (event.currentTarget as HTMLElement).closest<HTMLDetailsElement>(".menu")?.removeAttribute("open");
    act();
  };
  const left = (event: FocusEvent): void => {
    const fold = event.currentTarget as HTMLDetailsElement;
    if (event.relatedTarget && !fold.contains(event.relatedTarget as Node)) fold.open = false;
  };
  return html`<details class="menu" @focusout=${left}>
    <summary class="icon" aria-label=${t("menu")}>${icon("menu")}</summary>
    <div>
      ${state.standing
        ? html`<button type="button" @click=${does(() => commands.go("requests"))}>${t("requests")}</button>`
        : nothing}
      <button type="button" @click=${does(() => commands.newConversation())}>${t("new")}</button>
      <details>
        <summary>${t("delete")}</summary>
        <div>
          <p>${t("delete_note")}</p>
          <button type="button" class="button danger" @click=${does(() => commands.deleteConversation())}>${t("delete_yes")}</button>
        </div>
      </details>
    </div>
  </details>`;
}

/** "Talk to a person", on every screen, until people have the request. */
function human({ state, commands, t }: Scene): TemplateResult | typeof nothing {
  if (waitsForPeople(state)) return nothing;
  const offered = state.screen === "conversation" ? state.buttons.find(({ press }) => press === "person") : undefined;
  return html`<button
    type="button"
    class="human"
    part="person"
    @click=${() => (offered ? commands.press(offered) : commands.person())}
  >
    ${icon("person")}<span>${offered?.label ?? t("person")}</span>
  </button>`;
}

/** What the company wants to be read before the first message. */
function notice(scene: Scene): TemplateResult | typeof nothing {
  const { notice: shown, started } = scene.state;
  if (!shown || started) return nothing;
  return html`<p class="small notice" part="notice">
    ${shown.text} ${shown.url ? outside(scene, shown.url, scene.t("privacy")) : nothing}
  </p>`;
}

function composer({ state, commands, t }: Scene): TemplateResult {
  const label = t(waitsForPeople(state) ? "message_hint" : "question_hint");
  const send = (event: Event): void => {
    event.preventDefault();
    const text = state.draft.trim();
    if (text) commands.ask(text);
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  return html`<form class="composer" part="composer" @submit=${send}>
    <textarea
      id="draft"
      rows="1"
      autocomplete="off"
      enterkeyhint="send"
      aria-label=${label}
      placeholder=${label}
      .value=${state.draft}
      @keydown=${key}
      @input=${(event: Event) => {
        commands.draft((event.target as HTMLTextAreaElement).value);
        commands.typing();
      }}
    ></textarea>
    <button class="round" aria-label=${t("send")}>${icon("send")}</button>
  </form>`;
}
