"""`restohub access`, `devices` and `pair` before real hubs: what they say, ask and refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from restohub.access.tokens import new_token
from tests.access.adopting import app, jwt
from tests.access.closed_hub import ask_to_pair, bearer, hash_of, pair
from tests.cli.pty_terminal import Terminal, printed
from tests.commands import run_command
from tests.conftest import Hub, next_message

NewHub = Callable[..., Hub]


def told(hub: Hub, *args: str) -> tuple[int, str, str]:
    """The exit status, the output and the errors of a command."""
    done = printed(*args, "--data", str(hub.data))
    return done.returncode, done.stdout, done.stderr


def test_a_hub_is_closed_and_opened_again(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.says("Every device on this network may use it.")
    with hub.client() as api:
        assert api.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}).status_code == 201
        status, said, _ = told(hub, "access", "status")
        assert (status, "The hub is open" in said, "127.0.0.1, last at" in said) == (0, True, True)
        status, _, wrong = told(hub, "access", "close")
        assert (status, "Run it again with --yes" in wrong) == (1, True)
        assert api.get("/restaurants").status_code == 200
        status, said, _ = told(hub, "access", "close", "--yes")
        assert (status, said.splitlines()[-1]) == (0, "The hub is closed: only paired and adopted devices may use it.")
        assert api.get("/restaurants").status_code == 401
        status, said, _ = told(hub, "access", "open", "--json")
        assert json.loads(said)["access"] == "open"
        assert api.get("/restaurants").status_code == 200


def test_it_is_not_closed_beside_ipads_that_are_not_paired_unless_told_twice(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.socket("/realtime") as ipad:
        next_message(ipad)
        status, said, wrong = told(hub, "access", "close", "--yes")
        assert (status, "connected now" in said) == (1, True)
        assert "A device that is neither paired nor adopted is connected now." in wrong
        next_status, _, _ = told(hub, "access", "close", "--anyway")
        assert next_status == 1, "--anyway alone still asks"
        status, _, _ = told(hub, "access", "close", "--yes", "--anyway")
        assert status == 0


def test_devices_are_paired_listed_renamed_and_revoked(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    hub.says("Only paired devices may use it.")
    token = new_token()
    with hub.client() as api:
        code = ask_to_pair(api, token, name="iPad")
        assert code in told(hub, "devices", "list")[1]
        status, said, _ = told(hub, "pair", code.lower(), "--name", "Door", "--role", "host")
        assert (status, said) == (0, "Door is paired as host.\n")
        assert api.get("/restaurants", headers=bearer(token)).status_code == 200
        assert told(hub, "devices", "rename", "Door", "Bar")[:2] == (0, "Door is called Bar now.\n")
        listed = json.loads(told(hub, "devices", "list", "--json")[1])
        assert [(one["name"], one["role"]) for one in listed["devices"]] == [("Bar", "host")]
        assert told(hub, "devices", "revoke", "Bar")[0] == 1
        assert told(hub, "devices", "revoke", "Bar", "--yes")[:2] == (0, "Bar is shut out.\n")
        assert api.get("/restaurants", headers=bearer(token)).status_code == 401
        status, _, wrong = told(hub, "devices", "revoke", "Bar", "--yes")
        assert (status, "No device is called 'Bar'" in wrong) == (1, True)
        assert told(hub, "pair", "ABC234")[0] == 1


def test_an_app_that_cannot_pair_is_adopted_and_confirmed(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    assert "Nobody was here" in told(hub, "devices", "adopt")[1]
    header = {"Authorization": "Bearer " + "k" * 40}
    with app(hub, "127.0.22.1", header) as api, app(hub, "127.0.22.1", jwt(1)) as changed, hub.client() as shared:
        for client in (api, shared):
            assert client.get("/restaurants").status_code == 401
        status, said, _ = told(hub, "devices", "adopt")
        assert (status, "by its address (id " in said, "not to be adopted" in said) == (0, True, True)
        assert "127.0.22.1 alone" in said
        status, _, wrong = told(hub, "devices", "adopt", "127.0.22.9")
        assert (status, "No device was here as '127.0.22.9'" in wrong) == (1, True)
        status, _, wrong = told(hub, "devices", "adopt", "127.0.0.1")
        assert (status, "many devices share its address" in wrong) == (1, True)
        status, _, wrong = told(hub, "devices", "adopt", "127.0.22.1", "--role", "manager")
        assert (status, "host or view" in wrong) == (1, True)
        status, said, _ = told(hub, "devices", "adopt", "127.0.22.1", "--name", "Bar")
        assert (status, said.startswith("Bar is adopted as host. It is known by its address 127.0.22.1")) == (0, True)
        assert api.get("/restaurants").status_code == 200
        assert "adopted: It is known by its address 127.0.22.1 alone" in told(hub, "devices", "list")[1]
        assert changed.get("/restaurants").status_code == 401
        assert "`restohub devices adopt` confirms it" in told(hub, "devices", "list")[1]
        [visitor, _] = json.loads(told(hub, "devices", "adopt", "--json")[1])
        assert "perhaps a device that is suspended  by its header (id " in told(hub, "devices", "adopt")[1]
        made = json.loads(told(hub, "devices", "adopt", visitor["id"], "--name", "Bar", "--json")[1])
        assert (made["id"], made["known_by"]) == (visitor["device"], "header")
        assert changed.get("/restaurants").status_code == 200


def test_a_qr_code_carries_an_invitation_in_the_fragment(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    invited = json.loads(told(hub, "pair", "--name", "Bar", "--role", "view", "--json")[1])
    root, _, secret = invited["url"].partition("#pair=")
    assert root == f"{hub.url}/"
    token = new_token()
    with hub.client() as api:
        asked = {"token_sha256": hash_of(token), "invitation": secret}
        assert api.post("/api/pairing", json=asked).json()["device"]["name"] == "Bar"
        terminal = Terminal("pair", "--name", "Terrace", "--data", str(hub.data))
        shown = terminal.until(lambda said: "two minutes" in said)
        assert "█" in shown
        assert "#pair=" not in shown, "a code that is drawn is not written too"
        assert pair(hub, "host", "Terrace").id
        terminal.until(lambda said: "Terrace is paired." in said)


def test_people_of_the_staff_are_added_listed_given_another_pin_and_removed(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.says("is ready")
    data = ("--data", str(hub.data))

    def piped(pin: str, *args: str) -> subprocess.CompletedProcess[str]:
        return run_command("staff", *args, *data, typed=pin)

    assert told(hub, "audit")[1] == "Nothing was done yet.\n"
    assert told(hub, "audit", "--entity", "nope")[1] == "Nothing of this is known.\n"
    done = piped("4711\n", "add", "Anna", "--role", "manager")
    assert (done.returncode, done.stdout) == (0, "Anna is on the staff as manager.\n"), done.stderr
    done = piped("47\n", "add", "Li")
    assert (done.returncode, "4 to 8 digits" in done.stderr, "47" in done.stdout + done.stderr) == (1, True, False)
    for second, said, status in (("0816", "The two differ. Nothing was changed.", 1), ("0815", "has a new PIN", 0)):
        terminal = Terminal("staff", "pin", "Anna", *data)
        terminal.until(lambda shown: "PIN (4 to 8 digits):" in shown)
        terminal.type("0815\n")
        terminal.until(lambda shown: "Once more:" in shown)
        terminal.type(f"{second}\n")
        ended, shown = terminal.result()
        assert (ended, said in shown, "081" in shown) == (status, True, False), shown
    assert told(hub, "staff", "list")[1].startswith("Anna  manager  ")
    assert json.loads(told(hub, "staff", "list", "--json")[1])["staff"][0]["has_pin"] is True
    status, _, wrong = told(hub, "staff", "remove", "Anna")
    assert (status, "Run it again with --yes" in wrong) == (1, True)
    assert told(hub, "staff", "remove", "Anna", "--yes")[1] == "Anna is removed. What they did keeps their name.\n"
    status, _, wrong = told(hub, "staff", "remove", "Anna", "--yes")
    assert (status, "Nobody is called 'Anna'." in wrong) == (1, True)
    assert told(hub, "staff", "list")[1] == "There is nobody. `restohub staff add` adds somebody.\n"


def test_without_a_hub_it_is_said(tmp_path: object) -> None:
    for command in (("access", "status"), ("devices", "list"), ("staff", "list"), ("pair",)):
        done = printed(*command, "--data", str(tmp_path))
        assert (done.returncode, "No hub" in done.stderr) == (1, True), done.stderr
