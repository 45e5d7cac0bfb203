"""A worker process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.streams import emit, note

if TYPE_CHECKING:
    import asyncio

    from hmlr.records import Queue


async def worker(
    call: Call,
    *,
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", min=1, max=256, help="Users and calls at a time.")
    ] = 8,
    queues: Annotated[
        str, typer.Option("--queues", metavar="NAMES", help="learn, garden, or both with a comma.")
    ] = "learn,garden",
    every: Annotated[
        float | None,
        typer.Option("--every", metavar="SECONDS", help="How often to garden; HMLR_GARDEN_EVERY_S."),
    ] = None,
    daily_tokens: Annotated[
        int | None,
        typer.Option("--daily-tokens", metavar="N", min=0, help="Stop at so many a user and day."),
    ] = None,
    daily_usd: Annotated[
        float | None, typer.Option("--daily-usd", metavar="N", min=0, help="Stop at so much a user and day.")
    ] = None,
) -> None:
    """Learn and garden for all users, beside other workers, until SIGTERM or Ctrl-C."""
    import asyncio  # not needed for help

    logging.basicConfig(
        level=logging.DEBUG if call.options.debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    stop, chosen = asyncio.Event(), _queues(queues)
    async with call.client(creates=True) as client:
        _stop_at_signals(stop)
        emit(f"working on {call.settings.database_shown}; SIGTERM or Ctrl-C stops it")
        await client.work(
            stop=stop,
            queues=chosen,
            concurrency=concurrency,
            every_s=every,
            daily_tokens=daily_tokens,
            daily_usd=daily_usd,
        )
    emit("stopped")


def _queues(given: str) -> list[Queue]:
    from hmlr.errands.port import QUEUES  # not needed for help

    names = {name.strip() for name in given.split(",") if name.strip()}
    if not names or names - set(QUEUES):
        raise UsageError(f"--queues takes {' and '.join(QUEUES)}", hint="Write them with a comma between")
    return [queue for queue in QUEUES if queue in names]


def _stop_at_signals(stop: asyncio.Event) -> None:
    """The first signal stops after what runs; the second one as if there were no handler."""
    import asyncio  # not needed for help
    import signal

    loop = asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        note("stopping: what runs is finished, or given back")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
