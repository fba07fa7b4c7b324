-- A stored answer belongs to one concrete path, and its scope is checked again on replay.
-- jsonb keeps no member order, so the exact bytes that were sent are kept beside it.
ALTER TABLE idempotency_keys
    ADD COLUMN IF NOT EXISTS resource_path text,
    ADD COLUMN IF NOT EXISTS account_id uuid,
    ADD COLUMN IF NOT EXISTS site_id uuid,
    ADD COLUMN IF NOT EXISTS response_text text;
