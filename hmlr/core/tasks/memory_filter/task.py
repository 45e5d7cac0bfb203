"""Memory filter: the governor's second key, which judges what search has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.records import Hit

# The user waits for it, and the best by score are good enough.
TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class FilterInput:
    """The message and the hits, best first."""

    message: str
    hits: tuple[Hit, ...]


class Kept(BaseModel):
    """Numbers (from 1) of the hits to keep, most important first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    keep: tuple[int, ...]


def offline(given: FilterInput) -> Kept:
    """Keep all by score: a rule that dropped hits would know less than the score does."""
    return Kept(keep=tuple(range(1, len(given.hits) + 1)))


def check(given: FilterInput, answer: Kept) -> Kept:
    """Drop numbers that were not offered, and repeats."""
    offered = range(1, len(given.hits) + 1)
    keep = tuple(dict.fromkeys(number for number in answer.keep if number in offered))
    if answer.keep and not keep:
        raise ValueError("none of the numbers was offered")
    return Kept(keep=keep)


def variables(given: FilterInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark = nonce()
    rows = []
    for number, hit in enumerate(given.hits, 1):
        said_by = hit.sources[0].speaker or hit.sources[0].role if hit.sources else "unknown"
        rows.append(f"{number}.\n{fence(hit.text, mark=mark, said_by=said_by, at=hit.occurred_at)}")
    return {
        "message": fence(given.message, mark=mark, said_by="user", at=None),
        "candidates": "\n".join(rows) or "none",
    }


@lru_cache(maxsize=1)
def _prompt() -> Prompt:
    return Prompt.load(__package__)


MEMORY_FILTER = Task(
    name="memory_filter",
    prompt=_prompt,
    output=Kept,
    variables=variables,
    check=check,
    offline=offline,
    timeout_s=TIMEOUT_S,
)
