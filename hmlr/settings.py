"""Settings: arguments > environment (HMLR_…) > `.env` > defaults. Only this reads the environment."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hmlr.errors import ConfigurationError
from hmlr.exhaustion import exhausted

PREFIX = "HMLR_"
MODEL_PREFIX = "HMLR_LLM_"
SERVER_PREFIX = "HMLR_SERVER_"
ENV_FILE = ".env"


class SettingsBase(BaseSettings):
    """A group of settings with its own prefix; unknown names and wrong types are errors."""

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
        _refuse_unknown(cls.model_config["env_prefix"], {cls.variable(name) for name in cls.model_fields})
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            # Without its cause, whose text shows the wrong values, keys among them.
            raise ConfigurationError(_explain(cls, error)) from None

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        alias = cls.model_fields[name].validation_alias
        first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        return str(first) if first else f"{cls.model_config['env_prefix']}{name.upper()}"


class Settings(SettingsBase):
    """Everything that can be set but the language models' (hmlr/llm/settings.py)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)

    db_path: str = Field(
        "",
        repr=False,  # an address may hold a password
        description="Database file, or postgresql://… ; empty: memory.db in the user's data folder.",
    )
    pool_size: int = Field(10, ge=1, le=1000, description="Connections of a process to a database server.")
    pool_timeout_s: float = Field(
        4.0, gt=0, le=600, description="How long a call waits for one of these connections."
    )
    lock_timeout_s: float = Field(
        5.0, gt=0, le=600, description="... and for another session that holds the user's rows."
    )
    call_timeout_s: float = Field(
        9.0,
        gt=0,
        le=600,
        description="... and altogether for a database server, but where all of a user's rows are worked on.",
    )
    cache_dir: str = Field(
        "", description="Folder for the exported embedding model; empty: the user's cache."
    )
    user: str = Field("default", description="The user whose memory it is.")
    model: str = Field("", description="provider:model, or offline; empty chooses by available keys.")
    embedder: str = Field(
        "minilm", description="minilm, none (lexical only) or st:<sentence-transformers model>."
    )
    embed_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="How long a question waits for the embedder; then search is lexical."
    )
    embed_batch_timeout_s: float = Field(
        120.0, gt=0, le=36_000, description="... and background work, for 128 texts; then it is tried again."
    )
    durability: str = Field(
        "full", pattern="^(full|fast)$", description="fast may lose the last writes on power loss."
    )

    budget_tokens: int = Field(2000, ge=100, le=1_000_000, description="Size of the context of an answer.")
    window_turns: int = Field(6, ge=0, le=200, description="Last turns of the session in every prompt.")
    combined_analysis: bool = Field(
        False, description="One model call instead of three routes a message and learns from it."
    )
    recall_limit: int = Field(10, ge=1, le=1000, description="Hits when the caller names no limit.")
    search_memory_mb: int = Field(
        512, ge=1, le=1_000_000, description="For search data of the users seen last; the latest stays whole."
    )
    max_message_chars: int = Field(
        1_000_000, ge=1000, le=50_000_000, description="A longer message is refused."
    )
    max_batch_messages: int = Field(
        10_000, ge=1, le=1_000_000, description="A larger remember() call is refused."
    )
    busy_timeout_s: float = Field(
        30.0, gt=0, le=600, description="How long to wait for another process's write."
    )
    garden_every_s: float = Field(
        3600.0,
        ge=1,
        le=604_800,
        description="How often `garden --watch` and `worker` garden what has become finished.",
    )
    worker_lease_s: float = Field(
        20.0, ge=0.5, le=3600, description="A worker without a sign of life for so long is taken to be dead."
    )
    worker_retry_s: float = Field(
        60.0,
        ge=0.001,
        le=86_400,
        description="A worker's wait after a first failure; the next is five times that.",
    )
    worker_grace_s: float = Field(
        20.0,
        ge=0,
        le=3600,
        description="How long a worker that is stopped may take to finish what runs.",
    )
    background_wait_s: float = Field(
        5.0, ge=0, le=600, description="How long a one-shot command waits for jobs."
    )

    @property
    def database_url(self) -> str | None:
        """The address of a database server, with its password; None for a file."""
        return self.db_path if "://" in self.db_path else None

    @property
    def database(self) -> Path:
        """The database file; what a process keeps beside it lies here for a server, too."""
        own = self.db_path and self.database_url is None
        return Path(self.db_path).expanduser() if own else _user_folder("data") / "memory.db"

    @property
    def database_shown(self) -> str:
        """Where the database is, as it may be printed."""
        if self.database_url is None:
            return str(self.database)
        scheme, _, rest = self.database_url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"

    @property
    def cache(self) -> Path:
        """The folder for derived files that may be deleted at any time."""
        return Path(self.cache_dir).expanduser() if self.cache_dir else _user_folder("cache")


def _refuse_unknown(prefix: str, known: set[str]) -> None:
    """Raise ConfigurationError for variables with our prefix that set nothing: slips of the pen."""

    def is_unknown(name: str) -> bool:
        name = name.upper()
        other_group = prefix == PREFIX and name.startswith((MODEL_PREFIX, SERVER_PREFIX))
        return name.startswith(prefix) and name not in known and not other_group

    wrong = [f"{name} in the environment" for name in sorted(os.environ) if is_unknown(name)]
    wrong += [f"{name} in line {line} of {ENV_FILE}" for name, line in _env_file() if is_unknown(name)]
    if wrong:
        raise ConfigurationError(
            f"unknown setting {', '.join(wrong)}", hint=f"Known: {', '.join(sorted(known))}"
        )


def _env_file() -> list[tuple[str, int]]:
    """The names in `.env` with their lines; lines that are none of ours may be anything."""
    from dotenv.parser import parse_stream

    try:
        text = Path(ENV_FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        unread = ConfigurationError(f"{ENV_FILE} can't be read: {error}", hint="Save it as UTF-8")
        raise exhausted(error) or unread from error
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


def _explain(group: type[SettingsBase], error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        field = group.model_fields.get(str(item["loc"][0])) if item["loc"] else None
        variable = f" ({group.variable(name)})" if name in group.model_fields else ""
        # A setting under its own variable's name holds a key or an address; so does one of a secret type.
        secret = field is None or "SecretStr" in str(field.annotation)
        got = "" if secret else f", got {item['input']!r}"
        lines.append(f"setting {name}{variable}: {item['msg']}{got}")
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


@contextmanager
def handing_down(name: str, value: str) -> Iterator[None]:
    """Set a variable for the processes that are started meanwhile: a library reads it there."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
