"""Makes the mean of the default model's token vectors, a constant of that model.

    python -m benchmarks.token_mean

It is taken over sentences of our own: the probes of the export and the sample conversation. A mean over the
texts that are searched finds no more than this one (docs/decisions/0015).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hmlr.memory.embeddings import minilm_tokens
from hmlr.memory.embeddings.minilm import MiniLMEncoder
from hmlr.memory.embeddings.minilm_export import exported_model
from hmlr.memory.embeddings.probes import PROBES
from hmlr.settings import Settings

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write the file beside the module that reads it."""
    lines = (ROOT / "data" / "sample.jsonl").read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines if line]
    texts = [*PROBES, *(f"{each['role']}: {each['content']}" for each in said)]
    encoder = MiniLMEncoder(exported_model(Settings.load().cache))
    _, states = encoder.states(texts)
    rows = np.concatenate([minilm_tokens.unit(each[1:-1]) for each in states])  # without the frame
    target = Path(minilm_tokens.__file__).with_name(minilm_tokens.MEAN_FILE)
    target.write_bytes(rows.mean(axis=0).astype("<f4").tobytes())
    print(f"{target.name}: {len(rows)} tokens of {len(texts)} texts")


if __name__ == "__main__":
    main()
