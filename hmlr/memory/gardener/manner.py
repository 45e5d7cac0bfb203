"""How a gardener takes blocks that another process has, that failed before, and when it ends early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hmlr.errands.port import back_off

LEASE_S = 20.0  # renewed while a block is worked on: what a killed process left is soon taken up
CRASHES = 20  # attempts after which a worker gives a block up that ends its process each time


@dataclass(frozen=True, kw_only=True)
class Manner:
    """Somebody has asked for this run and waits for its end, unless it is a worker's turn.

    Who has asked wants everything tried: blocks that back off or are parked, too, and what another process
    holds is waited for. A worker leaves both alone, for it comes again.
    """

    asked: bool = True
    lease_s: float = LEASE_S
    back_off_s: float = 60.0  # a worker's wait after the first failure of a block
    enough: Callable[[], bool] = lambda: False  # asked before each block: whether to stop there

    def gives_up(self, attempts: int) -> bool:
        """Whether a block that was taken so often, and never given back, is left alone."""
        return not self.asked and attempts > CRASHES

    def wait_s(self, attempts: int) -> float | None:
        """How long a worker leaves a block alone that has failed so often; None: it is parked."""
        return back_off(attempts, self.back_off_s)
