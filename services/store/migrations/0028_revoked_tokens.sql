-- Tokens that are no longer believed, by their jti, until they would have expired anyway.
CREATE TABLE IF NOT EXISTS revoked_tokens (
    jti text PRIMARY KEY CHECK (btrim(jti) <> ''),
    expires_at timestamptz NOT NULL,
    reason text,
    revoked_by text NOT NULL CHECK (btrim(revoked_by) <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_revoked_tokens_expires ON revoked_tokens (expires_at);
