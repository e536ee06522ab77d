from collections.abc import Iterator

import pytest

from tests.unit.quantum.link_pair import cut_wires


@pytest.fixture(autouse=True)
def _no_wire_stays_open() -> Iterator[None]:
    yield
    cut_wires()
