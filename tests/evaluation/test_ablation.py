"""The ablation switches off what it says, and nothing stays off."""

from __future__ import annotations

import pytest

from benchmarks.ablation import ALL, VARIANTS, Variant, table
from hmlr.memory.retrieval import scoring

NAMES = [variant.name for variant in VARIANTS]


def rows(value: float, other: float) -> dict[str, list[list[float]]]:
    return {name: [[value if name == ALL else other, value]] * 20 for name in NAMES}


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_a_variant_changes_constants_for_its_own_time(variant: Variant) -> None:
    before = {(module, name): getattr(module, name) for module, name in variant.changes}
    with variant.set():
        assert {place: getattr(*place) for place in before} == variant.changes
    assert {place: getattr(*place) for place in before} == before


def test_a_constant_that_is_gone_is_an_error() -> None:
    variant = Variant(name="gone", changes={(scoring, "NO_SUCH_WEIGHT"): 0.0})
    with pytest.raises(AttributeError, match="NO_SUCH_WEIGHT"), variant.set():
        pass


def test_a_difference_is_told_beside_everything_and_bold_when_it_is_sure() -> None:
    lines = list(table({"set": rows(0.8, 0.7)}))
    assert lines[0] == "| | set first 10 | set in 2,000 |"
    assert lines[2] == f"| {ALL} | 80.0 | 80.0 |"
    assert lines[3].endswith("| **−10.0** | 0 |")
    assert len(lines) == 2 + len(VARIANTS)
