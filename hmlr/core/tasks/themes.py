"""What a group of facts is about: the names in it, its telling words, a title. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from hmlr.core.tasks.offered import OfferedFact, one_line, said_in
from hmlr.language.literal import LINKING_WORDS, new_words, written_words
from hmlr.language.tokens import content_words, terms
from hmlr.language.word_lists import words
from hmlr.records import OWNER

MAX_TITLE = 80  # characters: one line of a listing
_TITLE_NAMES, _TITLE_WORDS = 3, 4
# A title may name its field in these words though no fact does: they state nothing about anyone.
FIELD_WORDS = LINKING_WORDS | frozenset(
    words("""
    facts names aliases policies rules limits versions history settings credentials preferences plans
    people places work home health food family travel tools
    """)
)

_ALIAS_KEYS = frozenset({"also_called", "stands_for"})
_ARTICLE = re.compile(r"^(?:the|our|my|an?) ", re.IGNORECASE)
_NAME_WORD = re.compile(r"[^\W_]+(?:[-_.'&+][^\W_]+)*")
_VERSION = re.compile(r"^(?:(?P<series>.*\S)\s)?(?:v|version |rev(?:ision)? )\d+(?:\.\d+)*$")


def folded(name: str) -> str:
    """A name without article, case and odd spaces: what two ways of writing it share."""
    return _ARTICLE.sub("", one_line(name).casefold())


def names_of(offered: OfferedFact) -> list[str]:
    """The names of what the fact is about, as written; none for the owner and for pronouns."""
    names = [offered.fact.subject, *offered.aliases]
    if offered.fact.state == "active" and _joins_names(offered):
        names.append(offered.fact.value)
    return [name for name in map(one_line, names) if folded(name) != OWNER and content_words(name)]


def _joins_names(offered: OfferedFact) -> bool:
    return offered.fact.category in {"alias", "acronym"} or offered.fact.key in _ALIAS_KEYS


def series_of(name: str) -> str | None:
    """What numbered versions of one thing have in common ("policy v6", "policy v7"); None for others."""
    found = _VERSION.match(folded(name))
    return f"{found['series'] or ''} v" if found else None


def bare_version(name: str) -> bool:
    """Whether a name is only a number of a version: many things have a "v6"."""
    return series_of(name) == " v"


def proper(name: str) -> bool:
    """Whether it is written like a proper name or a code, so that its mention in a text means it."""
    return len(name) > 1 and any(c.isupper() or c.isdigit() for c in name)


class NameFinder:
    """Finds proper names in texts, as whole words and ignoring case."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {tuple(_name_words(name)): folded(name) for name in names if proper(name)}
        self._names.pop((), None)
        self._longest = max(map(len, self._names), default=0)

    def find(self, text: str) -> set[str]:
        """The folded names that stand in the text."""
        found, said = set(), _name_words(text)
        for start in range(len(said)):
            for size in range(1, min(self._longest, len(said) - start) + 1):
                if name := self._names.get(tuple(said[start : start + size])):
                    found.add(name)
        return found


def named_in(offered: OfferedFact, finder: NameFinder) -> set[str]:
    """The folded names of what the fact is about and of what it mentions; a wrong alias mentions nothing."""
    names = names_of(offered)
    told = offered.fact.subject if _joins_names(offered) else f"{offered.fact.subject} {offered.fact.value}"
    return {*map(folded, names), *finder.find(told)}


def _name_words(text: str) -> list[str]:
    return [word.removesuffix("'s") for word in _NAME_WORD.findall(folded(text))]


def telling_words(texts: Iterable[str]) -> list[str]:
    """The content words of the texts as written, one per stem: those of most texts first, then names.

    A single Latin letter tells nothing.
    """
    count: Counter[tuple[str, ...]] = Counter()
    written: dict[tuple[str, ...], str] = {}
    for text in texts:
        said = {
            tuple(terms(word)): word
            for word in written_words(text)
            if content_words(word) and (len(word) > 1 or not word.isascii())
        }
        count.update(said.keys())
        written = {**said, **written}
    return sorted(written.values(), key=lambda w: (-count[tuple(terms(w))], not proper(w), -len(w), w))


def title_of(facts: Sequence[OfferedFact]) -> str:
    """A specific title from the facts' own words: the names they are most about, then what is said of them.

    The value of a secret is kept out: titles stand in listings.
    """
    written = {folded(name): name for offered in facts for name in names_of(offered)}
    finder = NameFinder(written.values())
    named = [name for offered in facts for name in sorted(named_in(offered, finder))]
    count = Counter(name for name in named if not bare_version(name))
    names = [written[name] for name, _ in count.most_common(_TITLE_NAMES)]
    taken = content_words(" ".join(written.values()))
    about = (
        word
        for word in telling_words(_told(facts))
        if not content_words(word) & taken
        and word.casefold() not in LINKING_WORDS
        and any(c.isalpha() for c in word)
    )
    head, tail = (
        ", ".join(names),
        ", ".join(word for word, _ in zip(about, range(_TITLE_WORDS), strict=False)),
    )
    return _cut(": ".join(part for part in (head, tail) if part)) or "Facts"


def _told(facts: Iterable[OfferedFact]) -> Iterator[str]:
    for offered in facts:
        fact = offered.fact
        key = fact.key.replace("_", " ")
        yield key if fact.category == "secret" else f"{key} {fact.value}"


def literal_title(said: str, facts: Sequence[OfferedFact]) -> str:
    """The title that a model gave when it is short and made of the facts' words, else the rule's."""
    title = one_line(said)
    if (
        not content_words(title)
        or len(title) > MAX_TITLE
        or new_words(title, said_in(facts), also=FIELD_WORDS)
    ):
        return title_of(facts)
    secrets = {offered.fact.value.casefold() for offered in facts if offered.fact.category == "secret"}
    return title_of(facts) if any(value in title.casefold() for value in secrets) else title


def _cut(title: str) -> str:
    title = one_line(title)
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rsplit(' ', 1)[0].rstrip(' ,:')}…"
