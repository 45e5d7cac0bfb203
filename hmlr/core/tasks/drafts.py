"""A fact as a task proposes it, before it is checked against its source and against what is known."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hmlr.records import Category

# How a statement bears on what was known under the same subject and key:
#   asserts     it holds (a single-valued key gives way to it)
#   updates     said to replace the earlier value: "now", "instead", "the new one is"
#   ends        the value no longer holds, without a new one: "no longer", "not any more"
#   retracts    the value was never right: "that was a draft", "issued by mistake"
#   reinstates  an earlier value holds again: "revert to v6"
Bearing = Literal["asserts", "updates", "ends", "retracts", "reinstates"]


class FactDraft(BaseModel):
    """One proposed fact; `quote` must stand literally in the message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = Field(
        min_length=1, max_length=200, description='"user" for the owner, else the name as written'
    )
    key: str = Field(min_length=1, max_length=80, pattern=r"^[a-z0-9_]+$", description="lower_snake_case")
    value: str = Field(min_length=1, max_length=1000)
    category: Category
    quote: str = Field(min_length=1, max_length=4000)
    bearing: Bearing = "asserts"
    reason: str = Field(
        "", max_length=300, description="for ends, retracts and reinstates: why, literal where possible"
    )
    valid_from: datetime | None = Field(
        None, description="event time from which it holds, when the text says so"
    )
    valid_to: datetime | None = Field(
        None, description="event time until which it holds, when the text says so"
    )
    instead_of: str = Field(
        "",
        max_length=300,
        description="the wrong value that the text corrects, literal; with subject and key of that fact",
    )


class FactDrafts(BaseModel):
    """What a message says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    facts: tuple[FactDraft, ...]
