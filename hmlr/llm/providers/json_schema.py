"""JSON schemas as providers take them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hmlr.errors import InvalidInput

# What the stricter schema modes refuse; our own validation still holds the answer to it.
_BOUNDS = frozenset(
    {
        "default",
        "title",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
        "prefixItems",
        "discriminator",
        "minProperties",
        "maxProperties",
    }
)
_KNOWN_AS: Mapping[str, str] = {"oneOf": "anyOf"}
_NAMES_OF_SCHEMAS = ("properties", "$defs", "definitions")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every property required, none besides, and no bounds: what strict modes demand.

    A property that may be left out becomes one that has to be given; its default is still within its type.
    What the modes don't know is said in other words: `oneOf` as `anyOf`, a tuple as a list of its types.
    InvalidInput for a mapping with keys of its own, which none of them can ask for.
    """
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _BOUNDS:
            continue
        if name in _NAMES_OF_SCHEMAS and isinstance(value, Mapping):
            result[name] = {key: closed(inner) for key, inner in value.items()}
        else:
            result[_KNOWN_AS.get(name, name)] = _closed_value(value)
    if schema.get("prefixItems"):
        result["items"] = {"anyOf": _closed_value(schema["prefixItems"])}
    if "$ref" in result and len(result) > 1:  # a reference has to stand alone
        result = {"anyOf": [{"$ref": result.pop("$ref")}], **result}
    if result.get("type") == "object" or "properties" in result:
        _refuse_free_keys(schema)
        result["additionalProperties"] = False
        result["required"] = list(result.get("properties", {}))
    return result


def _refuse_free_keys(schema: Mapping[str, Any]) -> None:
    if "properties" not in schema and schema.get("additionalProperties", True):
        raise InvalidInput(
            f"a schema can't ask for a mapping such as {schema.get('title', 'that of a dict field')!r}",
            hint="Use a list of pairs of key and value",
        )


def _closed_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return closed(value)
    if isinstance(value, list):
        return [_closed_value(item) for item in value]
    return value
