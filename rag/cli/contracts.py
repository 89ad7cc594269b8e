"""The JSON that other programs read: stable, tested. Absent values are null, never missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

from rag.doctor.words import Finding
from rag.hardware import Machine
from rag.ingest.pipeline import Summary
from rag.ingest.reindex import Swapped
from rag.models import Created, InstalledModel, ModelDetails, suits
from rag.status import Status
from rag.types import (
    Answer,
    ChatDelta,
    Citation,
    Coverage,
    Document,
    FileResult,
    Hit,
    KnownModel,
    ModelInfo,
    Passage,
    RunningModel,
    SearchResult,
    Statement,
    Unit,
    UnitState,
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
            "pages_recognised": summary.pages_recognised,
            "pages_unread": summary.pages_unread,
            "seconds": round(summary.seconds, 3),
            "embed_seconds": round(summary.embed_seconds, 3),
            "moved": summary.moved,
        }
    }


def reindexed(end: Swapped) -> Json:
    return {**asdict(end), "seconds": round(end.seconds, 3)}


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
        "ocr_confidence": chunk.ocr_confidence,
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
        "coverage": coverage(answer.coverage),
        "seconds": answer.seconds,
        "notices": list(answer.notices),
    }


def coverage(coverage: Coverage) -> Json:
    return {
        "documents": coverage.documents,
        "documents_read": coverage.documents_read,
        "pages": coverage.pages,
        "pages_without_text": coverage.pages_without_text,
        "pages_unread": coverage.pages_unread,
        "states": _states(coverage.states),
    }


def _states(counts: Mapping[UnitState, int]) -> Json:
    return {state: counts.get(state, 0) for state in get_args(UnitState)}


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
    values["pages_unread"] = document.pages_unread
    values["states"] = _states(document.states)
    return values


def unit(unit: Unit) -> Json:
    return {
        "page": unit.number,
        "unit": unit.kind,
        "label": unit.label,
        "state": unit.state,
        "ocr_confidence": unit.ocr_confidence,
        "characters": len(unit.text),
    }


def generated(model: str, text: str, last: ChatDelta) -> Json:
    return {
        "model": model,
        "text": text,
        "prompt_tokens": last.prompt_tokens,
        "output_tokens": last.output_tokens,
        "stopped_by_length": last.stopped_by_length,
        "timings": asdict(last.timings) if last.timings else None,
    }


def status(status: Status) -> Json:
    return {
        "home": status.home,
        **coverage(status.coverage),
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
        "ocr": status.ocr,
        "reindex": {
            "unfinished": asdict(status.unfinished) if status.unfinished else None,
            "rollback": asdict(status.former) if status.former else None,
        },
        "last_run": status.last_run,
    }


def installed_models(models: Sequence[InstalledModel], machine: Machine | None) -> Json:
    return {
        "models": [_installed_model(model) for model in models],
        "machine": asdict(machine) if machine else None,
    }


def known_models(models: Sequence[KnownModel], machine: Machine | None) -> Json:
    return {
        "known": [
            {**asdict(model), "suits": suits(model, machine) if machine else None}
            for model in models
        ],
        "machine": asdict(machine) if machine else None,
    }


def model_details(details: ModelDetails) -> Json:
    shown, record = details.shown, details.record
    return {
        **_installed_model(details.installed),
        "modelfile": shown.modelfile,
        "system": shown.system,
        "parameters": shown.parameters,
        "template": shown.template,
        "license": shown.license,
        "facts": shown.info.facts,
        "made": {**asdict(record), "version": record.version} if record else None,
        "is_as_made": details.is_recorded,
    }


def created(created: Created) -> Json:
    record = created.record
    return {
        "created": {**asdict(record), "version": record.version},
        "before": created.before.version if created.before else None,
        "changes": created.changes,
        "ignored_parameters": list(created.ignored),
    }


def model(info: ModelInfo) -> Json:
    values = asdict(info)
    del values["facts"]  # hundreds of keys; `rag models show` has them
    values["capabilities"] = list(info.capabilities)
    return values


def running_model(model: RunningModel) -> Json:
    values = asdict(model)
    values["expires_at"] = model.expires_at.isoformat() if model.expires_at else None
    return values


def _installed_model(model_: InstalledModel) -> Json:
    return {
        **model(model_.info),
        "fit": asdict(model_.fit) if model_.fit else None,
        "running": running_model(model_.running) if model_.running else None,
    }


def findings(found: Sequence[Finding]) -> Json:
    return {"findings": [asdict(finding) | {"hint": finding.hint} for finding in found]}
