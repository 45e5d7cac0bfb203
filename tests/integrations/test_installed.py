"""What is imported when, and what is said when a framework is missing."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {
    "langgraph": "langgraph",
    "langchain": "langchain_core",
    "openai_agents": "agents",
    "pydantic_ai": "pydantic_ai",
}
SCRIPT = """
import json, sys
from importlib import import_module
import hmlr, hmlr.errors, hmlr.integrations
hmlr.HMLRClient, hmlr.Message
frameworks = json.loads(sys.argv[1])
told = {"loaded": sorted({*frameworks.values(), "langchain_core"} & set(sys.modules))}
for name, package in frameworks.items():
    sys.modules[package] = None
    try:
        import_module(f"hmlr.integrations.{name}")
    except hmlr.errors.MissingPackage as error:
        told[name] = [str(error), isinstance(error, ImportError)]
print(json.dumps(told))
"""


def test_hmlr_imports_no_framework_and_tells_how_to_get_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(FRAMEWORKS)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    told = json.loads(done.stdout)
    assert told.pop("loaded") == []
    assert set(told) == set(FRAMEWORKS)
    for name, (message, is_import_error) in told.items():
        assert f'Run: python -m pip install "{extras()[name]}"' in message
        assert is_import_error


def extras() -> dict[str, str]:
    """The requirement of each extra of the package, by the integration's name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"].items()
    return {name.replace("-", "_"): requirement for name, (requirement,) in listed}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_extra_installs_what_the_tests_run_with(name: str) -> None:
    tested = (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert extras()[name] in tested
