/** One sheet for the whole widget. Hosts change it by `--helppari-*` properties and `::part`. */

import { css } from "lit";

const dark = css`
  --paper: #182124;
  --raised: #222d31;
  --ink: #eaf0ee;
  --soft: #afbdba;
  --line: #55645f;
  --accent: var(--helppari-accent, #57c8ba);
  --accent-ink: var(--helppari-accent-ink, #08201d);
  --link: var(--helppari-link, #7cd8cb);
  --tint: #1c3a37;
  --warn: #ffb98f;
  --warn-tint: #3a261a;
  --shade: 0 0 0 1px #37444a, 0 10px 40px rgb(0 0 0 / 50%);
  color-scheme: dark;
`;

export const styles = css`
  :host {
    all: initial;
    --paper: #ffffff;
    --raised: #f2f5f4;
    --ink: #1d2528;
    --soft: #52605f;
    --line: #82908d;
    --accent: var(--helppari-accent, #0b6e69);
    --accent-ink: var(--helppari-accent-ink, #ffffff);
    --link: var(--helppari-link, #085f5b);
    --tint: #e4f2ef;
    --warn: #8a3b12;
    --warn-tint: #fdf0e7;
    --shade: 0 0 0 1px rgb(20 40 40 / 8%), 0 10px 40px rgb(20 40 40 / 22%);
    --round: var(--helppari-radius, 16px);
    --edge: var(--helppari-offset, 20px);
    color-scheme: light;
    font-family: var(--helppari-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif);
    line-height: 1.5;
    color: var(--ink);
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      ${dark}
    }
  }
  :host([theme="dark"]) {
    ${dark}
  }
  :host([hidden]) {
    display: none;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1, h2, h3, p, ul, ol, dl, dd, fieldset, blockquote {
    margin: 0;
    padding: 0;
    border: 0;
  }
  h2, h3 {
    font-size: 1em;
    line-height: 1.3;
    overflow-wrap: anywhere;
  }
  svg {
    width: 22px;
    height: 22px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  button, input, textarea {
    font: inherit;
    color: inherit;
    margin: 0;
  }
  button, summary, .button {
    cursor: pointer;
  }
  a {
    color: var(--link);
    text-underline-offset: 0.15em;
    overflow-wrap: anywhere;
  }
  a:hover {
    text-decoration-thickness: 2px;
  }
  :focus {
    outline: none;
  }
  :focus-visible {
    outline: 3px solid var(--link);
    outline-offset: 2px;
  }

  /* The button that opens */
  .launcher {
    position: fixed;
    inset: auto var(--edge) var(--edge) auto;
    z-index: var(--helppari-layer, 2147483000);
    width: 60px;
    height: 60px;
    display: grid;
    place-items: center;
    border: 2px solid transparent;
    border-radius: 50%;
    background: var(--accent);
    color: var(--accent-ink);
    box-shadow: 0 4px 16px rgb(20 40 40 / 30%);
  }
  .launcher svg {
    width: 28px;
    height: 28px;
  }
  .launcher:focus-visible {
    outline-offset: 3px;
  }
  .count {
    position: absolute;
    top: -6px;
    right: -6px;
    min-width: 24px;
    padding: 0 5px;
    border: 2px solid var(--paper);
    border-radius: 14px;
    background: #b3261e;
    color: #fff;
    font-size: 0.8125em;
    font-weight: 700;
    text-align: center;
  }
  :host([position="left"]) .launcher {
    inset: auto auto var(--edge) var(--edge);
  }

  /* The panel */
  dialog {
    position: fixed;
    inset: auto var(--edge) calc(var(--edge) + 76px) auto;
    z-index: var(--helppari-layer, 2147483000);
    width: min(408px, calc(100vw - 2 * var(--edge)));
    height: min(704px, calc(100vh - 2 * var(--edge) - 84px));
    max-width: none;
    max-height: none;
    margin: 0;
    padding: 0;
    border: 1px solid transparent;
    border-radius: var(--round);
    overflow: hidden;
    background: var(--paper);
    color: var(--ink);
    box-shadow: var(--shade);
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
  }
  dialog::backdrop {
    background: none;
  }
  :host([position="left"]) dialog {
    inset: auto auto calc(var(--edge) + 76px) var(--edge);
  }
  header {
    display: flex;
    align-items: center;
    gap: 4px;
    min-height: 56px;
    padding: 6px 8px;
    background: var(--accent);
    color: var(--accent-ink);
    position: relative;
    flex: none;
  }
  header h2 {
    flex: 1;
    font-size: 1.0625em;
    padding: 0 8px;
  }
  header :focus-visible {
    outline-color: currentColor;
    outline-offset: -3px;
  }
  .icon {
    display: grid;
    place-items: center;
    min-width: 44px;
    min-height: 44px;
    padding: 8px;
    border: 1px solid transparent;
    border-radius: 10px;
    background: none;
    list-style: none;
  }
  .icon:hover {
    background: rgb(127 127 127 / 25%);
  }
  .icon::-webkit-details-marker {
    display: none;
  }
  .menu > div {
    position: absolute;
    z-index: 2;
    inset: calc(100% - 4px) 8px auto auto;
    width: min(300px, calc(100% - 16px));
    padding: 6px;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--paper);
    color: var(--ink);
    box-shadow: var(--shade);
  }
  .menu :focus-visible {
    outline-color: var(--link);
  }
  .menu > summary:focus-visible {
    outline-color: currentColor;
  }
  .menu > div > button, .menu details > summary {
    display: block;
    width: 100%;
    min-height: 44px;
    padding: 10px 12px;
    border: 0;
    border-radius: 8px;
    background: none;
    text-align: start;
  }
  .menu > div > button:hover, .menu details > summary:hover {
    background: var(--raised);
  }
  .menu details > div {
    padding: 4px 12px 12px;
    display: grid;
    gap: 10px;
    font-size: 0.9375em;
  }
  .body {
    flex: 1;
    min-height: 0;
    overflow: auto;
    overscroll-behavior: contain;
    padding: 16px;
    display: flex;
    flex-direction: column;
    gap: 14px;
    overflow-wrap: anywhere;
  }
  .body:focus-visible {
    outline-offset: -4px;
  }
  .body > * {
    flex: none;
  }

  /* Buttons and fields */
  .button, .body button, form button {
    min-height: 40px;
    padding: 7px 14px;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--paper);
    color: var(--ink);
    text-align: start;
    text-decoration: none;
    overflow-wrap: anywhere;
  }
  .button:hover, .body button:hover, form button:hover {
    background: var(--raised);
  }
  .body button.primary, form button.primary, .menu button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--accent-ink);
    font-weight: 600;
  }
  .menu button.danger {
    justify-self: start;
    min-height: 40px;
    padding: 7px 14px;
    border: 1px solid var(--warn);
    border-radius: 12px;
    background: var(--warn-tint);
    color: var(--warn);
    font-weight: 600;
  }
  .body button.quiet {
    border-color: transparent;
    background: none;
    color: var(--link);
    text-decoration: underline;
    text-underline-offset: 0.15em;
  }
  label {
    display: block;
    font-weight: 600;
    font-size: 0.9375em;
  }
  input[type="text"], input[type="email"], input[type="tel"], input[type="search"], textarea {
    display: block;
    width: 100%;
    min-height: 44px;
    margin-top: 4px;
    padding: 9px 12px;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--paper);
    color: var(--ink);
    appearance: none;
  }
  ::placeholder {
    color: var(--soft);
    opacity: 1;
  }
  .fields {
    display: grid;
    gap: 10px;
    padding-top: 10px;
    justify-items: start;
  }
  .fields > * {
    max-width: 100%;
  }
  .fields > label, .fields > fieldset {
    width: 100%;
  }
  .wrong {
    color: var(--warn);
    font-weight: 600;
  }
  .body details > summary {
    display: inline-block;
    min-height: 32px;
    padding: 4px 0;
    color: var(--link);
    font-weight: 600;
    text-decoration: underline;
    text-underline-offset: 0.15em;
  }

  /* Home */
  .home h2 {
    font-size: 1.375em;
    margin-bottom: 6px;
  }
  .links {
    display: grid;
    gap: 8px;
    list-style: none;
    padding-top: 8px;
  }
  .links a {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    min-height: 44px;
    padding: 9px 12px;
    border: 1px solid transparent;
    border-radius: 12px;
    background: var(--raised);
    color: var(--ink);
    text-decoration: none;
  }
  .links a:hover {
    background: var(--tint);
    text-decoration: underline;
  }
  .links svg {
    width: 16px;
    height: 16px;
    color: var(--link);
  }

  /* Conversation */
  .log {
    display: flex;
    flex-direction: column;
    gap: 14px;
  }
  .entry {
    display: grid;
    gap: 6px;
    justify-items: start;
    max-width: 94%;
  }
  .entry.customer {
    align-self: flex-end;
    justify-items: end;
    max-width: 86%;
  }
  .who {
    font-size: 0.8125em;
    color: var(--soft);
  }
  .bubble {
    max-width: 100%;
    padding: 9px 13px;
    border: 1px solid transparent;
    border-radius: 16px 16px 16px 4px;
    background: var(--raised);
    white-space: pre-wrap;
  }
  .customer .bubble {
    border-radius: 16px 16px 4px 16px;
    background: var(--accent);
    color: var(--accent-ink);
  }
  .person .bubble {
    background: var(--tint);
  }
  .card {
    width: 100%;
    display: grid;
    gap: 8px;
    padding: 14px;
    border: 1px solid var(--line);
    border-radius: 16px;
    background: var(--paper);
  }
  .card > h3 {
    font-size: 1.0625em;
  }
  .small {
    font-size: 0.875em;
    color: var(--soft);
  }
  .tag {
    justify-self: start;
    padding: 2px 10px;
    border: 1px solid currentColor;
    border-radius: 99px;
    color: var(--warn);
    background: var(--warn-tint);
    font-size: 0.875em;
  }
  .level {
    display: inline-flex;
    gap: 3px;
    margin-inline-end: 2px;
  }
  .level i {
    width: 8px;
    height: 8px;
    border: 1px solid var(--link);
    border-radius: 50%;
  }
  .level i.on {
    background: var(--link);
    forced-color-adjust: none;
  }
  .details {
    width: 100%;
    display: grid;
    gap: 4px;
    padding: 10px 14px;
    border-inline-start: 4px solid var(--accent);
    border-radius: 4px 12px 12px 4px;
    background: var(--tint);
  }
  .details.urgent {
    border-color: var(--warn);
    background: var(--warn-tint);
  }
  .details div {
    display: flex;
    flex-wrap: wrap;
    gap: 0 8px;
  }
  dt {
    font-weight: 600;
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  .choices.column {
    flex-direction: column;
    align-items: stretch;
  }
  .dots {
    display: inline-flex;
    align-self: flex-start;
    gap: 5px;
    padding: 12px 14px;
    border: 1px solid transparent;
    border-radius: 16px 16px 16px 4px;
    background: var(--raised);
  }
  .dots i {
    width: 7px;
    height: 7px;
    border-radius: 50%;
    background: var(--soft);
    forced-color-adjust: none;
  }
  .mark {
    align-self: flex-end;
    margin-top: -8px;
    font-size: 0.8125em;
    color: var(--soft);
  }
  .standing {
    display: grid;
    gap: 8px;
    padding: 14px;
    border: 1px solid var(--accent);
    border-radius: 16px;
    background: var(--tint);
  }
  .standing .first {
    font-weight: 600;
  }
  .scores {
    display: grid;
    gap: 2px;
    padding: 6px 0;
  }
  .scores label {
    display: flex;
    align-items: center;
    gap: 10px;
    min-height: 36px;
    font-weight: 400;
    font-size: 1em;
  }
  input[type="radio"] {
    width: 22px;
    height: 22px;
    flex: none;
    accent-color: var(--accent);
  }
  legend {
    padding: 0;
    font-weight: 600;
  }
  .trouble {
    display: grid;
    gap: 8px;
    justify-items: start;
    padding: 12px 14px;
    border: 1px solid var(--warn);
    border-radius: 12px;
    background: var(--warn-tint);
  }

  /* Articles */
  .article {
    display: grid;
    gap: 12px;
    grid-template-columns: minmax(0, 1fr);
  }
  .article > h2 {
    font-size: 1.3125em;
  }
  .article > section {
    display: grid;
    gap: 6px;
    grid-template-columns: minmax(0, 1fr);
  }
  .article h3 {
    font-size: 1.0625em;
    padding-top: 6px;
  }
  .prose {
    min-width: 0;
    max-width: 100%;
  }
  .prose > * + * {
    margin-top: 0.6em;
  }
  .prose h1, .prose h2, .prose h3, .prose h4, .prose h5, .prose h6 {
    margin-top: 0.8em;
    font-size: 1em;
  }
  .prose ul, .prose ol {
    padding-inline-start: 1.4em;
  }
  .prose li + li {
    margin-top: 0.25em;
  }
  .prose blockquote {
    padding-inline-start: 12px;
    border-inline-start: 3px solid var(--line);
  }
  .prose img {
    max-width: 100%;
    height: auto;
  }
  .prose .wide {
    overflow: auto;
    max-width: 100%;
  }
  .prose pre {
    margin: 0;
  }
  .prose code {
    font-family: ui-monospace, monospace;
    font-size: 0.9375em;
  }
  .prose table {
    border-collapse: collapse;
    font-size: 0.9375em;
    overflow-wrap: normal;
  }
  .prose th, .prose td {
    padding: 5px 9px;
    border: 1px solid var(--line);
    text-align: start;
  }
  .prose .align-right {
    text-align: end;
  }
  .prose .align-center {
    text-align: center;
  }

  /* The field at the bottom */
  footer {
    flex: none;
    padding: 8px 12px 12px;
    border-top: 1px solid var(--raised);
    background: var(--paper);
  }
  .human {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 36px;
    margin-bottom: 4px;
    padding: 4px 8px;
    border: 1px solid transparent;
    border-radius: 10px;
    background: none;
    color: var(--link);
    font-size: 0.9375em;
    font-weight: 600;
    text-align: start;
  }
  .human:hover {
    background: var(--raised);
  }
  .human svg {
    width: 18px;
    height: 18px;
  }
  .composer {
    display: flex;
    align-items: flex-end;
    gap: 8px;
  }
  .composer textarea {
    flex: 1;
    min-width: 0;
    max-height: 8.5em;
    margin: 0;
    resize: none;
    field-sizing: content;
    border-radius: 22px;
    padding: 9px 16px;
  }
  .composer button {
    width: 44px;
    height: 44px;
    flex: none;
    display: grid;
    place-items: center;
    padding: 0;
    border: 1px solid transparent;
    border-radius: 50%;
    background: var(--accent);
    color: var(--accent-ink);
  }
  .composer button:hover {
    background: var(--accent);
    filter: brightness(1.1);
  }

  /* Phones, and pages zoomed to 400 %: the whole screen */
  @media (max-width: 480px), (max-height: 440px) {
    dialog[open] {
      inset: 0;
      width: 100%;
      height: var(--height, 100dvh);
      border: 0;
      border-radius: 0;
    }
    :host([position="left"]) dialog[open] {
      inset: 0;
    }
    .launcher[aria-expanded="true"] {
      display: none;
    }
  }
  @media (max-height: 440px) {
    dialog[open] {
      display: block;
      overflow: auto;
    }
    .body {
      overflow: visible;
    }
  }
  @media (prefers-reduced-motion: no-preference) {
    dialog[open] {
      animation: rise 0.18s ease-out;
    }
    .dots i {
      animation: blink 1.2s infinite;
    }
    .dots i:nth-child(2) {
      animation-delay: 0.2s;
    }
    .dots i:nth-child(3) {
      animation-delay: 0.4s;
    }
    @keyframes rise {
      from {
        opacity: 0;
        transform: translateY(12px);
      }
    }
    @keyframes blink {
      50% {
        opacity: 0.3;
      }
    }
  }
  @media (forced-colors: active) {
    .level i.on, .dots i {
      background: CanvasText;
    }
    .launcher, .composer button, .primary {
      border-color: ButtonText !important;
    }
    header {
      border-bottom: 1px solid CanvasText;
    }
  }
  @media print {
    :host {
      display: none;
    }
  }
`;
