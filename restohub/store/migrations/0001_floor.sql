-- What the hub knows of itself: install_id, epoch.
CREATE TABLE hub (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is true now. Restaurants themselves stand under restaurant 0. `checksum` is a CRC-32 over all the rest.
CREATE TABLE entity (
    restaurant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    image BLOB NOT NULL,
    UNIQUE (restaurant_id, kind, id)
) STRICT;

-- What is gone: its id stays taken, and a finished visit of a guest who left the floor stays counted.
CREATE TABLE removal (
    restaurant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL,
    phone TEXT,
    email TEXT,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (restaurant_id, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX removal_by_revision ON removal (restaurant_id, revision);
CREATE INDEX removal_by_phone ON removal (restaurant_id, phone) WHERE phone <> '';
CREATE INDEX removal_by_email ON removal (restaurant_id, email) WHERE email <> '';

-- What changed: one row a commit, `position` = restaurant_id * 2^40 + revision, so that one b-tree holds it all. `key`
-- is the idempotency key that the commit was made with, `digest` its request, `answer` what was answered.
CREATE TABLE log (
    position INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    key TEXT,
    digest BLOB,
    changes BLOB NOT NULL,
    answer BLOB
) STRICT;
