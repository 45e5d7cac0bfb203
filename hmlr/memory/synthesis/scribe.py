"""The scribe: keeps the user profile in the background.

Profile entries are facts of the categories constraint, identity, preference and project, so they have the
same quotes, states, history and undo as every other fact (decision page 0003).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.scribe.task import SCRIBE, ScribeInput
from hmlr.memory.facts.learn import learn
from hmlr.records import Category, Fact, Profile, StoredMessage, UserId
from hmlr.store.port import Store
from hmlr.store.records import Lease


class Scribe:
    """Handler of `scribe` jobs."""

    def __init__(
        self, store: Store, runner: TaskRunner, user: UserId, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._runner = runner
        self._user = user
        self._clock = clock

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Update the profile from the leased turns; it and the finished jobs are one transaction."""
        await learn(self._store, self._runner, self._user, SCRIBE, _view, leases, self._clock)


def _view(message: StoredMessage) -> ScribeInput:
    return ScribeInput(message=message)


def profile_of(facts: Iterable[Fact]) -> Profile:
    """The profile that active facts add up to; only the owner's own words count."""
    by_category: dict[Category, list[Fact]] = {}
    for fact in facts:
        if fact.owner and fact.state == "active":
            by_category.setdefault(fact.category, []).append(fact)
    return Profile(
        constraints=tuple(by_category.get("constraint", ())),
        identity=tuple(by_category.get("identity", ())),
        preferences=tuple(by_category.get("preference", ())),
        projects=tuple(by_category.get("project", ())),
    )
