"""An event with a struct among its arguments was not decoded, and stopped who read all events."""

from __future__ import annotations

from bridge.testing import World, bridge_world, world

__all__ = ["bridge_world", "world"]


def test_a_fee_schedule_is_an_event_like_others(world: World) -> None:
    sent = world.a.outbox.send("setFeeSchedule", world.b.domain, (3, 100_000, 16))
    (event,) = sent.events(world.a.outbox)
    assert event.name == "FeeScheduleSet"
    assert event.arguments == {"domain": world.b.domain, "schedule": (3, 100_000, 16)}
    world.a.sync()
