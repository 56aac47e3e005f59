-- A sum in yuan that an assembly resolved to share out by honour scores. Nothing is paid here: the register is for the
-- collective's own accounts, and members' property shares are not touched.
CREATE TABLE dividends (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE CHECK (number >= 1),
    title TEXT NOT NULL,
    area_id TEXT NOT NULL REFERENCES areas (id),
    -- In fen.
    pool BIGINT NOT NULL CHECK (pool > 0),
    -- Honour scores as they were written when this day ended.
    scored_on DATE NOT NULL,
    -- Households below this honour score have no share.
    from_honour BIGINT NOT NULL CHECK (from_honour >= 1),
    -- The resolution.
    body TEXT NOT NULL,
    held_on DATE NOT NULL,
    place TEXT NOT NULL,
    entitled BIGINT NOT NULL,
    present BIGINT NOT NULL,
    votes_for BIGINT NOT NULL,
    votes_against BIGINT NOT NULL,
    votes_abstained BIGINT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL
);

CREATE TABLE dividend_shares (
    dividend_id TEXT NOT NULL REFERENCES dividends (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    honour BIGINT NOT NULL CHECK (honour >= 1),
    -- In fen.
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (dividend_id, household_id)
);

-- What somebody else than its recorder takes back, because it was written down wrongly.
CREATE TABLE dividend_annulments (
    dividend_id TEXT PRIMARY KEY REFERENCES dividends (id),
    reason TEXT NOT NULL,
    annulled_by TEXT NOT NULL REFERENCES users (id),
    annulled_at TIMESTAMP NOT NULL
);
