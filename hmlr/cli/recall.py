"""`recall` and `context`: what memory has on a question."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call
from hmlr.cli.naming import block_id, owner, turn_id
from hmlr.cli.options import AsOf, Json, KnownAt, Session, Since, Until, check_question
from hmlr.cli.output import day, emit_json, moment, one_line, printable
from hmlr.cli.progress import degraded
from hmlr.cli.streams import dim, emit, note
from hmlr.records import BlockId, SessionId

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.records import Hit, Miss, OutdatedFact

Query = Annotated[str, typer.Argument(help="A question or some words.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Most hits.")]
Speaker = Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Said by.")]
Topic = Annotated[str | None, typer.Option("--block", metavar="ID", help="Topic.")]
Budget = Annotated[
    int | None, typer.Option("--budget", metavar="TOKENS", help="Size of the result; 4 characters a token.")
]


class Kind(StrEnum):
    """What a hit can be."""

    TURN = "turn"
    PARAGRAPH = "paragraph"
    SENTENCE = "sentence"
    BLOCK = "block"
    FACT = "fact"
    DOSSIER = "dossier"


async def recall(
    call: Call,
    query: Query,
    *,
    limit: Limit = None,
    budget: Budget = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    since: Since = None,
    until: Until = None,
    kind: Annotated[list[Kind] | None, typer.Option("--kind", help="Only these; repeatable.")] = None,
    speaker: Speaker = None,
    session: Session = None,
    block: Topic = None,
    explain: Annotated[bool, typer.Option("--explain", help="Why each hit was found.")] = False,
    json: Json = False,
) -> None:
    """Find memories, best first."""
    async with call.client() as client:
        block = block and await block_id(client, block)
        hits = await client.recall(
            check_question(query),
            limit=limit,
            budget_tokens=budget,
            as_of=as_of,
            known_at=known_at,
            kinds=[each.value for each in kind] if kind else None,
            since=since,
            until=until,
            session_id=session,
            block_id=block,
            speaker=owner(speaker),
            explain=explain,
        )
        hint = "" if hits else await _nobody(client, session, block)
    if json:
        emit_json(hits)
        return
    emit("\n\n".join(_hit(rank, hit) for rank, hit in enumerate(hits, start=1)) or "nothing found")
    if hint:
        note(dim(hint))
    degraded(hits.degraded, call.settings)


async def why_not(
    call: Call,
    query: Query,
    turn: Annotated[str, typer.Argument(help="Id of the turn, or how it begins.")],
    *,
    limit: Limit = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    since: Since = None,
    until: Until = None,
    speaker: Speaker = None,
    session: Session = None,
    block: Topic = None,
    json: Json = False,
) -> None:
    """Say why a turn is not found: its place in the ranking, and what keeps it from being a hit."""
    async with call.client() as client:
        miss = await client.why_not(
            check_question(query),
            await turn_id(client, turn),
            limit=limit,
            as_of=as_of,
            known_at=known_at,
            since=since,
            until=until,
            session_id=SessionId(session) if session else None,
            block_id=BlockId(await block_id(client, block)) if block else None,
            speaker=owner(speaker),
        )
    if json:
        emit_json(miss)
    else:
        emit(_miss(miss))


async def context(
    call: Call, query: Query, budget: Budget = None, session: Session = None, json: Json = False
) -> None:
    """Print what memory would put into a prompt: constraints, facts and memories within a budget."""
    async with call.client() as client:
        found = await client.context(check_question(query), budget_tokens=budget, session_id=session)
    if json:
        emit_json(found)
        return
    emit(printable(found.text))
    degraded(found.degraded, call.settings)


def _miss(miss: Miss) -> str:
    place = "no place" if miss.rank is None else f"place {miss.rank}"
    shares = ", ".join(f"{name} {value:+.2f}" for name, value in miss.signals.items() if value)
    lines = [f"{place} of {miss.of}: {miss.reason}", *([f"   why: {shares}"] if shares else [])]
    return "\n".join(lines)


async def _nobody(client: HMLRClient, session: str | None, block: str | None) -> str:
    """Why nothing can be found where it was looked for, "" when that place is known."""
    if session is not None and not await client.turns(session_id=session, limit=1):
        return f"there is no session {one_line(session)}"
    if block is not None and all(each.block_id != block for each in await client.blocks()):
        return f"there is no topic {one_line(block)}; `blocks` lists them with their ids"
    return ""


def _hit(rank: int, hit: Hit) -> str:
    source = hit.sources[0] if hit.sources else None
    who = (source.speaker or source.role) if source else hit.kind
    lines = [
        f"{rank}. {moment(hit.occurred_at)}  {one_line(who)}  {hit.kind} {hit.node_id}  {hit.score:.2f}",
        *(f"   {line}" for line in printable(hit.text).splitlines()),
    ]
    lines += [f"   {tag.kind} there: {one_line(tag.text)}" for tag in hit.tags]
    lines += [f"   {_outdated(each)}" for each in hit.outdated]
    if hit.why:
        lines.append(f"   why: {one_line(hit.why, 1000)}")
    return "\n".join(lines)


def _outdated(fact: OutdatedFact) -> str:
    since = f" since {day(fact.until)}" if fact.until else ""
    mark = f"no longer so{since}" if fact.state == "superseded" else "never was so"
    why = f" ({one_line(fact.reason)})" if fact.reason else ""
    return f"{mark}: {one_line(fact.statement)}{why}"
