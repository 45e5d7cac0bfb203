"""The server's log: one JSON object a line, without content."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

FIELDS = ("request_id", "method", "route", "status", "duration_ms", "sent_bytes", "token_id")


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _WithoutAddresses(logging.Filter):
    """Keeps out uvicorn's lines on websockets, which hold the whole address; the guard writes its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        return '"WebSocket' not in str(record.msg)


# What has no handler at all would have its warnings written to stderr by Python itself.
SILENT = ("mcp", "mcp_types")


def to_stderr(level: int) -> None:
    """Send our records, and uvicorn's errors, to stderr; the SDKs' records hold content and stay out."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(_WithoutAddresses())
    for name in ("hmlr", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
    for name in SILENT:
        logging.getLogger(name).handlers = [logging.NullHandler()]
        logging.getLogger(name).propagate = False
