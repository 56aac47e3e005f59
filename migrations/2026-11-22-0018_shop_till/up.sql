-- A place at which goods go over the counter. A store has one or more.
CREATE TABLE tills (
    id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    name TEXT NOT NULL,
    withdrawn_at TIMESTAMP,
    UNIQUE (store_id, name)
);

-- A store from before there were tills has one; nothing else has its id.
INSERT INTO tills (id, store_id, name) SELECT id, id, '1号柜台' FROM points_stores;

-- Who stood at a till, from opening to closing, and who audited it. One shift is open at a till, and one by a person.
CREATE TABLE shifts (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    till_id TEXT NOT NULL REFERENCES tills (id),
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    opened_by TEXT NOT NULL REFERENCES users (id),
    opened_at TIMESTAMP NOT NULL,
    -- Why it was opened on a day that is no opening day.
    override_reason TEXT,
    closed_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP,
    -- Why somebody else closed it.
    takeover_reason TEXT,
    -- Slips with a signature that were counted at closing.
    slips_counted BIGINT CHECK (slips_counted >= 0),
    closing_note TEXT,
    audited_by TEXT REFERENCES users (id),
    audited_at TIMESTAMP,
    audit_note TEXT
);
CREATE UNIQUE INDEX shifts_open_at_till ON shifts (till_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX shifts_open_by_person ON shifts (opened_by) WHERE closed_at IS NULL;

-- Goods counted at closing, against what the books said at that moment.
CREATE TABLE shift_counts (
    shift_id TEXT NOT NULL REFERENCES shifts (id),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    expected BIGINT NOT NULL,
    counted BIGINT NOT NULL CHECK (counted >= 0),
    PRIMARY KEY (shift_id, goods_id)
);

-- A basket put aside while the next household is served. The card's number, never its secret.
CREATE TABLE held_baskets (
    id TEXT PRIMARY KEY,
    shift_id TEXT NOT NULL REFERENCES shifts (id),
    card_number TEXT,
    lines TEXT NOT NULL,
    held_at TIMESTAMP NOT NULL
);

-- The counter's rules, version by version; the last one holds.
CREATE TABLE counter_rules (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    -- Days after a redemption in which goods may come back.
    return_days BIGINT NOT NULL CHECK (return_days BETWEEN 0 AND 60),
    -- Points from which the household confirms with its PIN or a signature; none: never.
    confirm_from BIGINT CHECK (confirm_from >= 1),
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL
);

-- How many units of a category a household may take in a calendar month, by the number of its people.
CREATE TABLE category_limits (
    rules_number BIGINT NOT NULL REFERENCES counter_rules (number),
    category TEXT NOT NULL,
    people_from BIGINT NOT NULL CHECK (people_from >= 1),
    most BIGINT NOT NULL CHECK (most >= 0),
    PRIMARY KEY (rules_number, category, people_from)
);

-- On which days a store is open, version by version: weekdays 1-7 and days of the month, or every day.
CREATE TABLE opening_patterns (
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    weekdays TEXT NOT NULL,
    month_days TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (store_id, version)
);

-- Days on which a store is open or closed whatever the pattern says.
CREATE TABLE special_days (
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    day DATE NOT NULL,
    is_open BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (store_id, day)
);

-- Some goods of a redemption came back, and their points went back.
CREATE TABLE refunds (
    id TEXT PRIMARY KEY,
    redemption_id TEXT NOT NULL REFERENCES redemptions (id),
    reason TEXT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 1),
    transaction_number BIGINT NOT NULL UNIQUE REFERENCES transactions (number),
    shift_id TEXT NOT NULL REFERENCES shifts (id),
    refunded_by TEXT NOT NULL REFERENCES users (id),
    refunded_at TIMESTAMP NOT NULL
);
CREATE INDEX refunds_by_redemption ON refunds (redemption_id);
CREATE INDEX refunds_by_shift ON refunds (shift_id);

CREATE TABLE refund_lines (
    refund_id TEXT NOT NULL REFERENCES refunds (id),
    -- The line of the redemption.
    position BIGINT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (refund_id, position)
);

-- Which shift a redemption or a void belongs to; none: from before there were shifts.
ALTER TABLE redemptions ADD COLUMN shift_id TEXT REFERENCES shifts (id);
-- How the household confirmed: `pin`, `signature`, or not at all.
ALTER TABLE redemptions ADD COLUMN confirmed_with TEXT;
ALTER TABLE redemption_voids ADD COLUMN shift_id TEXT REFERENCES shifts (id);
CREATE INDEX redemptions_by_shift ON redemptions (shift_id);
CREATE INDEX redemption_voids_by_shift ON redemption_voids (shift_id);

-- Who may fetch goods for a household until they are called back.
CREATE TABLE pickup_proxies (
    id TEXT PRIMARY KEY,
    household_id TEXT NOT NULL REFERENCES households (id),
    name TEXT NOT NULL,
    relation TEXT NOT NULL,
    until_on DATE,
    registered_by TEXT NOT NULL REFERENCES users (id),
    registered_at TIMESTAMP NOT NULL,
    ended_by TEXT REFERENCES users (id),
    ended_at TIMESTAMP
);
CREATE INDEX pickup_proxies_by_household ON pickup_proxies (household_id);

-- Somebody else than the household took the goods; a proxy on the list, or once with a slip.
CREATE TABLE proxy_pickups (
    redemption_id TEXT PRIMARY KEY REFERENCES redemptions (id),
    proxy_id TEXT REFERENCES pickup_proxies (id),
    person TEXT NOT NULL
);

-- The goods are brought to the household.
CREATE TABLE deliveries (
    redemption_id TEXT PRIMARY KEY REFERENCES redemptions (id),
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    ordered_at TIMESTAMP NOT NULL,
    packed_by TEXT REFERENCES users (id),
    packed_at TIMESTAMP,
    ended_by TEXT REFERENCES users (id),
    ended_at TIMESTAMP,
    -- Who signed for the goods, or why they could not be handed over.
    ended_note TEXT
);
CREATE INDEX deliveries_by_state ON deliveries (state);
