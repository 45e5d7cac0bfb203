"""The table of faults names tests that are there, and says of the rest that it is not tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.fault_rows import ROWS, Row
from benchmarks.faults import Result, read, table, told, write

ROOT = Path(__file__).parents[2]
REPORT = """<testsuites><testsuite>
<testcase name="one"><system-out>noise
F01: 600 kills, 0 lost
F02: of another row
</system-out></testcase>
<testcase name="two">{two}</testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("row", ROWS, ids=[row.row for row in ROWS])
def test_the_tests_of_a_row_are_there(row: Row) -> None:
    for test in row.tests:
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"def {name}\(" if name else "def test_", text), test


def test_every_row_has_one_line() -> None:
    assert len({row.row for row in ROWS}) == len(ROWS)
    lines = table({}).splitlines()
    for row in ROWS:
        (line,) = [line for line in lines if line.startswith(f"| {row.row} |")]
        assert line.endswith("| not run |" if row.tests else "| not tested |")


@pytest.mark.parametrize(
    ("two", "passed", "figure"),
    [
        ("", True, "600 kills, 0 lost; 2 of 2 cases passed"),
        ("<failure/>", False, "600 kills, 0 lost; 1 of 2 cases passed; failed: two"),
        ("<skipped/>", True, "600 kills, 0 lost; 1 of 2 cases passed; 1 skipped"),
    ],
)
def test_a_report_gives_the_figure_that_was_said(tmp_path: Path, two: str, passed: bool, figure: str) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT.format(two=two))
    assert told(ROWS[0], report) == (passed, figure)


def test_results_are_merged_and_small_figures_are_not_called_passed(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    given = {"figure": "3 kills", "seconds": 1, "measured": "2026-01-01", "machine": "2 cores"}
    first = Result(row="F01", verdict="passed", full=False, **given)  # type: ignore[arg-type]
    write(out, {"F01": first})
    second = Result(row="F03", verdict="passed", full=True, **given)  # type: ignore[arg-type]
    write(out, read(out) | {"F03": second})
    assert read(out) == {"F01": first, "F03": second}
    text = out.with_suffix(".md").read_text()
    assert "| 3 kills | 1 | 2026-01-01 | bounded |" in text
    assert "| 3 kills | 1 | 2026-01-01 | passed |" in text
    assert "1 passed" in text
