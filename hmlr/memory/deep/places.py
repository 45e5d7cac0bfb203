"""Where deep recall looks: the doors to one user's memory."""

from __future__ import annotations

from dataclasses import dataclass

from hmlr.memory.facts.desk import FactDesk
from hmlr.memory.retrieval.dossier_book import DossierBook
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.memory.retrieval.recall import Recall
from hmlr.records import UserId
from hmlr.store.port import Store


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything of one user that can be asked."""

    store: Store
    user: UserId
    lattice: Lattice
    recall: Recall
    facts: FactDesk
    dossiers: DossierBook
