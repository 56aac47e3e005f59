-- A card holds a number and a secret; of the secret the server keeps a keyed digest only.
CREATE TABLE cards (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    number TEXT NOT NULL UNIQUE,
    secret_digest TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    issued_by TEXT NOT NULL,
    issue_reason TEXT NOT NULL,
    stopped_at TIMESTAMP,
    stopped_by TEXT,
    stop_reason TEXT
);
CREATE INDEX cards_by_household ON cards (household_id);
