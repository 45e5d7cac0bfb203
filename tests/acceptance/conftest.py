"""Fixtures for acceptance tests: each sitting is a process, so that only the database remembers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from hmlr.errors import HMLRError
from hmlr.memory.embeddings import MINILM_DIM, MINILM_ID, Embedder, EmbedderSpec, spec_of
from tests import exported, processes
from tests.acceptance import driver
from tests.opening import Place, is_file

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC).replace(microsecond=0)
Step = tuple[str, list[Any], dict[str, Any]]


def chat(text: str, **options: Any) -> Step:
    """Say something."""
    return ("chat", [text], options)


def call(name: str, *args: Any, **options: Any) -> Step:
    """Any other method of the client."""
    return (name, list(args), options)


def days_ago(days: float) -> str:
    """A time in the past, as the driver takes it."""
    return (NOW - timedelta(days=days)).isoformat()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of every process: one cache for the model, no settings of the machine's own."""
    own = ("HMLR_", "COV_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "XAI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    cache = os.environ.get("TEST_CACHE") or str(tmp_path_factory.mktemp("model-cache"))
    return {**kept, "HMLR_CACHE_DIR": cache, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> None:
    """The model is in the cache: no process of a test need export it, which takes long."""
    if "TEST_CACHE" not in os.environ:
        shutil.copytree(
            exported.first_loads(tmp_path_factory)[0], environment["HMLR_CACHE_DIR"], dirs_exist_ok=True
        )


def python_example(page: str) -> str:
    """The one Python block of a page, named from the project's root."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return str(code)


@pytest.fixture
def python(tmp_path: Path, environment: dict[str, str]) -> Callable[..., str]:
    """Run Python in a fresh process in the test's folder, without an embedder: what it prints."""

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, "HMLR_EMBEDDER": "none"},
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


Sit = Callable[..., list[Any]]


@pytest.fixture
def sit(database: Place, tmp_path: Path, environment: dict[str, str], embedder: None) -> Sit:
    """Run steps on this test's database: on SQLite in a fresh process, else with a client opened anew."""

    def in_a_process(job: dict[str, Any], env: Mapping[str, str]) -> list[Any]:
        done = processes.run(
            [str(ROOT / "tests/acceptance/driver.py")],
            stdin=json.dumps(job),
            env={**environment, **env},
            cwd=tmp_path,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        results: list[Any] = json.loads(done.stdout)
        return results

    return sitting(database, in_a_process if is_file(database) else here(environment))


def sitting(database: Place, take: Callable[[dict[str, Any], Mapping[str, str]], list[Any]]) -> Sit:
    """What a test calls: the steps as a job of the driver's, and who takes it."""

    def run(
        *steps: Step,
        user: str = "ada",
        flush: bool = True,
        model: str = "offline",
        env: Mapping[str, str] | None = None,
        **client: Any,
    ) -> list[Any]:
        job = {"db": database, "user": user, "steps": steps, "flush": flush, "model": model, "client": client}
        return take(job, env or {})

    return run


def here(environment: Mapping[str, str]) -> Callable[[dict[str, Any], Mapping[str, str]], list[Any]]:
    """Takes a job in this process, with what it takes and gives as in one of its own."""

    def take(job: dict[str, Any], env: Mapping[str, str]) -> list[Any]:
        own = {**environment, **env}
        model = None if "HMLR_EMBEDDER" in own else _minilm(own["HMLR_CACHE_DIR"])
        with patch.dict(os.environ, own):
            try:
                results = asyncio.run(driver.run(json.loads(json.dumps(job)), embedder=model))
            except HMLRError as error:
                raise AssertionError(f"{type(error).__name__}: {error}") from error
        given: list[Any] = json.loads(json.dumps(results))
        return given

    return take


def _minilm(cache_dir: str) -> EmbedderSpec:
    """The default model, loaded once for all sittings: that takes longer than most of them."""
    return EmbedderSpec(model_id=MINILM_ID, dim=MINILM_DIM, load=lambda: _loaded(cache_dir))


@cache
def _loaded(cache_dir: str) -> Embedder:
    return spec_of(MINILM_ID, Path(cache_dir)).load()
