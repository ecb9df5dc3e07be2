"""`restohub where` over real hubs on the loopback: what it says, and whom it does not believe."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.pty_terminal import Terminal, printed
from tests.conftest import Hub, free_port

NewHub = Callable[..., Hub]
NOTE = "restohub.where"
OPEN = "Every device on this network may use it. `restohub access close` changes that."
ALONE = "No iPad can reach the hub: it listens on 127.0.0.1, which is this machine alone."


def where(data: Path, *args: str) -> tuple[int, str, str]:
    """The exit status, the output and the errors of `restohub where` on a folder."""
    done = printed("where", "--data", str(data), *args)
    return done.returncode, done.stdout, done.stderr


def test_a_start_says_one_fact_a_line_without_any_box_and_where_says_the_same(new_hub: NewHub) -> None:
    hub = new_hub(None, "--name", "Trattoria Änna").start()
    facts = [
        f"The hub 'Trattoria Änna' is ready at {hub.url}/",
        f"{ALONE} Start it with `--host 0.0.0.0` to listen on the network.",
        f"It keeps its data in {hub.data}",
    ]
    assert [line.partition("  ")[2] for line in hub.says(OPEN).splitlines()] == [*facts, OPEN]
    assert where(hub.data) == (0, "\n".join(facts) + "\n", "")


def test_machines_are_told_in_json(new_hub: NewHub) -> None:
    hub = new_hub(None, "--name", "Rossi").start()
    status, said, errors = where(hub.data, "--json")
    with hub.client() as api:
        health = api.get("/health").json()
    found = json.loads(said)
    assert (status, errors) == (0, "")
    assert ALONE in found.pop("reason")
    assert found == {
        "id": health["id"],
        "name": "Rossi",
        "version": health["version"],
        "status": "healthy",
        "urls": [],
        "local_url": None,
        "own_url": f"{hub.url}/",
        "data": str(hub.data),
        "tls": None,
    }


def test_a_person_is_told_at_the_start_and_asked_later(tmp_path: Path) -> None:
    port, data = free_port(), str(tmp_path / "data")
    serving = Terminal("serve", "--host", "127.0.0.1", "--port", str(port), "--data", data)
    try:
        said = serving.until(lambda text: "Ctrl-C stops the hub." in text)
        asked, again = Terminal("where", "--data", data).result()
    finally:
        assert serving.end() == 0
    for text in (said, again):
        assert "The hub 'restohub' is ready." in text
        assert f"On this machine   http://127.0.0.1:{port}/" in text
        assert f"Its data are in   {data}" in text
        assert ALONE in " ".join(text.split())
        assert "\x1b" not in text
    assert asked == 0


def test_a_hub_that_was_killed_runs_no_more(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.kill()
    status, said, errors = where(hub.data)
    assert (status, said) == (1, "")
    assert f"No hub answers for the data in {hub.data}; the last one was at {hub.url}/. Start it with" in errors
    assert errors.count("\n") == 1
    assert "Traceback" not in errors
    hub.start()
    assert where(hub.data)[0] == 0


def test_another_hub_at_the_port_of_one_that_was_killed_is_not_taken_for_it(new_hub: NewHub) -> None:
    gone, there = new_hub().start(), new_hub()
    gone.kill()
    there.port = gone.port
    there.start()
    assert where(gone.data)[0] == 1
    assert where(there.data)[0] == 0


@pytest.mark.parametrize("args", [[], ["--json"]])
def test_a_folder_without_a_hub_is_one_sentence_of_help(tmp_path: Path, args: list[str]) -> None:
    status, said, errors = where(tmp_path, *args)
    assert (status, said) == (1, "")
    assert errors.startswith(f"No hub runs on data in {tmp_path}. Start one with `restohub serve`")


def test_the_folder_is_found_as_serve_finds_it(new_hub: NewHub) -> None:
    hub = new_hub().start()
    for name in ("RESTOHUB_DATA", "STATE_DIRECTORY"):
        assert f"It keeps its data in {hub.data}\n" in printed("where", **{name: str(hub.data)}).stdout


def test_the_hub_of_the_service_is_found_where_there_is_no_other(new_hub: NewHub, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a /var/lib of the test's own needs root and `unshare` (util-linux)")
    hub = new_hub().start()
    # systemd's StateDirectory= of a DynamicUser= is such a link.
    mount = f"mount -t tmpfs none /var/lib && ln -s '{hub.data}' /var/lib/restohub"
    wrap = ("unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh")
    done = printed("where", wrap=wrap, HOME=str(tmp_path), XDG_DATA_HOME="")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("It keeps its data in /var/lib/restohub\n")


def test_a_hub_that_cannot_write_its_note_serves(new_hub: NewHub) -> None:
    hub = new_hub()
    (hub.data / f"{NOTE}.new").mkdir(parents=True)
    hub.start()
    hub.says("`restohub where` will not find this hub")
    with hub.client() as api:
        assert api.get("/health").status_code == 200


def test_a_folder_of_another_user_asks_for_sudo(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    wrap: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("there is no `setpriv` (util-linux) to take root's rights away")
        os.chown(closed, 65534, 65534)
        wrap = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    closed.chmod(0 if os.geteuid() else 0o700)
    try:
        done = printed("where", "--data", str(closed), wrap=wrap)
    finally:
        closed.chmod(0o700)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Only the hub's own user and root may look into {closed}: say `sudo ")
    assert f"where --data '{closed}'`" in done.stderr


def test_the_page_of_a_hub_for_its_own_machine_says_that_no_ipad_reaches_it(hub: Hub) -> None:
    with hub.client() as api:
        for host in (f"127.0.0.1:{hub.port}", f"localhost:{hub.port}", f"[::1]:{hub.port}"):
            page = api.get("/about", headers={"Host": host}).text
            assert ALONE in page
            assert f"http://{host}" not in page
        assert "<code>http://hub.local:8000</code>" in api.get("/about", headers={"Host": "hub.local:8000"}).text
