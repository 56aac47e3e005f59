-- Honours: an objection to a title comes by telephone and on paper too, as one to a deed does.

ALTER TABLE title_objections ADD COLUMN channel TEXT NOT NULL DEFAULT 'web';
-- Who wrote it down; nobody for what came by our page.
ALTER TABLE title_objections ADD COLUMN taken_by TEXT REFERENCES users (id);
