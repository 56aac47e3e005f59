-- How often a PIN was tried with a card number from a phone since it was last right. Numbers that no card has are counted
-- too, so that nobody learns which there are.
CREATE TABLE resident_tries (
    card_number TEXT PRIMARY KEY,
    tries BIGINT NOT NULL CHECK (tries >= 1),
    last_at TIMESTAMP NOT NULL
);

-- A household that looks at its own points. Of what the browser holds only the digest.
CREATE TABLE resident_sessions (
    digest TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- The card with which it signed in; when that is stopped the session is over.
    card_id TEXT NOT NULL REFERENCES cards (id),
    -- Tells the PIN from a later one, and tells nothing else.
    pin_mark TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
CREATE INDEX resident_sessions_by_household ON resident_sessions (household_id);

-- What a household asks the office to do with its data. Nothing happens by itself.
CREATE TABLE resident_requests (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- correction, deletion, leaving
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    -- The last day for an answer.
    due_on DATE NOT NULL,
    answer TEXT,
    answered_by TEXT REFERENCES users (id),
    answered_at TIMESTAMP
);
CREATE INDEX resident_requests_by_household ON resident_requests (household_id);

-- A household found its book of a quarter right.
CREATE TABLE book_checks (
    household_id TEXT NOT NULL REFERENCES households (id),
    -- The quarter's first day.
    quarter_from DATE NOT NULL,
    -- What was left at its end, as the household saw it.
    balance BIGINT NOT NULL,
    checked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (household_id, quarter_from)
);

-- A household may decide by itself: then nobody took its decision down, or its voice for a wish. The tables are made anew,
-- because a column that must be filled cannot be let go of on SQLite; every row stays as it is.
CREATE TABLE household_consents_anew (
    household_id TEXT NOT NULL REFERENCES households (id),
    purpose TEXT NOT NULL,
    version BIGINT NOT NULL,
    given BOOLEAN NOT NULL,
    decided_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES users (id),
    PRIMARY KEY (household_id, purpose, version)
);
INSERT INTO household_consents_anew
    SELECT household_id, purpose, version, given, decided_on, recorded_at, recorded_by FROM household_consents;
DROP TABLE household_consents;
ALTER TABLE household_consents_anew RENAME TO household_consents;

CREATE TABLE wish_voices_anew (
    household_id TEXT PRIMARY KEY REFERENCES households (id),
    wish_id TEXT NOT NULL REFERENCES wishes (id),
    recorded_by TEXT REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL
);
INSERT INTO wish_voices_anew SELECT household_id, wish_id, recorded_by, recorded_at FROM wish_voices;
DROP TABLE wish_voices;
ALTER TABLE wish_voices_anew RENAME TO wish_voices;
CREATE INDEX wish_voices_by_wish ON wish_voices (wish_id);
