"""Reading conversations from files: lines of bytes in, dated messages with stable keys out; no I/O.

`remember` uses it in two passes: the first counts and finds bad lines, the second hands over batches.
"""

from hmlr.memory.importing.batches import Batch, batches
from hmlr.memory.importing.entries import BadLine, Entry, Format
from hmlr.memory.importing.reading import checked, detect, read

__all__ = ["BadLine", "Batch", "Entry", "Format", "batches", "checked", "detect", "read"]
