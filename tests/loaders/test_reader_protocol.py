import io
import json
import struct
from pathlib import Path

import pytest

from rag.errors import LOAD_ERRORS, LoadError
from rag.frames import MAX_FRAME, Frame, receive, send
from rag.loaders.protocol import pack_document, pack_error, unpack_document, unpack_error
from rag.types import LoadedDocument, Unit

DOCUMENT = LoadedDocument(
    "pdf",
    "Title › ü",
    (
        Unit(1, "page", "page 1", "text \U0001f600", ("a", "b"), "read", b"map1"),
        Unit(3, "page", "page 3", "", state="empty"),
        Unit(4, "page", "page 4", "more", char_map=b"\x00\xff"),
    ),
    "pdf/1 x 1",
    date="2024-02-03",
    members=("a.pdf", "b › ü.txt"),
)


def through_a_pipe(frame: Frame) -> Frame:
    pipe = io.BytesIO()
    send(pipe, frame)
    pipe.seek(0)
    received = receive(pipe)
    assert received is not None
    return received


def test_a_document_comes_through_unchanged() -> None:
    assert unpack_document(through_a_pipe(pack_document(DOCUMENT))) == DOCUMENT


def test_every_load_error_comes_through_with_its_class_message_and_hint() -> None:
    for kind in (*LOAD_ERRORS.values(), LoadError):
        frame = through_a_pipe(pack_error(kind("there", "message", "hint")))
        error = unpack_error(frame, Path("here"))
        assert type(error) is kind
        assert (error.subject, error.message, error.hint) == ("here", "message", "hint")


def test_a_path_that_is_no_unicode_comes_through() -> None:
    assert through_a_pipe(Frame({"path": "a\udcff"})).message == {"path": "a\udcff"}


def test_the_end_of_the_stream_is_none() -> None:
    assert receive(io.BytesIO()) is None
    assert receive(io.BytesIO(struct.pack(">II", 5, 5) + b"{}")) is None


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II", MAX_FRAME, 1),
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"\xff\xff",
        struct.pack(">II", 200000, 0) + b"[" * 200000,
        struct.pack(">II", 9, 0) + b"{" + b"9" * 8,
    ],
)
def test_a_frame_of_a_wrong_form_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        receive(io.BytesIO(data))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("units", None),
        ("units", [1]),
        ("units", [[1, "page"]]),
        ("units", [["1", "page", "l", "t", [], "read", 0]]),
        ("units", [[1, "page", "l", {"t": 1}, [], "read", 0]]),
        ("units", [[1, "page", "l", "t", [2], "read", 0]]),
        ("units", [[1, "page", "l", "t", [], "good", 0]]),
        ("units", [[1, "page", "l", "t", [], "read", -1]]),
        ("units", [[1 << 70, "page", "l", "t", [], "read", 0]]),
        ("units", [[1, "page", "l", "\ud800", [], "read", 0]]),
        ("title", 1),
        ("date", 1),
        ("members", [1]),
        ("format", None),
    ],
)
def test_a_reply_that_is_no_document_is_a_value_error(key: str, value: object) -> None:
    message = json.loads(json.dumps(pack_document(DOCUMENT).message)) | {key: value}
    with pytest.raises(ValueError):
        unpack_document(Frame(message))


def test_a_frame_over_the_limit_is_not_sent() -> None:
    pipe = io.BytesIO()
    with pytest.raises(ValueError):
        send(pipe, Frame({}, bytes(MAX_FRAME)))
    assert pipe.getvalue() == b""
