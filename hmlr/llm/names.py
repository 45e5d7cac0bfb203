"""Models' names, and which one is meant; loads no SDK and no HTTP."""

from __future__ import annotations

from hmlr.errors import ConfigurationError
from hmlr.llm.settings import PROVIDERS, LLMSettings

OFFLINE = "offline"


def split_model(model: str) -> tuple[str, str]:
    """Provider and name of "provider:model". ConfigurationError when it is not that."""
    provider, colon, name = model.partition(":")
    if provider not in PROVIDERS or not colon or not name.strip() or name != name.strip():
        raise ConfigurationError(
            f"{model!r} is no model",
            hint=f"Write provider:model with one of {', '.join(PROVIDERS)}, or offline",
        )
    return provider, name


def chosen_model(model: str, settings: LLMSettings) -> str:
    """The model to use: the one named, else the first provider's with a key, else `offline`."""
    if not model:
        return settings.model_by_key() or OFFLINE
    if model != OFFLINE:
        split_model(model)
    return model
