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
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    action TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_position ON audit (position);
