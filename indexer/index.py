"""The index as the service, the command line and the evals see it: load once, then search."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.access import Access, Limits, anyone
from indexer.articles import Article, ArticleKey
from indexer.artifact import REBUILD, Manifest, build_folder, current_build, read_manifest, verify
from indexer.calibration import Calibration, Thresholds
from indexer.candidates import Candidates, best_section, find_candidates
from indexer.cohort import Cohort
from indexer.companions import NO_COMPANIONS, Companions
from indexer.confidence import ConfidenceModel, kb_view
from indexer.encoders import Encoder, open_encoder
from indexer.errors import IndexDamaged
from indexer.expansion import Synonyms
from indexer.forms import Form
from indexer.hits import Hit, Ranked, SearchResult
from indexer.language import Detected, language_probabilities
from indexer.opening import Opened, check_encoder, open_part
from indexer.probe import PlacedProbe, Probe
from indexer.problems import Problem
from indexer.ranking import Ranker
from indexer.replies import CannedReply
from indexer.sections import Section
from indexer.segments import Segment
from indexer.snapshot import Place, Query, Snapshot
from indexer.terms import query_ngrams, query_stems
from indexer.vectors import Matrix

#: What an article loses in rank when it is for other customer groups than the customer named.
OTHER_AUDIENCE = 2.0


class Index:
    """An open build. Searching is thread-safe; an index never changes."""

    def __init__(
        self,
        *,
        build_id: str,
        manifest: Manifest,
        snapshot: Snapshot,
        encoder: Encoder,
        cohort: Cohort,
        calibration: Calibration,
        synonyms: Synonyms,
        ranker: Ranker,
        probe: Probe,
        companions: Companions = NO_COMPANIONS,
    ) -> None:
        self.build_id = build_id
        self.manifest = manifest
        self.snapshot = snapshot
        self.encoder = encoder
        self.cohort = cohort
        self.calibration = calibration
        self.synonyms = synonyms
        self.ranker = ranker
        self.probe = probe
        self.companions = companions
        self.languages = snapshot.languages
        self._placed_probe = PlacedProbe(probe, snapshot)
        self._limits = _limits(snapshot)
        self._slugs = {
            (key.lang, self._segment(place).slugs[place.row]): key for key, place in snapshot.places.items()
        }
        self._confidence = ConfidenceModel.shipped()
        self._kb_view = kb_view(snapshot, cohort)

    @property
    def index_id(self) -> str:
        """Names content and calibration; every answer carries it."""
        return self.manifest.index_id

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What editors have to mend."""
        return tuple(Problem.from_json(problem) for problem in self.manifest.problems)

    @property
    def article_count(self) -> int:
        """Live articles, all languages."""
        return len(self.snapshot.places)

    @property
    def section_count(self) -> int:
        """Live sections, all languages."""
        return self.snapshot.section_count

    @classmethod
    def load(
        cls,
        root: Path,
        *,
        encoder: Encoder | None = None,
        previous: Index | None = None,
        build_id: str | None = None,
    ) -> Index:
        """Open the served build (or another one), checked in full.

        ``previous`` is an open build of the same root: what both share is neither read nor checked again.
        Raises ``ArtifactError`` and ``EncoderMismatch``.
        """
        build_id = build_id or current_build(root)
        folder = build_folder(root, build_id)
        manifest = read_manifest(folder)
        trusted = previous.manifest.files if previous is not None else None
        verify(folder, manifest, trusted=trusted)
        if encoder is None:
            encoder = previous.encoder if previous is not None else open_encoder(manifest.encoder)
        if previous is None or previous.encoder is not encoder:
            check_encoder(encoder, manifest)
        opened = Opened(previous.manifest, previous.snapshot.parts) if previous is not None else None
        parts = [open_part(folder, entry, manifest, opened) for entry in manifest.segments]
        snapshot = Snapshot(parts)
        if len(snapshot.places) != manifest.articles or snapshot.section_count != manifest.sections:
            raise IndexDamaged(
                f"{folder} holds {len(snapshot.places)} articles and {snapshot.section_count} sections, its "
                f"manifest says {manifest.articles} and {manifest.sections}: {REBUILD}"
            )
        try:
            groups = json.loads((folder / "synonyms.json").read_text(encoding="utf-8"))
            calibration = Calibration.from_json(
                json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
            )
            probe = Probe.load(folder)
            companions = Companions.load(folder, manifest.files)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(f"{folder} cannot be read ({error}): {REBUILD}") from error
        return cls(
            build_id=build_id,
            manifest=manifest,
            snapshot=snapshot,
            encoder=encoder,
            cohort=Cohort.load(folder),
            calibration=calibration,
            synonyms=Synonyms(groups),
            ranker=Ranker.shipped(),
            probe=probe,
            companions=companions,
        )

    # What is in it

    def keys(self) -> tuple[ArticleKey, ...]:
        """All live articles, sorted."""
        return tuple(sorted(self.snapshot.places))

    def article(self, key: ArticleKey) -> Article | None:
        """The article with this name."""
        place = self.snapshot.places.get(key)
        return None if place is None else self._segment(place).article(place.row)

    def sections(self, key: ArticleKey) -> tuple[Section, ...]:
        """Its sections; empty when there is no such article."""
        place = self.snapshot.places.get(key)
        return () if place is None else self._segment(place).article_sections(place.row)

    def by_slug(self, lang: str, slug: str) -> Article | None:
        """The article at this address."""
        key = self._slugs.get((lang, slug))
        return None if key is None else self.article(key)

    def articles(self) -> Iterator[Article]:
        """All live articles, sorted by language and id."""
        for key in self.keys():
            article = self.article(key)
            if article is not None:
                yield article

    def form(self, form_id: str) -> Form | None:
        """The form with this id; None when there is none, or the index is of a version without forms."""
        return self.companions.forms.get(form_id)

    def forms(self) -> tuple[Form, ...]:
        """All forms, sorted by id."""
        return tuple(form for _, form in sorted(self.companions.forms.items()))

    def replies(self, lang: str) -> tuple[CannedReply, ...]:
        """The canned replies that can be sent in a language, sorted by id."""
        found = sorted(self.companions.replies.items())
        return tuple(reply for _, reply in found if lang in reply.languages)

    def visible(self, key: ArticleKey, access: Access) -> bool:
        """True when there is such an article and this customer may see it now."""
        limits = self._limits.get(key)
        return key in self.snapshot.places and not (limits and limits.hides(access))

    def thresholds(self, lang: str) -> Thresholds:
        """The probabilities from which on the bot answers, or offers choices, in one language."""
        return self.calibration.thresholds(lang)

    # Searching

    def search(
        self,
        text: str,
        *,
        k: int = 5,
        lang: str | None = None,
        languages: Sequence[str] | None = None,
        access: Access | None = None,
        exclude: Collection[ArticleKey] = (),
    ) -> SearchResult:
        """The best articles for a question and how sure the index is of them.

        ``lang`` is the interface's language (a hint), ``languages`` those of the site (default: all of the
        index), ``exclude`` articles that must not come (rejected ones). At most ``k`` hits.
        """
        ranked = self.rank(text, lang=lang, languages=languages, access=access, exclude=exclude)
        probabilities = self._confidence.probabilities(
            ranked.candidates, ranked.order, ranked.scores, ranked.query, self._kb_view, ranked.language,
            self.calibration,
        )  # fmt: skip
        hits = tuple(self._hit(ranked, row) for row in ranked.order[:k].tolist())
        return SearchResult(
            query=text,
            language=ranked.language,
            hits=hits,
            probabilities=probabilities,
            cross_language=bool(hits) and hits[0].lang != ranked.language.lang,
            embedding=ranked.embedding,
            index_id=self.index_id,
        )

    def rank(
        self,
        text: str,
        *,
        lang: str | None = None,
        languages: Sequence[str] | None = None,
        access: Access | None = None,
        exclude: Collection[ArticleKey] = (),
        embedding: Matrix | None = None,
    ) -> Ranked:
        """Candidates with features and scores; ``search`` without the probabilities."""
        text = text[:MAX_QUESTION]  # normalising is quadratic in runs of combining marks
        site = tuple(languages or self.languages)
        if embedding is None:
            # First, because its weights push all else out of the processor's cache.
            embedding = self.encoder.encode_queries([text])[0]
        likely = language_probabilities(text, site, lang)
        best = max(site, key=lambda each: (likely[each], each == lang))
        query = self.query(text, self.cohort.centre_queries(embedding[None, :])[0], likely)
        access = access or anyone()
        candidates = find_candidates(
            self.snapshot, query, likely, self._hidden(access, exclude, languages), probe=self._placed_probe
        )
        return self._ranked(candidates, query, embedding, Detected(best, likely[best]), access)

    def rank_question(
        self, key: ArticleKey, number: int, *, left_out: Collection[int], exclude: Collection[ArticleKey] = ()
    ) -> Ranked:
        """An article's own question asked as if the questions ``left_out`` of the article were not known."""
        place = self.snapshot.places[key]
        segment = self._segment(place)
        first = int(segment.question_starts[place.row])
        vector = segment.questions.rows(slice(first + number, first + number + 1))[0]
        text = segment.article(place.row).questions[number]
        query = self.query(text, vector, {lang: float(lang == key.lang) for lang in self.languages})
        access = anyone()
        candidates = find_candidates(
            self.snapshot,
            query,
            {key.lang: 1.0},
            self._hidden(access, exclude, None),
            {place.segment: frozenset(first + n for n in left_out)},
            self._placed_probe,
        )
        return self._ranked(candidates, query, vector, Detected(key.lang, 1.0), access)

    def prior_logits(self, ranked: Ranked) -> tuple[float, float, float]:
        """The shipped model's logits of confidence, choices and presence, before the kb's own shift."""
        return self._confidence.logits(
            ranked.candidates, ranked.order, ranked.scores, ranked.query, self._kb_view
        )

    def _ranked(
        self,
        candidates: Candidates,
        query: Query,
        embedding: Matrix,
        language: Detected,
        access: Access,
    ) -> Ranked:
        keys = tuple(
            self.snapshot.parts[part].segment.keys[row]
            for part, row in zip(candidates.part.tolist(), candidates.row.tolist(), strict=True)
        )
        scores = self.ranker.score(candidates.features, language.lang)
        if access.audience:
            others = [
                bool((limits := self._limits.get(key)) and limits.is_for_others(access)) for key in keys
            ]
            scores = scores - np.float32(OTHER_AUDIENCE) * np.array(others, np.float32)
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        if (ranked[1:] == ranked[:-1]).any():
            # Equal scores keep the order of (language, id), whatever segments the articles lie in.
            alphabetical = sorted(range(len(keys)), key=keys.__getitem__)
            order = np.array(sorted(alphabetical, key=lambda row: -float(scores[row])), np.int64)
        return Ranked(
            candidates=candidates,
            order=order,
            scores=scores,
            keys=keys,
            language=language,
            embedding=embedding,
            query=query,
        )

    def query(self, text: str, vector: Matrix, languages: Mapping[str, float]) -> Query:
        """The question's vector and terms. Languages that it is surely not in are left out."""
        likely = [lang for lang, probability in languages.items() if probability > UNLIKELY]
        synonyms = {lang: expanded for lang in likely if (expanded := self.synonyms.expand(text, lang))}
        return Query(
            vector=vector,
            ngrams=query_ngrams(text),
            stems={lang: query_stems(text, lang) for lang in likely},
            extra_ngrams=query_ngrams(" ".join(synonyms.values())),
            extra_stems={lang: query_stems(expanded, lang) for lang, expanded in synonyms.items()},
        )

    def suggest(self, text: str, *, lang: str, k: int = 5, access: Access | None = None) -> tuple[Hit, ...]:
        """Articles in one language while the customer types; the last word may be unfinished."""
        if not text.strip():
            return ()
        ranked = (
            self.rank(text, lang=lang, languages=[lang], access=access) if lang in self.languages else None
        )
        return () if ranked is None else tuple(self._hit(ranked, row) for row in ranked.order[:k].tolist())

    def article_cosines(self, embedding: Matrix) -> tuple[tuple[ArticleKey, ...], NDArray[np.float32]]:
        """Every live article and its best passage's cosine (of centred vectors) with a question's embedding.

        What plain vector search would rank by: the baseline that evals compare with.
        """
        query = self.cohort.centre_queries(embedding[None, :])[0]
        best: dict[ArticleKey, float] = {}
        for part in self.snapshot.parts:
            cosines = part.segment.passages.rows(slice(None)) @ query
            highest = np.maximum.reduceat(cosines, part.segment.starts[:-1, 1])
            for row, key in enumerate(part.segment.keys):
                if part.dead_articles is None or not part.dead_articles[row]:
                    best[key] = float(highest[row])
        keys = tuple(sorted(best))
        return keys, np.array([best[key] for key in keys], np.float32)

    def without(self, keys: Collection[ArticleKey]) -> Index:
        """The index as if those articles did not exist: term statistics and cohort are those of the rest."""
        snapshot = self.snapshot.without(keys)
        # A probe that had seen them would know what the rest is not about.
        probe = Probe.train(snapshot, self.encoder.dim) if self.probe.keys else self.probe
        return self._with(snapshot=snapshot, probe=probe)

    def with_probe(self, probe: Probe) -> Index:
        """The index with another linear probe: one that has not seen what is asked."""
        return self._with(probe=probe)

    def with_absent_share(self, share: float) -> Index:
        """The index with its probabilities stated for another share of questions without an article."""
        return self._with(calibration=self.calibration.with_absent_share(share))

    def _with(
        self,
        *,
        snapshot: Snapshot | None = None,
        calibration: Calibration | None = None,
        probe: Probe | None = None,
    ) -> Index:
        return Index(
            build_id=self.build_id,
            manifest=self.manifest,
            snapshot=snapshot or self.snapshot,
            encoder=self.encoder,
            cohort=self.cohort,
            calibration=calibration or self.calibration,
            synonyms=self.synonyms,
            ranker=self.ranker,
            probe=probe or self.probe,
            companions=self.companions,
        )

    def _segment(self, place: Place) -> Segment:
        return self.snapshot.parts[place.segment].segment

    def _hit(self, ranked: Ranked, row: int) -> Hit:
        part, article = int(ranked.candidates.part[row]), int(ranked.candidates.row[row])
        segment = self.snapshot.parts[part].segment
        section = segment.sections[
            best_section(segment, article, ranked.candidates, part, ranked.query, self.ranker)
        ]
        key = segment.keys[article]
        return Hit(
            article_id=key.id,
            lang=key.lang,
            section_id=section.anchor,
            title=segment.titles[article],
            heading_path=section.heading_path,
            url=f"/help/{key.lang}/{segment.slugs[article]}#{section.anchor}",
            score=round(float(ranked.scores[row]), 6),
        )

    def _hidden(
        self, access: Access, exclude: Collection[ArticleKey], languages: Sequence[str] | None
    ) -> Mapping[int, NDArray[np.bool_]]:
        hidden = {key for key, limits in self._limits.items() if limits.hides(access)} | set(exclude)
        if languages is not None and not set(self.languages) <= set(languages):
            hidden |= {key for key in self.snapshot.places if key.lang not in languages}
        masks: dict[int, NDArray[np.bool_]] = {}
        for key in hidden:
            place = self.snapshot.places.get(key)
            if place is not None:
                if place.segment not in masks:
                    masks[place.segment] = np.zeros(len(self._segment(place).keys), bool)
                masks[place.segment][place.row] = True
        return masks


#: Characters of a question that are read.
MAX_QUESTION = 4000
#: Below this probability a language's stems are not looked up.
UNLIKELY = 0.02


def _limits(snapshot: Snapshot) -> dict[ArticleKey, Limits]:
    """The limits of all live articles that have any."""
    found = {}
    for key, place in snapshot.places.items():
        limits = snapshot.parts[place.segment].segment.limits[place.row]
        if limits is not None:
            found[key] = limits
    return found
