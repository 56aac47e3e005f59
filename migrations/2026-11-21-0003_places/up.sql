-- One row: what this programme is called and where residents find it. No row: the first-run page.
CREATE TABLE programmes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- The address that cards carry, e.g. https://points.example.cn
    address TEXT NOT NULL,
    office TEXT NOT NULL,
    phone TEXT NOT NULL,
    -- Keys the digests of card secrets, so that the digests alone prove nothing.
    card_key BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- County, township, community, grid, building. `path` is the codes from the root, each ended by a slash, so that
-- «inside» is «starts with».
CREATE TABLE areas (
    id TEXT PRIMARY KEY,
    parent_id TEXT REFERENCES areas (id),
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE
);

-- The accounting unit: one book, or people who live together. No health, poverty, belief or record of any kind, and
-- no identity number: there is no column to put them in.
CREATE TABLE households (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    building_id TEXT NOT NULL REFERENCES areas (id),
    stairwell TEXT,
    room TEXT NOT NULL,
    head_name TEXT NOT NULL,
    -- Pinyin initials for search: lys finds 李玉山.
    head_initials TEXT NOT NULL,
    people BIGINT NOT NULL CHECK (people >= 1),
    registered_at TIMESTAMP NOT NULL
);
CREATE INDEX households_by_building ON households (building_id);
CREATE INDEX households_by_initials ON households (head_initials);
