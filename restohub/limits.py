"""Every limit on what a client can drive, each with its reason."""

from __future__ import annotations

# ---- What a floor holds. A hub that holds more (a copy of older data) starts, shows all of it and lets staff delete.
# The largest evening that we have heard of is 300 parties; imports bring 800 reservations at once.
GUESTS_MAX = 5_000
TABLES_MAX = 1_000
# All guests and tables as they weigh in memory (floor/memory_size.py). 5,000 guests with all that an app fills in are
# 6 MB; a single text may hold 4 bytes a character, and as many beside them as it was sent in.
FLOOR_BYTES_MAX = 16_000_000
HUB_BYTES_MAX = 32_000_000
# A setting (`restaurants_max`): a hub is one restaurant's, sometimes a small chain's, and simulated evenings pile up.
RESTAURANTS_MAX = 200
# Removals remembered in memory, of one floor and of all: a client that was away gets its deletes without the disk.
REMOVALS_MAX = 10_000
HUB_REMOVALS_MAX = 20_000
# Retired visits of one phone or e-mail that are counted: a regular has hundreds, a careless `0` would have all.
VISITS_MAX = 1_000
# Sections and servers that a report names, the largest: a name is a text that anybody may type.
REPORT_GROUPS_MAX = 50
# So many visits of a report cost its address what a request does, 3 ms of the processor.
VISITS_A_UNIT = 500
# From here `/health` warns that a limit is near.
NEARLY_FULL = 0.8

# ---- What one address may add. Whoever fills the floor locks out everybody else: so the addresses that are not shared
# by many devices have a share of it. An import of 800 and a banquet of 300 in one evening fit.
CREATIONS_BURST = 1_500
CREATIONS_AN_HOUR = 500
GROWTH_BYTES_BURST = 4_000_000
GROWTH_BYTES_AN_HOUR = 1_000_000

# ---- One request.
BODY_BYTES_MAX = 256 * 1024
BATCH_BYTES_MAX = 1024 * 1024
OPERATIONS_MAX = 500
# Of updates that a device sent before, for it to be known by: four queues of 500, a long evening on one iPad.
APPLIED_IDS_MAX = 2_000
PAGE_MAX = 1_000
FAULTS_MAX = 100
# Characters of a guest's folded name and phone in which `q` is looked for. They have 241 as typed, but one that Arabic
# has for a whole phrase is 18 when it is folded.
SEARCHED_MAX = 500
# What the guests and tables of one answer to a batch or a queue weigh: an app's 500 guests are 0.5 MB, but 500 small
# updates of heavy ones would be answered with tens of megabytes.
ANSWERED_BYTES_MAX = 4_000_000
# Numbers, texts and all else in one JSON body. 500 operations with every field and full lists have 70,000; at the limit
# the hub reads for 40 ms. At most one value in ten is an object or a list: they take ten times as long as the others.
VALUES_MAX = 100_000
VALUES_PER_OBJECT = 10
# A query has six parameters at most, of which one may be repeated for each of eleven statuses.
PARAMETERS_MAX = 100
# How many commits of the log are read to learn what the versions that a request names were: for each of them (and one
# more for each mutation id of the device), and for one request in all (60 ms in the reading thread). A commit of many
# changes counts once for each 4 KiB. An evening has 5,000 commits, of which a queue's entities were in some.
STEPS_BACK_A_VERSION = 300
STEPS_BACK_MAX = 8_000
# A browser's head is 2 KB, an app's 600 bytes.
HEAD_BYTES_MAX = 16 * 1024
HEADERS_MAX = 100
PIPELINED_MAX = 8
# From a connection to its first byte, and from a request's first byte to its last, unless it comes in good progress: at
# 400 kbit/s, which is weak Wi-Fi, a full queue of 1 MiB takes 21 s, and at the least that is taken 66 s.
REQUEST_WAIT_S = 10.0
UPLOAD_BYTES_A_SECOND = 16_000
UPLOAD_WAIT_S = 75.0
KEEP_ALIVE_S = 75
# A reader who has not taken a whole answer, or a whole floor, by then has lost its network.
ANSWER_WAIT_S = 60.0

# How many combinations of address, Host and Origin that passed are remembered, each of at most 700 bytes.
PASSED_MAX = 1_024

# ---- Bodies that are not whole yet. A small one always passes; the large ones share what the hub has for them.
SMALL_BODY_BYTES = 64 * 1024
BODIES_BYTES_MAX = 48_000_000
BODIES_BYTES_AN_ADDRESS = 16_000_000

# ---- Rates of one address, in units: a request is 1, each operation of a batch 1, each 64 KB answered 1.
UNITS_A_SECOND = 200
UNITS_BURST = 2_000
ANSWER_BYTES_A_UNIT = 64 * 1024
# The board's page and its files cost no units: a host who opens it in a rush has it at once. A page has some 40: so
# fifteen screens behind one address, and then one and a half a second. What is beyond costs as any request does.
BOARD_FILES_BURST = 600
BOARD_FILES_A_SECOND = 60
# Over the rate the request waits; who would wait for longer is told 429.
RATE_WAIT_S = 10.0

# ---- How answers are made. One of at most WHOLE_BYTES_MAX (a floor of 200 guests) is made at once; a larger one in
# pieces, as they are taken, of a floor that must be held on to meanwhile.
WHOLE_BYTES_MAX = 128 * 1024
PIECE_BYTES = 64 * 1024
# What may wait to be taken by a socket before it counts as slow; while it is sent pieces, one of them.
HIGH_WATER_BYTES = 256 * 1024
# Whole floors that are kept encoded, of all restaurants; and the pieces of the one snapshot that was made last.
WHOLE_FLOORS_BYTES_MAX = 8_000_000
KEPT_PIECES_BYTES_MAX = 8_000_000
# Revisions held on to for readers: two, and more while what they alone keep in memory is less than this.
SNAPSHOTS_ALIVE = 2
SNAPSHOTS_BYTES_MAX = 16_000_000
# A socket is sent the whole floor on request so often: what it asked for meanwhile is answered by one.
FULL_SYNC_EVERY_S = 1.0
# Commits made together that weigh more are told as a delta, part by part as it is taken: written at once they would
# wait in memory for every slow reader. A batch of 500 ordinary guests weighs half of it.
PUSHED_BYTES_MAX = 2_000_000
# Removals that a delta tells; after more the floor itself is the shorter answer.
DELTA_REMOVALS_MAX = 10_000

# ---- Connections. 50 iPads hold one or two sockets each, and URLSession opens up to six connections to a host.
CONNECTIONS_AN_ADDRESS = 320
CONNECTIONS_MAX = 1_024
SOCKETS_AN_ADDRESS = 128
SOCKETS_MAX = 512
SOCKETS_A_SECOND = 10
SOCKETS_BURST = 150
# When the hub is full, the newest connection of whoever holds most gives way; never of one that holds so few.
HOLDS_FEW = 4
# Who held a socket for so long within so many days counts as one of the house, and gives way last.
KNOWN_AFTER_S = 600.0
KNOWN_FOR_S = 7 * 24 * 3600.0
# How many addresses are remembered at once; the one not heard from for longest is forgotten first.
ADDRESSES_MAX = 4_096
# A thousand connections and their requests; without an end a socket leak would take the whole machine's.
OPEN_FILES_MAX = 16_384

# ---- TLS. A handshake costs the processor as much as ten requests (0.6 ms of a PC), before anything was asked: so an
# address that begins more of them in a row is cut off at once, and one that does not end counts as a connection.
TLS_HANDSHAKE_S = 10.0
HANDSHAKES_A_SECOND = 20
HANDSHAKES_BURST = 320
# Records of one connection that bring no byte of HTTP: a handshake has six, and a new key (KeyUpdate) is one now and
# then. Each takes 20 µs of the processor, and nothing else would count them.
RECORDS_IN_VAIN_A_SECOND = 1
RECORDS_IN_VAIN_BURST = 32

# ---- WebSocket input.
MESSAGE_IN_BYTES_MAX = 64 * 1024
MESSAGE_VALUES_MAX = 1_000
MESSAGES_A_SECOND_MAX = 50
FRAMES_A_SECOND_MAX = 200
FRAGMENTS_MAX = 64
# Input is given to the parsers in slices of this size, and what is in a slice is counted before the next.
SLICE_BYTES = 4 * 1024
SILENCE_MAX_S = 60
STUCK_MAX_S = 30

# ---- What the hub remembers.
QUEUE_MAX = 1_024
# 72 hours of the busiest restaurant are 30,000 changes; beyond this the oldest keys go, so that no stranger can have a
# key of an iPad refused.
KEYS_MAX = 200_000
# The log of all restaurants together. Wins over `log_days`, `log_revisions` and the 72 hours of the keys.
LOG_BYTES_MAX = 256_000_000
# Free space that is left for deletes when the disk fills up.
RESERVE_BYTES = 8_000_000
# A client that holds more than the hub may begin a new epoch so often.
CLAIM_EVERY_S = 24 * 3600.0

# ---- The log of what happens: lines of one address a minute, then one sum.
LINES_A_MINUTE = 20

# ---- mDNS. A full house's phones and iPads send some dozen packets a second, of a few hundred bytes.
MDNS_PACKETS_A_SECOND = 200
MDNS_BYTES_A_SECOND = 100_000
# Another hub counts once it has answered so often, so far apart: a minute in all.
RIVAL_ANSWERS = 3
RIVAL_ASKED_EVERY_S = 20.0
# Other hubs that are asked whether they are one: so many a minute, so many remembered, so much of an answer read.
RIVALS_ASKED_A_MINUTE = 12
RIVALS_MAX = 16
RIVAL_WAIT_S = 2.0
HEALTH_BYTES_MAX = 16 * 1024

# ---- Backups. Rows are copied in steps with a pause: at 100 changes a second a change then takes a few milliseconds
# more at worst, where one long copy takes tens.
BACKUP_STEP_BYTES = 1024 * 1024
BACKUP_PAUSE_S = 0.01
# The database's own log cannot begin anew while a copy reads, so that a copy which takes for ever is given up.
BACKUP_READING_S = 900.0
# And its whole process, with the copies on other disks.
BACKUP_PROCESS_S = 1800.0
# Room that a backup leaves on the disk: the hub's changes come first.
BACKUP_FREE_BYTES = 32_000_000
# What is kept: the newest of so many days and weeks, and so many of the newest whatever the clock says.
BACKUP_DAYS = 7
BACKUP_WEEKS = 4
BACKUPS_MIN = 3
# A hub that was off at the close of its day makes the backup once it has rested for so long.
BACKUP_IDLE_S = 300.0
BACKUP_AGAIN_S = 3600.0
# Without a backup for so long, the owner is told; of a hub that has only started, after an hour.
BACKUP_MISSED_S = 48 * 3600
BACKUP_TOLD_AFTER_S = 3600.0
# What a restored backup took the place of stays for so long.
SET_ASIDE_DAYS = 7

# People forgotten: the list is written whole each time, and copies that are put back are held against it.
ERASURES_MAX = 1_000
# Entries of one page of the audit: its last commit may bring as many more as a batch has.
AUDIT_ENTRIES_MAX = 5_000
# Entries whose commits have left the log: an evening makes some 3,000, and each takes some 120 bytes.
AUDIT_DAYS, AUDIT_MAX = 90, 500_000

# ---- Who belongs to the hub. A house has a dozen devices, and replaces each in some years.
DEVICES_MAX = 1_000
# Somebody walks to a manager with the new iPad in his hand. Five of one address, so that a stranger takes no more.
PAIRING_S = 120
PENDING_AN_ADDRESS = 5
PENDING_MAX = 20
INVITATIONS_MAX = 20
# Who was here without a token, as it is told before the hub is closed: an iPad of the weekends is among them.
VISITORS_S = 14 * 86_400
VISITORS_MAX = 500
# Of those that a closed hub refused the latest: a stranger with many addresses takes no place of the 500.
REFUSED_MAX = 50
# Headers that are watched of one address: a family of iPads behind one proxy. And of how many changes of an address in
# five minutes the header is looked at: a change more costs nothing.
HEADERS_AN_ADDRESS = 16
HEADERS_LOOKED_AT = 8
# A header that is one device's own: as long as a key of 128 bits in hexadecimal, and the same for a day.
HEADER_CHARACTERS_MIN = 32
SAME_HEADER_S = 86_400
# A socket without a header is that of the device that spoke from its address lately: an iPad that was out of reach.
SPOKE_S = 600.0
# A socket on a closed hub that has not said who it is yet: a page sends its token at once.
UNNAMED_S = 5.0
UNNAMED_AN_ADDRESS = 4
UNNAMED_MAX = 32

# ---- The staff, with a PIN each. Whoever leaves stays known by name, so a house of many seasons fits.
STAFF_MAX = 1_000
# A long shift; and as long as somebody at the plan of the floor needs to move a few tables.
SIGNED_IN_S = 12 * 3_600
CONFIRMED_S = 5 * 60
# A PIN has 10,000 values at least. Five wrong ones at a device are mistakes; then it waits, twice as long each time.
WRONG_PINS_FREE = 5
PIN_WAIT_S = 30
PIN_WAIT_MAX_S = 15 * 60
# For a person, of all devices, in an hour; one device gets 12 at most, so it alone keeps nobody out elsewhere.
WRONG_PINS_A_PERSON = 20
WRONG_PINS_S = 3_600
# What a try of a PIN costs its address, in units: five a second take a quarter of a processor.
PIN_UNITS = 40
