-- Documents of capture points have receipts, and what they submitted is found by external id.

CREATE TABLE documents (
    point TEXT COLLATE "C" NOT NULL,                -- the capture point
    receipt TEXT COLLATE "C" NOT NULL,              -- the source's own name of the document
    kept_until DOUBLE PRECISION NOT NULL,           -- deleted later
    results BYTEA NOT NULL,                         -- MessagePack, or empty
    PRIMARY KEY (point, receipt)
);

CREATE INDEX documents_by_age ON documents (kept_until);

DROP INDEX interactions_by_external_id;

-- For one capture point the newest with an external id, however many share it.
CREATE INDEX interactions_by_external_id ON interactions (
    external_id, submitted_by, submitted_at, id
) WHERE external_id IS NOT NULL;
