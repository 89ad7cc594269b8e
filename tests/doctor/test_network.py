"""Other machines, cloud features and proxies: what might carry documents away."""

from __future__ import annotations

import pytest

from tests.scripted_ollama import ScriptedOllama

from .desk import Desk

FOREIGN = "http://192.0.2.7:11434"  # an address of the documentation's network: nobody has it


def test_another_machine_is_not_asked_before_it_is_allowed(desk: Desk) -> None:
    desk.environ["OLLAMA_HOST"] = "192.0.2.7"
    del desk.environ["RAG_OLLAMA_HOST"]
    found = desk.examine()
    assert found["host_not_allowed"].status == "problem"
    assert FOREIGN in found["host_not_allowed"].message
    assert found["host_not_allowed"].command == "export RAG_ALLOW_HOSTS=192.0.2.7"
    assert "ollama_not_running" not in found
    assert "sealed" not in found
    desk.environ["RAG_ENGINE"] = "embedded"  # so that it is not asked once it is allowed
    desk.assert_mended(found["host_not_allowed"])


def test_another_machine_that_is_allowed_is_named_as_where_documents_go(desk: Desk) -> None:
    desk.environ |= {"RAG_OLLAMA_HOST": FOREIGN, "RAG_ALLOW_HOSTS": "192.0.2.7"}
    found = desk.examine()["host_elsewhere"]
    assert found.status == "note"
    assert FOREIGN in found.message
    assert found.command == "export RAG_OLLAMA_HOST=http://127.0.0.1:11434"
    desk.assert_mended(found)


def test_an_ollama_on_this_machine_is_said_to_be_here(asking: Desk) -> None:
    assert asking.examine()["sealed"].status == "ok"


def test_cloud_features_are_named_with_the_switch_that_ends_them(
    asking: Desk, scripted: ScriptedOllama
) -> None:
    scripted.version, scripted.cloud = "0.17.4", True
    found = asking.examine()["cloud_features"]
    assert (found.status, found.command) == ("note", "OLLAMA_NO_CLOUD=1 ollama serve")
    scripted.cloud = False  # as that switch has it
    assert "cloud_features" not in asking.examine()


@pytest.mark.parametrize(("version", "may"), [("0.11.10", False), ("0.12.0", True)])
def test_servers_that_do_not_say_are_judged_by_their_version(
    asking: Desk, scripted: ScriptedOllama, version: str, may: bool
) -> None:
    scripted.version = version
    assert ("cloud_features" in asking.examine()) == may
