"""A memory in which everything is that can be moved, and what must be the same afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hmlr import HMLRClient
from hmlr.core.moving import Move, Progress
from hmlr.core.services import open_store
from hmlr.records import MoveReport, Usage, UserId
from hmlr.settings import Settings
from hmlr.store.move_records import Tally
from hmlr.store.port import Store
from hmlr.store.records import PutFact
from hmlr.testing import hash_embedder
from tests.faults.doors import START, Clock, door, settled
from tests.gardens import sow
from tests.store.making import fact, turn

ADA, BOB, CAROL, DAN = (UserId(name) for name in ("ada", "bob", "carol", "dan"))
USERS = (ADA, BOB, CAROL, DAN)
RAISED = "I moved to Bergen."


def client(place: Path | str, user: str = ADA) -> HMLRClient:
    """A client whose search has vectors; its clock stands a year after what is in the memory."""
    clock = Clock(START + timedelta(days=400))
    return door(
        Path(place) if "://" not in str(place) else place, user, clock=clock, embedder=hash_embedder()
    )  # type: ignore[arg-type]


async def opened(place: Path | str) -> Store:
    """The store at a place."""
    return await open_store(Settings.load(db_path=str(place)))


async def enrich(path: Path) -> None:
    """Ada has all there is; Bob some; Carol has forgotten everything; of Dan there is only what he spent."""
    await sow(path, 8, user=ADA)
    await sow(path, 3, user=BOB, seed=9)
    async with client(path) as ada:
        await ada.chat("I live in Oslo.", session_id="s1", idempotency_key="k1")
        secret = await ada.chat("The code of my bike is 4711.", session_id="s1")
        await ada.chat(RAISED, session_id="s2")
        await settled(ada)
        await ada.garden()
        first, second = (await ada.dossiers())[:2]
        await ada.rename_dossier(first.dossier_id, "All of it")
        await ada.merge_dossiers(second.dossier_id, first.dossier_id)
        await ada.rename_block((await ada.blocks())[0].block_id, "Home")
        (home, *_) = await ada.facts(key="limit")
        await ada.retire(home.fact_id, "no longer")
        await ada.forget(turn_id=secret.turn_id)
        await ada.access.issue(user_id=ADA, name="phone")
        await ada.access.revoke((await ada.access.issue(name="office")).token.token_id)
    async with client(path, BOB) as bob:
        await settled(bob)
    async with client(path, CAROL) as carol:
        await carol.chat("Nothing of this stays.")
        await carol.forget(everything=True)
    store = await opened(path)
    await store.book(DAN, START.date(), Usage(calls=2, input_tokens=5, output_tokens=6, cost_usd=0.125))
    await store.add_turns(BOB, [turn("Later", jobs=("scrub",)), turn("Much later", jobs=("scrub", "embed"))])
    (taken,) = await store.claim(BOB, "scrub", limit=1, lease_s=1e6, now=START)
    await store.claim(BOB, "embed", limit=1, lease_s=1e6, now=START)
    await store.fail(BOB, [taken], error="it went wrong", retry_at=None)
    await store.aclose()


async def tallies(place: Path | str) -> dict[UserId, Tally]:
    """What each user has."""
    store = await opened(place)
    try:
        return {user: await store.tally(user) for user in await store.every_user()}
    finally:
        await store.aclose()


async def exports(place: Path | str, folder: Path) -> dict[UserId, bytes]:
    """What `export` writes for each user."""
    folder.mkdir()
    found = {}
    async with client(place) as hmlr:
        for user in USERS:
            async with hmlr.as_user(user) as one:
                await one.export(folder / user)
            found[user] = (folder / user).read_bytes()
    return found


async def small(store: Store) -> None:
    """Ada with two turns and a fact, Bob with one turn."""
    first, _ = await store.add_turns(ADA, [turn("Oslo is home"), turn("I like it")])
    await store.apply(ADA, [PutFact(fact=fact(first.turn_id))])
    await store.add_turns(BOB, [turn("Bergen")])


async def run(
    source: Store, target: Store, only: UserId | None = None, progress: Progress = lambda _, __: None
) -> MoveReport:
    """Move between open stores."""
    return await Move(source, target, clock=Clock(), progress=progress or (lambda _, __: None)).run(only)


class Stop(Exception):
    """The move was ended from outside."""


def stopping(after: int) -> Progress:
    """Ends the move when so many steps are done."""

    def progress(done: int, total: int) -> None:
        if done >= after:
            raise Stop

    return progress
