"""The one file at work: built, alone with a folder of its own, changed, stopped, killed, watched."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from PyInstaller.archive.readers import CArchiveReader

from restohub.build.one_file import own_environment
from tests.access.secure_socket import anyone
from tests.boot.notify_socket import ear_at
from tests.boot.test_sandbox import AS_ROOT, MAY_FAIL, allowed_calls, traced
from tests.build.conftest import Built
from tests.conftest import Hub, free_port, next_message
from tests.net.announced_hubs import AnnouncedHub
from tests.net.network import a_network

NewHub = Callable[..., Hub]
SIZE_MAX = 60_000_000
# The first test waits for the build: half a minute where nothing else runs.
pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


def said(program: Path, *arguments: str) -> str:
    """What the one file prints with no environment at all."""
    done = subprocess.run([program, *arguments], env={}, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def child(hub: Hub | AnnouncedHub) -> int:
    """The process that serves; the one that was started only unpacks it and waits."""
    assert hub.process is not None
    pid = hub.process.pid
    (one,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(one)


def until(holds: Callable[[], bool], wait_s: float = 20.0) -> None:
    """Return when it holds; fail when it does not in time."""
    deadline = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def seat(hub: Hub, name: str) -> str:
    """A new guest of restaurant 1, by its id."""
    with hub.client() as api:
        answer = api.post("/api/restaurants/1/guests/", json={"name": name, "partySize": 2})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_the_build_leaves_one_file_that_needs_no_other(built: Built) -> None:
    assert list(built.path.parent.iterdir()) == [built.path]
    assert built.path.stat().st_size <= SIZE_MAX
    assert os.access(built.path, os.X_OK)
    first, made, run = built.said.splitlines()
    assert first.startswith(f"Making {built.path} for ")
    assert re.fullmatch(rf"{built.path} is made: [\d.]+ MB, restohub {version('restohub')}\.", made)
    assert f"`{built.path} serve`" in run
    assert said(built.path, "--version") == f"restohub {version('restohub')}\n"


def test_a_change_through_it_is_heard_and_outlives_it(one_file_hub: NewHub, tmp_path: Path) -> None:
    hub = one_file_hub().start()
    sock = hub.socket("/ws/restaurant/sync?restaurant_id=1")
    assert [next_message(sock)["type"] for _ in range(2)] == ["connection_established", "full_sync"]
    guest = seat(hub, "Città Rossi")
    heard = next_message(sock)
    assert (heard["type"], heard["changes"][0]["entity_id"]) == ("delta_update", guest)
    with hub.client() as api:
        assert api.get("/docs").status_code == 200
    assert hub.stop() == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    again = one_file_hub().start()
    with again.client() as api:
        assert api.get(f"/api/restaurants/1/guests/{guest}").json()["name"] == "Città Rossi"
    assert again.stop() == 0


def test_it_makes_a_certificate_for_tls(one_file_hub: NewHub, built: Built) -> None:
    port = free_port()
    hub = one_file_hub("--tls", "self", "--tls-port", str(port)).start()
    with hub.client() as api:
        found = api.get("/health").json()["tls"]
    with anyone().wrap_socket(socket.create_connection(("127.0.0.1", port))) as secure:
        assert found == {"port": port, "fingerprint": sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()}
    assert hub.stop() == 0
    assert "\ncryptography " in said(built.path, "licences")


def test_a_tidied_tmp_takes_no_page_away(one_file_hub: NewHub, tmp_path: Path) -> None:
    hub = one_file_hub().start()
    (unpacked,) = (tmp_path / "tmp").iterdir()
    shutil.rmtree(unpacked)
    pages = ("/", "/docs", "/docs/errors", "/docs/sync.md", "/docs/fixtures.zip", "/schema/openapi.json")
    with hub.client() as api:
        assert {page: api.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
        made = hub.new_restaurant("Da Enzo", "Asia/Tokyo")
        assert api.delete(f"/restaurants/{made}").status_code == 204
    seat(hub, "Rossi")
    assert hub.stop() == 0
    assert "Traceback" not in hub.said()


def loaded(hub: Hub | AnnouncedHub, unpacked: Path) -> set[str]:
    """The libraries that the serving process has of the unpacked folder, and Python's of anywhere else."""
    lines = Path(f"/proc/{child(hub)}/maps").read_text().splitlines()
    mapped = {line.split()[-1] for line in lines if ".so" in line}
    ours = {path.removeprefix(f"{unpacked}/") for path in mapped}
    return {path for path in ours if not path.startswith("/") or "python" in path}


def test_the_fast_parts_are_inside_and_in_use(one_file_hub: NewHub, tmp_path: Path) -> None:
    hub = one_file_hub().start()
    (unpacked,) = (tmp_path / "tmp").iterdir()
    libraries = loaded(hub, unpacked)
    for part in ("uvloop/loop.", "httptools/parser/parser.", "msgspec/_core.", "libsqlite3.", "libpython3."):
        assert any(path.startswith(part) for path in libraries), part
    assert [path for path in libraries if path.startswith("/")] == []  # nothing of this machine's Python
    assert hub.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hides the machine's time zones")
def test_it_knows_the_time_zones_of_a_machine_without_any(one_file_hub: NewHub) -> None:
    hidden = 'mount -t tmpfs none /usr/share/zoneinfo && exec "$@"'
    hub = one_file_hub(wrap=("unshare", "--mount", "/bin/sh", "-c", hidden, "sh")).start()
    hub.new_restaurant(timezone="Europe/Rome")
    with hub.client() as api:
        assert api.post("/restaurants", json={"name": "Nowhere", "timezone": "Europe/Rom"}).status_code == 422
    assert hub.stop() == 0


def test_it_is_announced_to_the_ipads(built: Built, bare: tuple[str, ...], tmp_path: Path) -> None:
    with contextmanager(a_network)() as network:
        machine = network.machine("one", "10.77.0.1/24")
        hub = AnnouncedHub(machine, tmp_path / "data", program=(*bare, str(built.path)))
        try:
            assert hub.until("announced", wait_s=40)["addresses"] == ["10.77.0.1"]
            (unpacked,) = (tmp_path / "tmp").iterdir()
            assert any(path.startswith("zeroconf/_dns.") for path in loaded(hub, unpacked))
        finally:
            assert hub.stop() == 0


def test_systemd_and_a_terminal_stop_it_in_good_order(one_file_hub: NewHub) -> None:
    hub = one_file_hub().start()
    serving = child(hub)
    assert os.getpgid(serving) == serving  # a terminal's Ctrl-C comes by the loader alone
    os.kill(serving, signal.SIGTERM)  # systemd asks every process of the service
    assert hub.stop() == 0
    assert "everything it answered is saved" in hub.said()
    again = one_file_hub().start()
    assert again.stop(signal.SIGINT) == 0


def test_a_port_in_use_is_one_sentence_and_status_1(one_file_hub: NewHub, built: Built, tmp_path: Path) -> None:
    hub = one_file_hub().start()
    command = [
        str(built.path),
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(hub.port),
        "--data",
        str(tmp_path / "other"),
    ]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Another program uses port {hub.port} already")
    assert done.stderr.count("\n") == 1


def test_a_killed_loader_leaves_no_hub_behind(one_file_hub: NewHub) -> None:
    hub = one_file_hub().start()
    guest, serving = seat(hub, "Ada"), Path(f"/proc/{child(hub)}")
    hub.kill()
    until(lambda: not serving.exists())
    again = one_file_hub().start()
    with again.client() as api:
        assert api.get(f"/api/restaurants/1/guests/{guest}").status_code == 200


def test_what_was_unpacked_is_not_cleared_away_while_it_serves(one_file_hub: NewHub, tmp_path: Path) -> None:
    hub = one_file_hub().start()
    (unpacked,) = (tmp_path / "tmp").iterdir()
    folder = os.open(unpacked, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):  # as systemd-tmpfiles tries, before it clears a folder
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(folder)
    assert hub.stop() == 0


def test_systemd_hears_the_hub_though_it_started_the_loader(
    one_file_hub: NewHub, bare: tuple[str, ...], tmp_path: Path
) -> None:
    asked = f'WATCHDOG_USEC=600000 NOTIFY_SOCKET={tmp_path}/notify WATCHDOG_PID=$$ exec "$@"'
    with ear_at(tmp_path / "notify") as ear:
        hub = one_file_hub()
        hub.wrap = (*bare, "/bin/sh", "-c", asked, "sh")
        hub.start()
        assert ear.hear(20).startswith("READY=1")
        assert ear.hear(20) == "WATCHDOG=1"
        assert hub.stop() == 0
        assert ear.within(0.5)[-1].startswith("STOPPING=1")


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_services_sandbox_lets_through_all_that_it_does(one_file_hub: NewHub, tmp_path: Path) -> None:
    names = {name for name, _ in traced(one_file_hub, tmp_path / "calls")}
    assert {"bind", "fdatasync", "wait4", "prctl"} <= names
    assert names - allowed_calls() - AS_ROOT - MAY_FAIL == set()


def test_the_service_starts_the_one_file(built: Built, tmp_path: Path) -> None:
    assert f"ExecStart={built.path} serve" in said(built.path, "service", "show").splitlines()
    assert said(built.path, "service", "install", "--to", str(tmp_path)) == f"{tmp_path}/restohub.service is written.\n"
    unit = (tmp_path / "restohub.service").read_text("utf-8").splitlines()
    assert {f"ExecStart={built.path} serve", "NotifyAccess=all"} <= set(unit)


def test_the_loaders_libraries_are_not_for_other_programs() -> None:
    environ = {"LD_LIBRARY_PATH": "/tmp/unpacked:/opt/own", "LD_LIBRARY_PATH_ORIG": "/opt/own", "WATCHDOG_PID": "1"}
    own_environment(environ)
    assert environ == {"LD_LIBRARY_PATH": "/opt/own", "WATCHDOG_PID": "1"}
    environ = {"LD_LIBRARY_PATH": "/tmp/unpacked", "WATCHDOG_PID": str(os.getppid())}
    own_environment(environ)
    assert environ == {"WATCHDOG_PID": str(os.getpid())}


def test_all_that_is_inside_is_named_with_its_licence(built: Built) -> None:
    printed = said(built.path, "licences")
    titles = set(re.findall(r"^(.+)\n=+\n\n", printed, re.M))
    archive = CArchiveReader(str(built.path))
    inside = {name.partition(".")[0] for name in archive.open_embedded_archive("PYZ.pyz").toc}
    inside |= {re.split("[/.]", name)[0] for name in archive.toc}
    owners = packages_distributions()
    owned = {name for module in inside for name in owners.get(module, [])}
    assert {"restohub", "uvloop", "httptools", "zeroconf", "litestar", "tzdata", "PyYAML"} <= owned
    assert {f"{name} {version(name)}" for name in owned} - titles == set()
    libraries = [name for name in archive.toc if re.match(r"lib(?!python)[^/]+\.so", name)]
    assert libraries
    assert len(titles - {f"{name} {version(name)}" for name in owned}) >= 2  # Python's own and the loader's
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in printed
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in printed  # zeroconf's
    assert "No licence was installed" not in printed


def test_nothing_under_the_gpl_and_no_path_of_this_machine_is_inside(built: Built) -> None:
    archive = CArchiveReader(str(built.path))
    assert [name for name in archive.toc if "readline" in name or "direct_url" in name or ".egg-info" in name] == []
    assert str(Path(__file__).parents[2]).encode() not in built.path.read_bytes()
