"""A realistic input for each of the eleven tasks, and what models may say to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hmlr.core.tasks.answer.task import AnswerInput
from hmlr.core.tasks.fact_grouping.task import GroupingInput
from hmlr.core.tasks.fact_routing.task import FactRoutingInput
from hmlr.core.tasks.fact_scrubbing.task import ScrubInput
from hmlr.core.tasks.literal_restatement.task import Resolution, RestatementInput
from hmlr.core.tasks.memory_filter.task import FilterInput
from hmlr.core.tasks.routing.task import RoutingInput, Topic
from hmlr.core.tasks.scribe.task import ScribeInput
from hmlr.core.tasks.search_summary.task import SearchSummaryInput
from hmlr.core.tasks.summary_update.task import SummaryInput
from hmlr.core.tasks.tag_classification.task import TagInput
from hmlr.language.tokens import content_words
from hmlr.records import BlockId, Context
from tests.unit.making import AT, hit, message, turn
from tests.unit.offers import alias, dossier, offered, policy

SAID = "I'm strictly vegetarian. In this project we use Postgres 16. Styx is now called K-12."
SUMMARY = "2026-01-02: Styx: 500 TiB/day"
FACTS = (
    alias("Styx", "K-12"),
    policy("v6", "Styx up to 400,000 records/day"),
    policy("v5", "2.5 GB/day", state="invalidated", reason="it was a draft"),
    offered("user", "diet", "vegetarian", "constraint", quote="I'm strictly vegetarian."),
)
DOSSIERS = (dossier("cipher", "Styx, K-12", names=("Styx",)), dossier("food", "vegetarian diet"))


def topic(name: str, said: str) -> Topic:
    """A topic whose latest message is given."""
    words = content_words(name)
    return Topic(block_id=BlockId(name), label=said, keywords=(said,), words=words, similarity=0.3, said=said)


def inputs(said: str) -> Mapping[str, Any]:
    """An input per task, with a text in every place where a remembered text may stand."""
    facts = (
        *FACTS,
        offered(said, "note", said, quote=said, reason=said, state="superseded", aliases=(said,)),
    )
    dossiers = (*DOSSIERS, dossier("hostile", said, title=said, names=(said,)))
    hits = (hit("I live in Oslo", "t7"), hit("I eat no meat", "t8"), hit(said))
    return {
        "routing": RoutingInput(
            message=said, current=topic("food", said), others=(topic("cipher", said),), has_vectors=True
        ),
        "memory_filter": FilterInput(message=said, hits=hits),
        "answer": AnswerInput(
            message=said, now=AT, constraints=(), facts=(), hits=hits,
            context=Context(text="", tokens=0, hits=(), facts=(), constraints=()),
        ),
        "fact_scrubbing": ScrubInput(message=message(said), known=(said,)),
        "scribe": ScribeInput(message=message(said), profile=(said,)),
        "tag_classification": TagInput(label=said, turns=(turn(said, "t1"), turn("ok", "t2"))),
        "fact_grouping": GroupingInput(facts=facts),
        "fact_routing": FactRoutingInput(facts=facts, dossiers=dossiers, theme=said),
        "summary_update": SummaryInput(title=said, summary=said, facts=facts),
        "literal_restatement": RestatementInput(
            offered=facts[-1], resolutions=(Resolution(said=said, means=said),)
        ),
        "search_summary": SearchSummaryInput(title=said, summary=said, subjects=(said,), aliases=(said,)),
    }  # fmt: skip


INPUTS: Mapping[str, Any] = {
    **inputs(SAID),
    "memory_filter": FilterInput(
        message="What may I eat?", hits=(hit("I live in Oslo"), hit("I eat no meat"))
    ),
    "fact_grouping": GroupingInput(facts=FACTS),
    "fact_routing": FactRoutingInput(facts=FACTS[:2], dossiers=DOSSIERS),
    "summary_update": SummaryInput(title="Styx", summary=SUMMARY, facts=FACTS),
    "literal_restatement": RestatementInput(offered=FACTS[1]),
    "search_summary": SearchSummaryInput(
        title="Styx", summary=SUMMARY, subjects=("Styx",), aliases=("K-12",)
    ),
}

DRAFT = {"subject": "user", "key": "diet", "value": "vegetarian", "category": "constraint"}
TAG = {"kind": "constraint", "text": "never eat", "quote": "strictly vegetarian"}


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a plausible, an inventing and a paraphrasing model say to a task; prose can do neither."""

    good: Any
    invents: Any = None
    paraphrases: Any = None


SCRIPTS: Mapping[str, Script] = {
    "routing": Script(
        good={"action": "resume", "block_id": "cipher"},
        invents={"action": "resume", "block_id": "019-invented"},
    ),
    "memory_filter": Script(good={"keep": [2, 1]}, invents={"keep": [9, 0, -1]}),
    "answer": Script(good="You are vegetarian."),
    "fact_scrubbing": Script(
        good={"facts": [{"subject": "Styx", "key": "also_called", "value": "K-12", "category": "alias",
                         "quote": "Styx is now called K-12."}]},
        invents={"facts": [{**DRAFT, "quote": "fact 77"}]},
        paraphrases={"facts": [{**DRAFT, "quote": "The user does not eat meat."}]},
    ),
    "scribe": Script(
        good={"facts": [{**DRAFT, "quote": "I'm strictly vegetarian."}]},
        invents={"facts": [{**DRAFT, "quote": "fact 77"}]},
        paraphrases={"facts": [{**DRAFT, "quote": "The user does not eat meat."}]},
    ),
    "tag_classification": Script(
        good={"tags": [TAG], "section_rules": [{**TAG, "first": "T1", "last": "T2"}]},
        invents={"tags": [], "section_rules": [{**TAG, "first": "T1", "last": "T7"}]},
        paraphrases={"tags": [{**TAG, "quote": "The user eats no meat."}], "section_rules": []},
    ),
    "fact_grouping": Script(
        good={"groups": [{"theme": "Styx", "facts": ["F1", "F2", "F3"]}], "ungrouped": ["F4"]},
        invents={"groups": [{"theme": "Styx", "facts": ["F1", "F77", "id-0"]}], "ungrouped": ["F1"]},
        paraphrases={"groups": [{"theme": "secret fraud", "facts": ["F1", "F2"]}], "ungrouped": []},
    ),
    "fact_routing": Script(
        good={"action": "append", "dossier_id": "D1", "title": ""},
        invents={"action": "append", "dossier_id": "D77", "title": ""},
        paraphrases={"action": "create", "dossier_id": None, "title": "Encryption standards"},
    ),
    "summary_update": Script(
        good={"text": f"{SUMMARY}\n2026-03-10: Styx is also called K-12. v6: 400,000 records/day."
                      " v5 (invalidated, a draft). You are vegetarian."},
        invents={"text": f"{SUMMARY} F77"},
        paraphrases={"text": "The encryption scheme is limited and the person avoids meat."},
    ),
    "literal_restatement": Script(
        good={"text": "Policy v6: Styx up to 400,000 records/day."},
        invents={"text": "Policy v77: Styx up to 400,000 records/day."},
        paraphrases={"text": "The encryption scheme may process under half a million entries daily."},
    ),
    "search_summary": Script(
        good={"text": "K-12, Styx, 500 TiB/day, January 2026"},
        invents={"text": "Styx, K-77"},
        paraphrases={"text": "encryption scheme with a quota"},
    ),
}  # fmt: skip
