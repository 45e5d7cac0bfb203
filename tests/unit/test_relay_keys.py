"""The key of a relayed conversation: the same while a program asks again, and known no longer than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hmlr.core.relay import MAX_KEYS, SAME_TURN_S, _Keys


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_asked_again_it_is_the_same_and_later_another() -> None:
    clock = Clock()
    keys = _Keys(clock)
    first = keys.key("one")
    clock.goes(SAME_TURN_S - 1)
    assert keys.key("one") == first
    clock.goes(SAME_TURN_S + 1)
    assert keys.key("one") != first


def test_only_conversations_that_go_on_are_known() -> None:
    clock = Clock()
    keys = _Keys(clock)
    for number in range(50):
        keys.key(f"{number}")
    clock.goes(SAME_TURN_S + 1)
    keys.key("now")
    assert len(keys._begun) == 1
    for number in range(MAX_KEYS + 50):
        keys.key(f"later {number}")
    assert len(keys._begun) == MAX_KEYS
