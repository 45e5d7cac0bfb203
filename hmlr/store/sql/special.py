"""What each database does in a way of its own: numbers for new rows, and the full-text index.

The queries of this folder get it from their connection, which the adapter has opened with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from sqlalchemy import Connection, Select

from hmlr.store.search_records import Postings

OPTION = "hmlr_special"  # of the connection


class Indexed(NamedTuple):
    """A chunk as the full-text index has it."""

    chunk_id: int
    terms: str  # between blanks
    user_no: int


class Special(Protocol):
    """Every call works in the transaction of the connection that it is given."""

    lateral: bool  # whether a range of rows is to be looked up for each row by itself

    def take_numbers(self, connection: Connection, counts: Mapping[str, int]) -> dict[str, Iterator[int]]:
        """So many numbers for new rows of each table named, ascending, above those of all the user's rows.

        The tables are messages, jobs, users and models. Numbers that are not used may be lost.
        """

    def add_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """Index chunks."""

    def remove_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """Take chunks out of the index; the rows must be those that were added, and all of one user."""

    def drop_own(self, connection: Connection) -> None:
        """Drop what is kept for the transaction's user alone, none of whose chunks is left."""

    def clear_terms(self, connection: Connection) -> None:
        """Throw the whole index away, damaged or not, and begin an empty one."""

    def indexed(self) -> Select[tuple[int]]:
        """The ids of the chunks that stand in the index with a term, each once, as `chunk_id`."""

    def postings(self, connection: Connection, user_no: int, terms: Sequence[str]) -> dict[str, Postings]:
        """Where each term stands in the user's chunks, ids ascending; unknown terms are left out."""


def special(connection: Connection) -> Special:
    """That of the database the connection belongs to."""
    return cast("Special", connection.get_execution_options()[OPTION])
