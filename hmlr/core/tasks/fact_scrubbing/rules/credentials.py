"""Secrets that the speaker tells: keys, passwords, PINs, tokens, codes, and their rotation.

The key of such a fact is the kind of secret followed by what it opens: api_key_weather_service. "The new one"
takes the kind from the sentence before; which secret it replaces is for the resolver to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.core.tasks.fact_scrubbing.rules.wording import slug

_KINDS = (
    r"(?:api[ -]?(?:keys?|tokens?|secrets?)|access (?:keys?|tokens?|codes?)|secret keys?|private keys?|"
    r"ssh keys?|encryption keys?|"
    r"licen[cs]e keys?|signing keys?|recovery keys?|master keys?|auth(?:entication)? tokens?|bearer "
    r"tokens?|refresh tokens?|"
    r"client secrets?|webhook secrets?|shared secrets?|passwords?|passphrases?|passcodes?|pass codes?|"
    r"pin(?: codes?| numbers?)?|"
    r"(?:door|gate|alarm|entry|safe|unlock|security|locker|lock|garage|building|backup|recovery) "
    r"(?:codes?|combinations?)|credentials?|"
    r"(?:user ?names?|login)|account numbers?|customer numbers?|membership numbers?|passport numbers?|"
    r"social security numbers?|iban|tokens?|keys?)"
)
_SHORT = {
    "api_token": "api_key",
    "api_secret": "api_key",
    "apikey": "api_key",
    "pin_code": "pin",
    "pin_number": "pin",
    "pass_code": "passcode",
    "username": "user_name",
    "auth_token": "token",
    "authentication_token": "token",
}
_BEFORE = (
    r"(?:(?:new|current|old|latest|own|personal|main|temporary|default|admin|root) )*(?P<what>(?:[\w.&'-]+ "
    r"){0,3}?)"
)
_FOR = (
    r"(?: (?:for|to|of|on|into|at) (?P<for>(?:(?:the|my|our) )?[\w.&'-]+(?: (?!(?:is|was|has|are|to|"
    r"and)\b)[\w.&'-]+){0,3}))?"
)
_NOUN = (
    rf"(?:(?P<mine>[Mm]y|[Oo]ur|[Tt]he|[Tt]his|[Aa]n?|[Nn]ew|[Uu]pdated) "
    rf")?{_BEFORE}(?P<kind>(?i:{_KINDS})){_FOR}"
)
_IS = (
    r"(?P<is> ?(?::|=|->|→)| (?:has|have) (?:now )?(?:been |just been )?"
    r"(?:changed|updated|reset|rotated|set|replaced)(?: from \S{1,80})? (?:to|with|by)(?: ?:)?|"
    r" (?:got |was |is now )?(?:changed|updated|reset|rotated|set)(?: from \S{1,80})? to(?: ?:)?|"
    r" (?:is|are|was|will be|should be)(?: now)?(?: set to)?(?: ?:)?)"
)
_VALUE = r"[ ]?(?P<value>\"[^\"]{2,120}\"|`[^`]{2,200}`|'[^']{2,120}'|[^\s\"`]{3,400})"
_TOLD = re.compile(rf"(?:^|[:,;] |\b(?:and|that|so|but|because) ){_NOUN}{_IS}{_VALUE}(?P<rest>.?)")
_CHANGED = re.compile(
    rf"(?:\b(?:[Ii]|[Ww]e|[Tt]hey|IT|[Ss]ecurity|[Ss]upport) |^[Tt]he \w+ )(?:have |has )?(?:just )?"
    rf"(?:changed|updated|reset|rotated|set|replaced) (?P<mine>my|our|the) "
    rf"{_BEFORE}(?P<kind>(?i:{_KINDS})){_FOR}"
    rf"(?: from \S{{1,80}})? (?:to|with|by){_VALUE}(?P<rest>.?)"
)
_USE = re.compile(
    rf"\b(?:[Uu]se|[Hh]ere is|[Ii]t is) (?:the |this |my )?(?:new "
    rf")?{_BEFORE}(?P<kind>(?i:{_KINDS})){_FOR} ?:?{_VALUE}(?P<rest>.?)$"
)
_NEW_ONE = re.compile(
    rf"(?:^|[,;:] |\band )(?:(?:[Mm]y|[Tt]he|[Oo]ur) )?"
    rf"(?:(?:new|current|latest|fresh|replacement) (?:one|value|"
    rf"(?P<kind>(?i:{_KINDS})))|[Ii]t)"
    rf"(?: (?:is|was)(?: now)?(?: changed to)?(?: ?:)?| ?:){_VALUE}(?P<rest>.?)",
)
_REPLACED = re.compile(
    rf"\b(?:rotat|chang|reset|renew|updat|replac|regenerat|revok|swap|roll|expire|leak|compromis)\w* "
    rf"(?:\w+ ){{0,6}}?(?P<kind>(?i:{_KINDS}))\b"
    rf"|(?P<kind2>(?i:{_KINDS})) (?:\w+ ){{0,4}}?(?:rotat|chang|reset|renew|updat|replac|regenerat|"
    rf"revok|swap|roll|expire|leak|compromis)\w*"
)


_NEW = re.compile(r"\b(?:now|new|changed|updated|reset|rotated|replaced)\b", re.IGNORECASE)
_NOW_LAST = re.compile(r"[,.]? (?:now|these days|from now on|instead)\b", re.IGNORECASE)


def secret(clause: Clause) -> Iterator[FactDraft]:
    """A secret and its value: "my API key for X is …", "database password: …", "the new one is …"."""
    if found := _CHANGED.search(clause.text):
        yield from _drafted(clause, found, "updates")
    elif found := _NEW_ONE.search(clause.text):
        yield from _renewed(clause, found)
    elif found := _TOLD.search(clause.text):
        new = _NEW.search(found.group()) or _NOW_LAST.match(clause.text, found.end("value"))
        yield from _drafted(clause, found, "updates" if new else "asserts")
    elif found := _USE.search(clause.text):
        yield from _drafted(clause, found, "asserts")


def _drafted(clause: Clause, found: re.Match[str], bearing: Bearing) -> Iterator[FactDraft]:
    value, kind = _value(found), _kind(found["kind"])
    what = slug((found["what"] or "") + " " + (found["for"] or ""))
    if not value or found["what"].strip().lower() in _NOT_SECRETS:
        return
    if kind in _BARE_KINDS and not (_looks_secret(value) or _quoted(found)):
        return
    yield from clause.draft(f"{kind}_{what}" if what else kind, value, "secret", bearing=bearing)


def _renewed(clause: Clause, found: re.Match[str]) -> Iterator[FactDraft]:
    """ "The new one is …", when a secret was changed just before."""
    value = _value(found)
    same = clause.text[: found.start()]
    told = _REPLACED.search(same) or _REPLACED.search(clause.earlier) or _REPLACED.search(clause.before)
    kind = found["kind"] or (told and (told["kind"] or told["kind2"]))
    if not value or not kind or not (_quoted(found) or _looks_secret(value)):
        return
    qualified = told and _QUALIFIED.search(told.group())
    what = slug(qualified[1] or qualified[2] or "") if qualified else ""
    key = f"{_kind(kind)}_{what}" if what else _kind(kind)
    yield from clause.draft(key, value, "secret", bearing="updates")


_QUALIFIED = re.compile(
    rf"(?:my|our|the|all) ((?:[\w.&'-]+ ){{0,3}}?)(?i:{_KINDS})\b(?: (?:for|to|of) ((?:the |my |our "
    rf")?\w+(?: \w+)?))?"
)


def _kind(noun: str) -> str:
    """The kind of secret as a key: singular, in one spelling."""
    name = slug(noun.replace("-", " "))
    name = name[:-1] if name.endswith("s") and not name.endswith(("pass", "access")) else name
    return _SHORT.get(name, name)


# Nouns that mean a secret only when the value looks like one ("the key is patience").
_BARE_KINDS = word_set(
    """
    key keys token credential login user_name account_number customer_number membership_number iban
    security_code lock_combination
    """
)
_NOT_SECRETS = word_set(
    """
    primary foreign sort partition car house piano answer low minor major partition cache dictionary
    registry arrow enter escape function space
    """
)
_EXCUSES = word_set(
    """
    not no the a an in on at to my your our his her their it its this that these those wrong weak strong
    short long invalid correct incorrect missing required needed expired old new same different safe
    secure insecure working broken stored saved known unknown empty blank hidden too very really also
    only always never still just being been what which where when how something anything nothing
    important hard easy simple complicated stupid public private compromised leaked outdated changed
    updated set reset rotated case-sensitive encrypted hashed fine good bad gone lost stolen here there
    valid like more than less up out due about available visible based used written
    """
)


def _value(found: re.Match[str]) -> str:
    """The value when it can be one, else ""."""
    raw = found["value"]
    if _quoted(found):
        return raw[1:-1]
    value = raw.rstrip(".,;:!)")
    plain = value.isalpha() and value == value.lower()
    if value.lower() in _EXCUSES or len(value) < 3 or "·" in value:
        return ""
    # A plain word is taken only at the end of the clause: "my password is swordfish".
    if plain and (
        found["rest"].strip() or value.endswith(("ed", "ing", "able", "ly")) or "is" not in found.group()
    ):
        return ""
    if plain and "was" in found.group().split():
        return ""
    return value


def _quoted(found: re.Match[str]) -> bool:
    return found["value"][:1] in "\"'`" and found["value"][-1:] == found["value"][:1]


def _looks_secret(value: str) -> bool:
    return (
        any(c.isdigit() for c in value)
        or (value != value.lower() and not value.istitle())
        or "-" in value[1:-1]
    )


RULES: tuple[Rule, ...] = (
    Rule.of(
        "key keys token tokens secret secrets password passwords passphrase passcode pin code codes "
        "combination "
        "credential credentials login username usernames number iban api-key api-keys one new it "
        "apikey passcodes", secret
    ),
)  # fmt: skip
