"""What a question says: its words and terms, the kinds of facts it asks for, and whom it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE, word_set
from hmlr.language.dates import TimeQuery, find_dates, question_time
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.about import relatives_asked
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.kinds import PHRASES, SECRET_WORDS, families_asked

_SPELLINGS = {
    "color": "colour",
    "colors": "colour",
    "colours": "colour",
    "favorite": "favourite",
    "fave": "favourite",
}
_WORD = re.compile(r"[\w'-]+")
# "Where does Ingrid live?", "Bob's job": a name asked about.
_ASKED_OF = re.compile(
    r"\b(?i:does|did|is|are|was|were|has|have|had|can|could|will|would|should|where's|what's|who's|about|of|"
    r"for) (?!I\b)(?P<name>[A-Z][\w-]+)|(?<![.!?] )(?<!^)\b(?P<whose>[A-Z][\w-]+)'s\b|"
    r"^(?P<first>(?!(?:Wh|How|That|It|There|Here|Let)\w*')[A-Z][\w-]+)'s (?!(?:the|a|an|my|it)\b)"
)
_RELATIVE = re.compile(rf"\bmy (?:[a-z]+ )?({'|'.join(sorted(RELATIONS_ONE | RELATIONS_MANY))})(?:'?s)?\b")
CALLED = re.compile(r"\b(?:called|named)\b", re.IGNORECASE)
_I = word_set("i my me mine our we us")


@dataclass(frozen=True)
class Question:
    """A question as facts are compared with it."""

    text: str  # without the words for days
    words: frozenset[str]  # as written, lower case
    terms: frozenset[str]
    alias_terms: frozenset[str]
    families: frozenset[int]  # of keys, that the words ask for
    owner: bool  # speaks of the owner
    others: bool  # asks about somebody else, by name or as the owner's relative
    people: frozenset[str]  # the terms of their names
    relatives: frozenset[str]  # of the owner, as the question calls them
    secret: bool  # asks for a secret
    time: TimeQuery | None = None  # the days that it names
    shared: frozenset[str] = frozenset()  # names of those relatives that other persons have too
    meant: frozenset[str] = frozenset()  # the subjects under which facts of those relatives stand
    about: tuple[frozenset[str], ...] = ()  # terms; what answers it holds one of each group


def read(question: str, aliases: AliasIndex, now: datetime | None = None) -> Question:
    """Read a question; `aliases` tell the other names of what it names, `now` which days it names."""
    time, question = _timed(question, now)
    written = [_SPELLINGS.get(word, word) for word in _WORD.findall(question.lower().replace("’", "'"))]
    words = frozenset(written) | {word.removesuffix("'s") for word in written}
    # "What is the team called?" asks for a name; whatever else was called something is not asked for.
    question = CALLED.sub(" ", question)
    words |= {f"{one}_{other}" for one, other in pairwise(written)} & PHRASES
    others = aliases.expand(question)
    asked_of = [found["name"] or found["whose"] or found["first"] for found in _ASKED_OF.finditer(question)]
    relatives = relatives_asked(question)
    # "What does my husband do?" speaks of the owner only to say whose husband it is.
    about_owner = not _I.isdisjoint(_WORD.findall(_RELATIVE.sub("", question.lower())))
    return Question(
        text=question,
        words=words,
        terms=frozenset(query_terms(" ".join(_SPELLINGS.get(w.lower(), w) for w in question.split()))),
        alias_terms=frozenset(term for name in others for term in query_terms(name)),
        families=families_asked(words),
        owner=not _I.isdisjoint(words),
        others=not about_owner and bool(asked_of or relatives),
        people=frozenset(term for name in asked_of for term in query_terms(name)),
        relatives=frozenset(relatives),
        secret=not SECRET_WORDS.isdisjoint(words),
        time=time,
    )


def _timed(question: str, now: datetime | None) -> tuple[TimeQuery | None, str]:
    """The days that a question names, and the question without the words for them: they are no content."""
    if now is None:
        return None, question
    text = question
    for span in reversed(find_dates(question, now)):
        text = f"{text[: span.at[0]]} {text[span.at[1] :]}"
    return question_time(question, now), text
