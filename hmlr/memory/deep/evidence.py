"""The evidence of one deep recall: each thing that was found has one number, whichever way it came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hmlr.core.tasks.fence import fence
from hmlr.deep_records import Evidence
from hmlr.garden_records import Dossier
from hmlr.memory.deep.chain import Step
from hmlr.memory.facts.hiding import Hidden
from hmlr.records import Fact, StoredMessage, Turn

MAX_TEXT_CHARS = 2000  # words of a turn as evidence; longer ones are cut
_CITATION = re.compile(r"\s?\[\s*\d{1,6}(?:\s*[,;]\s*\d{1,6})*\s*\]")
_NUMBER = re.compile(r"\d+")


@dataclass
class Numbered:
    """The evidence that was found so far, by number."""

    mark: str  # of the fences around remembered text
    hidden: Hidden = field(default_factory=Hidden)  # the secrets that the question does not ask for
    found: list[Evidence] = field(default_factory=list)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def fact(self, fact: Fact, step: Step | None = None, via: int | None = None) -> Evidence:
        """A fact by its quote, with what has become of it."""
        note = "" if fact.state == "active" else f"{fact.state}: {fact.reason}".rstrip(": ")
        return self._take(
            Evidence(
                number=0, kind="fact", node_id=fact.fact_id, text=fact.quote, turn_ids=(fact.turn_id,),
                said_by=fact.said_by, occurred_at=fact.occurred_at, note=note,
                link=step.link if step else "", via=via, hop=step.hop if step else 0,
            )
        )  # fmt: skip

    def turn(self, turn: Turn, text: str = "", step: Step | None = None, via: int | None = None) -> Evidence:
        """Words of a turn: those given, or how it opens."""
        message = _saying(turn, text)
        return self._take(
            Evidence(
                number=0, kind="turn", node_id=turn.turn_id, turn_ids=(turn.turn_id,),
                text=(text or message.content)[:MAX_TEXT_CHARS],
                said_by=message.speaker or message.role, occurred_at=message.occurred_at,
                link=step.link if step else "", via=via, hop=step.hop if step else 0,
            )
        )  # fmt: skip

    def dossier(self, dossier: Dossier, facts: Iterable[Fact]) -> Evidence:
        """A dossier's summary; its facts are evidence of their own."""
        facts = tuple(facts)
        return self._take(
            Evidence(
                number=0, kind="dossier", node_id=dossier.dossier_id,
                text=f"{dossier.title}\n{dossier.summary}",
                turn_ids=tuple(dict.fromkeys(fact.turn_id for fact in facts)),
                said_by=f"memory, after {', '.join(dict.fromkeys(fact.said_by for fact in facts))}",
                occurred_at=dossier.happened_to,
            )
        )  # fmt: skip

    def shown(self, evidence: Evidence) -> str:
        """How a model sees it: numbered, fenced, attributed and dated."""
        note = f" ({evidence.note})" if evidence.note else ""
        said = fence(evidence.text, mark=self.mark, said_by=evidence.said_by, at=evidence.occurred_at)
        return f"[{evidence.number}] {evidence.kind}{note}\n{said}"

    def _take(self, evidence: Evidence) -> Evidence:
        """The evidence under its number: a new one, unless the same was found before."""
        # Two facts of the same words are one piece of evidence, unless one of them no longer holds.
        text, note = (self.hidden.text(each, evidence.turn_ids) for each in (evidence.text, evidence.note))
        evidence = replace(evidence, text=text, note=note)
        key = (evidence.kind, evidence.turn_ids, evidence.text, evidence.note)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.found) + 1
            self.found.append(replace(evidence, number=number))
        return self.found[number - 1]


def checked(text: str, found: list[Evidence], shown: set[int]) -> tuple[str, tuple[Evidence, ...], list[str]]:
    """The text without citations of what was not shown, the evidence cited, and the citations taken out."""
    cited: set[int] = set()
    refused: list[str] = []

    def keep(match: re.Match[str]) -> str:
        numbers = [int(each) for each in _NUMBER.findall(match[0])]
        good = [number for number in numbers if number in shown]
        refused.extend(f"[{number}]" for number in numbers if number not in shown)
        cited.update(good)
        lead = match[0][: len(match[0]) - len(match[0].lstrip())]
        return f"{lead}[{', '.join(map(str, good))}]" if good else ""

    text = _CITATION.sub(keep, text).strip()
    return text, tuple(found[number - 1] for number in sorted(cited)), list(dict.fromkeys(refused))


def _saying(turn: Turn, text: str) -> StoredMessage:
    """The message of a turn in which a text stands; the first when none does."""
    return next((each for each in turn.messages if text and text in each.content), turn.messages[0])
