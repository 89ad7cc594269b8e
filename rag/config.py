"""Settings: defaults < rag.toml < environment < flags, and each value knows where it came from.

The name of a setting is the same everywhere: `chat_model` here and in rag.toml, `--chat-model`
as a flag, `RAG_CHAT_MODEL` in the environment. This module alone reads the environment.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from rag.egress import is_loopback
from rag.errors import BadSetting, HomeNotWritable
from rag.paths import Home, default_home, write_whole

EngineChoice = Literal["auto", "ollama", "embedded"]
MemoryCheck = Literal["on", "off"]
Think = Literal["off", "on", "low", "medium", "high"]
_OF_HERE = ("home", "ollama_host", "allow_hosts", "bind", "port", "watch_folders")
Layers = dict[str, Mapping[str, Any]]
"""What each source says, by its name; a later one wins."""
Bind = Literal["127.0.0.1", "0.0.0.0"]  # noqa: S104
"""Loopback, or every address of a container, which publishes what it wants of them."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `origins` maps each name to `default`, `rag.toml`, `environment` or `flag`."""

    home: Path = _setting(None, "Folder of the library.")
    engine: EngineChoice = _setting("auto", "What runs the models: auto, ollama or embedded.")
    ollama_host: str = _setting("http://127.0.0.1:11434", "Address of the Ollama server.")
    allow_hosts: tuple[str, ...] = _setting((), "Hosts beside loopback that may be reached.")
    chat_model: str = _setting(
        "llama3.1", "What writes the answers: an Ollama model, or a .gguf file."
    )
    embed_model: str = _setting("nomic-embed-text", "Ollama model that embeds a new library.")
    num_ctx: int = _setting(8192, "Largest window asked of the chat model, in tokens.")
    num_predict: int = _setting(512, "Longest answer, in tokens.")
    temperature: float = _setting(0.0, "Sampling temperature of the chat model.")
    keep_alive: str = _setting("5m", "How long a chat model stays loaded after use.")
    think: Think = _setting(
        "off", "Whether a model that can think does: off, on, low, medium, high."
    )
    num_parallel: int = _setting(1, "Answers that Ollama writes at once; others wait their turn.")
    num_gpu: int = _setting(-1, "Layers of a model on the GPU; 0: none, -1: as many as fit.")
    num_thread: int = _setting(0, "Threads of Ollama for a model; 0: as it sees fit.")
    memory_check: MemoryCheck = _setting(
        "on", "Refuse a model that would not fit into memory: on, off."
    )
    passages: int = _setting(8, "Most passages placed in one prompt.")
    connect_timeout: float = _setting(3.0, "Seconds to wait for Ollama to accept a connection.")
    load_timeout: float = _setting(600.0, "Seconds for a model to load and say its first word.")
    read_timeout: float = _setting(
        120.0, "Longest silence of a model between two words, in seconds."
    )
    ocr_pages: int = _setting(200, "Most pages of one document that OCR reads; 0 switches it off.")
    ocr_languages: tuple[str, ...] = _setting(
        (), "Languages for OCR by tesseract's names, such as deu,eng; none: chosen by document."
    )
    port: int = _setting(8501, "Port of the web app on loopback.")
    bind: Bind = _setting("127.0.0.1", "Where it listens; 0.0.0.0 is for containers only.")
    backups: int = _setting(3, "Automatic backups of the library that are kept; 0 makes none.")
    watch_folders: tuple[str, ...] = _setting((), "Folders that rag serve keeps up to date.")
    threads: int = _setting(0, "Threads of the embedded engine; 0 means one per core.")
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def library(self) -> Home:
        """The folder of the library with the names in it."""
        return Home(self.home)

    @property
    def gpu_layers(self) -> int | None:
        """`num_gpu` as it is sent: None leaves it to Ollama."""
        return None if self.num_gpu < 0 else self.num_gpu

    @property
    def model_file(self) -> Path | None:
        """The GGUF file that `chat_model` names; None where it names a model of Ollama.

        A name without a folder is looked for in the library's. Names of Ollama may end the same
        way, but then have a tag (hf.co/someone/model:file.gguf).
        """
        path = Path(self.chat_model).expanduser()
        is_file = path.suffix.lower() == ".gguf" and ":" not in path.name
        return self.home / path if is_file else None


SETTINGS = tuple(f for f in fields(Settings) if f.name != "origins")
_HIGHEST_PORT = 65_535
_LOWEST = {"num_ctx": 512, "num_predict": 16, "passages": 1, "port": 0, "threads": 0,
           "temperature": 0.0, "connect_timeout": 0.1, "load_timeout": 1.0, "read_timeout": 1.0,
           "num_parallel": 1, "num_gpu": -1, "num_thread": 0, "ocr_pages": 0, "backups": 0}  # fmt: skip


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read every source. Raises `BadSetting` for an unknown name or a value of the wrong form."""
    home, layers = _sources(flags or {}, environ)
    settings = _settle(home, {"rag.toml": _from_file(Home(home).settings), **layers})
    host = elsewhere(settings)
    if host and host not in settings.allow_hosts:
        raise BadSetting(
            "ollama_host",
            f"ollama_host is {settings.ollama_host}, another machine: your documents would be "
            "sent there.",
            f"If that machine is yours, allow it: --allow-hosts {host}",
        )
    return settings


def load_valid_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> tuple[Settings, tuple[tuple[str, BadSetting], ...]]:
    """Read every source, leaving out what is wrong: that is told beside, with where it stands.

    Does not raise. An `ollama_host` that is not allowed stays in; the guard does not let it be asked.
    """
    home, layers = _sources(flags or {}, environ)
    wrong: list[tuple[str, BadSetting]] = []
    try:
        layers = {"rag.toml": _from_file(Home(home).settings), **layers}
    except BadSetting as error:
        wrong.append(("rag.toml", error))
    while True:
        try:
            return _settle(home, layers), tuple(wrong)
        except BadSetting as error:
            name = error.subject
            origin = next(o for o in reversed(layers) if name in layers[o])
            wrong.append((origin, error))
            layers[origin] = {n: raw for n, raw in layers[origin].items() if n != name}


def elsewhere(settings: Settings) -> str | None:
    """The name of the other machine that `ollama_host` is on; None: it is on this one."""
    host = urlsplit(settings.ollama_host).hostname or ""
    return None if is_loopback(host) else host


def _sources(flags: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Path, Layers]:
    """The library's folder, and what environment and flags say, lower rank first."""
    given = {name: value for name, value in flags.items() if value is not None}
    surroundings = _from_environment(environ)
    home = Path(given.get("home") or surroundings.get("home") or default_home()).expanduser()
    return home.absolute(), {"environment": surroundings, "flag": given}


def _settle(home: Path, layers: Layers) -> Settings:
    """Lay the sources over one another. The error's subject is a name that one of them holds."""
    _check_names(Home(home).settings, layers.get("rag.toml", {}))
    values: dict[str, Any] = {"home": home}
    origins = {f.name: "default" for f in SETTINGS}
    for origin, layer in layers.items():
        for name, raw in layer.items():
            if name != "home":
                values[name] = _parse(name, raw, origin)
            origins[name] = origin
    settings = Settings(**values, origins=origins)
    _check(settings)
    return settings


def write_setting(settings: Settings, name: str, value: str | tuple[str, ...]) -> None:
    """Set one value in the library's rag.toml; all else in it, comments too, stays as it was.

    Raises `BadSetting` where the settings would not agree with it, `HomeNotWritable`. The file is as
    it was before or as it is to be, never in between.
    """
    import tomlkit

    changes: dict[str, Any] = {name: value}
    _check(replace(settings, **changes))
    path = settings.library.settings.resolve()  # a link stays a link
    try:
        table = tomlkit.parse(path.read_bytes() if path.exists() else b"")
        table[name] = list(value) if isinstance(value, tuple) else value
        write_whole(path, tomlkit.dumps(table).encode())
    except OSError as error:
        raise HomeNotWritable(
            str(path),
            f"{path} cannot be written: {error.strerror}.",
            "Give yourself write permission there.",
        ) from error


def portable_settings(path: Path) -> bytes:
    """The settings of a file that mean the same on any machine: no address, nothing that opens a way
    out of it, no comment. Raises `BadSetting` where the file is none.
    """
    import tomlkit

    table = _from_file(path)
    kept = {s.name: table[s.name] for s in SETTINGS if s.name in table and s.name not in _OF_HERE}
    return tomlkit.dumps(kept).encode() if kept else b""


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for theirs, ours in (("OLLAMA_HOST", "ollama_host"), ("OLLAMA_NUM_PARALLEL", "num_parallel")):
        if environ.get(theirs):
            found[ours] = environ[theirs]
    for setting in SETTINGS:
        value = environ.get("RAG_" + setting.name.upper())
        if value:
            found[setting.name] = value
    return found


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadSetting(str(path), f"{path} cannot be read.", "Check its permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(str(path), f"{path} is not valid TOML: {error}.", "Mend it.") from error
    return table


def _check_names(path: Path, table: Mapping[str, Any]) -> None:
    known = [s.name for s in SETTINGS if s.name != "home"]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See rag config show for the names."
            raise BadSetting(name, f"{path} has the unknown setting {name!r}.", hint)


def _parse(name: str, raw: Any, origin: str) -> Any:
    """The typed value of a setting given as text or as a TOML value."""
    kind: Any = type(next(s for s in SETTINGS if s.name == name).default)
    try:
        if kind is tuple:
            parts = raw.split(",") if isinstance(raw, str) else raw
            return tuple(str(part).strip() for part in parts if str(part).strip())
        if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
            raise ValueError
        return _as_url(str(raw)) if name == "ollama_host" else kind(raw)
    except (TypeError, ValueError) as error:
        raise BadSetting(
            name,
            f"The setting {name} from {origin} has the value {raw!r}, which is not of its form.",
            f"It takes a value like {next(s for s in SETTINGS if s.name == name).default!r}.",
        ) from error


def _as_url(host: str) -> str:
    """`OLLAMA_HOST` in any form Ollama takes, as a URL (0.0.0.0 means loopback to a client)."""
    url = urlsplit(host if "//" in host else f"//{host}")
    name = url.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104
    name = f"[{name}]" if ":" in name else name
    scheme = url.scheme or "http"
    if scheme not in ("http", "https"):
        raise ValueError(scheme)
    port = url.port or {"https": 443, "http": 80 if "//" in host else 11434}[scheme]
    return f"{scheme}://{name}:{port}"


def _check(settings: Settings) -> None:
    for name, choices in (
        ("engine", get_args(EngineChoice)),
        ("think", get_args(Think)),
        ("memory_check", get_args(MemoryCheck)),
    ):
        value = getattr(settings, name)
        if value not in choices:
            raise BadSetting(name, f"{name} is {value!r}.", f"It is one of {', '.join(choices)}.")
    if settings.bind not in get_args(Bind):
        raise BadSetting(
            "bind",
            f"bind is {settings.bind!r}: the web app is for the people of one machine.",
            "It is 127.0.0.1, or 0.0.0.0 in a container that publishes its port on 127.0.0.1.",
        )
    for name, lowest in _LOWEST.items():
        if getattr(settings, name) < lowest:
            raise BadSetting(
                name, f"{name} is {getattr(settings, name)}.", f"It is at least {lowest}."
            )
    if settings.port > _HIGHEST_PORT:
        raise BadSetting("port", f"port is {settings.port}.", f"It is at most {_HIGHEST_PORT}.")
    if settings.num_predict >= settings.num_ctx // 2:
        given = "num_ctx" if settings.origins["num_predict"] == "default" else "num_predict"
        raise BadSetting(
            given,
            f"num_predict ({settings.num_predict}) leaves too little of num_ctx "
            f"({settings.num_ctx}) for the passages.",
            "Make num_ctx larger, or num_predict smaller than half of it.",
        )
    if settings.engine == "ollama" and settings.model_file:
        raise BadSetting(
            "chat_model",
            f"engine is ollama, but chat_model is a model file ({settings.chat_model}), which the "
            "embedded engine runs.",
            "Leave engine at auto, or import the file into Ollama and name it by its name there.",
        )
