-- Reminder notes: private, to one household. They can touch its honour score only, within limits, and that comes back by
-- itself. There is no list of them by household and no count: SG11.
CREATE TABLE reminder_notes (
    id TEXT PRIMARY KEY,
    -- Eight digits on the paper. They tell nothing: neither how many there are nor when.
    code TEXT NOT NULL UNIQUE,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- The rule it cites, in the version in force when it was issued.
    scheme_version_id TEXT NOT NULL REFERENCES scheme_versions (id),
    rule_code TEXT NOT NULL,
    -- What it can cost of the honour score: zero for the first of a month where the rule costs from the second on.
    points_at_stake BIGINT NOT NULL CHECK (points_at_stake >= 0),
    seen TEXT NOT NULL,
    place TEXT NOT NULL,
    seen_on DATE NOT NULL,
    fix_by DATE NOT NULL,
    -- From this day on it ends by itself, when nobody has confirmed that it is unfixed.
    lapses_on DATE NOT NULL,
    state TEXT NOT NULL,
    issued_by TEXT NOT NULL REFERENCES users (id),
    issued_at TIMESTAMP NOT NULL,
    acknowledged_by TEXT REFERENCES users (id),
    acknowledged_at TIMESTAMP,
    acknowledged_how TEXT,
    -- A second person saw that it is unfixed, and told the household so.
    unfixed_by TEXT REFERENCES users (id),
    unfixed_at TIMESTAMP,
    unfixed_note TEXT,
    told_how TEXT,
    -- The last day on which the household may object; nothing is taken before it is over.
    objections_until DATE,
    points_taken BIGINT CHECK (points_taken >= 1),
    -- The day on which it is taken: the limits of a month and of a rule count by it.
    reduced_on DATE,
    reduction_number BIGINT UNIQUE REFERENCES transactions (number),
    repair_on DATE,
    repair_number BIGINT UNIQUE REFERENCES transactions (number),
    -- Who ended it: nobody when it ended by itself.
    closed_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP,
    closing_reason TEXT,
    CONSTRAINT another_person CHECK (unfixed_by IS NULL OR unfixed_by <> issued_by),
    CONSTRAINT never_more_than_the_rule CHECK (points_taken IS NULL OR points_taken <= points_at_stake)
);
CREATE INDEX reminder_notes_by_household ON reminder_notes (household_id);
CREATE INDEX reminder_notes_by_state ON reminder_notes (state);

-- What the household says against it, once. It holds the posting until it is decided; silence favours the household.
CREATE TABLE reminder_objections (
    reminder_id TEXT PRIMARY KEY REFERENCES reminder_notes (id),
    reason TEXT NOT NULL,
    filed_how TEXT NOT NULL,
    -- Who wrote it down.
    filed_by TEXT NOT NULL REFERENCES users (id),
    filed_at TIMESTAMP NOT NULL,
    decide_by DATE NOT NULL,
    outcome TEXT,
    decision_reason TEXT,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP
);
