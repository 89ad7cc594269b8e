"""What the app says in plain words: outcomes, verdicts, the receipt, times.

Pure functions from data to sentences. Sentences that contain foreign text are not made safe here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from rag.egress import is_loopback
from rag.engine_choice import WriterChoice
from rag.explain import by_ocr
from rag.types import Answer, Outcome, Receipt, Verdict

OUTCOMES: dict[Outcome, str] = {
    "added": "Read",
    "updated": "Read anew",
    "unchanged": "Unchanged",
    "removed": "Removed",
    "no_text": "No text in it",
    "needs_password": "Needs a password",
    "damaged": "Damaged",
    "too_large": "Too large",
    "unsupported": "Format not supported",
    "unreadable": "Could not be opened",
    "timed_out": "Took too long",
    "failed": "Could not be read",
}

VERDICTS: dict[Verdict, str] = {
    "supported": "Backed by a quote from your documents",
    "partly": "Partly backed",
    "unsupported": "Not backed by your documents",
    "no_claim": "",
}
MARKS: dict[Verdict, str] = {
    "supported": ":green[✓]",
    "partly": ":orange[~]",
    "unsupported": ":red[✗]",
    "no_claim": "",
}


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun: 1 file, 2 files."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def engine(choice: WriterChoice, host: str) -> str:
    """Who writes the answers. `host`: the address of the Ollama server."""
    if choice.model is None:
        return "Answers are quoted, word for word, from your documents; no language model writes."
    if choice.engine == "embedded":
        return f"Answers are written by the model file {choice.model}, which Vouch itself runs."
    return f"Answers are written by {choice.model}, which runs {_where(host)}."


def promise(choice: WriterChoice, host: str) -> str:
    """Where questions and documents go."""
    if choice.engine == "embedded" or _is_here(host):
        return "Nothing you ask or read here leaves this machine."
    return f"Questions and passages are sent to {host}, which your settings allow."


def _where(host: str) -> str:
    return "on this machine" if _is_here(host) else f"at {host}"


def _is_here(host: str) -> bool:
    return is_loopback(urlsplit(host).hostname or "")


def place(name: str, label: str, ocr_confidence: int | None = None) -> str:
    """Where something stands: the file, and of a path of headings the last; whether OCR read it."""
    mark = by_ocr(ocr_confidence)
    where = f"{name}, {label.rsplit(' › ', 1)[-1]}"
    return f"{where} ({mark})" if mark else where


def duration(seconds: float) -> str:
    """About how long: 8 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def verdicts(answer: Answer) -> str:
    """How many statements are backed."""
    numbers = {v: sum(s.verdict == v for s in answer.statements) for v in VERDICTS}
    parts = [
        f"{numbers['supported']} backed",
        f"{numbers['partly']} partly backed" if numbers["partly"] else "",
        f"{numbers['unsupported']} not backed" if numbers["unsupported"] else "",
    ]
    total = sum(n for verdict, n in numbers.items() if verdict != "no_claim")
    return f"{count(total, 'statement')}: {', '.join(part for part in parts if part)}"


def receipt(answer: Answer) -> list[str]:
    """The receipt, one sentence each."""
    taken = answer.receipt
    sentences = [_writer(taken), _passages(taken), *_tokens(taken), _search(taken), _times(answer)]
    return [sentence for sentence in sentences if sentence]


def _writer(taken: Receipt) -> str:
    if taken.chat_model is None:
        return "The answer is made of sentences quoted from your documents; no model wrote it."
    digest = f" ({taken.chat_digest[:12]})" if taken.chat_digest else ""
    return f"The draft was written by {taken.chat_model}{digest} through {taken.chat_engine}."


def _passages(taken: Receipt) -> str:
    text = f"It could draw on {count(taken.passages_used, 'passage')}"
    if taken.passages_left_out:
        reason = f": {taken.left_out_reason}" if taken.left_out_reason else ""
        return f"{text}; {taken.passages_left_out} were left out{reason}."
    return f"{text}; none were left out."


def _tokens(taken: Receipt) -> list[str]:
    if taken.prompt_tokens is None:
        return []
    low, high = taken.prompt_tokens.low, taken.prompt_tokens.high
    planned = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    read = "did not say" if taken.prompt_tokens_read is None else f"{taken.prompt_tokens_read:,}"
    window = f" of a window of {taken.num_ctx:,}" if taken.num_ctx else ""
    return [f"Tokens planned to be read: {planned}{window}; read, as the model reports: {read}."]


def _search(taken: Receipt) -> str:
    return (
        f"Search compared meanings with {taken.embed_model} ({taken.embed_digest[:12]}) and words "
        f"with the keyword index, in state {taken.sequence:,} of the library."
    )


def _times(answer: Answer) -> str:
    took = answer.seconds
    words = {"follow_up": "follow-up", "retrieval": "search", "draft": "draft", "check": "check"}
    parts = [f"{word} {took[key]:.1f} s" for key, word in words.items() if key in took]
    sentence = f"Time: {', '.join(parts)}." if parts else ""
    return f"{sentence} {_pace(answer.receipt)}".strip()


def _pace(taken: Receipt) -> str:
    """How fast the model was, as it reports itself."""
    timings = taken.timings
    if timings is None or not timings.generation or not taken.output_tokens:
        return ""
    pace = f"{taken.output_tokens / timings.generation:.0f} tokens/s"
    return (
        f"The model loaded in {timings.load:.1f} s, read in {timings.prompt:.1f} s, wrote {pace}."
    )
