"""Forget: a turn, a fact, a session or everything, each with its certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from nicegui import ui

from hmlr.records import Day
from hmlr.server.page.chat import draw_hit
from hmlr.server.page.dialogs import ask, certified, confirm
from hmlr.server.page.fact_rows import draw_fact
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import Pages, button, text

FOUND = 20


@dataclass(frozen=True, kw_only=True)
class _Session:
    name: str
    first: date
    last: date


async def build(frame: Frame) -> None:
    """What can be erased. Erasing can't be undone; retiring a fact can."""
    text("p", "What is forgotten is erased from the database and its files, for good.", "quiet")
    await _turns_and_facts(frame)
    await _sessions(frame)
    with ui.element("section").classes("section"):
        text("h2", "Everything")
        text("p", f"The whole memory of {frame.visit.user}.", "quiet")
        button("Forget everything", frame.on(lambda: _everything(frame)), kind="danger")


async def _turns_and_facts(frame: Frame) -> None:
    async def fill() -> None:
        asked = (words.value or "").strip()
        if not asked:
            return
        async with frame.visit.memory() as memory:
            hits = await memory.recall(asked, limit=FOUND)
            turn_ids = {turn_id for hit in hits for turn_id in hit.turn_ids}
            facts = [fact for fact in await memory.facts() if fact.turn_id in turn_ids]
        found.clear()
        with found:
            text("h3", "Turns")
            Pages(hits, lambda hit: draw_hit(frame, hit, changed=fill), nothing="No turn is about that.")
            text("h3", "Facts learned from them")
            Pages(facts, lambda fact: draw_fact(frame, fact, fill), nothing="None.")

    with ui.element("section").classes("section"):
        text("h2", "A turn or a fact")
        with ui.element("div").classes("tools"):
            words = ui.input("What is it about?").props("outlined dense").classes("field")
            words.on("keydown.enter", frame.on(fill))
            button("Find", frame.on(fill), kind="main")
        found = ui.element("div").props("aria-live=polite")


async def _sessions(frame: Frame) -> None:
    async with frame.visit.memory() as memory:
        sessions = _of(await memory.days())
    with ui.element("section").classes("section"):
        text("h2", "A session")
        Pages(sessions, lambda session: _draw_session(frame, session), nothing="No sessions yet.")


def _of(days: list[Day]) -> list[_Session]:
    """The sessions of these days, latest first, as the days are."""
    spans: dict[str, list[date]] = {}
    for day in days:
        for topic in day.topics:
            for name in topic.sessions:
                spans.setdefault(name, []).append(day.date)
    return [_Session(name=name, first=min(on), last=max(on)) for name, on in spans.items()]


def _draw_session(frame: Frame, session: _Session) -> None:
    with ui.element("div").classes("line"):
        text("h3", session.name, "grow")
        text("span", f"{session.first} to {session.last}", "quiet small")
        button(
            "Forget",
            frame.on(lambda: _session(frame, session)),
            about=f"Forget the session {session.name}",
            kind="danger",
        )


async def _session(frame: Frame, session: _Session) -> None:
    sure = await confirm(
        frame,
        "Forget this session?",
        f"All turns of the session “{session.name}” ({session.first} to {session.last}), the facts learned "
        "from them, their vectors and quotes are erased for good.",
        "Forget",
    )
    if sure:
        async with frame.visit.memory() as memory:
            certificate = await memory.forget(session_id=session.name)
        await frame.show("forget")
        certified(frame, certificate)


async def _everything(frame: Frame) -> None:
    user = str(frame.visit.user)
    typed = await ask(
        frame,
        "Forget everything?",
        f"Every turn, fact, topic and dossier of {user} is erased for good. Write “{user}” to say that you "
        "mean it.",
        "Forget everything",
        label="User",
        only=user,
    )
    if typed is not None:
        async with frame.visit.memory() as memory:
            certificate = await memory.forget(everything=True)
        await frame.show("forget")
        certified(frame, certificate)
