-- Volunteering: events with sign-in, hours for the time accounts of the books, and help hour for hour between households.
-- Minutes are whole; none of these tables names a person or says of a household more than that it helped or was helped.

CREATE TABLE volunteer_events (
    id TEXT PRIMARY KEY,
    -- 1, 2, 3 … over the whole programme, for people.
    number BIGINT NOT NULL UNIQUE,
    -- Whose households may take part.
    area_id TEXT NOT NULL REFERENCES areas (id),
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    purpose TEXT NOT NULL,
    held_on DATE NOT NULL,
    -- Minutes since midnight in China.
    from_minute BIGINT NOT NULL CHECK (from_minute >= 0),
    until_minute BIGINT NOT NULL CHECK (until_minute <= 1440),
    -- How many people are wanted.
    wanted BIGINT NOT NULL CHECK (wanted >= 1),
    led_by TEXT NOT NULL REFERENCES users (id),
    -- The rule under which the households are nominated besides; none: only time is credited.
    scoring_item_id TEXT REFERENCES scoring_items (id),
    announced_by TEXT NOT NULL REFERENCES users (id),
    announced_at TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    -- Who confirmed the times, or cancelled the event.
    ended_by TEXT REFERENCES users (id),
    ended_at TIMESTAMP,
    ending_reason TEXT,
    CONSTRAINT it_begins_before_it_ends CHECK (from_minute < until_minute),
    -- Whoever leads does not confirm the times.
    CONSTRAINT two_people_confirm CHECK (state <> 'closed' OR ended_by <> led_by)
);
CREATE INDEX volunteer_events_by_day ON volunteer_events (held_on);

-- A household at an event: how many came, and from when until when. Children below fourteen are not counted.
CREATE TABLE volunteer_stays (
    event_id TEXT NOT NULL REFERENCES volunteer_events (id),
    household_id TEXT NOT NULL REFERENCES households (id),
    people BIGINT NOT NULL CHECK (people >= 1 AND people <= 9),
    arrived_at TIMESTAMP NOT NULL,
    left_at TIMESTAMP,
    manner TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL,
    -- What the confirmation credited, and its posting.
    minutes BIGINT CHECK (minutes >= 0),
    transaction_number BIGINT UNIQUE REFERENCES transactions (number),
    -- What it handed to the council, or why it could not.
    nomination_id TEXT REFERENCES nominations (id),
    refusal TEXT,
    PRIMARY KEY (event_id, household_id)
);
CREATE INDEX volunteer_stays_by_household ON volunteer_stays (household_id);

-- One household helped another, hour for hour; the helped household or the community's pool pays.
CREATE TABLE time_helps (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    helper_household_id TEXT NOT NULL REFERENCES households (id),
    helped_household_id TEXT NOT NULL REFERENCES households (id),
    what TEXT NOT NULL,
    helped_on DATE NOT NULL,
    minutes BIGINT NOT NULL CHECK (minutes >= 1),
    payer TEXT NOT NULL,
    -- Why the pool pays.
    reason TEXT,
    recorded_by TEXT NOT NULL REFERENCES users (id),
    recorded_at TIMESTAMP NOT NULL,
    transaction_number BIGINT NOT NULL UNIQUE REFERENCES transactions (number),
    CONSTRAINT nobody_helps_himself CHECK (helper_household_id <> helped_household_id),
    CONSTRAINT the_pool_has_a_reason CHECK ((payer = 'pool') = (reason IS NOT NULL))
);
CREATE INDEX time_helps_by_moment ON time_helps (recorded_at);

-- Minutes that were taken back by somebody else than who had credited them.
CREATE TABLE time_corrections (
    transaction_number BIGINT PRIMARY KEY REFERENCES transactions (number),
    reversal_number BIGINT NOT NULL UNIQUE REFERENCES transactions (number),
    reason TEXT NOT NULL,
    corrected_by TEXT NOT NULL REFERENCES users (id),
    corrected_at TIMESTAMP NOT NULL
);

-- How much the pool may pay in a month, from this moment on until a later row. Never changed, only followed.
CREATE TABLE time_pool_limits (
    id TEXT PRIMARY KEY,
    minutes BIGINT NOT NULL CHECK (minutes >= 0),
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES users (id),
    set_at TIMESTAMP NOT NULL
);
