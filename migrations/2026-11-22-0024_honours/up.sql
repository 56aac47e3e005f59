-- Honours: titles that a community gives to households, who is to have one, and what was said for and against it.

-- A title is never changed: it is retired, and another is defined.
CREATE TABLE honour_titles (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- The evaluation that it belongs to, by the code that the rules have for it; none for a community's own title.
    category_code TEXT,
    -- What it is given for, as it is read out.
    purpose TEXT NOT NULL,
    -- What a household must be for it, in words that the verifier confirms; may be empty.
    eligibility TEXT NOT NULL,
    quota_scope TEXT NOT NULL,
    quota_percent BIGINT CHECK (quota_percent >= 1 AND quota_percent <= 100),
    quota_count BIGINT CHECK (quota_count >= 1),
    period TEXT NOT NULL,
    reward_points BIGINT NOT NULL CHECK (reward_points >= 0),
    term_months BIGINT NOT NULL CHECK (term_months >= 1),
    has_plaque BOOLEAN NOT NULL,
    defined_at TIMESTAMP NOT NULL,
    defined_by TEXT NOT NULL REFERENCES users (id),
    retired_at TIMESTAMP,
    retired_by TEXT REFERENCES users (id),
    CONSTRAINT one_quota CHECK ((quota_percent IS NULL) <> (quota_count IS NULL))
);

-- What a session decided about titles, shown to everybody for a week.
CREATE TABLE title_notices (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    area_id TEXT NOT NULL REFERENCES areas (id),
    published_at TIMESTAMP NOT NULL,
    published_by TEXT NOT NULL REFERENCES users (id),
    ends_at TIMESTAMP NOT NULL,
    taken_down_at TIMESTAMP
);

CREATE TABLE title_awards (
    id TEXT PRIMARY KEY,
    title_id TEXT NOT NULL REFERENCES honour_titles (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    -- The grid, building or programme in whose quota it is.
    scope_id TEXT NOT NULL REFERENCES areas (id),
    -- The first day of the quarter or year that it is for.
    period_from DATE NOT NULL,
    -- Why this household, in words that everybody may read.
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    nominated_by TEXT NOT NULL REFERENCES users (id),
    nominated_at TIMESTAMP NOT NULL,
    verified_by TEXT REFERENCES users (id),
    verified_at TIMESTAMP,
    -- Which ballot comes next or decided: a second and further one only where the last place was tied.
    round BIGINT NOT NULL CHECK (round >= 1),
    -- The session that decided.
    session_id TEXT REFERENCES council_sessions (id),
    notice_id TEXT REFERENCES title_notices (id),
    notice_row BIGINT,
    conferred_at TIMESTAMP,
    term_ends_on DATE,
    -- The reward's posting, once the month's budget had room for it.
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    reversal_number BIGINT UNIQUE REFERENCES transactions (number),
    ended_at TIMESTAMP,
    ending_reason TEXT,
    CONSTRAINT two_people_nominate CHECK (verified_by IS NULL OR verified_by <> nominated_by),
    CONSTRAINT a_term_begins CHECK ((conferred_at IS NULL) = (term_ends_on IS NULL))
);
CREATE INDEX title_awards_by_household ON title_awards (household_id);
CREATE INDEX title_awards_by_state ON title_awards (state);
CREATE INDEX title_awards_by_period ON title_awards (title_id, period_from);

-- The counts of one candidate's ballot; how anybody voted is kept nowhere.
CREATE TABLE title_ballots (
    id TEXT PRIMARY KEY,
    award_id TEXT NOT NULL REFERENCES title_awards (id),
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    round BIGINT NOT NULL,
    voters BIGINT NOT NULL,
    votes_for BIGINT NOT NULL CHECK (votes_for >= 0),
    votes_against BIGINT NOT NULL CHECK (votes_against >= 0),
    abstentions BIGINT NOT NULL CHECK (abstentions >= 0),
    counted_by TEXT NOT NULL REFERENCES users (id),
    counted_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES users (id),
    confirmed_at TIMESTAMP,
    CONSTRAINT one_count UNIQUE (award_id, session_id, round),
    CONSTRAINT two_people_count CHECK (confirmed_by IS NULL OR confirmed_by <> counted_by),
    CONSTRAINT everybody_is_counted CHECK (votes_for + votes_against + abstentions = voters)
);

-- Who had a vote, so that nobody of them decides again.
CREATE TABLE title_ballot_voters (
    ballot_id TEXT NOT NULL REFERENCES title_ballots (id),
    member_id TEXT NOT NULL REFERENCES council_members (id),
    PRIMARY KEY (ballot_id, member_id)
);

CREATE TABLE title_objections (
    id TEXT PRIMARY KEY,
    -- Random, so that none leads to another.
    receipt TEXT NOT NULL UNIQUE,
    award_id TEXT NOT NULL REFERENCES title_awards (id),
    reason TEXT NOT NULL,
    objector_name TEXT NOT NULL,
    objector_contact TEXT NOT NULL,
    filed_at TIMESTAMP NOT NULL,
    -- From here on it is dismissed by itself: silence favours the household.
    decide_by TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    decided_at TIMESTAMP,
    decided_by TEXT REFERENCES users (id),
    decision_reason TEXT
);
CREATE INDEX title_objections_by_award ON title_objections (award_id);

-- Against a title that was not given, by the household; against one that was, by anybody.
CREATE TABLE title_appeals (
    id TEXT PRIMARY KEY,
    receipt TEXT NOT NULL UNIQUE,
    award_id TEXT NOT NULL REFERENCES title_awards (id),
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    contact TEXT NOT NULL,
    taken_by TEXT NOT NULL REFERENCES users (id),
    filed_at TIMESTAMP NOT NULL,
    -- From here on it is decided by itself, as the household would have it.
    decide_by TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    decided_at TIMESTAMP,
    decision_reason TEXT
);
CREATE INDEX title_appeals_by_award ON title_appeals (award_id);

CREATE TABLE title_panellists (
    appeal_id TEXT NOT NULL REFERENCES title_appeals (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    opinion TEXT,
    reason TEXT,
    given_at TIMESTAMP,
    PRIMARY KEY (appeal_id, user_id)
);

-- Stars: each a criterion in words, up to eight at a time.
CREATE TABLE honour_stars (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    criterion TEXT NOT NULL,
    defined_at TIMESTAMP NOT NULL,
    defined_by TEXT NOT NULL REFERENCES users (id),
    retired_at TIMESTAMP,
    retired_by TEXT REFERENCES users (id)
);

-- A star that a session gave a household, until a day; renewed by another row.
CREATE TABLE star_awards (
    id TEXT PRIMARY KEY,
    star_id TEXT NOT NULL REFERENCES honour_stars (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    session_id TEXT NOT NULL REFERENCES council_sessions (id),
    given_on DATE NOT NULL,
    until_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    CONSTRAINT a_star_holds_for_days CHECK (until_on > given_on)
);
CREATE INDEX star_awards_by_household ON star_awards (household_id);
