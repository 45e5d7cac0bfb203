"""Whether any of many texts stands in another one, at a cost that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable

from hmlr.language.blanking import folded_text

# Up to so many are looked for one by one, which the interpreter does fastest.
FEW = 24
HEAD = 12  # characters; the longer the heads, the fewer texts share one


class Needles:
    """Texts to be found in others, whatever their case or composition; empty ones are left out."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._folded = tuple(dict.fromkeys(folded_text(text) for text in texts if text))
        self._size = min((HEAD, *map(len, self._folded)))
        self._by_head: dict[str, list[str]] = {}
        for text in self._folded:
            self._by_head.setdefault(text[: self._size], []).append(text)

    def __bool__(self) -> bool:
        return bool(self._folded)

    def stand_in(self, text: str) -> bool:
        """Whether the text holds any of them."""
        folded = folded_text(text)
        if len(self._folded) <= FEW:
            return any(each in folded for each in self._folded)
        size, by_head = self._size, self._by_head
        return any(
            folded.startswith(tuple(by_head[head]), at)
            for at in range(len(folded) - size + 1)
            if (head := folded[at : at + size]) in by_head
        )
