"""The tools that read a memory and add to it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field

from hmlr.records import FactState, Message
from hmlr.server.mcp.erasing import ERASING
from hmlr.server.mcp.fact_results import DossiersResult, FactsResult, ProfileResult, TimelineResult
from hmlr.server.mcp.results import ContextResult, DayResult, DeepResult, RecallResult, RememberResult
from hmlr.server.mcp.tool import Arguments, Id, Moment, Tool, Words

if TYPE_CHECKING:
    from hmlr.client import HMLRClient

SESSION = "mcp"  # of all that tools store, so that it can be forgotten together
MAX_TEXT = 100_000  # characters of one message; the setting max_message_chars may allow fewer

Limit = Annotated[int, Field(ge=1, le=200)]
Budget = Annotated[int, Field(ge=100, le=20_000, description="tokens")]


class Recall(Arguments):
    """Arguments of `recall`."""

    query: Words
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    budget_tokens: Budget = 2000
    since: Moment | None = None
    until: Moment | None = None
    as_of: Annotated[Moment | None, Field(description="as things stood then")] = None


class ContextFor(Arguments):
    """Arguments of `context`."""

    query: Words
    budget_tokens: Budget = 2000


class Facts(Arguments):
    """Arguments of `facts`."""

    subject: Annotated[Words | None, Field(description='a name; "user" is the user')] = None
    key: Words | None = None
    kind: Annotated[Words | None, Field(description='such as "pets" or "allergies"')] = None
    as_of: Annotated[Moment | None, Field(description="as things stood then")] = None
    past: Annotated[bool, Field(description="also those that no longer hold")] = False
    limit: Limit = 50


class Nothing(Arguments):
    """A tool without arguments."""


class Dossiers(Arguments):
    """Arguments of `dossiers`."""

    dossier_id: Annotated[Id | None, Field(description="one, with its facts")] = None
    limit: Limit = 20


class TimelineOf(Arguments):
    """Arguments of `timeline`."""

    entity: Annotated[Words, Field(description='a name; "user" is the user')]
    limit: Limit = 50


class DayOf(Arguments):
    """Arguments of `day`."""

    day: Annotated[date, Field(description="UTC")]
    limit: Annotated[int, Field(ge=1, le=200, description="turns")] = 30


class DeepRecall(Arguments):
    """Arguments of `deep_recall`."""

    question: Words
    budget_tokens: Annotated[int, Field(ge=500, le=50_000)] = 8000


class Remember(Arguments):
    """Arguments of `remember`."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    occurred_at: Annotated[Moment | None, Field(description="when it was said; default now")] = None


class RememberAs(Remember):
    """Arguments of `remember` for a host that is trusted with the user's words."""

    role: Annotated[
        Literal["user", "assistant"], Field(description="user: the user's own words, verbatim")
    ] = "assistant"


async def _recall(client: HMLRClient, given: Recall) -> RecallResult:
    found = await client.recall(
        given.query,
        limit=given.limit,
        budget_tokens=given.budget_tokens,
        since=given.since,
        until=given.until,
        as_of=given.as_of,
    )
    return RecallResult.of(found)


async def _context(client: HMLRClient, given: ContextFor) -> ContextResult:
    return ContextResult.of(await client.context(given.query, budget_tokens=given.budget_tokens))


async def _facts(client: HMLRClient, given: Facts) -> FactsResult:
    states: tuple[FactState, ...] = get_args(FactState) if given.past else ("active",)
    found = await client.facts(
        subject=given.subject, key=given.key, kind=given.kind, as_of=given.as_of, states=states
    )
    return FactsResult.of(found, given.limit)


async def _profile(client: HMLRClient, given: Nothing) -> ProfileResult:
    return ProfileResult.of(await client.profile())


async def _dossiers(client: HMLRClient, given: Dossiers) -> DossiersResult:
    if given.dossier_id is not None:
        return DossiersResult.one(await client.dossier(given.dossier_id), given.limit)
    return DossiersResult.of(await client.dossiers(), given.limit)


async def _timeline(client: HMLRClient, given: TimelineOf) -> TimelineResult:
    return TimelineResult.about(await client.timeline(given.entity), given.limit)


async def _day(client: HMLRClient, given: DayOf) -> DayResult:
    return DayResult.of(await client.day(given.day), given.limit)


async def _deep_recall(client: HMLRClient, given: DeepRecall) -> DeepResult:
    return DeepResult.of(await client.deep_recall(given.question, budget_tokens=given.budget_tokens))


async def _remember(client: HMLRClient, given: Remember) -> RememberResult:
    role = given.role if isinstance(given, RememberAs) else "assistant"
    said = Message(content=given.text, role=role, occurred_at=given.occurred_at)
    return RememberResult.of(await client.remember([said], session_id=SESSION), role)


READING: tuple[Tool[Any], ...] = (
    Tool(
        name="recall",
        text="Search what was said in earlier conversations.",
        arguments=Recall,
        result=RecallResult,
        run=_recall,
    ),
    Tool(
        name="context",
        text="What bears on a question, ready for a prompt: constraints first, then facts and memories.",
        arguments=ContextFor,
        result=ContextResult,
        run=_context,
    ),
    Tool(
        name="facts",
        text="Known facts, each with its source quote; filter by subject, key or kind.",
        arguments=Facts,
        result=FactsResult,
        run=_facts,
    ),
    Tool(
        name="profile",
        text="What always holds for the user: constraints, identity, preferences, projects.",
        arguments=Nothing,
        result=ProfileResult,
        run=_profile,
    ),
    Tool(
        name="dossiers",
        text="Summaries by theme; with dossier_id that one and its facts.",
        arguments=Dossiers,
        result=DossiersResult,
        run=_dossiers,
    ),
    Tool(
        name="timeline",
        text="All facts of a person or thing in order of time, outdated ones too; cut to the latest.",
        arguments=TimelineOf,
        result=TimelineResult,
        run=_timeline,
    ),
    Tool(
        name="day",
        text="What was said on one day, by topic.",
        arguments=DayOf,
        result=DayResult,
        run=_day,
    ),
    Tool(
        name="deep_recall",
        text="Answer a question that takes several steps, with citations. Slower than recall.",
        arguments=DeepRecall,
        result=DeepResult,
        run=_deep_recall,
    ),
)


def remembering(*, owner_words: bool) -> Tool[Any]:
    """The tool that stores; only with `owner_words` it may store as the user's own words."""
    return Tool(
        name="remember",
        text="Store a text for later conversations.",
        arguments=RememberAs if owner_words else Remember,
        result=RememberResult,
        run=_remember,
        reads=False,
    )


def offered(*, destructive: bool, owner_words: bool) -> tuple[Tool[Any], ...]:
    """The tools that a door offers."""
    return (*READING, remembering(owner_words=owner_words), *(ERASING if destructive else ()))
