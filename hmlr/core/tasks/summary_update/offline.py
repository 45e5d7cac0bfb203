"""A dossier's summary without a model: one literal dated line per fact, in order of event time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hmlr.core.tasks.offered import OfferedFact
from hmlr.language.literal import one_line

MAX_CHARS = 20_000  # about 5,000 tokens: more than a prompt has room for; the facts themselves all stay

_DATED = re.compile(r"^(?P<day>\d{4}-\d\d-\d\d)\b")
_MARK = re.compile(r" \((?:superseded|invalidated)\b.*\)$")
_CUT = "…"


def summed_up(summary: str, facts: Sequence[OfferedFact]) -> str:
    """The summary with a line for every fact; a line that stood there with another state is replaced."""
    lines = {_unmarked(line): line for line in map(one_line, summary.splitlines()) if line}
    lines |= {_unmarked(line): line for line in map(line_of, in_event_order(facts))}
    return _newest(in_date_order(lines.values()))


def in_event_order(facts: Iterable[OfferedFact]) -> list[OfferedFact]:
    """The facts by the time from which they hold, then by the time when they were said."""
    return sorted(facts, key=lambda o: (o.fact.valid_from, o.fact.occurred_at, o.fact.fact_id))


def line_of(offered: OfferedFact) -> str:
    """A fact as a line: "2025-01-09: Limit of Styx: 500 TiB/day (superseded on 2025-02-01: v5)"."""
    fact = offered.fact
    line = f"{fact.valid_from:%Y-%m-%d}: {one_line(offered.statement)}"
    if fact.state == "active":
        return line
    since = f" on {fact.valid_to:%Y-%m-%d}" if fact.valid_to and fact.state == "superseded" else ""
    reason = f": {one_line(fact.reason)}" if fact.reason.strip() else ""
    return f"{line} ({fact.state}{since}{reason})"


def in_date_order(lines: Iterable[str]) -> list[str]:
    """The lines by the date that they begin with; those without one first, as they were."""
    return sorted(lines, key=lambda line: found["day"] if (found := _DATED.match(line)) else "")


def _unmarked(line: str) -> str:
    return _MARK.sub("", line)


def _newest(lines: list[str]) -> str:
    """As many of the last lines as there is room for."""
    room = MAX_CHARS - len(_CUT) - 1
    for place in range(len(lines) - 1, -1, -1):
        room -= len(lines[place]) + 1
        if room < 0:
            return "\n".join([_CUT, *lines[place + 1 :]])
    return "\n".join(lines)
