-- Who did what. A line is written in the same transaction as the act, and never changed.
CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    recorded_at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_events_by_subject ON audit_events (subject);

-- Requests that were carried out, by the key their sender made. The same key with the same content gets the first
-- answer (`subject` names what was made); the same key with other content is refused.
CREATE TABLE requests (
    key TEXT PRIMARY KEY,
    digest BYTEA NOT NULL,
    subject TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
