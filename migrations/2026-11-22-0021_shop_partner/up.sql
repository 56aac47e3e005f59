-- Partner shops: a village shop that gives goods from its own shelf for points, and is settled with once a month.

-- None: one of our own stores. `partner`: somebody else's shop.
ALTER TABLE points_stores ADD COLUMN kind TEXT;

-- What was agreed with a partner, version by version; the last one holds.
CREATE TABLE partner_agreements (
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    -- Who signs it: the name on the licence.
    merchant TEXT NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE NOT NULL,
    -- Points that may be redeemed there in a day.
    daily_limit BIGINT NOT NULL CHECK (daily_limit >= 1),
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (store_id, number),
    CONSTRAINT agreement_has_days CHECK (until_on >= from_on)
);

-- What a partner offers: for how many points, and what we owe it for one unit. The last one of the goods holds.
CREATE TABLE partner_prices (
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    price_points BIGINT NOT NULL CHECK (price_points >= 1),
    settlement_fen BIGINT NOT NULL CHECK (settlement_fen >= 0),
    is_offered BOOLEAN NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (store_id, goods_id, number)
);

-- What we owe a partner for one unit of a line, as agreed on that day.
CREATE TABLE partner_sales (
    redemption_id TEXT NOT NULL REFERENCES redemptions (id),
    position BIGINT NOT NULL,
    settlement_fen BIGINT NOT NULL CHECK (settlement_fen >= 0),
    PRIMARY KEY (redemption_id, position)
);

-- Points of a redemption that the household paid in cash at the partner's. Recorded, never posted: the cash is the partner's.
CREATE TABLE cash_top_ups (
    redemption_id TEXT PRIMARY KEY REFERENCES redemptions (id),
    points BIGINT NOT NULL CHECK (points >= 1),
    cash_fen BIGINT NOT NULL CHECK (cash_fen >= 1)
);

-- One statement for a partner and a month.
CREATE TABLE settlements (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    -- The first day of the month.
    month DATE NOT NULL,
    state TEXT NOT NULL,
    made_by TEXT NOT NULL REFERENCES users (id),
    made_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES users (id),
    confirmed_at TIMESTAMP,
    paid_on DATE,
    paid_reference TEXT,
    paid_by TEXT REFERENCES users (id),
    paid_at TIMESTAMP,
    UNIQUE (store_id, month),
    CONSTRAINT settlement_by_two_people CHECK (confirmed_by <> made_by)
);

-- Its lines. Each posting is settled once.
CREATE TABLE settlement_lines (
    settlement_number BIGINT NOT NULL REFERENCES settlements (number),
    position BIGINT NOT NULL CHECK (position >= 1),
    kind TEXT NOT NULL,
    redemption_id TEXT NOT NULL REFERENCES redemptions (id),
    -- None: an adjustment, which no posting caused.
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    -- Of an adjustment: the line that it puts right.
    adjusts BIGINT,
    on_day DATE NOT NULL,
    points BIGINT NOT NULL,
    -- What the household paid in cash; not in the amount.
    cash_fen BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    PRIMARY KEY (settlement_number, position)
);
CREATE INDEX settlement_lines_by_redemption ON settlement_lines (redemption_id);

-- A line that somebody does not agree with; somebody else decides.
CREATE TABLE settlement_disputes (
    settlement_number BIGINT NOT NULL REFERENCES settlements (number),
    position BIGINT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    raised_by TEXT NOT NULL REFERENCES users (id),
    raised_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    decision_note TEXT NOT NULL,
    PRIMARY KEY (settlement_number, position),
    CONSTRAINT dispute_by_two_people CHECK (decided_by <> raised_by)
);

-- Registers ask the books by the month.
CREATE INDEX transactions_by_time ON transactions (recorded_at);
