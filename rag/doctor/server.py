"""Looks at Ollama: what answers at its address, which models it has, and how quick one is.

Every request has a time-out of the doctor's own, so that a server that hangs holds nobody up.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from rag.config import Settings
from rag.doctor.facts import Fault, ModelFacts, ServerFacts, Trial
from rag.engine_choice import chat_options
from rag.engines.ollama.client import Timeouts
from rag.engines.ollama.engine import OllamaEngine
from rag.errors import (
    CloudModelRefused,
    EgressRefused,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    ModelMissing,
)
from rag.types import ChatDelta, ChatOptions, Prompt, RunningModel

PATIENCE = 5.0  # seconds for a reply
TRIAL_PATIENCE = 300.0  # seconds for a model to load and say a word
_CONNECT = 3.0
TRIAL_TEXT = "The kettle stands on the shelf, and the tea is in the tin beside it. " * 20
_TRIAL_TOKENS = 16


def look(
    settings: Settings, chat_model: str | None, embed_model: str | None, elsewhere: Sequence[str]
) -> ServerFacts:
    """What answers at `ollama_host`, and what it says of a chat model and an embedding model.

    Where none does, the addresses `elsewhere` are tried.
    """
    host = settings.ollama_host
    try:
        with closing(_engine(host, min(settings.connect_timeout, _CONNECT), PATIENCE)) as engine:
            version = engine.version()
            names = [model.name for model in engine.models()]
            return ServerFacts(
                host,
                version,
                cloud=engine.cloud(),
                chat=_model(engine, names, chat_model) if chat_model else None,
                embed=_model(engine, names, embed_model) if embed_model else None,
                running=engine.running(),
            )
    except (EngineError, EgressRefused) as error:
        answering = (url for url in elsewhere if url != host and _answers(url))
        return ServerFacts(
            host,
            fault=_fault(error),
            elsewhere=next(answering, None),
            installed=shutil.which("ollama") is not None,
        )


def try_out(settings: Settings, num_ctx: int) -> Trial:
    """Have the chat model read some hundred tokens and write a few, in a window of `num_ctx`."""
    # what differs from the first word on cannot have been read before
    text = f"{secrets.token_hex(8)} {TRIAL_TEXT}"
    options = trial_options(settings, num_ctx)
    last = ChatDelta("")
    with closing(_engine(settings.ollama_host, _CONNECT, TRIAL_PATIENCE)) as engine:
        try:
            for event in engine.generate(settings.chat_model, Prompt(text, options)):
                if isinstance(event, ChatDelta) and event.done:
                    last = event
        except (EngineError, EgressRefused) as error:
            return Trial(failure=error)
    took = last.timings
    if took is None:
        return Trial()
    return Trial(
        took.load,
        rate(last.prompt_tokens, took.prompt),
        rate(last.output_tokens, took.generation),
    )


def trial_options(settings: Settings, num_ctx: int) -> ChatOptions:
    return replace(chat_options(settings), num_ctx=num_ctx, num_predict=_TRIAL_TOKENS)


def rate(count: int | None, seconds: float) -> float | None:
    """So many a second; one alone says nothing."""
    return count / seconds if count and count > 1 and seconds > 0 else None


def running(settings: Settings) -> tuple[RunningModel, ...]:
    """What is loaded now."""
    try:
        with closing(_engine(settings.ollama_host, _CONNECT, PATIENCE)) as engine:
            return engine.running()
    except (EngineError, EgressRefused):
        return ()


def _engine(host: str, connect: float, patience: float) -> OllamaEngine:
    # without the library's token ratios: the doctor leaves no trace there
    return OllamaEngine(host, timeouts=Timeouts(connect, patience, patience))


def _answers(host: str) -> bool:
    with closing(_engine(host, 1.0, 1.0)) as engine:
        return engine.health().ok


def _fault(error: EngineError | EgressRefused) -> Fault:
    if isinstance(error, EngineTimeout):
        return "silent"
    return "unreachable" if isinstance(error, EngineUnreachable | EgressRefused) else "foreign"


def _model(engine: OllamaEngine, names: Sequence[str], name: str) -> ModelFacts:
    try:
        info = engine.model_info(name)
    except CloudModelRefused:
        return ModelFacts(name, cloud=True)
    except ModelMissing:
        return ModelFacts(name, alike=tuple(n for n in names if _base(n) == _base(name)))
    return ModelFacts(name, info, overhead=engine.count_prompt(name, []).high)


def _base(name: str) -> str:
    """A model's name without its tag."""
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}"
