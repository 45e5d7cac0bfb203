"""Standing orders that follow a statement: "I'm vegan, so never suggest recipes with eggs".

After "I …" the words "never share …" may as well tell a habit of the speaker. An order is what only the
listener can be told: with "please", to "me", of "your" doings, or what follows from what was said before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import ASKED, Clause, Rule, clauses, doubtful, run
from hmlr.core.tasks.fact_scrubbing.rules.wording import HEARSAY, TRAILING_HEARSAY, words_of
from hmlr.core.tasks.scribe.rules import allergies, constraints
from hmlr.core.tasks.scribe.rules.instructions import instruction, never

_NEXT = re.compile(
    r"(?:[,;:]|\s[-–—]+|(?=\s(?:and|but|so)\b))\s*(?P<link>(?:(?:and|but|so|therefore|then|also)\b,? )*)"
    r"(?=(?:please|never|always|do not|from now on|going forward|make sure|keep|answer|reply|respond|write|"
    r"give|use)\b)",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"^please\b", re.IGNORECASE)
# Who speaks of himself says "myself": "me" is no object of an "I" that is left out.
_TO_LISTENER = re.compile(r"\b(?:me|us|you|your)\b", re.IGNORECASE)
_OF_SPEAKER = re.compile(r"^(?:I|[Ww]e)\b|^[Mm]y [\w' -]{2,40} is\b")
# "I have friends who visit and never call me": others do that.
_OF_OTHERS = re.compile(
    r"\b(?:who|which|that|how|because|people|they|others|everyone|everybody|somebody|someone)\b", re.I
)
_BOUND = re.compile(
    r"\b(?:if|when|whenever|while|unless|until|till|once|where|told|said|asked|wrote|texted)\b", re.IGNORECASE
)
_WHAT_IS_ASKED = re.compile(rf"^(?:never|always|do not)(?: ever)? {ASKED}\b", re.IGNORECASE)
_KEPT_PRIVATE = re.compile(
    r"^do not (?:ever )?(?:share|reveal|disclose|publish|give out|pass on|post) my\b", re.IGNORECASE
)
_BARE = re.compile(rf"^(?:please,? )?do not (?:please )?{ASKED}\b.{{2,240}}$", re.IGNORECASE)
_THIS_TIME = re.compile(
    r"\b(?:tonight|today|tomorrow|now|yet|again|for the moment|this (?:time|week|month|weekend|morning|"
    r"evening))\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(r"\b(?:it|them|that|this|those|these|one|him|her)\b", re.IGNORECASE)


def order(sentence: Clause) -> Iterator[FactDraft]:
    """An order for every conversation beside a statement, also one that its reason makes lasting."""
    if TRAILING_HEARSAY.search(sentence.text) or any(instruction(sentence)):
        return
    if _is_lasting_bare(sentence.text) and _has_reason(sentence):
        yield from sentence.draft("instruction", sentence.text, "constraint")
        return
    for found in _NEXT.finditer(sentence.text):
        head, told = sentence.text[: found.start()], sentence.text[found.end() :]
        stated = _stated(replace(sentence, text=head, words=words_of(head)))
        if stated is None or not _is_order(told, found["link"], stated):
            continue
        text = f"{stated.text}{sentence.text[found.start() :]}" if _POINTS_BACK.search(told) else told
        if any(instruction(replace(sentence, text=told, words=words_of(told)))) or (
            _is_lasting_bare(told) and _has_reason(stated)
        ):
            yield from sentence.draft("instruction", text, "constraint")
            return


def habit(sentence: Clause) -> Iterator[FactDraft]:
    """What the speaker says after something else that he never does: "I live in Oslo and never fly"."""
    for clause in clauses(sentence):
        if clause.earlier and not doubtful(clause):
            yield from never(clause)


def _stated(head: Clause) -> Clause | None:
    """The clause before the order, when it is a statement of the speaker's and binds the order to nothing."""
    if _BOUND.search(head.text) or HEARSAY.search(head.text):
        return None
    return next(reversed(list(clauses(head))), None)


def _is_order(told: str, link: str, stated: Clause) -> bool:
    if _PLEASE.match(told):
        return True
    if not _OF_SPEAKER.match(stated.text) or _OF_OTHERS.search(stated.text):
        return False
    if _TO_LISTENER.search(told) or _KEPT_PRIVATE.match(told):
        return True
    follows = "so" in link.lower().split() or "therefore" in link.lower().split()
    return bool(_WHAT_IS_ASKED.match(told)) and (follows or _has_reason(stated))


def _is_lasting_bare(text: str) -> bool:
    return bool(_BARE.match(text)) and not _THIS_TIME.search(text)


def _has_reason(said: Clause) -> bool:
    """Whether a diet, an allergy, an illness or a faith is told with it, which lasts."""
    return any(
        draft.bearing == "asserts" and draft.category == "constraint"
        for clause in clauses(said)
        for draft in run(constraints.RULES + allergies.RULES, clause)
    )


RULES: tuple[Rule, ...] = (
    Rule.of("please never always not now forward sure your me", order),
    Rule.of("never", habit),
)
