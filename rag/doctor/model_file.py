"""Looks at a model file that is to write the answers, and tries it out."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from rag.config import Settings
from rag.doctor.facts import FileFacts, ModelFacts, Trial
from rag.doctor.server import TRIAL_PATIENCE, TRIAL_TEXT, rate, trial_options
from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import GgufEngine
from rag.engines.gguf.files import check_memory, open_model
from rag.errors import EngineError
from rag.types import ChatDelta, Message, ModelInfo


def look(path: Path, num_ctx: int) -> FileFacts:
    """Whether a file can be loaded, with a window of `num_ctx` tokens or what it has."""
    try:
        file = open_model(path)
        check_memory(file, file.window(num_ctx))
    except EngineError as error:
        return FileFacts(ModelFacts(path.name), error)
    return FileFacts(
        ModelFacts(path.name, ModelInfo(path.name, context_length=file.context_length))
    )


def try_out(settings: Settings, path: Path, num_ctx: int) -> Trial:
    """Have it read some hundred tokens and write a few. By the clock: llama.cpp is asked by us."""
    engine = GgufEngine(
        Digests(settings.library.digests),  # not asked for any: they would be written down
        threads=settings.threads,
        load_timeout=TRIAL_PATIENCE,
        read_timeout=TRIAL_PATIENCE,
    )
    try:
        with closing(engine):
            begun = time.monotonic()
            engine.load(str(path), num_ctx)
            loaded = first = time.monotonic()
            last = ChatDelta("")
            messages = [Message("user", TRIAL_TEXT)]
            for event in engine.chat(str(path), messages, trial_options(settings, num_ctx)):
                if isinstance(event, ChatDelta):
                    first = first if last.text else time.monotonic()
                    last = event
            ended = time.monotonic()
    except EngineError as error:
        return Trial(failure=error)
    return Trial(
        loaded - begun,
        rate(last.prompt_tokens, first - loaded),
        rate(last.output_tokens, ended - first),
    )
