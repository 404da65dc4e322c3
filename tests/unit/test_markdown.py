from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.links import link_target, resolver
from indexer.markdown import plain_text, render
from indexer.sections import split_sections

ATTACKS = json.loads((Path(__file__).parents[1] / "data" / "attacks.json").read_text("utf-8"))["attacks"]

TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "img", "li", "ol", "p", "pre", "s", "strong"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "rel"},
    "code": {"class"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "td": {"class"},
    "th": {"class"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
CLASS = re.compile(r"language-[\w+#.-]+|align-(left|center|right)")


class Audit(HTMLParser):
    """Fails on anything that is not on the allow-list, and keeps the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, set()), (tag, name)
            if name == "class":
                assert CLASS.fullmatch(value or ""), value
            if name in ("href", "src"):
                address = urlsplit("".join(c for c in value or "" if c > " "))
                assert address.scheme in ("", "http", "https", "mailto", "tel"), value
                if name == "src":
                    assert (address.scheme, address.netloc) == ("", ""), value
                elif address.netloc:
                    assert ("rel", "noopener") in attrs

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"declaration {decl}")

    def handle_data(self, data: str) -> None:
        self.text += data


def audit(html: str) -> Audit:
    parser = Audit()
    parser.feed(html)
    parser.close()
    return parser


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
@pytest.mark.parametrize("served", [True, False], ids=["resolved", "unresolved"])
def test_attacks_give_nothing_but_harmless_tags(attack: dict[str, str], served: bool) -> None:
    html = render(attack["markdown"], resolve=(lambda href: f"/help/en/{href}") if served else None)
    audit(html)


def test_attacks_have_distinct_names() -> None:
    assert len({attack["name"] for attack in ATTACKS}) == len(ATTACKS) > 80


def test_a_hostile_resolver_is_the_last_thing_to_be_stopped() -> None:
    assert audit(render("[x](y) ![z](y)", resolve=lambda href: "javascript:window.pwned=1")).text == "x z\n"


def test_raw_html_stays_visible_as_text() -> None:
    assert render("Use <b>bold</b>") == "<p>Use &lt;b&gt;bold&lt;/b&gt;</p>\n"


def test_headings_carry_the_anchors_of_the_sections() -> None:
    html = render("# Hinnat {#prices}\n\na\n\n###### Mitä nyt?\n\nb")
    assert html == '<h2 id="prices">Hinnat</h2>\n<p>a</p>\n<h6 id="mita-nyt">Mitä nyt?</h6>\n<p>b</p>\n'
    assert render("# A", heading_offset=0) == '<h1 id="a">A</h1>\n'


def test_links() -> None:
    assert render("[x](https://example.org/a?b=1&c=2)") == (
        '<p><a href="https://example.org/a?b=1&amp;c=2" rel="noopener">x</a></p>\n'
    )
    assert render("[x](tel:+358201234) <me@example.org>") == (
        '<p><a href="tel:+358201234">x</a> <a href="mailto:me@example.org">me@example.org</a></p>\n'
    )
    assert render("[x](/help)") == '<p><a href="/help">x</a></p>\n'
    assert render("[x](#lock)") == '<p><a href="#lock">x</a></p>\n'
    assert (
        render("[x](#lock)", link_base="/help/fi/kortti") == '<p><a href="/help/fi/kortti#lock">x</a></p>\n'
    )


def test_relative_links_go_where_the_caller_says_or_lose_only_the_link() -> None:
    pages = {"fi/card/lost.md": "/help/fi/lost"}
    resolve = resolver("fi/app/login.md", pages.get)
    markdown = "Lue [**ohje**](../card/lost.md#lock) ja [toinen](../card/none.md) [kolmas](x.pdf)"
    assert render(markdown, resolve=resolve) == (
        '<p>Lue <a href="/help/fi/lost#lock"><strong>ohje</strong></a> ja toinen kolmas</p>\n'
    )
    assert render(markdown) == "<p>Lue <strong>ohje</strong> ja toinen kolmas</p>\n"


def test_link_targets() -> None:
    assert link_target("fi/a/b.md", "../c/d.md#e") == ("fi/c/d.md", "e")
    assert link_target("fi/a/b.md", "d.md") == ("fi/a/d.md", "")
    assert link_target("fi/a/b.md", "#e") == ("fi/a/b.md", "e")
    assert link_target("fi/a/b.md", "p%C3%A4iv%C3%A4.md") == ("fi/a/päivä.md", "")
    assert link_target("fi/a/b.md", "https://example.org/d.md") is None
    assert link_target("fi/a/b.md", "/help") is None


def test_images_are_shown_only_from_the_help_center_itself() -> None:
    assert render("![Kortti *A*](a.png)", resolve=lambda href: f"/media/{href}") == (
        '<p><img src="/media/a.png" alt="Kortti A"></p>\n'
    )
    assert render("![Kortti](https://example.org/a.png)") == "<p>Kortti</p>\n"
    assert render("![Kortti](a.png)") == "<p>Kortti</p>\n"


def test_tables_are_aligned_without_styles() -> None:
    html = render("| a | b | c |\n| :-- | :-: | --: |\n| 1 | 2 | 3 |")
    assert '<th class="align-left">a</th>' in html
    assert '<td class="align-center">2</td>' in html
    assert '<td class="align-right">3</td>' in html
    assert "style" not in html


def test_code_keeps_its_language() -> None:
    assert render("```c++\na < b\n```") == '<pre><code class="language-c++">a &lt; b\n</code></pre>\n'


def test_lists_keep_their_first_number() -> None:
    assert render("3. x\n4. y").startswith('<ol start="3">')


@given(st.text(max_size=200))
def test_any_text_renders_to_harmless_html(markdown: str) -> None:
    audit(render(markdown, resolve=lambda href: href))


_pieces = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "script",
            "img src=x",
            " onerror=",
            "javascript:",
            "data:",
            "[",
            "](",
            ")",
            "!",
            "`",
            "```",
            '"',
            "'",
            "&#106;",
            "&colon;",
            "&Tab;",
            "\n",
            "\n\n",
            "# ",
            "{#",
            "}",
            "| a |\n",
            "| :-: |\n",
            "> ",
            "- ",
            "\\",
            "//",
        ]
    ),
    max_size=30,
).map("".join)


@given(_pieces)
def test_any_mixture_of_attacks_renders_to_harmless_html(markdown: str) -> None:
    audit(render(markdown, resolve=lambda href: href))


@given(_pieces)
def test_pages_and_sections_agree_on_anchors(markdown: str) -> None:
    article = Article(id="x", lang="en", title="T", body=markdown, slug="x", source="en/x.md", line=1)
    html = render(markdown)
    for section in split_sections(article):
        if section.anchor != "lead":
            assert f' id="{section.anchor}"' in html


def test_text_and_html_say_the_same() -> None:
    markdown = (
        "# A *b*\n\nc `d < e` [f](https://example.org) &copy;\n\n- g\n- h\n\n| i | j |\n|---|---|\n| k | l |"
    )
    words = [word for word in plain_text(markdown).split() if word not in ("-", "|")]
    assert audit(render(markdown)).text.split() == words


@pytest.mark.parametrize(
    "markdown",
    [
        "[" * 20_000,
        "*a " * 10_000,
        "> " * 2_000 + "a",
        "`" * 20_000,
        "![](" * 5_000,
        "- " * 5_000,
        "a_b_" * 10_000,
        "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n",
        "<" * 20_000,
        "\\" * 20_000,
        "&" * 20_000,
        "[a](<b" * 5_000,
    ],
)
def test_hostile_shapes_end_soon(markdown: str) -> None:
    started = time.perf_counter()
    audit(render(markdown))
    assert time.perf_counter() - started < 5
