"""Made-up talk for the benchmarks: seeded, Zipf-like, in topics, with a fact now and then.

Words are pronounceable and mean nothing: one syllable after another, so that nothing of any real conversation
is in the repository. A message has about 75 characters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product

from hmlr import Message

WORDS = 3000
TOPIC_TURNS = 12  # messages on one topic, on average
TOPIC_WORDS = 14
FACTS = 0.08  # share of messages that state something worth keeping
PEOPLE = ("Ingrid", "Tomas", "Mei", "Omar", "Lucia", "Noah", "Priya", "Elias")
# Function words, but for the holes: what is frequent in a message comes from the vocabulary's ranks.
_FRAMES = (
    "It was the {} {} that was {} after all, and {} was about the {} and the {}.",
    "We could {} the {} before {} has the {} and a {} of {}.",
    "{} and I were at the {} {} where the {} is {} or just {}.",
    "Is the {} not {}, or did {} have the {} {} with her in {}?",
    "They did not {} the {} while {} was {} with all of the {} and {}.",
)
_FACTS = (
    "My favourite {} is {}.",
    "{name} lives in {}, close to the {}.",
    "The limit of the {} is {number} units.",
    "I like {} and {}.",
    "{name} works as a {} {}.",
)


def vocabulary() -> list[str]:
    """Words by rank, the frequent ones short."""
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    dice = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < WORDS:
        count = 2 if len(words) < WORDS / 10 else 3
        words["".join(dice.choices(syllables, k=count)) + dice.choice("lmnrstx")] = None
    return list(words)


def talk(count: int, seed: int = 7) -> Iterator[Message]:
    """So many messages, over years, a quarter of an hour apart."""
    dice, words = random.Random(seed), vocabulary()
    weights = list(accumulate(1 / (rank + 10) for rank in range(WORDS)))
    at, topic = datetime(2022, 1, 1, tzinfo=UTC), words[:TOPIC_WORDS]
    for number in range(count):
        if dice.random() < 1 / TOPIC_TURNS:
            topic = dice.sample(words[50:], TOPIC_WORDS)
        frame = dice.choice(_FACTS if dice.random() < FACTS else _FRAMES)
        common = dice.choices(words, cum_weights=weights, k=3)
        mixed = dice.sample([*common, *dice.sample(topic, 3)], 6)
        text = frame.format(*mixed, name=dice.choice(PEOPLE), number=dice.randint(10, 9000))
        yield Message(content=text, occurred_at=at + timedelta(minutes=15 * number))


def questions(said: list[Message], count: int, seed: int = 11) -> list[str]:
    """Questions about messages picked over the whole time: two or three of each one's words."""
    dice = random.Random(seed)
    made = []
    for message in dice.sample(said, count):
        words = [word for word in re.findall(r"\w+", message.content) if len(word) > 5]
        made.append(f"What was it about the {' and the '.join(dice.sample(words, min(3, len(words))))}?")
    return made
