"""How many tokens each chat model makes of a text, against the committed WordPiece tokenizer.

The server counts only after it has read. Until it has, a model's tokenizer is known to count
between two ratios; each prompt that was read whole narrows them for that model, by its digest.
Learnt from prompts in ASCII letters, and used for such texts only: other scripts count otherwise.
Kept in one small file; losing it costs nothing but the narrowing.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.engines import wordpiece
from rag.paths import write_whole
from rag.types import TokenCount

LOWEST, HIGHEST = 0.5, 1.8
"""Tokenizers of today's chat models (llama 3, qwen, gemma, mistral) lie between these on prose,
tables and code."""
LEAST_SAMPLES = 3
LEAST_TOKENS = 100
"""Shorter prompts say more about the template around them than about the text."""
_MARGIN_BELOW, _MARGIN_ABOVE = 0.75, 1.2
_LEAST_ASCII = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """The lowest and highest ratio seen, in so many prompts."""

    lowest: float
    highest: float
    samples: int


class TokenRatios:
    """The ratios of all models. `path` None: not kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._known: dict[str, Ratio] = _read(path) if path else {}

    def count(self, digest: str, texts: Sequence[str]) -> list[TokenCount]:
        """Bounds for each text under the model of this digest."""
        bounds = [self._bounds(digest, text) for text in texts]
        return [
            TokenCount(math.floor(n * low), math.ceil(n * high))
            for n, (low, high) in zip(wordpiece.count_all(texts), bounds, strict=True)
        ]

    def learn(self, digest: str, text: str, read: int, overhead: int) -> None:
        """Take in that a prompt was read whole: `read` tokens, up to `overhead` of them a template."""
        n = wordpiece.count(text)
        if n < LEAST_TOKENS or not _is_ascii(text):
            return
        low, high = max(0, read - overhead) / n, read / n
        if low > HIGHEST or high < LOWEST:
            return  # not a prompt that was read whole, whatever it was
        with self._guard:
            seen = self._known.get(digest, Ratio(low, high, 0))
            learnt = Ratio(min(seen.lowest, low), max(seen.highest, high), seen.samples + 1)
            self._known[digest] = learnt
            settled = (learnt.lowest, learnt.highest) == (seen.lowest, seen.highest)
            if self._path and not (settled and seen.samples >= LEAST_SAMPLES):
                _write(self._path, self._known)

    def _bounds(self, digest: str, text: str) -> tuple[float, float]:
        seen = self._known.get(digest)
        if seen is None or seen.samples < LEAST_SAMPLES or not _is_ascii(text):
            return LOWEST, HIGHEST
        return (
            max(LOWEST, seen.lowest * _MARGIN_BELOW),
            min(HIGHEST, seen.highest * _MARGIN_ABOVE),
        )


def _is_ascii(text: str) -> bool:
    plain = sum(character < "\x80" for character in text)
    return plain >= _LEAST_ASCII * len(text)


def _read(path: Path) -> dict[str, Ratio]:
    try:
        known = json.loads(path.read_text())
        return {str(digest): Ratio(**values) for digest, values in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # not there, or not ours any more
        return {}


def _write(path: Path, known: Mapping[str, Ratio]) -> None:
    text = json.dumps({digest: asdict(ratio) for digest, ratio in known.items()})
    with suppress(OSError):  # a full or read-only disk: it is learnt again next time
        write_whole(path, text.encode())
