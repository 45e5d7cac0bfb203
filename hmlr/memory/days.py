"""The days on which something was said: day, then topic, then turn. Days are those of UTC, in event time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from hmlr.core.tasks.answer.talks import MAX_QUOTE_CHARS, MAX_QUOTES, Talk, Talks, asked_talks
from hmlr.errors import InvalidInput
from hmlr.memory.intake import check_time
from hmlr.records import BlockId, Day, DayTopic, DayView, Turn, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import DayCount, TurnQuery

MAX_TALK_TURNS = 500  # of the time that is asked for; a day has fewer
_EPOCH = date(1970, 1, 1)


class DayDesk:
    """Days of one user."""

    def __init__(self, store: Store, user: UserId) -> None:
        self._store = store
        self._user = user

    async def days(self, since: datetime | None = None, until: datetime | None = None) -> list[Day]:
        """The days with turns, the latest first."""
        for name, moment in (("since", since), ("until", until)):
            if moment is not None:
                check_time(moment, what=name)
        counts = await self._store.day_counts(self._user, since=since, until=until)
        return list(reversed(arranged(counts, await self._labels())))

    async def day(self, day: date) -> DayView:
        """One day with its turns; an empty one when nothing was said."""
        if isinstance(day, datetime):
            raise InvalidInput("a day is a date without a time", hint="Give moment.date()")
        since = datetime(day.year, day.month, day.day, tzinfo=UTC)
        try:
            until = since + timedelta(days=1)
        except OverflowError as error:
            raise InvalidInput(f"{day} is out of range") from error
        counts = await self._store.day_counts(self._user, since=since, until=until)
        found = arranged(counts, await self._labels())
        turns = await self._store.turns(self._user, TurnQuery(since=since, until=until))
        return DayView(
            day=found[0] if found else Day(date=day, turn_count=0, topics=()), turns=_by_topic(turns)
        )

    async def talks(self, message: str, now: datetime, *, but: TurnId) -> Talks | None:
        """What was talked about in the time that a message asks for; None when it asks for something else.

        `but` is the turn that asks.
        """
        time = asked_talks(message, now)
        if time is None or time.since is None or time.until is None:
            return None
        query = TurnQuery(since=time.since, until=time.until, limit=MAX_TALK_TURNS)
        turns = [turn for turn in await self._store.turns(self._user, query) if turn.turn_id != but]
        labels = await self._labels()
        days: dict[date, list[Turn]] = {}
        for turn in sorted(turns, key=lambda turn: (turn.occurred_at, turn.seq)):
            days.setdefault(turn.occurred_at.date(), []).append(turn)
        topics = tuple(
            Talk(
                date=day,
                label=labels.get(block_id, "") if block_id is not None else "",
                turn_count=len(of_topic),
                quotes=_quotes(of_topic),
            )
            for day, of_day in days.items()
            for block_id, of_topic in _by_topic(of_day).items()
        )
        return Talks(words=time.span.text, since=time.since, until=time.until, topics=topics)

    async def _labels(self) -> dict[BlockId, str]:
        return {stored.block.block_id: stored.block.label for stored in await self._store.blocks(self._user)}


def arranged(counts: Iterable[DayCount], labels: Mapping[BlockId, str]) -> list[Day]:
    """The days in order; the sessions of a topic on one day are taken together."""
    topics: dict[int, dict[BlockId | None, DayTopic]] = {}
    for count in counts:
        of_day = topics.setdefault(count.day, {})
        here = DayTopic(
            block_id=count.block_id,
            label=labels.get(count.block_id, "") if count.block_id is not None else "",
            turn_count=count.turns,
            sessions=(count.session_id,),
            started_at=count.started_at,
            last_at=count.last_at,
        )
        before = of_day.get(count.block_id)
        of_day[count.block_id] = here if before is None else _together(before, here)
    return [
        Day(
            date=_EPOCH + timedelta(days=day),
            turn_count=sum(topic.turn_count for topic in found.values()),
            topics=tuple(sorted(found.values(), key=lambda topic: topic.started_at)),
        )
        for day, found in sorted(topics.items())
    ]


def _together(one: DayTopic, other: DayTopic) -> DayTopic:
    return replace(
        one,
        turn_count=one.turn_count + other.turn_count,
        sessions=(*one.sessions, *other.sessions),
        started_at=min(one.started_at, other.started_at),
        last_at=max(one.last_at, other.last_at),
    )


def _quotes(turns: Sequence[Turn]) -> tuple[str, ...]:
    """What was said first, cut to a line each; of a message that opens a turn."""
    said = (" ".join(turn.messages[0].content.split()) for turn in turns if turn.messages)
    short = (
        text if len(text) <= MAX_QUOTE_CHARS else f"{text[: MAX_QUOTE_CHARS - 1].rstrip()}…" for text in said
    )
    return tuple(islice(short, MAX_QUOTES))


def _by_topic(turns: Iterable[Turn]) -> Mapping[BlockId | None, tuple[Turn, ...]]:
    found: dict[BlockId | None, list[Turn]] = {}
    for turn in sorted(turns, key=lambda turn: (turn.occurred_at, turn.seq)):
        found.setdefault(turn.block_id, []).append(turn)
    return {block_id: tuple(of_topic) for block_id, of_topic in found.items()}
