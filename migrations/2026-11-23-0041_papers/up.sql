-- Why a job that could not go on was stopped; empty as long as nothing was wrong.
ALTER TABLE print_jobs ADD COLUMN problem TEXT NOT NULL DEFAULT '';

-- Papers of a part that lie in its file; the others are among its problems. Of what was printed before, nobody counted them,
-- and its files are thrown away within a day.
ALTER TABLE print_parts ADD COLUMN printed BIGINT NOT NULL DEFAULT 0;
UPDATE print_parts SET printed = papers WHERE done_at IS NOT NULL;

-- What was noted of a missing character had the characters around it, which may be somebody's name.
UPDATE print_parts SET problems = '' WHERE problems LIKE '%见“%';
