-- Who belongs to the hub: of each device's token the SHA-256 alone, of one that was adopted (how, in JSON) its header's. Whether the hub is closed stands in the hub's own names.
CREATE TABLE device (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    token BLOB NOT NULL,
    paired_at INTEGER NOT NULL,
    paired_by TEXT NOT NULL,
    revoked_at INTEGER,
    restored_from INTEGER,
    paired_over TEXT NOT NULL,
    adopted TEXT,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The device that asked for a commit; without one, none was known.
ALTER TABLE log ADD COLUMN device TEXT;

-- Who changed what by commits that have left the log, where a device was known.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    device TEXT NOT NULL,
    person TEXT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    action TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_position ON audit (position);
-- The people of the staff: of each PIN a hash whose pepper lies beside the database. Who was removed stays, without it.
CREATE TABLE person (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    pin BLOB,
    made_at INTEGER NOT NULL,
    removed_at INTEGER,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The person who was signed in on that device, or confirmed what was grave.
ALTER TABLE log ADD COLUMN person TEXT;
