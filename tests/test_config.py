"""Settings: who wins, where each came from, and what is refused."""

from pathlib import Path

import pytest

from rag.config import SETTINGS, Settings, load_settings, write_setting
from rag.errors import BadSetting, HomeNotWritable


def settings(tmp_path: Path, toml: str = "", environ: dict[str, str] | None = None, **flags: str):
    (tmp_path / "rag.toml").write_text(toml)
    return load_settings({"home": str(tmp_path), **flags}, environ or {})


def test_flags_beat_the_environment_which_beats_the_file_which_beats_defaults(
    tmp_path: Path,
) -> None:
    toml = 'chat_model = "file"\nembed_model = "file"\nkeep_alive = "1m"\n'
    environ = {"RAG_CHAT_MODEL": "environment", "RAG_EMBED_MODEL": "environment"}
    found = settings(tmp_path, toml, environ, chat_model="flag")
    assert (found.chat_model, found.embed_model, found.keep_alive, found.num_ctx) == (
        "flag", "environment", "1m", 8192,
    )  # fmt: skip
    names = ("chat_model", "embed_model", "keep_alive", "num_ctx", "home")
    assert [found.origins[name] for name in names] == [
        "flag", "environment", "rag.toml", "default", "flag",
    ]  # fmt: skip


def test_every_setting_has_an_origin_and_can_come_from_the_environment(tmp_path: Path) -> None:
    values = {"home": str(tmp_path), "engine": "embedded", "ollama_host": "127.0.0.1:1",
              "allow_hosts": "a, b", "chat_model": "m", "embed_model": "e", "num_ctx": "4096",
              "num_predict": "99", "temperature": "0.5", "keep_alive": "1h", "passages": "3",
              "connect_timeout": "1.5", "load_timeout": "60", "read_timeout": "9", "port": "1234",
              "threads": "2", "think": "on", "num_parallel": "2", "num_gpu": "0",
              "num_thread": "4", "memory_check": "off", "bind": "0.0.0.0", "ocr_pages": "7",
              "ocr_languages": "deu,eng", "backups": "1", "watch_folders": "/a, /b"}  # fmt: skip
    assert set(values) == {setting.name for setting in SETTINGS}
    found = load_settings({}, {f"RAG_{name.upper()}": text for name, text in values.items()})
    assert set(found.origins.values()) == {"environment"}
    assert (found.num_ctx, found.temperature, found.allow_hosts, found.home) == (
        4096, 0.5, ("a", "b"), tmp_path,
    )  # fmt: skip


def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="chat_modle") as caught:
        settings(tmp_path, 'chat_modle = "x"')
    assert "chat_model" in caught.value.hint
    with pytest.raises(BadSetting) as caught:
        settings(tmp_path, "zzz = 1")
    assert "rag config show" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:11434", "http://[::1]:11434"),
        ("http://[::1]:99", "http://[::1]:99"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost:80"),
        ("https://localhost", "https://localhost:443"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434"),
    ],
)
def test_ollama_host_is_understood_in_every_form_that_ollama_takes(
    tmp_path: Path, host: str, url: str
) -> None:
    assert settings(tmp_path, environ={"OLLAMA_HOST": host}).ollama_host == url
    assert settings(tmp_path, ollama_host=host).ollama_host == url


def test_our_own_variable_beats_that_of_ollama(tmp_path: Path) -> None:
    environ = {"OLLAMA_HOST": "127.0.0.1:1", "RAG_OLLAMA_HOST": "127.0.0.1:2"}
    assert settings(tmp_path, environ=environ).ollama_host == "http://127.0.0.1:2"


def test_a_foreign_ollama_needs_to_be_allowed_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="another machine") as caught:
        settings(tmp_path, environ={"OLLAMA_HOST": "box.lan:11434"})
    assert "--allow-hosts box.lan" in caught.value.hint
    found = settings(tmp_path, ollama_host="box.lan", allow_hosts="other, box.lan")
    assert found.ollama_host == "http://box.lan:11434"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_ctx", "many"),
        ("num_ctx", "8"),
        ("engine", "magic"),
        ("temperature", "-1"),
        ("passages", "0"),
        ("port", "-1"),
        ("bind", "192.0.2.1"),
        ("bind", "::"),
        ("ollama_host", "localhost:nine"),
        ("num_predict", "8000"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_its_name(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        settings(tmp_path, **{name: value})
    assert caught.value.subject == name
    assert caught.value.hint


def test_an_ollama_host_of_another_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting):
        settings(tmp_path, ollama_host="ftp://127.0.0.1")


@pytest.mark.parametrize("toml", ["chat_model = ", "num_ctx = true", "num_ctx = [1]"])
def test_a_broken_settings_file_is_named(tmp_path: Path, toml: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings(tmp_path, toml)
    assert "rag.toml" in caught.value.message


def test_a_home_inside_a_file_is_no_crash_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert load_settings({"home": str(tmp_path / "file")}, {}).num_ctx == 8192


def test_a_settings_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_bytes(b'chat_model = "\xff"')
    with pytest.raises(BadSetting, match=r"rag\.toml"):
        load_settings({"home": str(tmp_path)}, {})


def test_a_port_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting):
        settings(tmp_path, port="70000")


def test_the_home_is_absolute_wherever_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"home": "here"}, {}).home == tmp_path / "here"
    assert load_settings({}, {"RAG_HOME": "~/there"}).home == Path.home() / "there"
    assert load_settings({}, {}).home.is_absolute()


def test_settings_cannot_be_changed_in_passing() -> None:
    with pytest.raises(AttributeError):
        Settings(home=Path("/x")).num_ctx = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("chat_model", "place"),
    [
        ("own.gguf", "{home}/own.gguf"),
        ("models/Own.GGUF", "{home}/models/Own.GGUF"),
        ("/models/own.gguf", "/models/own.gguf"),
        ("~/own.gguf", str(Path.home() / "own.gguf")),
        ("llama3.1", None),
        ("llama3.1:8b", None),
        ("hf.co/someone/Llama-GGUF:Llama-Q4_K_M.gguf", None),  # a name of Ollama's
    ],
)
def test_a_chat_model_that_ends_in_gguf_is_a_file(
    tmp_path: Path, chat_model: str, place: str | None
) -> None:
    found = settings(tmp_path, chat_model=chat_model).model_file
    assert found == (None if place is None else Path(place.format(home=tmp_path)))


def test_a_written_setting_leaves_comments_and_all_else_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_bytes(b"# mine\r\nchat_model = 'old'  # why\r\nnum_ctx = 4096\r\n")
    file.chmod(0o640)
    before = load_settings({"home": str(tmp_path)}, {})
    write_setting(before, "chat_model", "new")
    write_setting(before, "embed_model", 'odd "name"')
    assert file.read_bytes() == (
        b'# mine\r\nchat_model = "new"  # why\r\nnum_ctx = 4096\r\nembed_model = "odd \\"name\\""\n'
    )
    assert file.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["rag.toml"]
    found = load_settings({"home": str(tmp_path)}, {})
    assert (found.chat_model, found.embed_model) == ("new", 'odd "name"')


def test_a_setting_is_written_where_there_is_no_file_yet_and_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").symlink_to(tmp_path / "kept-elsewhere.toml")
    write_setting(load_settings({"home": str(tmp_path)}, {}), "chat_model", "new")
    assert (tmp_path / "rag.toml").is_symlink()
    assert (tmp_path / "kept-elsewhere.toml").read_text() == 'chat_model = "new"\n'


def test_a_setting_that_would_be_refused_is_not_written(tmp_path: Path) -> None:
    before = settings(tmp_path, 'engine = "ollama"\n')
    with pytest.raises(BadSetting, match="model file"):
        write_setting(before, "chat_model", "own.gguf")
    assert (tmp_path / "rag.toml").read_text() == 'engine = "ollama"\n'


def test_a_setting_that_cannot_be_written_is_said_so(tmp_path: Path, unprivileged) -> None:
    before = load_settings({"home": str(tmp_path)}, {})
    tmp_path.chmod(0o500)
    with unprivileged(), pytest.raises(HomeNotWritable, match=r"rag\.toml"):
        write_setting(before, "chat_model", "new")
    tmp_path.chmod(0o700)
