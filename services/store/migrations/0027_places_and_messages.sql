-- Where sites and technicians are, how good a technician is, and in which language and time zone people are written
-- to. All of it may be unknown; what is unknown changes nothing.
ALTER TABLE sites
    ADD COLUMN IF NOT EXISTS latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN IF NOT EXISTS longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    ADD COLUMN IF NOT EXISTS locale text;
ALTER TABLE technicians
    ADD COLUMN IF NOT EXISTS latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN IF NOT EXISTS longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    ADD COLUMN IF NOT EXISTS rating double precision CHECK (rating BETWEEN 0 AND 5),
    ADD COLUMN IF NOT EXISTS timezone text;

-- Texts of messages. A site's own account wins over all accounts (account_id null), its own locale over any locale
-- (locale null); without a row the service's own text is sent. Placeholders: {ticket_id} {site} {account}
-- {technician} {start} {end} {timezone}; times are the site's.
CREATE TABLE IF NOT EXISTS message_templates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
    locale text CHECK (btrim(locale) <> ''),
    event_type text NOT NULL CHECK (btrim(event_type) <> ''),
    body text NOT NULL CHECK (btrim(body) <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX IF NOT EXISTS uq_message_templates ON message_templates
    (event_type, coalesce(account_id, '00000000-0000-0000-0000-000000000000'::uuid), coalesce(locale, ''));

-- The notes of a hold as data; the text stays, and stays decisive, for older tools that read and mend it.
ALTER TABLE schedule_hold_snapshots ADD COLUMN IF NOT EXISTS hold_details jsonb;

-- When a ranking stops being good for a dispatch; rankings from before are good for ever.
ALTER TABLE assignment_recommendation_snapshots ADD COLUMN IF NOT EXISTS expires_at timestamptz;

CREATE INDEX IF NOT EXISTS idx_tickets_assigned ON tickets (assigned_tech_id, scheduled_start)
    WHERE assigned_tech_id IS NOT NULL;

-- Zones are free text; one that the database does not know counts as UTC instead of failing a command.
CREATE OR REPLACE FUNCTION known_zone(zone text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'UTC';
END
$$;
