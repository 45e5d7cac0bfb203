"""Days: what was talked about when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call
from hmlr.cli.options import Json, Since, Until, start_of
from hmlr.cli.output import emit_json, emit_table, moment, one_line
from hmlr.cli.streams import emit

if TYPE_CHECKING:
    from hmlr.records import DayView

WHEN = Annotated[
    datetime | None,
    typer.Argument(metavar="[DAY]", parser=start_of, help="2023-05-08, yesterday, 'last Tuesday' (UTC)."),
]


async def days(
    call: Call, *, day: WHEN = None, since: Since = None, until: Until = None, json: Json = False
) -> None:
    """List the days on which something was said, or show one with its topics and turns."""
    if day is not None:
        async with call.client() as client:
            view = await client.day(day.date())
        emit_json(_plain(view)) if json else _show(view)
        return
    async with call.client() as client:
        found = await client.days(since=since, until=until)
    if json:
        emit_json([{**vars(each), "date": each.date.isoformat()} for each in found])
        return
    rows = [
        (f"{each.date:%Y-%m-%d %a}", each.turn_count, ", ".join(topic.label or "–" for topic in each.topics))
        for each in found
    ]
    emit_table(("day", "turns", "topics"), rows, empty="nothing was said yet")


def _plain(view: DayView) -> object:
    """The day as JSON: its topics, each with its turns."""
    topics = [{**vars(topic), "turns": view.turns.get(topic.block_id, ())} for topic in view.day.topics]
    return {"date": view.day.date.isoformat(), "turn_count": view.day.turn_count, "topics": topics}


def _show(view: DayView) -> None:
    if not view.day.topics:
        emit(f"nothing was said on {view.day.date:%Y-%m-%d}")
        return
    emit(f"{view.day.date:%A, %Y-%m-%d}")
    for topic in view.day.topics:
        emit(f"\n{one_line(topic.label) or 'no topic yet'}  ({topic.block_id or '–'})")
        for turn in view.turns.get(topic.block_id, ()):
            for message in turn.messages:
                said_by = one_line(message.speaker or message.role, 40)
                emit(f"  {moment(message.occurred_at)[-5:]}  {said_by}: {one_line(message.content)}")
