"""The doctor before a data folder that is not as it should be: rights, damage, a disk that hangs."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import restohub
from restohub.doctor.folder import check_permissions
from tests.conftest import Hub, free_port
from tests.doctor.run_doctor import asked, files, printed
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
NOBODY = 65534
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="another user's files need root, and setpriv",
)
# Root opens the way to the program, since another user may not come through a folder above it, such as root's own home.
AS_NOBODY = (
    *(
        "sh",
        "-c",
        """exec 7<"$0" 8<"$1" 9<"$2"
shift 2
fds=/proc/self/fd
export PYTHONHOME=$fds/9 PYTHONPATH=$fds/7:$fds/8 LD_LIBRARY_PATH=$fds/9/lib
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@" """,
    ),
    *(str(Path(restohub.__file__).parents[1]), sysconfig.get_path("platlib"), sys.base_prefix),
)


def inward() -> tuple[str, ...]:
    """On this machine alone, at a free port."""
    return ("--host", "127.0.0.1", "--port", str(free_port()))


@pytest.fixture
def open_way() -> Iterator[Path]:
    """A folder that every user comes to: pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hub that has run and was stopped; each test takes a copy of it."""
    hub = Hub(tmp_path_factory.mktemp("used") / "data").start()
    hub.new_restaurant()
    assert hub.stop() == 0
    return hub.data


@pytest.fixture
def data(tmp_path: Path, used: Path) -> Path:
    """A folder of the test's own as a hub left it."""
    return Path(shutil.copytree(used, tmp_path / "data"))


@as_root
def test_anothers_folder_is_named_with_its_owner(used: Path, open_way: Path) -> None:
    data = Path(shutil.copytree(used, open_way / "data"))
    data.chmod(0o755)  # as an older hub made it
    said = asked(data, *inward(), wrap=AS_NOBODY)
    assert said.status == 1
    folder = said.checks["data folder"]
    assert folder["result"] == "wrong"
    assert "belongs to root" in folder["found"]
    assert f"doctor --data {data} " in folder["fix"]
    assert said.results()["database"] == said.results()["disk speed"] == "skipped"


@as_root
def test_for_a_folder_that_may_not_be_entered_sudo_is_named(open_way: Path) -> None:
    (open_way / "private").mkdir(mode=0o700)
    done = printed("--data", str(open_way / "private" / "data"), *inward(), wrap=AS_NOBODY)
    assert (done.returncode, done.stderr) == (1, "")
    assert "restohub.toml cannot be read: Permission denied." in done.stdout
    assert "ask with sudo" in done.stdout


@as_root
def test_a_folder_that_cannot_be_made_is_wrong(open_way: Path) -> None:
    said = asked(open_way / "new", *inward(), wrap=AS_NOBODY)
    assert (said.status, said.results()["data folder"]) == (1, "wrong")
    assert "cannot make it" in said.checks["data folder"]["found"]


def test_the_folder_of_a_service_is_pointed_to(tmp_path: Path) -> None:
    check = check_permissions(tmp_path / "none", of_service=tmp_path)
    assert check.result == "warning"
    assert f"doctor --data {tmp_path}" in check.fix
    assert check_permissions(tmp_path / "none", of_service=tmp_path / "neither").result == "well"


@as_root
def test_files_of_a_start_with_sudo_are_named(data: Path) -> None:
    os.chown(data, NOBODY, NOBODY)
    said = asked(data, *inward())
    assert said.status == 0
    assert said.checks["data folder"]["result"] == "warning"
    assert "restohub.db" in said.checks["data folder"]["found"]
    assert "sudo chown -R nobody: " in said.checks["data folder"]["fix"]


@pytest.mark.parametrize(
    ("folder", "file", "mode", "word"),
    [
        (0o755, "restohub.db", 0o644, "read the guests"),
        (0o750, "restohub.db", 0o640, "read the guests"),
        # Whoever can open the lock can hold it, and no hub starts then.
        (0o755, "restohub.lock", 0o644, "read restohub.lock"),
        (0o777, "restohub.db", 0o600, "write in"),
        (0o770, "restohub.db", 0o600, "write in"),
    ],
)
def test_what_others_may_read_or_swap_is_a_warning(data: Path, folder: int, file: str, mode: int, word: str) -> None:
    data.chmod(folder)
    (data / file).chmod(mode)
    said = asked(data, *inward())
    assert (said.status, said.results()["data folder"]) == (0, "warning")
    assert word in said.checks["data folder"]["found"]
    assert f"chmod -R go= {data}" in said.checks["data folder"]["fix"]


def test_all_that_a_hub_makes_is_its_owners_alone(new_hub: NewHub) -> None:
    hub = new_hub(wrap=("sh", "-c", 'umask 0; exec "$@"', "sh")).start()
    hub.new_restaurant()
    assert hub.data.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in hub.data.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert modes.keys() >= {f"restohub.{end}" for end in ("db", "db-wal", "db-shm", "lock", "mark", "where")}
    assert hub.stop() == 0
    assert asked(hub.data, *inward()).results()["data folder"] == "well"


@pytest.mark.skipif(shutil.which("strace") is None, reason="a disk that keeps no rights is made by strace")
def test_a_disk_that_keeps_no_rights_stops_no_hub(new_hub: NewHub) -> None:
    """As exFAT does: no chmod goes through, and whoever is on the machine may do everything."""
    fails = (
        "strace",
        "-D",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-o",
        os.devnull,
        "-e",
        "trace=chmod,fchmod,fchmodat",
        "-e",
        "inject=chmod,fchmod,fchmodat:error=EPERM",
    )
    hub = new_hub(wrap=("sh", "-c", 'umask 0; exec "$@"', "sh", *fails)).start()
    hub.new_restaurant()
    refused = asked(hub.data, *inward(), wrap=fails)
    assert (refused.status, refused.results()["data folder"]) == (0, "warning")
    assert "refuses to change rights (chmod)" in refused.checks["data folder"]["found"]
    for path in (hub.data, *hub.data.iterdir()):
        path.chmod(0o777)
    said = asked(hub.data, *inward())
    assert (said.status, said.results()["data folder"]) == (0, "warning")
    assert "exFAT" in said.checks["data folder"]["fix"]
    told = asked(hub.data, *inward(), wrap=fails).checks["data folder"]
    assert ("umask=077" in told["fix"], "chmod -R" in told["fix"]) == (True, False)
    assert hub.stop() == 0


def test_a_damaged_database_is_wrong_and_left_alone(data: Path) -> None:
    path = data / "restohub.db"
    whole = path.read_bytes()
    at = whole.index(b"Trattoria")
    path.write_bytes(whole[:at] + b"Xrattoria" + whole[at + 9 :])
    before = files(data)
    said = asked(data, *inward())
    assert (said.status, said.results()["database"]) == (1, "wrong")
    assert "checksum" in said.checks["database"]["found"]
    assert files(data) == before


@pytest.mark.parametrize("content", [b"", b"no database " * 400])
def test_a_database_that_is_gone_or_none_is_wrong(data: Path, content: bytes) -> None:
    (data / "restohub.db").write_bytes(content)
    said = asked(data, *inward())
    assert (said.status, said.results()["database"]) == (1, "wrong")


def test_a_hub_that_was_cut_off_is_read_with_its_last_changes_and_left_alone(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.new_restaurant("After the checkpoint")
    hub.kill()
    before = files(hub.data)
    assert len(before["restohub.db-wal"]) > 0
    said = asked(hub.data, *inward())
    assert said.status == 0
    assert said.results()["database"] == "well"
    assert "revision 2" in said.checks["database"]["found"]
    assert "cut off" in said.checks["last run"]["found"]
    assert files(hub.data) == before
    assert hub.start().stop() == 0


def test_a_disk_that_hangs_does_not_keep_the_doctor(data: Path, tmp_path: Path) -> None:
    before = files(data)
    (tmp_path / "flag").touch()
    library = preloaded("slow_sync")
    said = asked(data, *inward(), LD_PRELOAD=library, HANG_WHILE=str(tmp_path / "flag"))
    assert (said.status, said.results()["disk speed"]) == (1, "wrong")
    assert files(data) == before


def test_a_port_of_another_program_is_wrong(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:  # it takes the connection and says nothing
        port = other.getsockname()[1]
        said = asked(tmp_path, "--host", "127.0.0.1", "--port", str(port))
    assert (said.status, said.results()["port"]) == (1, "wrong")
    assert f"has port {port}" in said.checks["port"]["found"]
    if shutil.which("ss"):
        assert f"process {os.getpid()}" in said.checks["port"]["found"]


def test_a_port_of_another_restohub_is_wrong(new_hub: NewHub, data: Path) -> None:
    hub = new_hub().start()
    said = asked(data, "--host", "127.0.0.1", "--port", str(hub.port))
    assert (said.status, said.results()["port"]) == (1, "wrong")
    assert said.checks["port"]["found"].startswith("Another restohub, ")


def test_a_hub_on_another_port_is_not_passed_over(new_hub: NewHub) -> None:
    hub = new_hub().start()
    said = asked(hub.data, *inward())
    assert (said.status, said.results()["port"]) == (0, "warning")
    assert "but not on port" in said.checks["port"]["found"]


@as_root
def test_a_port_below_1024_is_not_for_everyone(open_way: Path) -> None:
    low = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not low.exists() or int(low.read_text()) <= 81:
        pytest.skip("every user may listen on every port here")
    said = asked(open_way, "--host", "127.0.0.1", "--port", "81", wrap=AS_NOBODY)
    assert (said.status, said.results()["port"]) == (1, "wrong")
    assert "may not listen on port 81" in said.checks["port"]["found"]
