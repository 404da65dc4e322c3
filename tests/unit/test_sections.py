from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.sections import Block, BlockKind, Section, anchors, passages, plain_text, split_sections
from indexer.sentences import sentences

BODY = """
Lock the card at once.

# Lost card

## Lock **the** card {#lock}

1. Open the app.
2. Confirm.
   - twice, if asked
     so

## Prices

### New card

| what | € |
| --- | ---: |
| card | **8** |

```text
no # heading
```

> Wait
> here.
"""


def article(
    body: str, *, title: str = "Lost card", line: int = 10, source: str = "en/card/lost.md"
) -> Article:
    return Article(id="lost", lang="en", title=title, body=body, slug="lost", source=source, line=line)


def test_sections_are_bounded_by_headings() -> None:
    lead, lock, new = split_sections(article(BODY))
    assert (lead.anchor, lead.heading_path, lead.text) == ("lead", (), "Lock the card at once.")
    assert (lock.anchor, lock.heading_path) == ("lock", ("Lock the card",))
    assert lock.text == "1. Open the app.\n2. Confirm.\n  - twice, if asked so"
    # "Prices" has no text of its own; it stays in the path.
    assert (new.anchor, new.heading_path) == ("new-card", ("Prices", "New card"))
    assert [block.kind for block in new.blocks] == [BlockKind.TABLE, BlockKind.CODE, BlockKind.QUOTE]
    assert new.text == "what | €\ncard | 8\n\nno # heading\n\nWait here."


def test_lines_are_those_of_the_file() -> None:
    lines = ["---"] * 9 + BODY.split("\n")
    lead, lock, new = split_sections(article(BODY))
    assert lines[lead.first_line - 1] == lines[lead.last_line - 1] == "Lock the card at once."
    assert lines[lock.first_line - 1] == "## Lock **the** card {#lock}"
    assert lines[lock.last_line - 1] == "     so"
    assert lines[new.first_line - 1] == "### New card"
    assert lines[new.last_line - 1] == "> here."


def test_blocks_keep_their_markdown() -> None:
    _, lock, new = split_sections(article(BODY))
    assert lock.blocks[0].markdown == "1. Open the app.\n2. Confirm.\n   - twice, if asked\n     so"
    assert new.blocks[0].markdown == "| what | € |\n| --- | ---: |\n| card | **8** |"


def test_a_block_brings_the_link_definitions_it_needs() -> None:
    body = "See [the card][Card] and more.\n\nNo link here.\n\n[card]: ../card/lost.md#lock\n[other]: x.md\n"
    first, second = split_sections(article(body))[0].blocks
    assert first.markdown == "See [the card][Card] and more.\n\n[CARD]: <../card/lost.md#lock>"
    assert second.markdown == "No link here."


def test_a_record_of_jsonl_is_one_line() -> None:
    (section,) = split_sections(article("a\n\nb\n\nc", line=7, source="articles.jsonl"))
    assert (section.first_line, section.last_line) == (7, 7)


@pytest.mark.parametrize("body", ["", "\n\n", "## Only a heading", "[x]: y", "---", "![](x.png)"])
def test_there_is_always_a_section(body: str) -> None:
    (section,) = split_sections(article(body))
    assert (section.anchor, section.text) == ("lead", "")


def test_a_first_heading_that_repeats_the_title_is_not_in_the_path() -> None:
    sections = split_sections(article("# Lost card\n\nA\n\n## Lock\n\nB\n\n# Lost card\n\nC"))
    assert [section.heading_path for section in sections] == [(), ("Lock",), ("Lost card",)]
    assert [section.anchor for section in sections] == ["lost-card", "lock", "lost-card-2"]


def test_anchors_chosen_by_the_editor_win_over_slugs() -> None:
    body = "## Lock\n\na\n\n## Something else {#lock}\n\nb\n\n## Lock\n\nc\n\n## Lead\n\nd\n\n## ???\n\ne"
    assert [s.anchor for s in split_sections(article(body))] == [
        "lock-2",
        "lock",
        "lock-3",
        "lead-2",
        "section",
    ]


def test_slugs_are_folded_to_plain_letters() -> None:
    body = (
        "## Mitä jos kortti ei löydy (esim. älypuhelin)?\n\na\n\n## Så låser du kortet\n\nb\n\n"
        "## Don't\n\nc\n\n## Карта\n\nd"
    )
    assert [section.anchor for section in split_sections(article(body))] == [
        "mita-jos-kortti-ei-loydy-esim-alypuhelin",
        "sa-laser-du-kortet",
        "dont",
        "карта",
    ]


def test_headings_inside_quotes_and_lists_bound_nothing() -> None:
    (section,) = split_sections(article("a\n\n> ## Quoted\n> b\n\n- # Listed"))
    assert section.text == "a\n\nQuoted\nb\n\n- Listed"


def test_setext_headings_and_malformed_anchors() -> None:
    one, two = split_sections(article("Title {#one}\n---\n\na\n\n## Two {#not an anchor}\n\nb"))
    assert (one.anchor, one.heading_path) == ("one", ("Title",))
    assert (two.anchor, two.heading_path) == ("two-not-an-anchor", ("Two {#not an anchor}",))


def test_anchors_name_every_target() -> None:
    assert anchors(BODY) == ("lead", "lost-card", "lock", "prices", "new-card")


def test_json_round_trip() -> None:
    for section in split_sections(article(BODY)):
        assert Section.from_json(json.loads(json.dumps(section.to_json()))) == section


def test_plain_text_has_no_markup() -> None:
    markdown = "# A *b*\n\nc `d` [e](f)\ng\\\nh ![i](j) &amp; <b>k</b>\n\n3. x\n4. y\n\n   z\n"
    assert plain_text(markdown) == "A b\n\nc d e g\nh i & <b>k</b>\n\n3. x\n4. y\n  z"


def test_a_list_may_begin_at_zero() -> None:
    assert plain_text("0. a\n1. b") == "0. a\n1. b"


def section(*texts: str, path: tuple[str, ...] = ()) -> Section:
    blocks = tuple(Block(kind=BlockKind.PARAGRAPH, markdown=text, text=text) for text in texts)
    return Section(anchor="lead", heading_path=path, blocks=blocks, first_line=1, last_line=1)


def test_a_short_section_is_one_passage_under_its_headings() -> None:
    assert passages(section("One.", "Two.", path=("Prices", "New card")), "Lost card") == (
        "Lost card > Prices > New card\nOne.\nTwo.",
    )


def test_whole_blocks_stay_together() -> None:
    a, b, c = "a" * 30, "b" * 30, "c" * 60
    assert passages(section(a, b, c), "", limit=70) == (f"{a}\n{b}", c)


def test_long_blocks_are_cut_at_lines_then_sentences_then_words() -> None:
    text = "First sentence here. Second one is here.\nA line.\nlong " + "word " * 10
    assert passages(section(text), "", limit=25) == (
        "First sentence here.",
        "Second one is here.",
        "A line.",
        "long word word word word",
        "word word word word word\nword",
    )


def test_a_short_rest_joins_the_passage_before() -> None:
    assert passages(section("a" * 95, "b" * 20), "", limit=100) == ("a" * 95 + "\n" + "b" * 20,)
    assert passages(section("a" * 95, "b" * 40), "", limit=100) == ("a" * 95, "b" * 40)


def test_a_word_longer_than_the_limit_stays_whole() -> None:
    assert passages(section("x" * 1000 + " y"), "T", limit=100) == ("T\n" + "x" * 1000, "T\ny")


def test_a_long_title_leaves_room_for_text() -> None:
    (passage,) = passages(section("text"), "word " * 100, limit=60)
    assert passage == "word word word word\ntext"


def test_an_empty_section_is_its_title() -> None:
    assert passages(section(), "Lost card") == ("Lost card",)
    assert passages(section(), "") == ("",)


@given(st.lists(st.text(max_size=400), max_size=6), st.integers(min_value=20, max_value=200))
def test_passages_hold_every_word_in_order_within_the_limit(texts: list[str], limit: int) -> None:
    whole = section(*texts)
    cut = passages(whole, "", limit=limit)
    assert [word for passage in cut for word in passage.split()] == whole.text.split()
    for passage in cut:
        longest = max((len(word) for word in passage.split()), default=0)
        assert len(passage) <= max(1.3 * limit, longest) or longest > limit


_markdown = st.lists(
    st.sampled_from(
        [
            "\r",
            "# ",
            "## a {#b}\n",
            "- ",
            "1. ",
            "> ",
            "```\n",
            "|a|b|\n|-|-|\n",
            "[x](y)",
            "[x]: y\n",
            "\n",
            "\n\n",
            "    ",
            "*",
            "_",
            "`",
            "<b>",
            "&amp;",
            "word ",
            "ä",
            "\\",
            "![i](j)",
            "---\n",
            "===\n",
            "\t",
            "~~",
            "{#c}",
            "\x00",
        ]
    )
    | st.text(max_size=8),
    max_size=40,
).map("".join)


@given(_markdown)
def test_any_markdown_has_sections_with_distinct_anchors(body: str) -> None:
    sections = split_sections(article(body))
    assert sections
    assert len({each.anchor for each in sections}) == len(sections)
    lines = len(body.splitlines())
    for each in sections:
        assert 10 <= each.first_line <= each.last_line <= 10 + lines
        assert {each.anchor} <= {*anchors(body)}
        assert Section.from_json(each.to_json()) == each


@given(_markdown)
def test_quoting_a_block_alone_gives_its_text(body: str) -> None:
    """A quotation renders one block's Markdown: nothing of what the index saw may be missing."""
    for each in split_sections(article(body)):
        for block in each.blocks:
            assert plain_text(block.markdown).split() == block.text.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("Yksi lause", ("Yksi lause",)),
        ("Avaa sovellus. Valitse Kortti.", ("Avaa sovellus.", "Valitse Kortti.")),
        ("Mitä? Näin! Hyvä…  Niin.", ("Mitä?", "Näin!", "Hyvä…", "Niin.")),
        ("Esim. Apple Pay toimii. Myös muut.", ("Esim. Apple Pay toimii.", "Myös muut.")),
        ("Kortti tulee 4. syyskuuta. Odota.", ("Kortti tulee 4. syyskuuta.", "Odota.")),
        ("Se alkoi vuonna 2026. Nyt on uusi.", ("Se alkoi vuonna 2026.", "Nyt on uusi.")),
        (
            "Öppet kl. 8.00 varje dag, t.ex. Måndag. Välkommen!",
            ("Öppet kl. 8.00 varje dag, t.ex. Måndag.", "Välkommen!"),
        ),
        ("1. Avaa. 2. Sulje.", ("1. Avaa.", "2. Sulje.")),
        ('Hän sanoi: "Tule." Sitten lähti.', ('Hän sanoi: "Tule."', "Sitten lähti.")),
        ("Ask J. Smith. He knows.", ("Ask J. Smith.", "He knows.")),
        ("Versio 2.1 on uusi", ("Versio 2.1 on uusi",)),
    ],
)
def test_sentences(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


@given(st.text())
def test_sentences_lose_no_word(text: str) -> None:
    assert " ".join(sentences(text)).split() == text.split()
