"""What is said when a framework is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hmlr.errors import MissingPackage


@contextmanager
def needs(requirement: str) -> Iterator[None]:
    """Import a framework inside; MissingPackage with the command that installs it when that fails."""
    try:
        yield
    except ImportError as error:
        raise MissingPackage(
            f"this integration needs {requirement}: {error}",
            hint=f'Run: python -m pip install "{requirement}"',
        ) from error
