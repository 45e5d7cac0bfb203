"""`llm complete`, `llm chat`, `llm demo`: a language model by itself, without memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError, UsageError
from hmlr.cli.options import Json, check_text, command
from hmlr.cli.output import emit_json, printable
from hmlr.cli.prompting import edit_lines, next_line
from hmlr.cli.streams import dim, emit, interactive, note
from hmlr.errors import ModelError

if TYPE_CHECKING:
    from hmlr.llm import LLM

System = Annotated[str | None, typer.Option("--system", metavar="TEXT", help="Rules for the model.")]

app = typer.Typer(
    help="Ask a language model, without memory. Models are provider:model.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


async def complete(
    call: Call,
    prompt: Annotated[str, typer.Argument(help="What to ask.")],
    system: System = None,
    json: Json = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show words as they come.")] = False,
) -> None:
    """Ask one question."""
    if json and stream:
        raise UsageError("--json gives the whole answer, --stream its words", hint="Choose one")
    prompt = check_text(prompt, "the prompt")
    async with _opened(call, system) as llm:
        if stream:
            await _show(llm, prompt)
        elif json:
            emit_json(await llm.complete(prompt))
        else:
            emit(printable((await llm.complete(prompt)).text))


def chat(call: Call, system: System = None) -> None:
    """Talk with a model. Ctrl-D ends the conversation, and nothing of it is kept."""
    import asyncio  # not needed for help

    llm = _opened(call, system)
    with asyncio.Runner() as runner:
        try:
            if interactive():
                edit_lines()
                note(dim(f"{llm.model}; Ctrl-D ends"))
            while (line := next_line()) is not None:
                if line.strip():
                    runner.run(_answer(llm, check_text(line, "the message")))
        finally:
            runner.run(llm.aclose())


async def demo(call: Call) -> None:
    """Show what the toolkit does: an answer, a form filled in, a tool called, words as they come."""
    from hmlr.cli.llm_demo import show  # not needed for help

    async with _opened(call, None) as llm:
        await show(llm)


async def _answer(llm: LLM, line: str) -> None:
    try:
        await _show(llm, line)
    except ModelError as error:
        if not interactive():
            raise
        note(f"error: {error}")  # the conversation goes on as if it had not been asked


async def _show(llm: LLM, prompt: str) -> None:
    async for part in llm.stream(prompt):
        emit(printable(part.text), end="")
    emit("")


def _opened(call: Call, system: str | None) -> LLM:
    """The chosen model, else the first with a key. CommandError, saying what to set, when there is none."""
    from hmlr.llm import LLM, LLMSettings  # not needed for help

    settings = LLMSettings.load()
    model = call.settings.model or settings.model_by_key()
    if not model:
        names = ", ".join(LLMSettings.variable(f"{name}_api_key") for name in settings.default_models)
        raise CommandError(
            "no model is configured", hint=f"Set one of {names}, or name a model: --model provider:model"
        )
    return LLM(model, system=system, settings=settings, task="llm")


for function in (complete, chat, demo):
    app.command(function.__name__)(command(function, shared=("model", "debug")))
