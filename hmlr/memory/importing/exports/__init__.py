"""Exports of other products: ChatGPT, Claude, mem0. The file of each says what is taken and what is not."""

from hmlr.memory.importing.exports.archive import is_zip
from hmlr.memory.importing.exports.elements import HEAD_BYTES, list_start
from hmlr.memory.importing.exports.reading import PRODUCTS, read_archive, read_export, sniff, why_unknown
from hmlr.memory.importing.exports.records import Product, ProductName, Skip

__all__ = [
    "HEAD_BYTES",
    "PRODUCTS",
    "Product",
    "ProductName",
    "Skip",
    "is_zip",
    "list_start",
    "read_archive",
    "read_export",
    "sniff",
    "why_unknown",
]
