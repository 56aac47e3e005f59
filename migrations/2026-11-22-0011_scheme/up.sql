-- A version on its way: written, reviewed by another person, adopted by the assembly. Only here is anything changed; what is
-- adopted becomes a row of scheme_versions and stays as it is.
CREATE TABLE scheme_drafts (
    id TEXT PRIMARY KEY,
    -- The version it was made from; nothing for a file or an empty one.
    base_version_id TEXT REFERENCES scheme_versions (id),
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Counts the changes: who changes an older one is told so.
    revision BIGINT NOT NULL,
    author_id TEXT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    changed_by TEXT NOT NULL REFERENCES users (id),
    changed_at TIMESTAMP NOT NULL,
    reviewed_by TEXT REFERENCES users (id),
    reviewed_at TIMESTAMP,
    review_note TEXT,
    adopted_version_id TEXT UNIQUE REFERENCES scheme_versions (id),
    CONSTRAINT reviewed_by_another CHECK (reviewed_by IS NULL OR (reviewed_by <> author_id AND reviewed_by <> changed_by))
);

-- Somebody asks to let a find of the validator stand, with a reason. It holds for these very words only.
CREATE TABLE scheme_overrides (
    id TEXT PRIMARY KEY,
    draft_id TEXT NOT NULL REFERENCES scheme_drafts (id),
    mark TEXT NOT NULL,
    place TEXT NOT NULL,
    finding TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (id),
    proposed_at TIMESTAMP NOT NULL,
    UNIQUE (draft_id, mark)
);

-- A second person lets it stand.
CREATE TABLE scheme_override_confirmations (
    override_id TEXT PRIMARY KEY REFERENCES scheme_overrides (id),
    confirmed_by TEXT NOT NULL REFERENCES users (id),
    confirmed_at TIMESTAMP NOT NULL
);

-- How the assembly adopted a version.
CREATE TABLE scheme_resolutions (
    scheme_version_id TEXT PRIMARY KEY REFERENCES scheme_versions (id),
    body TEXT NOT NULL,
    held_on DATE NOT NULL,
    place TEXT NOT NULL,
    entitled BIGINT NOT NULL CHECK (entitled >= 1),
    present BIGINT NOT NULL CHECK (present >= 1 AND present <= entitled),
    votes_for BIGINT NOT NULL CHECK (votes_for >= 1),
    votes_against BIGINT NOT NULL CHECK (votes_against >= 0),
    votes_abstained BIGINT NOT NULL CHECK (votes_abstained >= 0),
    legal_basis TEXT NOT NULL,
    -- The name of the scan in the folder of files.
    scan TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL,
    CONSTRAINT carried CHECK (votes_for * 2 > present AND votes_for + votes_against + votes_abstained <= present)
);

-- A version is stopped, or goes on: the last line counts.
CREATE TABLE scheme_suspensions (
    id TEXT PRIMARY KEY,
    scheme_version_id TEXT NOT NULL REFERENCES scheme_versions (id),
    suspended BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX scheme_suspensions_by_version ON scheme_suspensions (scheme_version_id);
