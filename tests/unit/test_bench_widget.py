"""What the benchmark makes of the chat's loading; the loading itself is measured by `make bench`."""

from __future__ import annotations

import pytest

from evals.bench import widget
from evals.bench.widget import Load


def test_the_middle_pair_counts_and_the_page_s_own_time_does_not() -> None:
    bare = Load(blocked=5.0, busy=100.0, script=0.0)
    chats = [Load(blocked=5.0 + more, busy=160.0, script=40.0) for more in (10.0, 30.0, 400.0)]
    (row,) = widget.rows([(chat, bare) for chat in chats])
    assert (row.value, row.budget, row.kept) == (30.0, 50.0, True)
    assert row.detail.startswith("main thread 60 ms busier, 40 ms with scripts; the page alone 100 ms")


def test_without_a_browser_it_says_so_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(widget, "chromium", lambda: "")
    monkeypatch.delenv("HELPPARI_REQUIRE_SERVICES", raising=False)
    assert widget.loading() == []
    assert "SKIPPED" in capsys.readouterr().err
    monkeypatch.setenv("HELPPARI_REQUIRE_SERVICES", "1")
    with pytest.raises(RuntimeError, match="no Chromium"):
        widget.loading()
