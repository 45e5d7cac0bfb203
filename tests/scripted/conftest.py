"""Scripted runs use the acceptance driver: each sitting is a process, the model a real server."""

from __future__ import annotations

from tests.acceptance.conftest import embedder, environment, sit

__all__ = ["embedder", "environment", "sit"]
