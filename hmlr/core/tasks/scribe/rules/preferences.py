"""What the speaker likes, dislikes and prefers; favourites."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import ADV
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug

_KIND = r"(?P<kind>[a-z][\w'-]*(?: [a-z][\w'-]*){0,3}?)"
_ALL_TIME = r"(?:(?:all-time|absolute|new|current|personal|other|second) )*"
_FAVOURITE = re.compile(
    rf"\b(?:[Mm]y|[Oo]ur) {_ALL_TIME}(?:favou?rite|fave) {_ALL_TIME}{_KIND}"
    r"(?: (?:has|have) (?:now )?(?:changed (?:from [\w ]{1,40} )?to|become)| changed to| ?:"
    r"| (?:is|are|has always been|would have to be|has to be))"
    r" (?:now |still |actually |definitely |probably |currently |always )*"
    r"(?P<what>[^,;:]{1,80}?)(?P<late> now| these days|"
    r" instead)?(?:,? (?:and )?not (?!only\b)[\w' -]{1,40})?$",
)
_IS_FAVOURITE = re.compile(
    rf"^(?P<what>[\w'&. -]{{2,60}}?) (?:is|are|has become|have become|became) (?P<now>now )?my "
    rf"{_ALL_TIME}(?:favou?rite|fave) {_ALL_TIME}{_KIND}(?P<late> now| these days)?$"
)
_NOT_FAVOURITE = re.compile(
    rf"\b(?P<what>[\w'&.-]{{2,40}}) is (?:no longer|not) my (?:favou?rite|fave) {_KIND}(?P<more> any "
    rf"?more)?$"
)
_POINTING = re.compile(
    r"\b(?:I|it)\b|^(?:called|named|it|this|that|these|those|he|she|they|what|which|the one|one|not|when|"
    r"how|here|there|to be|of all)\b",
    re.IGNORECASE,
)
_UPDATE = re.compile(r"\b(?:now|changed|new|current|become|became|these days|instead|currently)\b")


def favourite(clause: Clause) -> Iterator[FactDraft]:
    """A favourite of a kind: "my favourite colour is green", "blue is my favourite colour now"."""
    if ended := _NOT_FAVOURITE.search(clause.text):
        if "no longer" in ended.group() or ended["more"]:
            key = _key(ended["kind"])
            yield from clause.draft(key, ended["what"], "preference", bearing="ends", reason=clause.quote)
        return
    found = _FAVOURITE.search(clause.text) or _IS_FAVOURITE.search(clause.text)
    if (
        found
        and "one of my" not in clause.text.lower()
        and not _POINTING.search(found["what"])
        and not found["what"].startswith("not ")
    ):
        bearing: Bearing = "updates" if _UPDATE.search(clause.text) else "asserts"
        what = re.sub(r"^(?:an?|the colou?r) ", "", found["what"])
        yield from clause.draft(_key(found["kind"]), what, "preference", bearing=bearing)


def _key(kind: str) -> str:
    """The key of a favourite, in one spelling: favourite_colour."""
    return slug("favourite " + re.sub(r"\bcolor", "colour", kind.replace("flavor", "flavour")))[:80]


_NO_OBJECT = (
    r"(?!(?:it|this|that|these|those|him|her|them|you|me|us|to|how|what|when|where|who|why|the (?:idea|"
    r"way|fact|look|sound|"
    r"thought|feeling|one|vibe|photo|picture|name|new)|your|his|their|so|for|being able|if|my|our|all|a lot|"
    r"seeing|hearing|knowing|and|but|or|too|very|being|having|getting|both|some|every|one|such|more)\b)"
)
_WHAT = (
    rf"(?P<what>{_NO_OBJECT}[A-Za-z][\w'&+-]*(?: (?!(?:but|because|so|when|if|since|that|which|too|"
    rf"as)\b)[\w'&+-]+){{0,6}})"
)
_ENDING = r"(?=$|[,.;!(]| (?:but|because|so|when|if|since|that|which|too|as|over|more|very much|a lot)\b)"
_TURNED = r"(?P<turned>have (?:come|grown|started|begun|learned|learnt) to )?"
_LIKES = re.compile(
    rf"^I {ADV}{_TURNED}(?:(?:absolutely|really|do|just|simply|genuinely) )*(?:love|like|enjoy|adore|am (?:a "
    rf")?(?:(?:big|huge|great|avid) )?(?:fan of|into|fond of|keen on|crazy about|passionate about)) "
    rf"{_WHAT}{_ENDING}"
)
_DISLIKES = re.compile(
    rf"^I {ADV}{_TURNED}(?:(?:absolutely|really|just) )*(?:hate|dislike|detest|loathe|despise|"
    rf"cannot stand|do not (?:really |actually )?(?:like|enjoy)|"
    rf"am not (?:a )?(?:big )?(?:fan of|into|fond of|keen on)) {_WHAT}{_ENDING}"
)
_LIKES_ENDED = re.compile(
    rf"^I (?:no longer (?:love|like|enjoy)|have (?:really )?gone off|have lost interest in|(?:got|have "
    rf"got|am) "
    rf"(?:tired|sick|bored) of|do not (?:love|like|enjoy) (?=.{{1,80}} any ?more$)) ?{_WHAT}"
)
_PREFERS = re.compile(
    r"^I (?:would )?(?:(?:really|generally|usually|always|much|strongly|definitely|still|now) "
    r")*prefer (?:that you |if you |you to |to )?(?P<what>(?!(?:it|this|that|these|those|them|not to "
    r"say|the (?:first|second|latter|former|other))\b)[A-Za-z].{2,100})$"
)


def likes(clause: Clause) -> Iterator[FactDraft]:
    """Likes, dislikes and stated preferences, when they name what is liked."""
    if found := _LIKES_ENDED.search(clause.text):
        what = re.sub(r" any ?more$", "", found["what"])
        yield from clause.draft("likes", what, "preference", bearing="ends", reason=clause.quote)
    elif found := _DISLIKES.search(clause.text):
        yield from _liking(clause, found, "dislikes", "likes")
    elif (found := _LIKES.search(clause.text)) and not _POINTS_BACK.search(found["what"]):
        yield from _liking(clause, found, "likes", "dislikes")
    elif found := _PREFERS.search(clause.text):
        yield from clause.draft("prefers", _NOW_LAST.sub("", found["what"]), "preference")


# "I love olives now", "I now love olives": it was not so before.
_NOW_LAST = re.compile(r",? (?:(?:right )?now|nowadays|these days|again)$")
_A_LOT = re.compile(r" (?:a lot|very much|so much|quite a bit)$")
_NOW_FIRST = re.compile(r"^I (?:\w+ ){0,2}?now ")


def _liking(clause: Clause, found: re.Match[str], key: str, opposite: str) -> Iterator[FactDraft]:
    """What is liked or disliked; said with "now" it ends the opposite of the same."""
    told = _NOW_LAST.sub("", found["what"])
    what = _A_LOT.sub("", told)
    yield from clause.draft(key, what, "preference")
    if (
        found["turned"]
        or told != found["what"]
        or _NOW_FIRST.search(clause.text)
        or _NOW_LAST.match(clause.text[found.end("what") :])
    ):
        yield from clause.draft(opposite, what, "preference", bearing="ends", reason=clause.quote)


_POINTS_BACK = re.compile(
    r"\b(?:it|them|him|her|this|that|these|those|one|you)$|\b(?:it|they|he|she|you) \w+s?$|\beven more$"
)

RULES: tuple[Rule, ...] = (
    Rule.of("favourite favorite fave", favourite),
    Rule.of(
        "love like enjoy adore gone lost tired sick bored fan into fond keen crazy passionate hate "
        "dislike detest loathe despise "
        "stand prefer",
        likes,
    ),
)
