-- A proposal that an item of the rules was fulfilled, and what became of it.
CREATE TABLE nominations (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    scoring_item_id TEXT NOT NULL REFERENCES scoring_items (id),
    count BIGINT NOT NULL CHECK (count >= 1),
    points BIGINT NOT NULL CHECK (points >= 1),
    occurred_on DATE NOT NULL,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    nominated_by TEXT NOT NULL REFERENCES users (id),
    nominated_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    decision_reason TEXT,
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    -- Nominator and verifier are two people.
    CONSTRAINT two_people CHECK (decided_by IS NULL OR decided_by <> nominated_by)
);
CREATE INDEX nominations_by_household ON nominations (household_id, occurred_on);
CREATE INDEX nominations_by_state ON nominations (state);
