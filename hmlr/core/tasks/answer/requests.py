"""Messages that want something else than an answer from memory: to forget, to sum up, to be polite."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.answer.given import AnswerInput

MAX_SHOWN = 3

_POLITE = r"^\W*(?:(?:hey|ok|okay|so|and|now|also|please|no|actually|wait|just)\b,? ?)*"
_ASKED_TO = (
    r"(?:(?:can|could|would|will) you (?:please |just )*|i (?:want|would like|need) you to |i'd like you to |"
    r"please )*"
)
_FORGET = re.compile(
    rf"{_POLITE}{_ASKED_TO}(?:forget|delete|erase|wipe|purge|unlearn|scrub|"
    r"(?:remove|clear|drop|destroy) (?=(?:my|everything|all|that|this|what|the (?:last|fact|memory|"
    r"message))\b))"
    r"(?!\s+(?:to|how|why|it[.!]?$|you\b|who|the milk))",
    re.IGNORECASE,
)
_TAKE_BACK = re.compile(
    rf"{_POLITE}{_ASKED_TO}(?:(?:forget|ignore|disregard|strike|scratch|never mind)(?: about)? (?:that|"
    rf"what|everything|all|"
    r"the (?:thing|fact))\b|i take (?:it|that|this) back|scratch that|strike that)",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:last|previous) (?:thing|message|sentence|statement|turn)|\bwhat i just|\bthat\W*$", re.IGNORECASE
)
_KEEP = re.compile(
    rf"{_POLITE}(?:(?:can|could|would|will) you (?:please |just |also )*)(?:remember|note(?: down)?|keep "
    rf"in mind|"
    r"bear in mind|save|store|write down|record)(?: for me)?,?(?: that|:)? (?:my|our|i|we|i'm|i've|the|"
    r"that)\b",
    re.IGNORECASE,
)
_KEPT_QUESTION = re.compile(
    r"\b(?:remember|recall) (?:what|when|where|who|why|how|if|whether|which|the "
    r"(?:time|day|one))\b",
    re.I,
)
_PROFILE = re.compile(
    r"\bwhat (?:do|did|have) you (?:know|learn(?:ed|t)?|remember(?:ed)?|have|got|stored?)(?: \w+)? "
    r"(?:about|on|of) me\b|"
    r"\btell me (?:everything|all|what) you know about me\b|\bwho am i\W*$|\b(?:my|a) "
    r"profile\b.*\b(?:summary|show)\b|"
    r"\b(?:show|give|list|summari[sz]e) (?:me )?(?:my|a summary of my) profile\b|\bsummari[sz]e (?:me|what "
    r"you know about me)\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"^\W*(?:please |can you |could you |would you )*(?:summari[sz]e|sum up|recap|give me (?:a summary|an "
    r"overview|a recap) of|"
    r"tell me (?:everything|all)|list (?:everything|all)|what (?:do you know|did i (?:say|tell you)|have i "
    r"(?:said|told you)))"
    r"(?: (?:everything|all|what))?(?: that)?(?: (?:i (?:have )?(?:said|told you|mentioned)|you know|we "
    r"(?:discussed|"
    r"talked about)))?(?: to you)?(?: (?:about|on|of|regarding))? (?P<topic>(?!me\b|it\b|this\b|"
    r"that\b)[^?]{2,80}?)\W*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok|okay|great|perfect|cool|nice|super),? )?(?:thanks|thank you|thx|cheers|"
    r"ty)\b[^?]{0,40}$",
    re.I,
)
_HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))(?: there| again)?\W*$", re.IGNORECASE
)
_BYE = re.compile(
    r"^\W*(?:ok|okay|bye|goodbye|good night|see you(?: later)?|great|cool|nice|perfect|lol|"
    r"haha)\W*$",
    re.IGNORECASE,
)

# "How many pets do I have?", "Which cities did we visit?", "List my books": a kind without any condition.
_LIST = re.compile(
    r"^\W*(?:how many|which|what|(?:list|name|show me|tell me)(?: all)?(?: of)?) (?:(?:of|all|my|our|the) )*"
    r"(?P<kind>[a-z-]{2,}s|children|people)"
    r"(?: (?:that )?(?:do |did |have |had |am |are |was |were )?(?:I|we)(?: [\w'-]+){0,2})?\W*$",
    re.IGNORECASE,
)

HOW_TO_ERASE = (
    "`forget --turn ID`, `forget --fact ID`, `forget --session ID` or `forget --everything` erase for good; "
    "`facts` and `recall` show the ids."
)


def wants_profile(message: str) -> bool:
    """Whether all that is known of the user is asked for."""
    return bool(_PROFILE.search(message))


def summed_up(message: str) -> str:
    """The topic on which all that was told is asked for, else ""."""
    found = _SUMMARY.match(message)
    return found["topic"].strip() if found and not wants_profile(message) else ""


def listed(message: str) -> str:
    """The kind of which all that the user has is asked for ("pets"), else ""."""
    found = _LIST.match(message)
    return found["kind"].lower() if found else ""


def keeps(message: str) -> bool:
    """Whether it asks to remember what it says: a statement, although it may end with a question mark."""
    return bool(_KEEP.match(message)) and not _KEPT_QUESTION.search(message)


def courtesy(message: str) -> str:
    """The answer to thanks and greetings, else ""."""
    if _THANKS.match(message):
        return "You're welcome."
    if _HELLO.match(message):
        return "Hello."
    return "All right." if _BYE.match(message) else ""


def forgetting(given: AnswerInput) -> str:
    """The answer to a request to forget, else "": nothing is erased by being asked in a chat."""
    taken_back = bool(_TAKE_BACK.match(given.message))
    if not taken_back and not _FORGET.match(given.message):
        return ""
    begin = "Noted that you take it back: facts that it names no longer count. " if taken_back else ""
    head = f"{begin}Chat erases nothing: the words stay stored."
    candidates = list(_candidates(given))[:MAX_SHOWN]
    return "\n".join([f"{head} {HOW_TO_ERASE}", *candidates])


def _candidates(given: AnswerInput) -> Iterator[str]:
    """What may be meant, each with the command that erases it."""
    if _LAST.search(given.message) and given.previous is not None:
        said = given.previous
        yield f"• “{' '.join(said.content.split())[:120]}” — `forget --turn {said.turn_id}`"
        return
    for known in given.facts:
        yield f"• {known.statement} — `forget --fact {known.fact.fact_id}`"
