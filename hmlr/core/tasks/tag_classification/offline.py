"""Tags without a model: what people say to set the terms of a topic, in a few precise forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta

from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, clauses, doubtful, sentences
from hmlr.core.tasks.tag_classification.task import (
    MAX_TAGS,
    BlockTags,
    SectionRule,
    Tag,
    TagInput,
    check,
    may_say,
)
from hmlr.core.tasks.tag_classification.wording import (
    FOR_NEXT,
    SITTINGS,
    UNTIL,
    WHOLE,
    defined,
    kind_of,
    lifted,
    limited,
    number_of,
    opens_with_until,
)
from hmlr.language.dates import find_dates
from hmlr.language.tokens import content_words


def tags_by_rule(given: TagInput) -> BlockTags:
    """The terms that the turns state in so many words; they pass the check like a model's answer."""
    tags: list[Tag] = []
    rules: list[SectionRule] = []
    for place, sentence, tag in _found(given):
        reach = _reach(given, place, sentence)
        if reach is None:
            tags.append(tag)
        else:
            first, last = (f"T{turn + 1}" for turn in reach)
            rules.append(SectionRule.model_validate({**tag.model_dump(), "first": first, "last": last}))
    return check(given, BlockTags(tags=tuple(tags[:MAX_TAGS]), section_rules=tuple(rules[:MAX_TAGS])))


def _found(given: TagInput) -> Iterator[tuple[int, Clause, Tag]]:
    """What each sentence sets, with the place of its turn."""
    for place, turn in enumerate(given.turns):
        for message in turn.messages:
            for sentence in sentences(message):
                for tag in _of_sentence(sentence):
                    if may_say(message, tag.kind):
                        yield place, sentence, tag


def _of_sentence(sentence: Clause) -> Iterator[Tag]:
    if defined(sentence.text):
        yield Tag(kind="definition", text=sentence.text, quote=sentence.quote)
    elif (WHOLE.search(sentence.text) or limited(sentence.text)) and not doubtful(sentence):
        # What begins with "until" is no clause of its own to `clauses`, but a condition.
        for clause in [sentence] if opens_with_until(sentence.text) else clauses(sentence):
            if kind := kind_of(clause.text):
                yield Tag(kind=kind, text=clause.text, quote=sentence.quote)


def _reach(given: TagInput, place: int, sentence: Clause) -> tuple[int, int] | None:
    """The first and the last turn for which the sentence holds; None for the whole block."""
    last = len(given.turns) - 1
    if limited(sentence.text):
        if found := FOR_NEXT.search(sentence.text):
            return place, min(last, max(place, place + number_of(found["count"]) - 1))
        return place, _end(given, place, sentence)
    found = WHOLE.search(sentence.text)
    if found is None or found["place"].lower() not in SITTINGS:
        return None
    sitting = given.turns[place].session_id
    within = [number for number, turn in enumerate(given.turns) if turn.session_id == sitting]
    return None if len(within) == len(given.turns) else (within[0], within[-1])


def _end(given: TagInput, place: int, sentence: Clause) -> int:
    """The last turn before what the sentence waits for is said or dated, or before its rule is lifted."""
    until = UNTIL.search(sentence.text)
    awaited = content_words(until["end"]) if until else frozenset()
    due = _ahead(until["end"], sentence.now) if until else None
    for number in range(place + 1, len(given.turns)):
        turn = given.turns[number]
        said = " ".join(message.content for message in turn.messages if message.owner)
        past = due is not None and turn.occurred_at >= due
        if past or lifted(said) or (due is None and awaited and awaited <= content_words(said)):
            return number - 1
    return len(given.turns) - 1


def _ahead(text: str, now: datetime) -> datetime | None:
    """The end of the date that the text names, read as one to come; None when it names none.

    `find_dates` reads a bare "Friday" or "3 April" as the last one, so it is asked again from further on.
    """
    for days in (0, 7, 366) if now.year < MAXYEAR - 1 else ():
        dates = find_dates(text, now + timedelta(days=days))
        if dates and dates[0].end > now:
            return dates[0].end
    return None
