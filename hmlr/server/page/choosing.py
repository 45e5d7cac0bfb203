"""An administrator's token opens every memory: which one is asked first."""

from __future__ import annotations

from urllib.parse import urlencode

from nicegui import ui


def choose_user(said: str = "") -> None:
    """Ask whose memory is to be opened; `said` is why the last choice was refused."""
    with ui.element("main").classes("choose"):
        ui.label("HMLR").classes("title")
        ui.label(said or "This is an administrator's token. Whose memory is to be opened?").props(
            "role=status"
        )
        user = ui.input("User").classes("field").props("outlined autofocus")

        def go() -> None:
            if user.value and user.value.strip():
                ui.navigate.to("/?" + urlencode({"user": user.value.strip()}))

        user.on("keydown.enter", go)
        with ui.row():
            ui.button("Open", on_click=go).props("unelevated no-caps")
            ui.button("Sign out", on_click=lambda: ui.run_javascript("location.href = '/logout'")).props(
                "flat no-caps"
            )
