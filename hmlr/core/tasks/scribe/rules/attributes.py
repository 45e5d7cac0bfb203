"""Measures and numbers of the speaker: shoe size, blood type, locker number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug

# Attributes with a number, and those of a few words each.
_NUMBERED = re.compile(
    r"^[Mm]y (?:new |current |own )?(?P<what>(?:(?:shoe|ring|dress|shirt|hat|glove|trouser|jacket|waist|"
    r"collar|"
    r"bra) size|height|weight|licen[cs]e plate|number plate|licen[cs]e plate number|(?:locker|seat|room|desk|"
    r"flat|apartment|extension|employee|student|library card|frequent flyer|insurance|tax|NHS|"
    r"driving licen[cs]e|"
    r"loyalty card|bib|parking space|policy|case|booking|reference) number|employee id|student id|postcode|"
    r"post code|zip code|po box))(?: is| are|:)(?: now| actually| still)? "
    r"(?P<value>(?=[^,;]*\d)[\w'\"./+:-]+(?: (?!(?:and|but|so|because|in)\b)[\w'\"./+:-]+){0,3}?)"
    r"(?=$|[,;.]| (?:and|but|so|because|in|now)\b)",
    re.IGNORECASE,
)
_WORDED = re.compile(
    r"^[Mm]y (?P<what>blood (?:type|group)|eye colou?r|hair colou?r|star sign|zodiac sign|"
    r"time ?zone)(?: is|:)"
    r"(?: now| actually)? (?P<value>(?:A|B|AB|O)(?:[ -]?(?:\+|-|positive|negative|pos|neg))?|(?:light |"
    r"dark )?(?:"
    r"blue|green|brown|hazel|grey|gray|amber|black|blonde?|red|auburn|white)|Aries|Taurus|Gemini|Cancer|Leo|"
    r"Virgo|Libra|Scorpio|Sagittarius|Capricorn|Aquarius|Pisces|(?:UTC|GMT)(?:[+-]\d{1,2})?|"
    r"[A-Z]{3,4})(?=$|[,.; ])"
)
_SPELT = (
    ("license", "licence"),
    ("number_plate", "licence_plate"),
    ("plate_number", "plate"),
    ("color", "colour"),
    ("blood_group", "blood_type"),
    ("post_code", "postcode"),
    ("zodiac", "star"),
    ("timezone", "time_zone"),
)


def attribute(clause: Clause) -> Iterator[FactDraft]:
    """A measure or number of the speaker: "my shoe size is 43", "my blood type is O negative"."""
    if (
        found := _NUMBERED.search(clause.text) or _WORDED.search(clause.text)
    ) and " not " not in found.group():
        key = slug(found["what"])
        for spelt, kept in _SPELT:
            key = key.replace(spelt, kept)
        bearing: Bearing = "updates" if re.search(r"\bnew |\bnow\b", found.group()) else "asserts"
        yield from clause.draft(key, found["value"], "identity", bearing=bearing)


RULES: tuple[Rule, ...] = (
    Rule.of(
        "size height weight plate number id postcode post zip po blood eye hair sign timezone time zone",
        attribute,
    ),
)
