/**
 * The one place where HTML from the server becomes nodes. Nothing is handed to the browser's own parser: tags
 * and attributes on a short list are built with createElement, everything else stays text or goes. So no
 * handler, style, script, form or foreign picture can come through, and a host's Trusted Types never object.
 */

/** How addresses are judged. */
export interface Links {
  /** Address of the service; relative addresses are read against it. */
  readonly base: string;
  /** What screen readers hear after a link that opens elsewhere. */
  readonly newTab: string;
}

const TAGS = /^(?:a|blockquote|br|code|em|h[1-6r]|img|li|[ou]l|p|pre|s|strong|table|tbody|t[dhr]|thead)$/;
const VOID = /^(?:br|hr|img)$/;
/** Their content is no text for people. */
const SILENT = /^(?:iframe|math|noscript|object|script|style|svg|template|textarea|title)$/;
const CLASS = /^(?:language-[\w+#.-]{1,40}|align-(?:left|center|right))$/;
const TOKEN = /<!--[^]*?(?:-->|$)|<[!?][^>]*>|<(\/?)([a-z][^\s/>]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<|[^<]+/gi;
const ATTRIBUTE = /([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const DEEPEST = 40;

/** The text that character references stand for; unknown ones stay as they are. */
function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,8}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
  });
}

/** An address that may be followed, absolute; null for any other. */
export function safeAddress(href: string, base: string): URL | null {
  let url: URL;
  try {
    url = new URL(href, base);
  } catch {
    return null;
  }
  return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url : null;
}

/** Which article of the service an address shows; null for any other page. */
export function articleOf(url: URL, base: string): { lang: string; id: string } | null {
  if (url.origin !== new URL(base, url).origin) return null;
  const found = /^\/help\/([a-z]{2,3})\/([^/]+)$/.exec(url.pathname);
  if (!found?.[1] || !found[2]) return null;
  try {
    return { lang: found[1], id: decodeURIComponent(found[2]) };
  } catch {
    return null;
  }
}

function dress(element: HTMLElement, name: string, value: string, links: Links): void {
  const tag = element.localName;
  if (tag === "a" && name === "href") {
    const url = safeAddress(value, links.base);
    if (!url) return;
    element.setAttribute("href", url.href);
    if (!url.protocol.startsWith("http")) return;
    element.setAttribute("target", "_blank");
    element.setAttribute("rel", "noopener");
    const article = articleOf(url, links.base);
    if (article) {
      element.dataset["article"] = article.id;
      element.dataset["lang"] = article.lang;
    }
  } else if (tag === "img" && name === "src") {
    const url = safeAddress(value, links.base);
    if (url && url.origin === new URL(links.base).origin) element.setAttribute("src", url.href);
  } else if (
    (tag === "img" && name === "alt") ||
    (tag === "ol" && name === "start" && /^\d{1,9}$/.test(value)) ||
    (["code", "td", "th"].includes(tag) && name === "class" && CLASS.test(value))
  ) {
    element.setAttribute(name, value);
  }
}

/** Nodes for HTML from the server, whatever it holds. */
export function safeHtml(html: string, links: Links): DocumentFragment {
  const root = document.createDocumentFragment();
  const open: Array<DocumentFragment | HTMLElement> = [root];
  const top = (): DocumentFragment | HTMLElement => open[open.length - 1] ?? root;
  let silent = "";
  for (const [token, slash, name, rest] of html.matchAll(TOKEN)) {
    const tag = name?.toLowerCase();
    if (silent) {
      if (slash && tag === silent) silent = "";
    } else if (tag === undefined) {
      if (token === "<" || !token.startsWith("<")) top().append(decode(token));
    } else if (slash) {
      const at = open.map((node) => ("localName" in node ? node.localName : "")).lastIndexOf(tag);
      if (at > 0) {
        for (const node of open.splice(at)) finish(node, links);
      }
    } else if (SILENT.test(tag)) {
      silent = tag;
    } else if (TAGS.test(tag)) {
      const element = document.createElement(tag);
      for (const [, key = "", double, single, bare] of (rest ?? "").matchAll(ATTRIBUTE)) {
        dress(element, key.toLowerCase(), decode(double ?? single ?? bare ?? ""), links);
      }
      top().append(element);
      if (!VOID.test(tag) && open.length < DEEPEST) open.push(element);
    }
  }
  for (const node of open.splice(1)) finish(node, links);
  return root;
}

/** Wide tables scroll by themselves, also by keyboard; links that leave say so. */
function finish(node: DocumentFragment | HTMLElement, links: Links): void {
  if (!("localName" in node)) return;
  if (node.localName === "table" || node.localName === "pre") {
    const frame = document.createElement("div");
    frame.className = "wide";
    frame.tabIndex = 0;
    node.replaceWith(frame);
    frame.append(node);
  } else if (node.localName === "a" && node.hasAttribute("target") && !node.dataset["article"]) {
    const note = document.createElement("span");
    note.className = "hidden";
    note.textContent = ` (${links.newTab})`;
    node.append(note);
  }
}
