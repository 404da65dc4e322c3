"""Serving processes are killed while customers talk: a short run of ``python -m evals.faults kills``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evals.faults.kills import run
from evals.faults.world import FaultsError, build_index

pytestmark = pytest.mark.load


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_index(tmp_path_factory.mktemp("faults"))


def test_one_process_that_is_killed_again_and_again_loses_and_doubles_nothing(
    index: Path, tmp_path: Path
) -> None:
    result = run(tmp_path, times=10, index=index)
    assert result.kept, result.table()


def test_two_processes_of_which_one_is_killed_lose_and_double_nothing(index: Path, tmp_path: Path) -> None:
    try:
        result = run(tmp_path, times=5, database="postgresql", index=index)
    except FaultsError as error:
        if "no PostgreSQL" not in str(error) or os.environ.get("HELPPARI_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(str(error))
    assert result.kept, result.table()
