"""Removing the restaurants of evenings that were played."""

from __future__ import annotations

import sys
from ssl import SSLContext
from typing import Any, TextIO
from urllib.parse import urlencode

from .client import AwayError, Client, refuse_closed
from .play import NAME


async def clear(url: str, token: str = "", tls: SSLContext | None = None, summary: TextIO = sys.stdout) -> bool:
    """Remove every restaurant of the hub at `url` that has the very name of a played evening; whether all are gone.

    AwayError where the hub cannot be reached, or is none.
    """
    client = Client(url, token, tls)
    try:
        there = await client.ask("GET", "/restaurants")
        refuse_closed(client, there.status)
        if there.status != 200 or not isinstance(there.body, list):
            raise AwayError(f"{client.url} answered {there.status} when asked for its restaurants: is that a hub?")
        kept: list[Any] = []
        played = [one["id"] for one in there.body if one["name"] == NAME]
        for restaurant_id in played:
            query = urlencode({"with": "guests,tables", "name": NAME})
            answer = await client.ask("DELETE", f"/restaurants/{restaurant_id}?{query}")
            if answer.status not in (204, 404):  # 404: somebody else was quicker
                kept.append(answer.body["detail"])
                print(f"Restaurant {restaurant_id} was not removed. {kept[-1]}", file=summary)
    finally:
        client.close()
    gone = len(played) - len(kept)
    print(f"Removed {gone} restaurant{'s' * (gone != 1)} named {NAME!r} at {client.url}.", file=summary)
    return not kept
