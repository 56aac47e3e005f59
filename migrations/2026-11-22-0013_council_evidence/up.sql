-- A photograph of a deed. The file lies outside the database; the row stays when the file is deleted (SG16).
CREATE TABLE evidence (
    id TEXT PRIMARY KEY,
    nomination_id TEXT NOT NULL REFERENCES nominations (id),
    -- Its name in the folder: the digest of its bytes.
    file TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    -- Nobody of the staff: a household sent it through its card.
    added_by TEXT REFERENCES users (id),
    added_at TIMESTAMP NOT NULL,
    deleted_on DATE,
    UNIQUE (nomination_id, file)
);
CREATE INDEX evidence_by_file ON evidence (file);

-- One good deed that many households did together: they sign in at the door or on paper, and are nominated together.
CREATE TABLE gatherings (
    id TEXT PRIMARY KEY,
    -- 1, 2, 3 … over the whole programme: it stands on the paper sheet.
    number BIGINT NOT NULL UNIQUE,
    -- Whose households may sign in.
    area_id TEXT NOT NULL REFERENCES areas (id),
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    held_on DATE NOT NULL,
    scoring_item_id TEXT NOT NULL REFERENCES scoring_items (id),
    count BIGINT NOT NULL CHECK (count >= 1),
    opened_by TEXT NOT NULL REFERENCES users (id),
    opened_at TIMESTAMP NOT NULL,
    closed_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP
);

-- Every household that may sign in has a row from the beginning, because its number is printed on the paper sheet.
CREATE TABLE gathering_rows (
    gathering_id TEXT NOT NULL REFERENCES gatherings (id),
    row_number BIGINT NOT NULL,
    household_id TEXT NOT NULL REFERENCES households (id),
    signed_at TIMESTAMP,
    signed_by TEXT REFERENCES users (id),
    manner TEXT,
    -- What became of it when the gathering closed: a nomination, or why there is none.
    nomination_id TEXT REFERENCES nominations (id),
    refusal TEXT,
    PRIMARY KEY (gathering_id, row_number),
    UNIQUE (gathering_id, household_id)
);
