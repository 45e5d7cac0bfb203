"""A framework's message as one of HMLR's: its text is the content, the rest stands in the metadata.

So memory learns from what was said, and the framework's message comes back as it was. A single text is not
kept twice, however long it is.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from hmlr.records import Message, Role, StoredMessage

Document = dict[str, Any]  # plain JSON
_Place = tuple[Any, Any]  # an object or a list, and the key or index in it
# Where a text stands in a message, or in a part of one.
_TEXTS = ("content", "output", "text", "refusal")
_PARTS = ("content", "output")


def keep(
    name: str, document: Mapping[str, Any], *, role: Role, shown: str, speaker: str | None = None
) -> Message:
    """A message that holds the document under `name`; its content is `shown` when there is no text in it."""
    left = copy.deepcopy(dict(document))
    texts = _texts(left)
    content = "\n".join(place[key] for place, key in texts)
    if not content.strip():
        return Message(content=shown, role=role, speaker=speaker, metadata={name: {"document": left}})
    if len(texts) == 1:
        place, key = texts[0]
        place[key] = ""
    kept = {"document": left, "text_is_content": len(texts) == 1}
    return Message(content=content, role=role, speaker=speaker, metadata={name: kept})


def kept(name: str, message: StoredMessage) -> Document | None:
    """The document that `keep` put into a message; None for a message that holds none under that name."""
    found = message.metadata.get(name)
    if not isinstance(found, dict):
        return None
    document: Document = copy.deepcopy(found["document"])
    if found.get("text_is_content"):
        place, key = _texts(document)[0]
        place[key] = message.content
    return document


def canonical(document: Mapping[str, Any]) -> str:
    """One text for one document, whatever the order of its keys."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)


def _texts(document: Document) -> list[_Place]:
    """The places of the texts of a message, in order."""
    places: list[_Place] = [(document, key) for key in _TEXTS if isinstance(document.get(key), str)]
    for parts in (document.get(key) for key in _PARTS):
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, str):
                places.append((parts, index))
            elif isinstance(part, dict):
                places += _texts(part)
    return places
