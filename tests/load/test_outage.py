"""Outside systems are away for ten scaled minutes: one run of ``python -m evals.faults outage``."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.faults.outage import run

pytestmark = pytest.mark.load


def test_everything_arrives_after_an_outage_and_customers_hear_the_truth(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.kept, result.table()
