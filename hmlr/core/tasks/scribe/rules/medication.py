"""What the speaker takes or must leave out for a time: medicines, and "no alcohol till then"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.days import ahead
from hmlr.core.tasks.fact_scrubbing.rules.nouns import DRINKS, FOODS, items, word_set
from hmlr.language.dates import find_dates

_DOSE = (
    r"\d+(?:[.,]\d+)? ?(?:mg|mcg|µg|ug|g|ml|iu|units?|drops?|puffs?|tablets?|pills?|capsules?|milligrams?)"
)
# By their endings most generic names are known; the others are the ones that people name most.
_DRUG = (
    r"(?:[a-z]{2,}(?:statin|pril|sartan|olol|cillin|mycin|micin|floxacin|cycline|azole|prazole|oxetine|aline|"
    r"alopram|azepam|azolam|formin|gliptin|gliflozin|glutide|profen|acetamol|thyroxine|tidine|triptan|xaban|"
    r"lukast|tadine|tirizine|setron|dipine|thiazide|semide|tropin|olone|asone|onide|terol|amine|tyline|apine|"
    r"peridone|piprazole|idone|fenac|oxicam|parin|vir|mab|nib|cept|barbital|bital|codone|done|phylline|zosin|"
    r"afil|dronate)|"
    r"insulin|aspirin|warfarin|lithium|melatonin|morphine|codeine|steroids?|antidepressants?|antibiotics?|"
    r"antihistamines?|painkillers?|blood thinners?|beta[- ]blockers?|statins?|immunosuppressants?|"
    r"chemo(?:therapy)?|the pill|sleeping pills?|iron(?: tablets| supplements?)?|vitamin [a-z]\d{0,2}|"
    r"ritalin|adderall|concerta|prozac|zoloft|lexapro|xanax|valium|ventolin|lipitor|ozempic|tylenol|advil)"
)
_PRE = r"(?:(?:also|still|currently|now|usually|always|already|only|just|daily) )*"
_SOME = r"(?:(?:some|my|a|an|the|low[- ]dose|high[- ]dose|daily|a low dose of|a course of|a dose of) )*"
_WHAT = rf"(?P<what>(?:{_DOSE} (?:of )?)?{_SOME}(?:{_DRUG}(?:,? (?:and|plus) {_DRUG})*(?: {_DOSE})?))(?!\w)"
_DOSED = rf"(?P<dosed>{_DOSE} (?:of )?[a-zA-Z][\w-]{{2,30}})(?!\w)"
_TAKES = (
    rf"\bI (?:{_PRE}(?:take|am taking|use|inject)|am {_PRE}(?:on|up to|down to)|"
    rf"have been (?:on|taking|put on|prescribed)|was "
    rf"(?:just |recently )?(?:put on|prescribed|given)|(?:have )?(?:just )?started (?:taking|on)|"
    rf"have to take|need to take|must take|got prescribed) "
)
_TAKEN = re.compile(rf"{_TAKES}(?:{_WHAT}|{_DOSED})(?P<rest>[^,;]*)", re.IGNORECASE)
_PRESCRIBED = re.compile(
    rf"\b(?:prescribed me|has me on|put me on|gave me) (?:{_WHAT}|{_DOSED})(?P<rest>[^,;]*)", re.IGNORECASE
)
_HOW_OFTEN = re.compile(
    r"^ ?(?:(?:once|twice|three times|every|each|daily|weekly|at|before|after|with|in the|a|per) ?"
    r"(?:day|week|month|morning|evening|night|noon|lunch|breakfast|dinner|bed|bedtime|meals?|other day|"
    r"\d+ hours)? ?(?:a (?:day|week|month))?)+",
    re.IGNORECASE,
)
_NOW = re.compile(r"\b(?:now|nowadays|these days|instead|up to|down to)\b", re.IGNORECASE)
# "My doctor increased my lisinopril to 40 mg", "my lisinopril was cut to 10 mg", "my lisinopril is 40 mg now"
_SET = (
    r"(?:increased|raised|upped|bumped|lowered|reduced|cut|decreased|dropped|changed|adjusted|doubled|halved|"
    r"brought|put|went|gone)"
)
_OF_MINE = (
    rf"[Mm]y (?:daily )?(?:(?:dose|dosage) of )?(?P<drug>{_DRUG}|[a-zA-Z][\w-]{{2,30}})(?: (?:dose|dosage))?"
)
_TO = rf"(?: (?:up|down|back))*(?: from {_DOSE})? to (?P<dose>{_DOSE})(?P<rest>[^,;]*)"
_NEW_DOSE = (
    re.compile(rf"\b{_SET}(?: (?:up|down))? {_OF_MINE}{_TO}", re.IGNORECASE),
    re.compile(
        rf"^{_OF_MINE} (?:(?:has|have|had|was|is|got|been|being|just|now) )*{_SET}{_TO}", re.IGNORECASE
    ),
    re.compile(
        rf"^{_OF_MINE} is (?:(?:now|up to|down to|at) )+(?P<dose>{_DOSE})(?P<rest>[^,;]*)|"
        rf"^{_OF_MINE.replace('drug', 'drug2')} is (?P<dose2>{_DOSE})(?P<rest2>(?=[^,;]*\bnow\b)[^,;]*)",
        re.IGNORECASE,
    ),
)
_MEASURED = re.compile(r"\d ?(?:mg|mcg|µg|ug|iu|units?|milligrams?)$", re.IGNORECASE)
_NAME = r"(?P<name>[a-zA-Z][\w-]{2,40}(?: [\w-]+)?)"
_ENDED = re.compile(
    rf"\bI (?:(?:no longer|do not(?=.*\bany ?(?:more|longer)\b)) (?:take|use|need|have to take|inject) "
    rf"{_NAME}|"
    rf"(?:am (?:no longer|not) (?:on|taking)|(?:have )?(?:just )?(?:stopped|quit|finished) (?:taking|using)) "
    rf"(?:(?:the|my) )?{_NAME.replace('name', 'name2')}|"
    rf"(?:(?:have )?(?:just )?(?:stopped|finished)|am (?:now )?off|(?:have |just )*came off|have come off) "
    rf"(?:(?:the|my) )?(?P<name3>{_DRUG}))(?=$|[,.;(]| )",
    re.IGNORECASE,
)
_TAKEN_OFF = re.compile(rf"\btook me off (?:(?:the|my) )?{_NAME}(?=$|[,.;(]| )", re.IGNORECASE)
_SWITCHED = re.compile(
    rf"\b(?:switched|moved|changed|transferred) (?:me )?(?:over )?from (?:the |my )?(?P<old>{_DRUG}) "
    rf"(?:on)?to "
    rf"{_WHAT}|\b(?:replaced|swapped) (?:the |my )?(?P<old2>{_DRUG}) (?:with|by|for) "
    rf"{_WHAT.replace('what', 'what2')}|"
    rf"{_TAKES}{_WHAT.replace('what', 'what3')} (?:instead of|rather than|in place of) (?:the |my "
    rf")?(?P<old3>{_DRUG})",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"\b(?:until|till|til|up to|through)\b", re.IGNORECASE)
_THEN = re.compile(r"\b(?:until|till|til) then\b", re.IGNORECASE)
_NO = re.compile(
    r"(?:^|[,;] |\b(?:so|and|means|meaning|but) )(?:no (?P<what>[a-z][\w -]{2,40}?)(?: for me| allowed)?|I "
    r"(?:cannot|"
    r"must not|may not|am not allowed to|should not) (?:have |do |drink |eat )?(?P<verb>[a-z][\w -]{2,40}?)) "
    r"(?:until|till|til)\b",
    re.IGNORECASE,
)


def medicine(clause: Clause) -> Iterator[FactDraft]:
    """A medicine that is taken, and its end: "I take 50 mg sertraline", "the doctor took me off it"."""
    if (switched := _SWITCHED.search(clause.text)) and " not " not in clause.text:
        old, new = (next(filter(None, switched.group(*names))) for names in _SWITCHED_GROUPS)
        yield from clause.draft("medication", old, "constraint", bearing="ends", reason=clause.quote)
        yield from clause.draft("medication", new, "constraint")
        return
    ended = _TAKEN_OFF.search(clause.text) or _ENDED.search(clause.text)
    if ended:
        drug = next(filter(None, ended.groups())).split()[0]
        yield from clause.draft("medication", drug, "constraint", bearing="ends", reason=clause.quote)
        return
    if " not " in clause.text or " never " in clause.text:
        return
    if found := _TAKEN.search(clause.text) or _PRESCRIBED.search(clause.text):
        what = re.sub(r"^(?:(?:some|my|a|an|the) )+(?!pill)", "", found["what"] or found["dosed"])
        yield from _taken(clause, what, found["rest"], changed=_NOW.search(clause.text) is not None)
    elif told := _new_dose(clause.text):
        yield from _taken(clause, *told, changed=True)


def _new_dose(text: str) -> tuple[str, str] | None:
    """The medicine in its new dose, and what is told after it."""
    found = next(filter(None, (pattern.search(text) for pattern in _NEW_DOSE)), None)
    if found is None:
        return None
    groups = {"drug2": None, "dose2": None, "rest2": None, **found.groupdict()}
    drug, dose = groups["drug"] or groups["drug2"] or "", groups["dose"] or groups["dose2"] or ""
    known = re.fullmatch(_DRUG, drug, re.IGNORECASE)
    if not known and (not _MEASURED.search(dose) or drug.lower() in FOODS | DRINKS | _NO_DRUG):
        return None
    return f"{dose} of {drug}", groups["rest"] or groups["rest2"] or ""


def _taken(clause: Clause, what: str, rest: str, *, changed: bool) -> Iterator[FactDraft]:
    often = _HOW_OFTEN.match(rest)
    until = _until(clause)
    value = f"{what} {often.group().strip()}".strip() if often else what
    if until is not None:
        value = f"{value} until {until:%Y-%m-%d}"
    bearing: Bearing = "updates" if changed else "asserts"
    yield from clause.draft("medication", value, "constraint", bearing=bearing, valid_to=_after(until))


_NO_DRUG = word_set("dose dosage intake limit sodium protein level levels target goal")
_SWITCHED_GROUPS = (("old", "old2", "old3"), ("what", "what2", "what3"))


def avoided(clause: Clause) -> Iterator[FactDraft]:
    """What is left out up to a day: "no alcohol until 3 May", "so no climbing till then"."""
    found = _NO.search(clause.text)
    until = _until(clause)
    if found is None or until is None:
        return
    for what in items(found["what"] or found["verb"]):
        head = what.split()[-1]
        key = "does_not_drink" if head in DRINKS else "does_not_eat" if head in FOODS else "avoids"
        if key == "avoids" and found["what"] and not head.endswith("ing"):
            continue  # "no idea until Monday"
        until_then = f"{what} until {until:%Y-%m-%d}"
        yield from clause.draft(key, until_then, "constraint", valid_to=_after(until))


def _until(clause: Clause) -> datetime | None:
    """The last day that the clause, or with "till then" the sentence, names as an end; None in the past."""
    text = clause.quote if _THEN.search(clause.text) else clause.text
    for span in find_dates(text, clause.now):
        if _UNTIL.search(text[max(0, span.at[0] - 12) : span.at[0]]):
            last = ahead(span, clause).end
            return last - timedelta(seconds=1) if last > clause.now else None
    return None


def _after(until: datetime | None) -> datetime | None:
    return None if until is None else until + timedelta(seconds=1)


RULES: tuple[Rule, ...] = (
    Rule.of(
        "take taking on use inject prescribed put gave stopped quit finished longer off came started has "
        "need switched moved changed transferred replaced swapped increased raised upped bumped lowered "
        "reduced cut decreased dropped adjusted doubled halved brought went gone now up down",
        medicine,
    ),
    Rule.of("until till til", avoided),
)
