"""Settings of the language models: keys and addresses by the SDKs' own variables, the rest HMLR_LLM_…."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from hmlr.llm.records import Options, ReasoningEffort
from hmlr.settings import ENV_FILE, MODEL_PREFIX, SettingsBase

PROVIDERS = ("openai", "anthropic", "gemini", "grok")  # in the order in which a key decides
DEFAULT_MODELS: Mapping[str, str] = {
    "openai": "gpt-5.4-mini",
    "anthropic": "claude-haiku-5-5",
    "gemini": "gemini-3.8-flash",
    "grok": "grok-4.3",
}
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Price(BaseModel):
    """What a model costs, in US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd: float = Field(ge=0)
    output_usd: float = Field(ge=0)
    cached_input_usd: float | None = Field(None, ge=0)  # None: as other input


class LLMSettings(SettingsBase):
    """How models are called; unknown names and wrong types are errors. Keys never show in its text."""

    model_config = SettingsConfigDict(
        env_prefix=MODEL_PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True, populate_by_name=True
    )

    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY", description="Key.")
    openai_base_url: str = Field(
        "", validation_alias="OPENAI_BASE_URL", description="Address, also of compatible servers."
    )
    anthropic_api_key: SecretStr | None = Field(
        None, validation_alias="ANTHROPIC_API_KEY", description="Key."
    )
    anthropic_base_url: str = Field("", validation_alias="ANTHROPIC_BASE_URL", description="Address.")
    gemini_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("GEMINI_API_KEY", "GOOGLE_API_KEY"), description="Key."
    )
    gemini_base_url: str = Field("", validation_alias="GOOGLE_GEMINI_BASE_URL", description="Address.")
    gemini_api_version: str = Field("", description="v1, v1beta, …; empty: the SDK's own.")
    grok_api_key: SecretStr | None = Field(None, validation_alias="XAI_API_KEY", description="Key.")
    grok_base_url: str = Field("", validation_alias="XAI_BASE_URL", description="Address.")
    extra_keys: Mapping[str, tuple[SecretStr, ...]] = Field(
        {}, description="Further keys by provider; calls rotate over all keys."
    )
    allow_http: bool = Field(False, description="Allow http to other machines: key and prompt unencrypted.")
    proxy: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("HMLR_LLM_PROXY", "HTTPS_PROXY", "https_proxy"),
        description="Proxy for addresses that are not on this machine.",
    )

    default_models: Mapping[str, str] = Field(
        DEFAULT_MODELS, description="The model by provider when only a key says which provider."
    )
    fallback_models: tuple[str, ...] = Field((), description="provider:model, asked in turn when one fails.")

    timeout_s: Seconds = Field(120.0, description="Total time of a call, retries and fallbacks included.")
    attempt_timeout_s: Seconds = Field(60.0, description="Total time of one request.")
    connect_timeout_s: Seconds = Field(10.0, description="Time to connect.")
    read_timeout_s: Seconds = Field(60.0, description="Longest silence within a reply.")
    max_reply_bytes: int = Field(8_000_000, ge=1000, description="A larger reply is an error.")
    max_connections: int = Field(1000, ge=1, le=10_000, description="Pool size per provider.")

    attempts: int = Field(3, ge=1, le=10, description="Requests for one call and model, the first included.")
    backoff_s: float = Field(0.5, gt=0, le=60, description="Upper end of the first wait; doubles each time.")
    backoff_cap_s: float = Field(20.0, gt=0, le=600, description="No back-off is longer.")
    retry_after_cap_s: float = Field(
        60.0, ge=0, le=3600, description="A provider that asks to wait longer is given up at once."
    )
    requests_per_minute: int | None = Field(None, ge=1, description="Limit of our own, per model.")
    tokens_per_minute: int | None = Field(None, ge=1, description="Limit of our own, per model.")
    budget_tokens: int | None = Field(None, ge=1, description="Hard limit of tokens for one client.")
    budget_usd: float | None = Field(None, gt=0, description="Hard limit of US dollars for one client.")
    daily_calls: int | None = Field(None, ge=1, description="Hard limit of a user's requests a day (UTC).")
    daily_tokens: int | None = Field(None, ge=1, description="... of their tokens, over all processes.")
    daily_usd: float | None = Field(None, gt=0, description="... of their US dollars.")
    prices: Mapping[str, Price] = Field({}, description="Price by provider:model.")

    temperature: float | None = Field(None, ge=0, le=2, description="For calls that give none.")
    top_p: float | None = Field(None, gt=0, le=1, description="For calls that give none.")
    max_tokens: int | None = Field(None, ge=1, description="Of an answer, for calls that give none.")
    reasoning_effort: ReasoningEffort | None = Field(None, description="For calls that give none.")
    seed: int | None = Field(None, description="For calls that give none.")

    record_path: str = Field("", description="Append every model call to this JSON Lines file.")
    replay_path: str = Field("", description="Answer from this JSON Lines file; nothing is sent.")

    @property
    def options(self) -> Options:
        """The options of a call that gives none."""
        return Options(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            reasoning_effort=self.reasoning_effort,
            seed=self.seed,
        )

    def keys(self, provider: str) -> tuple[SecretStr, ...]:
        """The provider's keys, the SDK's own variable first; empty when there are none."""
        first: SecretStr | None = getattr(self, f"{provider}_api_key")
        keys = ((first,) if first else ()) + self.extra_keys.get(provider, ())
        return tuple(key for key in keys if key.get_secret_value())

    def base_url(self, provider: str) -> str:
        """The address that was set for the provider, empty for its own."""
        url: str = getattr(self, f"{provider}_base_url")
        return url

    def model_by_key(self) -> str:
        """provider:model of the first provider that has a key; empty when none has."""
        with_key = (provider for provider in PROVIDERS if self.keys(provider))
        return next((f"{provider}:{self.default_models[provider]}" for provider in with_key), "")

    @field_validator("default_models", "extra_keys")
    @classmethod
    def _of_known_providers(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        if unknown := sorted(set(given) - set(PROVIDERS)):
            raise ValueError(f"no such provider: {', '.join(unknown)}; known: {', '.join(PROVIDERS)}")
        return given

    @field_validator("default_models")
    @classmethod
    def _one_each(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        return {**DEFAULT_MODELS, **given}
