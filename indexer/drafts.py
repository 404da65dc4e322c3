"""One build on its way to disk: segments, checks, calibration, manifest, and its name at last."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from indexer.articles import Article, ArticleKey
from indexer.artifact import (
    BUILDS,
    MANIFEST,
    Manifest,
    SegmentEntry,
    build_folder,
    drop_old_builds,
    link_tree,
    publish,
    sha256,
    verify,
)
from indexer.calibration import Calibration
from indexer.cohort import Cohort
from indexer.companions import FILE as COMPANIONS
from indexer.companions import NO_COMPANIONS, Companions
from indexer.console import Progress
from indexer.encoders import Encoder
from indexer.heldout import calibrate, prior_calibration
from indexer.index import Index
from indexer.probe import FILE as PROBE
from indexer.probe import Probe
from indexer.problems import Problem
from indexer.segments import ArticleVectors, write_segment
from indexer.settings import AnsweringSettings
from indexer.units import ArticleUnits, cut
from indexer.vectors import Matrix

BASE, DELTA = "base", "delta"
#: When the delta and the dead rows together pass this share of the base, all is written anew.
MERGE_SHARE = 0.25
#: Texts whose embeddings the manifest keeps, to notice another encoder when the index is opened.
CHECKS = (
    "Miten palautan tuotteen?",
    "Hur ändrar jag min adress?",
    "Where can I see my invoice?",
    "en pääse kirjautumaan sovellukseen",
    "kortet fungerar inte i butiken",
    "the payment was declined twice",
    "aukioloajat",
    "1234",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a build is to hold."""

    articles: Mapping[ArticleKey, Article]  #: published ones
    synonyms: Mapping[str, Sequence[Sequence[str]]]
    problems: tuple[Problem, ...]
    #: articles that may differ from those of the served build; the others keep their hashes
    suspects: frozenset[ArticleKey] | None = None
    examples: str = ""  #: hash of the confirmed questions among the articles'
    companions: Companions = NO_COMPANIONS  #: forms and canned replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A published build, open, and what was new in it."""

    index: Index
    changed: int
    removed: int
    recalibrated: bool


class Draft:
    """Writes one build. ``before`` is the served one, or None when nothing is to be taken from it."""

    def __init__(
        self,
        *,
        root: Path,
        encoder: Encoder,
        answering: AnsweringSettings,
        before: Index | None,
        content: Content,
        progress: Progress,
    ) -> None:
        self.root = root
        self.encoder = encoder
        self.answering = answering
        self.before = before
        self.articles = content.articles
        self.synonyms = content.synonyms
        self.problems = content.problems
        self.examples = content.examples
        self.companions = content.companions
        self.progress = progress
        known = _served_hashes(before) if content.suspects is not None else {}
        suspects = content.suspects or frozenset()
        self.hashes = {
            key: known[key] if key in known and key not in suspects else article.content_hash()
            for key, article in content.articles.items()
        }

    def write(self, *, recalibrate: bool) -> Written:
        """Write, verify and publish; the folder of a build that fails is removed."""
        before = self.before
        known = _served_hashes(before)
        changed = {key for key, digest in self.hashes.items() if known.get(key) != digest}
        folder = self.root / BUILDS / f".new-{os.getpid()}"
        folder.mkdir(parents=True)
        try:
            cohort = before.cohort if before is not None else Cohort.encode(self.encoder)
            entries = self._segments(folder, cohort)
            files = [f"{entry.folder}/{name}" for entry in entries for name in _names(folder / entry.folder)]
            files.append(cohort.save(folder))
            kept = before.probe if before is not None else Probe.none(self.encoder.dim)
            files.append(kept.save(folder))
            (folder / "synonyms.json").write_text(_json(self.synonyms), encoding="utf-8")
            files.append("synonyms.json")
            (folder / COMPANIONS).write_text(self.companions.to_text(), encoding="utf-8")
            files.append(COMPANIONS)
            rows = sorted([*key, digest] for key, digest in self.hashes.items())
            index, again = self._finish(
                folder, entries, files, _digest(_json(rows), _json(self.synonyms)), recalibrate
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        drop_old_builds(self.root)
        return Written(
            index=index,
            changed=len(changed),
            removed=len(known.keys() - self.hashes.keys()),
            recalibrated=again,
        )

    def _segments(self, folder: Path, cohort: Cohort) -> tuple[SegmentEntry, ...]:
        before = self.before
        if before is not None:
            base = before.snapshot.parts[0].segment
            dead = tuple(
                row
                for row, (key, digest) in enumerate(zip(base.keys, base.hashes, strict=True))
                if self.hashes.get(key) != digest
            )
            in_base = set(base.keys) - {base.keys[row] for row in dead}
            delta = sorted(self.hashes.keys() - in_base)
            if len(dead) + len(delta) <= MERGE_SHARE * len(base.keys):
                source = build_folder(self.root, before.build_id) / before.manifest.segments[0].folder
                link_tree(source, folder / BASE)
                entries = [SegmentEntry(folder=BASE, dead=dead)]
                if delta:
                    self._write(folder / DELTA, delta, cohort)
                    entries.append(SegmentEntry(folder=DELTA, dead=()))
                return tuple(entries)
        self._write(folder / BASE, sorted(self.hashes), cohort)
        return (SegmentEntry(folder=BASE, dead=()),)

    def _write(self, folder: Path, keys: Sequence[ArticleKey], cohort: Cohort) -> None:
        units = []
        for number, key in enumerate(keys, start=1):
            units.append(cut(self.articles[key]))
            if number % 100 == 0 or number == len(keys):
                self.progress("cutting articles", number, len(keys))
        vectors = self._vectors(units, cohort)
        folder.mkdir()
        write_segment(folder, units, vectors, self.encoder.dim)

    def _vectors(self, units: Sequence[ArticleUnits], cohort: Cohort) -> list[ArticleVectors]:
        """Vectors of every article: from the served build where it is unchanged, else encoded now."""
        kept = [self._kept(unit.article.key) for unit in units]
        new = [unit for unit, vectors in zip(units, kept, strict=True) if vectors is None]
        passages, asked = self._encode_texts(new)
        encoded = iter(_assemble(new, passages, asked, cohort, self.encoder.dim))
        return [next(encoded) if vectors is None else vectors for vectors in kept]

    def _kept(self, key: ArticleKey) -> ArticleVectors | None:
        if self.before is None:
            return None
        place = self.before.snapshot.places.get(key)
        if place is None:
            return None
        segment = self.before.snapshot.parts[place.segment].segment
        return segment.vectors(place.row) if segment.hashes[place.row] == self.hashes[key] else None

    def _encode_texts(
        self, units: Sequence[ArticleUnits]
    ) -> tuple[Mapping[str, Matrix], Mapping[str, Matrix]]:
        """Every distinct text once: passages and snippets as passages, titles and questions as questions."""
        passages = list(dict.fromkeys(t for u in units for t in (*u.passages, *u.snippets)))
        asked = list(dict.fromkeys(t for u in units for t in (*u.questions, *([u.title] if u.title else []))))
        texts = self.encoder.encode_passages(passages, self._encoding("encoding passages"))
        questions = self.encoder.encode_queries(asked, self._encoding("encoding questions"))
        return (
            dict(zip(passages, texts, strict=True)),
            dict(zip(asked, questions, strict=True)),
        )

    def _encoding(self, step: str) -> Progress:
        return lambda _, done, total: self.progress(step, done, total)

    def _finish(
        self,
        folder: Path,
        entries: tuple[SegmentEntry, ...],
        files: Sequence[str],
        content: str,
        recalibrate: bool,
    ) -> tuple[Index, bool]:
        """Calibrate, write the manifest, verify, rename, publish."""
        root, before = self.root, self.before
        answering = self.answering
        known = before.manifest.files if before is not None else {}
        digests = {name: _digest_of(folder, name, known) for name in sorted(files)}
        # Forms and replies are content, but nothing that a calibration depends on.
        whole = _digest(content, self.companions.to_text()) if self.companions else content
        draft = self._manifest(whole, "", entries, digests)
        again = recalibrate and (
            before is None or before.manifest.calibrated_on != self._calibration_key(content)
        )
        calibration = prior_calibration(answering) if before is None or again else before.calibration
        calibrated_on = before.manifest.calibrated_on if before is not None else ""
        self._write_calibration(folder, calibration)
        self._write_manifest(folder, draft, calibration, digests, calibrated_on)
        if again or before is None:
            index = Index.load(root, encoder=self.encoder, previous=before, build_id=folder.name)
            self.progress("learning from examples", 0, 1)
            probe = Probe.train(index.snapshot, self.encoder.dim)
            probe.save(folder)
            digests[PROBE] = sha256(folder / PROBE)
            self.progress("learning from examples", 1, 1)
            if again:
                calibration = calibrate(index.with_probe(probe), answering, self.progress)
                calibrated_on = self._calibration_key(content)
            self._write_calibration(folder, calibration)
            self._write_manifest(folder, draft, calibration, digests, calibrated_on)
        manifest = Manifest.from_text((folder / MANIFEST).read_text(encoding="utf-8"), folder / MANIFEST)
        build_id = _digest(manifest.to_text())[:16]
        target = build_folder(root, build_id)
        if target.exists():
            shutil.rmtree(folder)
            verify(target, manifest)
        else:
            _sync(folder)
            folder.replace(target)
        index = Index.load(root, encoder=self.encoder, previous=before, build_id=build_id)
        publish(root, build_id)
        return index, again

    def _calibration_key(self, content: str) -> str:
        """Calibration depends on the content, the goals, and the shipped model that it shifts."""
        return _digest(content, self.answering.model_dump_json(), *shipped_parameters())[:16]

    def _write_calibration(self, folder: Path, calibration: Calibration) -> None:
        (folder / "calibration.json").write_text(_json(calibration.to_json()), encoding="utf-8")

    def _write_manifest(
        self,
        folder: Path,
        draft: Manifest,
        calibration: Calibration,
        digests: dict[str, str],
        calibrated_on: str,
    ) -> None:
        index_id = _digest(
            draft.content_hash, draft.encoder_fingerprint, _json(calibration.to_json()), digests[PROBE]
        )[:16]
        digests["calibration.json"] = sha256(folder / "calibration.json")
        manifest = replace(draft, index_id=index_id, calibrated_on=calibrated_on, files=dict(digests))
        (folder / MANIFEST).write_text(manifest.to_text(), encoding="utf-8")

    def _manifest(
        self, content: str, index_id: str, entries: tuple[SegmentEntry, ...], digests: Mapping[str, str]
    ) -> Manifest:
        before = self.before
        if before is not None:
            vectors = before.manifest.check_vectors
        else:
            checks = self.encoder.encode_queries(CHECKS)
            vectors = tuple(tuple(round(float(x), 6) for x in row) for row in checks)
        return Manifest(
            index_id=index_id,
            content_hash=content,
            encoder=self.encoder.name,
            encoder_fingerprint=self.encoder.fingerprint,
            dim=self.encoder.dim,
            query_prefix=self.encoder.query_prefix,
            passage_prefix=self.encoder.passage_prefix,
            articles=len(self.hashes),
            sections=self._section_count,
            languages=tuple(sorted({key.lang for key in self.hashes})),
            calibrated_on="",
            checks=CHECKS,
            check_vectors=vectors,
            problems=tuple(problem.to_json() for problem in self.problems),
            segments=entries,
            files=digests,
            examples=self.examples,
        )

    @property
    def _section_count(self) -> int:
        """Sections of all live articles: from the served build where unchanged, else cut now."""
        before = self.before
        count = 0
        for key, digest in self.hashes.items():
            place = before.snapshot.places.get(key) if before is not None else None
            if before is not None and place is not None:
                segment = before.snapshot.parts[place.segment].segment
                if segment.hashes[place.row] == digest:
                    count += int(segment.starts[place.row + 1, 0] - segment.starts[place.row, 0])
                    continue
            count += len(cut(self.articles[key]).sections)
        return count


@lru_cache(maxsize=1)
def shipped_parameters() -> tuple[str, ...]:
    """The parameters that come with this version: another version calibrates anew."""
    folder = resources.files("indexer").joinpath("data")
    names = ("ranking.json", "confidence.json", "prior.json", "cohort.json")
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def _served_hashes(index: Index | None) -> dict[ArticleKey, str]:
    if index is None:
        return {}
    parts = index.snapshot.parts
    return {
        key: parts[place.segment].segment.hashes[place.row] for key, place in index.snapshot.places.items()
    }


def _assemble(
    units: Sequence[ArticleUnits],
    passages: Mapping[str, Matrix],
    asked: Mapping[str, Matrix],
    cohort: Cohort,
    dim: int,
) -> list[ArticleVectors]:
    none = np.zeros((0, dim), np.float32)
    return [
        ArticleVectors(
            passages=cohort.centre_passages(np.stack([passages[t] for t in unit.passages])),
            snippets=cohort.centre_passages(np.stack([passages[t] for t in unit.snippets])),
            title=(
                cohort.centre_queries(asked[unit.title][None, :])
                if unit.title
                else np.zeros((1, dim), np.float32)
            ),
            questions=(
                cohort.centre_queries(np.stack([asked[q] for q in unit.questions]))
                if unit.questions
                else none
            ),
        )
        for unit in units
    ]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _digest_of(folder: Path, name: str, known: Mapping[str, str]) -> str:
    """The file's checksum; a base segment taken over by links is not read again."""
    if name.startswith(f"{BASE}/") and name in known and (folder / name).stat().st_nlink > 1:
        return known[name]
    return sha256(folder / name)


def _sync(folder: Path) -> None:
    """Flush a finished build to disk before it gets its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
