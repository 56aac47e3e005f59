-- Who issues papers that bear a stamp, by the name on the stamp. Until somebody says so it is the programme, as before.
ALTER TABLE programmes ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
UPDATE programmes SET issuer = name;
