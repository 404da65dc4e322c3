// @vitest-environment happy-dom
import { describe, expect, test, vi } from "vitest";
import attacks from "../../tests/data/attacks.json";
import { articleOf, safeAddress, safeHtml } from "../src/views/html.js";

const LINKS = { base: "https://help.example", newTab: "opens in a new tab" };
const TAGS = new Set("a blockquote br code div em h1 h2 h3 h4 h5 h6 hr img li ol p pre s span strong table tbody td th thead tr ul".split(" "));
const ATTRIBUTES: Record<string, string[]> = {
  a: ["href", "target", "rel", "data-article", "data-lang"],
  img: ["src", "alt"],
  ol: ["start"],
  code: ["class"],
  td: ["class"],
  th: ["class"],
  div: ["class", "tabindex"],
  span: ["class"],
};

function built(html: string): HTMLElement {
  const box = document.createElement("div");
  box.append(safeHtml(html, LINKS));
  return box;
}

function judge(box: HTMLElement): void {
  for (const element of box.querySelectorAll("*")) {
    const tag = element.localName;
    expect(TAGS).toContain(tag);
    for (const { name, value } of element.attributes) {
      expect(ATTRIBUTES[tag] ?? [], `${tag} ${name}`).toContain(name);
      if (name === "href") expect(value).toMatch(/^(https?|mailto|tel):/);
      if (name === "src") expect(value).toMatch(/^https:\/\/help\.example\//);
    }
  }
}

describe("HTML from the server", () => {
  // The service makes such Markdown harmless. Here each is taken for HTML, as if it had not.
  test.each(attacks.attacks.map(({ name, markdown }) => [name, markdown]))("lets nothing through: %s", (_name, source) => {
    judge(built(source));
    judge(built(`<p>${source}</p>`));
    judge(built(`<a href="${source}">x</a><img src='${source}' alt=${source}>`));
    const address = /\]\(<?([^)>]*)/.exec(source)?.[1];
    if (address !== undefined) judge(built(`<p><a href="${address.replaceAll('"', "&quot;")}">x</a></p>`));
  });

  test("is never given to the browser's parser", () => {
    const parser = vi.spyOn(DOMParser.prototype, "parseFromString");
    const inner = vi.spyOn(Element.prototype, "innerHTML", "set");
    built("<p>Hei <strong>vaan</strong></p>");
    expect(parser).not.toHaveBeenCalled();
    expect(inner).not.toHaveBeenCalled();
  });

  test("keeps what articles are made of", () => {
    const box = built(
      '<h3 id="x">A &amp; B</h3><p>One<br>two&nbsp;<em>three</em> &lt;b&gt;</p><ol start="3"><li>a</li><li>b</li></ol><hr>' +
        '<table><thead><tr><th class="align-right">n</th></tr></thead><tbody><tr><td class="evil">1</td></tr></tbody></table>',
    );
    judge(box);
    expect(box.querySelector("h3")?.textContent).toBe("A & B");
    expect(box.querySelector("p")?.textContent).toBe("Onetwo\u00a0three <b>");
    expect(box.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect([...box.querySelectorAll("li")].map((one) => one.textContent)).toEqual(["a", "b"]);
    expect(box.querySelector("th")?.className).toBe("align-right");
    expect(box.querySelector("td")?.className).toBe("");
    expect(box.querySelector("table")?.parentElement?.className).toBe("wide");
  });

  test("says of links that leave that they do, and marks those to articles", () => {
    const box = built(
      '<a href="/help/fi/card-lost#lead">kortti</a><a href="https://other.example/">muu</a><a href="tel:112">soita</a><a href="javascript:x">ei</a>',
    );
    const [article, outside, call, none] = box.querySelectorAll("a");
    expect(article?.dataset).toMatchObject({ article: "card-lost", lang: "fi" });
    expect(article?.href).toBe("https://help.example/help/fi/card-lost#lead");
    expect(article?.textContent).toBe("kortti");
    expect(outside?.textContent).toBe("muu (opens in a new tab)");
    expect(outside?.rel).toBe("noopener");
    expect(call?.getAttribute("target")).toBeNull();
    expect(none?.getAttribute("href")).toBeNull();
  });

  test("shows pictures of the service only", () => {
    const box = built('<img src="/media/a.png" alt="A"><img src="https://evil.example/p.gif" alt="B"><img src="//evil.example/p">');
    expect([...box.querySelectorAll("img")].map((one) => one.getAttribute("src"))).toEqual([
      "https://help.example/media/a.png", null, null,
    ]);
  });

  test("keeps text that looks like markup, and ends what was left open", () => {
    expect(built("1 < 2 & 3 > 2").textContent).toBe("1 < 2 & 3 > 2");
    expect(built("<p>a<em>b").querySelector("p > em")?.textContent).toBe("b");
    expect(built("a</p></div>b").textContent).toBe("ab");
    expect(built("&#0;&#xd800;&#1114112;&unknown;").textContent).toContain("&unknown;");
    expect(built("<p>".repeat(5_000)).querySelectorAll("p").length).toBe(5_000);
  });
});

test("addresses are followed only where they lead to a page, a mail or a call", () => {
  expect(safeAddress("data:text/html,x", LINKS.base)).toBeNull();
  expect(safeAddress("java\nscript:x", LINKS.base)).toBeNull();
  expect(safeAddress("http://[", LINKS.base)).toBeNull();
  expect(safeAddress("mailto:a@b.example", LINKS.base)?.href).toBe("mailto:a@b.example");
});

test("only pages of articles on the service count as articles", () => {
  const of = (href: string): unknown => articleOf(new URL(href), LINKS.base);
  expect(of("https://help.example/help/sv/a%20b")).toEqual({ lang: "sv", id: "a b" });
  expect(of("https://help.example/help/sv/%E0%A4%A")).toBeNull();
  expect(of("https://help.example/help/sv/")).toBeNull();
  expect(of("https://evil.example/help/sv/a")).toBeNull();
});
