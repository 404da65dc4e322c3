"""A lesson: examples gathered, judged and tried; then, if an editor wants it, learned. And forgetting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from botsvc.answering import Answering, answering
from botsvc.clock import utc_now
from botsvc.contacts import OwnContacts
from botsvc.errors import LessonError, StorageNotFound
from botsvc.events import BotReplied
from botsvc.examples import customer_key, masked_label, stored_label
from botsvc.learning.approval import Judgement, Rules, judge_all, that_count
from botsvc.learning.trials import (
    Move,
    Phrase,
    Remembering,
    ask_all,
    evidence_for,
    mean_change,
    moves,
    phrases_of,
    worse,
)
from botsvc.storage import Storage, StoredExample, open_existing_storage, open_storage
from indexer import (
    EXAMPLES,
    ArticleKey,
    Builder,
    BuildReport,
    Example,
    ExampleSource,
    Index,
    by_article,
    drop_old_builds,
    normalised,
    read_examples,
    trial_root,
    write_examples,
)
from indexer.console import Progress, no_progress

if TYPE_CHECKING:
    from botsvc.settings import Settings

#: Days of customers' questions, and how many of them, that are asked before and after.
LOGGED_DAYS, MOST_LOGGED = 90, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an editor asks of a lesson."""

    labels: Path | None = None
    accept: frozenset[str] = frozenset()  #: ids of examples
    reject: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What would be learned, and what it would change."""

    judgements: tuple[Judgement, ...]
    approved: tuple[Example, ...]
    labels: tuple[StoredExample, ...]  #: of this call, to be kept when it is applied
    decisions: Mapping[str, str]  #: of this call, by the example's id
    phrases: tuple[Phrase, ...]  #: asked before and after; empty when nothing would change
    moved: tuple[Move, ...]
    mean_change: float  #: of the confidence, over all phrases
    notes: tuple[str, ...] = ()  #: about the file of labels
    leaving: int = 0  #: examples that the index has learned and is to forget
    rules: Rules = field(default_factory=Rules)

    @property
    def worse(self) -> bool:
        """Whether it makes the kb's test phrases find less; such a lesson is only applied by force."""
        return worse(self.moved)


@dataclass(slots=True, kw_only=True)
class Teacher:
    """Teaches one index."""

    settings: Settings
    storage: Storage | None
    root: Path
    kb: Path
    progress: Progress = no_progress
    bot: Answering | None = None  #: default: as the settings say
    _index: Index | None = field(default=None, init=False)

    @property
    def index(self) -> Index:
        """The served index, whose encoder encodes each question once."""
        if self._index is None:
            served = Index.load(self.root)
            self._index = Index.load(self.root, encoder=Remembering(served.encoder), previous=served)
        return self._index

    def prepare(self, wanted: Wanted, now: datetime | None = None) -> Lesson:
        """Judge what is stored and wanted, and try it; nothing is changed."""
        now = now or utc_now()
        served = self.index
        kept = self._kept()
        labels, notes = self._labels(wanted.labels, now)
        examples, decisions = _decided(_merged(kept, labels), wanted)
        known = self._learned()
        with ExitStack() as stack:
            plain = served
            if served.manifest.examples:
                plain = stack.enter_context(self._tried({}, recalibrate=False))
            evidence = evidence_for(that_count(examples, self._rules()), plain, self.progress)
            judgements = judge_all(examples, evidence, self._rules(), published=plain.keys())
            approved = tuple(_example(one.example) for one in judgements if one.approved)
            lesson = Lesson(
                judgements=judgements,
                approved=approved,
                labels=labels,
                decisions=decisions,
                phrases=(),
                moved=(),
                mean_change=0.0,
                notes=notes,
                leaving=len(_questions(known) - _questions(approved)),
                rules=self._rules(),
            )
            if _questions(approved) == _questions(known):
                return lesson
            tried = stack.enter_context(self._tried(by_article(approved)))
            bot = self.bot or answering(self.settings)
            phrases = phrases_of(plain, approved, self._logged(now))
            before = ask_all(bot, served, phrases, self.progress)
            after = ask_all(bot, tried, phrases, self.progress)
            return replace(
                lesson,
                phrases=phrases,
                moved=moves(phrases, before, after),
                mean_change=mean_change(before, after),
            )

    def apply(self, lesson: Lesson) -> BuildReport:
        """Keep labels and decisions, write the approved examples beside the index, and publish a build.

        Where something leaves, nothing of older builds is taken over and none of them is kept: whatever is
        not in the file is in no build.
        """
        if self.storage is not None and (lesson.labels or lesson.decisions):
            with self.storage.write() as writing:
                for label in lesson.labels:
                    writing.save_example(label)
                for example_id, decision in lesson.decisions.items():
                    writing.decide_example(example_id, decision)
        write_examples(self.root / EXAMPLES, lesson.approved)
        return self._publish(anew=bool(lesson.leaving))

    def forget(self, customer: str) -> tuple[int, BuildReport | None]:
        """Delete a customer's examples wherever they are; how many, and the build without them."""
        key = customer_key(customer)
        count = 0
        if self.storage is not None:
            with self.storage.write() as writing:
                count = writing.forget_examples(key)
        known = self._learned()
        left = tuple(one for one in known if one.customer != key)
        if len(left) == len(known):
            return count, None
        write_examples(self.root / EXAMPLES, left)
        return max(count, len(known) - len(left)), self._publish(anew=True)

    def _rules(self) -> Rules:
        limits = self.settings.learning
        return Rules(**{name: getattr(limits, name) for name in Rules.__dataclass_fields__})

    def _kept(self) -> tuple[StoredExample, ...]:
        if self.storage is None:
            return ()
        with self.storage.read() as reading:
            return reading.examples()

    def _learned(self) -> tuple[Example, ...]:
        path = self.root / EXAMPLES
        return read_examples(path).examples if path.is_file() else ()

    def _labels(self, path: Path | None, now: datetime) -> tuple[tuple[StoredExample, ...], tuple[str, ...]]:
        if path is None:
            return (), ()
        found = read_examples(path)
        own = OwnContacts(self.settings.own_contacts)
        prefixes = self.settings.privacy.benefit_card_prefixes
        labels = [
            stored_label(masked_label(label, own=own, benefit_card_prefixes=prefixes), now=now)
            for label in found.examples
            if label.source is not ExampleSource.CUSTOMER
        ]
        notes = [str(problem) for problem in found.problems]
        if len(labels) < len(found.examples):
            notes.append(
                f"{path}: {len(found.examples) - len(labels)} examples of customers are left out: they come "
                "from the service's database, labels from agents, QA and editors"
            )
        return tuple(labels), tuple(notes)

    def _logged(self, now: datetime) -> Iterator[tuple[str, str]]:
        """What customers asked lately, each question once."""
        if self.storage is None:
            return
        with self.storage.read() as reading:
            events = reading.replies(since=now - timedelta(days=LOGGED_DAYS), limit=10 * MOST_LOGGED)
        seen: set[str] = set()
        for event in events:
            fact = event.fact
            if isinstance(fact, BotReplied) and fact.question and len(seen) < MOST_LOGGED:
                if normalised(fact.question) not in seen:
                    yield fact.question, fact.language
                seen.add(normalised(fact.question))

    @contextmanager
    def _tried(
        self, examples: Mapping[ArticleKey, Sequence[str]], *, recalibrate: bool = True
    ) -> Iterator[Index]:
        """The index as it would be with these examples."""
        with trial_root(self.root) as folder:
            builder = self._builder(folder)
            builder.examples = examples
            builder.build(recalibrate=recalibrate, progress=self.progress)
            yield Index.load(folder, encoder=self.index.encoder)

    def _publish(self, *, anew: bool) -> BuildReport:
        builder = self._builder(self.root)
        builder.examples_file = self.root / EXAMPLES
        report = builder.build(full=anew, progress=self.progress)
        if anew:
            drop_old_builds(self.root, keep=0)
        return report

    def _builder(self, root: Path) -> Builder:
        return Builder(kb=self.kb, root=root, encoder=self.index.encoder, answering=self.settings.answering)


@contextmanager
def opened(settings: Settings, *, writing: bool) -> Iterator[Storage | None]:
    """The store of conversations; made if something is to be written, None if there is none to read."""
    url = settings.storage.url.get_secret_value()
    try:
        storage = open_storage(url) if writing else open_existing_storage(url)
    except StorageNotFound:
        yield None
        return
    try:
        yield storage
    finally:
        storage.close()


def _merged(kept: Sequence[StoredExample], labels: Sequence[StoredExample]) -> list[StoredExample]:
    """What is stored, with new labels; a label given before keeps an editor's decision."""
    by_id = {one.id: one for one in kept}
    for label in labels:
        before = by_id.get(label.id)
        decision = before.decision if before and before.text == label.text else ""
        by_id[label.id] = replace(label, decision=decision)
    return list(by_id.values())


def _decided(
    examples: Sequence[StoredExample], wanted: Wanted
) -> tuple[list[StoredExample], Mapping[str, str]]:
    """The examples with the editor's new decisions, and these."""
    unknown = (wanted.accept | wanted.reject) - {one.id for one in examples}
    if unknown:
        raise LessonError(f"there is no example {min(unknown)}: `helppari kb learn` lists them all")
    if wanted.accept & wanted.reject:
        raise LessonError(f"{min(wanted.accept & wanted.reject)} is both accepted and rejected: choose one")
    decisions = dict.fromkeys(wanted.accept, "accepted") | dict.fromkeys(wanted.reject, "rejected")
    found = [replace(one, decision=decisions.get(one.id, one.decision)) for one in examples]
    return found, decisions


def _example(stored: StoredExample) -> Example:
    return Example(
        article=ArticleKey(stored.lang, stored.article_id),
        text=stored.text,
        source=ExampleSource(stored.source),
        date=stored.at.date(),
        customer=stored.customer,
    )


def _questions(examples: Sequence[Example]) -> frozenset[tuple[ArticleKey, str]]:
    """What an index learns from examples, whoever confirmed them."""
    return frozenset((one.article, normalised(one.text)) for one in examples)
