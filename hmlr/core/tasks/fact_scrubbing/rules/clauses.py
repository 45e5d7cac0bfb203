"""The clauses of a message that may state a fact: questions, hypotheses, hearsay and quotes are left out.

A rule sees one clause at a time, in a normal form (straight quotes, contractions opened, the subject put
back where English leaves it out), while its quote stays the literal sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.wording import (
    CONDITION,
    DOCTOR,
    DOUBT,
    HARMLESS_CONDITION,
    HEARSAY,
    KIDDING,
    LEAD,
    STAYS_UNREAL,
    TRAILING_HEARSAY,
    mask_quoted,
    normal,
    requested,
    states,
    taken_back,
    tidy,
    unmasked,
    with_subject,
    words_of,
)
from hmlr.language.dates import find_dates
from hmlr.language.sentences import sentence_spans
from hmlr.records import OWNER, Category, StoredMessage

UNNAMED = "it"  # subject of what is said of the thing under discussion; the resolver finds its name
LAST_SAID = "what was said last"  # in place of a wrong value that is not told: "Scratch that, it's 2222"
MAX_SENTENCE = 1000  # characters; longer stretches are code, tables or pasted data, not statements
MAX_VALUE = 300  # characters of a value that a rule takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One statement in normal form with what a rule needs to know about its place."""

    text: str  # normal form, without the closing mark
    words: frozenset[str]  # its words in lower case
    quote: str  # the sentence it stands in, literally
    speaker: str  # whom "I" means: OWNER, a name, or "" when it is nobody whose facts count
    said_by_owner: bool
    now: datetime  # event time of the message
    before: str = ""  # the sentence before it in normal form, else ""
    earlier: str = ""  # the clause before it in the same sentence
    shouted_low: bool = False  # the whole message has no capital letter: names come in lower case
    taken_back: bool = False  # said to be no longer said: what it states was never right

    def draft(
        self,
        key: str,
        value: str,
        category: Category,
        *,
        subject: str = "",
        bearing: Bearing = "asserts",
        reason: str = "",
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
    ) -> Iterator[FactDraft]:
        """Yield the draft, or nothing when subject or value is empty or too long."""
        subject, value = (subject or self.speaker).strip(), tidy(unmasked(value, self.quote))
        if self.taken_back:
            if bearing not in {"asserts", "updates"}:
                return
            bearing, reason, valid_from, valid_to = "retracts", self.quote, None, None
        if subject and key and value and len(value) <= MAX_VALUE and len(subject) <= 200 and len(key) <= 80:
            yield FactDraft(
                subject=subject,
                key=key,
                value=value,
                category=category,
                quote=self.quote,
                bearing=bearing,
                reason=reason[:300],
                valid_from=valid_from,
                valid_to=valid_to,
            )


Find = Callable[[Clause], Iterator[FactDraft]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern of English; it is tried when one of its trigger words stands in the clause."""

    triggers: frozenset[str]
    find: Find
    mark: str = ""  # or when these characters do

    @classmethod
    def of(cls, triggers: str, find: Find, mark: str = "") -> Rule:
        """Build a rule from space-separated trigger words."""
        return cls(frozenset(triggers.split()), find, mark)


def run(rules: tuple[Rule, ...], clause: Clause) -> Iterator[FactDraft]:
    """Yield what the rules find in the clause."""
    for rule in rules:
        if not rule.triggers.isdisjoint(clause.words) or (rule.mark and rule.mark in clause.text):
            yield from rule.find(clause)


def doubtful(clause: Clause) -> bool:
    """Whether the clause speaks of what may be, not of what is."""
    # "may" is asked of the text: in capitals it is a month.
    return not DOUBT.isdisjoint(clause.words) or " may " in clause.text or " used to " in clause.text


def past_date(clause: Clause) -> datetime | None:
    """The first day or month before the message that the clause names, else None."""
    for span in find_dates(clause.text, clause.now):
        if span.end <= clause.now and span.start.date() < clause.now.date():
            return span.start
    return None


# --- sentences and clauses -------------------------------------------------------------------------

_CONNECTOR = r"(?:and|but|so|because|since|although|though|while|whereas|plus|then|yet|as)"
# What one asks of an assistant: "I'm allergic to cats - don't recommend pet cafés".
ASKED = r"(?:suggest|recommend|propose|offer|include|mention|bring up|show|remind|order|book|serve|give)"
_SUBJECTS = (
    r"(?:(?:now|today|currently|actually|recently|lately|also) )?"
    r"(?:I|my|we|our|he|his|she|her|they|their|it|you|your|there|this|that|please|always|never|if|"
    rf"do not (?:ever |please )*{ASKED})\b"
)
_VERBS = (
    r"(?:(?:also|now|currently|always|never|really|just|still|recently) )*"
    r"(?:(?:live|am|do not|cannot|never|hate|prefer|have|own|speak|moved|eat|avoid|enjoy|was born|grew "
    r"up|started|joined|"
    r"bought|got|adopted|suffer|sold|leased|rented|quit|became|switched|purchased|inherited)\b|(?:work|"
    r"love|like|drink|study|drive|keep|come|need|use|follow|want) "
    r"(?=(?:in|at|as|for|from|to|the|an?|my|with|(?-i:[A-Z])\w+|\w+ing)\b))"
)
_SPLIT = re.compile(
    rf"(?:[,;:]\s*|\s+[-–—]+\s+|\s*\(\s*)(?:{_CONNECTOR}\s+)?(?={_SUBJECTS})|"
    rf"\s+{_CONNECTOR}\s+(?={_SUBJECTS})"
    rf"|(?P<elided>(?:,\s*|\s+)(?:and|but)\s+(?={_VERBS})|,\s+(?!like\b)(?={_VERBS}))"
    # "My favourite tea is oolong, used to be Assam"
    r"|,\s+(?:but )?(?=(?:it |this |that )?(?:used to be|formerly|previously)\b)"
    # "I am 34, living in Leeds"
    r"|(?P<tail>,\s+(?:and\s+)?(?=(?:currently |now )?(?:living|working|based|studying) (?:in|at|as|for)\b))",
    re.IGNORECASE,
)
# "I live in Oslo and never eat pork": what one does oneself, not what somebody is told to do.
_HABIT = re.compile(
    r"(?:always|never)(?: ever)? (?:eat|drink|smoke|consume|touch|fly|drive|gamble|wear|swim|sleep)\b"
    r"(?!.*\b(?:me|us|your)\b)",
    re.IGNORECASE,
)
_CO_SUBJECT = re.compile(r"(?:(?:[Mm]y|[Oo]ur|[Tt]he|[Aa]n?) (?:\w+ ){0,2}\w+|[A-Z]\w+) and ")
_I_SUBJECT = re.compile(
    r"^(?:(?:\w+ ){0,2})I\b(?! (?:am (?:so |very |really )?(?:sure|certain|glad|happy|sorry|proud)|think|"
    r"hope|believe|"
    r"know|guess|bet|suppose|imagine|heard|wanted|want|love how|like how) (?:that )?"
    r"(?:people|they|he|she|it|you|we|the|that|everyone|everybody|someone|somebody|nobody|my \w+|[A-Z]\w+)\b)"
)


def sentences(message: StoredMessage) -> list[Clause]:
    """The sentences that may state something, in order; each as one clause."""
    if message.echo or not message.content.strip():
        return []
    content, masked = message.content, mask_quoted(message.content)
    speaker, low = _speaker(message), content == content.lower()
    out: list[Clause] = []
    before, unreal = "", False
    for start, end in sentence_spans(content):
        quote = content[start:end].strip()
        unreal = unreal and "\n\n" not in content[max(0, start - 2) : start]
        if not quote or end - start > MAX_SENTENCE or quote.startswith(("```", "~~~", ">")):
            continue
        text = requested(normal(masked[start:end]))
        if KIDDING.search(text):
            out[:] = [told for told in out if told.taken_back]
        unreal = unreal or bool(STAYS_UNREAL.search(text))
        back = taken_back(LEAD.sub("", text))
        if not unreal and states(back or text):
            stated = back or with_subject(LEAD.sub("", text)).rstrip(" .!")
            out.append(
                Clause(
                    text=stated,
                    words=words_of(f"{text} {stated}"),
                    quote=quote,
                    speaker=speaker,
                    said_by_owner=message.owner,
                    now=message.occurred_at,
                    before=before,
                    shouted_low=low,
                    taken_back=bool(back),
                )
            )
        before = text
    return out


def _speaker(message: StoredMessage) -> str:
    if message.owner:
        return OWNER
    return message.speaker or "" if message.role == "user" else ""


def clauses(sentence: Clause) -> Iterator[Clause]:
    """The clauses of a sentence that are neither hearsay nor bound to a condition, subjects put back."""
    text = sentence.text
    if TRAILING_HEARSAY.search(text):
        return
    told = HEARSAY.search(text)
    earlier, conditional, position, elided = "", False, 0, ""
    for found in [*_SPLIT.finditer(text), None]:
        if found and _CO_SUBJECT.fullmatch(text[position : found.end()]):
            continue  # "my colleagues and I went" is one clause
        piece = text[position : found.start() if found else len(text)]
        hearsay = (
            told is not None and told.start() <= position + len(piece) and not DOCTOR.search(told.group())
        )
        if elided and _I_SUBJECT.match(earlier):
            piece = f"{elided} {piece}"
        condition = bool(CONDITION.match(piece))
        conditional = conditional or (condition and not HARMLESS_CONDITION.match(piece))
        if piece and not condition and not conditional and not hearsay:
            yield replace(sentence, text=piece.strip(), words=words_of(piece), earlier=earlier)
        earlier = piece
        if found:
            position = found.end()
            elided = _elided(found, text)


def _elided(found: re.Match[str], text: str) -> str:
    """What is left out at the beginning of the clause after the split."""
    if found["tail"]:
        return "I am"
    return "I" if found["elided"] or _HABIT.match(text, found.end()) else ""
