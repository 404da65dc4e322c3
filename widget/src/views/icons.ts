import { svg, type SVGTemplateResult } from "lit/html.js";

const shapes = {
  close: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  back: svg`<path d="M15 5l-7 7 7 7"/>`,
  menu: svg`<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3"/>`,
  send: svg`<path d="M12 19V6M6 11l6-6 6 6"/>`,
  on: svg`<path d="M9 6l6 6-6 6"/>`,
  person: svg`<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>`,
};

/** A drawing beside words; screen readers pass over it. */
export function icon(name: keyof typeof shapes): SVGTemplateResult {
  return svg`<svg viewBox="0 0 24 24" aria-hidden="true">${shapes[name]}</svg>`;
}
