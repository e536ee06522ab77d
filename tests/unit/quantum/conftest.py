from collections.abc import Iterator

import pytest

from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light
from tests.unit.quantum.link_pair import cut_wires, link_ends, run_blocks


@pytest.fixture(autouse=True)
def _no_wire_stays_open() -> Iterator[None]:
    yield
    cut_wires()


@pytest.fixture(scope="session")
def compiled() -> None:
    """All kernels, by a block whose ends wait for each other's compiler as long as it takes."""
    sent, received = run_blocks(link_ends(Light(0.5, 0.01, 1e-6), timeout_s=600.0))
    assert isinstance(sent[0], KeyBlock)
    assert isinstance(received[0], KeyBlock)
    cut_wires()
