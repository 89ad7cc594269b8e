"""The conversation of one browser tab: its turns and the source that is open beside them.

Kept in Streamlit's session state. A turn takes in what arrives before anything of it is drawn, so
that a stopped answer is neither lost nor in the wrong place. Knows nothing of how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rag.types import (
    Answer,
    AnswerEvent,
    Citation,
    Delta,
    Done,
    ErrorInfo,
    Hit,
    Passage,
    Retrieved,
    StatementChecked,
    Turn,
    Waiting,
)


@dataclass(slots=True)
class Exchange:
    """One question and what has become of it. No answer and no error: it was stopped."""

    number: int
    question: str
    draft: str = ""
    waiting: Waiting | None = None
    passages: int | None = None
    checked: int = 0
    answer: Answer | None = None
    error: ErrorInfo | None = None

    def take(self, event: AnswerEvent) -> None:
        """Take in one event of the stream."""
        match event:
            case Retrieved():
                self.passages = len(event.passages)
            case Waiting():
                self.waiting = event
            case Delta():
                self.draft += event.text
            case StatementChecked():
                self.checked += 1
            case Done():
                self.answer = event.answer


@dataclass(frozen=True, slots=True)
class Source:
    """A span of a page to look at: where a citation or a passage stands."""

    document_id: str
    sha256: str
    path: str
    name: str
    page: int
    label: str
    start: int
    end: int
    quote: str
    """Empty for a passage, which is opened to be read as a whole."""
    stale: bool

    @classmethod
    def of_hit(cls, hit: Hit) -> Source:
        chunk = hit.chunk
        return cls(
            document_id=chunk.document_id,
            sha256=chunk.sha256,
            path=chunk.path,
            name=chunk.name,
            page=chunk.unit,
            label=chunk.label,
            start=chunk.start,
            end=chunk.end,
            quote="",
            stale=chunk.stale,
        )

    @classmethod
    def of(cls, place: Citation | Passage) -> Source:
        quote = place.quote if isinstance(place, Citation) else ""
        return cls(
            document_id=place.document_id,
            sha256=place.sha256,
            path=place.path,
            name=place.name,
            page=place.page,
            label=place.label,
            start=place.start,
            end=place.end,
            quote=quote,
            stale=place.stale,
        )


@dataclass(slots=True)
class Conversation:
    """All exchanges of a tab, oldest first."""

    exchanges: list[Exchange] = field(default_factory=list)
    source: Source | None = None

    def begin(self, question: str) -> Exchange:
        """A new exchange at the end."""
        exchange = Exchange(len(self.exchanges), question)
        self.exchanges.append(exchange)
        return exchange

    def history(self) -> list[Turn]:
        """What was answered so far: only questions and answers, never passages."""
        return [Turn(e.question, e.answer.text) for e in self.exchanges if e.answer is not None]

    def open(self, place: Citation | Passage) -> None:
        self.source = Source.of(place)

    def close_source(self) -> None:
        self.source = None

    def clear(self) -> None:
        """Begin anew."""
        self.exchanges.clear()
        self.source = None
