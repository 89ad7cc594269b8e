"""What to do about each file: decided from values alone."""

from dataclasses import replace

import pytest

from rag.ingest.discover import Discovery, Found
from rag.ingest.plan import Plan, make_plan
from rag.types import Document, ErrorInfo, Outcome

BLIND = ErrorInfo("unreadable", "No.", "Check.")


def found(path: str, size: int = 1, mtime_ns: int = 1) -> Found:
    return Found(path, root="/docs", size=size, mtime_ns=mtime_ns)


def document(path: str, outcome: Outcome = "added", **others: object) -> Document:
    made = Document(
        id=path, path=path, name=path, format="text", title=None, sha256="0", size=1, mtime_ns=1,
        outcome=outcome, error=None, reader="r", chunker="c", stale=False, pages=1,
        pages_without_text=0, chunks=1, updated_at="",
    )  # fmt: skip
    return replace(made, **others)  # type: ignore[arg-type]


def plan(
    files: list[Found], known: list[Document], current: bool = True, blind: tuple[str, ...] = ()
) -> Plan:
    discovery = Discovery(tuple(files), ("/docs",), tuple((path, BLIND) for path in blind))
    under = [d.path for d in known]
    return make_plan(
        discovery, {d.path: d for d in known}, under, lambda _: current, lambda _: None
    )


def test_a_new_file_is_loaded() -> None:
    assert [f.path for f in plan([found("/docs/a")], []).load] == ["/docs/a"]


def test_a_file_of_the_same_size_and_time_is_not_even_opened() -> None:
    made = plan([found("/docs/a")], [document("/docs/a")])
    assert (made.load, [d.path for d in made.unchanged]) == ((), ["/docs/a"])


@pytest.mark.parametrize("change", [{"size": 2}, {"mtime_ns": 2}])
def test_a_file_of_another_size_or_time_is_looked_into(change: dict) -> None:
    assert plan([found("/docs/a", **change)], [document("/docs/a")]).load


@pytest.mark.parametrize("outcome", ["no_text", "needs_password", "damaged", "unsupported"])
def test_a_file_that_could_not_be_read_is_not_tried_again_unless_it_changed(
    outcome: Outcome,
) -> None:
    known = [document("/docs/a", outcome, chunks=0)]
    assert not plan([found("/docs/a")], known).load
    assert plan([found("/docs/a", size=2)], known).load


@pytest.mark.parametrize("outcome", ["unreadable", "timed_out", "failed"])
def test_a_failure_that_may_pass_is_tried_again(outcome: Outcome) -> None:
    assert plan([found("/docs/a")], [document("/docs/a", outcome)]).load


def test_a_stale_document_is_tried_again() -> None:
    assert plan([found("/docs/a")], [document("/docs/a", stale=True)]).load


def test_a_newer_reader_or_chunker_reads_again() -> None:
    assert plan([found("/docs/a")], [document("/docs/a")], current=False).load


def test_what_is_gone_from_the_folder_is_removed() -> None:
    made = plan([found("/docs/a")], [document("/docs/a"), document("/docs/b")])
    assert [d.path for d in made.remove] == ["/docs/b"]
    assert made.files == 2


def test_nothing_below_what_could_not_be_looked_at_counts_as_gone() -> None:
    known = [document(p) for p in ("/docs/closed/a", "/docs/closed/x/b", "/docs/closedness/c")]
    made = plan([], known, blind=("/docs/closed",))
    assert [d.path for d in made.remove] == ["/docs/closedness/c"]
    assert plan([], [document("/docs/file")], blind=("/docs/file",)).remove == ()
