"""The memory over HTTP: `HMLRClient`, method by method, for the user of the token.

One file for what a caller does, as in `hmlr.client`. A route names its memory by the `Memory` dependency, or
is an administrator's; no request names a path of this machine, an address or a model.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from hmlr.server.memory import (
    caring,
    conversing,
    dossiers,
    facts,
    gardening,
    moving,
    topics,
    users,
)

ROUTERS: Sequence[APIRouter] = (
    conversing.router,
    facts.router,
    topics.router,
    dossiers.router,
    gardening.router,
    caring.router,
    moving.router,
    users.router,
)
