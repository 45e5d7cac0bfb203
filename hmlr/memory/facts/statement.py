"""A fact as one short readable statement, for prompts and listings."""

from __future__ import annotations

import re
from datetime import datetime

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE
from hmlr.memory.facts.keys import secret_head
from hmlr.records import OWNER, Fact

# {s}: the subject as it begins a sentence, {n}: within one, {v}: the value.
# First the owner's form, then another subject's.
_FORMS: dict[str, tuple[str, str]] = {
    "name": ("Your name is {v}", "{s}'s name is {v}"),
    "lives_in": ("You live in {v}", "{s} lives in {v}"),
    "comes_from": ("You come from {v}", "{s} comes from {v}"),
    "born_in": ("You were born in {v}", "{s} was born in {v}"),
    "hometown": ("Your home town is {v}", "{s}'s home town is {v}"),
    "nationality": ("You are {v}", "{s} is {v}"),
    "age": ("You are {v} years old", "{s} is {v} years old"),
    "birthday": ("Your birthday is {v}", "{s}'s birthday is {v}"),
    "birth_year": ("You were born in {v}", "{s} was born in {v}"),
    "job": ("You work as {v}", "{s} works as {v}"),
    "employer": ("You work for {v}", "{s} works for {v}"),
    "studies": ("You study {v}", "{s} studies {v}"),
    "studies_at": ("You study at {v}", "{s} studies at {v}"),
    "speaks": ("You speak {v}", "{s} speaks {v}"),
    "marital_status": ("You are {v}", "{s} is {v}"),
    "diet": ("Diet: {v}", "{s}'s diet: {v}"),
    "dietary_rule": ("Diet: {v}", "{s}'s diet: {v}"),
    "does_not_eat": ("You don't eat {v}", "{s} doesn't eat {v}"),
    "does_not_drink": ("You don't drink {v}", "{s} doesn't drink {v}"),
    "eats": ("You eat {v}", "{s} eats {v}"),
    "drinks": ("You drink {v}", "{s} drinks {v}"),
    "allergy": ("You are allergic to {v}", "{s} is allergic to {v}"),
    "condition": ("Health: {v}", "{s}'s health: {v}"),
    "religion": ("Religion: {v}", "{s}'s religion: {v}"),
    "observes": ("You observe: {v}", "{s} observes: {v}"),
    "never": ("You never {v}", "{s} never: {v}"),
    "instruction": ("You asked: {v}", "{s} asked: {v}"),
    "call_me": ("You want to be called {v}", "{s} wants to be called {v}"),
    "do_not_call_me": ("You don't want to be called {v}", "{s} doesn't want to be called {v}"),
    "likes": ("You like {v}", "{s} likes {v}"),
    "dislikes": ("You dislike {v}", "{s} dislikes {v}"),
    "prefers": ("You prefer {v}", "{s} prefers {v}"),
    "fears": ("You are afraid of {v}", "{s} is afraid of {v}"),
    "medication": ("You take {v}", "{s} takes {v}"),
    "avoids": ("To be left out: {v}", "{s} leaves out: {v}"),
    "project": ("You are working on {v}", "{s} is working on {v}"),
    "pet": ("Your pet: {v}", "{s}'s pet: {v}"),
    "childhood_pet": ("Your childhood pet: {v}", "{s}'s childhood pet: {v}"),
    "owns": ("You own: {v}", "{s} owns: {v}"),
    "visited": ("You have been to {v}", "{s} has been to {v}"),
    "has_read": ("You have read {v}", "{s} has read {v}"),
    "uses": ("You use {v}", "{s} uses {v}"),
    "event": ("Event: {v}", "{s}: {v}"),
    "task": ("To do: {v}", "{s}, to do: {v}"),
    "rule": ("Rule: {v}", "Rule for {n}: {v}"),
    "also_called": ("You are also called {v}", "{s} is also called {v}"),
    "stands_for": ("{v}", "{s} stands for {v}"),
    "means": ("{v}", "{s} means: {v}"),
    "name_status": ("{v}", "{s} is {v}"),
    "policy": ("Policy: {v}", "Policy {n}: {v}"),
    "status": ("Status: {v}", "{s} is {v}"),
    "replaced_by": ("Replaced by {v}", "{s} is replaced by {v}"),
    "limit": ("Limit: {v}", "Limit of {n}: {v}"),
}


def state(fact: Fact) -> str:
    """One readable statement: "You live in Oslo", "Weather API key: XYZ789", "Styx is also called K-12"."""
    own = fact.subject.casefold() == OWNER
    if forms := _FORMS.get(fact.key):
        if fact.key == "policy" and "policy" in fact.subject.casefold():
            return f"{_capital(fact.subject)}: {fact.value}"
        return forms[0 if own else 1].format(s=_capital(fact.subject), n=fact.subject, v=fact.value)
    if fact.category == "secret":
        label = _secret_label(fact.key)
        return f"{label}: {fact.value}" if own else f"{fact.subject} — {label}: {fact.value}"
    if fact.key in RELATIONS_ONE | RELATIONS_MANY:
        return f"Your {fact.key} is {fact.value}" if own else f"{fact.subject}'s {fact.key} is {fact.value}"
    label = _capital(fact.key.replace("_", " "))
    if fact.key.startswith("favourite_"):
        return (
            f"Your {fact.key.replace('_', ' ')} is {fact.value}"
            if own
            else f"{fact.subject}'s {fact.key.replace('_', ' ')} is {fact.value}"
        )
    return f"{label}: {fact.value}" if own else f"{_capital(fact.subject)} — {label.lower()}: {fact.value}"


# The verb of a statement in the past; the first that fits counts.
_PAST: tuple[tuple[str, str], ...] = (
    (" don't ", " didn't "),
    (" doesn't ", " didn't "),
    ("You live ", "You lived "),
    (" lives ", " lived "),
    ("You come ", "You came "),
    (" comes ", " came "),
    ("You work ", "You worked "),
    (" works ", " worked "),
    ("You study ", "You studied "),
    (" studies ", " studied "),
    ("You speak ", "You spoke "),
    (" speaks ", " spoke "),
    ("You eat ", "You ate "),
    (" eats ", " ate "),
    ("You drink ", "You drank "),
    (" drinks ", " drank "),
    ("You take ", "You took "),
    (" takes ", " took "),
    ("You like ", "You liked "),
    (" likes ", " liked "),
    ("You dislike ", "You disliked "),
    (" dislikes ", " disliked "),
    ("You prefer ", "You preferred "),
    (" prefers ", " preferred "),
    ("You own:", "You owned:"),
    (" owns:", " owned:"),
    ("You use ", "You used "),
    (" uses ", " used "),
    ("You want ", "You wanted "),
    (" wants ", " wanted "),
    ("You never ", "You never used to "),
    ("You are ", "You were "),
    (" is ", " was "),
    (" are ", " were "),
)


def state_at(fact: Fact, now: datetime) -> str:
    """The statement as one says it now: what is over in the past, what lies ahead with its beginning."""
    said = state(fact)
    if fact.valid_to is not None and fact.valid_to <= now:
        past = next((said.replace(is_, was, 1) for is_, was in _PAST if is_ in f"{said} "), said)
        return f"{past} (until {_day(fact.valid_to)})"
    if fact.valid_from > now:
        return f"{said} (from {_day(fact.valid_from)})"
    if fact.valid_to is not None and not re.search(r"\buntil \d", fact.value):
        return f"{said} (until {_day(fact.valid_to)})"
    return said


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _secret_label(key: str) -> str:
    """The name of a secret as one says it: what it opens, then its kind."""
    head = secret_head(key)
    what = key[len(head) + 1 :].replace("_", " ") if head else key.replace("_", " ")
    kind = head.replace("_", " ").replace("api", "API").replace("ssh", "SSH").replace("pin", "PIN")
    label = f"{what} {kind}".strip()
    return _capital(label)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text[1:2].islower() or not text[:1].islower() else text
