"""Search summary: under which words is a dossier found?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from pydantic import BaseModel, ConfigDict

from hmlr.core.tasks.base import Prompt, Task
from hmlr.core.tasks.fence import fence, nonce
from hmlr.core.tasks.identity import folded
from hmlr.core.tasks.themes import telling_words
from hmlr.language.literal import new_words, one_line
from hmlr.language.tokens import content_words
from hmlr.records import OWNER

# The default embedder reads 256 pieces, about a thousand characters: what stands after them is not searched.
# Names are never cut for it.
MAX_CHARS = 1000

_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@dataclass(frozen=True, kw_only=True)
class SearchSummaryInput:
    """A dossier as it stands."""

    title: str
    summary: str
    subjects: tuple[str, ...]
    aliases: tuple[str, ...]  # all other names of the subjects

    @property
    def names(self) -> tuple[str, ...]:
        """Every name once, as written first; the owner has none."""
        written: dict[str, str] = {}
        for name in filter(None, map(one_line, (*self.subjects, *self.aliases))):
            written.setdefault(folded(name), name)
        written.pop(OWNER, None)
        return tuple(written.values())


class SearchSummary(BaseModel):
    """A short text made for searching; it holds every name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str


def offline(given: SearchSummaryInput) -> SearchSummary:
    """The names, the most telling words, the days and months."""
    names = ", ".join(given.names)
    days = _DAY.findall(given.summary)
    taken = content_words(names)
    body = _DAY.sub(" ", f"{given.title}\n{given.summary}")
    told = (word for word in telling_words(body.splitlines()) if not content_words(word) <= taken)
    dates = _fitting(_forms(days), MAX_CHARS // 4)
    room = MAX_CHARS - len(names) - len(dates) - 4
    return SearchSummary(text=". ".join(part for part in (names, _fitting(told, room), dates) if part))


def _forms(days: Iterable[str]) -> Iterable[str]:
    """Each month as one asks for it, then each day; the latest first."""
    latest = sorted(set(days), reverse=True)
    yield from dict.fromkeys(month for day in latest if (month := _month(day)))
    yield from latest


def _month(day: str) -> str:
    try:
        return f"{date.fromisoformat(day):%B %Y}"
    except ValueError:
        return ""


def _fitting(parts: Iterable[str], room: int) -> str:
    """As many of the parts as there is room for, with spaces between them."""
    kept: list[str] = []
    for part in parts:
        if (room := room - len(part) - 1) < 0:
            break
        kept.append(part)
    return " ".join(kept)


def check(given: SearchSummaryInput, answer: SearchSummary) -> SearchSummary:
    """Add the names that are missing. ValueError for foreign words, and for too long or empty a text."""
    limit = MAX_CHARS + len(", ".join(given.names))
    if len(answer.text) > limit:
        raise ValueError(f"the text is longer than {limit} characters")
    text, days = one_line(answer.text), _DAY.findall(given.summary)
    if foreign := new_words(text, (given.title, given.summary, *given.names, *_forms(days))):
        raise ValueError(f"words that stand nowhere in the dossier: {', '.join(foreign[:20])}")
    if not content_words(text):
        raise ValueError("the text says nothing")
    missing = [name for name in given.names if not _holds(text, name)]
    whole = ". ".join(filter(None, (", ".join(missing), text)))
    if len(whole) > limit:
        raise ValueError(f"the text is longer than {limit} characters once all names stand in it")
    return SearchSummary(text=whole)


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def variables(given: SearchSummaryInput) -> Mapping[str, str]:
    """The prompt's view of the input."""
    mark = nonce()
    return {
        "title": fence(one_line(given.title), mark=mark, said_by="memory", at=None),
        "names": fence("\n".join(given.names) or "none", mark=mark, said_by="memory", at=None),
        "summary": fence(given.summary or "none", mark=mark, said_by="memory", at=None),
    }


@cache
def _prompt() -> Prompt:
    return Prompt.load(__package__ or "")


SEARCH_SUMMARY: Task[SearchSummaryInput, SearchSummary] = Task(
    name="search_summary",
    prompt=_prompt,
    output=SearchSummary,
    variables=variables,
    check=check,
    offline=offline,
)
