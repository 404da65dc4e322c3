/** The sheet of the shadow root. */

/// <reference types="vite/client" />
import text from "./styles.css?inline";

export function sheet(): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}
