"""Settings: arguments > environment (HMLR_…) > `.env` > defaults. Only this reads the environment."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hmlr.errors import ConfigurationError

PREFIX = "HMLR_"
ENV_FILE = ".env"
# Read by the test suite, which sets nothing here.
OF_THE_TESTS = ("HMLR_FAULTS", "HMLR_TEST_CACHE")


class Settings(BaseSettings):
    """Everything that can be set; unknown names and wrong types are errors."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)

    db_path: str = Field("", description="Database file; empty: memory.db in the user's data folder.")
    cache_dir: str = Field(
        "", description="Folder for the exported embedding model; empty: the user's cache."
    )
    user: str = Field("default", description="The user whose memory it is.")
    model: str = Field("", description="provider:model, or offline; empty chooses by available keys.")
    embedder: str = Field(
        "minilm", description="minilm, none (lexical only) or st:<sentence-transformers model>."
    )
    durability: str = Field(
        "full", pattern="^(full|fast)$", description="fast may lose the last writes on power loss."
    )

    budget_tokens: int = Field(2000, ge=100, le=1_000_000, description="Size of the context of an answer.")
    window_turns: int = Field(6, ge=0, le=200, description="Last turns of the session in every prompt.")
    recall_limit: int = Field(10, ge=1, le=1000, description="Hits when the caller names no limit.")
    max_message_chars: int = Field(
        1_000_000, ge=1000, le=50_000_000, description="A longer message is refused."
    )
    max_batch_messages: int = Field(
        10_000, ge=1, le=1_000_000, description="A larger remember() call is refused."
    )
    busy_timeout_s: float = Field(
        30.0, gt=0, le=600, description="How long to wait for another process's write."
    )
    background_wait_s: float = Field(
        5.0, ge=0, le=600, description="How long a one-shot command waits for jobs."
    )

    @classmethod
    def load(cls, **arguments: object) -> Self:
        """Build settings from arguments and the environment; None means not given.

        Raises ConfigurationError naming each wrong setting and what it takes.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        unknown = sorted(set(given) - set(cls.model_fields))
        if unknown:
            raise ConfigurationError(
                f"unknown setting {', '.join(unknown)}", hint=f"Known: {', '.join(sorted(cls.model_fields))}"
            )
        _refuse_unknown({_variable(name) for name in cls.model_fields})
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from error

    @property
    def database(self) -> Path:
        """The database file."""
        return Path(self.db_path).expanduser() if self.db_path else _user_folder("data") / "memory.db"

    @property
    def cache(self) -> Path:
        """The folder for derived files that may be deleted at any time."""
        return Path(self.cache_dir).expanduser() if self.cache_dir else _user_folder("cache")


def _variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _refuse_unknown(known: set[str]) -> None:
    """Raise ConfigurationError for variables of ours that set nothing: slips of the pen."""
    wrong = [f"{name} in the environment" for name in sorted(os.environ) if _is_unknown(name, known)]
    wrong += [
        f"{name} in line {line} of {ENV_FILE}" for name, line in _env_file() if _is_unknown(name, known)
    ]
    if wrong:
        raise ConfigurationError(
            f"unknown setting {', '.join(wrong)}", hint=f"Known: {', '.join(sorted(known))}"
        )


def _is_unknown(name: str, known: set[str]) -> bool:
    name = name.upper()
    return name.startswith(PREFIX) and name not in known and name not in OF_THE_TESTS


def _env_file() -> list[tuple[str, int]]:
    """The names in `.env` with their lines; lines that are none of ours may be anything."""
    from dotenv.parser import parse_stream

    try:
        text = Path(ENV_FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{ENV_FILE} can't be read: {error}", hint="Save it as UTF-8") from error
    names = []
    for binding in parse_stream(io.StringIO(text)):
        line = (
            binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\n"))
        )
        broken = binding.error or (binding.key is not None and binding.value is None)
        if broken and PREFIX in binding.original.string.upper():
            raise ConfigurationError(f"line {line} of {ENV_FILE} sets nothing", hint="Write NAME=value")
        if binding.key:
            names.append((binding.key, line))
    return names


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        lines.append(f"setting {name} ({_variable(name)}): {item['msg']}, got {item['input']!r}")
    return "; ".join(lines)


def _user_folder(kind: str) -> Path:
    """The platform's folder for an application's data or cache."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "hmlr"
    if sys.platform == "darwin":
        return home / "Library" / ("Application Support" if kind == "data" else "Caches") / "hmlr"
    if kind == "data":
        return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "hmlr"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "hmlr"
