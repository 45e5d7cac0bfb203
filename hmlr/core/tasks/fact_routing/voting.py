"""Multi-vector voting: every fact of a group votes for a dossier, and the specific outvotes the vague. Pure.

A fact votes for the dossier it is nearest to, with the lead that this one has over the next: a fact that is
about as near to several has next to no voice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

# Cosines of all-MiniLM-L6-v2 between a fact's statement and a dossier's search summary, 28 facts of our own
# against 8 dossiers: 12 of 19 facts have 0.29 and more with the dossier of their theme, one with a wrong one.
# Facts of no offered theme stay below 0.26, but for the same thing said of somebody or something else (0.34
# to 0.53; for that see `_strangers`). A wrong dossier costs more than one too many, which can be merged.
APPEND_ABOVE = 0.30
# Below this lies chance; a lead over chance only counts from here.
UNRELATED = 0.15
# What a mention of one of the dossier's names is worth: it lifts a fact of the theme (0.2) over APPEND_ABOVE,
# and no stranger (0.1).
MENTION = 0.15

Similarities = Sequence[Sequence[float]]  # a row per fact, in it one number per dossier


def votes(similarities: Similarities) -> list[float]:
    """The sum of the leads that each dossier has with the facts nearest to it; one number per dossier."""
    sums = [0.0] * (len(similarities[0]) if similarities else 0)
    for row in similarities:
        nearest = max(range(len(row)), key=row.__getitem__, default=None)
        if nearest is not None:
            next_best = max((value for place, value in enumerate(row) if place != nearest), default=0.0)
            sums[nearest] += max(0.0, row[nearest] - max(next_best, UNRELATED))
    return sums


def elected(similarities: Similarities) -> int | None:
    """The dossier with more than half of all votes, if one fact is clearly about it; None otherwise."""
    sums = votes(similarities)
    best = max(range(len(sums)), key=sums.__getitem__, default=None)
    if best is None or 2 * sums[best] <= sum(sums):
        return None
    return best if max(row[best] for row in similarities) >= APPEND_ABOVE else None


def shared_words(facts: Sequence[frozenset[str]], dossiers: Sequence[frozenset[str]]) -> list[list[float]]:
    """Similarities in [0, 1] without vectors: the share of a fact's words that a dossier has.

    A word weighs the less, the more of the dossiers have it.
    """
    count = Counter(word for words in dossiers for word in words)
    weight = {word: 1 - (number - 1) / len(dossiers) for word, number in count.items()}
    return [
        [sum(weight[word] for word in sorted(said & words)) / max(1, len(said)) for words in dossiers]
        for said in facts
    ]
