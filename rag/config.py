"""Settings: defaults < rag.toml < environment < flags, and each value knows where it came from.

The name of a setting is the same everywhere: `chat_model` here and in rag.toml, `--chat-model`
as a flag, `RAG_CHAT_MODEL` in the environment. This module alone reads the environment.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from rag.egress import is_loopback
from rag.errors import BadSetting
from rag.paths import Home, default_home

EngineChoice = Literal["auto", "ollama", "embedded"]
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
    chat_model: str = _setting("llama3.1", "Ollama model that writes the answers.")
    embed_model: str = _setting("nomic-embed-text", "Ollama model that embeds a new library.")
    num_ctx: int = _setting(8192, "Context window of the chat model, in tokens.")
    num_predict: int = _setting(512, "Longest answer, in tokens.")
    temperature: float = _setting(0.0, "Sampling temperature of the chat model.")
    keep_alive: str = _setting("5m", "How long Ollama keeps a model loaded after use.")
    passages: int = _setting(8, "Most passages placed in one prompt.")
    connect_timeout: float = _setting(3.0, "Seconds to wait for Ollama to accept a connection.")
    read_timeout: float = _setting(300.0, "Longest silence of Ollama, in seconds.")
    port: int = _setting(8501, "Port of the web app on loopback.")
    bind: Bind = _setting("127.0.0.1", "Where it listens; 0.0.0.0 is for containers only.")
    threads: int = _setting(0, "Threads of the embedded engine; 0 means one per core.")
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def library(self) -> Home:
        """The folder of the library with the names in it."""
        return Home(self.home)


SETTINGS = tuple(f for f in fields(Settings) if f.name != "origins")
_HIGHEST_PORT = 65_535
_LOWEST = {"num_ctx": 512, "num_predict": 16, "passages": 1, "port": 0, "threads": 0,
           "temperature": 0.0, "connect_timeout": 0.1, "read_timeout": 1.0}  # fmt: skip


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read every source. Raises `BadSetting` for an unknown name or a value of the wrong form."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    surroundings = _from_environment(environ)
    home = Path(given.get("home") or surroundings.get("home") or default_home()).expanduser()
    layers = {
        "rag.toml": _from_file(Home(home.absolute()).settings),
        "environment": surroundings,
        "flag": given,
    }
    values: dict[str, Any] = {"home": home.absolute()}
    origins = {f.name: "default" for f in SETTINGS}
    for origin, layer in layers.items():
        for name, raw in layer.items():
            if name != "home":
                values[name] = _parse(name, raw, origin)
            origins[name] = origin
    settings = Settings(**values, origins=origins)
    _check(settings)
    return settings


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if environ.get("OLLAMA_HOST"):
        found["ollama_host"] = environ["OLLAMA_HOST"]
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
    known = [s.name for s in SETTINGS if s.name != "home"]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See rag config show for the names."
            raise BadSetting(name, f"{path} has the unknown setting {name!r}.", hint)
    return table


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
    if settings.engine not in get_args(EngineChoice):
        raise BadSetting(
            "engine", f"engine is {settings.engine!r}.", "It is one of auto, ollama, embedded."
        )
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
        raise BadSetting(
            "num_predict",
            f"num_predict ({settings.num_predict}) leaves too little of num_ctx "
            f"({settings.num_ctx}) for the passages.",
            "Make num_ctx larger, or num_predict smaller than half of it.",
        )
    host = urlsplit(settings.ollama_host).hostname or ""
    if not is_loopback(host) and host not in settings.allow_hosts:
        raise BadSetting(
            "ollama_host",
            f"ollama_host is {settings.ollama_host}, another machine: your documents would be "
            "sent there.",
            f"If that machine is yours, allow it: --allow-hosts {host}",
        )
