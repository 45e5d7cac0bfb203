"""The environment of processes, and a language model that says what a test scripts."""

from tests.acceptance.conftest import embedder, environment
from tests.llm.conftest import _llmock_of_the_session, llm_server

__all__ = ["_llmock_of_the_session", "embedder", "environment", "llm_server"]
