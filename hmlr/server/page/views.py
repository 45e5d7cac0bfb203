"""The views, in the order in which they are offered."""

from __future__ import annotations

from hmlr.server.page import chat
from hmlr.server.page.frame import View

VIEWS = (View(name="chat", label="Chat", icon="chat_bubble_outline", build=chat.build),)
