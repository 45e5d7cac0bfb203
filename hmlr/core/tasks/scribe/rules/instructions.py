"""Standing instructions to the assistant, and what the speaker never does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import CAP, LANGUAGES, NOT_NAMES, word_set

# What an assistant can be told to do; "never mind" and "always happens" are no instructions.
_TO_DO = (
    r"(?:answer|reply|respond|call|use|include|give|write|show|tell|ask|mention|suggest|recommend|"
    r"remind|speak|address|"
    r"add|avoid|format|keep|explain|cite|provide|send|share|say|assume|check|make sure|make|put|start|"
    r"end|translate|"
    r"convert|refer|book|order|offer|schedule|delete|deploy|commit|list|summari[sz]e|be (?:brief|"
    r"concise|honest|polite|"
    r"formal|direct)|treat|round|quote|sign|confirm|double-check|verify|warn|notify|store|save|reveal|"
    r"discuss|bring up|"
    r"apologi[sz]e|lecture|judge|hide|remove|change|run|execute|push|merge|touch|reference|propose|"
    r"consider|prefer|return|highlight|break down|present|sort|state|describe)"
)
_STANDING = re.compile(
    rf"^(?P<text>(?:[Pp]lease,? )?(?:(?:[Aa]lways|[Nn]ever(?: ever)?|[Dd]o not(?: you)? ever|[Yy]ou "
    rf"(?:must|should) (?:always|never)|"
    rf"[Yy]ou must(?: not)?|[Mm]ake sure (?:to|you) (?:always|never)|I (?:always |never )?want you to "
    rf"(?:always|never)|[Ii] need you to (?:always|never)) (?:please )?{_TO_DO}\b.{{2,240}}))$"
)
_FROM_NOW = re.compile(
    rf"^(?P<text>(?:[Ff]rom now on|[Gg]oing forward|[Ff]rom here on|[Ii]n (?:the )?future|"
    rf"[Hh]enceforth),? (?:please |always |never |only |do not |you (?:must|should|will) |I want you "
    rf"to |I would like you to |just )*"
    rf"{_TO_DO}\b.{{2,240}})$"
)
_FROM_NOW_LAST = re.compile(
    rf"^(?P<text>(?:[Pp]lease )?(?:do not |never |always |only )?{_TO_DO}\b.{{2,200}} (?:from now on|going "
    rf"forward|in (?:the )?future|every time|at all times|whenever I ask\b.{{0,80}}|when I "
    rf"ask\b.{{0,80}}))$",
    re.IGNORECASE,
)
# Said of all answers ("keep answers short") it holds for all of them, also without "always".
_ANSWERS = r"(?:answers|replies|responses|messages|explanations|summaries)"
_STYLE = re.compile(
    rf"^(?P<text>(?:[Pp]lease,? )?(?:(?:keep|make|write|give me|format|phrase) (?:all )?(?:your |the |me "
    rf")?{_ANSWERS}\b.{{2,80}}"
    rf"|(?:keep|make) (?:it|them|things) (?:short|brief|concise|simple|formal|informal|polite)"
    rf"|(?:do not use|use no|no|avoid|skip|leave out|stop using) (?:any |more |the )?(?:emojis?|emoticons|"
    rf"bullet points|bullets|jargon|"
    rf"exclamation marks|slang|small talk|tables|markdown|abbreviations|headings|filler|"
    rf"disclaimers)\b.{{0,60}}"
    rf"|(?:use|give me|stick to) (?:only )?(?:metric|imperial|SI|Celsius|Fahrenheit|British|American|"
    rf"24-hour|24h|kilometres|"
    rf"kilometers|kilos|miles)\b.{{0,40}}"
    rf"|(?:answer|reply|respond|write|talk|speak)(?: to me)? (?:only |always )*(?:in {LANGUAGES}|briefly|"
    rf"concisely|formally|politely|"
    rf"in (?:short|plain|simple|full) \w+)\b.{{0,60}}))$",
    re.IGNORECASE,
)
_IDIOM = re.compile(
    r"\b(?:never (?:say never|give up|mind|again|ask for more)|always be yourself|always give (?:100|your "
    r"best))\b",
    re.IGNORECASE,
)


def instruction(clause: Clause) -> Iterator[FactDraft]:
    """An order that holds for every conversation: "always answer in German", "don't ever mention my ex"."""
    found = (
        _STANDING.search(clause.text)
        or _FROM_NOW.search(clause.text)
        or _FROM_NOW_LAST.search(clause.text)
        or _STYLE.search(clause.text)
    )
    if not found or _IDIOM.search(clause.text) or _CALL_ME.search(clause.text):
        return
    yield from clause.draft("instruction", found["text"], "constraint")


_CALL_ME = re.compile(
    rf"\b(?P<not>(?:[Dd]o not|[Nn]ever|[Ss]top|[Dd]o not ever) )?(?:(?:[Cc]all|calling|[Aa]ddress|"
    rf"addressing) me|"
    rf"[Rr]efer(?:ring)? to me) (?:as )?(?P<quote>[\"'])?(?P<name>(?:[Mm]y )?{CAP}(?: {CAP}){{0,2}}|"
    rf"(?<=[\"'])[^\"']{{1,40}})(?(quote)[\"'])(?=$|[,.;!]| (?:from|and|instead|please|pls|plz|ok|okay|"
    rf"thanks|thx|"
    rf"when|in|at|now|again|because|not|only)\b)",
)
# What others do may be a wish of the speaker all the same: it is how the speaker is known.
_KNOWN_AS = re.compile(
    rf"\b(?i:(?:everybody|everyone|people|most people|(?:all )?my (?:friends|family|mates|colleagues|"
    rf"parents|team))"
    rf" (?:just |usually |always |all |mostly )*calls? me|I (?:usually |mostly |just |also )*go by|I am "
    rf"(?:usually |"
    rf"also |mostly |better )*(?:called|known as))(?: the name)? ({CAP}(?: {CAP})?)(?=$|[,.;!]| (?:and|but|"
    rf"because|"
    rf"by|at|for|these|instead)\b)"
)


def call_me(clause: Clause) -> Iterator[FactDraft]:
    """How the speaker wants to be addressed."""
    found = _CALL_ME.search(clause.text)
    if (known := _KNOWN_AS.search(clause.text)) and known[1] not in _THEY_SAY:
        yield from clause.draft("call_me", known[1], "identity")
        return
    if (
        not found
        or found["name"].split()[0].lower() in NOT_NAMES
        or not _addressed(clause.text, found.start())
    ):
        return
    if found["not"]:
        yield from clause.draft("call_me", found["name"], "constraint", bearing="ends", reason=clause.quote)
        yield from clause.draft("do_not_call_me", found["name"], "constraint")
    else:
        yield from clause.draft("call_me", found["name"], "constraint")


def _addressed(text: str, at: int) -> bool:
    """Whether it is a wish to the listener and no report ("they call me Ace")."""
    head = text[:at].strip().lower()
    return not head or bool(_WISH.search(head))


_THEY_SAY = word_set("Sir Madam Mr Mrs Ms Dr Mom Mum Dad Grandma Grandpa Boss Captain Crazy Lucky Names")
_WISH = re.compile(
    r"(?:^|\b)(?:please|always|just|you can|you may|you should|you must|prefer that you|want you to|"
    r"like you to|"
    r"prefer you to|from now on,?|to|instead,?)$"
)

_HABITS = (
    r"(?:eat|drink|smoke|drive|fly|work|travel|buy|use|wear|take|sleep|lend|share|answer|sign|accept|"
    r"gamble|invest|"
    r"swim|borrow|deploy|pay|post|shop|order|cook with|deal with|do business with|store|commit|push)"
)
_NEVER = re.compile(rf"^I (?:will )?never (?:ever )?({_HABITS}\b.{{0,120}})$")
_IT = re.compile(r"^\w+(?: with)? (?:it|that|them|this|those|these)$")
_PAST_TIME = word_set("before until yet yesterday anymore then")


def never(clause: Clause) -> Iterator[FactDraft]:
    """What the speaker never does: "I never fly", "I never drink coffee after noon"."""
    found = _NEVER.search(clause.text)
    if not found or _IT.search(found[1]):
        return
    if _PAST_TIME.isdisjoint(clause.words) and len(found[1]) > 2:
        yield from clause.draft("never", found[1], "constraint")


RULES: tuple[Rule, ...] = (
    Rule.of(
        "always never ever must future forward henceforth now time times ask keep make write use no not "
        "avoid skip "
        "answer reply respond talk speak answers replies responses stop stick give",
        instruction,
    ),
    Rule.of("call calls calling called known go address addressing refer referring", call_me),
    Rule.of("never", never),
)
