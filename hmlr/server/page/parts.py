"""Small pieces of the views. What is remembered goes in as text or as the value of a prop, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

T = TypeVar("T")
PAGE_SIZE = 30


def text(tag: str, value: str, classes: str = "") -> TextElement:
    """An element that holds nothing but text."""
    return TextElement(tag=tag, text=value).classes(classes)


def icon(name: str) -> ui.icon:
    """A Material icon that says nothing to screen readers."""
    return ui.icon(name).props("aria-hidden=true")


def when(moment: datetime) -> str:
    """A time as it is shown; all times are UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def day(moment: datetime) -> str:
    """A day as it is shown."""
    return f"{moment:%Y-%m-%d}"


def chip(value: str, kind: str = "") -> TextElement:
    """A short word about a row."""
    return text("span", value, f"chip {kind}")


def empty(value: str) -> None:
    """What stands where nothing is."""
    text("p", value, "quiet")


def button(label: str, handler: Callable[[], object], *, about: str = "", kind: str = "flat") -> ui.button:
    """A button; `about` is what a screen reader says instead of the label. `kind`: flat, main or danger."""
    props = {"flat": "flat", "main": "unelevated", "danger": "flat color=negative"}[kind]
    made = ui.button(label, on_click=handler).props(f"no-caps dense {props}").classes("act")
    if about:
        made.props["aria-label"] = about
    return made


class Pages(Generic[T]):
    """A long list, one page at a time; only the page that is shown is built."""

    def __init__(
        self,
        items: Sequence[T],
        draw: Callable[[T], None],
        *,
        nothing: str = "Nothing here.",
        size: int = PAGE_SIZE,
    ) -> None:
        self._items, self._draw, self._nothing, self._size = items, draw, nothing, size
        self._at = 0
        self._rows = ui.element("div").classes("entries").props("role=list")
        self._bar = ui.element("div").classes("pager")
        self._fill()

    def _fill(self) -> None:
        self._rows.clear()
        self._bar.clear()
        shown = self._items[self._at : self._at + self._size]
        with self._rows:
            if not shown:
                empty(self._nothing)
            for item in shown:
                with ui.element("div").classes("entry").props("role=listitem"):
                    self._draw(item)
        if len(self._items) > self._size:
            with self._bar:
                last = self._at + len(shown)
                earlier = button("Previous", lambda: self._go(-1))
                earlier.set_enabled(self._at > 0)
                text("span", f"{self._at + 1:,}–{last:,} of {len(self._items):,}", "quiet").props(
                    "role=status"
                )
                later = button("Next", lambda: self._go(1))
                later.set_enabled(last < len(self._items))

    def replace(self, items: Sequence[T]) -> None:
        """Show other items, at the place where the list stands."""
        self._items = items
        self._at = min(self._at, max(0, len(items) - 1) // self._size * self._size)
        self._fill()

    def _go(self, pages: int) -> None:
        self._at = max(0, self._at + pages * self._size)
        self._fill()
