"""Folders kept up to date from the web app: begun and ended there, kept over a new start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rag.config import Settings, load_settings
from rag.errors import PathNotFound

from .conftest import NOWHERE, ROOT
from .test_pages import button, documents, opened, texts

PATIENCE = 60.0


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[], Settings]:
    """The settings of the library, read anew each time."""
    flags = {"home": tmp_path / "home", "engine": "embedded", "ollama_host": NOWHERE}
    return lambda: load_settings(flags, {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my notes, 2026"
    folder.mkdir()
    (folder / "tea.md").write_text("# Tea\n\nThe kettle boils in four minutes.")
    return folder


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_folder_is_kept_up_to_date_until_that_is_ended(
    settings: Callable[[], Settings], folder: Path
) -> None:
    with opened(settings()) as workspace:
        workspace.watch(str(folder))
        wait_until(lambda: len(workspace.assistant.documents()) == 1)
        (folder / "rope.md").write_text("# Rope\n\nThe rope is wet.")
        wait_until(lambda: len(workspace.assistant.documents()) == 2)
        wait_until(lambda: workspace.watch_progress and workspace.watch_progress.summary)
        app = documents(workspace)
        assert "Kept up to date" in texts(app)
        assert "Last change: 1 file read." in texts(app)
        button(app, "unwatch-0").click().run()
        assert not app.exception
        assert workspace.watched == () and workspace.watch_progress is None
        (folder / "late.md").write_text("# Late\n\nThe ferry came late.")
        time.sleep(3)
        assert len(workspace.assistant.documents()) == 2
    assert settings().watch_folders == ()


def test_the_choice_outlives_the_server_and_the_process_does_not(
    settings: Callable[[], Settings], folder: Path
) -> None:
    with opened(settings()) as workspace:
        workspace.watch(str(folder))
        wait_until(lambda: workspace.assistant.documents())
        children = psutil.Process().children(recursive=True)
    wait_until(lambda: not any(child.is_running() for child in children if _watches(child)))
    assert settings().watch_folders == (str(folder),)
    (folder / "rope.md").write_text("# Rope\n\nThe rope is wet.")
    with opened(settings()) as workspace:
        wait_until(lambda: len(workspace.assistant.documents()) == 2)


def test_a_folder_that_is_not_there_is_not_taken(settings: Callable[[], Settings]) -> None:
    with opened(settings()) as workspace:
        with pytest.raises(PathNotFound):
            workspace.watch("/nowhere/at/all")
        assert workspace.watched == ()


def test_a_watch_ends_with_a_server_that_is_killed(
    settings: Callable[[], Settings], folder: Path, tmp_path: Path
) -> None:
    program = (
        "import sys, time; from rag.config import load_settings; "
        "from rag.server.workspace import Workspace; "
        "w = Workspace(load_settings({'home': sys.argv[1], 'engine': 'embedded'}, {})); "
        "w.watch(sys.argv[2]); print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        parent = psutil.Process(server.pid)
        wait_until(lambda: any(map(_watches, parent.children(recursive=True))))
        children = [c for c in parent.children(recursive=True) if _watches(c)]
        wait_until((tmp_path / "home" / "backups").is_dir)  # at the end of its first ingestion
        os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not any(child.is_running() for child in children))


def _watches(process: psutil.Process) -> bool:
    try:
        return "--watch" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
