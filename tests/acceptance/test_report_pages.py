"""The pages of evals in a real browser: nothing spills over a phone's edge, nothing is fetched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from evals.compare import compare
from evals.compare_report import render_comparison
from evals.figures import Resampling
from evals.predictions import Outcome
from evals.report import render_report
from tests.acceptance.widget_site import DESK, PHONE
from tests.unit.test_eval_runner import evaluated

pytestmark = pytest.mark.browser

CURVE_FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40, "unscored": 0}


def pages() -> dict[str, str]:
    metrics, predictions = evaluated(absent=True)
    systems = {
        name: dict.fromkeys(("recall@1", "coverage@0.95", "auroc", "ece"), CURVE_FIGURE)
        for name in ("Helppari", "linear probe", "text only")
    }
    metrics["learning_curve"] = {
        "asked": 40,
        "articles_asked": 10,
        "articles": 12,
        "words": {},
        "rows": [
            {
                "k": k,
                "examples": 10 * k,
                "systems": systems,
                "ahead": {"text only": {"recall@1": 0.1, "low": -0.05, "high": 0.2}},
                "ece_if_perfect": {"high": 0.06, "within": False},
            }
            for k in (0, 3, 8)
        ],
    }
    after = [
        replace(p, hits=p.hits[1:] + p.hits[:1], outcome=Outcome.ANSWERED) if n % 3 == 0 else p
        for n, p in enumerate(predictions)
    ]
    found = compare(predictions, after, Resampling(seed=1, resamples=100))
    return {
        "report": render_report(metrics, predictions, site="https://help.example"),
        "compare": render_comparison(found, metrics, metrics, site="https://help.example"),
    }


def _note(urls: list[str], request: Request) -> None:
    urls.append(request.url)


@pytest.mark.parametrize("name", ["report", "compare"])
def test_a_page_fits_phone_and_desk_and_fetches_nothing(
    browser: Browser,
    tmp_path: Path,
    name: str,
) -> None:
    path = tmp_path / f"{name}.html"
    path.write_text(pages()[name], encoding="utf-8")
    for size in (PHONE, DESK):
        page = browser.new_page(viewport=size)
        fetched: list[str] = []
        page.on("request", partial(_note, fetched))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, size
        assert fetched == [path.as_uri()]
        page.close()
