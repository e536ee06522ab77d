"""Metrics as Prometheus reads them: what was added is what its own parser finds."""

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bridge.keyservice.exposition import Family, Kind, Measured, registry_of

GAUGE = Family("astralink_level_bits", Kind.GAUGE, "A level.", ("chain",))
COUNTER = Family("astralink_acts_total", Kind.COUNTER, "Acts.")
SPREAD = Family("astralink_took_seconds", Kind.HISTOGRAM, "Durations.", ("chain",))


def parsed(measure):
    registry = registry_of(Measured((GAUGE, COUNTER, SPREAD), measure))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {family.name: family for family in families}


def test_each_kind_is_read_as_it_was_added():
    def measure(samples):
        samples.add(GAUGE, 7, "A")
        samples.add(GAUGE, None, "B")
        samples.add(COUNTER, 3)
        samples.spread(SPREAD, [2, 0, 1], (0.5, 1.0), 4.25, "A")

    found = parsed(measure)
    assert [(s.labels, s.value) for s in found["astralink_level_bits"].samples] == [
        ({"chain": "A"}, 7)
    ]
    (acts,) = found["astralink_acts"].samples
    assert (acts.name, acts.value) == ("astralink_acts_total", 3)
    spread = {
        (sample.name.removeprefix("astralink_took_seconds"), sample.labels.get("le")): sample.value
        for sample in found["astralink_took_seconds"].samples
    }
    assert spread == {
        ("_bucket", "0.5"): 2,
        ("_bucket", "1.0"): 2,
        ("_bucket", "+Inf"): 3,
        ("_count", None): 3,
        ("_sum", None): 4.25,
    }
    assert found["process_resident_memory_bytes"].samples[0].value > 1 << 20


def test_a_gauge_takes_no_histogram_and_the_other_way_round():
    with pytest.raises(AssertionError):
        parsed(lambda samples: samples.spread(GAUGE, [1], (), 1.0, "A"))
    with pytest.raises(AssertionError):
        parsed(lambda samples: samples.add(SPREAD, 1.0, "A"))


def test_nothing_is_measured_before_somebody_asks():
    def measure(samples):
        raise RuntimeError("measured")

    registry = registry_of(Measured((GAUGE,), measure))
    with pytest.raises(RuntimeError, match="measured"):
        generate_latest(registry)
