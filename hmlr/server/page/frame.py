"""The frame around the views: navigation, notices, and the edge at which a view's errors end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import uuid_utils
from nicegui import ui

from hmlr.errors import HMLRError
from hmlr.server.errors import wordless
from hmlr.server.page.parts import icon, text
from hmlr.server.page.visit import SignedOut, Visit

logger = logging.getLogger(__name__)

NOTICE_MS = 8000
GOOD_MS = 2500  # nothing to act on
Handler = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class View:
    """One of the page's views."""

    name: str  # in the address
    label: str
    icon: str  # a Material icon
    build: Callable[[Frame], Awaitable[None]]


class Frame:
    """One open page: its visit, its navigation, and the place where the views are shown."""

    def __init__(self, visit: Visit, views: Sequence[View]) -> None:
        self.visit = visit
        self._views = {each.name: each for each in views}
        self._tabs: dict[str, ui.element] = {}
        self._building: asyncio.Task[object] | None = None
        self.root = ui.element("div").classes("frame")
        with self.root:
            self._header()
            self._navigation()
            self._main = ui.element("main").classes("main").props("id=main tabindex=-1")

    def _header(self) -> None:
        with ui.element("header").classes("bar"):
            text("span", "HMLR", "brand")
            text("span", self.visit.user, "who").props["aria-label"] = f"Memory of {self.visit.user}"
            if self.visit.is_admin:
                ui.button("Other user", on_click=lambda: ui.navigate.to("/")).props("flat no-caps dense")
            ui.button("Sign out", on_click=leave).props("flat no-caps dense")

    def _navigation(self) -> None:
        with ui.element("nav").classes("nav").props('aria-label="Views"'):
            for view in self._views.values():
                tab = ui.element("button").classes("tab").props("type=button")
                with tab:
                    icon(view.icon)
                    text("span", view.label)
                tab.on("click", self.on(partial(self.show, view.name)))
                self._tabs[view.name] = tab

    async def show(self, name: str) -> None:
        """Show a view, fresh from memory; one that is still being built is given up."""
        if self._building is not None and self._building is not asyncio.current_task():
            self._building.cancel()
        self._building = asyncio.current_task()
        for each, tab in self._tabs.items():
            tab.props["aria-current"] = "page" if each == name else "false"
        self._main.clear()
        view = self._views[name]
        address = {"view": name} | ({"user": self.visit.user} if self.visit.is_admin else {})
        with self._main, ui.element("div").classes(f"view view-{name}") as place:
            ui.navigate.history.replace("?" + urlencode(address))
            text("h1", view.label, "heading").props("id=view-heading tabindex=-1")
            waiting = ui.spinner(size="2rem").classes("waiting").props("aria-label=Loading")
            with ui.element("div").classes("inside"):
                await self.run(lambda: view.build(self))
            if not place.is_deleted:
                waiting.delete()
        self._building = None
        if name != "chat":  # where the line to write in takes it
            ui.run_javascript("document.getElementById('view-heading')?.focus()")

    def on(self, handler: Handler, *, overlapping: bool = False) -> Handler:
        """The handler as one that can be given to a button: what goes wrong in it becomes a notice.

        While it is at work, another call of it does nothing, unless they may be `overlapping`.
        """
        at_work = False

        async def handle() -> None:
            nonlocal at_work
            if at_work and not overlapping:
                return
            at_work = True
            try:
                with self.root:  # stays, whatever the handler takes away
                    await self.run(handler)
            finally:
                at_work = False

        return handle

    async def run(self, handler: Handler) -> None:
        """The page's edge: our errors are shown with what to do, others are logged without their words."""
        try:
            await handler()
        except SignedOut:
            leave()
        except HMLRError as error:
            self.notice(str(error), bad=True)
        except Exception as error:
            number = str(uuid_utils.uuid7())
            kind = type(error).__name__
            logger.error("page action %s failed: %s", number, kind, exc_info=wordless(error))  # noqa: TRY400
            self.notice(f"An unexpected error: report it with the id {number}", bad=True)

    def notice(self, message: str, *, bad: bool = False) -> None:
        """Tell something for a while; screen readers say it."""
        if bad:
            ui.notify(
                message,
                type="negative",
                timeout=NOTICE_MS,
                multi_line=True,
                close_button="Close",
                position="top",
            )
        else:
            ui.notify(message, type="positive", timeout=GOOD_MS, position="top")


def leave() -> None:
    """Go to the sign-in, without the cookie."""
    ui.run_javascript("location.href = '/logout'")
