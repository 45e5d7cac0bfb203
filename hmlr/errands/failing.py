"""What becomes of an errand that failed."""

from __future__ import annotations

import logging
import traceback

from hmlr.errands.port import Errand
from hmlr.errors import HMLRError

logger = logging.getLogger(__name__)


def log_failure(what: str, error: BaseException) -> None:
    """Say what failed, and of a bug where, but not the error's message: that may hold what was said."""
    if isinstance(error, HMLRError):
        logger.warning("%s: %s", what, type(error).__name__)
        return
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s\n%s", what, type(error).__name__, where)


def log_errand(errand: Errand, error: BaseException, wait_s: float | None) -> None:
    """Say that an errand failed and when it is tried again."""
    then = "it is parked" if wait_s is None else f"again in {wait_s:g} s"
    log_failure(f"an errand to {errand.queue} failed, {then}", error)
