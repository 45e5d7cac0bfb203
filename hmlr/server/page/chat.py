"""Chat: say something, see the answer come, and see what it stands on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import uuid_utils
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from hmlr.client.conversing import DEFAULT_SESSION
from hmlr.records import Hit, Reply, Turn
from hmlr.server.page.frame import Frame
from hmlr.server.page.parts import button, chip, text, when
from hmlr.server.page.sources import Changed, draw_turn, open_source, speaker

TURNS = 20  # of the session, shown at first, and with each step back
SESSIONS = 50  # offered
FEW = 5_000  # turns; of a longer memory only the sessions of late are offered
LATELY = timedelta(days=60)
SHOWN_EVERY_S = 0.05
BEST = 3  # memories shown at once; the others fold away
# As far as it goes, but not past the beginning of the latest exchange.
TO_END = """
const log = document.getElementById('log');
if (log && log.lastElementChild) log.scrollTop = log.lastElementChild.offsetTop - log.offsetTop;
"""


@dataclass
class _Talk:
    """One session as it is shown."""

    frame: Frame
    session: str
    oldest: int | None = None  # seq of the oldest turn shown
    busy: bool = False
    log: ui.element = field(init=False)
    older: ui.element = field(init=False)
    input: ui.textarea = field(init=False)
    send: ui.button = field(init=False)


async def build(frame: Frame) -> None:
    """The latest session, and a line to write in."""
    async with frame.visit.memory() as memory:
        newest = await memory.turns(newest=True, limit=1)
        days = await memory.days(since=_lately(newest))
    sessions = [newest[0].session_id if newest else DEFAULT_SESSION]
    for each in days:
        sessions += [session for topic in each.topics for session in topic.sessions]
        if len(sessions) > SESSIONS * 4:
            break
    offered = list(dict.fromkeys(str(each) for each in sessions))[:SESSIONS]
    talk = _Talk(frame, offered[0])
    with ui.element("div").classes("talk"):
        _sessions(talk, offered)
        talk.log = ui.element("div").classes("log")
        talk.log.props('id=log role=log aria-live=polite aria-label="Conversation" tabindex=0')
        _composer(talk)
    await _open(talk, offered[0])


def _lately(newest: Sequence[Turn]) -> datetime | None:
    """Since when sessions are looked for: reading all days of a long memory takes seconds."""
    if not newest or newest[0].seq <= FEW:
        return None
    return newest[0].occurred_at - LATELY


def _sessions(talk: _Talk, offered: list[str]) -> None:
    with ui.element("div").classes("tools"):
        choice = ui.select(offered, value=offered[0], label="Session").props("outlined dense options-dense")
        choice.classes("session")
        choice.on_value_change(talk.frame.on(lambda: _open(talk, str(choice.value)), overlapping=True))

        def begin() -> None:
            name = f"page-{str(uuid_utils.uuid7())[:13]}"
            choice.set_options([name, *offered], value=name)

        button("New session", begin)


def _composer(talk: _Talk) -> None:
    say = talk.frame.on(lambda: _say(talk))
    with ui.element("form").classes("composer").on("submit.prevent", lambda: None):
        talk.input = ui.textarea(placeholder="Write a message").classes("field")
        talk.input.props('outlined autogrow autofocus aria-label="Message" input-style="max-height: 9rem"')
        # Enter sends, Shift+Enter makes a line; not while an input method composes a word.
        talk.input.on(
            "keydown.enter",
            say,
            js_handler="(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit() } }",
        )
        talk.send = ui.button(icon="send", on_click=say).props('round unelevated aria-label="Send"')


async def _open(talk: _Talk, session: str) -> None:
    """Show the end of a session."""
    talk.session, talk.oldest = session, None
    talk.log.clear()
    with talk.log:
        talk.older = ui.element("div").classes("older")
    await _back(talk)
    ui.run_javascript(TO_END)


async def _back(talk: _Talk) -> None:
    """Show the turns before those that are shown."""
    older = talk.older
    async with talk.frame.visit.memory() as memory:
        turns = await memory.turns(
            session_id=talk.session, newest=True, limit=TURNS + 1, before_seq=talk.oldest
        )
    if talk.older is not older:  # another session was chosen meanwhile
        return
    shown = turns[:TURNS]
    older.clear()
    with older:
        if len(turns) > TURNS:
            button("Earlier turns", talk.frame.on(lambda: _back(talk)))
        elif talk.oldest is None and not shown:
            text("p", "Nothing was said in this session yet. What you write is remembered.", "quiet")
    for turn in shown:  # newest first, so that each goes above the last
        with talk.log:
            place = ui.element("div").classes("exchange")
        place.move(target_index=1)
        with place:
            draw_turn(turn)
    if shown:
        talk.oldest = shown[-1].seq


async def _say(talk: _Talk) -> None:
    """Send what was written; the answer is shown as it comes."""
    said = (talk.input.value or "").strip()
    if not said or talk.busy:
        return
    talk.busy = True
    talk.input.value = ""
    talk.send.set_enabled(False)
    with talk.log, ui.element("div").classes("exchange") as place:
        with ui.element("div").classes("message mine"):
            text("div", "You", "meta")
            text("div", said, "words")
        with ui.element("div").classes("message theirs"):
            text("div", "HMLR", "meta")
            answer = text("div", "…", "words")
            answer.props("aria-busy=true")
    ui.run_javascript(TO_END)
    try:
        reply = await _stream(talk, said, answer)
        with place:
            _stands_on(talk, reply)
    except BaseException:
        talk.input.value = talk.input.value or said  # it may not have been stored: it can be sent again
        answer.set_text("No answer.")
        raise
    finally:
        answer.props("aria-busy=false")
        talk.busy = False
        talk.send.set_enabled(True)
        ui.run_javascript(TO_END)


async def _stream(talk: _Talk, said: str, answer: TextElement) -> Reply:
    words, shown_at, reply = "", 0.0, None
    async with talk.frame.visit.memory() as memory:
        async for part in memory.chat_stream(said, session_id=talk.session):
            words += part.text
            reply = part.reply or reply
            if words and time.monotonic() - shown_at > SHOWN_EVERY_S:
                answer.set_text(words)
                shown_at = time.monotonic()
                ui.run_javascript(TO_END)
    assert reply is not None  # noqa: S101 - the last part carries it, by contract
    answer.set_text(reply.text)
    return reply


def _stands_on(talk: _Talk, reply: Reply) -> None:
    """What did not take part in an answer, and the memories that did."""
    if reply.degraded:
        with ui.element("div").classes("degraded").props("role=status"):
            text("span", "Did not take part:")
            for stage in reply.degraded:
                chip(stage, "warn")
    if not reply.hits:
        text("p", "No memory was used.", "quiet")
        return

    async def changed() -> None:
        await _open(talk, talk.session)

    with ui.element("div").classes("hits"):
        text("div", f"Memories used ({len(reply.hits)})", "quiet small")
        for hit in reply.hits[:BEST]:
            draw_hit(talk.frame, hit, changed=changed)
        if more := reply.hits[BEST:]:
            with ui.element("details"):
                text("summary", f"{len(more)} more")
                for hit in more:
                    draw_hit(talk.frame, hit, changed=changed)


def draw_hit(frame: Frame, hit: Hit, *, changed: Changed) -> None:
    """A memory with its date, speaker and score; it leads to its turn, which can be forgotten there."""
    first = hit.sources[0] if hit.sources else None
    who = "" if first is None else speaker(first)
    with ui.element("div").classes("hit"):
        with ui.element("div").classes("meta"):
            text("span", " · ".join(filter(None, (when(hit.occurred_at), who, hit.kind))))
            text("span", f"{hit.score:.2f}", "score").props["aria-label"] = f"score {hit.score:.2f}"
        text("div", hit.text, "words clipped")
        if hit.turn_ids:
            turn_id = hit.turn_ids[0]
            button(
                "Source",
                frame.on(lambda: open_source(frame, turn_id, changed=changed)),
                about=f"Source of the memory of {when(hit.occurred_at)}",
            )
