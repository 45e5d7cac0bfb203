"""Intake: a message as the caller gives it becomes a turn to store; all limits on input are checked here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import uuid_utils

from hmlr.errors import InvalidInput, TooLarge
from hmlr.language.tokens import terms
from hmlr.language.traits import only_asks, speaks_of_self
from hmlr.memory.chunking import Slice, chunk
from hmlr.records import JobKind, Message, Role, SessionId, TurnId, UserId
from hmlr.store.records import NewChunk, NewMessage, NewTurn

MAX_ID_CHARS = 200
MAX_KEY_CHARS = 500
MAX_METADATA_BYTES = 65_536
MAX_METADATA_DEPTH = 64  # what readers of JSON in other programs bear
MAX_QUERY_CHARS = 100_000
MAX_LIMIT = 1000
MAX_BUDGET_TOKENS = 1_000_000
# The session of turns that are corrections of facts: they have made their fact already and teach no other.
CORRECTIONS = SessionId("hmlr:corrections")
# Controls of both ranges, breaks of lines and paragraphs, changes of the direction of writing.
_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """How messages are taken in for one client."""

    owner_name: str | None  # speaker name under which the owner appears, besides none
    max_message_chars: int

    def turn(
        self,
        message: Message,
        *,
        session_id: SessionId,
        now: datetime,
        jobs: Sequence[JobKind],
        held: Sequence[JobKind] = (),
        key: str | None = None,
    ) -> NewTurn:
        """A turn that this message opens. InvalidInput or TooLarge before anything is stored."""
        return NewTurn(
            turn_id=TurnId(str(uuid_utils.uuid7())),
            session_id=session_id,
            messages=(self.message(message, position=0, now=now),),
            jobs=tuple(jobs),
            held=tuple(held),
            idempotency_key=key,
        )

    def message(self, message: Message, *, position: int, now: datetime, echo: bool = False) -> NewMessage:
        """One message with its chunks and search terms; CPU work, for an executor thread when long."""
        self.check(message)
        speaker = message.speaker or None
        return NewMessage(
            position=position,
            role=message.role,
            speaker=speaker,
            content=message.content,
            occurred_at=_utc(message.occurred_at, now),
            recorded_at=now,
            metadata=dict(message.metadata),
            owner=message.role == "user" and (speaker is None or speaker == self.owner_name),
            echo=echo,
            chunks=new_chunks(message.content),
        )

    def check(self, message: Message) -> None:
        """Refuse what can't be kept byte for byte."""
        if not isinstance(message.content, str):
            raise InvalidInput(f"a message's content must be text, not {type(message.content).__name__}")
        if message.role not in ROLES:
            raise InvalidInput(f"unknown role {message.role!r}", hint=f"Use one of {', '.join(ROLES)}")
        if not message.content.strip():
            raise InvalidInput("the message is empty", hint="Give it some text")
        if len(message.content) > self.max_message_chars:
            raise TooLarge(
                f"the message has {len(message.content)} characters, the limit is {self.max_message_chars}",
                hint="Split it, or raise the setting max_message_chars",
            )
        check_text(message.content, what="the message")
        if message.speaker is not None:
            check_name(message.speaker, what="the speaker's name")
        if message.occurred_at is not None:
            check_time(message.occurred_at, what="occurred_at")
        check_metadata(message.metadata)


def new_chunks(content: str) -> tuple[NewChunk, ...]:
    """A message's paragraphs with their search terms, numbered by their place among all slices.

    Sentences are not stored: the best one of a hit is found in its paragraph's text.
    """
    slices = enumerate(chunk(content))
    return tuple(_new_chunk(place, piece, content) for place, piece in slices if piece.kind == "paragraph")


def _new_chunk(ordinal: int, piece: Slice, content: str) -> NewChunk:
    text = content[piece.start : piece.end]
    return NewChunk(
        ordinal=ordinal,
        start=piece.start,
        end=piece.end,
        terms=tuple(terms(text)),
        asks=only_asks(text),
        of_self=speaks_of_self(text),
    )


def user_id(value: str) -> UserId:
    """A checked user id; ids are compared byte by byte, so twins in case or accents are two users."""
    return UserId(check_name(value, what="the user id"))


def session_id(value: str) -> SessionId:
    """A checked session id."""
    if value == CORRECTIONS:
        raise InvalidInput(f"the session id {value!r} is reserved", hint="Use another one")
    return SessionId(check_name(value, what="the session id"))


def check_name(value: str, *, what: str) -> str:
    """Refuse names that are empty, too long, or hold control characters."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{what} is empty", hint="Give it some text")
    if len(value) > MAX_ID_CHARS:
        raise TooLarge(f"{what} has {len(value)} characters, the limit is {MAX_ID_CHARS}")
    check_text(value, what=what)
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise InvalidInput(f"{what} holds a control character", hint="Remove it")
    return value


def check_label(value: str, *, what: str) -> str:
    """Refuse what `check_name` does, and all else that would act on the screen on which it is listed."""
    check_name(value, what=what)
    if _ACTING.search(value):
        raise InvalidInput(f"{what} holds a control character", hint="Remove it")
    return value


def check_text(value: str, *, what: str) -> None:
    """Refuse what not every store can keep: NUL characters and lone surrogates."""
    if "\x00" in value:
        raise InvalidInput(f"{what} holds a NUL character", hint="Remove it")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{what} holds a lone surrogate at position {error.start}", hint="Decode the text as UTF-8 first"
        ) from error


def check_time(value: datetime, *, what: str) -> datetime:
    """Refuse times without a zone; give the time in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{what} must be a time with zone", hint="Use datetime(..., tzinfo=UTC)")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(f"{what} lies outside the years 1 to 9999") from error


def check_metadata(value: Mapping[str, object]) -> None:
    """Refuse metadata that is no plain JSON object or too large."""
    if not isinstance(value, Mapping):
        raise InvalidInput("metadata must be an object with text keys")
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        _check_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata is not plain JSON: {error}") from error
    if len(text.encode("utf-8")) > MAX_METADATA_BYTES:
        raise TooLarge(f"metadata is larger than {MAX_METADATA_BYTES} bytes")


def _check_json(value: object, depth: int = 0) -> None:
    """Refuse what JSON would give back as something else, or a store could not keep."""
    if depth > MAX_METADATA_DEPTH:
        raise TooLarge(f"metadata is nested deeper than {MAX_METADATA_DEPTH}", hint="Make it flatter")
    if isinstance(value, str):
        check_text(value, what="metadata")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if not isinstance(key, str):
                raise InvalidInput(f"metadata must have text keys, not {type(key).__name__}")
            check_text(key, what="metadata")
            _check_json(each, depth + 1)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_json(each, depth + 1)


def check_messages(value: Sequence[Message]) -> None:
    """Refuse what is no list of messages; the messages themselves are checked as they are taken in."""
    if not isinstance(value, Sequence) or not all(isinstance(each, Message) for each in value):
        raise InvalidInput("remember takes a list of Message", hint='Write [Message(content="…")]')


def check_key(value: str) -> str:
    """Refuse an idempotency key that no store could keep."""
    if not isinstance(value, str) or not value:
        raise InvalidInput("an idempotency key must be text")
    if len(value) > MAX_KEY_CHARS:
        raise TooLarge(f"an idempotency key has {len(value)} characters, the limit is {MAX_KEY_CHARS}")
    check_text(value, what="an idempotency key")
    return value


def check_wait(value: float | None) -> float | None:
    """Refuse a time to wait that is no number of seconds; None waits for ever."""
    if value is None or (isinstance(value, int | float) and value >= 0):
        return value
    raise InvalidInput(f"a time to wait must be 0 seconds or more, not {value!r}")


def check_limit(value: int, *, what: str = "limit", most: int = MAX_LIMIT) -> int:
    """Refuse a count that is no whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{what} must be a whole number from 1 to {most}, not {value!r}")
    return value


def check_query(value: str) -> str:
    """Refuse a question that is no text or far too long; an empty one finds nothing."""
    if not isinstance(value, str):
        raise InvalidInput(f"the question must be text, not {type(value).__name__}")
    if len(value) > MAX_QUERY_CHARS:
        raise TooLarge(f"the question has {len(value)} characters, the limit is {MAX_QUERY_CHARS}")
    check_text(value, what="the question")
    return value


def _utc(value: datetime | None, now: datetime) -> datetime:
    return now if value is None else check_time(value, what="occurred_at")
