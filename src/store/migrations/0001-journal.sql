-- Frozen: a database out there was made with this very text. What changes comes as a file with the next number.

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
