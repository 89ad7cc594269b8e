"""The JSON that other programs read: stable, tested. Absent values are null, never missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag.assistant import Status
from rag.ingest.pipeline import Summary
from rag.types import (
    Answer,
    Citation,
    Document,
    FileResult,
    Hit,
    Passage,
    SearchResult,
    Statement,
    Unit,
)

Json = dict[str, Any]


def file_result(result: FileResult) -> Json:
    return asdict(result) | {"seconds": round(result.seconds, 3)}


def summary(summary: Summary) -> Json:
    return {
        "summary": {
            **summary.counts,
            "chunks": summary.chunks,
            "chunks_embedded": summary.chunks_embedded,
            "seconds": round(summary.seconds, 3),
            "embed_seconds": round(summary.embed_seconds, 3),
        }
    }


def search_result(result: SearchResult) -> Json:
    return {
        "query": result.query,
        "hits": [_hit(rank, hit) for rank, hit in enumerate(result.hits, start=1)],
        "seconds": round(result.seconds, 4),
        "stages": {name: round(seconds, 4) for name, seconds in result.stages.items()},
        "filters": list(result.filters),
        "notice": result.notice,
    }


def _hit(rank: int, hit: Hit) -> Json:
    chunk = hit.chunk
    return {
        "rank": rank,
        "document_id": chunk.document_id,
        "path": chunk.path,
        "page": chunk.unit,
        "unit": chunk.kind,
        "label": chunk.label,
        "score": hit.score,
        "dense_rank": hit.dense_rank,
        "dense_score": hit.dense_score,
        "keyword_rank": hit.keyword_rank,
        "keyword_score": hit.keyword_score,
        "named_in": hit.named_in,
        "words": None if hit.words is None else list(hit.words),
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
    }


def answer(answer: Answer) -> Json:
    return {
        "question": answer.question,
        "asked": answer.asked,
        "answered": answer.answered,
        "text": answer.text,
        "statements": [_statement(statement) for statement in answer.statements],
        "passages": [_passage(passage) for passage in answer.passages],
        "receipt": asdict(answer.receipt),
        "coverage": asdict(answer.coverage),
        "seconds": answer.seconds,
        "notices": list(answer.notices),
    }


def _statement(statement: Statement) -> Json:
    return {
        "text": statement.text,
        "verdict": statement.verdict,
        "citations": [_citation(citation) for citation in statement.citations],
        "reasons": list(statement.reasons),
    }


def _citation(citation: Citation) -> Json:
    return asdict(citation)


def _passage(passage: Passage) -> Json:
    values = asdict(passage)
    values["headings"] = list(passage.headings)
    return values


def document(document: Document) -> Json:
    values = asdict(document)
    values["document_id"] = values.pop("id")
    values["collections"] = list(document.collections)
    return values


def unit(unit: Unit) -> Json:
    return {
        "page": unit.number,
        "unit": unit.kind,
        "label": unit.label,
        "state": unit.state,
        "characters": len(unit.text),
    }


def status(status: Status) -> Json:
    return {
        "home": status.home,
        "documents": status.coverage.documents,
        "documents_read": status.coverage.documents_read,
        "pages": status.coverage.pages,
        "pages_without_text": status.coverage.pages_without_text,
        "chunks": status.chunks,
        "collections": list(status.collections),
        "sequence": status.sequence,
        "indexes": {
            "keyword": {"sequence": status.keyword_sequence},
            "vector": {
                "sequence": status.generation_sequence,
                "vectors": status.generation_vectors,
            },
        },
        "engine": {
            "chat": status.chat.engine,
            "chat_model": status.chat.model,
            "notice": status.chat.notice,
            "embedding": asdict(status.identity) if status.identity else None,
        },
        "last_run": status.last_run,
    }
