-- Honours: what ended an award is a word of its own, a household appeals about its own title by itself, and what waited about
-- a household that is gone lapses.

-- Until now it was told from the beginning of the reason. Of a household that was deleted nobody knows any more.
ALTER TABLE title_awards ADD COLUMN ending TEXT;
UPDATE title_awards SET ending = CASE
    WHEN state = 'withdrawn' THEN 'withdrawn'
    WHEN state = 'revoked' THEN 'appeal'
    WHEN ending_reason LIKE '核实不符合%' THEN 'not_verified'
    WHEN ending_reason LIKE '票决未通过%' THEN 'not_carried'
    WHEN ending_reason LIKE '名额已满%' THEN 'quota_full'
    WHEN ending_reason LIKE '异议成立%' THEN 'objection'
    WHEN ending_reason LIKE '本户已于%' THEN 'left'
END WHERE state IN ('declined', 'withdrawn', 'revoked');
-- The counts stand in title_ballots, and are not for the household.
UPDATE title_awards SET ending_reason = CASE ending WHEN 'not_carried' THEN '票决未通过' ELSE '名额已满' END
    WHERE ending IN ('not_carried', 'quota_full');

-- Nobody of the staff takes down what the household files itself. The column is made anew, because one that must be filled
-- cannot be let go of on SQLite; every row stays as it is.
ALTER TABLE title_appeals ADD COLUMN written_by TEXT REFERENCES users (id);
UPDATE title_appeals SET written_by = taken_by;
ALTER TABLE title_appeals DROP COLUMN taken_by;
ALTER TABLE title_appeals RENAME COLUMN written_by TO taken_by;
