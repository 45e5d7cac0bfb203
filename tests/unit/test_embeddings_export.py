"""The exported model's folder: what is believed, what is made again, what a failure leaves behind.

The export itself is played by a stand-in here; `test_embeddings_minilm.py` runs the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import MINILM_ID, minilm_export
from hmlr.memory.embeddings.minilm_export import exported_model

MODEL = b"pretend this is onnx"


class FakeExport:
    """Stands in for the child process; counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.cosine = 0.995
        self.before_writing: Callable[[Path], None] = lambda _: None

    def __call__(self, work: Path) -> None:
        self.runs += 1
        self.before_writing(work)
        (work / "model.onnx").write_bytes(MODEL)
        (work / "report.json").write_text(json.dumps({"cosine": self.cosine}))


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> FakeExport:
    fake = FakeExport()
    monkeypatch.setattr(minilm_export, "_run_child", fake)
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / MINILM_ID


def test_the_second_call_reads_what_the_first_made(tmp_path: Path, export: FakeExport) -> None:
    assert exported_model(tmp_path) == MODEL
    assert exported_model(tmp_path) == MODEL
    assert export.runs == 1


def test_the_files_are_for_their_owner_alone(tmp_path: Path, folder: Path, export: FakeExport) -> None:
    exported_model(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes.pop("export.lock", 0o600) == 0o600
    assert modes == {"model.onnx": 0o600, "manifest.json": 0o600}


def test_the_manifest_tells_what_was_measured(tmp_path: Path, folder: Path, export: FakeExport) -> None:
    exported_model(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model_id"] == MINILM_ID
    assert (manifest["size"], manifest["cosine"]) == (len(MODEL), 0.995)


def _truncate(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(MODEL[:-1])


def _flip_a_byte(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"P" + MODEL[1:])


def _cut_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:20])


def _write_binary_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")


def _write_a_list(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def _take_an_older_format(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format_version": 0}))


def _lose_the_model(folder: Path) -> None:
    (folder / "model.onnx").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _flip_a_byte,
        _cut_the_manifest,
        _write_binary_manifest,
        _write_a_list,
        _take_an_older_format,
        _lose_the_model,
    ],
)
def test_what_does_not_agree_is_made_again(
    tmp_path: Path, folder: Path, export: FakeExport, damage: Callable[[Path], None]
) -> None:
    exported_model(tmp_path)
    damage(folder)
    assert exported_model(tmp_path) == MODEL
    assert export.runs == 2


@pytest.mark.parametrize("cosine", [0.9899, float("nan")])
def test_an_inexact_model_is_not_installed(
    tmp_path: Path, folder: Path, export: FakeExport, cosine: float
) -> None:
    export.cosine = cosine
    with pytest.raises(EmbedderError, match="inexact"):
        exported_model(tmp_path)
    assert not list(folder.glob("m*"))
    assert not list(folder.glob("export-*"))


def test_a_kill_between_the_two_files_is_noticed(
    tmp_path: Path, folder: Path, export: FakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported_model(tmp_path)
    (folder / "manifest.json").unlink()

    def replace(source: Path, target: Path) -> None:  # the kill comes after the model, before the manifest
        if target.name == "manifest.json":
            raise KeyboardInterrupt
        shutil.copyfile(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            exported_model(tmp_path)
    assert minilm_export.stored_model(folder) is None
    assert exported_model(tmp_path) == MODEL


def test_the_leavings_of_a_killed_export_are_removed(
    tmp_path: Path, folder: Path, export: FakeExport
) -> None:
    killed = folder / "export-abc"
    killed.mkdir(parents=True)
    (killed / "model.onnx").write_bytes(b"half")
    exported_model(tmp_path)
    assert not killed.exists()


def test_threads_that_start_at_once_export_once(tmp_path: Path, export: FakeExport) -> None:
    export.before_writing = lambda _: time.sleep(0.1)
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(exported_model(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [MODEL] * 4
    assert export.runs == 1


def test_waiting_for_another_process_has_an_end(
    tmp_path: Path, folder: Path, export: FakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm_export, "LOCK_LIMIT_S", 0.1)
    folder.mkdir()
    with FileLock(folder / "export.lock"), pytest.raises(EmbedderError, match=r"export\.lock"):
        exported_model(tmp_path)


def test_a_folder_that_can_not_be_made_is_an_error(tmp_path: Path, export: FakeExport) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbedderError, match="another cache folder"):
        exported_model(tmp_path / "file")


def test_missing_packages_are_named(
    tmp_path: Path, export: FakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm_export, "NEEDED", ("json", "no_such_package"))
    with pytest.raises(EmbedderUnavailable, match="pip install no_such_package"):
        exported_model(tmp_path)
    assert export.runs == 0


def test_a_failing_child_is_quiet_and_its_last_line_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(minilm_export, "CHILD", "print('chatter'); raise ValueError('no such layer')")
    with pytest.raises(EmbedderError, match=r"exit code 1.*no such layer"):
        exported_model(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in folder.iterdir() if file.suffix != ".lock"] == []


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_export, "EXPORT_LIMIT_S", 0.3)
    monkeypatch.setattr(minilm_export, "CHILD", "import time; time.sleep(60)")
    with pytest.raises(EmbedderError, match="took over"):
        exported_model(tmp_path)
