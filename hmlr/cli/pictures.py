"""Pictures: the file that is asked for says whether it is an SVG document or an HTML page."""

from __future__ import annotations

from pathlib import Path

from hmlr.cli.call import CommandError, UsageError
from hmlr.cli.output import one_line
from hmlr.cli.streams import emit

_SUFFIXES = {".svg": False, ".html": True, ".htm": True}


def is_page(file: Path) -> bool:
    """Whether the file is to be an HTML page; UsageError when its name says neither."""
    if (page := _SUFFIXES.get(file.suffix.lower())) is None:
        raise UsageError(
            f"{one_line(str(file))} is no picture", hint="Give the file the ending .svg or .html"
        )
    return page


def write(file: Path, document: str) -> None:
    """Write a picture and say so."""
    try:
        file.write_text(document, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CommandError(
            f"{one_line(str(file))} can't be written: {reason}", hint="Name another file"
        ) from error
    emit(f"drawn in {one_line(str(file))}")
