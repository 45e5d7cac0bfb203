"""Settings of the server: arguments > environment (HMLR_SERVER_…) > `.env` > defaults."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from hmlr.settings import ENV_FILE, SERVER_PREFIX, SettingsBase


class ServerSettings(SettingsBase):
    """How the server listens and what it takes; unknown names and wrong types are errors."""

    model_config = SettingsConfigDict(
        env_prefix=SERVER_PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8765, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    allow_network: bool = Field(
        False, description="Allow another address than this machine's own; tokens must have been made before."
    )
    hosts: tuple[str, ...] = Field(
        (), description="Further names under which clients may reach it (the Host header), without port."
    )
    origins: tuple[str, ...] = Field(
        (), description="Origins of other web pages that may call it, such as https://app.example."
    )
    open_health: bool = Field(False, description="Answer /healthz without a token.")
    max_body_bytes: int = Field(4_000_000, ge=1000, description="A longer request body is refused.")
    max_import_bytes: int = Field(200_000_000, ge=1000, description="... one of /v1/import.")
    requests_per_minute: int = Field(
        1200, ge=1, description="Of one token, evenly, by each worker; more are refused."
    )
    burst: int = Field(300, ge=1, description="How many of them may come at once.")
    failures_per_minute: int = Field(60, ge=1, description="Requests without a valid token, of one address.")
    max_concurrent: int = Field(512, ge=1, description="Requests under way; more are told to come later.")
    max_open_users: int = Field(1000, ge=1, description="Users whose memory is kept open between requests.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve the address together; several leave out the page.",
    )
    grace_s: float = Field(
        20.0, ge=0, le=600, description="How long running requests may take to finish at the stop."
    )
    models: tuple[str, ...] = Field(
        (), description="Models a request may name; empty: any of the providers that have a key."
    )
    page: bool = Field(True, description="Serve the web page.")
    mcp_destructive: bool = Field(False, description="Offer the MCP tools that erase, retire and correct.")
    mcp_owner_words: bool = Field(
        False, description="Let MCP's `remember` store words as the user's own: constraints can come of them."
    )
