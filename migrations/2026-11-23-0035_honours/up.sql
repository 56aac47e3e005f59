-- Honours: a star holds once a second person confirmed what the first one keyed.

-- What one person keyed of a session: one star, for one household or many, until a day.
CREATE TABLE star_entries (
    id TEXT PRIMARY KEY,
    star_id TEXT NOT NULL REFERENCES honour_stars (id),
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    until_on DATE NOT NULL,
    state TEXT NOT NULL,
    keyed_at TIMESTAMP NOT NULL,
    keyed_by TEXT NOT NULL REFERENCES users (id),
    decided_at TIMESTAMP,
    decided_by TEXT REFERENCES users (id),
    -- Why the second person refused it.
    refusal TEXT,
    CONSTRAINT two_people_give_a_star CHECK (decided_by IS NULL OR decided_by <> keyed_by),
    CONSTRAINT a_decision_is_somebodys CHECK ((decided_at IS NULL) = (decided_by IS NULL))
);
CREATE INDEX star_entries_by_state ON star_entries (state);

CREATE TABLE star_entry_households (
    entry_id TEXT NOT NULL REFERENCES star_entries (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    -- As they were written down, from 1.
    position BIGINT NOT NULL,
    PRIMARY KEY (entry_id, household_id)
);
CREATE INDEX star_entry_households_by_household ON star_entry_households (household_id);

-- The entry that was confirmed; none for a star of the time when one person was enough, which holds as it did.
ALTER TABLE star_awards ADD COLUMN entry_id TEXT REFERENCES star_entries (id);
