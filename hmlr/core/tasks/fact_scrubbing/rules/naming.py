"""What things are called: aliases, renamings, code names, acronyms, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule, past_date
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    ANIMALS,
    NOT_NAMES,
    RELATIONS_MANY,
    RELATIONS_ONE,
    UP,
    word_set,
)
from hmlr.core.tasks.fact_scrubbing.rules.wording import tidy
from hmlr.language.tokens import STOP_WORDS

# A proper name: a code with a digit, a capital or a quoted name: K-12, Tartarus-v3, the "Phoenix" cipher.
_TOKEN = rf"(?:[{UP}][\w+&-]*(?:\.[\w+-]+)*|[a-z]+-?\d[\w-]*)"
_BARE = rf"{_TOKEN}(?: {_TOKEN}){{0,3}}"
_QUOTE = r"\"[^\"\n]{1,60}\"|'[^'\n]{1,60}'|`[^`\n]{1,60}`"
_ONE = rf"(?:{_QUOTE}|(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof)\. )?{_BARE})"
# Words around a name that are no part of it: "the old 'Phoenix' cipher of 2019".
_KIND_BEFORE = (
    r"(?:(?:the|our|today's|yesterday's|former|formerly|old|older|original|current|new|legacy|so-called|"
    r"internal|good old) ){0,4}"
)
_WHEN = rf"(?:(?:[Ii]n|[Ss]ince|[Aa]s of|[Ff]rom|[Aa]fter|[Bb]y) (?:[{UP}][a-z]+ )?\d{{4}},? )?"
_SUBJECT = (
    rf"(?:^|[,;:] |\b(?:and|that|but|so|because|note|where) ){_WHEN}"
    rf"(?:[Tt]he |[Oo]ur |[Pp]roject |[Tt]oday's )?(?P<a>{_ONE})(?: (?P<noun>[a-z]+))?"
)
_OBJECT = rf"{_KIND_BEFORE}(?P<b>{_ONE})"
# "what legal calls River-9", "what is now known as K-12"
_OBJECT_AS_CALLED = (
    rf"(?:what [\w ]{{2,40}}? (?:calls?|names?|knows? as|refers? to as|called|named|known as) )?{_OBJECT}"
)

_NOW = (
    r"(?:now|also|today|currently|officially|internally|formerly|previously|once|originally|sometimes|"
    r"often|better|publicly|simply|commonly|just|hereafter|later|since|still)"
)
_CALLED = re.compile(
    rf"{_SUBJECT},? (?:(?:is|was|are|were|has been|will be|have been|got|gets) (?:{_NOW} ){{0,2}}"
    rf"(?:called|named|renamed|rebranded|known|referred to|dubbed|nicknamed|relabel+ed|retitled|"
    rf"christened|code-?named|billed|marketed)(?: (?:internally|officially|now|today|publicly))?(?: "
    rf"(?:as|to|by|under the name|under))?|goes by(?: the name(?: of)?)?|became|answers to) {_OBJECT}"
)
_SAME = re.compile(
    rf"{_SUBJECT} (?:is|are|was) (?:{_NOW} )?(?:(?:identical|equivalent|equal) (?:to|with)|the same "
    rf"(?:\w+ )?(?:as|thing as)|synonymous with|an? (?:alias|synonym|nickname|codename|code name|"
    rf"pseudonym|abbreviation|other name|alternative name|different name) (?:of|for)|another (?:name|"
    rf"word|term) (?:of|for)|short for|just) {_OBJECT_AS_CALLED}"
)
_NAME_FOR = re.compile(
    rf"{_SUBJECT} is (?:{_NOW} )?(?:the |our |its |an? )?(?:\w+ ){{0,3}}?(?:names?|codenames?|code "
    rf"?names?|title|label|brand|designation|handle|term|word|nickname|alias)(?: (?:that )?(?:[a-z]+ "
    rf")?(?:we )?(?:use|uses|used|give|gives|has))? (?:of|for) {_OBJECT_AS_CALLED}"
)
_OLD_NAME = re.compile(
    rf"{_SUBJECT} (?:is|was) (?:{_NOW} )?(?:the |our |an? )?(?:(?:old|former|original|previous|legacy|"
    rf"new|classic|earlier|modern|current) )+(?P<b>{_QUOTE})(?: (?P<what>[a-z]+))?"
)
_WAS_FORMERLY = re.compile(
    rf"(?<![\w-])(?P<a>{_ONE})(?: (?P<noun>[a-z]+))?(?:,? \(|, ?)\(?(?:formerly|previously|f\.?k\.?a\.?|"
    rf"a\.?k\.?a\.?|also known as|née|alias|codename[d:]*|code ?name[d:]*|code-named|internally|short|"
    rf"nicknamed|now called|now)(?: (?:known as|called|named))?:? {_OBJECT}(?=\)|,|$|\.| )"
)
_LOW_RENAMED = re.compile(
    rf"(?:^|[,;:] )(?:[Tt]he|[Oo]ur|[Mm]y) (?P<a>[a-z][\w-]*(?: [\w-]+){{0,4}}?) (?:is|was|has been|"
    rf"will be|got) (?:now )?(?:called|named|renamed|rebranded|known as|code-?named|dubbed)(?: (?:to|"
    rf"as))? (?P<b>{_ONE})(?=$|[,.;)]| )"
)
_WE_CALL = re.compile(
    rf"\b(?:[Ww]e|[Tt]hey|I|[Ll]egal|[Mm]arketing|[Ss]ales|[Ee]veryone|[Pp]eople|[Tt]he \w+) (?:now |"
    rf"also |internally |usually |have )?(?:call|calls|called|renamed|nicknamed|dubbed|rename) (?:the |"
    rf"our |my |old )?(?P<a>{_ONE}|[\w-]+(?: [\w-]+){{0,3}}?)(?: to| as)? (?P<b>{_ONE})(?= now| "
    rf"today| internally|$|[,.;])"
)
_NOT_NOUN = word_set(
    """
    is was are were has have had will can may must should would of to in on at for and or by
    """
)
_PEOPLE = RELATIONS_ONE | RELATIONS_MANY


def alias(clause: Clause) -> Iterator[FactDraft]:
    """Another name of the same thing: "X is now called Y", "X (codename Y)", "Y is the legal name of X"."""
    if " not " in clause.text or " isn't " in clause.text:
        return
    seen: set[tuple[str, str]] = set()
    for pattern in (_CALLED, _SAME, _NAME_FOR, _OLD_NAME, _WAS_FORMERLY, _LOW_RENAMED, _WE_CALL):
        for found in pattern.finditer(clause.text):
            pair = tidy(found["a"]), tidy(found["b"])
            if pair in seen or not _are_names(clause, found, *pair):
                continue
            seen.add(pair)
            changed = re.search(r"renam|rebrand|now|became|relabel", found.group()) is not None
            yield from clause.draft(
                "also_called",
                pair[1],
                "alias",
                subject=pair[0],
                valid_from=past_date(clause) if changed else None,
            )


def _are_names(clause: Clause, found: re.Match[str], one: str, other: str) -> bool:
    if one.casefold() == other.casefold() or min(len(one), len(other)) < 2:
        return False
    first, last = one.split(maxsplit=1)[0].lower(), other.split(maxsplit=1)[0].lower()
    if first in _NO_NAME or last in _NO_NAME or first in _PEOPLE or one.lower() in _GENERIC:
        return False
    if one.rsplit(maxsplit=1)[-1].lower() in _PEOPLE or _ANIMAL.fullmatch(one.rsplit(maxsplit=1)[-1].lower()):
        return False
    if "became" in found.group() and not (_coded(one) or _coded(other)):
        return False  # "Anna became Director"
    return not _PEOPLE_BEFORE.search(clause.text[: found.start("a")] + one.split(maxsplit=1)[0].lower())


def _coded(name: str) -> bool:
    return any(c.isdigit() or c in "-_." for c in name)


_PEOPLE_BEFORE = re.compile(
    rf"\b[Mm]y (?:\w+ )?(?:{'|'.join(sorted(_PEOPLE))}|dog|cat|pet|parrot|hamster|horse|rabbit|bird|puppy|"
    rf"kitten)$"
)
_NO_NAME = NOT_NAMES | STOP_WORDS
_ANIMAL = re.compile(ANIMALS)
_GENERIC = word_set(
    """
    function method class event thing meeting call i he she it they name file variable
    """
)

# "Redis 7", but not the number of "Redis 7 times a day".
_VERSION = r"(?: v?\d+(?:\.\d+)*(?=$|[,;)(]|\.(?:\s|$)| (?:and|but|for|as|to|in|on|with|at|now|since|so)\b))"
_USES = re.compile(
    rf"^(?:[Tt]he |[Oo]ur )?(?P<a>(?:[Pp]roject |[Tt]eam )?{_BARE})(?: (?:project|team|service|system|"
    rf"platform|app))? (?:will |now |currently |is going to |also |shall )*(?:uses?|runs? on|relies on|"
    rf"rely on|is built (?:on|with)|depends on|is using|adopts?|has adopted) (?:the "
    rf")?(?P<b>{_ONE}{_VERSION}?)(?=$|[,.;)(]| )"
)
_ONLY_NAME = re.compile(
    rf"{_SUBJECT} is (?:now )?(?P<b>the (?:only|sole|official|correct|current|preferred|supported) "
    rf"(?:\w+ ){{0,3}}?(?:name|term|spelling|version|identifier)\b.{{0,100}})$"
)


def named_thing(clause: Clause) -> Iterator[FactDraft]:
    """What a named thing uses, and which of its names is the right one."""
    if " not " in clause.text:
        return
    if (found := _USES.search(clause.text)) and found["a"].split()[0].lower() not in NOT_NAMES:
        yield from clause.draft("uses", found["b"], "entity", subject=tidy(found["a"]))
    if (found := _ONLY_NAME.search(clause.text)) and not _NAME_FOR.search(clause.text):
        yield from clause.draft("name_status", found["b"], "definition", subject=tidy(found["a"]))


_STANDS_FOR = re.compile(
    rf"(?:^|[\s(,;])(?P<a>[{UP}][{UP}\d&.-]{{1,9}}s?) (?:stands for|is short for|is an acronym for|is the "
    rf"abbreviation (?:of|for)|abbreviates|(?:(?:for us|here|at work|internally|in our team) )?means) "
    rf"(?P<b>\"?[A-Za-z][\w &/'-]{{3,80}})"
)
_IN_BRACKETS = re.compile(rf"(?P<b>(?:[\w'-]+ ){{1,7}}?[\w'-]+) \((?P<a>[{UP}][{UP}\d&]{{1,7}})s?\)")
_OPENED = re.compile(rf"\b(?P<a>[{UP}][{UP}\d&]{{1,7}}) \((?P<b>[A-Za-z][\w'-]*(?: [\w'/&-]+){{1,7}})\)")


def acronym(clause: Clause) -> Iterator[FactDraft]:
    """What letters stand for; in brackets only when the letters are the words' initials."""
    if found := _STANDS_FOR.search(clause.text):
        whole = re.split(r",| (?:which|that|but|so|btw|by the way)\b", found["b"])[0]
        # "objectives and key results" is one name, since its letters are those; "… and I like it" is not.
        named_whole = _initials(whole, found["a"]) == whole.removeprefix("the ")
        long = whole if named_whole else re.split(r" (?:and|in)\b", whole)[0]
        if long.split()[0].lower() not in _NO_LONG_FORM:
            yield from clause.draft("stands_for", long.removeprefix("the "), "acronym", subject=found["a"])
    for found in _IN_BRACKETS.finditer(clause.text):
        if long := _initials(found["b"], found["a"]):
            yield from clause.draft("stands_for", long, "acronym", subject=found["a"])
    for found in _OPENED.finditer(clause.text):
        if _initials(found["b"], found["a"]) == found["b"]:
            yield from clause.draft("stands_for", found["b"], "acronym", subject=found["a"])


# "AI means a lot to me", "UN means nothing": an opinion, not what the letters stand for.
_NO_LONG_FORM = word_set("a an that it nothing everything trouble business more less well you we i no not")
_SMALL = word_set("of the and for in a an to on")


def _initials(text: str, letters: str) -> str:
    """The end of the text whose initials are the letters, small words not counted; else ""."""
    words = text.split()
    for start in range(len(words) - 1, -1, -1):
        part = words[start:]
        if part[0].lower() in _SMALL:
            continue
        for kept in (part, [w for w in part if w.lower() not in _SMALL]):
            heads = "".join(piece[:1] for word in kept for piece in word.split("-"))
            if heads.upper() == letters.upper() and len(letters) > 1:
                return " ".join(part)
    return ""


_TERM = rf"(?:{_QUOTE}|(?:[Aa]n? |[Tt]he )?[A-Za-z][\w-]*(?: [\w-]+){{0,3}}?)"
_DEFINED = re.compile(
    rf"^(?:(?P<a>{_TERM}) (?:is defined as|are defined as|refers to|is our (?:word|term|name) for|"
    rf"means that|denotes|is the term for) (?P<b>[^\"].{{5,200}})"
    rf"|(?:[Bb]y|[Ww]hen (?:I|we) say|[Ww]ith) (?P<c>{_QUOTE})[,]? (?:I|we) (?:mean|understand|refer "
    rf"to) (?P<d>.{{4,200}})"
    rf"|(?P<e>{_QUOTE}) (?:means|refers to|stands for) (?P<f>.{{4,200}})"
    rf"|(?:[Ww]e|I) define (?:an? |the )?(?P<g>{_TERM}) as (?P<h>.{{4,200}}))$"
)


def definition(clause: Clause) -> Iterator[FactDraft]:
    """What a word means here: "by 'done' we mean …", "churn is defined as …"."""
    found = _DEFINED.search(clause.text)
    if not found or " not " in clause.text[:40]:
        return
    term = next(filter(None, (found["a"], found["c"], found["e"], found["g"])))
    meaning = next(filter(None, (found["b"], found["d"], found["f"], found["h"])))
    head = re.sub(r"^(?:[Tt]he|[Aa]n?) ", "", tidy(term))
    if "`" in meaning or "(" in head:
        return  # code explains itself
    if head.split()[0].lower() not in NOT_NAMES and not _JUDGED.match(meaning):
        yield from clause.draft("means", meaning, "definition", subject=head)


_JUDGED = re.compile(
    rf"(?:{ADV})(?:not|my|a (?:great|good|bad|nice|beautiful|terrible|fun)|so|amazing|great|good|bad|one "
    rf"of|the best|the worst)\b"
)

RULES: tuple[Rule, ...] = (
    Rule.of(
        "called named renamed rebranded known referred dubbed nicknamed goes became identical "
        "equivalent same synonymous alias "
        "synonym name names nickname codename codenamed code code-named title label brand designation "
        "term word short formerly "
        "previously fka aka née internally old former original previous legacy new call calls rename "
        "answers equal another "
        "marketed billed relabeled relabelled retitled christened classic now just", alias, mark="("
    ),
    Rule.of(
        "use uses runs run relies rely built depends using adopts adopted name term spelling version "
        "identifier", named_thing),
    Rule.of("means mean defined define refers denotes is understand term", definition),
    Rule.of("stands short acronym abbreviation abbreviates means", acronym, mark="("),
)  # fmt: skip
