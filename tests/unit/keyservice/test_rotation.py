import pytest

from bridge.domain.errors import InputError
from bridge.keyservice.access import Grant, Right
from bridge.keyservice.instants import iso, seconds
from bridge.keyservice.rotation import RotationPolicy, next_label
from bridge.keyservice.store import KeyLife, KeyState


@pytest.mark.parametrize(
    ("label", "following"),
    [("a", "a@2"), ("a@2", "a@3"), ("a@9", "a@10"), ("a@b", "a@b@2"), ("@1", "@2"), ("a@", "a@@2")],
)
def test_a_successor_has_the_next_generation_in_its_label(label: str, following: str) -> None:
    assert next_label(label) == following


def test_without_a_policy_nothing_is_due_or_over(make_record) -> None:  # type: ignore[no-untyped-def]
    record = make_record()
    lives = {record.key_id: KeyLife(record.key_id, KeyState.ACTIVE, 1 << 40, None, None)}
    assert RotationPolicy().due([record], lives, 1e12) == []
    replaced = {"x": KeyLife("x", KeyState.REPLACED, 0, "y", 0.0)}
    assert RotationPolicy(max_age_s=1).over(replaced, 1e12) == []


@pytest.mark.parametrize(
    ("state", "uses", "age_s", "due"),
    [
        (KeyState.ACTIVE, 9, 99, False),
        (KeyState.ACTIVE, 10, 0, True),
        (KeyState.ACTIVE, 0, 100, True),
        (KeyState.REPLACED, 10, 100, False),
        (KeyState.COMPROMISED, 10, 100, False),
    ],
)
def test_age_and_use_make_a_key_due(
    make_record, state: KeyState, uses: int, age_s: int, due: bool
) -> None:  # type: ignore[no-untyped-def]
    record = make_record()
    lives = {record.key_id: KeyLife(record.key_id, state, uses, None, None)}
    now = seconds(record.provenance.created_at) + age_s
    policy = RotationPolicy(max_age_s=100, max_uses=10)
    assert policy.due([record], lives, now) == ([record.key_id] if due else [])


@pytest.mark.parametrize("name", ["max_age_s", "max_uses", "overlap_s"])
def test_a_policy_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=name):
        RotationPolicy(**{name: 0})


def test_a_time_without_a_zone_is_utc_and_others_are_refused() -> None:
    assert seconds("1970-01-02T00:00:00") == 86400.0
    assert seconds(iso(1_700_000_000.9)) == 1_700_000_000.0
    for wrong in ("yesterday", "1970-13-01", ""):
        with pytest.raises(InputError, match="ISO 8601"):
            seconds(wrong)


def test_a_grant_is_for_its_rights_and_labels_with_their_successors() -> None:
    grant = Grant("one", frozenset({Right.CHECKPOINT}), frozenset({"signer-1"}))
    assert grant.allows(Right.CHECKPOINT, "signer-1")
    assert grant.allows(Right.CHECKPOINT, "signer-1@7")
    assert grant.allows(Right.READ, None)
    assert not grant.allows(Right.CHECKPOINT, "signer-2")
    assert not grant.allows(Right.CHECKPOINT, "signer-11")
    assert not grant.allows(Right.ROTATION, "signer-1")
    assert not grant.allows(Right.ADMINISTER, None)
