-- Retention: what identifies a household is taken out of every table when it asked for that, or its time is over. One person
-- proposes it, another confirms; then it cannot be undone. No words here: a row outlives the household that it is about.
CREATE TABLE household_deletions (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- requested, on_paper, time_over
    basis TEXT NOT NULL,
    -- proposed, done, refused
    state TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (id),
    proposed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    CONSTRAINT two_people_delete CHECK (decided_by IS NULL OR decided_by <> proposed_by)
);
CREATE INDEX household_deletions_by_household ON household_deletions (household_id);
