"""Where a hub is and how it is found, on machines with networks of their own."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import segno
from zeroconf import DNSOutgoing, DNSPointer, DNSService, ServiceInfo, Zeroconf

from tests.cli.pty_terminal import Terminal, code_of, printed
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import CLASS_IN, GROUP, PATIENCE_S, TYPE_PTR, within
from tests.net.network import Machine, Network, udp_socket

StartHub = Callable[..., AnnouncedHub]
SERVICE = "_restohub._tcp.local."
TYPE_SRV = 33
# Bounds for a machine that has much else to do.
SETTLES_S, LISTEN = 60.0, ("--seconds", "6")
FIRST, SIX, SECOND = "http://10.77.0.1:8000/", "http://[fd77::1]:8000/", "http://10.78.0.1:8000/"


def two_lans(network: Network) -> Machine:
    """A machine on two networks, one of them with IPv6."""
    machine = network.machine("anna", "10.77.0.1/24", "fd77::1/64")
    machine.ip("link", "add", "eth1", "type", "veth", "peer", "name", "veth-eth1")
    machine.ip("address", "add", "10.78.0.1/24", "dev", "eth1")
    machine.ip("link", "set", "veth-eth1", "up")
    machine.ip("link", "set", "eth1", "up")
    return machine


def page_at(machine: Machine, host: str) -> str:
    """The page `/about`, asked on the machine itself by one who names that host."""
    with machine.inside(socket.socket) as sock:
        sock.settimeout(SETTLES_S)
        sock.connect(("127.0.0.1", PORT))
        asking = http.client.HTTPConnection("127.0.0.1")
        asking.sock = sock
        asking.request("GET", "/about", headers={"Host": host})
        return asking.getresponse().read().decode()


def test_a_person_sees_every_address_and_a_code_at_the_start_and_by_where(network: Network, tmp_path: Path) -> None:
    machine, data = two_lans(network), str(tmp_path / "data")
    serving = Terminal("serve", "--data", data, "--name", "Rossi", wrap=machine.wrap)
    try:
        said = serving.until(lambda text: "Ctrl-C stops the hub." in text)
        asked, again = Terminal("where", "--data", data, wrap=machine.wrap).result()
        narrow, plainly = Terminal("where", "--data", data, columns=20, wrap=machine.wrap).result()
        local = json.loads(printed("where", "--data", data, "--json", wrap=machine.wrap).stdout)["local_url"]
        page = page_at(machine, "localhost:8000")
    finally:
        assert serving.end() == 0
    for text in (said, again):
        assert "The hub 'Rossi' is ready.\n\n  On an iPad, open  " + FIRST in text
        assert f"  or                {SIX}\n  or                {SECOND}\n" in text
        assert f"  or, by its name   {local}\n  Its data are in   {data}\n" in text
        assert code_of(text) == [list(row) for row in segno.make_qr(FIRST).matrix]
    assert (asked, narrow) == (0, 0)
    assert "█" not in plainly
    assert FIRST in plainly
    for one in (FIRST, SIX, SECOND, local):
        assert f"<code>{one[:-1]}</code>" in page


def test_a_pipe_is_told_one_fact_a_line(network: Network, start_hub: StartHub) -> None:
    machine = two_lans(network)
    hub = start_hub(machine, "--name", "Rossi")
    host = hub.until("announced", SETTLES_S)["host"]
    data = hub.log.with_suffix("")
    facts = [
        f"The hub 'Rossi' is ready at {FIRST}",
        f"It is also at {SIX}",
        f"It is also at {SECOND}",
        f"By name it is at http://{host}:8000/",
        f"It keeps its data in {data}",
    ]
    within(PATIENCE_S, lambda: str(data) in hub.log.read_text())
    assert [line.partition("  ")[2] for line in hub.log.read_text().splitlines()][:5] == facts
    assert printed("where", "--data", str(data), wrap=machine.wrap).stdout.splitlines() == facts


def test_without_a_network_it_says_so_and_where_follows_when_there_is_one(
    network: Network, start_hub: StartHub
) -> None:
    machine = network.machine("alone")
    hub = start_hub(machine)
    hub.until("waiting", SETTLES_S)
    data = str(hub.log.with_suffix(""))
    said = printed("where", "--data", data, wrap=machine.wrap).stdout
    assert "The hub 'restohub' is ready at http://127.0.0.1:8000/\n" in said
    assert "no cable, no Wi-Fi. iPads cannot reach the hub until that changes.\n" in said
    assert "no cable, no Wi-Fi" in page_at(machine, "127.0.0.1:8000")
    network.plug(machine, "10.77.0.5/24")
    assert "is ready at http://10.77.0.5:8000/\n" in printed("where", "--data", data, wrap=machine.wrap).stdout


def test_where_says_why_ipads_do_not_find_the_hub_by_themselves(network: Network, start_hub: StartHub) -> None:
    machine = network.machine("taken", "10.77.0.5/24")

    def take() -> socket.socket:
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("0.0.0.0", 5353))
        return taken

    with machine.inside(take):
        hub = start_hub(machine)
        hub.until("failed", SETTLES_S)
        said = printed("where", "--data", str(hub.log.with_suffix("")), wrap=machine.wrap).stdout
        searched = printed("find", wrap=machine.wrap)
    assert "is ready at http://10.77.0.5:8000/\n" in said
    assert said.splitlines()[-1].startswith("iPads do not find it by themselves. Another program keeps UDP port 5353")
    assert (searched.returncode, searched.stdout) == (1, "")
    assert searched.stderr.startswith("The network cannot be searched: Another program keeps UDP port 5353")


def test_find_lists_the_hubs_of_the_network_and_tells_two_of_a_name_apart(
    network: Network, start_hub: StartHub
) -> None:
    hubs = [start_hub(network.machine(f"twin{n}", f"10.77.0.{n}/24"), "--name", "Gemelli") for n in (1, 2)]
    listener = network.machine("listener", "10.77.0.201/24")
    # Hubs that start together both take the name, and one gives it up when it hears the other.
    within(SETTLES_S, lambda: len({hub.until("announced", SETTLES_S)["name"] for hub in hubs}) == len(hubs))
    done = printed("find", *LISTEN, "--json", wrap=listener.wrap)
    found = json.loads(done.stdout)
    healths = [hub.health() for hub in hubs]
    assert (done.returncode, done.stderr) == (0, "")
    assert {one["id"] for one in found} == {one["id"] for one in healths}
    for one in found:
        health = next(health for health in healths if health["id"] == one["id"])
        assert one == {
            "name": health["discovery"]["name"],
            "id": health["id"],
            "version": health["version"],
            "urls": [f"http://{health['discovery']['addresses'][0]}:8000/"],
            "local_url": f"http://{health['discovery']['host']}:8000/",
            "state": "healthy",
        }
    status, said = Terminal("find", *LISTEN, columns=160, wrap=listener.wrap).result()
    assert status == 0
    assert "Looking for hubs in this network" in said
    for health in healths:
        row = next(line for line in said.splitlines() if line.split()[-2:-1] == [health["id"][-6:]])
        assert "Gemelli" in row
        assert f"http://{health['discovery']['addresses'][0]}:8000/" in row
        assert row.endswith("yes")


def test_where_nothing_is_found_there_is_a_sentence_of_help(network: Network) -> None:
    lonely = network.machine("lonely", "10.77.0.202/24")
    done = printed("find", "--seconds", "0.5", wrap=lonely.wrap)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No hub was found within 0.5 s. Is one running, in this very network")
    done = printed("find", "--seconds", "0.5", "--json", wrap=lonely.wrap)
    assert (done.returncode, json.loads(done.stdout)) == (1, [])
    cut_off = printed("find", wrap=network.machine("unplugged").wrap)
    assert (cut_off.returncode, cut_off.stdout) == (1, "")
    assert "Connect it to the network of the iPads" in cut_off.stderr


def shout(sock: socket.socket, over: threading.Event) -> None:
    """Say again and again that there is a hub whose name clears the screen."""
    out = DNSOutgoing(0x8400)
    name = f"\x1b[2J\x07bell.{SERVICE}"
    out.add_answer_at_time(DNSPointer(SERVICE, TYPE_PTR, CLASS_IN, 120, name), 0)
    out.add_answer_at_time(DNSService(name, TYPE_SRV, CLASS_IN, 120, 0, 0, PORT, "bell.local."), 0)
    with sock:
        while not over.wait(0.2):
            sock.sendto(out.packets()[0], GROUP)


def test_a_hostile_neighbour_is_listed_without_harm(network: Network, start_hub: StartHub) -> None:
    start_hub(network.machine("honest", "10.77.0.1/24"), "--name", "Honest").until("announced", SETTLES_S)
    listener = network.machine("listener", "10.77.0.201/24")
    neighbour = network.machine("rogue", "10.77.0.9/24")
    evil = ServiceInfo(
        SERVICE,
        f"\x9b2J\u202eevil{'x' * 40}.{SERVICE}",
        port=PORT,
        properties={"id": "\x1b]0;owned\x07" + "9" * 200, "ver": "\x9b31m", "\x1b[H": None},
        server="\x1b[31mrogue.local.",
        parsed_addresses=["10.77.0.1", "127.0.0.1", "fe80::9"],
    )
    silent = ServiceInfo(SERVICE, f"Silent.{SERVICE}", port=9, server="silent.local.", parsed_addresses=["10.77.0.9"])
    voice = neighbour.inside(lambda: Zeroconf(interfaces=["10.77.0.9"]))
    over = threading.Event()
    shouting = threading.Thread(target=shout, args=[neighbour.inside(udp_socket), over])
    shouting.start()
    try:
        for info in (evil, silent):
            voice.register_service(info, cooperating_responders=True)
        status, said = Terminal("find", *LISTEN, columns=250, wrap=listener.wrap).result()
        found = {
            one["name"][-6:]: one for one in json.loads(printed("find", *LISTEN, "--json", wrap=listener.wrap).stdout)
        }
    finally:
        over.set()
        shouting.join()
        voice.close()
    assert status == 0
    table = said.rpartition("\r")[2].splitlines()
    assert all(line.isprintable() for line in table)
    assert [line.split()[-1] for line in table if line.startswith("Honest")] == ["yes"]
    assert [line.split()[-1] for line in table if line.startswith("Silent")] == ["no"]
    assert any(line.endswith("no, another hub is there") for line in table if "evil" in line)
    assert found["xxxxxx"]["urls"] == ["http://10.77.0.1:8000/"]
    assert (found["Honest"]["state"], found["Silent"]["state"]) == ("healthy", "no answer")
