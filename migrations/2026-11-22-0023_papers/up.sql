-- A job of the printing press: many papers of a kind. The files lie in a folder outside the database.
CREATE TABLE print_jobs (
    id TEXT PRIMARY KEY,
    -- statements, cards
    kind TEXT NOT NULL,
    -- Which ones, as asked: JSON.
    asked TEXT NOT NULL,
    -- waiting, cancelled, done, discarded
    state TEXT NOT NULL,
    -- A user's id, or `system` for the command line.
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX print_jobs_by_asker ON print_jobs (asked_by, asked_at);

-- A file of a job. What is printed in it is decided when the job is asked for, so that a job that goes on after a stop leaves
-- nobody out and prints nobody twice.
CREATE TABLE print_parts (
    job_id TEXT NOT NULL REFERENCES print_jobs (id),
    position BIGINT NOT NULL CHECK (position >= 1),
    name TEXT NOT NULL,
    -- Ids, as JSON.
    households TEXT NOT NULL,
    papers BIGINT NOT NULL CHECK (papers >= 1),
    done_at TIMESTAMP,
    -- Who could not be printed, and why, a line each.
    problems TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, position)
);
