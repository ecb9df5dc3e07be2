"""The hub without its guard and without the limits of an address and a floor: what they cost is measured against it."""

from __future__ import annotations

from restohub.__main__ import main
from restohub.floor.draft import Draft
from restohub.live.address_usage import Caller
from restohub.web.guard import Guard

Guard.refusal = lambda *_: None  # type: ignore[method-assign]  # this is the whole point
Caller.pays_at_once = lambda *_: True  # type: ignore[method-assign]  # this too
Draft.growth = lambda _: (0, 0, 0)  # type: ignore[method-assign, assignment]  # and this

if __name__ == "__main__":
    main()
