"""The error tree. Every expected failure is one of these; anything else is a bug.

    VouchError                        exit  code
    ├── UsageError                      2   usage
    │   ├── BadSetting                  2   bad_setting
    │   ├── PathNotFound                4   path_not_found
    │   ├── NothingToIngest             5   nothing_to_ingest
    │   ├── QuestionTooLong             6   question_too_long
    │   ├── EmptyLibrary                7   empty_library
    │   ├── UnknownDocument             8   unknown_document
    │   └── BadModelfile                9   bad_modelfile
    ├── HomeError                      10   home
    │   ├── HomeNotWritable            10   home_not_writable
    │   ├── NetworkHome                11   network_home
    │   ├── SchemaTooNew               12   schema_too_new
    │   ├── LibraryBusy                13   library_busy
    │   ├── LibraryDamaged             14   library_damaged
    │   └── DiskFull                   15   disk_full
    ├── EngineError                    20   engine
    │   ├── EngineUnreachable          21   engine_unreachable
    │   ├── ModelMissing               22   model_missing
    │   ├── EngineTimeout              23   engine_timeout
    │   ├── StreamBroken               24   stream_broken
    │   ├── CloudModelRefused          25   cloud_model_refused
    │   ├── IdentityMismatch           26   identity_mismatch
    │   ├── InputTooLong               27   input_too_long
    │   ├── EngineBusy                 28   engine_busy
    │   └── NotEnoughMemory            29   not_enough_memory
    ├── EgressRefused                  30   egress_refused
    ├── ServerError                    31   server
    ├── UnknownRun                     33   unknown_run
    ├── TracesLeft                     34   traces_left
    ├── BadArchive                     35   bad_archive
    └── LoadError  (never ends a run)  40   its outcome
        ├── NoText                          no_text
        ├── NeedsPassword                   needs_password
        ├── Damaged                         damaged
        ├── TooLarge                        too_large
        ├── Unsupported                     unsupported
        ├── Unreadable                      unreadable
        └── TimedOut                        timed_out

Exit 0: all went well. Exit 1: a bug. Exit 3: `rag ingest` where a file ended in `unreadable`,
`timed_out` or `failed`. Exit 32: `rag doctor` found a problem. Exit 130: interrupted.

Each error carries its subject (a path, a model, a setting), one sentence saying what is wrong and
a hint saying what to do. Adapters map the exceptions of the packages they wrap to this tree.
"""

from __future__ import annotations

from typing import ClassVar, cast

from rag.types import ErrorInfo, Outcome

EXIT_BUG = 1
EXIT_FILES_FAILED = 3
EXIT_PROBLEMS = 32
EXIT_INTERRUPTED = 130


class VouchError(Exception):
    """Base of all expected failures."""

    exit_code: ClassVar[int] = EXIT_BUG
    code: ClassVar[str] = "error"

    def __init__(self, subject: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.subject = subject
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    @property
    def info(self) -> ErrorInfo:
        """The error as data."""
        return ErrorInfo(self.code, self.message, self.hint)


class UsageError(VouchError):
    exit_code = 2
    code = "usage"


class BadSetting(UsageError):
    code = "bad_setting"


class PathNotFound(UsageError):
    exit_code = 4
    code = "path_not_found"


class NothingToIngest(UsageError):
    exit_code = 5
    code = "nothing_to_ingest"


class QuestionTooLong(UsageError):
    exit_code = 6
    code = "question_too_long"


class EmptyLibrary(UsageError):
    exit_code = 7
    code = "empty_library"


class UnknownDocument(UsageError):
    exit_code = 8
    code = "unknown_document"


class BadModelfile(UsageError):
    exit_code = 9
    code = "bad_modelfile"


class UnknownRun(VouchError):
    exit_code = 33
    code = "unknown_run"


class TracesLeft(VouchError):
    """Something is left of a document that was removed."""

    exit_code = 34
    code = "traces_left"


class BadArchive(VouchError):
    exit_code = 35
    code = "bad_archive"


class HomeError(VouchError):
    exit_code = 10
    code = "home"


class HomeNotWritable(HomeError):
    code = "home_not_writable"


class NetworkHome(HomeError):
    exit_code = 11
    code = "network_home"


class SchemaTooNew(HomeError):
    exit_code = 12
    code = "schema_too_new"


class LibraryBusy(HomeError):
    exit_code = 13
    code = "library_busy"


class LibraryDamaged(HomeError):
    exit_code = 14
    code = "library_damaged"


class DiskFull(HomeError):
    exit_code = 15
    code = "disk_full"


class EngineError(VouchError):
    exit_code = 20
    code = "engine"


class EngineUnreachable(EngineError):
    exit_code = 21
    code = "engine_unreachable"


class ModelMissing(EngineError):
    exit_code = 22
    code = "model_missing"


class EngineTimeout(EngineError):
    exit_code = 23
    code = "engine_timeout"


class StreamBroken(EngineError):
    exit_code = 24
    code = "stream_broken"


class CloudModelRefused(EngineError):
    exit_code = 25
    code = "cloud_model_refused"


class IdentityMismatch(EngineError):
    exit_code = 26
    code = "identity_mismatch"


class InputTooLong(EngineError):
    exit_code = 27
    code = "input_too_long"


class EngineBusy(EngineError):
    exit_code = 28
    code = "engine_busy"


class NotEnoughMemory(EngineError):
    exit_code = 29
    code = "not_enough_memory"


class EgressRefused(VouchError):
    exit_code = 30
    code = "egress_refused"


class ServerError(VouchError):
    exit_code = 31
    code = "server"


class LoadError(VouchError):
    """A file that could not be read. Its code is the file's outcome."""

    exit_code = 40
    code = "failed"

    @property
    def outcome(self) -> Outcome:
        return cast(Outcome, self.code)


class NoText(LoadError):
    code = "no_text"


class NeedsPassword(LoadError):
    code = "needs_password"


class Damaged(LoadError):
    code = "damaged"


class TooLarge(LoadError):
    code = "too_large"


class Unsupported(LoadError):
    code = "unsupported"


class Unreadable(LoadError):
    code = "unreadable"


class TimedOut(LoadError):
    code = "timed_out"


LOAD_ERRORS: dict[str, type[LoadError]] = {
    error.code: error
    for error in (NoText, NeedsPassword, Damaged, TooLarge, Unsupported, Unreadable, TimedOut)
}
