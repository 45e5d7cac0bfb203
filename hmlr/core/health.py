"""Health: what is configured, whether it works, and what to do where it does not."""

from __future__ import annotations

from contextlib import aclosing

from hmlr.core.services import Services, open_errands
from hmlr.errors import EmbedderError, EmbedderUnavailable, HMLRError, MissingPackage
from hmlr.records import Check, Health, UserId


async def check(services: Services, user: UserId, *, database: bool = True) -> Health:
    """Every check, also when an earlier one fails; those of the whole database when `database` says so."""
    checks = [
        _model(services),
        await _embedder(services, user),
        await _jobs(services, user),
        await _erasure(services),
        *(await services.store.check() if database else ()),
        *([await _workers(services)] if database else ()),
    ]
    return Health(checks=tuple(checks))


def _model(services: Services) -> Check:
    """Which model answers; nothing is sent, since calls cost."""
    model = services.runner.model
    if model is None:
        return Check(name="model", ok=True, detail="offline: answers by rules and quotes")
    detail = model.name
    if services.opened_model is not None:
        gateway = services.opened_model.gateway
        fallbacks = gateway.models[1:]
        detail += f", then {', '.join(fallbacks)}" if fallbacks else ""
        failed = {latency.model for latency in gateway.metrics.latencies() if latency.errors}
        detail += f"; calls to {', '.join(sorted(failed))} failed" if failed else ""
    return Check(name="model", ok=True, detail=f"{detail}; try it with `llm complete hello`")


async def _embedder(services: Services, user: UserId) -> Check:
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
    return await _served(services, user, f"{embedding.model_id}, {rows.shape[1]} dimensions")


async def _served(services: Services, user: UserId, detail: str) -> Check:
    """Which model's vectors answer, when the model was changed and its set is not complete."""
    serving = services.lattice.serving
    complete, served = await serving.complete(user), await serving.of(user)
    if complete:
        return Check(name="embedder", ok=True, detail=detail)
    if not served.former_failed:
        detail += f"; until its vectors are complete, those of {served.by.model_id} answer"
        return Check(name="embedder", ok=True, detail=detail)
    return Check(
        name="embedder",
        ok=False,
        detail=f"{detail}; its vectors are not complete, and the former model can't be loaded: words find "
        f"the rest ({served.former_failed})",
        remedy="It ends by itself when all vectors are made; or set the former embedder again",
    )


async def _jobs(services: Services, user: UserId) -> Check:
    counts = await services.store.job_counts(user, services.clock())
    detail = f"{counts.waiting} waiting, {counts.running} running, {counts.failed} failed"
    if counts.errors:
        detail += f" ({', '.join(counts.errors)})"
    return Check(
        name="background", ok=not counts.failed, detail=detail, remedy="`retry` makes failed jobs due again"
    )


async def _erasure(services: Services) -> Check:
    """Whether the files may still hold what was erased: a process was killed, or another one was reading."""
    if not await services.store.purge_pending():
        return Check(name="erasure", ok=True, detail="nothing erased is left in the files")
    return Check(
        name="erasure",
        ok=False,
        detail="the files may still hold what was erased: they have yet to be rewritten",
        remedy="It happens by itself; close other programs that read this database, run `doctor` again",
    )


async def _workers(services: Services) -> Check:
    """What workers have before them, over all users, and whether one ended without a word."""
    try:
        async with aclosing(await open_errands(services)) as errands:
            state = await errands.state()
    except MissingPackage as error:
        return Check(name="workers", ok=True, detail=f"not looked at: {error}")
    except HMLRError as error:
        return Check(name="workers", ok=False, detail=str(error), remedy=error.hint)
    detail = "; ".join(queue.in_words for queue in state.queues)
    if state.workers is not None:
        detail = f"{state.workers} alive, {state.dead} dead; {detail}"
    if state.stalled:
        detail += f"; {state.stalled} users were left by a worker that died"
    failed = sum(queue.failed for queue in state.queues)
    over = "Start a `worker`, or run `garden`, which take over what was left"
    remedy = over if state.stalled else "`retry` tries again what was given up"
    return Check(name="workers", ok=not (failed or state.stalled), detail=detail, remedy=remedy)
