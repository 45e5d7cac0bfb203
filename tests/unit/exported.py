"""Processes that export and load the default model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
