"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from hmlr.cli.call import Call, Globals, UsageError
from hmlr.errors import InvalidInput

_DB_HELP = "Database file or postgresql:// address; default: HMLR_DB_PATH, else in your data folder."
Db = Annotated[str | None, typer.Option("--db", metavar="FILE|URL", help=_DB_HELP)]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Whose memory it is.")]
Model = Annotated[str | None, typer.Option("--model", metavar="ID", help="provider:model, or offline.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
_SHARED: dict[str, tuple[object, object]] = {
    "db": (Db, None),
    "user": (User, None),
    "model": (Model, None),
    "debug": (Debug, False),
}


def command(function: Callable[..., Any], shared: Collection[str] = tuple(_SHARED)) -> Callable[..., None]:
    """Make a typer command of `function(call, ...)`: it also takes the common options after its own.

    They may stand before the command as well; the ones after it win. `shared` names those that make sense
    for it. A coroutine is run to its end.
    """
    own = inspect.signature(function, eval_str=True).parameters
    parameters = [parameter for name, parameter in own.items() if name != "call"]
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=kind) for parameter in parameters]
    parameters += [
        inspect.Parameter(name, kind, annotation=annotation, default=default)
        for name, (annotation, default) in _SHARED.items()
        if name in shared
    ]
    parameters.append(inspect.Parameter("context", kind, annotation=typer.Context))

    def run(**values: Any) -> None:
        context: typer.Context = values.pop("context")
        later = Globals(**{name: values.pop(name) for name in shared})
        before = context.obj if isinstance(context.obj, Globals) else Globals()
        result = function(Call(before.overridden_by(later)), **values)
        if inspect.iscoroutine(result):
            import asyncio  # not needed for help

            asyncio.run(result)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def start_of(text: str) -> datetime:
    """The first moment that the words name, such as 2023-05-08, 2023-05-08T13:56+02:00 or "last Friday"."""
    return _span(text)[0]


def end_of(text: str) -> datetime:
    """The first moment after what the words name: a day counts whole, a time is itself."""
    return _span(text)[1]


def last_of(text: str) -> datetime:
    """The last moment of what the words name: a day counts whole, a time is itself."""
    start, end = _span(text)
    return start if start == end else end - timedelta(microseconds=1)


def _span(text: str) -> tuple[datetime, datetime]:
    """What a date or time names, without zone taken as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if len(text.strip()) <= len("2023-05-08"):
            return moment, moment + timedelta(days=1)
    except (ValueError, OverflowError):
        return _words(text)
    return moment, moment


def _words(text: str) -> tuple[datetime, datetime]:
    from hmlr.language.dates import find_dates  # not needed for help

    found = find_dates(text, datetime.now(UTC))
    if len(found) != 1 or len(found[0].text) < len(text.strip()) - len("the "):
        raise typer.BadParameter(
            f"{text!r} is no date; write 2023-05-08, 2023-05-08T13:56 (UTC) or words such as 'last Friday'"
        )
    span = found[0]
    return span.start, span.start if span.precision == "minute" else span.end


def check_text(text: str, what: str) -> str:
    """Refuse an argument of the command line that isn't text in this locale."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} is no valid text in this locale", hint="Use a UTF-8 locale") from error
    return text


def check_question(text: str) -> str:
    """Refuse a question that is no text, or empty: that nothing is found for it would say nothing."""
    if not check_text(text, "the question").strip():
        raise UsageError("the question is empty", hint="Ask something, or give some words")
    return text


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Session = Annotated[str | None, typer.Option("--session", metavar="ID", help="Session.")]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        metavar="TIME",
        parser=start_of,
        help="When it was said: 2023-05-08T13:56 (UTC), 'last Friday'.",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", metavar="TIME", parser=last_of, help="What held then; a day counts whole."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option("--known-at", metavar="TIME", parser=last_of, help="What had been recorded by then."),
]
Since = Annotated[
    datetime | None, typer.Option("--since", metavar="TIME", parser=start_of, help="From this time on.")
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", metavar="TIME", parser=end_of, help="Up to this time; a day counts whole."),
]
