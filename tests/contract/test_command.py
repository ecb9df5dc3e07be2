"""The contract of `restohub serve`: what it says, where its settings come from, why it may not start."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.commands import RESTOHUB, run_command, start_command
from tests.commands import environment as hub_environment
from tests.conftest import START_WAIT_S, WAIT_S, Hub, free_port
from tests.contract.requests import new_guest

NewHub = Callable[..., Hub]
SERVE = [*RESTOHUB, "serve"]
DATABASE = "restohub.db"


def environment(**more: str) -> dict[str, str]:
    """Our environment without any setting of the hub, for a plain terminal, and `more`."""
    return hub_environment(**{"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", **more})


def ended(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The end of a command that ends by itself."""
    return run_command("serve", "--no-advertise", *args, env=environment(**env))


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens."""
    try:
        socket.create_connection((host, port), timeout=WAIT_S).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def serving(port: int, *args: str, env: dict[str, str] | None = None, said: Path | None = None) -> Iterator[None]:
    """A hub with these arguments and this environment alone, once something listens on `port`."""
    with contextlib.ExitStack() as stack:
        said = said or Path(stack.enter_context(tempfile.NamedTemporaryFile()).name)
        stack.enter_context(_serving(port, args, env, said))
        yield


@contextlib.contextmanager
def _serving(port: int, args: Sequence[str], env: dict[str, str] | None, said: Path) -> Iterator[None]:
    with said.open("ab") as log:
        process = start_command("serve", "--no-advertise", *args, out=log.fileno(), env=environment(**env or {}))
    try:
        deadline = time.monotonic() + START_WAIT_S
        while not answers(port):
            assert process.poll() is None, f"ended with {process.returncode}: {said.read_text()}"
            assert time.monotonic() < deadline, f"nothing listens on {port}"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(timeout=WAIT_S)


def folder(tmp_path: Path, settings: str = "") -> Path:
    """A data folder, with a `restohub.toml` in it where there are settings."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    if settings:
        (data / "restohub.toml").write_text(settings)
    return data


# What it says before it serves


def test_the_help_of_the_command_names_serve() -> None:
    told = subprocess.run(
        [*SERVE[:-1], "--help"], env=environment(), check=False, capture_output=True, text=True, timeout=START_WAIT_S
    )
    assert told.returncode == 0
    assert "serve" in told.stdout


def test_it_says_where_to_reach_it_once_it_truly_listens(tmp_path: Path) -> None:
    port = free_port()
    args = ["--no-advertise", "--host", "127.0.0.1", "--port", str(port), "--data", str(tmp_path)]
    process = subprocess.Popen(
        [*SERVE, *args], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    silent = threading.Timer(START_WAIT_S, process.kill)
    silent.start()
    try:
        said = next((line for line in process.stdout if f"http://127.0.0.1:{port}".encode() in line), None)
        silent.cancel()
        assert said is not None, "it ended without a word of where it is"
        assert answers(port)
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)


def address_in_the_network() -> str | None:
    """This machine's own address on the way out, where it has one; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return None


@pytest.mark.skipif(address_in_the_network() is None, reason="this machine has no network")
def test_a_hub_on_every_address_says_one_that_an_ipad_can_reach(tmp_path: Path) -> None:
    port, said = free_port(), tmp_path / "said"
    with serving(port, "--port", str(port), "--data", str(tmp_path / "data"), said=said):
        httpx.get(f"http://127.0.0.1:{port}/health", timeout=WAIT_S, trust_env=False)
    assert f"http://{address_in_the_network()}:{port}" in said.read_text()


def test_with_log_format_json_every_line_is_a_json_object(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-format", "json").start()
    with hub.client() as api:
        api.get("/no-such-route")
        new_guest(api, 1)
    assert hub.stop() == 0
    lines = hub.said().splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


# Where its settings come from


def test_a_flag_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    of_flag, of_environment, of_file = free_port(), free_port(), free_port()
    data = str(folder(tmp_path, f'host = "127.0.0.1"\nport = {of_file}\n'))
    with serving(of_file, "--data", data):
        assert not answers(of_environment)
    with serving(of_environment, "--data", data, env={"RESTOHUB_PORT": str(of_environment)}):
        assert not answers(of_file)
    with serving(of_flag, "--data", data, "--port", str(of_flag), env={"RESTOHUB_PORT": str(of_environment)}):
        assert not answers(of_file)
        assert not answers(of_environment)


def speaks_json(said: Path) -> bool:
    """Whether the first line is JSON."""
    try:
        json.loads(said.read_text().splitlines()[0])
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("of_flag", "of_environment", "of_file", "json_logged"),
    [
        (None, None, None, False),
        (None, None, "json", True),
        (None, "text", "json", False),
        (None, "json", "text", True),
        ("text", "json", "json", False),
        ("json", "text", "text", True),
    ],
)
def test_the_log_format_comes_from_flag_environment_file_or_default_in_this_order(
    tmp_path: Path, of_flag: str | None, of_environment: str | None, of_file: str | None, json_logged: bool
) -> None:
    port, said = free_port(), tmp_path / "said"
    data = folder(tmp_path, f'log_format = "{of_file}"\n' if of_file else "")
    args = ["--host", "127.0.0.1", "--port", str(port), "--data", str(data)]
    env = {"RESTOHUB_LOG_FORMAT": of_environment} if of_environment else {}
    with serving(port, *args, *(["--log-format", of_flag] if of_flag else []), said=said, env=env):
        httpx.get(f"http://127.0.0.1:{port}/health", timeout=WAIT_S, trust_env=False)
    assert speaks_json(said) == json_logged


@pytest.mark.skipif(sys.platform != "linux", reason="the whole of 127/8 is the loopback on Linux alone")
def test_the_host_is_every_address_unless_one_is_told(tmp_path: Path) -> None:
    port, data = free_port(), str(folder(tmp_path))
    with serving(port, "--port", str(port), "--data", data):
        assert answers(port, "127.0.0.2")
    for told in ({"RESTOHUB_HOST": "127.0.0.1"}, {}):
        if not told:
            folder(tmp_path, 'host = "127.0.0.1"\n')
        with serving(port, "--port", str(port), "--data", data, env=told):
            assert not answers(port, "127.0.0.2")


def test_every_setting_is_taken_from_the_environment(tmp_path: Path) -> None:
    port = free_port()
    told = {
        "RESTOHUB_HOST": "127.0.0.1",
        "RESTOHUB_PORT": str(port),
        "RESTOHUB_DATA": str(tmp_path / "told"),
        "RESTOHUB_NAME": "Da Mario",
        "RESTOHUB_LOG_FORMAT": "json",
        "RESTOHUB_LOG_LEVEL": "debug",
    }
    with serving(port, env=told):
        assert any((tmp_path / "told").iterdir())


def test_every_setting_is_taken_from_the_file(tmp_path: Path) -> None:
    port = free_port()
    settings = f'host = "127.0.0.1"\nport = {port}\nname = "Da Mario"\nlog_format = "json"\nlog_level = "debug"\n'
    with serving(port, "--data", str(folder(tmp_path, settings))):
        assert answers(port)


def test_a_restohub_toml_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    port = free_port()
    data = folder(tmp_path, f'\ufeffhost = "127.0.0.1"\r\nport = {port}\r\n')
    with serving(port, "--data", str(data)):
        assert answers(port)


def test_the_data_folder_falls_back_to_the_state_directory(tmp_path: Path) -> None:
    port, state, told = free_port(), tmp_path / "state", tmp_path / "told"
    args = ["--host", "127.0.0.1", "--port", str(port)]
    with serving(port, *args, env={"STATE_DIRECTORY": str(state)}):
        assert any(state.iterdir())
    both = {"STATE_DIRECTORY": str(state), "RESTOHUB_DATA": str(told)}
    served_before = sorted(state.iterdir())
    with serving(port, *args, env=both):
        assert (told / DATABASE).exists()
    with serving(port, *args, "--data", str(told / "flag"), env=both):
        assert (told / "flag" / DATABASE).exists()
    assert sorted(state.iterdir()) == served_before


def test_a_restohub_toml_in_the_state_directory_counts(tmp_path: Path) -> None:
    port = free_port()
    state = folder(tmp_path, f'host = "127.0.0.1"\nport = {port}\n')
    with serving(port, env={"STATE_DIRECTORY": str(state)}):
        assert answers(port)


def test_the_data_folder_falls_back_to_the_platforms_usual_place(tmp_path: Path) -> None:
    port = free_port()
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "LOCALAPPDATA": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with serving(port, "--host", "127.0.0.1", "--port", str(port), env=home):
        [made] = tmp_path.rglob(DATABASE)
        assert made.parent.name == "restohub"
        if sys.platform == "linux":
            assert made.parent == tmp_path / ".local" / "share" / "restohub"


def assert_refused(told: subprocess.CompletedProcess[str], *words: str) -> None:
    """Fail unless the command ended in error, with these words and without a traceback."""
    assert told.returncode != 0
    assert [word for word in words if word not in told.stderr] == [], told.stderr
    assert "Traceback" not in told.stderr + told.stdout


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--port", "abc"), ("--port", "70000"), ("--port", "-1"), ("--log-format", "xml"), ("--log-level", "loud")],
)
def test_a_bad_flag_is_refused_by_name(tmp_path: Path, flag: str, value: str) -> None:
    assert_refused(ended("--data", str(tmp_path), flag, value), flag.rpartition("-")[2], value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RESTOHUB_PORT", "abc"),
        ("RESTOHUB_PORT", "70000"),
        ("RESTOHUB_PORT", "-1"),
        ("RESTOHUB_LOG_FORMAT", "xml"),
        ("RESTOHUB_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_in_the_environment_is_refused_by_name(tmp_path: Path, variable: str, value: str) -> None:
    assert_refused(ended("--data", str(tmp_path), **{variable: value}), variable)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('port = "8000"', "port"),
        ("port = 70000", "port"),
        ("port = true", "port"),
        ("host = 5", "host"),
        ('log_format = "xml"', "log_format"),
        ('log_level = "loud"', "log_level"),
        ("name = []", "name"),
        ("prot = 8000", "prot"),
        ('[server]\nsection = "x"', "server"),
        ("port = ", "restohub.toml"),
        ("port = 8000\nport = 8001", "restohub.toml"),
    ],
)
def test_a_bad_line_in_restohub_toml_is_refused_by_name(tmp_path: Path, line: str, word: str) -> None:
    data = folder(tmp_path, line)
    assert_refused(ended("--data", str(data)), "restohub.toml", word)


# Why it may not start


def assert_one_sentence(told: subprocess.CompletedProcess[str], *words: str) -> None:
    """Fail unless stderr has one sentence with these words, and the exit status is 1."""
    assert told.returncode == 1, told.stderr
    assert "Traceback" not in told.stderr + told.stdout
    lines = [line for line in told.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, told.stderr
    assert [word for word in words if word not in lines[0]] == [], lines[0]
    assert "http://" not in told.stdout, "it said where to reach it"


def test_a_port_in_use_is_one_sentence_and_status_1(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub().start()
    told = ended("--host", "127.0.0.1", "--port", str(hub.port), "--data", str(tmp_path / "other"))
    assert_one_sentence(told, str(hub.port), "--port")
    assert httpx.get(hub.url + "/health", trust_env=False).status_code == 200


def test_a_port_in_use_by_another_program_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        told = ended("--host", "127.0.0.1", "--port", port, "--data", str(tmp_path))
    assert_one_sentence(told, port, "--port")


@pytest.mark.parametrize("below", ["/dev/null/x", "file", "file/data"])
def test_a_data_folder_that_cannot_be_written_is_one_sentence_and_status_1(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    data = str(tmp_path / below)
    told = ended("--host", "127.0.0.1", "--port", str(free_port()), "--data", data)
    assert_one_sentence(told, data)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_data_folder_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    data = folder(tmp_path)
    data.chmod(0o500)
    assert_one_sentence(ended("--port", str(free_port()), "--data", str(data)), str(data))


def test_a_data_folder_that_another_hub_serves_is_one_sentence_and_status_1(new_hub: NewHub) -> None:
    hub = new_hub().start()
    told = ended("--host", "127.0.0.1", "--port", str(free_port()), "--data", str(hub.data))
    assert_one_sentence(told, str(hub.data))
    with hub.client() as api:
        new_guest(api, 1)
