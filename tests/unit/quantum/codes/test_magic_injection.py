"""Injection: proxies without noise, the leading order by hand, what post-selection is worth."""

import pytest
import stim

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_injection import (
    Injected,
    Injection,
    InjectionCount,
    Site,
    inject,
    injection_circuit,
    unseen_errors,
    watched_detectors,
)
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.patches import Block
from tests.unit.quantum.codes.physics import long_run

WAYS = [
    Injection(3, 3),
    Injection(5, 5, 2, Site.MIDDLE),
    Injection(5, 3, 3),
    Injection(7, 3, 1, Site.MIDDLE),
    Injection(3, 3, 0),
]


@pytest.mark.parametrize("injection", WAYS, ids=str)
@pytest.mark.parametrize("proxy", ["X", "Y"])
def test_without_noise_the_state_arrives_and_nothing_is_seen(
    injection: Injection, proxy: str
) -> None:
    circuit = injection_circuit(injection, proxy)
    events, flips = circuit.compile_detector_sampler(seed=1).sample(100, separate_observables=True)
    assert not events.any()
    assert not flips.any()
    circuit.detector_error_model(allow_gauge_detectors=False)


@pytest.mark.parametrize("injection", WAYS, ids=str)
@pytest.mark.parametrize("letter", ["X", "Y", "Z"])
def test_an_error_of_the_injected_qubit_is_one_of_the_state_and_is_not_seen(
    injection: Injection, letter: str
) -> None:
    for proxy in ("X", "Y"):
        circuit = injection_circuit(injection, proxy)
        # The injected qubit is the first; its error comes right after its last gate.
        marred, gates = stim.Circuit(), 0
        for operation in circuit.flattened():
            marred.append(operation)
            on_first = [t.value for t in operation.targets_copy()] == [0]
            if on_first and operation.name in ("R", "H", "X", "S"):
                gates += 1
                if gates == 3:
                    marred.append(letter, [0])
        assert gates == 3
        assert (_observable(marred) != _observable(circuit)) is (letter != proxy)


def _observable(circuit: stim.Circuit) -> bool:
    """The value of the observable, not compared with the circuit's own reference."""
    converter = circuit.compile_m2d_converter(skip_reference_sample=True)
    record = circuit.reference_sample().reshape(1, -1)
    events, flips = converter.convert(measurements=record, separate_observables=True)
    assert not events.any()
    return bool(flips[0, 0])


def test_the_proxies_logical_operators_are_those_of_the_whole_patch() -> None:
    for proxy in ("X", "Y"):
        circuit = injection_circuit(Injection(5, 3), proxy)
        product = [one for one in circuit.flattened() if one.name == "MPP"][-1]
        letters = [
            target.pauli_type for target in product.targets_copy() if target.pauli_type != "I"
        ]
        assert letters.count("X") == (5 if proxy == "X" else 4)
        assert letters.count("Z") == (0 if proxy == "X" else 4)
        assert letters.count("Y") == (0 if proxy == "X" else 1)


def test_a_grown_patch_is_watched_while_it_is_small() -> None:
    injection = Injection(7, 3)
    circuit = injection_circuit(injection, "Y")
    small = Block(0, 0, 3, 3)
    watched = watched_detectors(circuit, injection)
    # The first round sees all but those beside the qubit and across the wedges' border.
    second = [n for n in watched if circuit.get_detector_coordinates()[n][2] == 1.0]
    assert len(second) == len(small.checks())
    assert 0 < len(watched) - len(second) < len(small.checks())
    assert len(watched) < circuit.num_detectors
    assert watched_detectors(injection_circuit(Injection(3, 3, 0), "X"), Injection(3, 3, 0)) == []


def test_the_leading_order_is_what_is_seen_at_low_noise() -> None:
    noise = CircuitNoise.uniform(2e-4)
    injection = Injection(5, 5)
    leading = unseen_errors(injection, noise)
    result = inject(injection, noise, 200_000, seed=3)
    lower, upper = result.interval(0.999)
    assert lower < leading < upper
    assert leading / 2e-4 == pytest.approx(4.186, abs=0.02)
    assert not lower < 2 * leading < upper


def test_post_selection_helps_and_costs() -> None:
    noise = CircuitNoise.uniform(1e-3)
    kept, all_of_them = (
        inject(Injection(5, 5, rounds), noise, 20_000, seed=5) for rounds in (2, 0)
    )
    assert kept.interval(0.99)[1] < all_of_them.interval(0.99)[0]
    assert all_of_them.acceptance == 1.0
    assert 0.6 < kept.acceptance < 0.85
    # A small patch that grows is kept more often.
    assert inject(Injection(5, 3), noise, 20_000, seed=5).acceptance > kept.acceptance + 0.1


def test_the_same_seed_gives_the_same_count() -> None:
    noise = CircuitNoise.uniform(1e-3)
    one, again, other = (inject(Injection(3, 3), noise, 5_000, seed=s) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_without_noise_all_are_kept_and_none_is_wrong() -> None:
    result = inject(Injection(3, 3), CircuitNoise.uniform(0.0), 100, seed=1)
    assert (result.acceptance, result.error) == (1.0, 0.0)
    assert result.interval()[1] > 0.0


@long_run
@pytest.mark.parametrize("site", list(Site))
def test_the_error_is_linear_in_the_noise_and_hardly_depends_on_the_distance(site: Site) -> None:
    ratios = {}
    for distance in (3, 5, 7):
        for p in (2e-4, 5e-4):
            result = inject(
                Injection(distance, distance, 2, site), CircuitNoise.uniform(p), 500_000, seed=7
            )
            lower, upper = result.interval(0.999)
            leading = unseen_errors(result.injection, CircuitNoise.uniform(p))
            # Second order: as much again at p = 0.02.
            assert lower < leading * (1 + 250 * p), (distance, p)
            assert leading * (1 - 50 * p) < upper, (distance, p)
            ratios[distance, p] = result.error / p
    assert max(ratios.values()) < 1.4 * min(ratios.values())


def test_counts_add_up() -> None:
    assert InjectionCount(10, 5, 1) + InjectionCount(20, 10, 2) == InjectionCount(30, 15, 3)
    both = Injected(
        Injection(3, 3), {"X": InjectionCount(100, 50, 5), "Y": InjectionCount(100, 100, 20)}
    )
    assert both.acceptance == 0.75
    assert both.error == pytest.approx(0.15)


def test_bad_input_is_refused() -> None:
    for distance in (2, 4, 1):
        with pytest.raises(InputError, match=f"at least 3, got {distance}"):
            Injection(distance, 3)
        with pytest.raises(InputError, match=f"at least 3, got {distance}"):
            Injection(5, distance)
    with pytest.raises(InputError, match="start: expected at most the distance 3, got 5"):
        Injection(3, 5)
    with pytest.raises(InputError, match="start: expected 5, the distance"):
        Injection(5, 3, 0)
    with pytest.raises(InputError, match="postselected: expected at least 0 rounds, got -1"):
        Injection(3, 3, -1)
    with pytest.raises(InputError, match="site: expected corner or middle, got 'edge'"):
        Injection(3, 3, 2, "edge")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="proxy: expected X or Y, got 'T'"):
        injection_circuit(Injection(3, 3), "T")
    noise = CircuitNoise.uniform(1e-3)
    with pytest.raises(InputError, match="shots: expected at least 1, got 0"):
        inject(Injection(3, 3), noise, 0)
    with pytest.raises(
        InputError, match="expected a run in which no check sees an error, got none"
    ):
        inject(Injection(9, 9, 5), CircuitNoise.uniform(0.2), 10, seed=1)
