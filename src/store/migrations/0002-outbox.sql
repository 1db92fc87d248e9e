-- Frozen: a database out there was made with this very text. What changes comes as a file with the next number.

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
