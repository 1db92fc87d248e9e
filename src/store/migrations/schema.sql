-- A database that is made today: what all numbered files together come to. A test compares the two.

-- Numbers that only rise: `session` with each start.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('session', 0);

-- Commands, in the order in which they began.
CREATE TABLE journal (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    name TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    correlation BLOB,
    -- Seconds since 1970 by the box's own clock, which may jump.
    begun_s INTEGER NOT NULL,
    -- NULL: it runs.
    answer BLOB,
    -- The broker has the answer.
    sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1))
) STRICT;
CREATE INDEX journal_open ON journal (n) WHERE sent = 0;

-- What waits to be told.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    -- 0 telemetry, 1 event, 2 alarm.
    class INTEGER NOT NULL CHECK (class IN (0, 1, 2)),
    leaf TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_by_worth ON outbox (class, seq);

-- Sums over it, so that nobody has to count, and the last number given, which outlives the rows.
CREATE TABLE outbox_sums (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_seq INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    dropped INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_sums (one, last_seq, rows, bytes, dropped) VALUES (1, 0, 0, 0, 0);

CREATE TRIGGER outbox_came AFTER INSERT ON outbox BEGIN
    UPDATE outbox_sums SET last_seq = max(last_seq, new.seq), rows = rows + 1, bytes = bytes + length(new.payload);
END;
CREATE TRIGGER outbox_went AFTER DELETE ON outbox BEGIN
    UPDATE outbox_sums SET rows = rows - 1, bytes = bytes - length(old.payload);
END;
