"""What the keys of facts mean: how many values they bear, and which belong together."""

from __future__ import annotations

import re
from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.memory.facts.values import fold, fold_value

# One value at a time; a newer one supersedes.
_SINGLE = word_set(
    """
    name lives_in hometown comes_from born_in nationality age birthday birth_year job employer studies
    studies_at native_language email work_email personal_email private_email phone address pronouns
    marital_status religion diet call_me wife husband spouse fiance fiancee girlfriend boyfriend partner
    mother mom mum father dad boss manager landlord landlady therapist dentist doctor lawyer accountant
    mentor supervisor advisor roommate stepmother stepfather flatmate gp first_car first_school
    first_job maiden_name limit policy status replaced_by means name_status current_school high_school
    primary_school elementary_school timezone time_zone height weight licence_plate blood_type eye_colour
    hair_colour star_sign postcode zip_code employee_id student_id
    """
)
_SINGLE_HEADS = tuple(
    word_set(
        """
        favourite_ favorite_ number_of_ volume_ deadline_ api_key password passphrase passcode pin token
        key access_ secret_key ssh_key private_key encryption_key licence_key license_key signing_key
        recovery_ master_key bearer_token refresh_token client_secret webhook_secret shared_secret
        door_code gate_code alarm_code entry_code safe_ security_code locker_ lock_ unlock_ garage_code
        building_code backup_code credential user_name login account_number customer_number
        membership_number passport_number social_security_number iban
        """
    )
)
_SINGLE_TAILS = ("_size", "_number", "_limit", "_date", "_email", "_cap", "_quota", "_deadline")


@lru_cache(maxsize=4096)
def is_single_valued(key: str) -> bool:
    """Whether a subject has one value under this key at a time."""
    return key in _SINGLE or key.startswith(_SINGLE_HEADS) or key.endswith(_SINGLE_TAILS)


# What does not change in a life: another value, unless it is said to put the first right, contradicts it.
_LASTING = word_set(
    """
    birthday birth_year born_in blood_type native_language maiden_name star_sign eye_colour mother mom mum
    father dad first_car first_school first_job primary_school elementary_school high_school
    """
)


def is_lasting(key: str) -> bool:
    """Whether the value under this key is the same for ever, so that a newer one is no update."""
    return key in _LASTING


# One person under several words: who has a new manager has no longer the old boss.
_ONE_ROLE: tuple[tuple[str, ...], ...] = (
    ("boss", "manager", "supervisor"),
    ("wife", "husband", "spouse", "fiance", "fiancee", "girlfriend", "boyfriend"),
    ("mother", "mom", "mum"),
    ("father", "dad"),
    ("flatmate", "roommate"),
    ("landlord", "landlady"),
)
_ROLES = {key: group for group in _ONE_ROLE for key in group}


def rival_keys(key: str) -> tuple[str, ...]:
    """The keys whose values give way to one another, this one first."""
    return tuple(dict.fromkeys((key, *_ROLES.get(key, ()))))


# Heads of secrets, longest first, and the kinds that an unqualified "key" or "credential" may mean.
_SECRET_HEADS = tuple(
    sorted(
        word_set(
            """
            api_key access_key access_token access_code secret_key private_key ssh_key encryption_key
            licence_key license_key signing_key recovery_key master_key bearer_token refresh_token
            client_secret webhook_secret shared_secret password passphrase passcode pin door_code
            gate_code alarm_code entry_code safe_code security_code locker_code lock_code garage_code
            building_code backup_code recovery_code unlock_code lock_combination locker_combination
            safe_combination credential login user_name token key
            """
        ),
        key=lambda head: (-len(head), head),
    )
)
_GENERIC_WORDS = word_set(
    """
    service services server account app application system site website portal platform the my our api
    """
)


def secret_head(key: str) -> str:
    """The kind of secret that a key begins with, "" when it is no secret's."""
    return next((head for head in _SECRET_HEADS if key == head or key.startswith(head + "_")), "")


@lru_cache(maxsize=4096)
def secret_parts(key: str) -> tuple[str, frozenset[str]] | None:
    """The kind of a secret and the words for what it opens; None when the key is no secret's."""
    if not (head := secret_head(key)):
        return None
    words = frozenset(key[len(head) + 1 :].split("_")) - {""}
    return head, (words - _GENERIC_WORDS) or words


def same_secret(known: str, said: str) -> bool:
    """Whether an update of the secret `said` may mean the secret `known`.

    "key" means any kind of key, "credential" any secret. What is said of its use must fit what is known:
    "the weather key" is api_key_weather_service, "the mail key" is not.
    """
    one, other = secret_parts(known), secret_parts(said)
    if one is None or other is None:
        return False
    kinds_fit = (
        one[0] == other[0]
        or other[0] == "credential"
        or (other[0] == "key" and one[0].endswith("key"))
        or (other[0] == "token" and one[0].endswith("token"))
    )
    return kinds_fit and other[1] <= one[1]


_VERSION = re.compile(
    r"^(?:(?P<series>.*?)\s*)?(?:\bpolicy\b\s*)?\b(?:v|version\s*|revision\s*|"
    r"rev\.?\s*)(?P<number>\d{1,3}(?:\.\d{1,3})?)$"
)


@lru_cache(maxsize=4096)
def version_of(subject: str) -> tuple[str, str] | None:
    """Series and number of a numbered policy: "travel policy v2" is ("travel", "2"), "v5" is ("", "5")."""
    found = _VERSION.match(subject.casefold().strip())
    if not found:
        return None
    series = re.sub(r"\b(?:policy|the|our)\b", "", found["series"] or "").strip()
    return series, found["number"]


def same_subject(known: str, said: str) -> bool:
    """Whether two subjects are one: equal but for case, space, "project", or the same version of a policy."""
    if plain_name(known) == plain_name(said):
        return True
    one, other = version_of(known), version_of(said)
    if one is None or other is None:
        return False
    return one[1] == other[1] and (one[0] == other[0] or not one[0] or not other[0])


def plain_name(subject: str) -> str:
    """A subject without the word for what it is: "Project Cerberus" is called "Cerberus" as well."""
    return fold(subject).removeprefix("project ") or fold(subject)


def same_series(known: str, said: str) -> bool:
    """Whether two subjects are versions of one policy."""
    one, other = version_of(known), version_of(said)
    return one is not None and other is not None and (one[0] == other[0] or not one[0] or not other[0])


def value_names(known: str, said: str) -> bool:
    """Whether the value `said` points at the value `known`: equal, or its words stand in it.

    "vegetarian" names "strictly vegetarian", "Mustang" names "1967 Mustang", "eat" names nothing in "meat".
    """
    one, other = fold_value(known), fold_value(said)
    if one == other:
        return True
    words = set(re.findall(r"[\w'-]+", other))
    return bool(words) and words <= set(re.findall(r"[\w'-]+", one))
