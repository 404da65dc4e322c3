"""Building an index: read the kb, encode what is new, write segments, calibrate, publish."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.articles import Article, ArticleKey, Status
from indexer.artifact import (
    current_build,
    writing,
)
from indexer.calibration import Calibration
from indexer.companions import NO_COMPANIONS, read_companions
from indexer.console import Progress, no_progress
from indexer.drafts import Content, Draft
from indexer.encoders import Encoder
from indexer.errors import ArticleError, ArtifactError, EncoderMismatch, KnowledgeBaseError
from indexer.examples import by_article, examples_hash, read_examples
from indexer.index import Index
from indexer.problems import Problem, ProblemKind, Severity
from indexer.settings import AnsweringSettings
from indexer.sources import FileState, Previous, Reading, read_kb
from indexer.synonyms import load_synonyms

SOURCES = "sources.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did."""

    build_id: str
    index_id: str
    articles: int
    sections: int
    languages: tuple[str, ...]
    changed: int  #: articles encoded or re-read
    removed: int
    problems: tuple[Problem, ...]
    calibration: Calibration
    recalibrated: bool
    published: bool  #: False: the served build already had this content
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that keep an article's newest version from being served."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


@dataclass(slots=True)
class Builder:
    """Builds one root again and again; keeps the last build open, so that a small edit costs little."""

    kb: Path
    root: Path
    encoder: Encoder
    answering: AnsweringSettings = field(default_factory=AnsweringSettings)
    examples: Mapping[ArticleKey, Sequence[str]] = field(default_factory=dict)
    examples_file: Path | None = None  #: read anew by each build, if it is there; replaces ``examples``
    _index: Index | None = None
    _files: Mapping[str, FileState] | None = None
    _articles: Mapping[ArticleKey, Article] | None = None
    _added: Mapping[ArticleKey, int] = field(default_factory=dict)  #: questions at the end that are examples
    _with_or_had: bool = False  #: this build, or the one before, has examples

    def build(
        self, *, full: bool = False, recalibrate: bool = True, progress: Progress = no_progress
    ) -> BuildReport:
        """Read the kb and publish what it holds now.

        ``full`` takes nothing from earlier builds; without ``recalibrate`` the served calibration
        stays. Raises ``KnowledgeBaseError`` and ``ArtifactError``.
        """
        started = time.monotonic()
        with writing(self.root):
            notes = self._read_examples()
            before = self._open_served()
            # A full build reads every file, but of a broken one it too keeps the last good version.
            files = self._known_files(before)
            if full:
                files = {
                    name: replace(state, size=-1, mtime_ns=0, sha256="") for name, state in files.items()
                }
            remembered = self._articles if before is not None and before is self._index else None
            previous = (
                Previous(
                    files=files,
                    articles=self._as_written(before) if remembered is None else remembered.get,
                )
                if before is not None
                else None
            )
            reading = read_kb(self.kb, previous=previous, progress=progress)
            groups, problems = self._synonyms(reading, before)
            companions, more = read_companions(
                self.kb, reading.articles, before.companions if before else NO_COMPANIONS
            )
            problems = (*problems, *more)
            articles = {
                key: self._with_examples(article)
                for key, article in reading.articles.items()
                if article.status is Status.PUBLISHED
            }
            if not articles:
                raise KnowledgeBaseError(f"no article in {self.kb} is published: set status: published")
            draft = Draft(
                root=self.root,
                encoder=self.encoder,
                answering=self.answering,
                before=None if full else before,
                content=Content(
                    articles=articles,
                    synonyms=groups,
                    problems=problems,
                    # What examples change is seen in the hashes alone.
                    suspects=None if self._with_or_had or full or remembered is None else reading.changed,
                    examples=examples_hash({key: self.examples.get(key, ()) for key in articles}),
                    companions=companions,
                ),
                progress=progress,
            )
            written = draft.write(recalibrate=recalibrate)
            added = {
                key: len(articles[key].questions) - len(reading.articles[key].questions) for key in articles
            }
            self._added = {key: count for key, count in added.items() if count}
            self._remember(written.index, reading)
            self._with_or_had = bool(self.examples)
        index = written.index
        return BuildReport(
            build_id=index.build_id,
            index_id=index.index_id,
            articles=index.article_count,
            sections=index.section_count,
            languages=index.languages,
            changed=written.changed,
            removed=written.removed,
            problems=problems,
            calibration=index.calibration,
            recalibrated=written.recalibrated,
            published=before is None or before.build_id != index.build_id,
            seconds=round(time.monotonic() - started, 3),
            warnings=(
                *notes,
                *_gone(self.examples, articles),
                *_warnings(index.calibration, self.answering.max_handoff_share),
            ),
        )

    def _read_examples(self) -> tuple[str, ...]:
        """Take the examples of the file; what its editor should know."""
        notes: tuple[str, ...] = ()
        if self.examples_file is not None:
            if self.examples_file.is_file():
                found = read_examples(self.examples_file)
                self.examples, notes = by_article(found.examples), tuple(map(str, found.problems))
            else:
                self.examples = {}
        self._with_or_had = self._with_or_had or bool(self.examples)
        return notes

    def _with_examples(self, article: Article) -> Article:
        extra = [q for q in self.examples.get(article.key, ()) if q not in article.questions]
        return replace(article, questions=(*article.questions, *extra)) if extra else article

    def _open_served(self) -> Index | None:
        """The served build, when there is one that this encoder made."""
        try:
            if self._index is not None and self._index.build_id == current_build(self.root):
                return self._index
            index = Index.load(self.root, encoder=self.encoder)
        except (ArtifactError, EncoderMismatch):
            return None  # whatever is wrong with the old index, the remedy is the build under way
        return index if index.manifest.encoder_fingerprint == self.encoder.fingerprint else None

    def _known_files(self, before: Index | None) -> Mapping[str, FileState]:
        if before is None:
            return {}
        if self._files is not None:
            return self._files
        try:
            record = json.loads((self.root / SOURCES).read_text(encoding="utf-8"))
            if record["kb"] != str(self.kb.resolve()) or record["build"] != before.build_id:
                return {}
            self._added = {ArticleKey(lang, name): count for lang, name, count in record["examples"]}
            return {name: FileState.from_json(state) for name, state in record["files"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # only a memory: without it every file is read

    def _as_written(self, before: Index) -> Callable[[ArticleKey], Article | None]:
        """The articles of the served build without the examples that were added to their questions."""

        def article(key: ArticleKey) -> Article | None:
            found, count = before.article(key), self._added.get(key, 0)
            return replace(found, questions=found.questions[:-count]) if found and count else found

        return article

    def _synonyms(
        self, reading: Reading, before: Index | None
    ) -> tuple[Mapping[str, Sequence[Sequence[str]]], tuple[Problem, ...]]:
        path = (self.kb if self.kb.is_dir() else self.kb.parent) / "synonyms.yaml"
        try:
            return load_synonyms(path), reading.problems
        except ArticleError as error:
            problem = Problem(
                source=error.source,
                line=error.line,
                message=error.reason,
                severity=Severity.ERROR,
                kind=ProblemKind.SYNTAX,
            )
            return (before.synonyms.groups if before else {}), (*reading.problems, problem)

    def _remember(self, index: Index, reading: Reading) -> None:
        """Keep what the next build starts from."""
        self._index, self._files, self._articles = index, reading.files, reading.articles
        record = {
            "build": index.build_id,
            "kb": str(self.kb.resolve()),
            "examples": [[*key, count] for key, count in self._added.items()],
            "files": {name: state.to_json() for name, state in reading.files.items()},
        }
        temporary = self.root / f".{SOURCES}.new"
        temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self.root / SOURCES)


#: Articles without their examples that a warning names.
NAMED = 3


def _gone(
    examples: Mapping[ArticleKey, Sequence[str]], articles: Mapping[ArticleKey, Article]
) -> Iterator[str]:
    gone = sorted(key for key in examples if key not in articles)
    if gone:
        count = sum(len(examples[key]) for key in gone)
        named = ", ".join(f"{key.lang}/{key.id}" for key in gone[:NAMED]) + (", ..." if gone[NAMED:] else "")
        yield (
            f"{count} example{'s' if count > 1 else ''} of {len(gone)} article{'s' if len(gone) > 1 else ''} "
            f"that this kb does not publish {'are' if count > 1 else 'is'} left out: {named}"
        )


#: Below this share of answers, editors should know what to do about it.
FEW_ANSWERS = 20.0


def _warnings(calibration: Calibration, most_handoffs: float | None) -> Iterator[str]:
    for lang, each in sorted(calibration.languages.items()):
        if each.expected["answers"] < FEW_ANSWERS:
            yield (
                f"{lang}: at this goal only {each.expected['answers']:.0f} of 100 questions can be answered: "
                "add questions in customers' words to the articles, or lower [answering] accuracy_goal"
            )
        if most_handoffs is not None and each.expected["handoffs"] > 100.0 * most_handoffs:
            yield (
                f"{lang}: people must expect {each.expected['handoffs']:.0f} of 100 questions, [answering] "
                f"max_handoff_share allows {100.0 * most_handoffs:.0f}: lower choices_goal or accuracy_goal, "
                "or add questions in customers' words to the articles"
            )
