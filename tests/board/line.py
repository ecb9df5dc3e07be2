"""The line between a page and its hub: it can go dead without a word, and hold back what the hub says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.board.host import says
from tests.conftest import Hub


class Line:
    """Carries bytes to a hub and back. What is dead stays open and carries nothing; what comes later is carried."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._carries = threading.Event()
        self._carries.set()
        self._held: bytes | None = None
        self._on = threading.Event()
        self._on.set()
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._opening = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def die(self) -> None:
        """All connections go dead, as on a Wi-Fi that is left; new ones are well."""
        self._carries.clear()
        self._carries = threading.Event()
        self._carries.set()

    def cut(self) -> None:
        """End all connections, and each that comes, until `join`."""
        with self._opening:
            self._is_cut = True
            while self._ends:
                _end(self._ends.pop())

    def join(self) -> None:
        """Carry what comes from now on."""
        self._is_cut = False

    @contextlib.contextmanager
    def without_network(self, page: Page) -> Iterator[None]:
        """The device of this page is off the network, and says so.

        Its socket ends first: one that is open keeps a core busy for as long as Chromium plays that it has no network.
        """
        self.cut()
        says(page, "The hub does not answer.")
        page.context.set_offline(True)
        try:
            says(page, "This device is off the network.")
            yield
        finally:
            self.join()
            page.context.set_offline(False)

    def hold(self, words: bytes) -> None:
        """Carry nothing from the first of these words on that the hub says, until `release`."""
        self._on.clear()
        self._held = words

    def release(self) -> None:
        """Carry what is held, and all else."""
        self._held = None
        self._on.set()

    def close(self) -> None:
        """End the line and all that it carries."""
        self._on.set()
        self.cut()
        _end(self._listening)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                page, _ = self._listening.accept()
                with self._opening:
                    self._connect(page)

    def _connect(self, page: socket.socket) -> None:
        try:
            if self._is_cut:
                raise ConnectionRefusedError
            hub = socket.create_connection(("127.0.0.1", self._hub.port))
        except OSError:  # cut, or without a hub: the page finds nobody
            page.close()
            return
        self._ends += [page, hub]
        carries = self._carries
        for ends in ((page, hub, False), (hub, page, True)):
            threading.Thread(target=self._carry, args=(*ends, carries), daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket, hub_speaks: bool, carries: threading.Event) -> None:
        with contextlib.suppress(OSError):  # an end that is lost is the end
            while data := source.recv(65536):
                if not carries.is_set():
                    return
                at = data.find(self._held) if hub_speaks and self._held else -1
                if at >= 0:
                    to.sendall(data[:at])
                    data = data[at:]
                    self._on.wait()
                to.sendall(data)
        with contextlib.suppress(OSError):  # lost already
            if carries.is_set():
                to.shutdown(socket.SHUT_WR)


def _end(end: socket.socket) -> None:
    """Close it, and wake whoever waits for it in another thread."""
    with end, contextlib.suppress(OSError):  # it was lost before
        end.shutdown(socket.SHUT_RDWR)
