-- Boards: a photograph beside a deed or a title, of a household that agreed to it. The file lies outside the database; the row
-- stays when the file is deleted.
CREATE TABLE board_pictures (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- Beside which deed, or beside which title: one of the two.
    nomination_id TEXT REFERENCES nominations (id),
    award_id TEXT REFERENCES title_awards (id),
    -- Its name in the folder: the digest of its bytes.
    file TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    -- What is on it, for people who cannot see it.
    words TEXT NOT NULL,
    -- The day of the guardian's consent in writing, where somebody under eighteen is on it. Who the guardian is stands on the
    -- paper at the office and nowhere here.
    guardian_agreed_on DATE,
    state TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES users (id),
    added_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    -- When the file was deleted, and why where somebody said so.
    ended_at TIMESTAMP,
    ending_reason TEXT,
    CHECK ((nomination_id IS NULL) <> (award_id IS NULL))
);
CREATE INDEX board_pictures_by_state ON board_pictures (state);
CREATE INDEX board_pictures_by_file ON board_pictures (file);
