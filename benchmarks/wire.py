"""What our side of the wire costs against a bare client: ratios within one run.

    python benchmarks/wire.py [--pairs 20] [--prompts 60]

Starts a real Ollama of its own with the small models of tests/models.lock, so that nothing is
measured against a machine's other work. Each figure compares alternated pairs on that one server:

first word   through the writer (model looked up, tokens counted, window chosen, sent) minus a bare
             HTTP request of the very same prompt; each without the time that the server states for
             loading and reading, which varies by more than what is measured
streaming    tokens a second of a streamed answer against `curl` of the same request
batch        texts a second of `rag generate --batch` at two at once against a plain loop over the
             official client
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import secrets  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import httpx  # noqa: E402
import ollama  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rag.answering.writing import ModelWriter, Question  # noqa: E402
from rag.batch import run  # noqa: E402
from rag.config import load_settings  # noqa: E402
from rag.engine_choice import chat_options, ollama_engine  # noqa: E402
from rag.engines.ollama.engine import OllamaEngine  # noqa: E402
from rag.generation import Generator  # noqa: E402
from rag.types import ChatDelta, ChatOptions, Passage, Prompt  # noqa: E402
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer, import_models  # noqa: E402
from tests.scripted_ollama import MODEL, ScriptedOllama  # noqa: E402

AT_ONCE = 2
FENCE = re.compile("passages-[0-9a-f]{8}")
LONG = ChatOptions(num_ctx=2048, num_predict=200, seed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        server = OllamaServer(Path(scratch) / "ollama", parallel=AT_ONCE).start()
        try:
            with closing(server.client()) as client:
                import_models(client, Path(scratch))
            first_word("a real Ollama", server.url, CHAT_MODEL, arguments.pairs)
            scripted_first_word(5 * arguments.pairs)
            streaming(server, max(3, arguments.pairs // 4))
            batch(server, arguments.prompts, Path(scratch))
        finally:
            server.stop()


def scripted_first_word(pairs: int) -> None:
    """The same against a server whose own time does not vary: what is left is ours."""
    server = ScriptedOllama()
    server.act = lambda prompt, attempt: [0.05, "word ", 0.01, "more"]
    first_word("a server that always takes 50 ms", server.url, MODEL, pairs)
    server.close()


def first_word(of: str, url: str, model: str, pairs: int) -> None:
    """Milliseconds to the first word, ours minus bare, over alternated pairs.

    Each prompt has a fence of its own, so that the server reads as much of one as of the other.
    """
    settings = load_settings(
        {"ollama_host": url, "chat_model": model, "num_predict": 16, "num_ctx": 2048},
        {},
    )
    passage = Passage(
        1, "d", "terms.txt", "terms.txt", "", False, 1, "section", "Terms", 0, 1, (),
        "The warranty lasts 36 months. It covers all parts of the gauge. " * 8, 1.0,
    )  # fmt: skip
    differences = []
    with closing(ollama_engine(settings)) as engine, httpx.Client(timeout=300) as bare:
        ours_first_word(engine, settings, passage)  # the model is loaded, the connection open
        for _ in range(pairs):
            ours, body = ours_first_word(engine, settings, passage)
            body["prompt"] = FENCE.sub(f"passages-{secrets.token_hex(4)}", body["prompt"])
            differences.append(1000 * (ours - bare_first_word(bare, url, body)))
    differences.sort()
    p95 = differences[int(0.95 * (len(differences) - 1))]
    print(
        f"first word of {of}: ours minus bare, median {statistics.median(differences):.1f} ms, "
        f"p95 {p95:.1f} ms ({pairs} pairs)"
    )


def bare_first_word(client: httpx.Client, url: str, body: Any) -> float:
    """Seconds until a bare request's first word, without the server's own."""
    started = time.perf_counter()
    with client.stream("POST", f"{url}/api/generate", json=body) as reply:
        lines = reply.iter_lines()
        next(lines)
        seconds = time.perf_counter() - started
        *_, last = lines
    told = json.loads(last)
    return seconds - (told.get("load_duration", 0) + told.get("prompt_eval_duration", 0)) / 1e9


def ours_first_word(engine: OllamaEngine, settings: Any, passage: Passage) -> tuple[float, Any]:
    """The same through the writer, and the request that it sent."""
    sent: dict[str, Any] = {}
    original = engine._streams.astream

    def noting(request: Any) -> Any:
        sent.update(request.body)
        return original(request)

    engine._streams.astream = noting  # type: ignore[method-assign]
    started = time.perf_counter()
    writer = ModelWriter(engine, settings.chat_model, chat_options(settings))
    deltas = writer.draft(Question("How long does it last?", "How long does it last?"), [passage])
    with closing(deltas.deltas) as events:  # type: ignore[type-var]
        next(event for event in events if isinstance(event, ChatDelta))
        seconds = time.perf_counter() - started
        *_, last = (event for event in events if isinstance(event, ChatDelta))
    engine._streams.astream = original  # type: ignore[method-assign]
    if last.timings:
        seconds -= last.timings.load + last.timings.prompt
    return seconds, {**sent, "stream": True}


def streaming(server: OllamaServer, pairs: int) -> None:
    """Tokens a second of one streamed answer, ours over curl's."""
    prompt = Prompt("Once upon a time there was a harbour", LONG, raw=True)
    body = {
        "model": CHAT_MODEL, "prompt": prompt.text, "raw": True, "stream": True,
        "keep_alive": "5m",
        "options": {"num_ctx": LONG.num_ctx, "num_predict": LONG.num_predict, "temperature": 0.0,
                    "seed": LONG.seed, "stop": ["\x00"]},
    }  # fmt: skip
    options = ChatOptions(LONG.num_ctx, LONG.num_predict, seed=LONG.seed, stop=("\x00",))
    ratios = []
    with closing(OllamaEngine(server.url)) as engine:
        for _ in range(pairs):
            started = time.perf_counter()
            *_, last = engine.generate(CHAT_MODEL, Prompt(prompt.text, options, raw=True))
            ours = last.output_tokens / (time.perf_counter() - started)
            started = time.perf_counter()
            command = ["curl", "-sN", f"{server.url}/api/generate", "-d", json.dumps(body)]
            lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
            curl = json.loads(lines[-1])["eval_count"] / (time.perf_counter() - started)
            ratios.append(ours / curl)
    print(
        f"streaming: tokens/s over curl's, median {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}, {pairs} pairs)"
    )


def batch(server: OllamaServer, count: int, scratch: Path) -> None:
    """Texts a second of a batch, ours over a plain loop's; three alternated pairs."""
    rows = [{"id": str(n), "prompt": f"Question {n}: what is {n} plus {n}?"} for n in range(count)]
    source = scratch / "prompts.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = {"ollama_host": server.url, "chat_model": CHAT_MODEL, "num_predict": 24,
             "num_parallel": AT_ONCE}  # fmt: skip
    ratios = []
    for repeat in range(4):
        started = time.perf_counter()
        with closing(Generator(load_settings(flags, {}))) as generator:
            list(run(generator, source, scratch / f"{repeat}.jsonl"))
        ours = time.perf_counter() - started
        started = time.perf_counter()
        asyncio.run(_plain_loop(server.url, rows))
        if repeat:  # the first pair loads the model
            ratios.append((time.perf_counter() - started) / ours)
    print(
        f"batch: texts/s over a plain loop's, median {statistics.median(ratios):.3f} "
        f"({', '.join(f'{r:.3f}' for r in ratios)}; {count} prompts, {AT_ONCE} at once)"
    )


async def _plain_loop(url: str, rows: list[dict[str, str]]) -> None:
    client = ollama.AsyncClient(url)
    places = asyncio.Semaphore(AT_ONCE)
    options = {"num_ctx": 2048, "num_predict": 24, "temperature": 0.0, "seed": 0}

    async def one(prompt: str) -> None:
        async with places:
            await client.generate(CHAT_MODEL, prompt, options=options)

    await asyncio.gather(*(one(row["prompt"]) for row in rows))
    await client.close()


if __name__ == "__main__":
    main()
