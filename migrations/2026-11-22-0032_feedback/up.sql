-- Feedback: how households rate the services, so that nobody can say who said what.

-- How many answers of a place and quarter gave so many stars. A count has no order, no moment and nobody's name.
CREATE TABLE feedback_counts (
    area_id TEXT NOT NULL REFERENCES areas (id),
    service TEXT NOT NULL,
    -- The quarter's first day.
    quarter_from DATE NOT NULL,
    stars BIGINT NOT NULL CHECK (stars >= 1 AND stars <= 5),
    answers BIGINT NOT NULL CHECK (answers >= 1),
    PRIMARY KEY (area_id, service, quarter_from, stars)
);

-- A sentence, without its stars and its day. The id is random, and the sentences of a place are written anew in another order
-- with each that comes in, so that no order of rows remembers theirs.
CREATE TABLE feedback_sentences (
    id TEXT PRIMARY KEY,
    area_id TEXT NOT NULL REFERENCES areas (id),
    service TEXT NOT NULL,
    quarter_from DATE NOT NULL,
    sentence TEXT NOT NULL
);

-- Stops a second answer: a keyed digest of household, service and quarter, which names no answer. Gone when the quarter is over.
CREATE TABLE feedback_marks (
    digest TEXT PRIMARY KEY,
    quarter_from DATE NOT NULL
);
