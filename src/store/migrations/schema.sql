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

-- What happened in the room, in order. Everything below follows from it, but for accounts.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    -- Milliseconds since 1970 by the box's own clock, which may jump; so everywhere below.
    at_ms INTEGER NOT NULL,
    -- 0: between shows.
    show INTEGER NOT NULL,
    -- 0: nobody who is in the room.
    viewer INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- The fact as JSON.
    data TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX event_of_show ON event (show, seq);
CREATE INDEX event_of_viewer ON event (viewer, seq) WHERE viewer > 0;
CREATE INDEX event_drawn ON event (seq) WHERE kind = 'draw-done';
CREATE INDEX event_moderated ON event (seq) WHERE kind = 'moderated';

-- Events are added, never changed and never taken away, but by the one who puts a row here and takes it out again in the
-- same transaction: retention, and the erasure of a viewer.
CREATE TABLE event_gate (
    one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;
CREATE TRIGGER event_unchanged BEFORE UPDATE ON event WHEN NOT EXISTS (SELECT 1 FROM event_gate) BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;
CREATE TRIGGER event_kept BEFORE DELETE ON event WHEN NOT EXISTS (SELECT 1 FROM event_gate) BEGIN
    SELECT RAISE(ABORT, 'events are never taken away');
END;
CREATE TRIGGER event_last BEFORE INSERT ON event WHEN new.seq <= (SELECT value FROM highest WHERE name = 'seq') BEGIN
    SELECT RAISE(ABORT, 'events are added at the end only');
END;

-- The highest number of each sort that was ever given; outlives what it was given to.
CREATE TABLE highest (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO highest (name, value) VALUES
    ('seq', 0), ('show', 0), ('viewer', 0), ('line', 0), ('poll', 0),
    ('question', 0), ('product', 0), ('pin', 0), ('draw', 0), ('act', 0);

-- Events that still say how the room is, however old: the list of products, what is pinned, bans, names.
CREATE TABLE standing (
    what TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_by_seq ON standing (seq);

-- Shows; a row outlives its events, and says then that they are gone.
CREATE TABLE show (
    show INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    begun_ms INTEGER NOT NULL,
    -- NULL: it runs, or the box was switched off.
    ended_ms INTEGER,
    last_ms INTEGER NOT NULL,
    expired INTEGER NOT NULL DEFAULT 0 CHECK (expired IN (0, 1))
) STRICT;
-- Sums of a show: `lines`, `likes`, `votes`, `amount:EUR` and so on.
CREATE TABLE show_sum (
    show INTEGER NOT NULL,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (show, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE viewer (
    viewer INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- Keyed hash.
    addr TEXT NOT NULL,
    came_ms INTEGER NOT NULL,
    -- When they last did anything.
    last_ms INTEGER NOT NULL,
    muted_until_ms INTEGER NOT NULL DEFAULT 0,
    banned INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1))
) STRICT;
CREATE INDEX viewer_by_age ON viewer (last_ms);

-- Who watched which show, how often and how long.
CREATE TABLE presence (
    show INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    joins INTEGER NOT NULL,
    stayed_ms INTEGER NOT NULL,
    PRIMARY KEY (viewer, show)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    line INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    role TEXT NOT NULL,
    origin TEXT,
    state TEXT NOT NULL CHECK (state IN ('shown', 'held', 'hidden')),
    -- Why it is hidden.
    why TEXT,
    nonce TEXT
) STRICT;
CREATE INDEX message_of_viewer ON message (viewer) WHERE viewer > 0;

CREATE TABLE poll (
    poll INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    question TEXT NOT NULL,
    -- JSON list of texts.
    choices TEXT NOT NULL,
    hidden INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    -- NULL: open.
    closed_ms INTEGER,
    gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
    -- JSON lists of numbers, once it is closed.
    counts TEXT,
    winners TEXT
) STRICT;
CREATE TABLE vote (
    poll INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    choice INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (poll, viewer)
) STRICT, WITHOUT ROWID;
CREATE INDEX vote_of_viewer ON vote (viewer);

CREATE TABLE question (
    question INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    origin TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'live', 'on-screen', 'answered', 'rejected')),
    votes INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX question_of_viewer ON question (viewer) WHERE viewer > 0;
CREATE TABLE upvote (
    question INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (question, viewer)
) STRICT, WITHOUT ROWID;
CREATE INDEX upvote_of_viewer ON upvote (viewer);

-- One row per combo.
CREATE TABLE gift (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    -- Whose combo it is where nobody in the room gave it.
    giver TEXT NOT NULL,
    origin TEXT NOT NULL,
    gift TEXT NOT NULL,
    combo TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The largest count that was told.
    count INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    UNIQUE (show, viewer, giver, origin, gift, combo)
) STRICT;
CREATE INDEX gift_of_viewer ON gift (viewer) WHERE viewer > 0;

CREATE TABLE product (
    product INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    price TEXT NOT NULL,
    old_price TEXT,
    -- NULL: not counted.
    stock INTEGER,
    url TEXT,
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT;
-- Pinnings, to which clicks and orders belong.
CREATE TABLE pin (
    pin INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    product INTEGER NOT NULL,
    until_ms INTEGER
) STRICT;
CREATE TABLE click (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    pin INTEGER NOT NULL,
    product INTEGER NOT NULL,
    viewer INTEGER NOT NULL
) STRICT;
CREATE INDEX click_of_viewer ON click (viewer) WHERE viewer > 0;
CREATE TABLE shop_order (
    -- The shop's own id.
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    pin INTEGER,
    product INTEGER,
    count INTEGER NOT NULL,
    -- In the smallest unit of the currency.
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    name TEXT
) STRICT;
CREATE INDEX shop_order_of_viewer ON shop_order (viewer) WHERE viewer > 0;

CREATE TABLE draw (
    draw INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    show INTEGER NOT NULL,
    title TEXT NOT NULL,
    winners INTEGER NOT NULL,
    commitment TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'done')),
    entries INTEGER NOT NULL DEFAULT 0,
    digest TEXT,
    seed TEXT,
    -- JSON list of viewers and names, once it is done.
    won TEXT
) STRICT;
CREATE TABLE draw_entry (
    draw INTEGER NOT NULL,
    viewer INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (draw, viewer)
) STRICT, WITHOUT ROWID;
CREATE INDEX draw_entry_of_viewer ON draw_entry (viewer);

-- What the staff did.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    account TEXT NOT NULL,
    what TEXT NOT NULL,
    -- JSON.
    detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE INDEX audit_by_age ON audit (at_ms);

CREATE TABLE account (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'moderator', 'owner')),
    -- Argon2id, as a PHC string.
    hash TEXT NOT NULL,
    created_s INTEGER NOT NULL
) STRICT;
CREATE TABLE login_session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256; the token itself is nowhere but in the browser.
    token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE ON UPDATE CASCADE,
    opened_s INTEGER NOT NULL,
    used_s INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    agent TEXT NOT NULL,
    -- Keyed hash.
    addr TEXT NOT NULL
) STRICT;
CREATE INDEX login_session_of ON login_session (account);
-- Failed logins by account or address, so that a restart does not free the way.
CREATE TABLE login_failure (
    what TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Viewers whose data is being erased, so that a start goes on with it.
CREATE TABLE erasure (
    viewer INTEGER PRIMARY KEY,
    -- Up to this event it is done.
    done_seq INTEGER NOT NULL DEFAULT 0,
    -- It stands in no row any more; the file is still to be written anew.
    blanked INTEGER NOT NULL DEFAULT 0 CHECK (blanked IN (0, 1))
) STRICT;
