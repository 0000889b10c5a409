-- Tries of streamed answers: a chunk's epoch must rise with every try, also after a crash in mid-answer.
CREATE TABLE IF NOT EXISTS stream_epochs (
    tenant     text        NOT NULL,
    request_id text        NOT NULL,
    epoch      integer     NOT NULL DEFAULT 1,
    touched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);
CREATE INDEX IF NOT EXISTS stream_epochs_touched_at ON stream_epochs (touched_at);
