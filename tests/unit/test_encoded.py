"""What a model says of texts goes into the store and comes back bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlr.store.encoded import Encoded, to_levels, to_signs
from tests.store.making import encoded


@st.composite
def some(draw: st.DrawFn, dim: int | None = None) -> Encoded:
    """Up to four texts with up to three tokens and pieces each."""
    dim = dim or draw(st.sampled_from([1, 7, 8, 64, 100]))
    chance = np.random.default_rng(draw(st.integers(0, 99)))
    counts = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=4))
    return encoded(
        chance.normal(size=(len(counts), dim)),
        tokens=[chance.normal(size=(tokens, dim)) for tokens, _ in counts],
        pieces=[chance.integers(0, 1 << 16, pieces).tolist() for _, pieces in counts],
    )


@given(some())
@settings(deadline=None)
def test_parts_put_together_are_the_same(texts: Encoded) -> None:
    again = Encoded.of_parts(texts.parts(), texts.dim)
    for name in ("pooled", "tokens", "token_counts", "pieces", "piece_counts"):
        assert np.array_equal(getattr(again, name), getattr(texts, name))
        assert getattr(again, name).dtype == getattr(texts, name).dtype


@given(some(dim=12), some(dim=12))
@settings(deadline=None)
def test_joined_has_the_parts_of_both(first: Encoded, second: Encoded) -> None:
    assert Encoded.joined([first, second], 12).parts() == first.parts() + second.parts()


def test_nothing_joined_is_nothing() -> None:
    assert (len(Encoded.joined([], 12)), Encoded.joined([], 12).dim) == (0, 12)


@pytest.mark.parametrize("part", [(b"x" * 5, b"", b""), (b"x" * 6, b"x" * 3, b""), (b"x" * 6, b"", b"x")])
def test_another_length_is_refused(part: tuple[bytes, bytes, bytes]) -> None:
    with pytest.raises(ValueError, match=r"length|damaged"):  # an odd end holds a checksum
        Encoded.of_parts([(b"x" * 6, b"xx", b"xx"), part], 12)


def test_a_direction_is_kept_by_its_largest_value() -> None:
    rows = np.array([[0.5, -0.25, 0], [0, 0, 0], [-1e-6, 1e-6, 0]], np.float32)
    assert to_levels(rows).tolist() == [[7, -4, 0], [0, 0, 0], [-7, 7, 0]]


def test_a_sign_is_a_bit() -> None:
    assert to_signs(np.array([[1, -1, 0, 2, 0, 0, 0, 0, 3]], np.float32)).tolist() == [
        [0b10010000, 0b10000000]
    ]
