-- The last day on which these points can be spent; none: they stay. Only on points that come onto a spendable account.
ALTER TABLE entries ADD COLUMN expires_on DATE;
CREATE INDEX entries_by_expiry ON entries (expires_on) WHERE expires_on IS NOT NULL;

-- One row for each time that expiry was posted: points of lots whose day is `through_on` or earlier are gone from then on,
-- so that points which come back later, by a void, are not taken a second time. `last_transaction` tells the proof when.
CREATE TABLE expiry_runs (
    through_on DATE PRIMARY KEY,
    last_transaction BIGINT NOT NULL,
    ran_at TIMESTAMP NOT NULL
);
