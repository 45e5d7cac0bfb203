"""What must be respected: diet, allergies, health, faith, things never done, and standing instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    ANIMAL_PRODUCTS,
    DRINKS,
    FOODS,
    MEATS,
    RELIGIOUS,
    SEAFOODS,
    items,
    word_set,
)

_DIETS = (
    r"(?:vegetarian|vegan|pescatarian|pescetarian|plant-based|lacto-vegetarian|ovo-lacto vegetarian|"
    r"flexitarian|"
    r"fruitarian|teetotal|teetotaller|teetotaler|kosher|halal|gluten[- ]free|dairy[- ]free|lactose[- ]f"
    r"ree|sugar[- ]free|"
    r"keto|ketogenic|paleo|low[- ]carb|low[- ]sodium|low[- ]FODMAP|diabetic|raw food|mediterranean)"
)
_DEGREE = (
    r"(?:(?:a|an|the|strict|strictly|mostly|completely|fully|ethical|lifelong|life-long|committed|devoted|"
    r"proud|ovo-lacto|lacto-ovo|100%) ){0,3}"
)
_DIET = re.compile(
    rf"\b(?:I|[Ww]e) {ADV}(?:(?:am|are|have been|became|have become|went|turned|have gone|have turned|"
    rf"am going|converted to being) {ADV}(?P<a>{_DEGREE}{_DIETS})"
    r"(?=$|[,.;!(]| (?:and|but|so|for|since|because|now|who|by|again|as|person|when|these|in|last|this)\b)"
    rf"|(?:eat|keep|follow|observe|maintain|am on|stick to|adhere to) (?:(?:only|strictly|exclusively) "
    rf")?(?P<b>{_DEGREE}{_DIETS})(?: food| foods| diet| meals| products| kitchen)?"
    r"(?=$|[,.;!(]| (?:and|but|so|for|since|because|now|at)\b))",
    re.IGNORECASE,
)
_DIET_ENDED = re.compile(
    rf"\bI (?:(?:am|have been) (?:no longer|not) {_DEGREE}(?P<a>{_DIETS})(?P<more> any ?(?:more|longer))?"
    rf"|(?:have )?(?:stopped|quit|gave up|given up) (?:being |eating |the )?{_DEGREE}(?P<b>{_DIETS})"
    rf"|(?:used to be) {_DEGREE}(?P<c>{_DIETS}) but)",
    re.IGNORECASE,
)

_DIET_CORRECTED = re.compile(
    rf"\bI am (?:actually )?not {_DEGREE}(?P<a>{_DIETS}),? (?:(?:just|only|but|rather|merely|simply) ){{1,2}}"
    rf"(?P<b>{_DEGREE}{_DIETS})(?=$|[,.;!(])",
    re.IGNORECASE,
)


def diet(clause: Clause) -> Iterator[FactDraft]:
    """A way of eating: "I'm strictly vegetarian", "I keep kosher", "I'm no longer vegan"."""
    if corrected := _DIET_CORRECTED.search(clause.text):
        old, new = corrected["a"], re.sub(r"^(?:an?|the) ", "", corrected["b"])
        yield from clause.draft(_diet_key(old), old, "constraint", bearing="ends", reason=clause.quote)
        yield from clause.draft(_diet_key(new), new, "constraint", bearing="updates")
    elif ended := _DIET_ENDED.search(clause.text):
        value = ended["a"] or ended["b"] or ended["c"]
        if "no longer" in ended.group() or ended["more"] or not ended["a"]:
            yield from clause.draft(
                _diet_key(value), value, "constraint", bearing="ends", reason=clause.quote
            )
    elif found := _DIET.search(clause.text):
        value = re.sub(r"^(?:an?|the) ", "", found["a"] or found["b"])
        yield from clause.draft(_diet_key(value), value, "constraint")


def _diet_key(value: str) -> str:
    """One is vegan or vegetarian, but may eat kosher and gluten-free besides."""
    return "diet" if re.search(r"tarian|vegan|plant-based", value, re.IGNORECASE) else "dietary_rule"


_EATS_NOT = re.compile(
    r"\bI (?:(?:do not|cannot|will not|refuse to|am not allowed to|must not|may not|should not|never|"
    r"no longer|am unable to)"
    r"(?: ever| really| actually)?|never|have stopped|stopped|avoid|have given up|gave up|quit|stay "
    r"away from)"
    r"(?: (?P<verb>eat|eating|drink|drinking|consume|consuming|touch|tolerate|stand|have|having))?\b "
    r"?(?:any )?(?P<what>[a-z][\w ,'/-]{1,80})$"
)
_TODAY_ONLY = word_set(
    """
    today tonight tomorrow yet yesterday enough much breakfast lunch dinner until till
    """
)
_THIS_TIME = re.compile(r"\b(?:this|the|in the|at the) (?:morning|week|month|moment|afternoon|evening)\b")
_SINCE_WHEN = re.compile(
    r",? (?:since|because|but|as|so|when|after|before|for|from|ever|at|in|on|due|now|these days|last|this|"
    r"(?:[\w-]+ )?(?:weeks?|months?|years?|days?) ago)\b.*$"
)
_AGAIN = re.compile(
    r"\bI (?:(?:do |have |can |am )?(?:now |actually )?(?:started |begun |begin |start |went back to |"
    r"back to )?(?:to )?(?P<verb>eat|eating|drink|drinking)(?: to)? (?P<a>[a-z][\w ,'-]{1,60}?)"
    r" (?:again|now|these days)\b|(?:have )?(?:started|begun|went back to|gone back to) (?P<doing>eating|"
    r"drinking) (?P<b>[a-z][\w ,'-]{1,60}?)(?: again)?$)"
)


def foods(clause: Clause) -> Iterator[FactDraft]:
    """What the speaker doesn't eat or drink: "I don't eat meat or fish"; and its end: "I eat meat again"."""
    if (again := _AGAIN.search(clause.text)) and " not " not in clause.text:
        yield from _taken_again(clause, _foods(again["a"] or again["b"]), again["verb"] or again["doing"])
        return
    if _NOT_IT.search(clause.text):
        yield from _makes_ill(clause)
        return
    found = _EATS_NOT.search(clause.text)
    if (
        not found
        or not _TODAY_ONLY.isdisjoint(clause.words)
        or _THIS_TIME.search(clause.text)
        or found["verb"] == "stand"
    ):
        return  # who can't stand something dislikes it
    drinks = (found["verb"] or "").startswith("drink")
    what = re.sub(r" any ?(?:more|longer)\b.*$", "", found["what"])
    for food in _foods(_SINCE_WHEN.sub("", what)):
        drunk = drinks or (not found["verb"] and food.split()[-1] in DRINKS)
        yield from clause.draft("does_not_drink" if drunk else "does_not_eat", food, "constraint")
        taken = "drinks" if drunk else "eats"
        yield from clause.draft(taken, food, "preference", bearing="ends", reason=clause.quote)
    if drinks and not found["what"]:
        yield from clause.draft("does_not_drink", "alcohol", "constraint")


_NO_FOOD = word_set("to is are was were still ok okay fine take taking")


def _foods(text: str) -> list[str]:
    """The items of the list whose last or first word names a food."""
    found = (item for item in items(re.sub(r"^(?:any|eating|the) ", "", text)))
    return [
        item
        for item in found
        if FOODS.intersection(item.split()) and _NO_FOOD.isdisjoint(item.split()) and len(item.split()) <= 3
    ]


_NOT_IT = re.compile(
    r"\bI (?:never|do not|cannot|will not|no longer|avoid) ?(?:ever )?(?P<verb>eat|eating|drink|"
    r"drinking|touch|"
    r"have|having)? ?(?:it|them|that)(?: any ?more)?$"
)
_MAKES_ILL = re.compile(
    r"\b(?P<what>[a-z]+)(?: always| usually)? makes? me (?:(?:really|very|so|quite|always|violently|"
    r"extremely|"
    r"badly) )*(?:sick|ill|unwell|vomit|throw up)\b",
    re.IGNORECASE,
)


def _makes_ill(clause: Clause) -> Iterator[FactDraft]:
    """ "Shellfish makes me sick, so I never eat it." """
    found = _MAKES_ILL.search(clause.earlier)
    found = found or _MAKES_ILL.search(clause.before) or _MAKES_ILL.search(clause.text)
    if found and (food := found["what"].lower()) in FOODS:
        drinks = (_NOT_IT.search(clause.text) or found).group().split()[-2].startswith("drink")
        yield from clause.draft("does_not_drink" if drinks else "does_not_eat", food, "constraint")


_OTHERWISE = re.compile(r"(eating|drinking) (.+)")


def _taken_again(clause: Clause, foods: list[str], verb: str) -> Iterator[FactDraft]:
    """What is eaten or drunk; end the ways of eating that it contradicts, and what was left out."""
    ended: list[str] = []
    for item in foods:
        told = _OTHERWISE.match(item)  # "cheese and drinking milk"
        verb, food = (told[1], told[2]) if told else (verb, item)
        head = food.split()[-1]
        yield from clause.draft("drinks" if verb.startswith("drink") else "eats", food, "preference")
        yield from clause.draft("does_not_eat", food, "constraint", bearing="ends", reason=clause.quote)
        yield from clause.draft("does_not_drink", food, "constraint", bearing="ends", reason=clause.quote)
        if head in MEATS:
            ended += ["vegetarian", "vegan", "pescatarian", "plant-based"]
        elif head in SEAFOODS:
            ended += ["vegetarian", "vegan", "plant-based"]
        elif head in ANIMAL_PRODUCTS:
            ended += ["vegan", "plant-based"]
    for way in dict.fromkeys(ended):
        yield from clause.draft("diet", way, "constraint", bearing="ends", reason=clause.quote)


_ILLNESSES = (
    r"(?:(?:type (?:1|2|one|two|I|II) )?diabetes|asthma|epilepsy|co?eliac(?: disease)?|hypertension|"
    r"high blood pressure|"
    r"a? ?(?:heart|kidney|liver|thyroid) (?:condition|disease)|crohn's(?: disease)?|ulcerative colitis|"
    r"ibs|irritable bowel syndrome|"
    r"adhd|autism|dyslexia|depression|anxiety|ptsd|ocd|bipolar disorder|migraines?|arthritis|multiple "
    r"sclerosis|parkinson's|"
    r"lupus|fibromyalgia|sleep apn(?:o?)ea|insomnia|claustrophobia|a pacemaker|a bad back|anaemia|"
    r"anemia|gout|psoriasis|eczema|"
    r"hemophilia|haemophilia|sickle cell(?: disease| anemia)?|g6pd deficiency|endometriosis|pcos|"
    r"cancer|hiv|glaucoma|tinnitus|vertigo)"
)
_ILL = re.compile(
    rf"\bI (?:also )?(?:have|suffer from|live with|was diagnosed with|have been diagnosed with|got "
    rf"diagnosed with) (?:(?:severe|mild|chronic|bad) )?({_ILLNESSES})(?!\w)",
    re.I,
)
_STATE = re.compile(
    r"\bI am (?:(?:also|a|an|severely|legally|partially|profoundly|\d+ (?:weeks|months)|"
    r"insulin-dependent|type [12]) )*"
    r"(diabetic|epileptic|asthmatic|pregnant|deaf|hard of hearing|blind|colou?r[- ]?blind|dyslexic|"
    r"autistic|claustrophobic|"
    r"hypertensive|immunocompromised|co?eliac|wheelchair[- ](?:user|bound)|breastfeeding|a recovering "
    r"alcoholic|recovering alcoholic|in recovery)"
    r"(?=$|[,.;!(]| (?:and|but|so|since|with|because|in|now)\b)"
)
_DEVICE = re.compile(
    r"\bI use (a wheelchair|a hearing aid|hearing aids|a screen reader|crutches|a walker|an insulin pump)\b"
)


def health(clause: Clause) -> Iterator[FactDraft]:
    """Lasting conditions: "I have type 1 diabetes", "I'm colour-blind", "I use a wheelchair"."""
    if found := _ILL.search(clause.text) or _STATE.search(clause.text):
        yield from clause.draft("condition", found[1].strip(), "constraint")
    elif found := _DEVICE.search(clause.text):
        yield from clause.draft("condition", f"uses {found[1]}", "constraint")


_FAITH = re.compile(
    rf"\bI am (?:(?:a|an|also|practising|practicing|devout|observant|non-practising|born-again|"
    rf"orthodox|Orthodox|Roman|strict|religious) )*"
    rf"({RELIGIOUS}|atheist|agnostic)(?=$|[,.;!(]| (?:and|but|so|who|by|myself)\b)"
)
_OBSERVES = re.compile(
    r"\bI (?:also )?(?:(?:observe|keep|celebrate|fast (?:during|for)) ((?:the )?(?:Ramadan|Lent|"
    r"Sabbath|Shabbat|Shabbos|Yom Kippur|Passover))"
    r"|(?:do not|never|cannot) (work on (?:Saturdays?|Sundays?|Fridays?|the Sabbath|Shabbat)))\b"
)


def faith(clause: Clause) -> Iterator[FactDraft]:
    """Religion and what it asks for."""
    if found := _FAITH.search(clause.text):
        yield from clause.draft("religion", found[1], "constraint")
    if found := _OBSERVES.search(clause.text):
        value = found[1] or f"does not {found[2]}"
        yield from clause.draft("observes", value, "constraint")


RULES: tuple[Rule, ...] = (
    Rule.of(
        "am are been became become went turned eat keep follow observe maintain stick adhere stopped quit "
        "gave used",
        diet,
    ),
    Rule.of(
        "not cannot never refuse avoid stopped quit gave given away eat eating drink drinking consume longer",
        foods,
    ),
    Rule.of("have suffer live diagnosed am use", health),
    Rule.of("am observe keep celebrate fast work", faith),
)
