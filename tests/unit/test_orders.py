"""Constraints that are told after something else in one sentence."""

from __future__ import annotations

import pytest

from tests.unit.fact_play import drafts, held

ALLERGY, HOME, DIET, JOB = ("allergy", "cats"), ("lives_in", "Oslo"), ("diet", "vegan"), ("job", "teacher")


@pytest.mark.parametrize(
    ("content", "fact", "order"),
    [
        (
            "I'm allergic to cats, and never recommend me anything with fur.",
            ALLERGY,
            "never recommend me anything with fur",
        ),
        ("I'm allergic to cats, and don't recommend pet cafes.", ALLERGY, "do not recommend pet cafes"),
        ("I'm allergic to cats - don't recommend pet cafes.", ALLERGY, "do not recommend pet cafes"),
        ("I'm allergic to cats so please do not suggest zoos", ALLERGY, "please do not suggest zoos"),
        (
            "I live in Oslo, and please never call me before 9 am.",
            HOME,
            "please never call me before 9 am",
        ),
        (
            "I live in Oslo, but don't ever share my address with anyone.",
            HOME,
            "do not ever share my address with anyone",
        ),
        ("I live in Oslo, so never suggest bars in Rome.", HOME, "never suggest bars in Rome"),
        ("I live in Oslo, so from now on answer me in Norwegian", HOME, "from now on answer me in Norwegian"),
        ("I live in Oslo; please keep your answers short.", HOME, "please keep your answers short"),
        ("I'm vegan, so never suggest recipes with eggs.", DIET, "never suggest recipes with eggs"),
        ("I'm vegan, and never suggest recipes with eggs.", DIET, "never suggest recipes with eggs"),
        (
            "Don't suggest recipes with eggs, because I'm vegan.",
            DIET,
            "Do not suggest recipes with eggs, because I am vegan",
        ),
        (
            "I live in Oslo, I hate rain, so please never mention it.",
            HOME,
            "I hate rain, so please never mention it",
        ),
        ("I work as a teacher, and always answer me in French.", JOB, "always answer me in French"),
    ],
)
def test_an_order_after_a_statement_is_kept_beside_it(
    content: str, fact: tuple[str, str], order: str
) -> None:
    assert {fact, ("instruction", order)} <= held(content)
    assert len([draft for draft in drafts(content) if draft.key == "instruction"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        "I'm a doctor, and never recommend surgery first.",
        "I'm private, and never share my photos online.",
        "I'm a teacher and always give homework.",
        "I work from home and always answer e-mails late.",
        "I like trains and always keep my tickets.",
        "My parents live in Oslo and never call me before nine.",
        "I have friends who visit and never call me.",
        "If I'm tired, please always answer briefly.",
        "When I'm in Oslo, please never call me before nine.",
        "My sister says I'm vegan, so never suggest eggs.",
        "I told my boss that I'm vegan, so never serve me meat.",
        "I'm vegan, so don't suggest burgers tonight.",
        "I live in Oslo, and don't recommend moving here.",
        "Don't recommend pet cafes.",
    ],
)
def test_a_habit_and_what_is_asked_once_are_no_orders(content: str) -> None:
    assert "instruction" not in {key for key, _ in held(content)}


@pytest.mark.parametrize(
    "told", ["I live in Oslo and never eat pork.", "I live in Oslo, but I never eat pork."]
)
def test_a_habit_after_a_statement_is_what_it_is_alone(told: str) -> None:
    assert held(told) == {HOME} | held("I never eat pork.")


def test_a_clause_without_its_subject_says_what_is_never_done() -> None:
    assert ("never", "fly") not in held("My parents live in Oslo and never fly.")
    assert ("never", "drive at night") in held("I live in Oslo and never drive at night.")
