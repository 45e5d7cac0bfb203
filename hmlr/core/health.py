"""Health: what is configured, whether it works, and what to do where it does not."""

from __future__ import annotations

from hmlr.core.services import Services
from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.records import Check, Health, UserId


async def check(services: Services, user: UserId) -> Health:
    """Every check, also when an earlier one fails."""
    checks = [
        Check(name="model", ok=True, detail="offline: answers by rules and quotes"),
        await _embedder(services),
        await _jobs(services, user),
        *await services.store.check(),
    ]
    return Health(checks=tuple(checks))


async def _embedder(services: Services) -> Check:
    embedding = services.embedding
    if not embedding.available:
        return Check(name="embedder", ok=True, detail="none: search is lexical")
    try:
        rows = await embedding.embed(["Is the model there?"])
    except EmbedderUnavailable as error:
        return Check(name="embedder", ok=False, detail=str(error), remedy="Install requirements.txt")
    except EmbedderError as error:
        return Check(
            name="embedder", ok=False, detail=str(error), remedy="Delete the cache folder, try again"
        )
    return Check(name="embedder", ok=True, detail=f"{embedding.model_id}, {rows.shape[1]} dimensions")


async def _jobs(services: Services, user: UserId) -> Check:
    counts = await services.store.job_counts(user, services.clock())
    detail = f"{counts.waiting} waiting, {counts.running} running, {counts.failed} failed"
    if counts.errors:
        detail += f" ({', '.join(counts.errors)})"
    return Check(
        name="background", ok=not counts.failed, detail=detail, remedy="`retry` makes failed jobs due again"
    )
