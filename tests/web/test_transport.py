"""This file is what the hub asks of the machine's TCP for every connection that it takes."""

from __future__ import annotations

import socket
import sys

import pytest

from restohub.web.transport import listening_socket

NAME_BYTES = 16


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program choose")
def test_a_link_that_lost_packets_is_trusted_again_at_once_whatever_the_machine_prefers() -> None:
    with listening_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        taken, _ = listening.accept()
        with taken:
            chosen = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, NAME_BYTES)
    assert chosen.rstrip(b"\0") == b"reno"
