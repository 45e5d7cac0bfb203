"""HMLR: a conversational memory engine. Nothing accepted is lost, every fact shows its source."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.client.moving import move
    from hmlr.errors import HMLRError
    from hmlr.records import Message
    from hmlr.settings import Settings

# The public door; imported when first used, so that `import hmlr` costs nothing.
_HOMES = {
    "HMLRClient": "hmlr.client",
    "HMLRError": "hmlr.errors",
    "Message": "hmlr.records",
    "Settings": "hmlr.settings",
    "move": "hmlr.client.moving",
}
__all__ = ["HMLRClient", "HMLRError", "Message", "Settings", "move"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hmlr' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
