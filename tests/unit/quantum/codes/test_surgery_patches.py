"""Patches: the code's own conditions, counted out."""

import itertools

import pytest

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.patches import Block, checked_distance, merged, patch

BLOCKS = [
    patch(0, 0, 3),
    patch(2, 1, 3),
    patch(1, 1, 5),
    Block(0, 0, 3, 7),
    Block(0, 4, 11, 5),
    Block(1, 0, 5, 5),
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_a_code_of_one_qubit(block: Block) -> None:
    checks, data = block.checks(), set(block.data())
    assert len(data) == block.width * block.height
    assert len(checks) == len(data) - 1
    assert all(len(check.support) in (2, 4) and check.support <= data for check in checks)
    for one, other in itertools.combinations(checks, 2):
        assert one.basis is other.basis or len(one.support & other.support) % 2 == 0
    logical = {basis: set(block.logical(basis)) for basis in Basis}
    assert len(logical[Basis.X] & logical[Basis.Z]) == 1
    for check in checks:
        assert len(check.support & logical[check.basis.other]) % 2 == 0
    # Independent: no product of checks of one basis is the identity.
    for basis in Basis:
        rows = [check.support for check in checks if check.basis is basis]
        assert len(_independent(rows)) == len(rows)
        assert len(_independent([*rows, frozenset(logical[basis])])) == len(rows) + 1


def _independent(rows: list[frozenset[tuple[int, int]]]) -> list[frozenset[tuple[int, int]]]:
    kept: dict[tuple[int, int], frozenset[tuple[int, int]]] = {}
    for row in rows:
        while row and max(row) in kept:
            row ^= kept[max(row)]
        if row:
            kept[max(row)] = row
    return list(kept.values())


@pytest.mark.parametrize("block", BLOCKS)
def test_checks_between_two_lines_multiply_to_both(block: Block) -> None:
    lines = {
        Basis.Z: (block.top, block.bottom, block.row),
        Basis.X: (block.left, block.right, block.column),
    }
    for basis, (start, stop, line) in lines.items():
        for first, last in itertools.combinations(range(start, stop), 2):
            product: frozenset[tuple[int, int]] = frozenset()
            for check in block.between(basis, first, last):
                assert check.basis is basis
                product ^= check.support
            assert product == set(line(first)) ^ set(line(last))


def test_errors_of_a_check_s_own_qubit_spread_across_the_logical_operator() -> None:
    for check in patch(0, 0, 5).checks():
        last = [place for place in check.steps[2:] if place is not None]
        if len(last) == 2:
            axis = 0 if check.basis is Basis.Z else 1
            assert last[0][axis] == last[1][axis]


def test_no_qubit_is_in_two_gates_at_a_time() -> None:
    for step in range(4):
        used = [check.steps[step] for check in Block(0, 0, 7, 5).checks()]
        used = [place for place in used if place is not None]
        assert len(used) == len(set(used))


def test_neighbours_merge_and_others_do_not() -> None:
    basis, block, seam = merged(patch(0, 0, 3), patch(0, 1, 3))
    assert (basis, block, len(seam)) == (Basis.Z, Block(0, 0, 3, 7), 3)
    basis, block, seam = merged(patch(0, 0, 3), patch(1, 0, 3))
    assert (basis, block, len(seam)) == (Basis.X, Block(0, 0, 7, 3), 3)
    for other in (
        patch(1, 1, 3),
        patch(0, 2, 3),
        patch(0, 0, 3),
        Block(0, 3, 3, 3),
        patch(0, 1, 5),
    ):
        with pytest.raises(InputError, match="one row or column of qubits apart"):
            merged(patch(0, 0, 3), other)


@pytest.mark.parametrize("distance", [0, 1, 2, 4, -3, 3.0, True, "3"])
def test_a_distance_is_odd_and_at_least_3(distance: object) -> None:
    with pytest.raises(InputError, match="distance: expected an odd number of at least 3, got"):
        checked_distance(distance)  # type: ignore[arg-type]
    assert checked_distance(7) == 7


def test_what_is_no_basis_no_line_and_no_side() -> None:
    assert Basis.named("X") is Basis.X
    with pytest.raises(InputError, match="basis: expected X or Z, got 'Y'"):
        Basis.named("Y")
    with pytest.raises(InputError, match="row: expected 0 to 2, got 3"):
        patch(0, 0, 3).row(3)
    with pytest.raises(InputError, match="column: expected 0 to 2, got -1"):
        patch(0, 0, 3).column(-1)
    with pytest.raises(InputError, match="height: expected an odd number of at least 3, got 4"):
        Block(0, 0, 3, 4)
