"""Where a hub listens, known once it does."""

from __future__ import annotations

from msgspec import Struct


class Endpoint(Struct):
    """A listening hub: its install id and name, the address (0.0.0.0 and :: are every one) and port it is bound to.

    `interface`: the one network interface it is to be found on, if one is named. `advertised`: whether by mDNS. `run`:
    an id of this run alone, by which a hub knows itself from one with a copy of its data. `tls_port` is the port of
    TLS, 0 where there is none, and the very `port` where HTTP is switched off; `fingerprint` the SHA-256 of what it
    shows, another one once that is renewed.
    """

    id: str
    name: str
    bound: str
    port: int
    interface: str | None
    advertised: bool
    run: str = ""
    tls_port: int = 0
    fingerprint: str = ""

    @property
    def scheme(self) -> str:
        """What is spoken on `port`."""
        return "https" if self.port == self.tls_port else "http"
