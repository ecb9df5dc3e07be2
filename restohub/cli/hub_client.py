"""A client of the hub that runs on this machine, for the commands that ask it to do something."""

from __future__ import annotations

import os
import ssl
import time
from functools import partial
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import msgspec

from restohub.net.machine_token import read_machine_token
from restohub.net.running_hub import RunningHub, find_running
from restohub.net.urls import own_address

ANSWER_WAIT_S = 60.0
# The hub may ask for patience where it counts what this machine asks, and while its disk is slow. Whatever hinders more
# than that is waited for only where many things are removed, one after the other; people are told of it at once.
TRIES, PATIENCE_S = 20, 30
PASSING = ("rate_limited", "busy", "shutting_down")
LONG_WORK = ("/restaurants", "/api/sync/batch")


class HubError(Exception):
    """The hub did not do it; the text is a sentence for people."""


class PinnedConnection(HTTPSConnection):
    """A connection over TLS to the one hub whose certificate has this SHA-256: no other is sent a byte."""

    def __init__(self, host: str, port: int, fingerprint: str) -> None:
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        super().__init__(host, port, timeout=ANSWER_WAIT_S, context=anyone)
        self._fingerprint = fingerprint

    def connect(self) -> None:
        """Connect, and look at the certificate before anything is sent."""
        super().connect()
        shown = self.sock.getpeercert(binary_form=True) or b""
        if sha256(shown).hexdigest() != self._fingerprint:
            self.close()
            raise ConnectionError("another certificate than the hub's is shown there")


class HubClient:
    """The hub of this machine, asked one thing after the other; `token` is the one that lies in its data folder."""

    def __init__(self, host: str, port: int, token: str = "", fingerprint: str = "") -> None:
        plain = partial(HTTPConnection, timeout=ANSWER_WAIT_S)
        self._connection = PinnedConnection(host, port, fingerprint) if fingerprint else plain(host, port)
        self._token = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the document of an answer; waits where the hub says so. Raises HubError."""
        content = None if body is None else msgspec.json.encode(body)
        headers = self._token | ({} if content is None else {"Content-Type": "application/json"})
        for _ in range(TRIES):
            try:
                self._connection.request(method, path, content, headers)
                answer = self._connection.getresponse()
                text = answer.read()
            except (OSError, HTTPException) as error:
                raise HubError(
                    f"The hub does not answer any more ({error}). Run it again: what is gone is gone."
                ) from None
            told: Any = msgspec.json.decode(text) if text else None
            if answer.status not in (429, 503) or answer.headers["Retry-After"] is None:
                return answer.status, told
            if told.get("error_code") not in PASSING and not path.startswith(LONG_WORK):
                return answer.status, told
            time.sleep(min(int(answer.headers["Retry-After"]), PATIENCE_S))
        raise HubError(f"The hub cannot do it now: {told['detail']}")

    def close(self) -> None:
        """Ask nothing more."""
        self._connection.close()

    def told(self, method: str, path: str, body: Any = None) -> Any:
        """The document of an answer that went well; raises HubError."""
        status, document = self.ask(method, path, body)
        if status >= 400:
            raise HubError(document["detail"])
        return document


def running_hub(data: Path | None) -> tuple[RunningHub, HubClient]:
    """The hub that runs on the folder that is named, else on the usual one, and a client that it takes for its owner.

    Raises NoRunningHubError.
    """
    hub = find_running(data, os.environ)
    token = read_machine_token(hub.folder)
    pin = hub.endpoint.fingerprint if hub.endpoint.scheme == "https" else ""
    return hub, HubClient(own_address(hub.endpoint), hub.endpoint.port, token, pin)
