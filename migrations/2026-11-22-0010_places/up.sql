-- A household that left or was merged keeps its row, its books and its history. `ended_on` is the first day on which it is
-- no longer part of the programme; none: it is.
ALTER TABLE households ADD COLUMN ended_on DATE;
-- The household that it became part of, with its points; none: it left.
ALTER TABLE households ADD COLUMN merged_into TEXT REFERENCES households (id);
-- The last day on which a household that left can spend what it has.
ALTER TABLE households ADD COLUMN redeemable_until DATE;
-- Since when somebody of the household works for the programme or sits on the council: it takes no title and stands on no board.
ALTER TABLE households ADD COLUMN staff_since DATE;

-- What happened to households. A row is never changed; it holds no name, so that a household's identity can be taken out.
CREATE TABLE household_events (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- Counts the household's events.
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- The new household of a split, the surviving one of a merge.
    other_id TEXT REFERENCES households (id),
    effective_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL,
    -- What went along, in words.
    detail TEXT NOT NULL,
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    UNIQUE (household_id, version)
);
CREATE INDEX household_events_by_other ON household_events (other_id);

-- Where a household lived before where it lives now: from the first day through the day before `until_on`.
CREATE TABLE household_residences (
    household_id TEXT NOT NULL REFERENCES households (id),
    from_on DATE NOT NULL,
    until_on DATE NOT NULL,
    building_id TEXT NOT NULL REFERENCES areas (id),
    stairwell TEXT,
    room TEXT NOT NULL,
    PRIMARY KEY (household_id, from_on),
    CONSTRAINT one_day_at_least CHECK (from_on < until_on)
);

-- What a household agreed to, purpose by purpose. The last row of a purpose counts; none: not given.
CREATE TABLE household_consents (
    household_id TEXT NOT NULL REFERENCES households (id),
    purpose TEXT NOT NULL,
    version BIGINT NOT NULL,
    given BOOLEAN NOT NULL,
    decided_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (household_id, purpose, version)
);

-- A building went to another grid, a grid to another community.
CREATE TABLE area_moves (
    id TEXT PRIMARY KEY,
    area_id TEXT NOT NULL REFERENCES areas (id),
    from_parent_id TEXT NOT NULL REFERENCES areas (id),
    to_parent_id TEXT NOT NULL REFERENCES areas (id),
    effective_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL
);
CREATE INDEX area_moves_by_area ON area_moves (area_id);
