"""Reading lines from someone at the terminal, or from a pipe."""

from __future__ import annotations

from hmlr.cli.streams import emit, interactive

_PROMPT = "> "


def next_line() -> str | None:
    """The next line; None at the end of the input."""
    try:
        return input(_PROMPT if interactive() else "")
    except EOFError:
        if interactive():
            emit("")  # the shell's prompt gets a line of its own
        return None


def edit_lines() -> None:
    """Cursor keys and history, where the platform has them."""
    try:
        import readline  # noqa: F401 - importing it is its use
    except ImportError:
        return
