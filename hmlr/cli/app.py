"""The command line: its commands in the order of the help, and how a call ends."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from hmlr import __version__
from hmlr.cli import (
    backups,
    bench,
    blocks,
    care,
    chat,
    days,
    deep,
    dossiers,
    facts,
    garden,
    knowledge,
    llm,
    moving,
    recall,
    remember,
    serving,
    streams,
    worker,
)
from hmlr.cli.call import Globals, UsageError
from hmlr.cli.options import Db, Debug, Model, User, command
from hmlr.errors import ConfigurationError, HMLRError, InvalidInput, ModelError, NotFound
from hmlr.exhaustion import exhausted
from hmlr.interpreter import take_short_turns

DONE, FAILED, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143

app = typer.Typer(
    name="hmlr",
    help="HMLR, a conversational memory engine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help needs no rich, and takes half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)
for function in (
    chat.chat,
    remember.remember,
    recall.recall,
    recall.why_not,
    recall.context,
    deep.deep_recall,
    facts.facts,
    knowledge.profile,
    blocks.blocks,
    dossiers.dossiers,
    garden.garden,
    days.days,
    knowledge.history,
    knowledge.correct,
    knowledge.retire,
    knowledge.restore,
    care.forget,
    care.export,
    care.import_,
    care.rebuild,
    care.retry,
    care.stats,
    care.audit,
    care.doctor,
    serving.serve,
    serving.mcp,
    worker.worker,
):
    app.command(function.__name__.rstrip("_").replace("_", "-"))(command(function))
app.command("backup")(command(backups.backup, shared=("db", "debug")))
app.command("restore-backup")(command(backups.restore_backup, shared=("db", "debug")))
app.command("bench")(command(bench.bench, shared=("model", "debug")))
app.command("move")(command(moving.move, shared=("user", "debug")))
app.add_typer(llm.app, name="llm")
serving.token.command("create")(command(serving.create))
serving.token.command("list")(command(serving.list_))
serving.token.command("revoke")(command(serving.revoke))
app.add_typer(serving.token, name="token")


def _version(wanted: bool) -> None:
    if wanted:
        streams.emit(__version__)
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    *,
    db: Db = None,
    user: User = None,
    model: Model = None,
    debug: Debug = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """HMLR, a conversational memory engine. The common options also go after the command."""
    context.obj = Globals(db=db, user=user, model=model, debug=debug)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    streams.prepare()
    take_short_turns()
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = "--debug" in given
    if not debug:
        warnings.simplefilter("ignore")
    terminated = _interrupt_at_sigterm()
    try:
        code = _run(given)
        sys.stdout.flush()
    except (streams.OutputClosedError, BrokenPipeError):
        streams.discard_rest()
        return DONE  # the work is done; whoever read the output had seen enough
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as raised:  # noqa: BLE001 - the edge: every failure becomes one line and an exit code
        if debug:
            streams.note(traceback.format_exc(), end="")
        error = exhausted(raised) or raised
        streams.note(_line(error))
        code = _code(error)
    if code != INTERRUPTED:
        return code
    streams.note("terminated" if terminated.is_set() else "interrupted")
    return TERMINATED if terminated.is_set() else INTERRUPTED


def _interrupt_at_sigterm() -> threading.Event:
    """Let SIGTERM end a command as Ctrl-C does, which leaves no work half done; set once it has come."""
    terminated = threading.Event()

    def stop(_: int, frame: FrameType | None) -> None:
        terminated.set()
        on_interrupt = signal.getsignal(signal.SIGINT)
        if not callable(on_interrupt):  # a shell's background jobs ignore SIGINT
            raise KeyboardInterrupt
        on_interrupt(signal.SIGINT, frame)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    return terminated


def _run(arguments: list[str]) -> int:
    """The exit code of a call; raises what went wrong."""
    try:
        result = app(arguments, prog_name="hmlr", standalone_mode=False)
    except typer.Abort:
        return FAILED
    except SystemExit as leaving:  # typer's own answer to a reader who left during help
        raise streams.OutputClosedError from leaving
    return result if isinstance(result, int) else DONE


def _code(error: Exception) -> int:
    if isinstance(error, typer.TyperException):
        return error.exit_code
    if isinstance(error, NotFound | ModelError):
        return FAILED
    return USAGE if isinstance(error, InvalidInput | ConfigurationError | UsageError) else FAILED


def _line(error: Exception) -> str:
    """What happened and what to do, on one line."""
    if isinstance(error, typer.TyperException):
        text = f"{error.format_message().rstrip('.')}. See --help"
    elif isinstance(error, HMLRError):
        text = str(error)
    elif isinstance(error, OSError):
        text = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    else:
        text = f"unexpected {type(error).__name__}: {error}. Run it again with --debug and report this"
    return f"error: {' '.join(text.split())}"
