"""Makes fresh processes by fork: `tests/processes.py` starts this file and says over a socket what to run.

A child has the modules that this process imported and nothing else: importing keeps no state.
The child ends as an interpreter does, with its threads joined and its exit functions run.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import socket
import sys

ROOM = 1 << 20  # bytes of one job: its arguments and its environment
IMPORTED = (
    "hmlr.cli.app",
    "hmlr.sync",
    "hmlr.core.tasks.fact_scrubbing.offline",
    "hmlr.core.tasks.scribe.offline",
    "hmlr.evaluation.running",
    "hmlr.memory.embeddings.minilm",
    "tests.blocking",
    "tokenizers",
)


def serve(door: socket.socket) -> None:
    """Fork for each job until the other side hangs up; returns in the children, which run their job."""
    door.send(b"ready")
    while True:
        message, streams, _, _ = socket.recv_fds(door, ROOM, 3)
        if not message:
            sys.exit()
        child = os.fork()
        if child == 0:
            door.close()
            become(json.loads(message), streams)
            return
        for stream in streams:
            os.close(stream)
        door.send(str(child).encode())
        door.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def become(job: dict[str, object], streams: list[int]) -> None:
    """Take the streams, the folder, the environment and the arguments of the job."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(str(job["cwd"]))
    os.environ.clear()
    os.environ.update(job["env"])  # type: ignore[call-overload]
    sys.argv = list(job["command"])  # type: ignore[call-overload]
    sys.path[0] = os.path.dirname(sys.argv[0])


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # what was imported stays shared between the children
    serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_path(sys.argv[0], run_name="__main__")
