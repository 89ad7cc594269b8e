"""Text that moves from one file to another in one run keeps its vectors."""

from __future__ import annotations

from pathlib import Path

from .corpus import Corpus
from .crash import Known, ingest, opened


def test_two_files_that_swap_their_text_keep_a_vector_for_each_chunk(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "docs")
    corpus.add_short(4)
    home = tmp_path / "home"
    assert ingest(home, corpus.folder).code == 0
    one, other = corpus.files()[:2]
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])
    # embedded first, and for long enough that the two arrive together, in one commit
    long = corpus.add_long(80)
    long.rename(long.with_name("00000-first.txt"))
    ended = ingest(home, corpus.folder)
    assert opened(home, Known(corpus.versions), ended.results)["problems"] == []
    assert ended.code == 0, ended.stdout[-500:]
