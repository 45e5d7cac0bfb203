"""Secrets that nobody asks for are blanked where they stand, and nothing else is."""

from __future__ import annotations

import pytest

from hmlr.memory.facts.hiding import Hidden, not_asked
from hmlr.records import Fact, Hits
from tests.unit.making import fact, hit


def secret(value: str, key: str, **given: object) -> Fact:
    return fact(value, key=key, category="secret", quote=f"it is {value}", **given)


WEAK = Hidden(secrets=(secret("blue", "password_wifi"), secret("2024", "pin_bank")))
STRONG = Hidden(secrets=(secret("Rose-9911-abc", "password_wifi"),))


@pytest.mark.parametrize(
    ("hidden", "text", "left"),
    [
        (WEAK, "The wifi password is blue.", "The wifi password is ████."),
        (WEAK, "The wifi is blue, by the way.", "The wifi is ████, by the way."),
        (WEAK, "I painted the fence blue in 2024.", "I painted the fence blue in 2024."),
        (WEAK, "At the bank it is 2024.", "At the bank it is ████."),
        (WEAK, "The code? 2024!", "The code? ████!"),
        (STRONG, "I wrote rose-9911-abc on the fridge.", "I wrote █████████████ on the fridge."),
        (STRONG, "Rose lives in Oslo.", "Rose lives in Oslo."),
        (Hidden(), "The wifi password is blue.", "The wifi password is blue."),
    ],
)
def test_a_value_goes_where_it_gives_a_secret_away(hidden: Hidden, text: str, left: str) -> None:
    assert hidden.text(text) == left


def test_in_the_turn_that_told_it_any_value_goes() -> None:
    assert WEAK.text("It is blue.", ("t1",)) == "It is ████."
    assert WEAK.text("It is blue.", ("t2",)) == "It is blue."


def test_facts_lose_secrets_and_quotes_lose_their_values() -> None:
    other = fact("Ida", key="sister", quote="Ida knows the password: Rose-9911-abc")
    kept = STRONG.facts((*STRONG.secrets, other))
    assert [(each.value, each.quote) for each in kept] == [("Ida", "Ida knows the password: █████████████")]


def test_a_hit_keeps_everything_but_the_value() -> None:
    found = hit("The password is Rose-9911-abc, and I swim on Mondays.")
    (left,) = STRONG.hits(Hits(items=(found,))).items
    assert left.text == "The password is █████████████, and I swim on Mondays."
    assert (left.turn_ids, left.score, left.sources) == (found.turn_ids, found.score, found.sources)


def test_what_answers_is_not_hidden_nor_what_has_the_same_value() -> None:
    one, again, other = secret("A1", "pin"), secret("A1", "pin_bank"), secret("B2", "pin_phone")
    assert not_asked((one, again, other), (one,)).secrets == (other,)
    assert not_asked((one, other), ()).secrets == (one, other)
