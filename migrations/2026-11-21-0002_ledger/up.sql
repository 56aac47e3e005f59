-- The books. `owner` is a household's id or the word `programme`: the ledger does not know people.
-- `version` counts the account's entries without gaps; the head row repeats the last entry.
CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    balance BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0),
    UNIQUE (owner, kind),
    -- The last wall behind the rule in ledger/transaction.rs: no household ever owes points.
    CONSTRAINT no_household_below_zero CHECK (balance >= 0 OR owner = 'programme')
);

-- Numbered without gaps by the one writer. `source` names what caused the transaction and is posted once.
-- `chain_digest` covers this transaction and, through the one before, all earlier ones.
CREATE TABLE transactions (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    kind TEXT NOT NULL,
    source TEXT NOT NULL UNIQUE,
    effective_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    posted_by TEXT NOT NULL,
    -- Unique: a transaction is reversed at most once.
    reverses BIGINT UNIQUE REFERENCES transactions (number),
    chain_digest BYTEA NOT NULL
);

CREATE TABLE entries (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    transaction_number BIGINT NOT NULL REFERENCES transactions (number),
    amount BIGINT NOT NULL CHECK (amount <> 0),
    balance_after BIGINT NOT NULL,
    PRIMARY KEY (account_id, version)
);
CREATE INDEX entries_by_transaction ON entries (transaction_number);
