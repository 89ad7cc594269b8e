"""Which files can be used as a chat model, and why others cannot: told before anything is loaded."""

from __future__ import annotations

import importlib.util
import socket
from dataclasses import dataclass
from pathlib import Path

from rag.engines.gguf.header import Header, read_header
from rag.engines.memory import memory_needed
from rag.errors import EngineError, ModelMissing, NotEnoughMemory
from rag.hardware import available_memory, gigabytes

EXTRA = "Install it: pip install 'vouch-rag[llama]'"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that holds a language model, as it was when its header was read."""

    path: Path
    size: int
    mtime_ns: int
    header: Header

    @property
    def has_template(self) -> bool:
        return bool(self.header.facts.get("tokenizer.chat_template"))

    @property
    def context_length(self) -> int | None:
        """What the model can read, in tokens; None where the file does not say."""
        length = self.header.fact("context_length")
        return length if isinstance(length, int) and length > 0 else None

    def window(self, num_ctx: int) -> int:
        """`num_ctx`, or what the model can read where that is less."""
        return min(num_ctx, self.context_length or num_ctx)


def open_model(path: Path, known: ModelFile | None = None) -> ModelFile:
    """The model in a file; `known` if that is still it.

    Raises `ModelMissing` where the file or what runs it is not there, `EngineError` where it is not
    one whole language model.
    """
    try:
        stat = path.stat()
        state = (path, stat.st_size, stat.st_mtime_ns)
        if known and (known.path, known.size, known.mtime_ns) == state:
            return known
        file = ModelFile(*state, read_header(path))
    except FileNotFoundError as error:
        raise ModelMissing(
            str(path), f"There is no model file {path}.", "Put it there, or change chat_model."
        ) from error
    except OSError as error:
        raise _refused(path, f"it cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise _refused(path, str(error)) from error
    why = _unfit(file.header)
    if why:
        raise _refused(path, why)
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelMissing(str(path), "What runs model files is not installed.", EXTRA)
    return file


def check_memory(file: ModelFile, num_ctx: int) -> None:
    """Raises `NotEnoughMemory` where less is free than the model takes with that window."""
    try:
        needed = memory_needed(file.size, file.header.facts, num_ctx)
    except ValueError as error:
        raise _refused(file.path, str(error)) from error
    free = available_memory()
    if needed > free:
        raise NotEnoughMemory(
            str(file.path),
            f"{file.path.name} needs {gigabytes(needed)} of memory with a window of {num_ctx:,} tokens; "
            f"{gigabytes(free)} are free.",
            "Lower num_ctx, choose a smaller model, close other programs, or load it all the same "
            "with --memory-check off.",
        )


def _unfit(header: Header) -> str | None:
    """Why a GGUF file is no whole language model that this machine can run."""
    kind = header.facts.get("general.type", "model")
    if kind == "adapter":
        return "it is a LoRA adapter, a change to a model, not the model"
    if kind == "mmproj" or header.architecture == "clip":
        return "it is the picture reader (mmproj) that belongs to a model"
    if kind != "model" or header.tensors == 0:
        return "it holds no model"
    if header.fact("pooling_type") or header.fact("attention.causal") is False:
        return "it is an embedding model, which writes nothing"
    if (header.facts.get("split.count") or 1) != 1:
        return "it is one part of several; join them: llama-gguf-split --merge"
    if not hasattr(socket, "AF_UNIX"):
        return "model files are run on Linux and macOS only"
    return None


def _refused(path: Path, why: str) -> EngineError:
    return EngineError(
        str(path),
        f"{path.name} cannot be used as a chat model: {why}.",
        "chat_model takes a whole GGUF file of a language model, or the name of an Ollama model.",
    )
