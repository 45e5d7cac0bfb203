"""From settings to open providers: addresses checked, SDKs imported, calls recorded or replayed."""

from __future__ import annotations

import asyncio

import httpx2
from pydantic import SecretStr

from hmlr.errors import ConfigurationError
from hmlr.llm.gateway import Gateway
from hmlr.llm.http import checked_base_url, open_http
from hmlr.llm.names import OFFLINE, chosen_model, split_model
from hmlr.llm.providers import adapter
from hmlr.llm.providers.base import Endpoint, Provider
from hmlr.llm.replay import Recorded, Recording, Replay
from hmlr.llm.settings import PROVIDERS, LLMSettings


def open_gateway(model: str, settings: LLMSettings) -> Gateway:
    """A gateway to a model and the fallbacks of the settings; nothing is imported or connected yet.

    ConfigurationError for a model that is none, or one that has neither key nor base URL.
    """
    return Gateway(settings, _models(model, settings), _Connections(settings))


def addressed(
    model: str | None, settings: LLMSettings, *, base_url: str = "", api_key: str = ""
) -> tuple[str, LLMSettings]:
    """The model to ask and the settings to ask it with, from what a caller names.

    A model without a provider is that of an OpenAI-compatible server when a base URL is given. A key from
    the environment is not sent to a base URL that is given here: name it, too. ConfigurationError when
    neither model nor key says whom to ask.
    """
    if base_url and not model:
        raise ConfigurationError("base_url needs a model", hint="Name one that the server offers")
    if base_url and model and model.partition(":")[0] not in PROVIDERS:
        model = f"openai:{model}"
    chosen = chosen_model(model or "", settings)
    if chosen == OFFLINE and not model:
        variables = [LLMSettings.variable(f"{provider}_api_key") for provider in PROVIDERS]
        raise ConfigurationError(
            "no model is configured",
            hint=f"Set one of {', '.join(variables)}, or name a model and a base URL",
        )
    provider = chosen.partition(":")[0]
    given: dict[str, object] = {}
    if base_url:
        checked_base_url("base_url", base_url, insecure=settings.allow_http)
        given[f"{provider}_base_url"] = base_url
    if api_key or (base_url and base_url.rstrip("/") != settings.base_url(provider).rstrip("/")):
        others = {name: keys for name, keys in settings.extra_keys.items() if name != provider}
        given[f"{provider}_api_key"] = SecretStr(api_key) if api_key else None
        given["extra_keys"] = others
    return chosen, settings.model_copy(update=given)


def beside(gateway: Gateway, model: str, settings: LLMSettings) -> Gateway:
    """A gateway to another model, with the connections, ledger and limits of the first."""
    return gateway.asking(_models(model, settings))


def _models(model: str, settings: LLMSettings) -> tuple[str, ...]:
    """The model and its fallbacks, each checked."""
    models = tuple(dict.fromkeys((model, *settings.fallback_models)))
    for each in models:
        _check(each, settings)
    return models


def _check(model: str, settings: LLMSettings) -> None:
    if model == OFFLINE:
        raise ConfigurationError(
            "offline answers by rules and is no language model",
            hint="Set a provider's key, such as OPENAI_API_KEY, or name a model",
        )
    provider, _ = split_model(model)
    base_url = settings.base_url(provider)
    variable = LLMSettings.variable(f"{provider}_base_url")
    if base_url:
        checked_base_url(variable, base_url, insecure=settings.allow_http)
    elif not settings.keys(provider) and not settings.replay_path:
        key = LLMSettings.variable(f"{provider}_api_key")
        raise ConfigurationError(
            f"{model} needs a key", hint=f"Set {key}, or {variable} for a server that needs none"
        )


class _Connections:
    """The port `Opener`: models of one provider share a connection pool."""

    def __init__(self, settings: LLMSettings) -> None:
        self._settings = settings
        self._http: dict[str, httpx2.AsyncClient] = {}
        self._recording = Recording(settings.record_path) if settings.record_path else None

    async def open(self, model: str) -> list[Provider]:
        """The providers of a model, one per key. Imports and certificates load off the event loop."""
        if self._settings.replay_path:
            return [await asyncio.to_thread(Replay.load, model, self._settings.replay_path)]
        return await asyncio.to_thread(self._open, model)

    def _open(self, model: str) -> list[Provider]:
        provider, _ = split_model(model)
        base_url = self._settings.base_url(provider)
        make = adapter(provider)
        http = self._http.get(provider) or open_http(self._settings, base_url)
        self._http[provider] = http
        endpoints = [
            Endpoint(
                model=model,
                key=key,
                base_url=base_url.rstrip("/"),
                http=http,
                api_version=self._settings.gemini_api_version if provider == "gemini" else "",
            )
            for key in self._settings.keys(provider) or (None,)
        ]
        made = [make(endpoint) for endpoint in endpoints]
        return [Recorded(each, self._recording) for each in made] if self._recording else made

    async def aclose(self) -> None:
        """Close the pools."""
        for http in self._http.values():
            await http.aclose()
