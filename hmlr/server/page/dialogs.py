"""Dialogs: a question before something is changed, a field to fill in, a certificate. Esc closes each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from hmlr.records import Certificate
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import button, text


@contextmanager
def opened(frame: Frame, title: str) -> Iterator[ui.dialog]:
    """A dialog with a title, opened when its content stands; it is gone once it is closed."""
    with frame.root, ui.dialog() as dialog, ui.element("div").classes("dialog"):
        dialog.props["aria-label"] = title
        dialog.on("hide", lambda: None if dialog.is_deleted else dialog.delete())
        text("h2", title)
        yield dialog
    dialog.open()


async def confirm(frame: Frame, title: str, what: str, verb: str) -> bool:
    """Ask before something is done; `what` says what will happen."""
    with opened(frame, title) as dialog:
        text("p", what, "plain")
        with ui.element("div").classes("buttons"):
            button("Cancel", lambda: dialog.submit(False)).props("autofocus")
            button(verb, lambda: dialog.submit(True), kind="main")
    return bool(await dialog)


async def ask(
    frame: Frame, title: str, what: str, verb: str, *, label: str, value: str = "", only: str | None = None
) -> str | None:
    """Ask for a line of text; None when it is not given. With `only` it has to be just that."""
    with opened(frame, title) as dialog:
        text("p", what, "plain")
        field = ui.input(label, value=value).props("outlined autofocus").classes("field")

        def given() -> None:
            said = (field.value or "").strip()
            if said and (only is None or said == only):
                dialog.submit(said)
            else:
                field.error = "This can't be empty." if only is None else "That is not the name."

        field.on("keydown.enter", given)
        with ui.element("div").classes("buttons"):
            button("Cancel", lambda: dialog.submit(None))
            button(verb, given, kind="main")
    answer = await dialog
    return answer if isinstance(answer, str) else None


def certified(frame: Frame, certificate: Certificate) -> None:
    """Show what an erasure removed."""
    counts = {
        "turns": certificate.turns,
        "messages": certificate.messages,
        "pieces of text": certificate.chunks,
        "vectors": certificate.vectors,
        "facts": certificate.facts,
        "facts that are active again": len(certificate.facts_restored),
        "quotes blanked in messages that stay": certificate.redactions,
        "dossiers removed": len(certificate.dossiers_removed),
        "dossiers told anew": len(certificate.dossiers_changed),
        "tags removed": certificate.tags_removed,
        "garden runs that can't be undone any more": certificate.runs_sealed,
    }
    with opened(frame, "Certificate of erasure") as dialog:
        checked = "Checked: nothing of it is left." if certificate.verified else "Not checked."
        text("p", f"Erased: {certificate.scope}. {checked}", "plain")
        with ui.element("dl").classes("counts"):
            for name, count in counts.items():
                if count:
                    text("dt", name)
                    text("dd", f"{count:,}")
        text("p", f"Certificate {certificate.certificate_id}", "quiet")
        with ui.element("div").classes("buttons"):
            button("Close", dialog.close, kind="main").props("autofocus")
