"""Standard streams that may be closed, read by something that ends early, or short of characters."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


class OutputClosedError(Exception):
    """Whoever read our output has gone."""


def prepare() -> None:
    """Make sure that all three streams exist and that no character can break them."""
    _fill_closed_descriptors()
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def emit(text: str, *, end: str = "\n") -> None:
    """Write to stdout at once. Raises OutputClosedError when nobody reads it any more."""
    try:
        sys.stdout.write(text + end)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error


def note(text: str, *, end: str = "\n") -> None:
    """Write to stderr; a closed one is no reason to fail."""
    with suppress(OSError):
        sys.stderr.write(text + end)
        sys.stderr.flush()


def dim(text: str) -> str:
    """The text as a remark, dimmed on a terminal."""
    return f"\x1b[2m{text}\x1b[0m" if colours(sys.stderr) else text


def colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal that wants colours; rich knows what the environment says to that."""
    if not stream.isatty():
        return False
    from rich.console import Console  # takes a tenth of a second

    console = Console(file=stream)
    return console.color_system is not None and not console.no_color


def interactive() -> bool:
    """Whether someone sits there to read and to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def unicode_output() -> bool:
    """Whether stdout can show every character as it is."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def discard_rest() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not complain about it at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _fill_closed_descriptors() -> None:
    """Occupy 0, 1 and 2, lest the database be opened as one of them and messages be written into it."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
