"""Writes docs/troubleshooting.md: every finding of `rag doctor`, in the doctor's own words.

    python scripts/make_troubleshooting.py

The words are in rag/doctor/words.py; only the facts of the examples are made up here.
`tests/test_docs.py` fails where the file is not what this would write.
"""

from __future__ import annotations

import sys
import textwrap
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rag.doctor.words import WORDS, Finding, finding  # noqa: E402

WIDTH = 105
TARGET = ROOT / "docs" / "troubleshooting.md"
INTRO = """\
# Troubleshooting

`rag doctor` looks at Ollama, the models, the library, this machine and the network, and works when
nothing else does: with a settings file that is wrong, a library that is damaged, an Ollama that
hangs. It takes a few seconds and changes nothing. `rag doctor --deep` also has the chat model read
and write a little, to measure its speed, and checks the whole library. `--json` is for programs. The
web app shows the same on its page Health.

Each finding says what is, why it matters, and the command that mends it. A *problem* keeps something
from working (exit code 32), a *warning* makes it worse than it could be, a *note* is good to know;
with `engine = ollama`, or a library that Ollama embedded, what is wrong with Ollama weighs more.

These are all of its findings, with made-up names and figures. Commands with `export` count for the
terminal they are typed in; to keep a setting, write it into `rag.toml` (`rag config show` says where
that is): `export RAG_NUM_CTX=8192` is `num_ctx = 8192` there.
"""
FACTS = {
    "advice": "It takes a value like 8192.",
    "backup": "/home/me/vouch/backups/library-000012-20260401T093000Z.db",
    "better": "llama3.1",
    "database": "/home/me/vouch/library.db",
    "elsewhere": "http://127.0.0.1:11434",
    "enough": 8192,
    "file": "/home/me/vouch/rag.toml",
    "fitting": 4,
    "folder": "/home/me/Documents",
    "free": "84 MB",
    "gpu": "NVIDIA GeForce RTX 3060",
    "holder": "process 4711 on desk (rag ingest)",
    "home": "/home/me/vouch",
    "host": "http://127.0.0.1:11434",
    "kind": "nfs4",
    "least": "0.6.4",
    "local": "http://127.0.0.1:11434",
    "message": "The setting num_ctx from environment has the value 'many', which is not of its form.",
    "model": "llama3.1",
    "names": "HTTP_PROXY is",
    "need": 4731,
    "pages": "12 pages",
    "passages": 8,
    "pid": 4711,
    "port": 11434,
    "problem": "its driver does not answer: install it, and see that nvidia-smi lists the card",
    "reason": "needs 41.5 GB; this machine has 17.2 GB of memory",
    "refuses": "0.12.6",
    "seconds": 90,
    "share": "60%",
    "smaller": "llama3.2:3b",
    "tested": "0.9.6",
    "timeout": 60,
    "url": "http://nas.local:11434",
    "version": "0.9.0",
    "wanted": "920 MB",
    "window": 4096,
}
OTHERWISE: dict[str, dict[str, object]] = {
    "chat_model_embeds": {"model": "nomic-embed-text"},
    "chat_model_tag": {"better": "llama3.1:8b"},
    "cloud_model": {"model": "gpt-oss:120b-cloud"},
    "embed_model_absent": {"model": "nomic-embed-text"},
    "embed_model_changed": {"model": "nomic-embed-text"},
    "embed_model_chats": {"better": "nomic-embed-text"},
    "embed_model_missing": {"model": "nomic-embed-text"},
    "embed_model_waits": {"model": "nomic-embed-text", "wanted": "bge-m3"},
    "host_not_allowed": {"host": "nas.local"},
    "load_timeout_short": {"enough": 180},
    "model_fails": {"reason": "Ollama took too long over llama3.1."},
    "model_file_unusable": {
        "message": "There is no model file /home/me/models/qwen3.gguf.",
        "advice": "Put it there, or change chat_model.",
    },
    "ocr_languages_missing": {"languages": "deu"},
    "ollama_old": {"version": "0.5.13"},
    "reindex_unfinished": {"model": "bge-m3"},
    "read_timeout_short": {"seconds": 8, "timeout": 5, "enough": 16},
    "wrong_host": {"host": "http://127.0.0.1:11435"},
}
"""Facts that would not fit the words of these findings."""


def text() -> str:
    """The whole file."""
    wrong = [words for words in WORDS.values() if words.status != "ok"]
    groups = groupby(wrong, key=lambda words: words.group)
    return "\n".join([INTRO, *(_group(name, list(found)) for name, found in groups)])


def _group(name: str, found: list[Finding]) -> str:
    return "\n".join([f"## {name}\n", *(_entry(words.code) for words in found)])


def _entry(code: str) -> str:
    example = finding(code, **(FACTS | OTHERWISE.get(code, {})))
    told = textwrap.fill(f"`{code}`, a {example.status}. {example.why} {example.advice}:", WIDTH)
    return f"### {example.message}\n\n{told}\n\n    {example.command}\n"


if __name__ == "__main__":
    TARGET.write_text(text())
