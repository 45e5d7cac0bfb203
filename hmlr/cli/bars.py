"""Progress bars on stderr; imported only when one is shown, because rich takes a tenth of a second."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class RateColumn(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """The rate of late, empty until it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f}/s" if speed else "")


def bar(*, counted: bool) -> Progress:
    """A bar with rate and remaining time, or a spinner where the end is not known; gone when it is done."""
    console = Console(stderr=True)
    text = TextColumn("{task.description}", markup=False)
    if not counted:
        return Progress(SpinnerColumn(), text, TimeElapsedColumn(), console=console, transient=True)
    columns = (text, BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)
