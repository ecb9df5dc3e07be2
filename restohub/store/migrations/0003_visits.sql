-- What stays of each party that was done when it left the floor, for the reports: `at` is the time by which it belongs to
-- a business day, `phone` and `email` are hashes by the hub's contact_key, the four from `table_number` on are of the
-- table at which it sat. Times are UTC seconds, `quoted` is minutes, `checksum` a CRC-32 over all the rest.
-- contact_visits.py does the rest of this migration: it makes the key, hashes the contacts of guests long gone, in
-- `removal` and in the log, and makes the visits that the log still knows.
CREATE TABLE visit (
    restaurant_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    guest_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    walk_in INTEGER NOT NULL,
    size INTEGER NOT NULL,
    quoted INTEGER,
    booked INTEGER,
    arrived INTEGER,
    seated INTEGER,
    ended INTEGER,
    table_number TEXT,
    capacity INTEGER,
    section TEXT,
    server TEXT,
    phone TEXT,
    email TEXT,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (restaurant_id, at, guest_id)
) STRICT, WITHOUT ROWID;
