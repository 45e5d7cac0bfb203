"""Settings of the whole interpreter, for programs that own theirs: the command line and the server."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

TURN_S = 0.0005
ARENAS = 2
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def take_short_turns() -> None:
    """Have threads give way after half a millisecond, not after five.

    What computes in the background else keeps a writer, who holds the lock of the database, waiting at each
    of its statements. Not for a process that answers many at once: there it costs a tenth of the CPU.
    """
    sys.setswitchinterval(TURN_S)


def collect_seldom() -> None:
    """Collect garbage seldom, and never what stands now.

    By default a server that keeps two hundred memories open spends a tenth of its time on looking for
    garbage, and stands still for 0.2 s each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def share_arenas() -> None:
    """Have threads take memory from few arenas, not from one each; nothing where the C library has none.

    What a thread has given back stays in its own arena, where the others don't look: a server that lives long
    would grow by it. To be called before there are many threads.
    """
    with suppress(OSError, AttributeError, TypeError):  # the last of Windows, which has no such library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)
