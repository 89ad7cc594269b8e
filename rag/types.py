"""The data that crosses module borders: frozen, without behaviour beyond small derived values.

Knows nothing of files, databases, models or the screen. All text offsets are Unicode code
points into `Unit.text`; `start` is inclusive, `end` exclusive, so `unit.text[start:end]` is the
text meant. All vectors are float32 rows of unit length.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:  # the reading process knows these types, and must not load numpy
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"

# --------------------------------------------------------------------------- documents

UnitState = Literal["read", "ocr", "empty", "garbled", "needs_ocr"]
"""`ocr`: read off its picture; `empty`: nothing on it; `garbled`: text that is no language;
`needs_ocr`: a picture without text."""
HAS_TEXT: frozenset[UnitState] = frozenset({"read", "ocr"})
"""States of units whose text answers questions."""
UNREAD: frozenset[UnitState] = frozenset({"garbled", "needs_ocr"})
"""States of units with something on them that could not be read: OCR is for these."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a person can open: a page, a section, a block of lines. Numbers count from 1."""

    number: int
    kind: str
    label: str
    text: str
    headings: tuple[str, ...] = ()
    state: UnitState = "read"
    char_map: bytes = b""
    """Where the text stands on a page: how code points map to pdfium's character indices
    (charmap.py); of a page read by OCR the boxes of its words (word_boxes.py)."""
    ocr_confidence: int | None = None
    """0 to 100, the mean of its words as the OCR engine sees it; None where there was no OCR."""


@dataclass(frozen=True, slots=True)
class PageState:
    """What became of one page of a document."""

    number: int
    kind: str
    state: UnitState
    ocr_confidence: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A file as its reader saw it."""

    format: str
    title: str | None
    units: tuple[Unit, ...]
    reader: str
    """Name and versions of the code that read it; a change makes the document `updated`."""
    date: str | None = None
    """The day that the document states for itself, as YYYY-MM-DD: sent, published, last saved."""
    language: str | None = None
    """The language that the document states for itself, as a BCP 47 tag."""
    members: tuple[str, ...] = ()
    """Names of the documents in this one (the attachments of a message), each name once."""
    hidden_characters: int = 0
    """Characters of a PDF that nobody sees (white, minute, off the page): no unit has them."""

    @property
    def pages_without_text(self) -> int:
        return sum(unit.state not in HAS_TEXT for unit in self.units)

    @property
    def pages_unread(self) -> int:
        """Pages with something on them that could not be read."""
        return sum(unit.state in UNREAD for unit in self.units)


@dataclass(frozen=True, slots=True)
class Recognition:
    """A page as OCR read it. `engine`: version and languages of what did.

    `confidence` is None where it failed; no text means that there is none on the page.
    """

    engine: str
    confidence: int | None
    text: str = ""
    boxes: bytes = b""
    """Where its words stand (word_boxes.py)."""


Outcome = Literal[
    "added", "updated", "unchanged", "removed",
    "no_text", "needs_password", "damaged", "too_large", "unsupported",
    "unreadable", "timed_out", "failed",
]  # fmt: skip

SEARCHABLE: frozenset[str] = frozenset({"added", "updated", "unchanged"})
"""Outcomes after which the file's text answers questions."""
RETIRING: frozenset[str] = frozenset(
    {"no_text", "needs_password", "damaged", "too_large", "unsupported"}
)
"""Outcomes that say something about the file as it is now: an older version is retired."""
TRANSIENT: frozenset[str] = frozenset({"unreadable", "timed_out", "failed"})
"""Outcomes that may pass: an older version stays, marked stale, and the file is tried again."""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as data: what the command line, the web app and JSON show."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file in one ingestion run."""

    path: str
    outcome: Outcome
    document_id: str | None = None
    pages: int | None = None
    pages_without_text: int | None = None
    pages_unread: int | None = None
    """Of those without text: pages with something on them that could not be read."""
    chunks: int = 0
    chunks_embedded: int = 0
    seconds: float = 0.0
    error: ErrorInfo | None = None
    container: str | None = None
    """Path of the file that it was found in; None: it is a file of its own."""
    moved_from: str | None = None
    """Where the same file lay before, if it was renamed or moved: it is the same document still."""


@dataclass(frozen=True, slots=True)
class Document:
    """The live version of one file, or why there is none."""

    id: str
    path: str
    name: str
    format: str | None
    title: str | None
    sha256: str
    size: int
    mtime_ns: int
    outcome: Outcome
    error: ErrorInfo | None
    reader: str
    chunker: str
    stale: bool
    pages: int
    pages_without_text: int
    chunks: int
    updated_at: str
    collections: tuple[str, ...] = ()
    date: str | None = None
    language: str | None = None
    container: str | None = None
    """Path of the file that a member was found in; None: it is a file of its own."""
    hidden_characters: int = 0
    """Characters that nobody sees, which its text is without."""
    states: Mapping[UnitState, int] = field(default_factory=dict, hash=False)
    """How many of its pages are in each state."""

    @property
    def pages_unread(self) -> int:
        """Pages with something on them that could not be read."""
        return sum(self.states.get(state, 0) for state in UNREAD)

    @property
    def searchable(self) -> bool:
        """Whether its text answers questions."""
        return self.chunks > 0


@dataclass(frozen=True, slots=True)
class Similar:
    """A document that shares much of its text with another: `same` of `texts` chunks, of whichever
    of the two has more.
    """

    document_id: str
    path: str
    name: str
    same: int
    texts: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A retrieval unit: a span of one unit, with what it stands under.

    That is the headings of its unit and, in a piece of a table, its caption and header row.
    """

    unit: int
    start: int
    end: int
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A live chunk of the catalog with what ranking and display need."""

    id: int
    document_id: str
    path: str
    name: str
    title: str | None
    sha256: str
    stale: bool
    unit: int
    kind: str
    label: str
    start: int
    end: int
    headings: tuple[str, ...]
    text: str
    vector_key: bytes
    ocr_confidence: int | None = None


# --------------------------------------------------------------------------- models

Task = Literal["document", "query"]


@dataclass(frozen=True, slots=True)
class EmbeddingIdentity:
    """What makes two vectors comparable. A library answers with exactly one."""

    engine: str
    model: str
    digest: str
    dims: int
    document_prefix: str = ""
    query_prefix: str = ""

    @property
    def key(self) -> str:
        """16 hex digits naming this identity; the model's name is not part of it, its digest is."""
        parts = [self.digest, self.dims, self.document_prefix, self.query_prefix]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> EmbeddingIdentity:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its engine describes it. None: the engine does not say."""

    name: str
    digest: str = ""
    context_length: int | None = None
    dims: int | None = None
    size: int | None = None
    capabilities: tuple[str, ...] = ()
    remote: bool = False
    family: str | None = None
    parameter_size: str | None = None
    """As the engine writes it, such as `8.0B`."""
    quantization: str | None = None
    num_ctx: int | None = None
    """The window that the model's own Modelfile asks for; every request of ours names its own."""
    facts: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Metadata of the weights by their GGUF keys, such as `llama.block_count`."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model to choose: sizes in 10^9 bytes, `context_length` in tokens, as it was trained."""

    name: str
    file_gb: float
    memory_gb: float
    parameters: str
    context_length: int
    best_for: str
    kind: Literal["chat", "embedding"] = "chat"


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A model that is loaded now. Sizes are bytes; `size_vram` is the part in GPU memory."""

    name: str
    digest: str
    size: int
    size_vram: int
    context_length: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownModel:
    """All that a server tells of one model. The texts are as its Modelfile has them."""

    info: ModelInfo
    modelfile: str
    parameters: str
    system: str
    template: str
    license: str


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """Event: how far a model is fetched, sent or made. `part` tells its files apart; bytes."""

    step: str
    part: str = ""
    completed: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A number of tokens known to lie in [low, high]; exact where they are equal."""

    low: int
    high: int

    def __add__(self, other: TokenCount) -> TokenCount:
        return TokenCount(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


Thinking = bool | Literal["low", "medium", "high"]
"""Whether, or how much, a model that can think does so before it answers."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How a chat model is asked. `num_ctx` and `num_predict` are tokens. None: the model's own.

    `num_gpu`: layers on the GPU; `format`: "json" or a JSON schema that the text is to obey.
    """

    num_ctx: int
    num_predict: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_p: float | None = None
    top_k: int | None = None
    num_gpu: int | None = None
    num_thread: int | None = None
    think: Thinking | None = None
    format: str | Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of an answer went, in seconds, as the engine measured it."""

    load: float
    prompt: float
    generation: float


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed answer. The counts come with the last piece, where the engine tells."""

    text: str
    done: bool = False
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    stopped_by_length: bool = False
    timings: Timings | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text for a model to go on from. `raw`: without the model's own template around it."""

    text: str
    options: ChatOptions
    system: str | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of a model: its text, and the last piece with its counts."""

    text: str
    last: ChatDelta


Stage = Literal["queue", "retry", "model", "thinking"]
"""What an answer waits for: its turn, a server that was busy, the model to load and read, or the
model to finish thinking."""


_STAGES: dict[Stage, str] = {
    "retry": "Ollama is busy; trying again",
    "model": "The model is reading",
    "thinking": "The model is thinking",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Event: no text yet. `position`: place in the queue for the model, 1 is next.

    Repeated a few times a second for as long as it lasts, so that whoever reads may give up.
    """

    stage: Stage
    position: int = 0

    @property
    def text(self) -> str:
        """What is waited for, in words."""
        if self.stage == "queue":
            return f"Waiting for other answers: number {self.position} in line"
        return _STAGES[self.stage]


ChatEvent = Waiting | ChatDelta


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether an engine answers, and what it says of itself."""

    ok: bool
    version: str = ""
    detail: str = ""


class Engine(Protocol):
    """What runs models: Ollama, or the embedded engine."""

    @property
    def name(self) -> str: ...
    def health(self) -> EngineHealth: ...
    def models(self) -> tuple[ModelInfo, ...]: ...
    def model_info(self, model: str) -> ModelInfo: ...
    def identity(self, model: str) -> EmbeddingIdentity: ...
    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors: ...
    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]: ...
    def loaded_window(self, model: str) -> int | None: ...
    def count_prompt(self, model: str, messages: Sequence[Message]) -> TokenCount: ...
    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatEvent]: ...


class Embedder(Protocol):
    """One embedding model, bound: what ingestion and retrieval need of an engine."""

    @property
    def identity(self) -> EmbeddingIdentity: ...
    def embed(self, texts: Sequence[str], task: Task) -> Vectors: ...


# --------------------------------------------------------------------------- retrieval


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the library is searched: a document counts if it is in any of these."""

    collections: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found, with where each search ranked it (from 1; None: not among its best).

    The scores are known of every hit, whichever search found it: a cosine, and BM25.
    """

    chunk: StoredChunk
    score: float
    dense_rank: int | None = None
    dense_score: float | None = None
    keyword_rank: int | None = None
    keyword_score: float | None = None
    named_in: str | None = None
    """The file whose passage names this one, where that brought or raised the hit."""
    words: tuple[str, ...] | None = None
    """The words of the query that are in it; filled in where an explanation was asked for."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one query, best first. `notice` says what search had to do without."""

    query: str
    hits: tuple[Hit, ...]
    seconds: float
    notice: str | None = None
    filters: tuple[str, ...] = ()
    """What limited the search, in words: a collection, a quoted phrase."""
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by stage: embed, keyword, dense, rank."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of one unit placed in a prompt under a number, from one or more neighbouring hits."""

    number: int
    document_id: str
    path: str
    name: str
    sha256: str
    stale: bool
    page: int
    unit: str
    label: str
    start: int
    end: int
    headings: tuple[str, ...]
    text: str
    score: float
    ocr_confidence: int | None = None


# --------------------------------------------------------------------------- answers

Verdict = Literal["supported", "partly", "unsupported", "no_claim"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote, found by code: `quote == unit.text[start:end]` of that file version."""

    document_id: str
    path: str
    name: str
    sha256: str
    page: int
    unit: str
    label: str
    quote: str
    start: int
    end: int
    passage: int
    stale: bool = False
    ocr_confidence: int | None = None
    """Of the page, if it was read by OCR: the quote stands in what was recognised."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer with its verdict; `reasons` say why it is not `supported`."""

    text: str
    verdict: Verdict
    citations: tuple[Citation, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was planned, what the model says it read, and what was left out. Tokens are counts."""

    chat_engine: str
    chat_model: str | None
    chat_digest: str | None
    embed_engine: str
    embed_model: str
    embed_digest: str
    prompt_tokens: TokenCount | None
    prompt_tokens_read: int | None
    output_tokens: int | None
    num_ctx: int | None
    num_predict: int | None
    passages_used: int
    passages_left_out: int
    left_out_reason: str | None
    sequence: int
    ok: bool = True
    problem: str | None = None
    timings: Timings | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the library answers could draw on. `states`: how many pages are in each."""

    documents: int
    documents_read: int
    pages: int
    pages_without_text: int
    states: Mapping[UnitState, int] = field(default_factory=dict, hash=False)

    @property
    def pages_unread(self) -> int:
        """Pages with something on them that could not be read."""
        return sum(self.states.get(state, 0) for state in UNREAD)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its proof. `answered`: at least one statement is supported or partly."""

    question: str
    asked: str
    """The question as it was searched for: a follow-up made to stand alone."""
    answered: bool
    text: str
    statements: tuple[Statement, ...]
    passages: tuple[Passage, ...]
    receipt: Receipt
    coverage: Coverage
    seconds: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages an answer will draw on, and the question they were found for."""

    asked: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """Event: a piece of the draft, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class StatementChecked:
    """Event: one statement has its verdict."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class Done:
    """Event: the final answer, which replaces the draft."""

    answer: Answer


AnswerEvent = Retrieved | Waiting | Delta | StatementChecked | Done


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of a chat and the text that answered it."""

    question: str
    answer: str
