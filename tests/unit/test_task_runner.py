"""The task runner: a model's answer is checked, a failing one gives way to the rule and says so."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.base import Prompt, TaskRunner
from hmlr.core.tasks.memory_filter.task import MEMORY_FILTER, FilterInput
from hmlr.core.tasks.routing.task import ROUTING, RoutingInput
from hmlr.errors import ConfigurationError, ModelError
from hmlr.testing import ScriptedModel
from tests.unit.making import hit

pytestmark = pytest.mark.anyio
HITS = FilterInput(message="what?", hits=(hit("one", turn_id="1"), hit("two", turn_id="2")))
START = RoutingInput(message="I like tea", current=None, others=(), has_vectors=False)


async def test_without_a_model_the_rule_answers():
    answer = await TaskRunner(None).run(MEMORY_FILTER, HITS)
    assert (answer.by, answer.value.keep, answer.failure) == ("rule", (1, 2), "")


async def test_a_models_answer_is_used():
    model = ScriptedModel({"memory_filter": {"keep": [2]}})
    answer = await TaskRunner(model).run(MEMORY_FILTER, HITS)
    assert (answer.by, answer.value.keep) == ("scripted:model", (2,))
    assert "one" in model.requests[0].user
    assert "one" not in model.requests[0].system


@pytest.mark.parametrize(
    "line",
    [
        '{"keep": [2',
        "{}nonsense",
        "[1, 2]",
        '{"keep": "all"}',
        '{"keep": [77]}',
        "Voici la réponse",
        "",
        "[" * 100_000,
        ModelError("down"),
    ],
)
async def test_a_bad_answer_gives_way_to_the_rule_and_says_so(line):
    answer = await TaskRunner(ScriptedModel({"memory_filter": line})).run(MEMORY_FILTER, HITS)
    assert (answer.by, answer.value.keep) == ("rule", (1, 2))
    assert answer.failure


async def test_an_invented_block_is_refused():
    model = ScriptedModel({"routing": {"action": "resume", "block_id": "invented"}})
    answer = await TaskRunner(model).run(ROUTING, START)
    assert answer.value.action == "new"
    assert "contract" in answer.failure


def test_a_prompt_must_use_all_its_variables():
    prompt = Prompt.load("hmlr.core.tasks.memory_filter")
    with pytest.raises(ConfigurationError, match="candidates"):
        prompt.render({"message": "x"})
    with pytest.raises(ConfigurationError, match="extra"):
        prompt.render({"message": "x", "candidates": "y", "extra": "z"})
