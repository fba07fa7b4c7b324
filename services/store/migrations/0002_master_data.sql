-- Accounts, places, people and the technician directory. No endpoint maintains them.
CREATE TABLE IF NOT EXISTS accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (btrim(name) <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS sites (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (btrim(name) <> ''),
    address1 text NOT NULL CHECK (btrim(address1) <> ''),
    address2 text,
    city text NOT NULL CHECK (btrim(city) <> ''),
    region text,
    postal_code text,
    country text NOT NULL DEFAULT 'US',
    timezone text NOT NULL DEFAULT 'America/Los_Angeles',
    access_instructions text,
    hours_json jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS contacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    site_id uuid REFERENCES sites (id) ON DELETE CASCADE,
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (btrim(name) <> ''),
    phone text,
    email text,
    role text,
    escalation_level int CHECK (escalation_level >= 0),
    is_authorized_requester boolean NOT NULL DEFAULT false,
    is_authorized_approver boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS assets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    site_id uuid NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    asset_tag text,
    asset_type text,
    make text,
    model text,
    serial text,
    install_date date,
    warranty_end_date date,
    metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS technicians (
    id text PRIMARY KEY,
    name text NOT NULL CHECK (btrim(name) <> ''),
    active boolean NOT NULL DEFAULT true,
    home_region text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS technician_skills (
    technician_id text NOT NULL REFERENCES technicians (id) ON DELETE CASCADE,
    skill text NOT NULL CHECK (btrim(skill) <> ''),
    PRIMARY KEY (technician_id, skill)
);

CREATE TABLE IF NOT EXISTS technician_regions (
    technician_id text NOT NULL REFERENCES technicians (id) ON DELETE CASCADE,
    region text NOT NULL CHECK (btrim(region) <> ''),
    PRIMARY KEY (technician_id, region)
);

CREATE TABLE IF NOT EXISTS technician_availability (
    technician_id text NOT NULL REFERENCES technicians (id) ON DELETE CASCADE,
    weekday int NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    start_time time NOT NULL,
    end_time time NOT NULL,
    PRIMARY KEY (technician_id, weekday, start_time)
);

CREATE INDEX IF NOT EXISTS idx_technicians_active ON technicians (active);
CREATE INDEX IF NOT EXISTS idx_technician_skills ON technician_skills (technician_id, skill);
CREATE INDEX IF NOT EXISTS idx_technician_regions ON technician_regions (technician_id, region);
