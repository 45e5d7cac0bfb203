"""Moving to another database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError, UsageError
from hmlr.cli.options import Json
from hmlr.cli.output import emit_json, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import emit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hmlr.records import MoveReport
    from hmlr.settings import Settings

_SHOWN = 5  # users named in a line
From = Annotated[str, typer.Option("--from", metavar="FILE|URL", help="The database that is read.")]
To = Annotated[str, typer.Option("--to", metavar="FILE|URL", help="The database that gets everything.")]


async def move(call: Call, *, source: From, target: To, json: Json = False) -> None:
    """Copy everything of every user, or of --user, to another database; run it again if it was killed."""
    from hmlr.client.moving import move as run  # not needed for help
    from hmlr.settings import Settings

    if call.options.db is not None:
        raise UsageError("move takes --from and --to, not --db")
    settings = Settings.load()
    with _bar() as progress:
        report = await run(source, target, user_id=call.options.user, progress=progress, settings=settings)
    if json:
        emit_json(report)
    else:
        emit(_told(report, settings, source, target))
    if report.left:
        raise CommandError(
            f"{len(report.left)} users changed while they were moved: {_names(report.left)}",
            hint="Stop what uses the old database and run the same command again",
        )


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar that begins when it is known how long it is."""
    with ExitStack() as stack:
        advance: list[Callable[[int], None]] = []
        before = 0

        def progress(done: int, total: int) -> None:
            nonlocal before
            if not advance:
                advance.append(stack.enter_context(counting("move", total)))
            advance[0](done - before)
            before = done

        yield progress


def _told(report: MoveReport, settings: Settings, source: str, target: str) -> str:
    """What was done and what is to be done."""
    old, new = (settings.model_copy(update={"db_path": place}).database_shown for place in (source, target))
    here = f", {report.here} of them before" if report.here else ""
    tokens = f", {report.tokens} tokens" if report.tokens else ""
    lines = [f"moved and proved: {len(report.users)} users{here}, {report.rows} rows{tokens}"]
    if not report.left:
        lines += [
            f"From now on use the new one, with its password if it has any: HMLR_DB_PATH={one_line(new)}",
            f"{one_line(old)} is as it was, and keeps what you forget from now on: delete it in time.",
        ]
    return "\n".join(lines)


def _names(users: tuple[str, ...]) -> str:
    more = len(users) - _SHOWN
    return ", ".join(map(one_line, users[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
