"""The error tree is as it is drawn, and every error tells what is wrong and what to do."""

import re

import pytest

from rag import errors
from rag.errors import LOAD_ERRORS, LoadError, VouchError
from rag.types import RETIRING, TRANSIENT


def family(kind: type[VouchError]) -> list[type[VouchError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in family(child))]


def drawn() -> list[tuple[str, str, int | None, str]]:
    """Name, parent, exit code (None: the parent's) and code of each line of the drawing."""
    rows = []
    parents: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│├└─ ]+)(\w+)(.*)$", line)
        if not match:
            continue
        depth = len(match[1])
        rest = match[3].replace("(never ends a run)", "").replace("its outcome", "failed").split()
        exit_code = int(rest[0]) if rest[0].isdigit() else None
        parents[depth] = match[2]
        parent = parents.get(depth - 4, "VouchError")
        rows.append((match[2], parent, exit_code, rest[-1]))
    return rows


def test_the_drawing_names_every_error_with_its_parent_exit_code_and_code() -> None:
    rows = drawn()
    assert len(rows) > 25
    for name, parent, exit_code, code in rows:
        kind = getattr(errors, name)
        assert kind.__bases__ == (getattr(errors, parent),), name
        expected = getattr(errors, parent).exit_code if exit_code is None else exit_code
        assert (kind.exit_code, kind.code) == (expected, code), name
    ours = {k.__name__ for k in family(VouchError) if k.__module__ == errors.__name__}
    assert ours - {"VouchError"} == {name for name, *_ in rows}


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in family(VouchError)]
    assert len(codes) == len(set(codes))


def test_no_two_errors_that_end_a_run_share_an_exit_code_but_with_their_parent() -> None:
    ending = [k for k in family(VouchError) if not issubclass(k, LoadError)]
    leaves = [k.exit_code for k in ending if not k.__subclasses__() and k.exit_code > 2]
    assert len(leaves) == len(set(leaves))
    special = {errors.EXIT_BUG, errors.EXIT_FILES_FAILED, errors.EXIT_INTERRUPTED, 0}
    assert not special & {k.exit_code for k in ending if k is not VouchError}


def test_every_load_error_is_a_named_outcome() -> None:
    assert set(LOAD_ERRORS) == RETIRING | (TRANSIENT - {"failed"})
    for code, kind in LOAD_ERRORS.items():
        assert kind("file", "It is so.").outcome == code
    assert LoadError("file", "It is so.").outcome == "failed"


@pytest.mark.parametrize("kind", family(VouchError), ids=lambda k: k.__name__)
def test_an_error_carries_subject_sentence_and_hint(kind: type[VouchError]) -> None:
    error = kind("subject", "A sentence.", "A hint.")
    assert (error.subject, str(error), error.hint) == ("subject", "A sentence.", "A hint.")
    info = error.info
    assert (info.code, info.message, info.hint) == (kind.code, "A sentence.", "A hint.")
