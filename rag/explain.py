"""Why a hit was found, in words: for the command line and the search page. Pure."""

from __future__ import annotations

from rag.types import Hit


def why(hit: Hit) -> list[str]:
    """The scores and ranks of a hit, its words, and the document that named it, a line each."""
    lines = [f"score {hit.score:.3f} · {_by('meaning', hit.dense_rank, hit.dense_score)} · "
             f"{_by('words', hit.keyword_rank, hit.keyword_score)}"]  # fmt: skip
    if hit.words:
        lines.append(f"words of the question in it: {', '.join(hit.words)}")
    elif hit.words is not None:
        lines.append("none of the question's words is in it")
    if hit.named_in:
        lines.append(f"named in {hit.named_in}, which was found before it")
    return lines


def _by(search: str, rank: int | None, score: float | None) -> str:
    if score is None:
        return f"{search}: nothing"
    place = f"rank {rank}" if rank else "not among the best"
    return f"{search}: {place} ({score:.3f})"
