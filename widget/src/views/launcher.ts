import type { State } from "../contract.js";
import type { Translator } from "../texts.js";

const CHAT = "M4 5h16v11H9l-5 4zM8 9h8M8 12h5";
const DOWN = "M6 9l6 6 6-6";
const SVG = "http://www.w3.org/2000/svg";

function dress(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/**
 * The button that opens and closes; how many messages wait is said and shown. Made without the library that
 * draws the panel: it is all that a page has until the customer opens the chat, and slow phones should not feel it.
 */
export class Launcher {
  readonly box = document.createElement("div");
  readonly #button = document.createElement("button");
  readonly #path = document.createElementNS(SVG, "path");
  readonly #count = document.createElement("span");

  constructor(press: () => void) {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.append(this.#path);
    dress(drawing, { viewBox: "0 0 24 24", "aria-hidden": "true" });
    dress(this.#count, { class: "count", part: "unread", "aria-hidden": "true" });
    dress(this.#button, { type: "button", class: "launcher", part: "launcher", "aria-haspopup": "dialog" });
    this.#button.append(drawing);
    this.#button.onclick = press;
    this.box.append(this.#button);
  }

  show({ open, unread }: State, t: Translator): void {
    const waiting = open ? 0 : unread;
    const label = open ? t("close") : t("open") + (waiting ? `, ${t("unread", { count: waiting })}` : "");
    this.box.lang = t.lang;
    dress(this.#button, { "aria-label": label, "aria-expanded": String(open) });
    dress(this.#path, { d: open ? DOWN : CHAT });
    this.#count.textContent = waiting > 99 ? "99+" : String(waiting);
    if (waiting) this.#button.append(this.#count);
    else this.#count.remove();
  }
}
