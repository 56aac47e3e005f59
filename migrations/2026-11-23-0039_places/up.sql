-- Consent forms on paper: a number for each print, under which what was ticked comes back once.
CREATE TABLE consent_forms (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    -- For whom it was printed; a blank one has none until it is keyed.
    household_id TEXT REFERENCES households (id),
    -- Nobody's when it was printed at the machine itself.
    printed_by TEXT REFERENCES users (id),
    printed_at TIMESTAMP NOT NULL,
    -- What was ticked, the day of the signature, and who took the paper: nothing until it is keyed.
    agreed TEXT,
    signed_on DATE,
    taken_by TEXT,
    keyed_by TEXT REFERENCES users (id),
    keyed_at TIMESTAMP
);
CREATE INDEX consent_forms_by_household ON consent_forms (household_id);
