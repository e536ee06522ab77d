"""Signer sets: which thresholds stand, and why two quorums always share a signer."""

from itertools import combinations

import pytest

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.domain.quorums import MINIMUM_THRESHOLD, Signer, SignerSet


def signers(count):
    return tuple(
        Signer(f"id-{n}", Algorithm.SLH_DSA_SHA2_128S, bytes([n]) * 32) for n in range(count)
    )


def stands(threshold, count):
    try:
        SignerSet(1, threshold, signers(count))
    except InputError:
        return False
    return True


def test_the_whole_table_up_to_seven_signers():
    for count in range(8):
        for threshold in range(-1, 9):
            expected = threshold >= MINIMUM_THRESHOLD and count / 2 < threshold <= count
            assert stands(threshold, count) == expected, (threshold, count)


@pytest.mark.parametrize(("threshold", "count"), [(2, 2), (2, 3), (3, 4), (3, 5)])
def test_two_quorums_share_a_signer(threshold, count):
    members = SignerSet(1, threshold, signers(count)).signers
    quorums = [set(quorum) for quorum in combinations(members, threshold)]
    assert all(one & other for one in quorums for other in quorums)


@pytest.mark.parametrize("threshold", [-1, 0, 1])
def test_one_signature_is_no_quorum(threshold):
    with pytest.raises(InputError, match=f"expected at least 2, got {threshold}"):
        SignerSet(1, threshold, signers(1))


@pytest.mark.parametrize(("threshold", "count"), [(2, 4), (2, 1), (3, 2), (2, 0)])
def test_half_and_more_than_all_are_refused(threshold, count):
    message = f"expected more than half of {count} signers and no more than all, got {threshold}"
    with pytest.raises(InputError, match=message):
        SignerSet(1, threshold, signers(count))


def test_a_key_that_stands_twice_is_refused_under_another_id_too():
    first, second = signers(2)
    again = Signer("another id", first.algorithm, first.public_key)
    with pytest.raises(InputError, match="expected each key once, got one twice"):
        SignerSet(1, 2, (first, second, again))


def test_the_same_bytes_under_another_algorithm_are_another_key():
    first, second = signers(2)
    other = Signer("third", Algorithm.ML_DSA_87, first.public_key)
    assert len(SignerSet(1, 2, (first, second, other)).signers) == 3
