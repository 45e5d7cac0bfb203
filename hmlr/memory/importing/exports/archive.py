"""Zip archives under guard (X16): looked through before anything is read, and never unpacked to disk.

An export is untrusted: its names may lead elsewhere, its few kilobytes may hold gigabytes. What an ordinary
archive does not have is refused as a whole.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from hmlr.errors import InvalidInput, TooLarge

MAX_FILES = 20_000  # of an export, most are images
MAX_BYTES = 16 * 2**30  # of all files unpacked
MAX_RATIO = 200  # unpacked to packed; chats have about 10, a bomb about 1,000
MAX_DIRECTORY_BYTES = 8 * 2**20  # of the list of files
_SMALL = 2**20  # the ratio of smaller files says nothing
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_HINT = "Give the archive as it was downloaded, or unpack it yourself and give the JSON file"


def is_zip(start: bytes) -> bool:
    """Whether a file that begins so is an archive, also an empty one."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Archive]:
    """The archive of a seekable stream. Raises InvalidInput when it is not as it should be."""
    size = stream.seek(0, 2)
    try:
        with zipfile.ZipFile(cast("BinaryIO", _Guarded(stream))) as archive:
            _check(archive.infolist(), size)
            yield Archive(archive)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
        raise InvalidInput(f"the archive is damaged: {error}", hint="Download it again") from error


class Archive:
    """The files of a checked archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        """The files, in their order in the archive."""
        return [each.filename for each in self._archive.infolist() if not each.is_dir()]

    def open(self, name: str) -> BinaryIO:
        """The bytes of a file; not seekable backwards without reading anew."""
        return cast("BinaryIO", self._archive.open(name))


class _Guarded:
    """The stream for zipfile, which reads the whole list of files at once, however long it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise TooLarge(f"the archive's list of files has {size} bytes", hint=_HINT)
        return self._stream.read(size)


def _check(files: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse what an ordinary archive does not have."""
    if len(files) > MAX_FILES:
        raise TooLarge(f"the archive holds {len(files)} files, the limit is {MAX_FILES}", hint=_HINT)
    if sum(each.file_size for each in files) > MAX_BYTES:
        raise TooLarge(f"the archive unpacks to more than {MAX_BYTES // 2**30} GB", hint=_HINT)
    if sum(each.compress_size for each in files) > size:
        raise InvalidInput("files in the archive overlap or are cut", hint=_HINT)
    seen: set[str] = set()
    for each in files:
        if wrong := _wrong_name(each.orig_filename) or _wrong_kind(each):
            raise InvalidInput(f"{each.orig_filename[:80]!r} in the archive {wrong}", hint=_HINT)
        if each.file_size > max(_SMALL, MAX_RATIO * each.compress_size):
            reason = f"unpacks to over {MAX_RATIO} times its size"
            raise TooLarge(f"{each.filename[:80]!r} in the archive {reason}", hint=_HINT)
        if each.filename in seen:
            raise InvalidInput(f"{each.filename[:80]!r} is in the archive twice", hint=_HINT)
        seen.add(each.filename)


def _wrong_name(name: str) -> str:
    """Why a name could lead out of its folder on some system; "" when it can't."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or plain[1:2] == ":":
        return "has an absolute path"
    if ".." in plain.split("/"):
        return "leads out of its folder"
    if not plain or any(ord(character) < 32 for character in plain):
        return "has no name that a file can have"
    return ""


def _wrong_kind(each: zipfile.ZipInfo) -> str:
    mode = each.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if each.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if each.compress_type not in _METHODS:
        return "is compressed in an unusual way"
    return ""
