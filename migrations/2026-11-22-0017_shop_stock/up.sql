-- Pinyin initials of the name, to search by. None: registered before they were kept.
ALTER TABLE goods_items ADD COLUMN initials TEXT;
-- What one unit is, in words of the pack: `5kg`, `10卷`.
ALTER TABLE goods_items ADD COLUMN pack TEXT;
-- Units in a case, to round orders up to.
ALTER TABLE goods_items ADD COLUMN case_quantity BIGINT CHECK (case_quantity >= 1);
-- A file of `files.rs`.
ALTER TABLE goods_items ADD COLUMN photo TEXT;

-- Every price that goods have had. The item's row repeats the last.
CREATE TABLE goods_prices (
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    price_points BIGINT NOT NULL CHECK (price_points >= 1),
    -- None: since they were registered.
    valid_from TIMESTAMP,
    -- None: with a file at the command line.
    set_by TEXT REFERENCES users (id),
    reason TEXT NOT NULL,
    PRIMARY KEY (goods_id, number)
);
INSERT INTO goods_prices SELECT id, 1, price_points, NULL, NULL, '登记' FROM goods_items;

-- Who gives. The name of somebody who does not want to be named is not kept.
CREATE TABLE donors (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    is_named BOOLEAN NOT NULL,
    registered_by TEXT NOT NULL REFERENCES users (id),
    registered_at TIMESTAMP NOT NULL
);

-- The document of what came in at once; each line is a lot.
CREATE TABLE stock_receipts (
    number BIGINT PRIMARY KEY CHECK (number >= 1),
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    kind TEXT NOT NULL,
    received_on DATE NOT NULL,
    -- Of a donation: who, what the donor says it is worth in all, and what for.
    donor_id TEXT REFERENCES donors (id),
    declared_fen BIGINT CHECK (declared_fen >= 0),
    intent TEXT NOT NULL,
    -- Of a transfer: from where.
    from_store_id TEXT REFERENCES points_stores (id),
    note TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX stock_receipts_by_day ON stock_receipts (received_on);

CREATE TABLE stock_receipt_lines (
    receipt_number BIGINT NOT NULL REFERENCES stock_receipts (number),
    position BIGINT NOT NULL,
    lot_number BIGINT NOT NULL UNIQUE REFERENCES stock_lots (number),
    quantity BIGINT NOT NULL CHECK (quantity >= 1),
    -- Of a transfer: the lot that it was before.
    from_lot_number BIGINT REFERENCES stock_lots (number),
    PRIMARY KEY (receipt_number, position)
);

-- Goods that are to be taken off the shelf for good: proposed by one person, confirmed or rejected by another.
CREATE TABLE write_offs (
    id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (id),
    proposed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    decision_note TEXT NOT NULL,
    CONSTRAINT write_off_by_two_people CHECK (decided_by <> proposed_by)
);

CREATE TABLE write_off_lines (
    write_off_id TEXT NOT NULL REFERENCES write_offs (id),
    lot_number BIGINT NOT NULL REFERENCES stock_lots (number),
    quantity BIGINT NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (write_off_id, lot_number)
);

CREATE TABLE stocktakes (
    id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES points_stores (id),
    -- None: all goods.
    category TEXT,
    state TEXT NOT NULL,
    opened_by TEXT NOT NULL REFERENCES users (id),
    opened_at TIMESTAMP NOT NULL,
    closed_by TEXT REFERENCES users (id),
    closed_at TIMESTAMP,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP,
    decision_note TEXT NOT NULL
);

-- Each count as it was entered, with what the books said at that moment. The last one of the goods counts.
CREATE TABLE stocktake_counts (
    stocktake_id TEXT NOT NULL REFERENCES stocktakes (id),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    counted BIGINT NOT NULL CHECK (counted >= 0),
    book BIGINT NOT NULL CHECK (book >= 0),
    counted_by TEXT NOT NULL REFERENCES users (id),
    counted_at TIMESTAMP NOT NULL,
    PRIMARY KEY (stocktake_id, goods_id, number)
);

CREATE TABLE stocktake_reasons (
    stocktake_id TEXT NOT NULL REFERENCES stocktakes (id),
    goods_id TEXT NOT NULL REFERENCES goods_items (id),
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (stocktake_id, goods_id)
);

-- What the approval did to each lot.
CREATE TABLE stocktake_postings (
    stocktake_id TEXT NOT NULL REFERENCES stocktakes (id),
    lot_number BIGINT NOT NULL REFERENCES stock_lots (number),
    quantity BIGINT NOT NULL CHECK (quantity <> 0),
    PRIMARY KEY (stocktake_id, lot_number)
);

CREATE TABLE wishes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    -- How many households had asked for it when it was decided.
    voices_at_end BIGINT,
    answer TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (id),
    decided_at TIMESTAMP
);

-- One voice for each household in all.
CREATE TABLE wish_voices (
    household_id TEXT PRIMARY KEY REFERENCES households (id),
    wish_id TEXT NOT NULL REFERENCES wishes (id),
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX wish_voices_by_wish ON wish_voices (wish_id);

-- What went out in the last weeks.
CREATE INDEX stock_movements_by_time ON stock_movements (recorded_at);
