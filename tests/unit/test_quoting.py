from __future__ import annotations

from botsvc.quoting import quote
from indexer import Article, Section, split_sentences
from indexer.sections import split_sections

LONG = "Tämä on virke, jossa on sanoja. "


def section(body: str) -> Section:
    (only,) = split_sections(Article(id="a", lang="fi", title="T", body=body, slug="a"))
    return only


def test_a_short_section_is_quoted_whole() -> None:
    found = quote(section("Eka **tärkeä** kappale.\n\n- yksi\n- kaksi\n"))
    assert found.text == "Eka tärkeä kappale.\n\n- yksi\n- kaksi"
    assert found.html == (
        "<p>Eka <strong>tärkeä</strong> kappale.</p>\n<ul>\n<li>yksi</li>\n<li>kaksi</li>\n</ul>\n"
    )
    assert found.complete


def test_whole_blocks_up_to_the_limit() -> None:
    blocks = ["a" * 250 + ".", "b" * 250 + ".", "c" * 250 + "."]
    found = quote(section("\n\n".join(blocks)))
    assert found.text == "\n\n".join(blocks[:2])
    assert not found.complete


def test_a_last_block_may_go_a_little_over_the_limit_after_a_short_start() -> None:
    body = "Lyhyt alku.\n\n" + "b" * 640 + "."
    assert quote(section(body)).complete
    body = "Lyhyt alku.\n\n" + "b" * 900 + "."
    assert quote(section(body)).text == "Lyhyt alku."


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    found = quote(section(LONG * 40))
    assert 500 < len(found.text) <= 600
    assert found.text == " ".join([LONG.strip()] * len(split_sentences(found.text)))
    assert found.html == f"<p>{found.text}</p>\n"
    assert not found.complete


def test_one_sentence_over_the_limit_stays_whole() -> None:
    body = "x " * 500 + "loppu."
    found = quote(section(body))
    assert found.text == body
    assert found.complete


def test_abbreviations_and_dates_are_not_the_end_of_a_sentence() -> None:
    sentence = "Maksu veloitetaan esim. 4. syyskuuta klo 8.00 mennessä n. 5 päivän kuluttua. "
    found = quote(section(sentence * 12))
    assert found.text.endswith("n. 5 päivän kuluttua.")
    assert len(found.text) % len(sentence) == len(sentence) - 1


def test_a_list_or_table_is_never_cut() -> None:
    steps = "\n".join(f"{i}. Valitse kohta {i} ja paina painiketta Jatka." for i in range(1, 31))
    found = quote(section(steps))
    assert found.text.count("\n") == 29
    assert found.html.count("<li>") == 30
    assert found.complete
    rows = [f"| Maa {i} | {i},00 euroa kuussa |" for i in range(1, 41)]
    table = "\n".join(["| Maa | Maksu |", "| --- | --- |", *rows])
    assert quote(section(table)).html.count("<tr>") == 41
    after = quote(section("Alku.\n\n" + steps))
    assert after.text == "Alku."
    assert not after.complete


def test_a_line_that_announces_a_list_keeps_it() -> None:
    steps = "\n".join(f"{i}. Valitse kohta {i} ja paina painiketta Jatka." for i in range(1, 31))
    found = quote(section("Tee näin:\n\n" + steps + "\n\nLopuksi."))
    assert found.html.count("<li>") == 30
    assert found.text.startswith("Tee näin:\n\n1. Valitse")
    assert not found.complete
    late = quote(section("a" * 500 + ".\n\nTee näin:\n\n" + steps))
    assert "Tee näin" not in late.text


def test_markup_is_never_cut_open() -> None:
    body = "**Ensimmäinen virke on tässä. Toinen on samassa korostuksessa.** " + LONG * 30
    found = quote(section(body), limit=40)
    assert found.text == body.replace("**", "").strip()
    assert "**" not in found.html
    found = quote(section("Katso [ohje](#a). " + LONG * 30), limit=60, page="/help/fi/a")
    assert found.html == f'<p>Katso <a href="/help/fi/a#a">ohje</a>. {LONG.strip()}</p>\n'


def test_links_with_definitions_elsewhere_and_relative_links() -> None:
    body = f"Katso [ohje][o]. {LONG * 30}\n\n[o]: ../card/lost.md#lock\n"
    found = quote(section(body), limit=60, resolve=lambda href: "/help/fi/" + href.removeprefix("../card/"))
    assert found.html == f'<p>Katso <a href="/help/fi/lost.md#lock">ohje</a>. {LONG.strip()}</p>\n'
    assert found.text == f"Katso ohje. {LONG.strip()}"


def test_an_empty_section_quotes_nothing() -> None:
    found = quote(section(""))
    assert (found.text, found.html, found.complete) == ("", "", True)
