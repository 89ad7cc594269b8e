"""The server's replies as our data, and our options as the server takes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import ollama

from rag.engines.ollama.faults import is_cloud
from rag.types import ChatDelta, ChatOptions, ModelInfo, RunningModel, Timings

M = TypeVar("M", ModelInfo, RunningModel)
_NANOSECONDS = 1e9
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)


def options_of(options: ChatOptions) -> dict[str, Any]:
    """The `options` of a request. `num_ctx` is always there: a server's default cuts silently."""
    values = {
        "num_ctx": options.num_ctx,
        "num_predict": options.num_predict,
        "temperature": options.temperature,
        "seed": options.seed,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "num_gpu": options.num_gpu,
        "num_thread": options.num_thread,
        "stop": list(options.stop) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def delta(part: ollama.ChatResponse | ollama.GenerateResponse, text: str) -> ChatDelta:
    """A piece of a stream. The last one carries counts and durations."""
    if not part.done:
        return ChatDelta(text)
    return ChatDelta(
        text=text,
        done=True,
        prompt_tokens=part.prompt_eval_count,
        output_tokens=part.eval_count,
        stopped_by_length=part.done_reason == "length",
        timings=Timings(
            load=(part.load_duration or 0) / _NANOSECONDS,
            prompt=(part.prompt_eval_duration or 0) / _NANOSECONDS,
            generation=(part.eval_duration or 0) / _NANOSECONDS,
        ),
    )


def listed_model(model: Mapping[str, Any]) -> ModelInfo:
    """A model of the server's list, which knows its digest and size but not its window."""
    details = model.get("details") or {}
    name = str(model.get("model") or model.get("name") or "")
    return ModelInfo(
        name=name,
        digest=str(model.get("digest") or ""),
        size=model.get("size"),
        remote=is_cloud(name, model),
        family=details.get("family") or None,
        parameter_size=details.get("parameter_size") or None,
        quantization=details.get("quantization_level") or None,
    )


def shown_model(listed: ModelInfo, shown: Mapping[str, Any]) -> ModelInfo:
    """A model of the list with what `/api/show` adds to it."""
    facts = shown.get("model_info") or {}
    return replace(
        listed,
        context_length=_fact(facts, ".context_length"),
        dims=_fact(facts, ".embedding_length"),
        capabilities=tuple(shown.get("capabilities") or ()),
        remote=listed.remote or is_cloud(listed.name, shown),
        num_ctx=_own_window(shown.get("parameters")),
        facts=facts,
    )


def running_models(said: Mapping[str, Any]) -> tuple[RunningModel, ...]:
    return tuple(_running_model(model) for model in ollama.ProcessResponse(**said).models)


def _running_model(model: ollama.ProcessResponse.Model) -> RunningModel:
    return RunningModel(
        name=model.model or model.name or "",
        digest=model.digest or "",
        size=int(model.size or 0),
        size_vram=int(model.size_vram or 0),
        context_length=model.context_length,
        expires_at=model.expires_at,
    )


def _fact(facts: Mapping[str, Any], ending: str) -> int | None:
    """A number among a model's metadata, whatever the architecture its key begins with."""
    return next((int(value) for key, value in facts.items() if key.endswith(ending)), None)


def _own_window(parameters: str | None) -> int | None:
    """`num_ctx` as a model's own Modelfile sets it."""
    found = _NUM_CTX.search(parameters or "")
    return int(found[1]) if found else None


def version_of(version: str) -> tuple[int, ...]:
    """A server's version in order: 0.9.6 before 0.12.0. What is no version comes before all."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else ()


def named(models: Iterable[M], wanted: str) -> M | None:
    """The model of a name among those that the server lists."""
    return next((model for model in models if same_model(model.name, wanted)), None)


def same_model(listed: str, wanted: str) -> bool:
    """Whether a listed name is the wanted one; a name without a tag means `latest`."""
    return listed == (wanted if ":" in wanted.rsplit("/", 1)[-1] else f"{wanted}:latest")
