-- A version of the rules, as it was adopted. Never changed: a new version supersedes it from its first day.
CREATE TABLE scheme_versions (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- The whole file, as it was loaded.
    document TEXT NOT NULL,
    active_from DATE NOT NULL,
    loaded_at TIMESTAMP NOT NULL,
    loaded_by TEXT NOT NULL,
    UNIQUE (code, version)
);

CREATE TABLE evaluation_categories (
    scheme_version_id TEXT NOT NULL REFERENCES scheme_versions (id),
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    -- Points of this category can be spent; otherwise they are honour only.
    redeemable BOOLEAN NOT NULL,
    PRIMARY KEY (scheme_version_id, code)
);

CREATE TABLE scoring_items (
    id TEXT PRIMARY KEY,
    scheme_version_id TEXT NOT NULL REFERENCES scheme_versions (id),
    code TEXT NOT NULL,
    category_code TEXT NOT NULL,
    name TEXT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 1),
    -- per what: time, person, household …
    per TEXT NOT NULL,
    cap BIGINT NOT NULL CHECK (cap >= 1),
    cap_period TEXT NOT NULL,
    evidence TEXT NOT NULL,
    nominator TEXT NOT NULL,
    check_level TEXT NOT NULL,
    UNIQUE (scheme_version_id, code),
    FOREIGN KEY (scheme_version_id, category_code) REFERENCES evaluation_categories (scheme_version_id, code)
);
