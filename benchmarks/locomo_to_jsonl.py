"""Convert a LoCoMo file to JSON Lines for `remember`, one file per conversation.

Usage: python benchmarks/locomo_to_jsonl.py IN OUT_DIR

Each message becomes a line with speaker, content (a picture's caption is appended), the session's time taken
as UTC plus one second per message, `metadata.id` = its dia_id and the session's name. REALTALK files, which
have one conversation at the top and a time per message, are read too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_SESSION = re.compile(r"session_(\d+)")
_TIMES = ("%I:%M %p on %d %B, %Y", "%d.%m.%Y, %H:%M:%S")


def main(arguments: Sequence[str]) -> int:
    """Convert one file; the exit code."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = Path(arguments[0]), Path(arguments[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, conversation in conversations(json.loads(source.read_text(encoding="utf-8")), source.stem):
        rows = list(messages(conversation))
        path = target / f"{name}.jsonl"
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")
        print(f"{path}: {len(rows)} messages")
    return 0


def conversations(data: Any, stem: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The conversations of a file by name, as mappings of session_N and session_N_date_time."""
    if isinstance(data, dict):
        yield stem, data
        return
    for number, item in enumerate(data):
        name = str(item.get("sample_id", f"{stem}-{number}"))
        yield re.sub(r"[^\w.-]", "_", name), item["conversation"]


def messages(conversation: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Messages in the order of sessions, ready for `remember`."""
    numbers = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
    for number in numbers:
        start = _time(conversation[f"session_{number}_date_time"])
        for index, said in enumerate(conversation[f"session_{number}"]):
            at = _time(said["date_time"]) if "date_time" in said else start + timedelta(seconds=index)
            text = said.get("clean_text") or said.get("text") or ""
            caption = said.get("blip_caption")
            content = f"{text} [shares a picture: {caption}]".strip() if caption else text
            if content.strip():
                yield {
                    "role": "user",
                    "speaker": said["speaker"],
                    "content": content,
                    "occurred_at": at.isoformat(),
                    "session_id": f"session_{number}",
                    "metadata": {"id": said["dia_id"]},
                }


def _time(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise SystemExit(f"error: {text!r} is no time of the form '1:56 pm on 8 May, 2023'")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
