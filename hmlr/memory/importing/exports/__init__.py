"""Exports of other products: ChatGPT, Claude, mem0. The file of each says what is taken and what is not."""

from hmlr.memory.importing.exports.archive import is_zip
from hmlr.memory.importing.exports.reading import PRODUCTS, read_archive, read_export, sniff
from hmlr.memory.importing.exports.records import Product, ProductName, Skip

__all__ = ["PRODUCTS", "Product", "ProductName", "Skip", "is_zip", "read_archive", "read_export", "sniff"]
