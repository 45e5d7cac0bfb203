"""The user's own edits of facts, and that learning everything anew ends where they had led."""

from __future__ import annotations

from datetime import datetime

import pytest

from hmlr.core.tasks.scribe.offline import scribe_by_rule
from hmlr.memory.facts.edits import correct, restore, retire
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.resolve import resolve
from hmlr.records import Fact, StoredMessage, TurnId
from hmlr.store.records import AddEdit, Change, Edit
from tests.unit.fact_play import START, STEP, Facts, apply, said


class _Life:
    """Messages and edits as they come, day by day; `again` learns the messages anew, `size` at a time."""

    def __init__(self) -> None:
        self.facts: Facts = {}
        self.told: list[StoredMessage] = []
        self.edits: list[Edit] = []
        self.day = 0

    def say(self, content: str) -> None:
        self.day += 1
        self.told.append(said(content, self.day))
        self._learn(self.facts, self.told[-1:])

    def correct(self, value: str, new: str) -> None:
        at = self._now()
        changes, _ = correct(self.of(value), new, f"Correction: {new}", TurnId(f"c{self.day}"), at)
        self._do(changes)

    def retire(self, value: str) -> None:
        self._do(retire(self.of(value), "moved away", self._now()))

    def restore(self, value: str) -> None:
        known = [f for f in self.facts.values() if f.state == "active"]
        self._do(restore(self.of(value), self._now(), known))

    def of(self, value: str) -> Fact:
        return max((f for f in self.facts.values() if f.value == value), key=lambda f: f.occurred_at)

    def states(self) -> dict[str, str]:
        return {f.value: f.state for f in self.facts.values()}

    def again(self, size: int) -> Facts:
        facts: Facts = {}
        for place in range(0, len(self.told), size):
            self._learn(facts, self.told[place : place + size])
        return facts

    def _now(self) -> datetime:
        self.day += 1
        return START + STEP * self.day

    def _do(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, AddEdit):
                self.edits.append(
                    Edit(
                        seq=len(self.edits),
                        kind=change.kind,
                        target=change.target,
                        payload=change.payload,
                        recorded_at=change.recorded_at,
                    )
                )
        apply(self.facts, changes)

    def _learn(self, facts: Facts, told: list[StoredMessage]) -> None:
        found = [
            (draft, pin(draft, message, recorded_at=START))
            for message in told
            for draft in scribe_by_rule(message).facts
        ]
        pairs = [(draft, fact) for draft, fact in found if fact is not None]
        known = list(facts.values())
        apply(facts, resolve(pairs, known, by="rule", edits=self.edits))
        known = list(facts.values())
        assert resolve(pairs, known, by="rule", edits=self.edits) == []


def _chained(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.correct("Oslo", "Bergen")
    life.correct("Bergen", "Tromso")


def _corrected_and_retired(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.correct("Oslo", "Bergen")
    life.retire("Bergen")


def _corrected_and_moved(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.correct("Oslo", "Bergen")
    life.say("I moved to Tromso.")


def _past_corrected(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.say("I live in Rome.")
    life.correct("Oslo", "Bergen")


def _said_twice_then_corrected(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.say("I live in Oslo.")
    life.correct("Oslo", "Bergen")


def _said_again_after_retirement(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.retire("Oslo")
    life.say("I live in Oslo.")


def _restored(life: _Life) -> None:
    life.say("I live in Oslo.")
    life.say("I moved to Rome.")
    life.restore("Oslo")


def _restored_back(life: _Life) -> None:
    _restored(life)
    life.restore("Rome")


def _correction_undone(life: _Life) -> None:
    life.say("I like peas.")
    life.correct("peas", "beans")
    life.restore("peas")


LIVES = [
    (_chained, ["Tromso"]),
    (_corrected_and_retired, []),
    (_corrected_and_moved, ["Tromso"]),
    (_past_corrected, ["Rome"]),
    (_said_twice_then_corrected, ["Bergen"]),
    (_said_again_after_retirement, ["Oslo"]),
    (_restored, ["Oslo"]),
    (_restored_back, ["Rome"]),
    (_correction_undone, ["peas"]),
]


@pytest.mark.parametrize("size", [1, 2, 9])
@pytest.mark.parametrize(("live", "holding"), LIVES)
def test_what_edits_led_to_comes_again(live, holding: list[str], size: int) -> None:
    life = _Life()
    live(life)
    assert [f.value for f in life.facts.values() if f.state == "active"] == holding
    again = life.again(size)
    assert {(f.fact_id, f.state, f.superseded_by) for f in again.values()} == {
        (f.fact_id, f.state, f.superseded_by) for f in life.facts.values()
    }
    assert {f.fact_id: (f.valid_from, f.valid_to, f.reason) for f in again.values()} == {
        f.fact_id: (f.valid_from, f.valid_to, f.reason) for f in life.facts.values()
    }


def test_many_values_stay_beside_a_restored_one() -> None:
    life = _Life()
    life.say("I like peas.")
    life.retire("peas")
    life.say("I like beans.")
    life.restore("peas")
    assert life.states() == {"peas": "active", "beans": "active"}
