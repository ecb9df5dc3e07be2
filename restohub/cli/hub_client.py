"""A client of the hub that runs on this machine, for the commands that ask it to do something."""

from __future__ import annotations

import os
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import msgspec

from restohub.net.machine_token import read_machine_token
from restohub.net.running_hub import RunningHub, find_running
from restohub.net.urls import own_address

ANSWER_WAIT_S = 60.0
# The hub may ask for patience where it counts what this machine asks, and while its disk is slow.
TRIES, PATIENCE_S = 20, 30


class HubError(Exception):
    """The hub did not do it; the text is a sentence for people."""


class HubClient:
    """The hub of this machine, asked one thing after the other; `token` is the one that lies in its data folder."""

    def __init__(self, host: str, port: int, token: str = "") -> None:
        self._connection = HTTPConnection(host, port, timeout=ANSWER_WAIT_S)
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
            if answer.status not in (429, 503) or answer.headers["Retry-After"] is None:
                return answer.status, msgspec.json.decode(text) if text else None
            time.sleep(min(int(answer.headers["Retry-After"]), PATIENCE_S))
        raise HubError(f"The hub accepts no deletes now: {msgspec.json.decode(text)['detail']}")

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
    return hub, HubClient(own_address(hub.endpoint), hub.endpoint.port, token)
