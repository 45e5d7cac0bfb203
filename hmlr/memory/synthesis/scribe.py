"""The scribe: keeps the user profile in the background.

Profile entries are facts of the categories constraint, identity, preference and project, so they have the
same quotes, states, history and undo as every other fact (decision page 0003).
"""

from __future__ import annotations

from collections.abc import Iterable

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.scribe.task import SCRIBE, ScribeInput
from hmlr.memory.analyst import Analyst
from hmlr.memory.facts.learn import Learner
from hmlr.records import Category, Fact, Profile, UserId
from hmlr.store.port import Store


def scribe(
    store: Store,
    runner: TaskRunner,
    user: UserId,
    *,
    analyst: Analyst | None = None,
) -> Learner[ScribeInput]:
    """The learner behind `scribe` jobs."""
    return Learner(
        task=SCRIBE,
        view=lambda message, known: ScribeInput(message=message, profile=known),
        concerns=lambda message: message.owner,
        store=store,
        runner=runner,
        analyst=analyst,
        user=user,
    )


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
