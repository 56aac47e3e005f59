-- How many points of a household each till keeps for an hour without network; 0: none.
ALTER TABLE counter_rules ADD COLUMN offline_points BIGINT NOT NULL DEFAULT 20 CHECK (offline_points BETWEEN 0 AND 1000);

-- A till's side of a hold: in which shift, with what its list of cards is mixed, and when the till was last heard of.
CREATE TABLE till_holds (
    hold_number BIGINT PRIMARY KEY REFERENCES holds (number),
    till_id TEXT NOT NULL REFERENCES tills (id),
    shift_id TEXT NOT NULL REFERENCES shifts (id),
    -- Which browser took it: another one at the same till does not sell by it.
    device TEXT NOT NULL,
    -- Mixed into the digests of the cards' numbers, in hexadecimal digits.
    salt TEXT NOT NULL,
    -- Without network the till sells before this moment.
    sell_until TIMESTAMP NOT NULL,
    -- From this moment on nothing is kept.
    until_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    -- Sales that wait at the till, as it said when it was last heard of.
    waiting BIGINT NOT NULL CHECK (waiting >= 0)
);
CREATE INDEX till_holds_by_shift ON till_holds (shift_id);

-- Units that a till keeps. Gone with the hold.
CREATE TABLE held_goods (
    id BIGINT PRIMARY KEY,
    hold_number BIGINT NOT NULL REFERENCES holds (number),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    units BIGINT NOT NULL CHECK (units >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    recalled_at TIMESTAMP,
    UNIQUE (goods_id, hold_number)
);
CREATE INDEX held_goods_by_hold ON held_goods (hold_number);

-- Redemptions that were made without network: when the goods went out, as the till said, and the number of its paper slip.
CREATE TABLE offline_sales (
    redemption_id TEXT PRIMARY KEY REFERENCES redemptions (id),
    slip TEXT NOT NULL,
    sold_at TIMESTAMP NOT NULL,
    -- The goods were more than the household's limit of the month, which a till without network cannot know.
    over_limit BOOLEAN NOT NULL
);

-- Goods that went out without network and could not be posted: somebody decides what becomes of each.
CREATE TABLE offline_conflicts (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    -- A digest of the sale's key: sent again, it is answered like the first time.
    key_digest TEXT NOT NULL UNIQUE,
    shift_id TEXT NOT NULL REFERENCES shifts (id),
    slip TEXT NOT NULL,
    -- The card's number, never its secret.
    card_number TEXT NOT NULL,
    household_id TEXT REFERENCES households (id),
    -- Short codes and quantities, as JSON.
    lines TEXT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 0),
    sold_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    received_by TEXT NOT NULL REFERENCES users (id),
    -- Why it could not be posted: the refusal's code, and its sentence.
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT CHECK (outcome IN ('posted', 'borne', 'returned')),
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    note TEXT,
    redemption_id TEXT REFERENCES redemptions (id)
);

-- Tries whose refusal a till was told: a try that was on its way meanwhile comes too late.
CREATE TABLE refused_tries (
    key_digest TEXT PRIMARY KEY,
    refused_at TIMESTAMP NOT NULL
);
