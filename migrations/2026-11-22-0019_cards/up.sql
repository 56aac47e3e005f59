-- A household's PIN, hashed like a password.
CREATE TABLE household_pins (
    household_id TEXT PRIMARY KEY REFERENCES households (id),
    hash TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL
);
