"""An event with a struct among its arguments could not be decoded, nor any log list with one."""

from __future__ import annotations

from bridge.testing import World, bridge_world, world

__all__ = ["bridge_world", "world"]


def test_an_event_with_a_struct_is_decoded(world: World) -> None:
    outbox = world.a.outbox
    (event,) = outbox.send("setFeeSchedule", world.b.domain, (3, 100_000, 16)).events(outbox)
    assert event.name == "FeeScheduleSet"
    assert event.arguments == {"domain": world.b.domain, "schedule": (3, 100_000, 16)}
    world.a.sync()
