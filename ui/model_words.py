"""What the models page says in plain words. Pure functions from data to sentences.

Sentences that contain foreign text are not made safe here.
"""

from __future__ import annotations

from rag.hardware import Machine, gigabytes
from rag.models import InstalledModel, runs_on, suits
from rag.server.model_work import ModelWork
from rag.types import KnownModel
from ui import words

MARKS = {"fits": ":green[✓]", "tight": ":orange[~]", "too_large": ":red[✗]", "": ":gray[·]"}
VERDICTS = {"fits": "fits", "tight": "fits barely", "too_large": "does not fit"}
FETCHING = (
    "Ollama fetches it from its registry, over the network. Vouch itself stays on this machine, "
    "and nothing of yours is sent along."
)
REMOVING = (
    "Its weights are deleted, unless another model shares them. To have it again it must be "
    "fetched or made again."
)


def machine(here: Machine | None) -> str:
    """What models can run on."""
    if here is None:
        return "Ollama runs on another machine, whose memory cannot be seen from here."
    parts = [f"Memory: {gigabytes(here.available)} free of {gigabytes(here.memory)}"]
    for gpu in here.gpus:
        free = f"{gigabytes(gpu.free)} free of {gigabytes(gpu.memory)}"
        parts.append(f"GPU: {gpu.name}, {gpu.problem or free}")
    return " · ".join(parts if here.gpus else [*parts, "no GPU found: models run on the CPU"])


def mark(model: InstalledModel) -> str:
    """Whether it fits, at a glance."""
    return MARKS[model.fit.verdict if model.fit else ""]


def about(model: InstalledModel) -> str:
    """Size, kind, window, and whether it fits and why."""
    info = model.info
    if info.remote:
        return "Runs on somebody else's machine; your documents would be sent there. Not used."
    parts = [gigabytes(info.size or 0)]
    parts += [", ".join(part for part in (info.parameter_size, info.quantization) if part)]
    if info.context_length:
        parts.append(f"window {info.context_length:,} tokens")
    if model.running:
        parts.append(f"loaded: {gigabytes(model.running.size)}, on the {runs_on(model.running)}")
    elif model.fit:
        parts.append(f"{VERDICTS[model.fit.verdict]}: {model.fit.reason}")
    return " · ".join(part for part in parts if part)


def choice(model: KnownModel, here: Machine | None) -> str:
    """A model to choose, in one line."""
    fits = "" if here is None or suits(model, here) else ", too large for this machine"
    return (
        f"{model.name} ({model.file_gb:g} GB, needs {model.memory_gb:g} GB of memory{fits}): "
        f"{model.best_for}"
    )


def removing(model: InstalledModel, writer: str | None, embedder: str | None) -> list[str]:
    """What a removal means. `writer`, `embedder`: the models that are in use."""
    parts = [REMOVING]
    if embedder is not None and model.is_called(embedder):
        parts.append("Your library is embedded with it: without it, search finds words only.")
    if writer is not None and model.is_called(writer):
        parts.append("It writes the answers now; without it they are quoted.")
    return parts


def doing(work: ModelWork) -> str:
    """How far a pull or a creation is."""
    now = work.progress
    parts = [now.step or "asking Ollama"]
    if now.total:
        parts.append(f"{gigabytes(now.completed)} of {gigabytes(now.total)}")
    if work.seconds_left is not None:
        parts.append(f"about {words.duration(work.seconds_left)} left")
    return " · ".join(parts)


def done(work: ModelWork) -> str:
    """What became of a pull or a creation that ended well, or was stopped."""
    if work.created is not None:
        again = "made anew" if work.created.before else "made"
        return f"{work.model} is {again} from {work.created.record.base}."
    if work.cancelled:
        return f"Stopped. What was fetched of {work.model} is kept; fetching goes on from there."
    return f"{work.model} is here now."
