"""What the care of a memory reports: certificates, statistics, audits, health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hmlr.records.usage import DaySpending, Latency, Spending
from hmlr.records.vocabulary import DossierId, FactId, Queue, Scope, TurnId, UserId


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a deletion removed; it holds no deleted text."""

    certificate_id: str
    scope: Scope
    recorded_at: datetime
    turns: int
    messages: int
    chunks: int
    vectors: int
    facts: int
    facts_restored: tuple[FactId, ...]  # active again, since what had taken their place went; no secrets
    redactions: int  # quotes blanked in messages that stay
    dossiers_removed: tuple[DossierId, ...]  # in which no fact was left
    dossiers_changed: tuple[DossierId, ...]  # that told of it; told anew from the facts that stay
    dossier_entries: int  # places of facts that went
    tags_removed: int  # section rules among them
    tags_changed: int  # section rules that hold for fewer turns
    runs_sealed: int  # garden runs that can't be undone any more: the way back led over it
    # The database files were rewritten without the removed pages, the dossiers that went are gone, and those
    # that changed say nothing but what their facts say.
    verified: bool


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of a file of conversations."""

    stored: int  # messages new to the store
    repeated: int  # messages that an earlier import had stored
    bad: tuple[str, ...]  # what can't be read, each with its place and the reason
    left_out: Mapping[str, int]  # what is left out on purpose: reason -> how many


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A copy of a whole memory that was read through and found sound."""

    path: str
    bytes: int
    users: int
    turns: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """An erasure that a replaced memory knew of and the backup in its place does not."""

    user_id: UserId
    scope: str  # "turn", "fact", "session" or "everything"
    target: str  # id of what was forgotten
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a backup brought."""

    path: str  # of the memory
    users: int
    turns: int
    messages: int
    last_recorded_at: datetime | None  # of its latest message; None: it holds none
    kept: str | None  # where the replaced memory lies now; None: there was none
    forgotten: tuple[Forgotten, ...] | None  # what has come back; None: the replaced one could not be asked


@dataclass(frozen=True, kw_only=True)
class MoveReport:
    """What a move has done; users are moved wholly or not at all."""

    users: tuple[UserId, ...]  # who are in the target as they are in the source
    here: int  # of them were there before this run
    left: tuple[UserId, ...]  # whose memory went on changing in the source: run it again
    rows: int
    tokens: int  # of the server, that were not there


@dataclass(frozen=True, kw_only=True)
class Stats:
    """How much is stored for one user."""

    turns: int
    messages: int
    chunks: int
    vectors: int
    blocks: int
    facts: Mapping[str, int]  # state -> count
    jobs_waiting: int
    jobs_failed: int
    database_bytes: int
    dossiers: int = 0
    dossier_facts: int = 0  # that have their place in a dossier
    tags: int = 0  # section rules among them
    garden_runs: int = 0  # applied and not undone
    topics_waiting: int = 0  # finished, to be gardened
    topics_failed: int = 0  # of these, given up by workers until `retry` or `garden`
    days: tuple[DaySpending, ...] = ()  # with model calls, the latest 31, the latest first
    spending: tuple[Spending, ...] = ()  # of this process
    latencies: tuple[Latency, ...] = ()  # of this process


@dataclass(frozen=True, kw_only=True)
class AuditExample:
    """A fact that an audit found fault with."""

    fact_id: FactId
    turn_id: TurnId
    text: str  # its statement; of a secret the key alone


@dataclass(frozen=True, kw_only=True)
class AuditCheck:
    """One kind of fault: how many facts have it, of how many."""

    name: str  # "duplicate", "contradiction", "stale", "echo", "unsourced" or "secret"
    means: str
    count: int
    of: int
    examples: tuple[AuditExample, ...]

    @property
    def rate(self) -> float:
        """The share, from 0 to 1; 0 when there is nothing to have the fault."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, kw_only=True)
class Audit:
    """How sound the facts of a user are."""

    turns: int
    facts: int  # of any state
    active: int
    checks: tuple[AuditCheck, ...]


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """How many users a queue of the workers has, each in one of these."""

    queue: Queue
    waiting: int
    running: int
    failed: int  # something of theirs was given up, until `retry`

    @property
    def in_words(self) -> str:
        """As it is told."""
        return f"{self.queue}: {self.waiting} waiting, {self.running} running, {self.failed} failed"


@dataclass(frozen=True, kw_only=True)
class WorkState:
    """What the workers of a database have before them, over all users."""

    queues: tuple[QueueState, ...]
    workers: int | None  # that are alive; None where nobody counts them
    dead: int | None  # that ended without a word, until the others notice; None as before
    stalled: int  # users at whom they were then


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of `doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""  # what to do when not ok


@dataclass(frozen=True, kw_only=True)
class Health:
    """What is configured and whether it works."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)
