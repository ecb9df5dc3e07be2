"""A bad Wi-Fi: a hub, a room of iPads with an address each, and what is lost between them."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Hub
from tests.faults.crowd import until
from tests.net.network import Machine, Network, a_network

HUB_ADDRESS = "10.77.0.1"
# States of a socket that is closed here and may still have something to send: FIN_WAIT1, LAST_ACK, CLOSING.
UNSENT = {"04", "09", "0B"}


@dataclass(frozen=True)
class Loss:
    """How many of a hundred packets are lost on each way."""

    to_hub: int
    from_hub: int


CLEAR, CUT = Loss(0, 0), Loss(100, 100)
DEAF_HUB, DEAF_PAD = Loss(100, 0), Loss(0, 100)
TROUBLES = (CUT, DEAF_HUB, DEAF_PAD, Loss(30, 30), Loss(60, 10), Loss(10, 60))


class FarHub(Hub):
    """A hub on a machine of its own."""

    def __init__(self, machine: Machine, data: Path) -> None:
        super().__init__(data, "--host", HUB_ADDRESS, wrap=machine.wrap)

    @property
    def url(self) -> str:
        """The root of the hub's HTTP routes, without a trailing slash."""
        return f"http://{HUB_ADDRESS}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The root of the hub's sockets, without a trailing slash."""
        return f"ws://{HUB_ADDRESS}:{self.port}"


class Wifi:
    """The hub's machine and the room, whose first address always has a good connection, and the iPads' addresses.

    What is lost is lost where it arrives: a sender that is told of it would behave unlike one on the air.
    """

    def __init__(self, network: Network, pads: int) -> None:
        self.pads = [f"10.77.0.{11 + number}" for number in range(pads)]
        self.hub = network.machine("hub", f"{HUB_ADDRESS}/24")
        self.room = network.machine("room", "10.77.0.10/24", *(f"{pad}/24" for pad in self.pads))
        self._losses: dict[str, Loss] = {}

    async def set(self, pad: str, loss: Loss) -> None:
        """What one iPad loses from now on."""
        self._losses[pad] = loss
        await asyncio.to_thread(self._apply)

    async def swizzle(self, chance: random.Random, pauses_s: tuple[float, float]) -> None:
        """Clog half of the iPads or more, one by one, one of them wholly; unclog them in another order."""
        clogged = chance.sample(self.pads, chance.randint((len(self.pads) + 1) // 2, len(self.pads)))
        for pad in clogged:
            await self.set(pad, CUT if pad == clogged[0] else chance.choice(TROUBLES))
            await asyncio.sleep(chance.uniform(0, 0.1))
        await asyncio.sleep(chance.uniform(*pauses_s))
        for pad in chance.sample(clogged, len(clogged)):
            await self.set(pad, CLEAR)
            await asyncio.sleep(chance.uniform(0, 0.1))

    async def quiet(self) -> None:
        """Return when no request that was given up is still under way: no closed socket has more to send."""
        sockets = Path("/proc/thread-self/net/tcp")
        await until(lambda: UNSENT.isdisjoint(line.split()[3] for line in sockets.read_text().splitlines()), 60)

    def _apply(self) -> None:
        _drop(self.hub, "saddr", [(pad, loss.to_hub) for pad, loss in self._losses.items()])
        _drop(self.room, "daddr", [(pad, loss.from_hub) for pad, loss in self._losses.items()])


def _drop(machine: Machine, side: str, losses: Sequence[tuple[str, int]]) -> None:
    """Have a machine lose so many of a hundred packets that arrive there, by an address."""
    odds = {100: ""}  # nft takes no condition that always holds
    rules = [
        f"ip {side} {pad} {odds.get(lost, f'numgen random mod 100 < {lost}')} drop" for pad, lost in losses if lost
    ]
    chain = "\n".join(["type filter hook input priority 0", *rules])
    script = f"table inet loss\ndelete table inet loss\ntable inet loss {{\nchain arriving {{\n{chain}\n}}\n}}\n"
    command = [*machine.wrap, "nft", "-f", "-"]
    subprocess.run(command, input=script, text=True, check=True, timeout=20, stdout=subprocess.DEVNULL)


def a_wifi(pads: int) -> Iterator[Wifi]:
    """A Wi-Fi that this thread is in, or a skip with the reason."""
    if shutil.which("nft") is None:
        pytest.skip("there is no `nft` (nftables)")
    for network in a_network():
        wifi = Wifi(network, pads)
        with wifi.room.entered():
            yield wifi
