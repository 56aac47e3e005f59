CREATE TABLE points_stores (
    id TEXT PRIMARY KEY,
    area_id TEXT NOT NULL REFERENCES areas (id),
    name TEXT NOT NULL,
    opening_hours TEXT NOT NULL
);

CREATE TABLE goods_items (
    id TEXT PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    barcode TEXT UNIQUE,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    category TEXT NOT NULL,
    price_points BIGINT NOT NULL CHECK (price_points >= 1),
    cost_fen BIGINT NOT NULL CHECK (cost_fen >= 0),
    -- How many a household may take in a calendar month; none: no limit.
    monthly_limit BIGINT CHECK (monthly_limit >= 1),
    shelf_life_days BIGINT,
    withdrawn_at TIMESTAMP
);

-- Goods that came in together. `version` counts the lot's movements without gaps.
CREATE TABLE stock_lots (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    received_on DATE NOT NULL,
    expires_on DATE,
    funding TEXT NOT NULL,
    cost_fen BIGINT NOT NULL CHECK (cost_fen >= 0),
    quantity BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    CONSTRAINT no_stock_below_zero CHECK (quantity >= 0)
);
CREATE INDEX stock_lots_by_goods ON stock_lots (goods_id);

CREATE TABLE redemptions (
    id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    card_id TEXT NOT NULL REFERENCES cards (id),
    -- `scanned`: number and secret were there. `typed`: the number alone, marked in every journal.
    presented TEXT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 1),
    transaction_number BIGINT NOT NULL UNIQUE REFERENCES transactions (number),
    redeemed_by TEXT NOT NULL REFERENCES users (id),
    redeemed_at TIMESTAMP NOT NULL
);
CREATE INDEX redemptions_by_household ON redemptions (household_id, redeemed_at);
CREATE INDEX redemptions_by_time ON redemptions (redeemed_at);

CREATE TABLE redemption_lines (
    redemption_id TEXT NOT NULL REFERENCES redemptions (id),
    position BIGINT NOT NULL,
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    quantity BIGINT NOT NULL CHECK (quantity >= 1),
    price_points BIGINT NOT NULL,
    PRIMARY KEY (redemption_id, position)
);

CREATE TABLE redemption_voids (
    redemption_id TEXT PRIMARY KEY REFERENCES redemptions (id),
    reason TEXT NOT NULL,
    transaction_number BIGINT NOT NULL UNIQUE REFERENCES transactions (number),
    voided_by TEXT NOT NULL REFERENCES users (id),
    voided_at TIMESTAMP NOT NULL
);

-- Every change of a lot: received, redeemed, returned. The lot row repeats the last.
CREATE TABLE stock_movements (
    lot_number BIGINT NOT NULL REFERENCES stock_lots (number),
    version BIGINT NOT NULL CHECK (version >= 1),
    kind TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity <> 0),
    quantity_after BIGINT NOT NULL CHECK (quantity_after >= 0),
    redemption_id TEXT REFERENCES redemptions (id),
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (lot_number, version)
);
CREATE INDEX stock_movements_by_redemption ON stock_movements (redemption_id);
