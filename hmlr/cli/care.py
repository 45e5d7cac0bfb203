"""Care of the memory: forget, move, rebuild, look after it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError, UsageError
from hmlr.cli.naming import fact_id, owner, turn_id
from hmlr.cli.options import Json, Since, Until
from hmlr.cli.output import emit_json, moment, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import emit
from hmlr.errors import HMLRError

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.records import Certificate, Health, Stats

OutFile = Annotated[str, typer.Argument(metavar="FILE", help="The file to write.")]
InFile = Annotated[str, typer.Argument(metavar="FILE", help="A file that `export` wrote.")]


async def forget(
    call: Call,
    *,
    turn: Annotated[str | None, typer.Option("--turn", metavar="ID", help="One turn.")] = None,
    fact: Annotated[str | None, typer.Option("--fact", metavar="ID", help="One fact and its words.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="A session.")] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", metavar="NAME", help="The turns of one speaker, or of a role.")
    ] = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[bool, typer.Option("--everything", help="All of this user.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase something for good, from every index and file. There is no way back.

    With --speaker go the turns that one opened, all or those of a time. Backups and exports made before
    still hold what is erased: delete them, too.
    """
    named = {"turn": turn, "fact": fact, "session": session, "the turns of": owner(speaker)}
    chosen = [f"{name} {value}" for name, value in named.items() if value is not None]
    if everything:
        chosen.append(f"everything of the user {call.settings.user}")
    if len(chosen) != 1:
        raise UsageError(
            "name one thing to forget", hint="Give one of --turn, --fact, --session, --speaker, --everything"
        )
    if speaker is None and (since or until):
        raise UsageError("--since and --until bound the turns of a speaker", hint="Add --speaker")
    bounds = [f" {word} {moment(at)}" for word, at in (("from", since), ("up to", until)) if at is not None]
    if not yes:
        _refuse_without_terminal()
    async with call.client() as client:
        turn = turn and await turn_id(client, turn)
        fact = fact and await fact_id(client, fact)
        if not yes:
            await _confirm(client, "".join((chosen[0], *bounds)), fact)
        certificate = await client.forget(
            turn_id=turn,
            fact_id=fact,
            session_id=session,
            speaker=owner(speaker),
            since=since,
            until=until,
            everything=everything,
        )
        again = [] if json else await _active_again(client, certificate)
    emit_json(certificate) if json else emit("\n".join((_certified(certificate), *again)))


async def _active_again(client: HMLRClient, certificate: Certificate) -> list[str]:
    """A line for each fact that holds again, since what had taken its place is gone."""
    from hmlr.memory.facts.statement import state  # not needed for help

    wanted = set(certificate.facts_restored)
    found = [fact for fact in await client.facts() if fact.fact_id in wanted] if wanted else []
    return [f"active again: {one_line(state(fact), 200)} ({fact.fact_id})" for fact in found]


async def export(call: Call, file: OutFile, json: Json = False) -> None:
    """Write everything of this user to a file."""
    async with call.client() as client:
        with counting("export", None):
            count = await client.export(file)
    emit_json({"records": count}) if json else emit(f"{count} records written to {one_line(file)}")


async def import_(call: Call, file: InFile, json: Json = False) -> None:
    """Take in an exported file, all or nothing; what is known already is not stored twice."""
    async with call.client(creates=True) as client:
        with counting("import", None):
            count = await client.import_(file)
        await call.finish(client)
    emit_json({"records": count}) if json else emit(f"{count} records were new")


async def rebuild(call: Call, json: Json = False) -> None:
    """Derive facts, topics and indexes anew from the stored turns and your own edits."""
    async with call.client() as client:
        with counting("rebuild", None):
            count = await client.rebuild()
        await call.finish(client)
    emit_json({"messages": count}) if json else emit(f"rebuilt from {count} messages")


async def retry(call: Call, json: Json = False) -> None:
    """Run failed background jobs again."""
    async with call.client() as client:
        count = await client.retry()
        await call.finish(client)
    emit_json({"jobs": count}) if json else emit(f"{count} failed jobs are due again")


async def stats(call: Call, json: Json = False) -> None:
    """Count what is stored."""
    async with call.client() as client:
        found = await client.stats()
    if json:
        emit_json(found)
        return
    states = ", ".join(f"{count} {state}" for state, count in found.facts.items()) or "0"
    rows = {
        "turns": found.turns,
        "messages": found.messages,
        "paragraphs": found.chunks,
        "vectors": found.vectors,
        "topics": found.blocks,
        "facts": states,
        "dossiers": f"{found.dossiers}, with {found.dossier_facts} facts",
        "tags and section rules": found.tags,
        "topics to garden": f"{found.topics_waiting}, of these {found.topics_failed} given up by workers"
        if found.topics_failed
        else found.topics_waiting,
        "jobs waiting": found.jobs_waiting,
        "jobs failed": found.jobs_failed,
        "model calls": _day(found),
        "database": f"{found.database_bytes / 1_000_000:.1f} MB",
    }
    emit("\n".join(f"{name:<25}{value}" for name, value in rows.items()))


def _day(found: Stats) -> str:
    """What the latest day with model calls took."""
    if not found.days:
        return "0"
    day = found.days[0]
    return f"{day.calls} on {day.day}: {day.tokens} tokens, ${day.cost_usd:.4f}"


async def audit(call: Call, json: Json = False) -> None:
    """Say how many facts are duplicates, contradicted, stale, echoes, unsourced or secret."""
    async with call.client() as client:
        with counting("audit", None):
            found = await client.audit()
    if json:
        checks = [{**vars(check), "rate": round(check.rate, 6)} for check in found.checks]
        emit_json({**vars(found), "checks": checks})
        return
    emit(f"{found.facts} facts, {found.active} of them active, from {found.turns} turns")
    for check in found.checks:
        emit(f"\n{check.name:<14}{check.count} of {check.of} ({check.rate:.1%}): {check.means}")
        for example in check.examples:
            emit(f"    {one_line(example.text, 100)}  ({example.fact_id})")


async def doctor(call: Call, json: Json = False) -> None:
    """Say what is configured, whether it works, and what to do where it does not."""
    health = await _health(call)
    if json:
        emit_json(health)
    else:
        emit("\n".join(_lines(health)))
    failed = [check.name for check in health.checks if not check.ok]
    if failed:
        raise CommandError(f"not in order: {', '.join(failed)}")


async def _health(call: Call) -> Health:
    """The checks; a database that can't be opened is one that failed."""
    from hmlr.records import Check, Health  # not needed for help

    settings = call.settings
    try:
        async with call.client(creates=True) as client:
            return await client.health()
    except HMLRError as error:
        where = f"{settings.database_shown}: {error}"
        return Health(checks=(Check(name="database", ok=False, detail=where, remedy=error.hint),))


def _lines(health: Health) -> list[str]:
    lines = []
    for check in health.checks:
        lines.append(f"{'ok' if check.ok else 'NOT OK':<8}{check.name}: {one_line(check.detail, 1000)}")
        if not check.ok and check.remedy:
            lines.append(f"{'':<8}-> {one_line(check.remedy, 1000)}")
    return lines


def _certified(certificate: Certificate) -> str:
    went = {
        "turns": certificate.turns,
        "messages": certificate.messages,
        "facts": certificate.facts,
        "vectors": certificate.vectors,
        "quotes blanked": certificate.redactions,
    }
    gardened = {
        "dossiers": len(certificate.dossiers_removed),
        "dossiers told anew": len(certificate.dossiers_changed),
        "dossier entries": certificate.dossier_entries,
        "tags": certificate.tags_removed,
        "tags cut": certificate.tags_changed,
        "garden runs that can't be undone now": certificate.runs_sealed,
    }
    went |= {name: count for name, count in gardened.items() if count}
    parts = ", ".join(f"{count} {name}" for name, count in went.items())
    files = (
        "the files hold no trace"
        if certificate.verified
        else "not proved clean, another process may hold the files: run `rebuild` when it has ended"
    )
    return f"forgotten: {parts}; {files} (certificate {certificate.certificate_id})"


def _refuse_without_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("forget asks before it erases", hint="Add --yes where nobody can answer")


async def _confirm(client: HMLRClient, what: str, fact_id: str | None) -> None:
    """Ask; of a fact show the value, since that goes wherever it stands."""
    if fact_id is not None:
        held = next(each for each in (await client.history(fact_id)).facts if each.fact_id == fact_id)
        what = f"{held.key}: {held.value}, and “{held.value}” wherever it stands in this user's memory,"
    if not typer.confirm(f"Erase {one_line(what)} for good?", err=True):
        raise CommandError("nothing was forgotten")
