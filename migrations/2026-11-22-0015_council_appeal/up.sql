-- Redress: what anyone says against a row on public notice, what a household says against a decision, what was found wrong later.

CREATE TABLE objections (
    id TEXT PRIMARY KEY,
    -- Printed for the objector; whoever has it may ask how it stands. Random, so that none leads to another.
    receipt TEXT NOT NULL UNIQUE,
    nomination_id TEXT NOT NULL REFERENCES nominations (id),
    reason TEXT NOT NULL,
    -- For those who decide, when the objector wants to be asked; may be empty.
    objector_name TEXT NOT NULL,
    objector_contact TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- Who wrote it down; nobody when it came by web.
    taken_by TEXT REFERENCES users (id),
    filed_at TIMESTAMP NOT NULL,
    -- Half of the time is gone.
    urgent_from TIMESTAMP NOT NULL,
    -- From here on it is dismissed by itself: silence favours the household.
    decide_by TIMESTAMP NOT NULL,
    escalated_at TIMESTAMP,
    state TEXT NOT NULL,
    decided_at TIMESTAMP,
    -- Nobody when it was decided by silence.
    decided_by TEXT REFERENCES users (id),
    decision_reason TEXT
);
CREATE INDEX objections_by_nomination ON objections (nomination_id);
CREATE INDEX objections_by_state ON objections (state);

CREATE TABLE appeals (
    id TEXT PRIMARY KEY,
    receipt TEXT NOT NULL UNIQUE,
    -- What it is about, as the books name their sources: award:<id>, reminder:<id>.
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    household_id TEXT NOT NULL REFERENCES households (id),
    nomination_id TEXT REFERENCES nominations (id),
    -- When the decision was made that it is about.
    about_at TIMESTAMP NOT NULL,
    -- How many times, persons … the household says it should have been: for an award with fewer points than due.
    claimed_count BIGINT CHECK (claimed_count >= 1),
    reason TEXT NOT NULL,
    contact TEXT NOT NULL,
    channel TEXT NOT NULL,
    taken_by TEXT REFERENCES users (id),
    filed_at TIMESTAMP NOT NULL,
    urgent_from TIMESTAMP NOT NULL,
    -- From here on it is upheld by itself (SG7).
    decide_by TIMESTAMP NOT NULL,
    escalated_at TIMESTAMP,
    state TEXT NOT NULL,
    accepted_at TIMESTAMP,
    accepted_by TEXT REFERENCES users (id),
    heard_at TIMESTAMP,
    heard_by TEXT REFERENCES users (id),
    hearing TEXT NOT NULL,
    decided_at TIMESTAMP,
    decision_reason TEXT,
    -- What an upheld appeal added beyond the award itself.
    points_added BIGINT CHECK (points_added >= 1),
    spendable_added BIGINT CHECK (spendable_added >= 0 AND spendable_added <= points_added),
    correction_number BIGINT UNIQUE REFERENCES transactions (number)
);
CREATE INDEX appeals_by_household ON appeals (household_id);
CREATE INDEX appeals_by_nomination ON appeals (nomination_id);
CREATE INDEX appeals_by_state ON appeals (state);

-- Who decides an appeal: an account, or a member of a council who has none and signs on paper.
CREATE TABLE appeal_panellists (
    appeal_id TEXT NOT NULL REFERENCES appeals (id),
    position BIGINT NOT NULL,
    user_id TEXT REFERENCES users (id),
    member_id TEXT REFERENCES council_members (id),
    name TEXT NOT NULL,
    opinion TEXT,
    reason TEXT,
    given_at TIMESTAMP,
    keyed_by TEXT REFERENCES users (id),
    PRIMARY KEY (appeal_id, position),
    CONSTRAINT somebody CHECK (user_id IS NOT NULL OR member_id IS NOT NULL)
);

-- A posted award that was found wrong: one person proposes, another confirms, then it is reversed.
CREATE TABLE award_corrections (
    id TEXT PRIMARY KEY,
    nomination_id TEXT NOT NULL REFERENCES nominations (id),
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposed_at TIMESTAMP NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (id),
    decided_at TIMESTAMP,
    decided_by TEXT REFERENCES users (id),
    decision_reason TEXT,
    -- What the household had spent already: the programme bears it.
    written_off BIGINT CHECK (written_off >= 0),
    reversal_number BIGINT UNIQUE REFERENCES transactions (number),
    CONSTRAINT two_people_correct CHECK (decided_by IS NULL OR decided_by <> proposed_by)
);
CREATE INDEX award_corrections_by_nomination ON award_corrections (nomination_id);
