from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.help_center import Running, running


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("web")) as found:
        yield found
