"""The log lines of iPads that connect and leave: from where, with which app, and why they left."""

from __future__ import annotations

import ipaddress
import logging

from msgspec import Struct

from restohub.logs.events import event
from restohub.text import duration, one_line

from .transport.websocket_protocol import WebSocketLink

log = logging.getLogger("restohub.ipads")

AGENT_CHARACTERS_MAX = 80


class Peer(Struct, frozen=True):
    """Who is at the other end: an address, and what its app calls itself ("" where it says nothing)."""

    address: str
    agent: str

    def __str__(self) -> str:
        return f'{self.address} "{self.agent}"' if self.agent else self.address


def peer_of(link: WebSocketLink) -> Peer:
    """Who is at the other end of a socket."""
    agent = next((value for name, value in link.scope["headers"] if name == b"user-agent"), b"")
    return Peer(address_text(link.client[0] if link.client else ""), agent_text(agent))


def agent_text(agent: bytes) -> str:
    """What an app calls itself, as it is written and listed."""
    return one_line(agent.decode("utf-8", "replace"), AGENT_CHARACTERS_MAX).replace('"', "'")


def address_text(text: str) -> str:
    """An address as the router shows it: IPv4 where a dual-stack socket wrote it into IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "an unknown address"
    return str(getattr(address, "ipv4_mapped", None) or address)


def log_connected(link: WebSocketLink) -> None:
    """An iPad follows the floor from now on."""
    peer = peer_of(link)
    fields = event("ipad_joined", address=peer.address, agent=peer.agent)
    log.info("An iPad joined: %s.", peer, extra=fields)


def log_disconnected(link: WebSocketLink, seconds: float) -> None:
    """An iPad follows it no longer, after so many seconds."""
    peer = peer_of(link)
    why = link.ended or "its connection ended"
    fields = event("ipad_left", address=peer.address, agent=peer.agent, seconds=round(seconds), why=why)
    log.info("An iPad left after %s (%s): %s.", duration(seconds), why, peer, extra=fields)


def log_refused(link: WebSocketLink, error_code: str) -> None:
    """A socket asked for what the hub does not have."""
    peer = peer_of(link)
    fields = event("ipad_turned_away", address=peer.address, agent=peer.agent, error_code=error_code)
    log.info("An iPad was turned away (%s): %s.", error_code, peer, extra=fields)
