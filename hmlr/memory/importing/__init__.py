"""Reading conversations from files: bytes in, dated messages with stable keys out.

`ChatFile` is a file of any form; it is read twice: a `Survey` counts and finds what is bad, then `batches`
are handed over. Beside it each form has its reader: `jsonl`, `transcript`, and one per product in `exports`.
"""

from hmlr.memory.importing.batches import Batch, batches
from hmlr.memory.importing.entries import BadLine, Entry, Format
from hmlr.memory.importing.exports import Skip
from hmlr.memory.importing.reading import detect, read
from hmlr.memory.importing.source import FORMATS, TAKEN, ChatFile, Survey

__all__ = [
    "FORMATS",
    "TAKEN",
    "BadLine",
    "Batch",
    "ChatFile",
    "Entry",
    "Format",
    "Skip",
    "Survey",
    "batches",
    "detect",
    "read",
]
