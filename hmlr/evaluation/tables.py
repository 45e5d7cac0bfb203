"""The report as Markdown tables, for a screen and for documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from hmlr.evaluation.measures import Figure
from hmlr.evaluation.records import BUDGETS
from hmlr.evaluation.report import ALL, ConversationPart, Figures, Group, Report

# Column head -> measure; the JSON has all others.
SHOWN: Mapping[str, str] = {
    "any@10": "turn_any@10",
    "all@10": "turn_all@10",
    "fraction@10": "turn_fraction@10",
    "sessions@10": "session_fraction@10",
    **{f"in {budget:,}": f"inside_{budget}" for budget in BUDGETS},
    "MRR": "mrr",
}
# Those whose interval is shown as well: what a prompt feels.
WITH_INTERVAL = frozenset({"turn_fraction@10", *(f"inside_{budget}" for budget in BUDGETS)})
_TAKEN_IN = ("conversation", "messages", "questions", "left out", "stored s", "digested s", "recall ms p50")
BY_CATEGORY = ("turn_fraction@10", "inside_2000")


def tables(report: Report) -> str:
    """What was measured, what by category, and what it was measured on."""
    parts = [
        _table(("", "questions", "", *SHOWN), _methods(report.groups)),
        "Per cent; in brackets the 95 % interval. HMLR less a baseline is taken question by question.",
    ]
    if categories := list(_categories(report.groups)):
        names = list(report.groups[0].methods)
        head = [f"{name} {measure}" for measure in ("@10", "in 2,000") for name in names]
        parts.append(_table(("", "category", "questions", *head), categories))
    if answers := list(_answers(report.groups)):
        parts.append(_table(("answers", "category", "judged", "strict", "lenient"), answers))
    parts.append(_table(_TAKEN_IN, map(_conversation, report.conversations)))
    parts += [f"Without: {each}" for each in report.degraded]
    return "\n\n".join(parts)


def _methods(groups: Sequence[Group]) -> Iterable[tuple[object, ...]]:
    for group in groups:
        for name, figures in group.methods.items():
            yield group.name, group.questions, name, *_cells(figures)
        for name, figures in group.lead.items():
            yield group.name, group.questions, f"HMLR less {name}", *_cells(figures, sign="+")


def _cells(figures: Figures, sign: str = "") -> Iterable[str]:
    for each in SHOWN.values():
        figure = figures[each]
        yield _figure(figure, sign) if each in WITH_INTERVAL else f"{figure.mean:{sign}.1f}"


def _categories(groups: Sequence[Group]) -> Iterable[tuple[object, ...]]:
    for group in groups:
        told_before = group.name == ALL  # each kind has categories of its own
        for part in group.categories if len(group.categories) > 1 and not told_before else ():
            if part.questions:
                means = (
                    f"{figures[measure].mean:.1f}"
                    for measure in BY_CATEGORY
                    for figures in part.methods.values()
                )
                yield group.name, part.name, part.questions, *means


def _answers(groups: Sequence[Group]) -> Iterable[tuple[object, ...]]:
    for group in groups:
        for part in (group, *group.categories):
            if part.judged:
                name = "" if part is group else part.name
                yield group.name, name, part.judged, *(_figure(each) for each in part.answers.values())


def _conversation(part: ConversationPart) -> tuple[object, ...]:
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(part.left_out.items()))
    timing = part.timing
    speed = f"{median(timing.recall_ms):.0f}" if timing.recall_ms else "–"
    return (
        part.name,
        part.messages,
        part.questions,
        left_out or "–",
        timing.stored_s,
        timing.digested_s,
        speed,
    )


def _figure(figure: Figure, sign: str = "") -> str:
    return f"{figure.mean:{sign}.1f} [{figure.low:{sign}.1f}, {figure.high:{sign}.1f}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [list(head), *([str(cell).replace("|", "¦") for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
