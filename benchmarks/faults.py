"""Runs the faults of docs/faults.md, row after row, with their full figures, and writes the table of results.

    python -m benchmarks.faults                     what has not passed yet; takes hours
    python -m benchmarks.faults --row F13 --row X21 these rows, whatever is known of them
    python -m benchmarks.faults --table             only the table, of what is known

Results are merged into --out (JSON) after each row, so that a run that was broken off goes on; the table
stands in docs/faults-results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fault_rows import ROWS, Row

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "faults-results.json"
TABLE = ROOT / "docs" / "faults-results.md"
LIMIT_S = 2 * 3600  # for one row
NOT_TESTED = "not tested"


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a row ended."""

    row: str
    verdict: str  # passed, failed, timed out
    figure: str
    seconds: int
    measured: str  # date, UTC
    machine: str
    full: bool  # the full figures, not those of CI


def run(row: Row, *, full: bool) -> Result:
    """Run the tests of a row in a process of their own."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
            "-o", "junit_logging=system-out", *row.tests,
        ]  # fmt: skip
        environment = {**os.environ, "FAULTS": "full" if full else ""}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                code = process.wait(LIMIT_S)
                passed, figure = told(row, report) if report.exists() else (False, "no report")
                verdict = "passed" if passed and code == 0 else "failed"
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with the processes that the tests started
                verdict, figure = "timed out", f"not done after {LIMIT_S} s"
    return Result(
        row=row.row,
        verdict=verdict,
        figure=figure,
        seconds=round(time.monotonic() - begun),
        measured=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        full=full,
    )


def told(row: Row, report: Path) -> tuple[bool, str]:
    """Whether all went well, and the figure: what the tests say of this row, and how many cases there were.

    What was skipped is named: a row is not shown by a test that did not run.
    """
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 - pytest's own file
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    said = re.compile(rf"^{row.row}[:,]? (.+)$", re.MULTILINE)
    lines = [
        found for out in (case.findtext("system-out", "") for case in cases) for found in said.findall(out)
    ]
    count = f"{len(cases) - len(bad) - len(skipped)} of {len(cases)} cases passed"
    parts = [*dict.fromkeys(lines), count]
    if skipped:
        parts.append(f"{len(skipped)} skipped")
    if bad:
        parts.append("failed: " + ", ".join(str(case.get("name")) for case in bad[:3]))
    return bool(cases) and not bad and len(skipped) < len(cases), "; ".join(parts)


def machine() -> str:
    """The machine, in words."""
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


def table(results: dict[str, Result]) -> str:
    """The results in Markdown, a line for every row there is."""
    tested = sum(bool(row.tests) for row in ROWS)
    passed = sum(result.verdict == "passed" and result.full for result in results.values())
    lines = [
        "# Results of the faults",
        "",
        f"{len(ROWS)} rows: {tested} have tests, {passed} passed at their full figure. Made by",
        "`python -m benchmarks.faults`; [faults](faults.md) says more. *Bounded*: passed with the small",
        "figures of CI only. *Not run*: there are tests, whose results are not here.",
        "",
        "| row | injected | mark | reached | s | measured | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        result = results.get(row.row)
        cells = [row.row, row.injected, row.mark]
        if not row.tests or result is None:
            cells += ["", "", "", NOT_TESTED if not row.tests else "not run"]
        else:
            bounded = result.verdict == "passed" and not result.full
            verdict = "bounded" if bounded else result.verdict
            cells += [result.figure, str(result.seconds), result.measured, verdict]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    machines = sorted({result.machine for result in results.values()})
    return "\n".join([*lines, "", *(f"Machine: {each}." for each in machines), ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rows; 1 when one of them did not pass."""
    parser = argparse.ArgumentParser(prog="benchmarks.faults", description=__doc__.partition("\n")[0])
    known_rows = [row.row for row in ROWS]
    parser.add_argument("--row", action="append", choices=known_rows, metavar="ROW", help="only these rows")
    parser.add_argument("--bounded", action="store_true", help="the small figures of CI")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--out", type=Path, default=OUT, help="the results, as JSON")
    given = parser.parse_args(arguments)
    # What a shell puts into the background ignores Ctrl-C, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = read(given.out)
    asked_for = given.row or [row.row for row in ROWS if _is_open(row, results)]
    wanted = [row for row in ROWS if row.tests and row.row in asked_for]
    for row in () if given.table else wanted:
        result = results[row.row] = run(row, full=not given.bounded)
        write(given.out, results)
        print(f"{row.row} {result.verdict} in {result.seconds} s: {result.figure}", flush=True)
    write(given.out, results)
    return 0 if given.table else int(any(results[row.row].verdict != "passed" for row in wanted))


def _is_open(row: Row, results: dict[str, Result]) -> bool:
    result = results.get(row.row)
    return result is None or result.verdict != "passed" or not result.full


def read(out: Path) -> dict[str, Result]:
    """What is known, by row."""
    if not out.exists():
        return {}
    return {each["row"]: Result(**each) for each in json.loads(out.read_text(encoding="utf-8"))}


def write(out: Path, results: dict[str, Result]) -> None:
    """Write the results, and beside the usual file the table."""
    ordered = [asdict(results[row.row]) for row in ROWS if row.row in results]
    out.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    (TABLE if out == OUT else out.with_suffix(".md")).write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
