"""Gardening one block: its tags and section rules, its facts in groups, each group in its dossier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_grouping.task import FACT_GROUPING, GroupingInput
from hmlr.core.tasks.summary_update.offline import in_event_order
from hmlr.core.tasks.tag_classification.task import TAG_CLASSIFICATION, BlockTags, SectionRule, TagInput
from hmlr.core.tasks.tag_classification.task import Tag as FoundTag
from hmlr.memory.gardener.bed import Bed
from hmlr.memory.gardener.pending import Unit
from hmlr.memory.synthesis.dossier_governor import DossierGovernor
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.work import Work
from hmlr.records import Block, DossierId, FactId, RunId, Tag, TagId, Turn, TurnId

# What one prompt takes: a longer block is classified stretch by stretch, and grouped part by part.
STRETCH_TURNS, STRETCH_CHARS = 40, 40_000
GROUPED_AT_ONCE = 80


class BlockGardener:
    """Works out what gardening a block changes; nothing is written."""

    def __init__(self, runner: TaskRunner, governor: DossierGovernor, texts: DossierTexts) -> None:
        self._runner = runner
        self._governor = governor
        self._texts = texts

    async def work(
        self, bed: Bed, unit: Unit, turns: Sequence[Turn], *, run_id: RunId, now: datetime
    ) -> tuple[Work, list[Tag]]:
        """The changes, made on the bed's shelf, and the block's tags."""
        work = Work(user=bed.user, block_id=unit.block_id, run_id=run_id, now=now)
        tags = await self._tags(unit.block.block, turns, work) if unit.block else []
        free = await self._put_back(bed, unit, work)
        for theme, group in await self._groups(bed, free, work):
            await self._governor.settle(bed.shelf, group, theme, work)
        self._retell(bed, unit, work)
        await self._texts.tell(bed.shelf, work)
        return work, tags

    async def _tags(self, block: Block, turns: Sequence[Turn], work: Work) -> list[Tag]:
        found: dict[TagId, Tag] = {}
        for stretch in _stretches(turns):
            given = TagInput(label=block.label, turns=tuple(stretch))
            answer = await self._runner.run(TAG_CLASSIFICATION, given, patient=True)
            work.count(answer)
            for tag in _placed(block, stretch, answer.value):
                if found.setdefault(tag.tag_id, tag) is tag:
                    work.line("section rule" if tag.turn_ids else "tag", tag.text)
        return list(found.values())

    async def _put_back(self, bed: Bed, unit: Unit, work: Work) -> list[FactId]:
        """Give those facts their place for which the user has chosen one; the others."""
        chosen: dict[DossierId, list[FactId]] = {}
        free = []
        for fact_id in unit.place:
            dossier_id = bed.shelf.arranged.place_of(fact_id)
            chosen.setdefault(dossier_id, []).append(fact_id) if dossier_id else free.append(fact_id)
        for dossier_id, ids in chosen.items():
            await self._governor.put_back(bed.shelf, dossier_id, ids, work)
        return free

    async def _groups(
        self, bed: Bed, fact_ids: Sequence[FactId], work: Work
    ) -> list[tuple[str, tuple[FactId, ...]]]:
        """The facts in groups with their themes."""
        facts = in_event_order(bed.shelf.offered(fact_id) for fact_id in fact_ids)
        if len(facts) < 2:
            return [("", (each.fact.fact_id,)) for each in facts]
        groups: list[tuple[str, tuple[FactId, ...]]] = []
        size = GROUPED_AT_ONCE if self._runner.model is not None else len(facts)
        for start in range(0, len(facts), size):
            given = GroupingInput(facts=tuple(facts[start : start + size]))
            answer = await self._runner.run(FACT_GROUPING, given, patient=True)
            work.count(answer)
            groups += [(group.theme, group.facts) for group in answer.value.groups]
            groups += [("", (fact_id,)) for fact_id in answer.value.ungrouped]
        order = {each.fact.fact_id: number for number, each in enumerate(facts)}
        return sorted(groups, key=lambda group: min(order[fact_id] for fact_id in group[1]))

    def _retell(self, bed: Bed, unit: Unit, work: Work) -> None:
        """Have the dossiers told anew whose facts have changed."""
        behind = {bed.shelf.place_of[fact_id]: None for fact_id in unit.retell}
        for fact_id in unit.retell:
            work.touch(bed.shelf.place_of[fact_id], fact_id)
        for dossier_id in behind:
            dossier = bed.shelf.dossiers[dossier_id]
            work.line("retell", dossier.title, dossier_id)
            self._governor.split(bed.shelf, dossier, work)


def _stretches(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """The turns in stretches that a prompt has room for."""
    stretch: list[Turn] = []
    chars = 0
    for turn in turns:
        size = sum(len(message.content) for message in turn.messages)
        if stretch and (len(stretch) == STRETCH_TURNS or chars + size > STRETCH_CHARS):
            yield stretch
            stretch, chars = [], 0
        stretch.append(turn)
        chars += size
    if stretch:
        yield stretch


def _placed(block: Block, stretch: Sequence[Turn], found: BlockTags) -> Iterable[Tag]:
    order = [turn.turn_id for turn in stretch]
    for tag in found.tags:
        yield _tag(block, tag, ())
    for rule in found.section_rules:
        yield _tag(block, rule, tuple(order[order.index(rule.first) : order.index(rule.last) + 1]))


def _tag(block: Block, found: FoundTag | SectionRule, turn_ids: tuple[TurnId, ...]) -> Tag:
    parts = (block.block_id, found.kind, found.text.casefold(), found.message_id or "", *turn_ids)
    digest = sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    assert found.message_id is not None  # noqa: S101 - the task's check pins every tag
    return Tag(
        tag_id=TagId("-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))),
        block_id=block.block_id,
        kind=found.kind,
        text=found.text,
        quote=found.quote,
        message_id=found.message_id,
        turn_ids=turn_ids,
    )
