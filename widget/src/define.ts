/** Entry of the bundle: defines `<helppari-chat>`, once per page. */

import { HelppariChat } from "./element.js";
import { embed } from "./embed.js";

const script = document.currentScript;
if (script instanceof HTMLScriptElement && script.src) HelppariChat.home = new URL(script.src).origin;
if (!customElements.get("helppari-chat")) customElements.define("helppari-chat", HelppariChat);
if (script instanceof HTMLScriptElement) embed(script);

declare global {
  interface HTMLElementTagNameMap {
    "helppari-chat": HelppariChat;
  }
}
