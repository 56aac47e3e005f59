-- Who of the staff looked at what of which household: once a day for each page, kept for two years.
CREATE TABLE household_lookups (
    household_id TEXT NOT NULL REFERENCES households (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    day DATE NOT NULL,
    -- The door, as it stands in routes.rs.
    door TEXT NOT NULL,
    first_at TIMESTAMP NOT NULL,
    PRIMARY KEY (household_id, user_id, day, door)
);
CREATE INDEX household_lookups_by_day ON household_lookups (day);
