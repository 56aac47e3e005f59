-- Points that a till keeps for an hour without network. One hold of a holder is live at a time; what it keeps of each owner
-- nobody else may take while it lives.
CREATE TABLE holds (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    -- Whoever holds, for example a till's id.
    holder TEXT NOT NULL,
    points_each BIGINT NOT NULL CHECK (points_each >= 0),
    taken_at TIMESTAMP NOT NULL,
    -- From this moment on it keeps nothing.
    until_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE UNIQUE INDEX holds_live ON holds (holder) WHERE ended_at IS NULL;

-- What a hold still keeps of an owner, and what its holder took. Gone with the hold.
CREATE TABLE held_points (
    id BIGINT PRIMARY KEY,
    hold_number BIGINT NOT NULL REFERENCES holds (number),
    owner TEXT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    -- Somebody else needs it: its holder is asked to let it go.
    recalled_at TIMESTAMP,
    UNIQUE (owner, hold_number)
);
CREATE INDEX held_points_by_hold ON held_points (hold_number);
