"""From what was seen to findings. Pure: the same facts always give the same findings."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from rag import __version__
from rag.answering.budget import WINDOW_STEPS
from rag.config import SETTINGS, Settings, elsewhere
from rag.doctor import needs
from rag.doctor.facts import CatalogFacts, Facts, LibraryFacts, ModelFacts, ServerFacts, Trial
from rag.doctor.words import Finding, Status, finding
from rag.engines.ollama.engine import CHAT_REFUSES_TO_CUT
from rag.engines.ollama.replies import version_of
from rag.engines.prefixes import prefixes_of
from rag.errors import BadSetting, LibraryDamaged, SchemaTooNew
from rag.paths import Home
from rag.types import EmbeddingIdentity, ModelInfo

LEAST = (0, 6, 4)
"""From 0.5.5 on models are created from structured requests, from 0.6.4 on a server says what a
model can do: without that an embedding model cannot be told from a chat model, nor one that thinks."""
TESTED = (0, 9, 6)
CLOUD = (0, 12, 0)
"""The first with models on other machines; whether they are switched off is said from 0.16 on."""
EMPTY_DISK = 2**20  # bytes
LEAST_FREE = 500 * 2**20  # bytes, and room for another database beside
SLOWER = 4
"""How much slower than in its trial a model may write: windows fill up, others want the machine."""

_DEFAULTS = {s.name: s.default for s in SETTINGS}


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """All findings, by group."""
    return (
        *_engine(facts),
        *_models(facts),
        *_library(facts),
        *_machine(facts),
        *_network(facts),
    )


# --------------------------------------------------------------------------- engine


def _engine(facts: Facts) -> Iterator[Finding]:
    if facts.server is not None:
        if facts.server.version is None:
            yield _no_server(facts, facts.server)
        else:
            yield finding("ollama", version=facts.server.version, host=facts.server.host)
            yield from _age(facts.server.version)
    if facts.weights is not None:
        yield finding("weights", model=facts.weights.model)
    else:
        needed = "embedded" in (facts.settings.engine, _engine_of(facts.library))
        yield finding("weights_missing", "problem" if needed else None)


def _no_server(facts: Facts, server: ServerFacts) -> Finding:
    needed = "ollama" in (facts.settings.engine, _engine_of(facts.library))
    status: Status | None = "problem" if needed else None
    host = server.host
    if server.elsewhere is not None:
        return finding("wrong_host", status, host=host, elsewhere=server.elsewhere)
    if server.fault == "silent":
        return finding("ollama_silent", status, host=host)
    if server.fault == "foreign":
        return finding("not_ollama", status, host=host, port=urlsplit(host).port)
    if not server.installed and elsewhere(facts.settings) is None:
        model = facts.settings.chat_model
        return finding("ollama_not_installed", status, host=host, model=model)
    return finding("ollama_not_running", status, host=host)


def _age(version: str) -> Iterator[Finding]:
    number = _number(version)
    if number is None:
        return
    if number < LEAST:
        yield finding("ollama_old", version=version, least=_dotted(LEAST))
    elif number < TESTED:
        yield finding("ollama_untested", version=version, tested=_dotted(TESTED))
    if LEAST <= number < CHAT_REFUSES_TO_CUT:
        yield finding("ollama_cuts", version=version, refuses=_dotted(CHAT_REFUSES_TO_CUT))


def _number(version: str) -> tuple[int, ...] | None:
    """None for a build that does not know its version: it calls itself 0.0.0."""
    number = version_of(version)
    return number if any(number) else None


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in number)


def _engine_of(library: LibraryFacts) -> str | None:
    """Which engine embedded the library."""
    catalog = library.catalog
    return catalog.identity.engine if catalog and catalog.identity else None


# --------------------------------------------------------------------------- models


def _models(facts: Facts) -> Iterator[Finding]:
    server, settings = facts.server, facts.settings
    if settings.engine == "embedded":
        yield finding("quoting")
    elif server is not None and server.chat is not None:
        yield from _chat(settings, server.chat)
        if server.chat.info is not None and facts.trial is not None:
            yield from _speed(settings, server.chat, facts.trial)
    catalog = facts.library.catalog
    identity = catalog.identity if catalog else None
    if identity is not None:
        yield from _library_model(facts, identity)
    elif server is not None and server.embed is not None and settings.engine != "embedded":
        yield from _new_library_model(settings, server.embed)


def _chat(settings: Settings, chat: ModelFacts) -> Iterator[Finding]:
    if chat.cloud:
        yield _cloud("chat_model", chat.name)
    elif chat.info is None:
        status: Status | None = "problem" if settings.engine == "ollama" else None
        if chat.alike:
            yield finding("chat_model_tag", status, model=chat.name, there=chat.alike[0])
        else:
            yield finding("chat_model_missing", status, model=chat.name)
    elif chat.only_embeds:
        yield finding("chat_model_embeds", model=chat.name, better=_DEFAULTS["chat_model"])
    else:
        yield finding("chat_model", model=chat.name)
        yield from _window(settings, chat, chat.info)


def _cloud(setting: str, model: str) -> Finding:
    variable = f"RAG_{setting.upper()}"
    return finding("cloud_model", model=model, variable=variable, better=_DEFAULTS[setting])


def _window(settings: Settings, chat: ModelFacts, info: ModelInfo) -> Iterator[Finding]:
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    own = info.context_length or max(need.total, settings.num_ctx)
    wanted = {"passages": settings.passages, "need": need.total}
    if settings.num_ctx < min(need.total, own):
        step = next((step for step in WINDOW_STEPS if step >= need.total), need.total)
        yield finding("num_ctx_small", window=settings.num_ctx, enough=min(step, own), **wanted)
    if own < need.total:
        fitting = need.passages_in(own)
        yield finding("model_window_small", model=chat.name, window=own, fitting=fitting, **wanted)
    if need.total <= min(settings.num_ctx, own):
        window = min(settings.num_ctx, own)
        yield finding("window", model=chat.name, window=window, **wanted)


def _speed(settings: Settings, chat: ModelFacts, trial: Trial) -> Iterator[Finding]:
    if trial.failure is not None:
        yield finding("model_fails", model=chat.name, reason=trial.failure.message)
        return
    if trial.reading is None or trial.writing is None:
        return
    speeds = {"reading": f"{trial.reading:.0f}", "writing": f"{trial.writing:.1f}"}
    yield finding("speed", model=chat.name, load=f"{trial.load:.1f}", **speeds)
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    first, word = trial.load + need.prompt / trial.reading, SLOWER / trial.writing
    for code, seconds, timeout in (
        ("load_timeout_short", first, settings.load_timeout),
        ("read_timeout_short", word, settings.read_timeout),
    ):
        if seconds > timeout:
            shown = {"seconds": f"{seconds:.0f}", "timeout": f"{timeout:g}"}
            yield finding(code, model=chat.name, enough=math.ceil(2 * seconds), **shown)


def _library_model(facts: Facts, identity: EmbeddingIdentity) -> Iterator[Finding]:
    """Whether what embedded the library is there and the same."""
    if identity.engine != "ollama":
        if facts.weights is not None and facts.weights.key != identity.key:
            yield finding("embed_model_changed", model=identity.model)
        return
    embed = facts.server.embed if facts.server else None
    if embed is None:
        return  # the server does not answer, which is said already
    if embed.cloud:
        yield _cloud("embed_model", embed.name)
    elif embed.info is None:
        yield finding("embed_model_missing", model=identity.model)
    elif (embed.info.digest, *prefixes_of(identity.model)) != (
        identity.digest,
        identity.document_prefix,
        identity.query_prefix,
    ):
        yield finding("embed_model_changed", model=identity.model)
    else:
        yield finding("embed_model", model=identity.model)


def _new_library_model(settings: Settings, embed: ModelFacts) -> Iterator[Finding]:
    """Whether a library that is begun now would get the model that the settings name."""
    if embed.cloud:
        yield _cloud("embed_model", embed.name)
    elif embed.info is None:
        status: Status | None = "problem" if settings.engine == "ollama" else None
        yield finding("embed_model_absent", status, model=embed.name)
    elif embed.only_writes:
        yield finding("embed_model_chats", model=embed.name, better=_DEFAULTS["embed_model"])
    else:
        yield finding("embed_model", model=embed.name)


# --------------------------------------------------------------------------- library


def _library(facts: Facts) -> Iterator[Finding]:
    library = facts.library
    for origin, error in facts.wrong:
        yield _setting(library, origin, error)
    if library.network is not None:
        yield finding("network_home", home=library.home, kind=library.network)
        return
    if not library.writable:
        yield finding("home_not_writable", home=library.home)
    if library.holder is not None:
        yield finding("library_busy", holder=library.holder, pid=library.holder.pid)
    if library.fault is not None:
        yield _unreadable(library)
    elif library.catalog is None:
        yield finding("no_library", home=library.home)
    else:
        yield from _indexes(library.home, library.catalog)


def _setting(library: LibraryFacts, origin: str, error: BadSetting) -> Finding:
    command = _undo(library.home, origin, error.subject)
    found = finding("bad_setting", message=error.message, advice=error.hint)
    return replace(found, command=command)


def _undo(home: Path, origin: str, subject: str) -> str:
    """What takes a setting away where it stands; nothing for a flag, which was typed just now."""
    file = str(Home(home).settings)
    if subject == file:
        return shlex.join(["mv", file, f"{file}.wrong"])
    if origin == "rag.toml" and re.fullmatch(r"[\w-]+", subject):
        return shlex.join(["sed", "-i.bak", f"/^ *{subject} *=/d", file])
    if origin == "environment":
        also = {"ollama_host": " OLLAMA_HOST", "num_parallel": " OLLAMA_NUM_PARALLEL"}
        return f"unset RAG_{subject.upper()}{also.get(subject, '')}"
    return ""


def _unreadable(library: LibraryFacts) -> Finding:
    facts = {"home": library.home, "database": Home(library.home).database}
    match library.fault:
        case SchemaTooNew():
            return finding("library_newer")
        case LibraryDamaged() if library.backup is not None:
            return finding("library_damaged_backup", backup=library.backup, **facts)
        case LibraryDamaged():
            return finding("library_damaged", **facts)
        case _:
            return finding("library_unreadable", **facts)


def _indexes(home: Path, catalog: CatalogFacts) -> Iterator[Finding]:
    folder = catalog.folder or "~/Documents"
    wrong = []
    if catalog.vectors == "damaged":
        wrong.append(finding("vector_index_damaged", folder=folder))
    if catalog.keywords in ("damaged", "gone"):
        wrong.append(finding(f"keyword_index_{catalog.keywords}", folder=folder))
    yield from wrong or [finding("library", chunks=catalog.chunks, home=home)]


# --------------------------------------------------------------------------- machine, network


def _machine(facts: Facts) -> Iterator[Finding]:
    library = facts.library
    yield finding("program", version=__version__, python=facts.python, system=facts.system)
    wanted = LEAST_FREE + library.size
    if library.free is None:
        return
    if library.free < EMPTY_DISK:
        yield finding("disk_full", home=library.home)
    elif library.free < wanted:
        sizes = {"free": _size(library.free), "wanted": _size(wanted)}
        yield finding("disk_low", home=library.home, **sizes)
    else:
        yield finding("disk", free=_size(library.free))


def _network(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    host = elsewhere(settings)
    if host is None:
        yield finding("sealed")
    elif host in settings.allow_hosts:
        local = _DEFAULTS["ollama_host"]
        yield finding("host_elsewhere", url=settings.ollama_host, local=local)
    else:
        yield finding("host_not_allowed", url=settings.ollama_host, host=host)
    if facts.server is not None and _may_be_cloud(facts.server):
        yield finding("cloud_features")
    proxies = [name for name in facts.dropped if name.lower().endswith("_proxy")]
    if proxies:
        names = f"{' and '.join(proxies)} {'is' if len(proxies) == 1 else 'are'}"
        yield replace(finding("proxies", names=names), command=shlex.join(["unset", *proxies]))


def _may_be_cloud(server: ServerFacts) -> bool:
    """Servers between the first with such models and the first that tells cannot do without."""
    if server.cloud is not None:
        return server.cloud
    number = _number(server.version or "")
    return number is not None and number >= CLOUD


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{count / 1e6:.0f} MB"
