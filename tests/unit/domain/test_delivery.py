"""``may_follow``: the whole table, and the values that journals hold."""

import pytest

from bridge.domain.delivery import ORDER, Stage, may_follow

MAY = {
    ("observed", "finalized"),
    ("finalized", "batched"),
    ("batched", "attested"),
    ("attested", "delivered"),
    ("delivered", "confirmed"),
    ("observed", "observed"),  # its block went and it came back in another
    ("finalized", "observed"),
    ("batched", "finalized"),  # another message under its checkpoint went
    ("attested", "batched"),  # its attestation went
    ("delivered", "attested"),  # its delivery went
    ("attested", "held"),  # an endpoint is not verified
    ("held", "attested"),  # it is now
    ("held", "dropped"),
    ("held", "delivered"),  # by somebody else
    ("attested", "dead_letter"),  # no attempt is left
    ("attested", "dropped"),  # an operator said so
    ("dead_letter", "dropped"),
    ("dead_letter", "attested"),  # taken up again
    ("dropped", "attested"),
    ("dead_letter", "delivered"),  # by somebody else
    ("dropped", "delivered"),
}


@pytest.mark.parametrize("after", list(Stage))
@pytest.mark.parametrize("before", list(Stage))
def test_the_whole_table(before, after):
    assert may_follow(before, after) == ((before.value, after.value) in MAY)


def test_persisted_values_are_never_renamed():
    assert [stage.value for stage in ORDER] == [
        "observed", "finalized", "batched", "attested", "delivered", "confirmed",
    ]  # fmt: skip
    assert sorted(set(Stage) - set(ORDER)) == ["dead_letter", "dropped", "held"]


def test_nothing_follows_confirmed():
    assert not any(may_follow(Stage.CONFIRMED, after) for after in Stage)
