"""Many calls at once on one client lose nothing and see nothing of each other (F21)."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import ClosedError, InvalidInput
from hmlr.records import Receipt
from hmlr.testing import hash_embedder
from tests.faults.doors import door, said, settled
from tests.faults.figures import figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(figure(900, 7200))]

TASKS = 64


async def test_64_chats_at_once_lose_nothing(db_path: Path) -> None:
    texts = [f"The API key for service{number} is key-{number}-abc." for number in range(TASKS)]
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        replies = await asyncio.gather(
            *(hmlr.chat(text, session_id=f"s{number % 8}") for number, text in enumerate(texts))
        )
        assert not any(reply.degraded for reply in replies)
        await settled(hmlr)
        turns = await hmlr.turns()
        assert [turn.seq for turn in turns] == list(range(1, TASKS + 1))
        by_id = {turn.turn_id: turn for turn in turns}
        for text, reply in zip(texts, replies, strict=True):
            question, answer = by_id[reply.turn_id].messages
            assert (question.content, answer.content) == (text, reply.text)
            assert by_id[reply.turn_id].block_id
        blocks = await hmlr.blocks()
        assert sum(block.turn_count for block in blocks) == TASKS
        assert [block.state for block in blocks].count("ACTIVE") == 1
        stats = await hmlr.stats()
        assert (stats.jobs_waiting, stats.jobs_failed) == (0, 0)
        values = Counter(fact.value for fact in await hmlr.facts())
        assert values == Counter(f"key-{number}-abc" for number in range(TASKS))


async def test_half_of_the_tasks_raise_and_the_others_lose_nothing(db_path: Path) -> None:
    rounds = figure(4, 10_000)
    async with door(db_path) as hmlr:
        kept: set[str] = set()
        for lap in range(rounds):
            calls = [_call(hmlr, f"{lap}-{number}", number) for number in range(TASKS)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            for number, outcome in enumerate(outcomes):
                if number % 2:
                    assert isinstance(outcome, InvalidInput)
                else:
                    assert isinstance(outcome, Receipt)
                    kept |= {f"{lap}-{number} {part}" for part in range(3)}
        assert Counter(await said(hmlr)) == Counter(kept)
    print(f"F21: {rounds:,} rounds of {TASKS} calls, half of them raising: 0 of {len(kept):,} messages lost")


async def _call(hmlr: HMLRClient, name: str, number: int) -> Receipt:
    """Remember three messages; every other call fails at its last one, or with a wrong option."""
    messages = [Message(content=f"{name} {part}") for part in range(3)]
    match number % 4:
        case 1:
            messages[2] = Message(content="\ud800")
        case 3:
            await hmlr.recall(name, limit=0)
    return await hmlr.remember(messages)


async def test_several_clients_of_one_user_share_a_database(db_path: Path) -> None:
    async with door(db_path) as one, door(db_path) as two, door(db_path) as three:
        clients = (one, two, three)
        await asyncio.gather(*(clients[n % 3].chat(f"message {n}", session_id=f"s{n}") for n in range(30)))
        await asyncio.gather(*(settled(client) for client in clients))
        turns = await one.turns()
        assert sorted(turn.messages[0].content for turn in turns) == sorted(f"message {n}" for n in range(30))
        assert all(turn.block_id and len(turn.messages) == 2 for turn in turns)
        assert [block.state for block in await two.blocks()].count("ACTIVE") == 1


async def test_calls_on_a_closed_client_say_so(db_path: Path) -> None:
    client = door(db_path)
    async with client:
        await client.chat("hello")
    for call in (client.chat("hello"), client.recall("hello"), client.facts(), client.flush()):
        with pytest.raises(ClosedError, match="not open"):
            await call


async def test_two_corrections_at_once_leave_one_turn(db_path: Path) -> None:
    async with door(db_path) as one, door(db_path) as two:
        await one.remember([Message(content="I live in Oslo.")])
        await settled(one)
        (fact,) = await one.facts(key="lives_in")
        outcomes = await asyncio.gather(
            *(each.correct(fact.fact_id, "Bergen") for each in (one, two, one, two)), return_exceptions=True
        )
        assert sum(isinstance(outcome, InvalidInput) for outcome in outcomes) == 3
        assert [each for each in await said(one) if each.startswith("Correction")] == [
            "Correction: " + (await said(one))[-1].removeprefix("Correction: ")
        ]
        assert [each.value for each in await one.facts(key="lives_in")] == ["Bergen"]
