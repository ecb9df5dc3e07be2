"""The running hub: its parts by name, for the handlers of requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from restohub.access.devices import Access
from restohub.wire.responses import Discovery

from .address_usage import Callers
from .client_ahead import Claims
from .clock import Clock
from .epoch import Epoch
from .feed import Feed
from .hub_address import Endpoint
from .list_index import Listings
from .ports import BackupState, Erasures, History
from .snapshots import Snapshots
from .writer import Writer


class Hub(Struct, frozen=True):
    """Every part of the hub that a request may need. `zone` is the machine's IANA time zone,

    `contact_key` what contacts are hashed by that outlast their guest, `tls_warnings` what staff must know of TLS at a
    UTC time."""

    version: str
    present: Epoch
    endpoint: Endpoint
    folder: Path
    zone: str
    knows_zone: Callable[[str], bool]
    clock: Clock
    callers: Callers
    writer: Writer
    history: History
    feed: Feed
    snapshots: Snapshots
    listings: Listings
    claims: Claims
    discovery: Callable[[], Discovery]
    backups: Callable[[], BackupState]
    erasures: Erasures
    contact_key: bytes
    access: Access = field(default_factory=Access)
    tls_warnings: Callable[[int], list[str]] = lambda _: []

    @property
    def release(self) -> str:
        """The release that its version belongs to, such as 1.4: which bugs are fixed in it is not told to everyone."""
        return ".".join(self.version.split(".")[:2])

    @property
    def epoch(self) -> str:
        """The epoch that a revision told now belongs to."""
        return self.present.name
