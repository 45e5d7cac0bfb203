"""A process that moves memories until it is killed, and tells of each step.

Usage: move_worker.py SOURCE TARGET. Lines: the steps done, after each; "done" at the end.
"""

from __future__ import annotations

import asyncio
import sys

from hmlr import move


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(move(sys.argv[1], sys.argv[2], progress=lambda done, _: say(done)))
    say("done")
