"""Saving a file rebuilds; a broken one does not stop the watching."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import Empty, Queue

from indexer import ArticleKey, Builder, BuildReport, Index, IndexerError
from indexer.testing import HashEncoder
from indexer.watch import rebuilds

FORM = """\
id: lost
title: {en: Lost}
fields:
  - {name: when, kind: date, label: {en: Day}, question: {en: "When?"}}
"""


def save(kb: Path, name: str, text: str) -> None:
    path = kb / "en" / "card" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\nid: {name}\ntitle: About {name}\n---\n\n{text}\n", encoding="utf-8")


def test_every_save_is_built(tmp_path: Path) -> None:
    kb, root = tmp_path / "kb", tmp_path / "index"
    save(kb, "pin", "The PIN has four digits.")
    save(kb, "lock", "Lock it in the app.")
    reports: Queue[BuildReport | IndexerError] = Queue()
    stop = threading.Event()
    builder = Builder(kb=kb, root=root, encoder=HashEncoder())

    def watch() -> None:
        for report in rebuilds(builder, stop=stop, report_error=reports.put):
            reports.put(report)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        first = reports.get(timeout=30)
        assert isinstance(first, BuildReport)
        assert first.articles == 2
        # The watcher may still be setting itself up: saving again until it sees one costs nothing.
        seen = None
        for attempt in range(40):
            save(kb, "pin", f"The PIN has six digits now, take {attempt}.")
            try:
                seen = reports.get(timeout=0.5)
                break
            except Empty:
                continue
        assert isinstance(seen, BuildReport)
        assert seen.changed == 1
        article = Index.load(root, encoder=HashEncoder()).article(ArticleKey("en", "pin"))
        assert article is not None
        assert "six digits" in article.body
        form = kb / "forms" / "lost.yaml"
        form.parent.mkdir()
        form.write_text(FORM, encoding="utf-8")
        while Index.load(root, encoder=HashEncoder()).form("lost") is None:
            assert isinstance(reports.get(timeout=30), BuildReport)
        (kb / "en" / "card" / "lock.md").unlink()
        gone = reports.get(timeout=30)
        while isinstance(gone, BuildReport) and gone.removed == 0:
            gone = reports.get(timeout=30)
        assert isinstance(gone, BuildReport)
        assert Index.load(root, encoder=HashEncoder()).keys() == (ArticleKey("en", "pin"),)
        (kb / "en" / "card" / "pin.md").unlink()
        empty = reports.get(timeout=30)
        while isinstance(empty, BuildReport):
            empty = reports.get(timeout=30)
        assert "no articles" in str(empty)
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()
