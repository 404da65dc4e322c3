from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import folder_source
from indexer.articles import Article, ArticleKey
from indexer.errors import KnowledgeBaseError
from indexer.readings import FileState, Previous
from indexer.sources import Problem, ProblemKind, Reading, Severity, read_kb

LOST = ArticleKey("en", "lost-card")


def text(identity: str = "lost-card", body: str = "Lock the card.", **keys: str) -> str:
    front = {"id": identity, "title": f"Title of {identity}", **keys}
    return "---\n" + "".join(f"{name}: {value}\n" for name, value in front.items()) + f"---\n{body}\n"


class Kb:
    """A knowledge base in a folder, read again and again as builds do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.last: Reading | None = None
        self._clock = 1_700_000_000

    def write(self, source: str, content: str | bytes) -> None:
        path = self.root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        # Each save has a time of its own, long past: the clock's ticks are tested apart.
        self._clock += 10
        os.utime(path, (self._clock, self._clock))

    def remove(self, source: str) -> None:
        (self.root / source).unlink()

    def read(self) -> Reading:
        self.last = read_kb(self.root, previous=self.previous())
        return self.last

    def previous(self) -> Previous | None:
        return Previous(files=self.last.files, articles=self.last.articles.get) if self.last else None


@pytest.fixture
def kb(tmp_path: Path) -> Kb:
    return Kb(tmp_path)


def moves(reading: Reading) -> tuple[set[ArticleKey], set[ArticleKey]]:
    """The changed and the removed articles."""
    return set(reading.changed), set(reading.removed)


def told(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def test_a_folder_is_read_by_language_and_topic(kb: Kb) -> None:
    kb.write("en/card/lost.md", text(questions="[i lost it]"))
    kb.write("fi/card/Kadonnut kortti.md", text())
    kb.write("sv/kort.md", text("other"))
    kb.write("en/card/README.md", "no article")
    kb.write("en/card/.draft.md", "no article")
    kb.write("en/card/notes.txt", "no article")
    kb.write("notices/today.md", "no article")
    kb.write("README.md", "no article")
    reading = kb.read()
    assert reading.articles == {
        LOST: Article(
            id="lost-card",
            lang="en",
            title="Title of lost-card",
            body="Lock the card.\n",
            slug="lost",
            questions=("i lost it",),
            source="en/card/lost.md",
            line=6,
        ),
        ArticleKey("fi", "lost-card"): Article(
            id="lost-card",
            lang="fi",
            title="Title of lost-card",
            body="Lock the card.\n",
            slug="kadonnut-kortti",
            source="fi/card/Kadonnut kortti.md",
            line=5,
        ),
        ArticleKey("sv", "other"): Article(
            id="other",
            lang="sv",
            title="Title of other",
            body="Lock the card.\n",
            slug="kort",
            source="sv/kort.md",
            line=5,
        ),
    }
    assert reading.languages == ("en", "fi", "sv")
    assert reading.problems == ()
    assert reading.changed == set(reading.articles)
    assert reading.removed == set()


def test_unchanged_files_are_not_opened(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.write("en/a.md", text("a"))
    kb.write("en/b.md", text("b"))
    kb.read()
    opened: list[str] = []
    read_bytes = Path.read_bytes

    def spy(path: Path) -> bytes:
        opened.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", spy)
    assert kb.read().changed == set()
    assert opened == []
    kb.write("en/b.md", text("b", "Edited."))
    reading = kb.read()
    assert opened == ["b.md"]
    assert reading.changed == {ArticleKey("en", "b")}
    assert reading.articles[ArticleKey("en", "b")].body == "Edited.\n"
    assert set(reading.articles) == {ArticleKey("en", "a"), ArticleKey("en", "b")}


def test_a_touched_file_with_the_same_content_is_not_parsed(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.write("en/a.md", text("a"))
    kb.read()
    kb.write("en/a.md", text("a"))
    monkeypatch.setattr(folder_source, "split_document", None)
    reading = kb.read()
    assert reading.changed == set()
    assert reading.files["en/a.md"].mtime_ns == 1_700_000_020 * 10**9


def test_a_file_saved_twice_within_a_tick_of_the_clock_is_compared_by_content(tmp_path: Path) -> None:
    kb = Kb(tmp_path)
    kb.write("en/a.md", text("a", "One"))
    now = time.time()
    os.utime(tmp_path / "en/a.md", (now, now))
    first = kb.read()
    assert first.files["en/a.md"].mtime_ns == 0
    (tmp_path / "en/a.md").write_text(text("a", "Two"))
    os.utime(tmp_path / "en/a.md", (now, now))
    assert kb.read().changed == {ArticleKey("en", "a")}


def test_removed_and_renamed_files(kb: Kb) -> None:
    kb.write("en/a.md", text("a"))
    kb.write("en/b.md", text("b"))
    kb.read()
    kb.remove("en/a.md")
    reading = kb.read()
    assert moves(reading) == (set(), {ArticleKey("en", "a")})
    assert set(reading.files) == {"en/b.md"}
    kb.remove("en/b.md")
    kb.write("en/c.md", text("b"))
    reading = kb.read()
    assert moves(reading) == ({ArticleKey("en", "b")}, set())
    assert reading.articles[ArticleKey("en", "b")].slug == "c"


def test_a_new_id_removes_the_old_one(kb: Kb) -> None:
    kb.write("en/a.md", text("a"))
    kb.read()
    kb.write("en/a.md", text("b"))
    reading = kb.read()
    assert moves(reading) == ({ArticleKey("en", "b")}, {ArticleKey("en", "a")})


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "broken YAML": (text(title="a: b"), "en/a.md:3: not valid YAML"),
    "unknown key": (text(titel="x"), 'en/a.md:4: unknown key "titel": did you mean "title"?'),
    "wrong type": (text(questions="x"), 'en/a.md:4: "questions" must be a list'),
    "other encoding": (text(body="Päivä").encode("latin-1"), "en/a.md:5: not UTF-8 (byte 0xe4)"),
    "no front matter": ("# Lost", "en/a.md:1: there is no front matter"),
    "empty file": ("", "en/a.md:1: there is no front matter"),
    "too large": (
        text(body="x" * 1_000_001),
        "en/a.md: the file has 1,000,050 bytes: at most 1,000,000 are read",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_keeps_its_last_good_version_and_is_named(kb: Kb, name: str) -> None:
    broken, message = BROKEN[name]
    kb.write("en/a.md", text())
    kb.write("en/b.md", text("b"))
    good = kb.read().articles[LOST]
    kb.write("en/a.md", broken)
    kb.write("en/b.md", text("b", "Edited."))
    for _ in range(2):  # it is named as long as it is broken, not only when it was saved
        reading = kb.read()
        assert reading.articles[LOST] == good
        assert reading.removed == set()
        (problem,) = reading.problems
        assert str(problem).startswith(message)
        assert (problem.severity, problem.key) == (Severity.ERROR, LOST)
    assert reading.articles[ArticleKey("en", "b")].body == "Edited.\n"
    kb.write("en/a.md", text(body="Mended."))
    reading = kb.read()
    assert reading.problems == ()
    assert reading.changed == {LOST}
    assert reading.articles[LOST].body == "Mended.\n"


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_never_was_good_is_named_and_not_served(kb: Kb, name: str) -> None:
    kb.write("en/a.md", BROKEN[name][0])
    kb.write("en/b.md", text("b"))
    reading = kb.read()
    assert set(reading.articles) == {ArticleKey("en", "b")}
    assert reading.files["en/a.md"].key is None
    assert len(reading.problems) == 1


def test_a_deleted_broken_file_is_gone(kb: Kb) -> None:
    kb.write("en/a.md", text())
    kb.write("en/b.md", text("b"))
    kb.read()
    kb.write("en/a.md", "broken")
    kb.read()
    kb.remove("en/a.md")
    reading = kb.read()
    assert reading.removed == {LOST}
    assert reading.problems == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file_is_named(kb: Kb) -> None:
    kb.write("en/a.md", text())
    kb.write("en/b.md", text("b"))
    kb.read()
    kb.write("en/a.md", text(body="New"))
    (kb.root / "en/a.md").chmod(0)
    reading = kb.read()
    assert told(reading) == ["en/a.md: the file cannot be read: Permission denied"]
    assert LOST in reading.articles


def test_a_file_that_cannot_be_opened_is_named(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.write("en/a.md", text())
    kb.write("en/b.md", text("b"))
    kb.read()
    kb.write("en/a.md", text(body="New"))
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "a.md":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    reading = kb.read()
    assert told(reading) == ["en/a.md: the file cannot be read: Permission denied"]
    assert reading.articles[LOST].body == "Lock the card.\n"


def test_a_link_to_nowhere_is_no_article(kb: Kb) -> None:
    kb.write("en/b.md", text("b"))
    (kb.root / "en/a.md").symlink_to(kb.root / "gone.md")
    assert set(kb.read().articles) == {ArticleKey("en", "b")}


def test_a_folder_that_cannot_be_listed_does_not_look_like_deleted_articles(
    kb: Kb, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.write("en/a.md", text())
    kb.read()

    def refuse(_folder: str) -> Iterator[os.DirEntry[str]]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(KnowledgeBaseError, match=r"cannot be read: Permission denied"):
        kb.read()


def test_of_two_articles_with_one_id_the_served_one_stays(kb: Kb) -> None:
    kb.write("en/b.md", text(body="First."))
    kb.read()
    kb.write("en/a.md", text(body="Second."))
    reading = kb.read()
    assert reading.articles[LOST].source == "en/b.md"
    assert reading.changed == set()
    assert told(reading) == [
        'en/a.md:2: the id "lost-card" is already used in en/b.md: not served until it has an id of its own'
    ]
    assert reading.problems[0].kind is ProblemKind.DUPLICATE
    assert reading.problems[0].severity is Severity.ERROR
    # The other one takes over as soon as it can, although its file has not changed.
    kb.remove("en/b.md")
    reading = kb.read()
    assert reading.articles[LOST].body == "Second.\n"
    assert moves(reading) == ({LOST}, set())
    assert reading.problems == ()


def test_of_two_new_articles_with_one_id_the_first_path_is_served(kb: Kb) -> None:
    kb.write("en/b.md", text(body="Second."))
    kb.write("en/a.md", text(body="First."))
    reading = kb.read()
    assert reading.articles[LOST].source == "en/a.md"
    assert told(reading) == [
        'en/b.md:2: the id "lost-card" is already used in en/a.md:2: not served until it has an id of its own'
    ]


def test_a_file_that_takes_anothers_id_keeps_its_own_last_good_version(kb: Kb) -> None:
    kb.write("en/a.md", text("a"))
    kb.write("en/b.md", text("b", "Old."))
    kb.read()
    kb.write("en/b.md", text("a", "New."))
    reading = kb.read()
    assert reading.articles[ArticleKey("en", "a")].source == "en/a.md"
    assert reading.articles[ArticleKey("en", "b")].body == "Old.\n"
    assert moves(reading) == (set(), set())


def test_a_good_file_wins_over_the_last_good_version_of_a_broken_one(kb: Kb) -> None:
    kb.write("en/a.md", text())
    kb.read()
    kb.write("en/a.md", "broken")
    kb.write("en/b.md", text(body="Moved here."))
    reading = kb.read()
    assert reading.articles[LOST].source == "en/b.md"
    assert [problem.source for problem in reading.problems] == ["en/a.md"]


def test_one_id_in_two_languages_is_a_translation(kb: Kb) -> None:
    kb.write("en/a.md", text())
    kb.write("fi/a.md", text())
    assert kb.read().problems == ()


def test_addresses_are_unique_within_a_language(kb: Kb) -> None:
    kb.write("en/card/cancel.md", text("a"))
    kb.write("en/lunch/cancel.md", text("b"))
    kb.write("en/lunch-cancel.md", text("c"))
    kb.write("fi/card/cancel.md", text("a"))
    reading = kb.read()
    assert {key: article.slug for key, article in reading.articles.items()} == {
        ("en", "a"): "cancel",
        ("en", "b"): "lunch-cancel-2",
        ("en", "c"): "lunch-cancel",
        ("fi", "a"): "cancel",
    }
    assert told(reading) == [
        'en/lunch/cancel.md: the address "cancel" belongs to en/card/cancel.md: this article is at '
        '"lunch-cancel-2", rename the file to choose its address'
    ]
    assert reading.problems[0].severity is Severity.WARNING
    # Nothing depends on the order of edits: the next reading gives the same.
    assert kb.read().articles == reading.articles
    kb.remove("en/card/cancel.md")
    reading = kb.read()
    assert reading.articles[ArticleKey("en", "b")].slug == "cancel"
    assert reading.changed == {ArticleKey("en", "b")}


def test_links_that_lead_nowhere_are_named_with_their_line(kb: Kb) -> None:
    body = """
[a](../card/lost.md#lock) [b](../card/lost.md#unlock)
[c](none.md)

## Here

[d](#here) [e](#there) [f](https://example.org/none.md) [g](/none) ![h](card.png) [i][j]
`[k](none2.md)` [l](../card/lost.md#free-text)

[j]: gone.md
"""
    kb.write("en/app/a.md", text("a", body))
    kb.write("en/card/lost.md", text(body="## Lock it {#lock}\n\nx\n\n## Free text\n\ny"))
    reading = kb.read()
    assert told(reading) == [
        'en/app/a.md:6: the link "../card/lost.md#unlock" leads nowhere: '
        'en/card/lost.md has no heading with the anchor "unlock"',
        'en/app/a.md:7: the link "none.md" leads nowhere: there is no article en/app/none.md',
        'en/app/a.md:11: the link "#there" leads nowhere: en/app/a.md has no heading with the anchor "there"',
        'en/app/a.md:11: the link "card.png" leads nowhere: '
        "only articles (.md) and full addresses can be linked",
        'en/app/a.md:14: the link "gone.md" leads nowhere: there is no article en/app/gone.md',
    ]
    assert {problem.severity for problem in reading.problems} == {Severity.WARNING}
    assert {problem.kind for problem in reading.problems} == {ProblemKind.LINK}


def test_a_link_to_what_customers_cannot_see_is_named(kb: Kb) -> None:
    kb.write("en/a.md", text("a", "[b](b.md)\n[c](c.md)\n[d](d.md)"))
    kb.write("en/b.md", text("b", "[c](c.md)", status="draft"))
    kb.write("en/c.md", text("c", "[a](a.md)", visibility="internal"))
    kb.write("en/d.md", text("d"))
    assert told(kb.read()) == [
        'en/a.md:5: the link "b.md" leads nowhere: en/b.md is draft, so customers have no page of it',
        'en/a.md:6: the link "c.md" leads nowhere: en/c.md is internal, so customers have no page of it',
    ]


def test_a_link_breaks_when_its_target_goes(kb: Kb) -> None:
    kb.write("en/a.md", text("a", "[x](b.md)"))
    kb.write("en/b.md", text("b"))
    assert kb.read().problems == ()
    kb.remove("en/b.md")
    assert told(kb.read()) == ['en/a.md:5: the link "b.md" leads nowhere: there is no article en/b.md']


def test_questions_of_two_articles_are_named(kb: Kb) -> None:
    kb.write("en/a.md", text("a", questions="[Lost my card?]"))
    kb.write("en/b.md", text("b", questions="[lost  my card]"))
    kb.write("fi/a.md", text("a", questions="[Lost my card?]"))
    assert told(kb.read()) == ['en/b.md: the question "lost my card" is also in en/a.md (a): keep it in one']


def test_raw_html_and_double_anchors_are_named(kb: Kb) -> None:
    body = (
        "Use <b>bold</b>\nor <br>.\n\n<div>\nx\n</div>\n\n`<code>` <https://example.org> a < b\n\n"
        "## A {#x}\n\n## B {#x}\n\n## C {#lead}"
    )
    kb.write("en/a.md", text("a", body))
    assert told(kb.read()) == [
        "en/a.md:5: raw HTML (<b>) is shown as text: write Markdown instead",
        "en/a.md:6: raw HTML (<br>) is shown as text: write Markdown instead",
        "en/a.md:8: raw HTML (<div>) is shown as text: write Markdown instead",
        'en/a.md:16: the anchor "x" is already in line 14: choose another',
        'en/a.md:18: the anchor "lead" belongs to the text before the first heading: choose another',
    ]


def test_many_tags_are_one_problem(kb: Kb) -> None:
    kb.write("en/a.md", text("a", "\n\n".join(f"<i>{n}</i>" for n in range(20))))
    assert len(kb.read().problems) == 5
    assert told(kb.read())[-1].endswith("raw HTML in 16 more places is shown as text: write Markdown instead")


def test_an_article_without_text_is_named(kb: Kb) -> None:
    kb.write("en/a.md", text("a", ""))
    assert told(kb.read()) == [
        "en/a.md:5: the article has no text: only its title and questions can be found"
    ]


def test_warnings_stay_while_a_file_is_unchanged(kb: Kb) -> None:
    kb.write("en/a.md", text("a", "<b>x</b>"))
    assert told(kb.read()) == told(kb.read()) != []


def test_folders_that_are_not_read_are_named(kb: Kb) -> None:
    kb.write("en/a.md", text("a"))
    kb.write("FI/a.md", text("a"))
    kb.write("en-GB/a.md", text("a"))
    kb.write("articles.jsonl", "")
    assert told(kb.read()) == [
        'FI: the folder is not read: a language\'s folder is named like "fi"',
        "articles.jsonl: the file is not read: there are language folders beside articles.jsonl",
        'en-GB: the folder is not read: a language\'s folder is named like "en"',
    ]


def test_no_kb_an_empty_kb_and_a_wholly_broken_kb(kb: Kb, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match=r"there is no knowledge base at .*none"):
        read_kb(tmp_path / "none")
    with pytest.raises(
        KnowledgeBaseError, match=r"there are no articles in .* put them at LANGUAGE/TOPIC/NAME.md"
    ):
        kb.read()
    kb.write("a.txt", "x")
    with pytest.raises(KnowledgeBaseError, match=r"a.txt is not a knowledge base"):
        read_kb(tmp_path / "a.txt")
    kb.write("en/a.md", "x")
    with pytest.raises(
        KnowledgeBaseError, match=r"can be used .1 problems.; the first: en/a.md:1: there is no front"
    ):
        kb.read()


def test_progress_is_told(kb: Kb) -> None:
    for number in range(3):
        kb.write(f"en/{number}.md", text(str(number)))
    steps: list[tuple[str, int, int]] = []
    read_kb(kb.root, progress=lambda step, done, total: steps.append((step, done, total)))
    assert steps == [("reading articles", 3, 3)]


def test_states_and_problems_survive_json(kb: Kb) -> None:
    kb.write("en/a.md", text("a", "[x](none.md) <b>"))
    kb.write("en/b.md", "broken")
    reading = kb.read()
    for state in reading.files.values():
        assert FileState.from_json(state.to_json()) == state
    for problem in reading.problems:
        assert Problem.from_json(problem.to_json()) == problem
    assert len(reading.problems) == 3


def test_a_lost_article_of_the_build_before_is_read_again(kb: Kb) -> None:
    kb.write("en/a.md", text("a"))
    reading = kb.read()
    lost = Previous(files=reading.files, articles=lambda key: None)
    assert read_kb(kb.root, previous=lost).changed == {ArticleKey("en", "a")}


_files = st.dictionaries(
    st.sampled_from(["en/a.md", "en/b.md", "en/x/a.md", "fi/a.md"]),
    st.tuples(st.sampled_from(["p", "q", "r"]), st.sampled_from(["One", "<b>", "[x](a.md)", "[x](b.md#y)"])),
    min_size=1,
)


@given(st.lists(_files, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_what_changed_equals_reading_all(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, tuple[str, str]]]
) -> None:
    kb = Kb(tmp_path_factory.mktemp("kb"))
    for files in steps:
        for path in kb.root.rglob("*.md"):
            if path.relative_to(kb.root).as_posix() not in files:
                path.unlink()
        for source, (identity, body) in files.items():
            kb.write(source, text(identity, body))
        before = kb.last
        reading = kb.read()
        whole = read_kb(kb.root)
        if any(problem.kind is ProblemKind.DUPLICATE and problem.line for problem in whole.problems):
            # Which of two claims is served depends on the past; what is served must still be the truth.
            assert {key.id for key in whole.articles} <= {key.id for key in reading.articles}
            continue
        assert reading.articles == whole.articles
        assert reading.problems == whole.problems
        if before:
            old = before.articles
            assert reading.removed == old.keys() - whole.articles.keys()
            assert reading.changed == {key for key, each in whole.articles.items() if old.get(key) != each}


def test_ten_thousand_files_are_read_in_seconds_and_skipped_in_less(tmp_path: Path) -> None:
    for number in range(2_000):
        path = tmp_path / "en" / f"t{number % 20}" / f"a{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            text(
                f"a{number}",
                f"See [x](a{number}.md).\n\n## B {{#b}}\n\nText.",
                questions=f"[how {number}, why {number}]",
            )
        )
        os.utime(path, (1_700_000_000, 1_700_000_000))
    started = time.process_time()
    reading = read_kb(tmp_path)
    whole = time.process_time() - started
    started = time.process_time()
    again = read_kb(tmp_path, previous=Previous(files=reading.files, articles=reading.articles.get))
    skipped = time.process_time() - started
    assert again.articles == reading.articles
    # A fifth of the 10,000 in a fifth of "a few seconds"; processor time, as others may be busy beside us.
    assert whole < 3
    assert skipped < whole / 2


def test_the_sample_kb_has_no_problems() -> None:
    root = Path(__file__).parents[2] / "kb"
    if not any(root.glob("??/*/*.md")):
        pytest.skip("there is no sample kb here")
    reading = read_kb(root)
    assert told(reading) == []
    assert all(replace(article, id="") != article for article in reading.articles.values())
