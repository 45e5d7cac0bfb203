"""The offline answer's evidence: facts and statements that bear on a question, dated and attributed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.requests import listed
from hmlr.core.tasks.outdated import Outdated
from hmlr.language.dates import find_dates
from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import content_words
from hmlr.records import Fact, Hit

MAX_FACTS = 5
MAX_QUOTES = 3
SUMMARY_FACTS = 12
SUMMARY_QUOTES = 6
PROFILE_FACTS = 40
SHORT_CHARS = 240
# Cosine of all-MiniLM-L6-v2 above which a statement is about the question though they share no word.
ABOUT_IT = 0.35
# ... and above which a word that everybody uses makes it be about the question.
NEAR_IT = 0.2
# Of the best hit's score: what lies below it was found because something has to be.
LEAST_SHARE = 0.35
# Words that most talk has; that a question and a statement share one of them says little.
_COMMON = content_words(
    "take go get make call say tell told like want need know think give put use work day time thing old "
    "new last name "
    "find keep let come see look good way week month year still"
)

_OF_MINE = re.compile(
    r"\bmy (?:(?:own|full|first|last|current|new|old|real|favou?rite) )*(?P<noun>[a-z]+)(?: "
    r"(?P<head>[a-z]+))?\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"^\W*(?:\w+ ){0,2}?(?:he|she|they)\b", re.IGNORECASE)


def evidence(given: AnswerInput, *, but: Iterable[KnownFact] = (), summary: bool = False) -> list[str]:
    """Lines of an answer, none when nothing was found; `but` are facts that the answer shows already.

    A summary takes more of them.
    """
    shown = {known.fact.fact_id for known in but}
    most = (SUMMARY_FACTS, SUMMARY_QUOTES) if summary else (MAX_FACTS, MAX_QUOTES)
    facts = [known for known in given.facts if known.fact.fact_id not in shown][: most[0]]
    lines = [f"{known.statement} — {quoted(known.fact)}" for known in facts]
    quotes = list(_quotes(given, [known.fact for known in facts]))[: most[1]]
    if not lines or not quotes:
        return [*bullets(lines)] if lines else ["This was said about it:", *bullets(quotes)] if quotes else []
    if _says_more(quotes[0], [f"{known.statement} {known.fact.quote}" for known in facts], given):
        return ["This was said about it:", *bullets(quotes), "", "Also known:", *bullets(lines)]
    return [*bullets(lines), "", "Also said:", *bullets(quotes)]


def _says_more(quote: str, facts: Iterable[str], given: AnswerInput) -> bool:
    """Whether the best quote has words of the question that no fact has: "the wedding budget" asks no date.

    Facts of which the question has no word were found by their kind, and are what it asks for.
    """
    words = content_words(_without_days(given.message, given.now)) - _COMMON
    best = max(len(words & content_words(fact)) for fact in facts)
    return 0 < best < len(words & content_words(quote))


def former_lines(given: AnswerInput, found: Sequence[str]) -> list[str]:
    """What was so and is no longer, when nothing was found, or nothing with a word that the question has."""
    gone = given.former
    if found:
        unmet = content_words(_without_days(given.message, given.now)) - content_words(" ".join(found))
        gone = tuple(each for each in gone if unmet & content_words(f"{each.statement} {each.fact.quote}"))
    lines = [f"{known.statement} — {quoted(known.fact)}{_ended(known.fact)}" for known in gone]
    return ["No longer so:", *bullets(lines)] if lines else []


def _ended(fact: Fact) -> str:
    return f", ended: {fact.reason}" if fact.reason and fact.state == "superseded" else ""


def profile_lines(given: AnswerInput) -> list[str]:
    """All that holds for the user, what always holds first."""
    known = {each.fact.fact_id: each for each in (*given.constraints, *given.facts)}
    lines = [f"{each.statement} — {_day(each.fact.occurred_at)}" for each in known.values()]
    if not lines:
        return []
    more = len(lines) - PROFILE_FACTS
    rest = [f"… and {more} more; `facts` lists all"] if more > 0 else []
    return ["This is what I know of you:", *bullets(lines[:PROFILE_FACTS]), *rest]


def list_lines(given: AnswerInput) -> list[str]:
    """All of a kind, counted, each with the words it stands on."""
    lines = [f"{known.statement} — {quoted(known.fact)}" for known in given.listed]
    return [f"{listed(given.message).capitalize()} that I know of: {len(lines)}", *bullets(lines)]


def _quotes(given: AnswerInput, facts: list[Fact]) -> Iterator[str]:
    """Statements among the hits that are about the message; questions are not repeated."""
    words = content_words(_without_days(given.message, given.now))
    mine = {word.lower() for found in _OF_MINE.finditer(given.message) for word in found.groups() if word}
    shown = [" ".join(fact.quote.split()) for fact in facts]
    least = LEAST_SHARE * max([0.0, *(hit.score for hit in given.hits)])
    for hit in given.hits:
        if (least and hit.score < least) or not _about(hit, words) or not _of_whom(given.about, hit.text):
            continue
        excerpt, note = _excerpt(hit.text, words, given)
        if not excerpt or any(excerpt in quote for quote in shown) or _of_others(mine, excerpt):
            continue
        if not given.about and _told_of_other(given.message, excerpt, words):
            continue
        who = _speaker(hit.sources[0].speaker or hit.sources[0].role) if hit.sources else "unknown"
        yield f"“{excerpt}” — {who}, {_day(hit.occurred_at)}{note}"


def _without_days(text: str, now: datetime) -> str:
    """A question without the words for days: "in May" makes no statement about anything else in May fit."""
    for span in reversed(find_dates(text, now)):
        text = f"{text[: span.at[0]]} {text[span.at[1] :]}"
    return text


def _about(hit: Hit, words: frozenset[str]) -> bool:
    shared = words & content_words(hit.text)
    near = ABOUT_IT if not shared else NEAR_IT if shared <= _COMMON and not words <= _COMMON else -1.0
    return near < 0 or (hit.similarity is None and bool(shared)) or (hit.similarity or 0.0) >= near


def _of_whom(about: tuple[frozenset[str], ...], text: str) -> bool:
    """Whether the text may speak of those whom the question is about; "she" may be anyone."""
    said = content_words(text)
    return all(not group.isdisjoint(said) for group in about) or bool(about and _PRONOUN.match(text))


def _of_others(mine: set[str], text: str) -> bool:
    """Whether what the user asks of his own ("my name") is somebody else's there ("my sister's name")."""
    low = text.lower().replace("’", "'")
    for noun in mine:
        whose = re.findall(rf"([\w'-]+) (?:(?:own|full|first|last|new|old) )*{noun}\b", low)
        if whose and all(word.endswith("'s") or word in _THEIRS for word in whose):
            return True
    return False


def _told_of_other(question: str, text: str, words: frozenset[str]) -> bool:
    """Whether what the user asks of himself ("where do I work?") is told there of somebody else alone."""
    if not _OF_ME.search(question) or not words & content_words(text) <= _OF_A_LIFE:
        return False
    return _OF_A_RELATIVE.match(text) is not None and not _OF_ME.search(text)


_OF_ME = re.compile(r"\b(?:I|i|we|am|me)\b")
_OF_A_RELATIVE = re.compile(
    r"^\W*(?:[Mm]y|[Oo]ur) [a-z-]+(?:'s)?,? (?:[A-Z]|name\b|is\b|works?\b|lives?\b|"
    r"has\b)"
)
# Words of what everybody has: a home, work, a name, an age.
_OF_A_LIFE = content_words(
    "live lived home work works job name age old born speak study married company city from"
)
_THEIRS = frozenset(("his", "her", "their", "its", "your"))


def _excerpt(text: str, words: frozenset[str], given: AnswerInput) -> tuple[str, str]:
    """A short text whole, since an answer often stands in the sentence after the one that shares its words.

    Of a longer one, or where a part no longer holds, the sentence that shares most words with the question.
    What no longer holds is shown, with a note, to who asks for something else in it, or for the past.
    """
    outdated = given.outdated
    notes: dict[str, str] = {}
    shown = []
    for start, end in sentence_spans(text):
        sentence = text[start:end].strip()
        gone = [
            each for quote, each in outdated.items() if sentence and (sentence in quote or quote in sentence)
        ]
        if gone and not all(_still_asked(each, sentence, words, given) for each in gone):
            continue
        if sentence:
            shown.append(sentence)
        if gone:
            said = dict.fromkeys(said for each in gone for said in each.said)
            notes[sentence] = f" (no longer so: {'; '.join(said)})"
    statements = [sentence for sentence in shown if not sentence.endswith(("?", "？"))]
    whole = len(shown) == sum(1 for start, end in sentence_spans(text) if text[start:end].strip())
    if statements and len(text) <= SHORT_CHARS and whole:
        return " ".join(text.split()), next(iter(notes.values()), "")
    best = max(statements, key=lambda sentence: len(words & content_words(sentence)), default="")
    if not whole and not words & content_words(best):
        return "", ""  # what is left beside an outdated sentence is about something else
    return best, notes.get(best, "")


# "Who is my dentist?", "Where is the meeting?": what was moved to another day still answers.
_OF_NO_DAY = re.compile(r"^\W*(?:\w+ ){0,2}?(?:who|whom|whose|where|why)\b", re.IGNORECASE)


def _still_asked(gone: Outdated, sentence: str, words: frozenset[str], given: AnswerInput) -> bool:
    if gone.secret:
        return False
    if given.past or (gone.day and _OF_NO_DAY.search(given.message)):
        return True
    return bool((words & content_words(sentence)) - gone.keys)


def quoted(fact: Fact) -> str:
    """The words a fact stands on, with who said them and when."""
    who = "you" if fact.owner else _speaker(fact.said_by)
    return f"“{fact.quote}” ({who}, {_day(fact.occurred_at)})"


def bullets(lines: Iterable[str]) -> list[str]:
    """The lines as a list."""
    return [f"• {line}" for line in lines]


def _speaker(name: str) -> str:
    return "you" if name == "user" else name


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
