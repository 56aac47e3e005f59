CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    -- Nobody decides about his own household.
    household_id TEXT REFERENCES households (id),
    created_at TIMESTAMP NOT NULL,
    disabled_at TIMESTAMP
);

-- A role is held for an area and everything inside it.
CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    area_id TEXT NOT NULL REFERENCES areas (id),
    PRIMARY KEY (user_id, role, area_id)
);

-- The server keeps digests: whoever reads the table cannot sign in.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    started_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
CREATE TABLE api_tokens (
    digest TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
