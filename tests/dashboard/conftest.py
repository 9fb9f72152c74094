"""One server for all tests that knock on its doors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served
