"""Crafted archives (X16) and broken exports (F54, F55): refused with the place, and nothing is stored."""

from __future__ import annotations

import io
import json
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.errors import InvalidInput
from tests.exported_chats import chatgpt, said, zipped
from tests.faults.doors import door
from tests.faults.figures import figure

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(300)]

GOOD = chatgpt("c1", said("m1", "user", "Hi."))
CRAFTED = figure(50, 200)


@pytest.fixture
async def hmlr(tmp_path: Path) -> AsyncIterator[HMLRClient]:
    async with door(tmp_path / "memory.db") as client:
        yield client


async def refused(hmlr: HMLRClient, data: bytes) -> str:
    """What is said about it; nothing of it is stored."""
    with pytest.raises(InvalidInput) as caught:
        await hmlr.import_chats(io.BytesIO(data))
    assert (await hmlr.stats()).turns == 0
    assert len(str(caught.value)) < 1000
    return str(caught.value)


# Archives: each of these makes one from a source of chance; the good file stands in it as well.


def archive(*others: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in (("conversations.json", json.dumps([GOOD]).encode()), *others):
            made.writestr(name, content, compress_type=method)
    return target.getvalue()


def absolute(chance: random.Random) -> bytes:
    start = chance.choice(["/", "//", "\\", "C:\\", "c:/", "\\\\host\\share\\"])
    return archive((zipfile.ZipInfo(f"{start}etc/cron.d/{chance.random()}"), b"x"))


def climbing(chance: random.Random) -> bytes:
    parts = ["a"] * chance.randrange(3) + [".."] * chance.randrange(1, 5) + ["etc", "passwd"]
    return archive((zipfile.ZipInfo(chance.choice(["/", "\\"]).join(parts)), b"x"))


def linked(chance: random.Random) -> bytes:
    kind = chance.choice([stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFBLK])
    info = zipfile.ZipInfo(chance.choice(["conversations-1.json", "link", "a/b"]))
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return archive((info, b"/etc/passwd"))


def bomb(chance: random.Random) -> bytes:
    size = chance.randrange(2, 6) * 2**20
    filler = chance.choice([b" " * size, b"[" * size, b"0" * size])
    return archive((chance.choice(["conversations-1.json", "chat.html", "x/y.png"]), filler))


def lying(chance: random.Random) -> bytes:
    """The list of files tells of a smaller or larger file than there is."""
    data = bytearray(archive())
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<L", chance.choice([10, 300, 2**31]))
    return bytes(data)


def damaged(chance: random.Random) -> bytes:
    """The packed bytes are others than were written."""
    data = bytearray(archive())
    place = data.index(b"conversations.json") + len("conversations.json") + chance.randrange(5, 60)
    data[place] ^= 0xFF
    return bytes(data)


def cut(chance: random.Random) -> bytes:
    data = archive()
    return data[: chance.randrange(30, len(data) - 1)]


def twice(chance: random.Random) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        talk = chatgpt("c2", said(str(chance.random()), "user", "Ho."))
        return archive(("conversations.json", json.dumps([talk]).encode()))


def locked(_: random.Random) -> bytes:
    data = bytearray(archive())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    return bytes(data)


def unusual(chance: random.Random) -> bytes:
    return archive(method=chance.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))


def overlapping(chance: random.Random) -> bytes:
    """Many names for the same packed bytes, as in the bombs that need no nesting."""
    data = archive(("a.json", json.dumps([GOOD] * 50).encode()))
    end = data.rindex(b"PK\x05\x06")
    entry = data[data.rindex(b"PK\x01\x02") : end]
    count = chance.randrange(40, 90)
    names = [entry.replace(b"a.json", b"%06d" % number) for number in range(count)]
    start = struct.unpack("<L", data[end + 16 : end + 20])[0]
    body = data[:end] + b"".join(names)
    size = len(body) - start
    return body + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count + 2, count + 2, size, start, 0)


CRAFTS: tuple[Callable[[random.Random], bytes], ...] = (
    absolute,
    climbing,
    linked,
    bomb,
    lying,
    damaged,
    cut,
    twice,
    locked,
    unusual,
    overlapping,
)


@pytest.mark.security
async def test_crafted_archives_are_refused_and_leave_nothing_on_disk(
    hmlr: HMLRClient, tmp_path: Path
) -> None:
    chance = random.Random(16)
    before = sorted(tmp_path.rglob("*"))
    for number in range(CRAFTED):
        craft = CRAFTS[number % len(CRAFTS)]
        reason = await refused(hmlr, craft(chance))
        assert "archive" in reason or "conversations.json" in reason, craft.__name__
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.security
async def test_an_archive_of_too_many_files_is_refused(hmlr: HMLRClient) -> None:
    many = zipped({f"{number}.png": b"" for number in range(20_001)})
    assert "20001 files" in await refused(hmlr, many)


@pytest.mark.security
async def test_a_list_of_files_without_end_is_not_read(hmlr: HMLRClient) -> None:
    """zipfile would make an object of each of a million names before anybody could count them."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    body = b"PK\3\4" + entry * 300_000
    data = body + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(body) - 4, 4, 0)
    tracemalloc.start()
    reason = await refused(hmlr, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "list of files" in reason
    assert peak < 2 * len(data)


async def test_an_archive_within_an_archive_is_not_opened(hmlr: HMLRClient) -> None:
    inner = zipped({"conversations.json": [GOOD]})
    assert "no conversations" in await refused(hmlr, zipped({"a.zip": inner, "a.json": inner}))


# JSON

TALK = json.dumps(GOOD)
BROKEN = {
    "deep": (
        f'[{TALK}, {{"mapping": {"[" * 100_000}{"]" * 100_000}}}]',
        "conversation 2: is nested too deep",
    ),
    "long integer": (
        f'[{TALK}, {{"mapping": {{}}, "x": {"9" * 5000}}}]',
        "conversation 2: holds an integer of 5000",
    ),
    "nan": (f'[{TALK}, {{"mapping": {{}}, "x": NaN}}]', "conversation 2: holds NaN"),
    "infinite": (
        f'[{TALK}, {{"mapping": {{}}, "x": 1e999}}]',
        "conversation 2: holds a number that is too large",
    ),
    "twice": (f'[{TALK}, {{"mapping": {{}}, "x": 1, "x": 2}}]', "conversation 2: has the key 'x' twice"),
    "cut": (f"[{TALK}, {TALK[:-30]}", "conversation 2: is cut"),
    "cut before the end": (f"[{TALK}", "the first element of - is cut"),
    "comma": (f"[{TALK},]", "conversation 2: is missing"),
    "more": (f"[{TALK}] []", "after its end"),
    "stranger": (f'[{TALK}, {{"a": 1}}]', "conversation 2: is none of ChatGPT's"),
    "no object": (f"[{TALK}, 7]", "conversation 2: is a JSON int"),
    "surrogate": (
        "[" + TALK.replace("Hi.", "\\ud800") + "]",
        "conversation 1, message m1: the message holds a lone",
    ),
    "nul": (
        "[" + TALK.replace("Hi.", "\\u0000 a") + "]",
        "conversation 1, message m1: the message holds a NUL",
    ),
    "time": ("[" + TALK.replace("1717236000.0", "1e300") + "]", "conversation 1: 1e+300 is no time"),
    "circle": ("[" + TALK.replace('"parent": "root"', '"parent": "n-m1"') + "]", "their own parents"),
    "unknown": ('[{"a": 1}]', "no export of ChatGPT"),
    "empty": ("[]", "empty list"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_export_is_refused_with_its_place(hmlr: HMLRClient, name: str) -> None:
    text, reason = BROKEN[name]
    assert reason in await refused(hmlr, text.encode())


@pytest.mark.parametrize("name", ["deep", "cut", "nan"])
async def test_a_broken_file_in_an_archive_is_named(hmlr: HMLRClient, name: str) -> None:
    text, reason = BROKEN[name]
    assert f"x/conversations-7.json: {reason}" in await refused(
        hmlr, zipped({"x/conversations-7.json": text})
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
async def test_an_export_in_another_encoding_is_refused(hmlr: HMLRClient, encoding: str) -> None:
    text = json.dumps([chatgpt("c1", said("m1", "user", "Zoë"))], ensure_ascii=False)
    assert "UTF-8" in await refused(hmlr, text.encode(encoding))
    assert "UTF-8" in await refused(hmlr, zipped({"conversations.json": text.encode(encoding)}))


async def test_the_rest_is_taken_when_asked_for(hmlr: HMLRClient) -> None:
    bad = {**chatgpt("c2", said("m2", "user", "x")), "create_time": "soon"}
    data = json.dumps([bad, GOOD]).encode()
    report = await hmlr.import_chats(io.BytesIO(data), skip_bad=True)
    assert report.stored == 1
    assert report.bad == ("conversation 1: 'soon' is no ISO 8601 date or time such as 2023-05-08T13:56",)


async def test_an_import_that_was_cut_short_goes_on_where_it_was(hmlr: HMLRClient) -> None:
    talks = [chatgpt(f"c{number}", said(f"m{number}", "user", "Hi.")) for number in range(9)]
    data = json.dumps(talks).encode()

    def stop(_: int, left: list[int] = [4]) -> None:  # noqa: B006 - counts over its calls
        left[0] -= 1
        if not left[0]:
            raise KeyError

    with pytest.raises(KeyError):
        await hmlr.import_chats(io.BytesIO(data), progress=stop)
    assert len(await hmlr.turns()) == 4
    report = await hmlr.import_chats(io.BytesIO(data))
    assert (report.stored, report.repeated) == (5, 4)


async def test_a_large_export_does_not_need_its_size_in_memory(hmlr: HMLRClient, tmp_path: Path) -> None:
    words = [said(f"m{number}", "assistant", "word " * 20_000) for number in range(20)]
    talks = [chatgpt(f"c{number}", *words) for number in range(figure(10, 50))]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(talks), encoding="utf-8")
    size = path.stat().st_size
    del talks
    tracemalloc.start()
    report = await hmlr.import_chats(path, format="claude", skip_bad=True)  # reads all and stores nothing
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(report.bad) == figure(10, 50)
    assert peak < size / 1.5
