import pytest

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm, Provenance
from bridge.keyservice.derivation import derive_seed, link_bits, mix, seed_bytes
from bridge.keyservice.pool import LinkKey

LINK, SYSTEM = bytes(range(48)), bytes(range(100, 148))
ML_DSA, SLH_DSA = Algorithm.ML_DSA_87, Algorithm.SLH_DSA_SHA2_128S


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_seed_has_the_length_its_standard_asks_and_takes_256_link_bits_at_least(
    algorithm: Algorithm,
) -> None:
    assert len(mix(algorithm, "id", LINK, SYSTEM)) == seed_bytes(algorithm)
    assert link_bits(algorithm) >= 256
    assert link_bits(algorithm) >= 8 * seed_bytes(algorithm)


def test_every_input_changes_the_seed() -> None:
    seeds = {
        mix(ML_DSA, "one", LINK, SYSTEM),
        mix(ML_DSA, "two", LINK, SYSTEM),
        mix(SLH_DSA, "one", LINK, SYSTEM)[:32],
        mix(ML_DSA, "one", LINK[:-1] + b"\0", SYSTEM),
        mix(ML_DSA, "one", LINK, SYSTEM[:-1] + b"\0"),
        mix(ML_DSA, "one", SYSTEM, LINK),
        mix(ML_DSA, "one", LINK + SYSTEM[:1], SYSTEM[1:]),
    }
    assert len(seeds) == 7
    assert mix(ML_DSA, "one", LINK, SYSTEM) in seeds


def test_the_same_link_key_never_gives_the_same_seed_twice(provenance: Provenance) -> None:
    link_key = LinkKey(LINK, provenance)
    assert derive_seed(ML_DSA, "id", link_key) != derive_seed(ML_DSA, "id", link_key)


def test_too_few_link_bits_are_refused(provenance: Provenance) -> None:
    with pytest.raises(InputError, match="expected 32 bytes from the link, got 31"):
        derive_seed(ML_DSA, "id", LinkKey(LINK[:31], provenance))
    with pytest.raises(InputError, match="expected 48 bytes from the link, got 32"):
        derive_seed(SLH_DSA, "id", LinkKey(LINK[:32], provenance))


def test_seeds_are_as_long_as_their_standards_say() -> None:
    lengths = {one.value: seed_bytes(one) for one in Algorithm}
    assert lengths == {"ML-DSA-87": 32, "SLH-DSA-SHA2-128s": 48, "ML-KEM-1024": 64}
