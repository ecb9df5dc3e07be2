"""The numbers of contract.md, held to those of the code: each limit is as large as the page says."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from restohub import limits
from restohub.net import certificate_watch, visitor_file
from restohub.reports import business_day
from restohub.upkeep import clock_trust, day_close, seen_devices
from restohub.wire import inputs, messages, socket_state
from tests.house.source_tree import ROOT

PAGE = " ".join((ROOT / "restohub/docs/contract.md").read_text("utf-8").split())
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}
# What the page says, word for word, and the numbers in it.
SAID: dict[str, dict[str, float]] = {
    "| guests, tables on a floor | 5,000, 1,000 |": {"GUESTS_MAX": 5_000, "TABLES_MAX": 1_000},
    "| weight of a floor's guests and tables, of the hub's | 16 MB, 32 MB |": {
        "FLOOR_BYTES_MAX": 16e6,
        "HUB_BYTES_MAX": 32e6,
    },
    "| restaurants | 200 (`restaurants_max`) |": {"RESTAURANTS_MAX": 200},
    "at least 72 hours, across restarts, or as long as it is among the newest 200,000": {"KEYS_MAX": 200_000},
    "| the log | 256 MB in all;": {"LOG_BYTES_MAX": 256e6},
    "From 80 % of a limit `/health` warns": {"NEARLY_FULL": 0.8},
    "8 MB of the disk (an eighth of what is free, where that is less)": {"RESERVE_BYTES": 8e6},
    "a floor, list or delta over 128 KiB |": {"WHOLE_BYTES_MAX": 128 * 1024},
    "at one revision; all of it within 60 s |": {"ANSWER_WAIT_S": 60},
    "| two for one address; in all two, and more while what they alone keep in memory is less than 16 MB |": {
        "SNAPSHOTS_ALIVE": 2,
        "SNAPSHOTS_BYTES_MAX": 16e6,
    },
    "| 100,000, of which 10,000 objects and lists |": {"VALUES_MAX": 100_000, "VALUES_PER_OBJECT": 10},
    "| 1,000, of which 100 objects and lists |": {"MESSAGE_VALUES_MAX": 1_000},
    "each operation counted | 4 MB |": {"ANSWERED_BYTES_MAX": 4e6},
    "| query parameters | 100 |": {"PARAMETERS_MAX": 100},
    "| 16 KB a second on average from the tenth second after its first byte, 75 s in all |": {
        "UPLOAD_BYTES_A_SECOND": 16_000,
        "REQUEST_WAIT_S": 10,
        "UPLOAD_WAIT_S": 75,
    },
    "`applied_mutation_ids` | 2,000 |": {"APPLIED_IDS_MAX": 2_000},
    "in which `q` is looked for | 500 |": {"SEARCHED_MAX": 500},
    "300 commits of the entities concerned for each, 8,000 for all": {
        "STEPS_BACK_A_VERSION": 300,
        "STEPS_BACK_MAX": 8_000,
    },
    "| 200 units a second, bursts of 2,000; a request is 1, each operation of a batch 1, each 64 KiB answered 1, "
    "each 500 visits in a report 1, each PIN 40 |": {
        "PIN_UNITS": 40,
        "UNITS_A_SECOND": 200,
        "UNITS_BURST": 2_000,
        "ANSWER_BYTES_A_UNIT": 64 * 1024,
        "VISITS_A_UNIT": 500,
    },
    "the 50 largest, `name` null for none |": {"REPORT_GROUPS_MAX": 50},
    "the request waits; after 10 s 429": {"RATE_WAIT_S": 10},
    "| 600 at once, 60 more a second, for no units |": {"BOARD_FILES_BURST": 600, "BOARD_FILES_A_SECOND": 60},
    "| 1,500 at once, 500 more an hour |": {"CREATIONS_BURST": 1_500, "CREATIONS_AN_HOUR": 500},
    "| 4 MB at once, 1 MB more an hour |": {"GROWTH_BYTES_BURST": 4e6, "GROWTH_BYTES_AN_HOUR": 1e6},
    "| connections | 320 |": {"CONNECTIONS_AN_ADDRESS": 320},
    "that bring nothing of HTTP, as a new key does | 32 at once, 1 more a second |": {
        "RECORDS_IN_VAIN_BURST": 32,
        "RECORDS_IN_VAIN_A_SECOND": 1,
    },
    "| TLS handshakes | 320 at once, 20 more a second; each counts as a connection, and takes 10 s at most |": {
        "HANDSHAKES_BURST": 320,
        "HANDSHAKES_A_SECOND": 20,
        "TLS_HANDSHAKE_S": 10,
    },
    "| sockets | 128; 10 new ones a second, bursts of 150 |": {
        "SOCKETS_AN_ADDRESS": 128,
        "SOCKETS_A_SECOND": 10,
        "SOCKETS_BURST": 150,
    },
    "| bodies over 64 KiB that are not whole yet | 16 MB |": {
        "SMALL_BODY_BYTES": 64 * 1024,
        "BODIES_BYTES_AN_ADDRESS": 16e6,
    },
    "| bodies over 64 KiB that are not whole yet | 48 MB |": {"BODIES_BYTES_MAX": 48e6},
    "| connections | 1,024 |": {"CONNECTIONS_MAX": 1_024},
    "| sockets | 512 |": {"SOCKETS_MAX": 512},
    "Nobody who holds four or fewer gives way": {"HOLDS_FEW": 4},
    "Addresses that held a socket for 10 minutes within the last 7 days": {
        "KNOWN_AFTER_S": 600,
        "KNOWN_FOR_S": 7 * 86_400,
    },
    "| mDNS that is read | 200 packets and 100 KB a second |": {
        "MDNS_PACKETS_A_SECOND": 200,
        "MDNS_BYTES_A_SECOND": 100_000,
    },
    "has answered `GET /health` three times, 20 s apart,": {"RIVAL_ANSWERS": 3, "RIVAL_ASKED_EVERY_S": 20},
    "unless it is shared | 20 a minute |": {"LINES_A_MINUTE": 20},
    "`body_too_large` is a body over 256 KiB; on the two batch routes, over 1 MiB.": {
        "BODY_BYTES_MAX": 256 * 1024,
        "BATCH_BYTES_MAX": 1024 * 1024,
    },
    "1 … 500 operations.": {"OPERATIONS_MAX": 500},
    "- `limit` (1 … 1,000; without it all": {"PAGE_MAX": 1_000},
    "lists every fault of the input, up to 100 ": {"FAULTS_MAX": 100},
    "431 (more than 100 headers, more than 16 KiB from the first byte": {
        "HEADERS_MAX": 100,
        "HEAD_BYTES_MAX": 16 * 1024,
    },
    "Requests may be pipelined, 8 at a time": {"PIPELINED_MAX": 8},
    "a peer from which nothing at all came for 60 s is closed": {"SILENCE_MAX_S": 60},
    "only when it has taken nothing for 30 s,": {"STUCK_MAX_S": 30},
    "Messages over 64 KiB: close 1009. More than 50 messages or 200 frames of any kind": {
        "MESSAGE_IN_BYTES_MAX": 64 * 1024,
        "MESSAGES_A_SECOND_MAX": 50,
        "FRAMES_A_SECOND_MAX": 200,
    },
    "or more than 64 fragments in a message": {"FRAGMENTS_MAX": 64},
    "A `request_full_sync` that comes within a second after another": {"FULL_SYNC_EVERY_S": 1},
    "Commits made at one moment that weigh more than 2 MB": {"PUSHED_BYTES_MAX": 2e6},
    "of the retired at most 1,000 of each": {"VISITS_MAX": 1_000},
    "or more than 10,000 guests and tables left the floor since": {"DELTA_REMOVALS_MAX": 10_000},
    "| devices, revoked ones included | 1,000 |": {"DEVICES_MAX": 1_000},
    "| people of the staff, removed ones included | 1,000 |": {"STAFF_MAX": 1_000},
    "in the place of whoever was, for 12 hours at most": {"SIGNED_IN_S": 12 * 3_600},
    "confirms what this device asks for in the next 5 minutes": {"CONFIRMED_S": 300},
    "After 5 wrong ones a device waits for 30 s, with each further one twice as long, 15 minutes at most": {
        "WRONG_PINS_FREE": 5,
        "PIN_WAIT_S": 30,
        "PIN_WAIT_MAX_S": 900,
    },
    "A person whose PIN was wrong 20 times within an hour,": {"WRONG_PINS_A_PERSON": 20, "WRONG_PINS_S": 3_600},
    "and no further commit once there are 5,000 entries": {"AUDIT_ENTRIES_MAX": 5_000},
    "| entries of the audit whose commits have left the log | 90 days, the newest 500,000 |": {
        "AUDIT_DAYS": 90,
        "AUDIT_MAX": 500_000,
    },
    "| erasures, done ones included | 1,000 |": {"ERASURES_MAX": 1_000},
    "| devices that wait to be paired, each for 120 s | 5 of one address, 20 in all |": {
        "PAIRING_S": 120,
        "PENDING_AN_ADDRESS": 5,
        "PENDING_MAX": 20,
    },
    "| invitations | 20, each for 120 s |": {"INVITATIONS_MAX": 20},
    "that have not shown a token, each for 5 s | 4 of one address, 32 in all |": {
        "UNNAMED_S": 5,
        "UNNAMED_AN_ADDRESS": 4,
        "UNNAMED_MAX": 32,
    },
    "beside the 500 that were here before | 50 |": {"VISITORS_MAX": 500, "REFUSED_MAX": 50},
    "| 16; looked at in 8 requests every 5 minutes, of a shared address each time where they are watched already |": {
        "HEADERS_AN_ADDRESS": 16,
        "HEADERS_LOOKED_AT": 8,
    },
    "its `Authorization`, where it stayed the same for 24 hours": {"SAME_HEADER_S": 24 * 3600},
    "where fewer than 32 characters come after its scheme": {"HEADER_CHARACTERS_MIN": 32},
    "had a socket, within the last 10 minutes, or sends something within 5 s": {"SPOKE_S": 600, "UNNAMED_S": 5},
    "changed something in the last 14 days without a token": {"VISITORS_S": 14 * 86_400},
    "The hub believes it once in 24 hours": {"CLAIM_EVERY_S": 86_400},
}
# What no client can tell, or what follows from the others.
INSIDE = {"REMOVALS_MAX", "HUB_REMOVALS_MAX", "KEEP_ALIVE_S", "PASSED_MAX", "PIECE_BYTES", "HIGH_WATER_BYTES"}
INSIDE |= {"WHOLE_FLOORS_BYTES_MAX", "KEPT_PIECES_BYTES_MAX", "ADDRESSES_MAX", "OPEN_FILES_MAX", "SLICE_BYTES"}
INSIDE |= {"QUEUE_MAX", "RIVALS_ASKED_A_MINUTE", "RIVALS_MAX", "RIVAL_WAIT_S", "HEALTH_BYTES_MAX"}
# What operate.md says of backups: no client sees it.
INSIDE |= {"BACKUP_STEP_BYTES", "BACKUP_PAUSE_S", "BACKUP_READING_S", "BACKUP_PROCESS_S"}
INSIDE |= {"BACKUP_FREE_BYTES", "BACKUP_DAYS", "BACKUP_WEEKS", "BACKUPS_MIN"}
INSIDE |= {"BACKUP_IDLE_S", "BACKUP_AGAIN_S", "BACKUP_MISSED_S", "BACKUP_TOLD_AFTER_S"}
INSIDE |= {"SET_ASIDE_DAYS"}
# The numbers that stand beside what they bound.
ELSEWHERE: list[tuple[str, ModuleType, dict[str, Any]]] = [
    ("The day is closed at 04:00 of the restaurant's zone", business_day, {"CLOSING_HOUR": 4}),
    ("was last changed 24 hours ago or more leaves the floor", day_close, {"GONE_FOR_S": 86_400}),
    ("is 7 days past and who", day_close, {"EXPECTED_FOR_S": 7 * 86_400}),
    ("(`delete`, at most 500 in one)", day_close, {"GUESTS_A_COMMIT": 500}),
    ("Where the clock leaps ahead by more than a week", day_close, {"LEAP_S": 7 * 86_400}),
    ("is right again for an hour begins a new epoch", clock_trust, {"STEADY_S": 3_600}),
    ("every 30 s, and answers", socket_state, {"HEARTBEAT_S": 30}),
    ("no message is larger than 256 KiB", messages, {"MESSAGE_BYTES_MAX": 256 * 1024}),
    ("The hub goes on trying each minute", seen_devices, {"AGAIN_S": 60}),
    ("that are renewed are shown within a minute", certificate_watch, {"LOOKED_EVERY_S": 60}),
    ("`last_seen` may be five minutes too early", visitor_file, {"WRITE_EVERY_S": 300}),
    ("always a JSON integer (1 … 2^53−1)", inputs, {"INTEGER_MAX": 2**53 - 1}),
]


@pytest.mark.parametrize("said", SAID)
def test_a_limit_is_what_the_contract_says(said: str) -> None:
    assert said in PAGE, "say it in the test as the page says it now"
    assert {name: LIMITS.get(name) for name in SAID[said]} == SAID[said]


@pytest.mark.parametrize(("said", "module", "numbers"), ELSEWHERE, ids=[said for said, _, _ in ELSEWHERE])
def test_a_number_beside_what_it_bounds_is_what_the_contract_says(
    said: str, module: ModuleType, numbers: dict[str, Any]
) -> None:
    assert said in PAGE, "say it in the test as the page says it now"
    assert {name: getattr(module, name) for name in numbers} == numbers


def test_every_limit_is_said_or_is_the_hubs_own_affair() -> None:
    assert {*LIMITS} == INSIDE | {name for numbers in SAID.values() for name in numbers}
