"""The eleven questions that a language model or a rule can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmlr.core.tasks.base import Task


def all_tasks() -> tuple[Task[Any, Any], ...]:
    """Every task, in the order of a memory's way: the turn, what is learned from it, what is made of that.

    Imports them all; who imports this package alone pays for none.
    """
    from hmlr.core.tasks.answer.task import ANSWER
    from hmlr.core.tasks.fact_grouping.task import FACT_GROUPING
    from hmlr.core.tasks.fact_routing.task import FACT_ROUTING
    from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING
    from hmlr.core.tasks.literal_restatement.task import LITERAL_RESTATEMENT
    from hmlr.core.tasks.memory_filter.task import MEMORY_FILTER
    from hmlr.core.tasks.routing.task import ROUTING
    from hmlr.core.tasks.scribe.task import SCRIBE
    from hmlr.core.tasks.search_summary.task import SEARCH_SUMMARY
    from hmlr.core.tasks.summary_update.task import SUMMARY_UPDATE
    from hmlr.core.tasks.tag_classification.task import TAG_CLASSIFICATION

    return (
        ROUTING,
        MEMORY_FILTER,
        ANSWER,
        FACT_SCRUBBING,
        SCRIBE,
        TAG_CLASSIFICATION,
        FACT_GROUPING,
        FACT_ROUTING,
        SUMMARY_UPDATE,
        LITERAL_RESTATEMENT,
        SEARCH_SUMMARY,
    )
