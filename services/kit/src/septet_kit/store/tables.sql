-- Tables of the chassis, one set per service schema.
CREATE TABLE IF NOT EXISTS inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX IF NOT EXISTS inbox_seen_at ON inbox (seen_at);

-- A row is what must reach the log. While claimed_until lies ahead, only the claimant may send it.
CREATE TABLE IF NOT EXISTS outbox (
    event_id uuid PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    value bytea NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    claimed_by text NOT NULL,
    claimed_until timestamptz NOT NULL,
    sent_at timestamptz
);
CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (claimed_until) WHERE sent_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_sent_at ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Costly work is done by the holder of the lease; its result is kept and handed out again.
CREATE TABLE IF NOT EXISTS ledger (
    key text PRIMARY KEY,
    claimed_by text NOT NULL,
    leased_until timestamptz NOT NULL,
    result bytea,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ledger_created_at ON ledger (created_at);
