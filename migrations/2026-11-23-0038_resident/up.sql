-- A household that found its book of a quarter right is nominated for it, under the item that the rules have for that.

-- What the program knows of itself that a household did, for which the item is given; most items are given for nothing of it.
ALTER TABLE scoring_items ADD COLUMN given_for TEXT;

-- Who took it down when a household signed the paper statement; nobody when it said so itself.
ALTER TABLE book_checks ADD COLUMN taken_by TEXT REFERENCES users (id);

-- What became of a household's word about its book: one nomination, or the reason why there is none.
CREATE TABLE filed_confirmations (
    household_id TEXT NOT NULL REFERENCES households (id),
    -- The quarter's first day.
    quarter_from DATE NOT NULL,
    -- Who took the word down and so bears witness to it: somebody else verifies.
    taken_by TEXT REFERENCES users (id),
    nomination_id TEXT UNIQUE REFERENCES nominations (id),
    refusal TEXT,
    filed_by TEXT NOT NULL REFERENCES users (id),
    filed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (household_id, quarter_from),
    CHECK ((nomination_id IS NULL) <> (refusal IS NULL))
);
