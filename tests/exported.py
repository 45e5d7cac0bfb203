"""The default model, exported once for all workers of a run, by two processes at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

LOAD = """
import json, logging, sys, time
from pathlib import Path
import numpy
lines = []
class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
logging.getLogger("hmlr").addHandler(Lines())
logging.getLogger("hmlr").setLevel("INFO")
started = time.perf_counter()
from hmlr.memory.embeddings.minilm import MiniLMEmbedder
rows = MiniLMEmbedder(Path(sys.argv[1])).embed(["hello"])
seconds = time.perf_counter() - started
heavy = sorted({"torch", "transformers", "sentence_transformers", "onnx"} & set(sys.modules))
print(json.dumps({"exports": sum("Exporting" in line for line in lines), "heavy": heavy, "seconds": seconds}))
"""


def first_loads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    """The cache folder, and what the two processes told that found it empty.

    The first worker that asks starts them; the others wait.
    """
    own = tmp_path_factory.getbasetemp()
    cache_dir = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "embedder"
    told = cache_dir.with_suffix(".json")
    with FileLock(cache_dir.with_suffix(".lock")):
        if not told.exists():
            told.write_text(json.dumps(load_in_processes(cache_dir, 2)), encoding="utf-8")
    return cache_dir, json.loads(told.read_text(encoding="utf-8"))


def load_in_processes(cache_dir: Path, count: int) -> list[dict[str, object]]:
    """Load the model in `count` processes at once; each must write its one line and nothing else."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, str(cache_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(count)
    ]
    outputs = [child.communicate(timeout=150) for child in children]
    assert [error for _, error in outputs] == [b""] * count
    return [json.loads(output) for output, _ in outputs]
