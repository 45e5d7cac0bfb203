"""From the bytes of an export to its messages: which product it is of, then conversation by conversation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import BinaryIO

from hmlr.errors import InvalidInput
from hmlr.memory.importing.entries import BadLine, Entry, LineError
from hmlr.memory.importing.exports import archive
from hmlr.memory.importing.exports.chatgpt import CHATGPT
from hmlr.memory.importing.exports.claude import CLAUDE
from hmlr.memory.importing.exports.elements import Element, elements
from hmlr.memory.importing.exports.mem0 import MEM0
from hmlr.memory.importing.exports.records import Exported, Fault, Product, ProductName, Skip
from hmlr.memory.importing.strict_json import decode_object
from hmlr.records import SessionId

PRODUCTS: dict[ProductName, Product] = {each.name: each for each in (CHATGPT, CLAUDE, MEM0)}
_KNOWN = " or ".join(each.title for each in PRODUCTS.values())
_LOOKED_AT = 20  # elements until one tells what the file is
_CONVERSATIONS = "conversations"  # how the files of conversations are named in an archive


def sniff(stream: BinaryIO) -> Product | None:
    """The product whose export begins here; None when none knows its first elements."""
    for element in islice(elements(stream), _LOOKED_AT):
        try:
            value = _decoded(element)
        except LineError:
            continue
        for product in PRODUCTS.values():
            if product.claims(value):
                return product
    return None


def read_export(stream: BinaryIO, product: Product) -> Iterator[Entry | BadLine | Skip]:
    """The messages of a JSON file, in order; each conversation is a session.

    Raises InvalidInput when it holds the conversations of several accounts.
    """
    yield from _Reader().read(stream, product, "")


def read_archive(stream: BinaryIO, name: ProductName | None) -> Iterator[Entry | BadLine | Skip]:
    """The messages of all files of conversations in a zip archive, of one product or of whichever they are.

    Raises InvalidInput when the archive is not as it should be, or holds no conversations.
    """
    reader = _Reader()
    with archive.opened(stream) as files:
        found = False
        for file in files.names():
            product = _product_of(files, file)
            if product is None or (name and product.name != name):
                if product is None and (broken := _broken(files, file)):
                    found = True
                    yield reader.bad(broken, file)
                else:
                    yield Skip(reason="other files of the archive")
                continue
            found = True
            with files.open(file) as member:
                yield from reader.read(member, product, file)
    if not found:
        wanted = PRODUCTS[name].title if name else _KNOWN
        raise InvalidInput(f"the archive holds no conversations of {wanted}", hint="Name the export itself")


def _product_of(files: archive.Archive, file: str) -> Product | None:
    """Whose conversations a file of an archive holds; None when it holds something else."""
    if not file.lower().endswith(".json"):
        return None
    with files.open(file) as member:
        return sniff(member)


def _broken(files: archive.Archive, file: str) -> str:
    """Why a file that is named as conversations are has none that can be read; "" for an empty list."""
    name = file.lower().rpartition("/")[2]
    if not (name.startswith(_CONVERSATIONS) and name.endswith(".json")):
        return ""
    with files.open(file) as member:
        return why_unknown(member)


def why_unknown(stream: BinaryIO) -> str:
    """Why no product knows the first elements; "" when there are none."""
    first = next(elements(stream), None)
    try:
        if first is not None:
            _decoded(first)
            return f"is no export of {_KNOWN}"
    except LineError as error:
        return str(error)
    return ""


class _Reader:
    """Reads files of one export; its numbers and its account go on from file to file."""

    def __init__(self) -> None:
        self._line = count(1)
        self._account: str | None = None

    def read(self, stream: BinaryIO, product: Product, file: str) -> Iterator[Entry | BadLine | Skip]:
        for element in elements(stream):
            place = f"{file}: " * bool(file) + f"{product.unit} {element.number}"
            try:
                value = _claimed(element, product)
                self._one_account(product.account(value), product)
                for piece in product.read(value):
                    yield self._entry(piece, place)
            except LineError as error:
                yield self.bad(str(error), place)

    def bad(self, reason: str, place: str) -> BadLine:
        """Something that can't be read, with its number."""
        return BadLine(line=next(self._line), reason=reason, place=place)

    def _entry(self, piece: Exported | Fault | Skip, place: str) -> Entry | BadLine | Skip:
        if isinstance(piece, Skip):
            return piece
        if isinstance(piece, Fault):
            return self.bad(piece.reason, place)
        return Entry(
            line=next(self._line),
            message=piece.message,
            session_id=SessionId(piece.session_id),
            key=piece.key,
            place=f"{place}, {piece.place}" if piece.place else place,
        )

    def _one_account(self, account: str | None, product: Product) -> None:
        """One memory is of one person: what several have said must not get into it by mistake."""
        if account is None or account == self._account:
            return
        if self._account is not None:
            raise InvalidInput(
                f"the export holds what several {product.title} accounts have said, {self._account[:60]!r} "
                f"and {account[:60]!r} among them",
                hint="Give one account's part of it to each user's memory",
            )
        self._account = account


def _claimed(element: Element, product: Product) -> dict[str, object]:
    """The object of an element of this product. Raises LineError."""
    value = _decoded(element)
    if not product.claims(value):
        raise LineError(f"is none of {product.title}'s")
    return value


def _decoded(element: Element) -> dict[str, object]:
    """The object of an element. Raises LineError."""
    if element.fault:
        raise LineError(element.fault)
    try:
        text = element.data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = f"byte {element.data[error.start]:#04x} at {error.start + 1}"
        raise LineError(f"is not UTF-8 ({where}); save the file as UTF-8") from error
    return decode_object(text)
