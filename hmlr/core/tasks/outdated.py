"""What the words of a source no longer say: told then, but superseded or taken back since."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outdated:
    """A quote on which facts stand that no longer hold."""

    said: tuple[str, ...]  # what no longer holds, as statements
    keys: frozenset[str]  # the terms by which one asks for those facts: who asks by them alone asks for them
    secret: bool = False  # an old password is shown to nobody
    day: bool = False  # only the day of something that stays
    partly: bool = False  # something else that it says does hold
