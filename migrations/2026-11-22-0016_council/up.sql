-- Home visits: three judges mark homes on one sheet, on phones or on paper; the median counts.
CREATE TABLE visit_sheets (
    id TEXT PRIMARY KEY,
    -- Six digits on the paper.
    code TEXT NOT NULL UNIQUE,
    building_id TEXT NOT NULL REFERENCES areas (id),
    visited_on DATE NOT NULL,
    -- The version whose terms say what full marks are and what a median earns.
    scheme_version_id TEXT NOT NULL REFERENCES scheme_versions (id),
    state TEXT NOT NULL,
    made_by TEXT NOT NULL REFERENCES users (id),
    made_at TIMESTAMP NOT NULL,
    closed_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP
);
CREATE INDEX visit_sheets_by_building ON visit_sheets (building_id);

CREATE TABLE visit_judges (
    sheet_id TEXT NOT NULL REFERENCES visit_sheets (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- A judge without an account marks on paper.
    user_id TEXT REFERENCES users (id),
    -- Nobody marks his own home.
    household_id TEXT REFERENCES households (id),
    PRIMARY KEY (sheet_id, position)
);

CREATE TABLE visit_rows (
    sheet_id TEXT NOT NULL REFERENCES visit_sheets (id),
    -- The row's code on the paper.
    position BIGINT NOT NULL,
    household_id TEXT NOT NULL REFERENCES households (id),
    -- At home, absent, or would rather not: only the first has marks, and the others harm nobody.
    entry TEXT NOT NULL,
    -- What closing made of it.
    outcome TEXT,
    outcome_note TEXT,
    nomination_id TEXT UNIQUE REFERENCES nominations (id),
    PRIMARY KEY (sheet_id, position),
    UNIQUE (sheet_id, household_id)
);

CREATE TABLE visit_marks (
    sheet_id TEXT NOT NULL,
    row_position BIGINT NOT NULL,
    judge_position BIGINT NOT NULL,
    mark BIGINT NOT NULL CHECK (mark >= 0),
    -- Why it is far from the others.
    reason TEXT,
    -- The judge, or who keyed the signed paper.
    marked_by TEXT NOT NULL REFERENCES users (id),
    marked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (sheet_id, row_position, judge_position),
    FOREIGN KEY (sheet_id, row_position) REFERENCES visit_rows (sheet_id, position),
    FOREIGN KEY (sheet_id, judge_position) REFERENCES visit_judges (sheet_id, position)
);
