"""What programs of their own set in the interpreter."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

HAS_ARENAS = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_info")
# Twelve threads hold memory at once; then the arenas are counted.
PROGRAM = """
import ctypes, sys, threading
from hmlr.interpreter import share_arenas
if sys.argv[2] == "shared":
    share_arenas()
held, counted = threading.Barrier(13), threading.Barrier(13)
def hold():
    taken = [bytes(1000 + number) for number in range(2000)]
    held.wait()
    counted.wait()
for _ in range(12):
    threading.Thread(target=hold).start()
held.wait()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
counted.wait()
"""


def arenas(file: Path, how: str) -> int:
    subprocess.run([sys.executable, "-c", PROGRAM, str(file), how], check=True, timeout=60)
    return file.read_text(encoding="ascii").count("<heap nr=")


@pytest.mark.skipif(not HAS_ARENAS, reason="this C library has no arenas, or does not tell of them")
def test_threads_share_arenas(tmp_path: Path) -> None:
    assert arenas(tmp_path / "own.xml", "own") > 3
    assert arenas(tmp_path / "shared.xml", "shared") <= 2
