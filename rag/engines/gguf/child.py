"""The process that runs llama.cpp: it serves one model on a Unix socket until its parent goes.

Started as `python -m rag.engines.gguf.child`; what to load comes by standard input. The socket lies in
a folder that nobody else may enter; no port is opened, no connection made. The Python guard does not
see native code: that this is silent is proven by tests/isolation.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from rag import egress
from rag.frames import Frame, receive, send
from rag.process import die_with_parent, take_pipes

_BATCH = 128
"""Tokens read at once: a question that was called off is let go after one batch."""
_ERRORS = 1  # of llama.cpp's levels of logging


def main() -> None:
    egress.seal_environment()
    egress.guard()
    questions, answers = take_pipes()
    die_with_parent()
    question = receive(questions)
    if question is None:
        return
    _log_to(question.message["log"])
    _be_the_first_to_go()
    server = None
    try:
        server = _serve(question.message)
    except RuntimeError:
        pass  # llama.cpp has said why
    except (ValueError, ImportError, AttributeError) as error:  # another version of xllamacpp
        sys.stderr.write(f"{error}\n")
    send(answers, Frame({"loaded": server is not None}))
    receive(questions)  # nothing comes; the pipe closes when the parent has gone
    os._exit(0)  # without waiting for an answer that nobody reads any more


def _log_to(path: str) -> None:
    """Errors of llama.cpp, and what it says when it aborts, go to a file, not to a terminal."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)


def _be_the_first_to_go() -> None:
    """Where memory runs out Linux ends this process, not the program or the user's desktop."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _serve(wanted: dict[str, Any]) -> Any:
    """A running server, its model loaded. Raises RuntimeError; the log says why."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = wanted["path"]
    params.chat_template = wanted["template"]
    params.hostnames = [wanted["socket"]]
    params.n_ctx = wanted["num_ctx"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = wanted["threads"]
    params.sleep_idle_seconds = wanted["idle_seconds"]
    params.n_batch = params.n_ubatch = _BATCH
    params.n_parallel = 1  # questions take turns: a second window would take as much memory again
    params.fit_params = False  # or the window would silently be made smaller
    params.cache_ram_mib = params.n_ctx_checkpoints = 0  # or old prompts would fill the memory
    params.enable_reasoning = 0  # thoughts would use up the tokens of the answer
    params.sse_ping_interval = -1  # or a model that stands still would never seem silent
    params.offline = True
    params.ui = params.endpoint_slots = params.warmup = False
    params.verbosity = _ERRORS
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
