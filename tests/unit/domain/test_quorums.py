"""Signer sets: which thresholds stand, and why two quorums always share a signer."""

from itertools import combinations

import pytest

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.domain.quorums import (
    MINIMUM_SIGNERS,
    Signer,
    SignerKey,
    SignerSet,
    bits_of,
    indices_of,
    packed_signatures,
)

ML_DSA, SLH_DSA = Algorithm.ML_DSA_87, Algorithm.SLH_DSA_SHA2_128S


def key(number, algorithm=SLH_DSA):
    return SignerKey(f"id-{number}", algorithm, bytes([number]) * 32)


def signers(*weights):
    return tuple(Signer((key(number),), weight) for number, weight in enumerate(weights))


def stands(threshold, count):
    try:
        SignerSet(1, threshold, signers(*[1] * count))
    except InputError:
        return False
    return True


def test_the_whole_table_up_to_seven_signers():
    for count in range(8):
        for threshold in range(-1, 9):
            expected = count >= MINIMUM_SIGNERS and count / 2 < threshold <= count
            assert stands(threshold, count) == expected, (threshold, count)


@pytest.mark.parametrize(
    ("weights", "threshold"), [((1, 1, 1), 2), ((1,) * 5, 3), ((3, 2, 2, 1), 5), ((9, 8, 1, 1), 10)]
)
def test_two_quorums_share_a_signer_and_none_is_one_signer(weights, threshold):
    members = SignerSet(1, threshold, signers(*weights))
    everybody = range(len(weights))
    subsets = [set(s) for size in everybody for s in combinations(everybody, size + 1)]
    quorums = [subset for subset in subsets if members.is_quorum(subset)]
    assert quorums
    assert all(one & other for one in quorums for other in quorums)
    assert min(map(len, quorums)) >= 2
    assert not members.is_quorum({len(weights), len(weights) + 1})


@pytest.mark.parametrize("weights", [(), (1,), (1, 1)])
def test_fewer_than_three_signers_are_refused(weights):
    with pytest.raises(InputError, match=f"expected 3 to 256, got {len(weights)}"):
        SignerSet(1, 2, signers(*weights))


@pytest.mark.parametrize("threshold", [-1, 0, 1])
def test_a_signer_who_is_a_quorum_alone_is_refused(threshold):
    with pytest.raises(InputError, match=f"below the threshold {threshold}, got 1"):
        SignerSet(1, threshold, signers(1, 1, 1))


@pytest.mark.parametrize(("weights", "threshold"), [((1,) * 4, 2), ((1,) * 3, 4), ((2, 2, 2), 3)])
def test_half_and_more_than_all_are_refused(weights, threshold):
    message = f"more than half of the weight {sum(weights)} and no more than all, got {threshold}"
    with pytest.raises(InputError, match=message):
        SignerSet(1, threshold, signers(*weights))


@pytest.mark.parametrize("weight", [-1, 0, 0x10000])
def test_a_weight_has_sixteen_bits_and_is_not_zero(weight):
    with pytest.raises(InputError, match=f"expected 1 to 65535, got {weight}"):
        Signer((key(1),), weight)


def test_a_signer_has_one_key_or_one_of_each_family():
    assert Signer((key(1), key(1, ML_DSA))).name == "id-1+id-1"
    with pytest.raises(InputError, match="expected one of each family, got two of hash"):
        Signer((key(1), key(2)))
    for keys in ((), (key(1), key(2, ML_DSA), key(3))):
        with pytest.raises(InputError, match=f"expected 1 or 2, got {len(keys)}"):
            Signer(keys)


def test_a_set_may_demand_both_families():
    members = (Signer((key(1, ML_DSA),)), Signer((key(2, ML_DSA),)), Signer((key(3),)))
    both = SignerSet(1, 2, members, lattice_threshold=1, hash_threshold=1)
    assert [both.is_quorum(q) for q in ({0, 1}, {0, 2}, {1, 2}, {0, 1, 2})] == [
        *(False, True, True, True)
    ]
    for name, most in (("lattice", 2), ("hash", 1)):
        for threshold in (-1, most + 1):
            message = f"{name} threshold: expected 0 to {most}, got {threshold}"
            with pytest.raises(InputError, match=message):
                SignerSet(1, 2, members, **{f"{name}_threshold": threshold})


def test_a_key_that_stands_twice_is_refused_under_another_id_too():
    first, second, third = signers(1, 1, 1)
    again = Signer((SignerKey("another id", SLH_DSA, first.keys[0].public_key),))
    with pytest.raises(InputError, match="expected each key once, got one twice"):
        SignerSet(1, 3, (first, second, third, again))


def test_the_same_bytes_under_another_algorithm_are_another_key():
    first, second = signers(1, 1)
    other = Signer((SignerKey("third", ML_DSA, first.keys[0].public_key),))
    assert len(SignerSet(1, 2, (first, second, other)).signers) == 3


def test_bits_and_indices_are_each_others_inverse():
    for chosen in (set(), {0}, {1, 255}, set(range(256))):
        assert indices_of(bits_of(chosen)) == chosen


def test_two_signatures_are_packed_with_the_length_of_the_first():
    assert packed_signatures([b"one"]) == b"one"
    assert packed_signatures([b"one", b"second"]) == b"\0\0\0\3onesecond"
