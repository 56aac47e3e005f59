-- From nomination to posting: the council decides, the public notice runs, then points post.

-- Who sits in a council, for a term. A member may have no account: then votes are keyed from paper.
CREATE TABLE council_members (
    id TEXT PRIMARY KEY,
    -- The council of this area decides about the households in it.
    area_id TEXT NOT NULL REFERENCES areas (id),
    name TEXT NOT NULL,
    user_id TEXT REFERENCES users (id),
    -- Nobody decides about his own household.
    household_id TEXT REFERENCES households (id),
    appointed_on DATE NOT NULL,
    term_ends_on DATE NOT NULL,
    -- When the seat was given up before the term ended.
    ended_on DATE,
    appointed_by TEXT NOT NULL REFERENCES users (id)
);
CREATE INDEX council_members_by_area ON council_members (area_id);

-- Kin that a member declared: the member steps back from these households.
CREATE TABLE kin_declarations (
    member_id TEXT NOT NULL REFERENCES council_members (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    relation TEXT NOT NULL,
    declared_at TIMESTAMP NOT NULL,
    declared_by TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (member_id, household_id)
);

CREATE TABLE council_sessions (
    id TEXT PRIMARY KEY,
    -- 1, 2, 3 … over the whole programme, for people.
    number BIGINT NOT NULL UNIQUE,
    area_id TEXT NOT NULL REFERENCES areas (id),
    held_on DATE NOT NULL,
    place TEXT NOT NULL,
    -- How L3 is voted on: open or secret. A batch is always voted on the same way as the session.
    ballot TEXT NOT NULL,
    state TEXT NOT NULL,
    chair_id TEXT REFERENCES council_members (id),
    -- How many sat in the council when the session opened: the quorum counts against it.
    seats BIGINT,
    minutes TEXT NOT NULL,
    convened_at TIMESTAMP NOT NULL,
    convened_by TEXT NOT NULL REFERENCES users (id),
    opened_at TIMESTAMP,
    opened_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP,
    closed_by TEXT REFERENCES users (id)
);

CREATE TABLE attendances (
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    member_id TEXT NOT NULL REFERENCES council_members (id),
    arrived_at TIMESTAMP NOT NULL,
    PRIMARY KEY (session_id, member_id)
);

-- One question of a session: a batch of L1 and L2 rows from which the same members step back, or one L3 row.
CREATE TABLE motions (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    votes_for BIGINT NOT NULL CHECK (votes_for >= 0),
    votes_against BIGINT NOT NULL CHECK (votes_against >= 0),
    abstentions BIGINT NOT NULL CHECK (abstentions >= 0),
    decided_at TIMESTAMP,
    decided_by TEXT REFERENCES users (id),
    UNIQUE (session_id, position)
);

CREATE TABLE motion_recusals (
    motion_id TEXT NOT NULL REFERENCES motions (id),
    member_id TEXT NOT NULL REFERENCES council_members (id),
    reason TEXT NOT NULL,
    PRIMARY KEY (motion_id, member_id)
);

-- Who voted. In a secret ballot `choice` is null: the counters of the motion are all that is kept of it.
CREATE TABLE ballots (
    motion_id TEXT NOT NULL REFERENCES motions (id),
    member_id TEXT NOT NULL REFERENCES council_members (id),
    choice TEXT,
    cast_at TIMESTAMP NOT NULL,
    keyed_by TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (motion_id, member_id)
);

-- A signed paper tally, keyed by two people; it counts when both keyed the same.
CREATE TABLE tallies (
    motion_id TEXT NOT NULL REFERENCES motions (id),
    keyed_by TEXT NOT NULL REFERENCES users (id),
    votes_for BIGINT NOT NULL CHECK (votes_for >= 0),
    votes_against BIGINT NOT NULL CHECK (votes_against >= 0),
    abstentions BIGINT NOT NULL CHECK (abstentions >= 0),
    keyed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (motion_id, keyed_by)
);

CREATE TABLE public_notices (
    id TEXT PRIMARY KEY,
    -- Part of every slip number: notice 12, row 3.
    number BIGINT NOT NULL UNIQUE,
    area_id TEXT NOT NULL REFERENCES areas (id),
    -- One notice for a session, however many secretaries press.
    session_id TEXT NOT NULL UNIQUE REFERENCES council_sessions (id),
    published_at TIMESTAMP NOT NULL,
    published_by TEXT NOT NULL REFERENCES users (id),
    -- Rows without an open objection post from this moment on.
    ends_at TIMESTAMP NOT NULL,
    taken_down_at TIMESTAMP
);

-- Points that may be issued in a month from this one on, until a later row. Never changed, only followed.
CREATE TABLE issuance_budgets (
    id TEXT PRIMARY KEY,
    area_id TEXT NOT NULL REFERENCES areas (id),
    from_month DATE NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 0),
    -- From this part of the points on, the office is warned.
    soft_percent BIGINT NOT NULL CHECK (soft_percent >= 1 AND soft_percent <= 100),
    reason TEXT NOT NULL,
    set_at TIMESTAMP NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id)
);

-- One row: the latest moment at which deadlines were kept. A clock that was set back is met here.
CREATE TABLE clockwork (
    id BIGINT PRIMARY KEY,
    seen_at TIMESTAMP NOT NULL
);

-- Nominations grow: residents nominate too, and there is a way to go between verification and posting.
CREATE TABLE grown_nominations (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    scoring_item_id TEXT NOT NULL REFERENCES scoring_items (id),
    count BIGINT NOT NULL CHECK (count >= 1),
    points BIGINT NOT NULL CHECK (points >= 1),
    occurred_on DATE NOT NULL,
    -- What was done, for those who decide.
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    -- A person of the staff, or a household through its card.
    nominated_by TEXT REFERENCES users (id),
    nominating_household_id TEXT REFERENCES households (id),
    nominated_at TIMESTAMP NOT NULL,
    -- Who verified or returned it.
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    decision_reason TEXT,
    -- What of the points can be spent: less than all in a category that is honour only, or above the household's cap.
    spendable_points BIGINT CHECK (spendable_points >= 0 AND spendable_points <= points),
    -- A sentence for the public notice, if the council wants one.
    public_text TEXT NOT NULL,
    -- The transaction that made the points pending, when the council approved.
    pending_number BIGINT UNIQUE REFERENCES transactions (number),
    notice_id TEXT REFERENCES public_notices (id),
    notice_row BIGINT,
    -- The posting.
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    posted_at TIMESTAMP,
    -- Why it ended without points, or its points were taken back.
    ending_reason TEXT,
    UNIQUE (notice_id, notice_row),
    CONSTRAINT somebody_nominated CHECK (nominated_by IS NOT NULL OR nominating_household_id IS NOT NULL),
    -- Nominator and verifier are two people.
    CONSTRAINT two_people CHECK (decided_by IS NULL OR nominated_by IS NULL OR decided_by <> nominated_by)
);
INSERT INTO grown_nominations
SELECT n.id, n.household_id, n.scoring_item_id, n.count, n.points, n.occurred_on, n.note, n.state, n.nominated_by, NULL,
    n.nominated_at, n.decided_by, n.decided_at, n.decision_reason,
    CASE WHEN n.state = 'posted' THEN CASE WHEN c.redeemable THEN n.points ELSE 0 END END,
    '', NULL, NULL, NULL, n.transaction_number, CASE WHEN n.state = 'posted' THEN n.decided_at END, NULL
FROM nominations n
JOIN scoring_items i ON i.id = n.scoring_item_id
JOIN evaluation_categories c ON c.scheme_version_id = i.scheme_version_id AND c.code = i.category_code;
DROP TABLE nominations;
ALTER TABLE grown_nominations RENAME TO nominations;
CREATE INDEX nominations_by_household ON nominations (household_id, occurred_on);
CREATE INDEX nominations_by_state ON nominations (state);
CREATE INDEX nominations_by_notice ON nominations (notice_id);
CREATE INDEX nominations_by_posting ON nominations (posted_at);

-- A row may come up again in a later session, when a motion was put off.
CREATE TABLE motion_rows (
    motion_id TEXT NOT NULL REFERENCES motions (id),
    position BIGINT NOT NULL,
    nomination_id TEXT NOT NULL REFERENCES nominations (id),
    PRIMARY KEY (motion_id, nomination_id)
);
CREATE INDEX motion_rows_by_nomination ON motion_rows (nomination_id);
