/** The one line: a script that names its site puts the chat on the page by itself. */

/** Attributes of the script (`data-site-key` ...) that become the element's own. */
const ATTRIBUTES = ["site-key", "lang", "position", "theme", "store", "server"] as const;
const TAG = "helppari-chat";

/** Adds the element once the page has a body, unless the page has one already. */
export function embed(script: HTMLScriptElement): void {
  if (!script.hasAttribute("data-site-key")) return;
  const values = ATTRIBUTES.map((name) => [name, script.getAttribute(`data-${name}`)] as const);
  const add = (): void => {
    if (document.querySelector(TAG)) return;
    const element = document.createElement(TAG);
    for (const [name, value] of values) {
      if (value !== null) element.setAttribute(name, value);
    }
    document.body.append(element);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", add, { once: true });
  else add();
}
