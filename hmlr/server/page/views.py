"""The views, in the order in which they are offered."""

from __future__ import annotations

from hmlr.server.page import chat, dossiers, facts, forgetting, gardening, lattice, profile, topics
from hmlr.server.page.frame import View

VIEWS = (
    View(name="chat", label="Chat", icon="chat_bubble_outline", build=chat.build),
    View(name="profile", label="Profile", icon="person_outline", build=profile.build),
    View(name="facts", label="Facts", icon="fact_check", build=facts.build),
    View(name="topics", label="Topics", icon="forum", build=topics.build),
    View(name="dossiers", label="Dossiers", icon="folder_open", build=dossiers.build),
    View(name="lattice", label="Lattice", icon="hub", build=lattice.build),
    View(name="garden", label="Gardening", icon="local_florist", build=gardening.build),
    View(name="forget", label="Forget", icon="delete_outline", build=forgetting.build),
)
