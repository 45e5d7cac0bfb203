"""Bridge block headers by rule: label, keywords, summary, open loops and decisions, in the user's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import STOP_WORDS, content_words
from hmlr.language.word_lists import words
from hmlr.memory.labels import label_of, secrets_in
from hmlr.records import Block, BlockId, TurnId

MAX_KEYWORDS = 12
MAX_ITEMS = 6  # open loops and decisions kept, the latest
MAX_SENTENCE = 200
# A label settles with its first turns; later ones widen the keywords instead, so that it stays recognisable.
LABEL_TURNS = 4

_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W_]|\w*\d\w*", re.UNICODE)
# Words that are frequent in talk and name no topic.
_CHATTER = frozenset(
    words(
        """
    yeah hello thanks thank great good nice cool really think thought know like want wanted need needed
    going gonna getting got get gets would could something anything everything nothing someone thing things
    stuff much many lot lots maybe well sure right just also even still today yesterday tomorrow tonight
    tell told help make makes made making let lets say said says please guess actually better best back come
    came coming take took taking go goes went gone see saw seen look looks looking find found use used using
    try tried trying keep kept put live lives lived living work works worked working move moved moving call
    called calls ask asked remember remind mention mentioned talk talked discuss different another topic
    forget forgot plus whole btw lol haha hmm pls plz ugh yay gotta kinda hey also actually anyway already
    subject new old first last next two three four five ever never always again soon later ago day days week
    weeks month months year years time times one
    """
    )
)
# "I've", "we'd", "don't": nothing in them names a topic.
_CONTRACTION = re.compile(r"\w+(?:n['’]t|['’](?:m|ve|re|ll|d|s))$", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:i'?ll|i will|i need to|i have to|i must|i should|i plan to|i'm going to|we need to|we should"
    r"|remind me|to ?do|still open|not yet)\b",
    re.IGNORECASE,
)
_DECIDED = re.compile(
    r"\b(?:decided|decision|(?:let'?s|we'?ll|i'?ll) (?:go with|use|take)|settled on"
    r"|agreed (?:on|to)|chose|i choose|going with)\b",
    re.IGNORECASE,
)


@dataclass
class HeaderWords:
    """Counts behind a block's keywords; made again from its latest messages when lost."""

    counts: Counter[str] = field(default_factory=Counter)
    surfaces: dict[str, str] = field(default_factory=dict)  # folded word -> as first written

    def add(self, text: str, weight: int = 1) -> None:
        """Count the telling words of a text."""
        hidden = secrets_in(text)
        for word in telling_words(text):
            if word in hidden:  # a header is read by whoever lists the topics
                continue
            folded = word.casefold()
            self.counts[folded] += weight
            self.surfaces.setdefault(folded, word)

    def top(self, count: int) -> tuple[str, ...]:
        """The most frequent words, first seen first among equals."""
        return tuple(self.surfaces[folded] for folded, _ in self.counts.most_common(count))


def telling_words(text: str) -> list[str]:
    """Words of a text that may name its topic, in order."""
    return [word for word in _WORD.findall(text) if _telling(word)]


def _telling(word: str) -> bool:
    folded = word.casefold()
    if len(word) <= 2 or folded in STOP_WORDS or folded in _CHATTER:
        return False
    if _CONTRACTION.match(word):  # a possessive ("Ingrid's") is kept, a pronoun's or verb's is not
        return folded.endswith(("'s", "’s")) and word[0].isupper() and folded[:-2] not in STOP_WORDS
    return True


def new_block_id(turn_id: TurnId) -> BlockId:
    """The id of the block that a turn opens: the same whenever it is made again from the turns."""
    digest = sha256(f"block:{turn_id}".encode()).hexdigest()
    return BlockId(f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}")


def new_block(turn_id: TurnId, at: datetime) -> Block:
    """An empty block that this turn opens."""
    return Block(
        block_id=new_block_id(turn_id),
        label="",
        summary="",
        keywords=(),
        open_loops=(),
        decisions=(),
        state="ACTIVE",
        turn_count=0,
        started_at=at,
        last_at=at,
    )


def extend_header(block: Block, words: HeaderWords, text: str, *, label: str = "") -> Block:
    """The header after one more message of the user's; `label` is the router's proposal, if any."""
    words.add(text)
    sentences = _sentences(text)
    block = replace(
        block,
        keywords=words.top(MAX_KEYWORDS),
        summary=_summary(block.summary, sentences),
        open_loops=_latest(block.open_loops, (s for s in sentences if s.endswith("?") or _OPEN.search(s))),
        decisions=_latest(block.decisions, (s for s in sentences if _DECIDED.search(s))),
    )
    if block.renamed or (block.label and block.turn_count >= LABEL_TURNS):
        return block
    return replace(block, label=label.strip() or _label(block, words, text))


def header_of(block: Block, texts: Iterable[str]) -> Block:
    """The block with the header that these messages of the user's make, from nothing; its turns count."""
    made = replace(block, label="", summary="", keywords=(), open_loops=(), decisions=(), renamed=False)
    words = HeaderWords()
    for count, text in enumerate(texts):
        made = extend_header(replace(made, turn_count=count), words, text)
    return replace(made, turn_count=block.turn_count)


def topic_words(block: Block, recent: Iterable[str]) -> frozenset[str]:
    """Stems by which a message is recognised as belonging to the block."""
    return content_words(" ".join((*block.keywords, block.label, *recent)))


def _label(block: Block, words: HeaderWords, text: str) -> str:
    """The label that was, while it names what the topic keeps coming back to, else one from this message."""
    (top,) = words.top(1) or ("",)
    if block.label and (words.counts[top.casefold()] < 2 or top.casefold() in block.label.casefold()):
        return block.label
    made = label_of(text, _telling)
    if not made:
        return block.label or text.strip().split("\n")[0][:40].strip() or "conversation"
    return made if not block.label or top.casefold() in made.casefold() else block.label


def _sentences(text: str) -> list[str]:
    found = (" ".join(text[start:end].split()) for start, end in sentence_spans(text[:20_000]))
    return [sentence for sentence in found if 0 < len(sentence) <= MAX_SENTENCE]


def _summary(before: str, sentences: list[str]) -> str:
    """How it began and where it stands: the first statement and the latest one, literal."""
    statements = [sentence for sentence in sentences if not sentence.endswith("?")] or sentences
    if not statements:
        return before
    if not before:
        return statements[0]
    first = before.split(" … ", maxsplit=1)[0]
    return first if statements[-1] == first else f"{first} … {statements[-1]}"


def _latest(before: tuple[str, ...], found: Iterable[str]) -> tuple[str, ...]:
    merged = dict.fromkeys((*before, *found))
    return tuple(merged)[-MAX_ITEMS:]
