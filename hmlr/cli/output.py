"""How records look on a screen and as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hmlr.cli.streams import emit, unicode_output

if TYPE_CHECKING:
    from hmlr.records import Fact

# Escape sequences in a remembered text could rewrite the screen; direction marks could disguise it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def emit_json(value: object) -> None:
    """Write one JSON document: records as objects with their field names, times in ISO 8601 UTC."""
    emit(as_json(value, ascii_only=not unicode_output()))


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """The document that `emit_json` writes."""
    return json.dumps(plain(value), ensure_ascii=ascii_only, indent=2, allow_nan=False)


def plain(value: object) -> object:
    """The value in JSON's own types."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def printable(text: str) -> str:
    """The text with control characters made visible; line ends and tabs stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str, width: int = 200) -> str:
    """The text on one line, cut to `width` characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def moment(value: datetime | None) -> str:
    """A time for a screen, UTC to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if value else "–"


def day(value: datetime | None) -> str:
    """A day for a screen, UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%d") if value else "–"


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table on a terminal; lines of tab-separated cells, ready for other programs, elsewhere."""
    cells = [[one_line(str(cell), 1000) for cell in row] for row in rows]
    if not cells:
        emit(empty)
    elif not sys.stdout.isatty():
        emit("\n".join("\t".join(row) for row in cells))
    else:
        emit(_table(columns, cells), end="")


def fact_rows(facts: Iterable[Fact]) -> list[tuple[object, ...]]:
    """Facts as rows under FACT_COLUMNS."""
    return [
        (fact.subject, fact.key, fact.value, fact.state, day(fact.valid_from), fact.quote, fact.fact_id)
        for fact in facts
    ]


FACT_COLUMNS = ("subject", "key", "value", "state", "since", "quote", "id")


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    from rich.console import Console  # takes a tenth of a second
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(file=sys.stdout)
    if console.measure(table, options=console.options.update(width=10_000)).maximum > console.width:
        return _cards(columns, cells)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _cards(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Rows that are wider than the screen, one cell a line, so that ids can still be copied."""
    width = max(len(column) for column in columns)
    cards = (
        "\n".join(f"{column:<{width}}  {cell}" for column, cell in zip(columns, row, strict=True))
        for row in cells
    )
    return "\n\n".join(cards) + "\n"
