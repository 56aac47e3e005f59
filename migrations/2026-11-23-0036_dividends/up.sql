-- A dividend cites the version of the scheme whose rules shared it out, and keeps these rules beside it.

-- Nothing for those of before the rules stood in the scheme.
ALTER TABLE dividends ADD COLUMN scheme_version_id TEXT REFERENCES scheme_versions (id);
-- Honour above this counts as this; nothing where all of it counts.
ALTER TABLE dividends ADD COLUMN most_honour_counted BIGINT CHECK (most_honour_counted >= 1);
-- So many hundredths of the pool are shared equally among all who take part.
ALTER TABLE dividends ADD COLUMN equal_part_percent BIGINT NOT NULL DEFAULT 0 CHECK (equal_part_percent BETWEEN 0 AND 100);
