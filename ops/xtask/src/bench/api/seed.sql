-- Accounts, sites and :tickets tickets in every state, with the history that commands would have left.
-- Ids are made of digits alone, so that a client can name any of them without asking.
INSERT INTO accounts (id, name)
    SELECT ('00000000-0000-4000-8000-' || (200000000000 + n))::uuid, 'Account ' || n FROM generate_series(1, 20) n;
INSERT INTO sites (id, account_id, name, address1, city, region, postal_code)
    SELECT ('00000000-0000-4000-8000-' || (300000000000 + n))::uuid,
           ('00000000-0000-4000-8000-' || (200000000000 + 1 + (n - 1) % 20))::uuid,
           'Site ' || n, n || ' Harbour Street', (ARRAY['Oakland', 'Houston', 'Albany'])[1 + n % 3],
           (ARRAY['CA', 'TX', 'NY'])[1 + n % 3], '94607'
    FROM generate_series(1, 100) n;
-- Three of four tickets are open in the small database; the larger ones have grown by finished work as well.
INSERT INTO tickets (id, account_id, site_id, state, priority, incident_type, summary, description, nte_cents,
                     customer_name, customer_phone, customer_email, created_at, updated_at)
    SELECT ('00000000-0000-4000-8000-' || (100000000000 + n))::uuid,
           ('00000000-0000-4000-8000-' || (200000000000 + 1 + (n % 100) % 20))::uuid,
           ('00000000-0000-4000-8000-' || (300000000000 + 1 + n % 100))::uuid,
           (ARRAY['NEW', 'TRIAGED', 'READY_TO_SCHEDULE', 'SCHEDULED', 'DISPATCHED', 'IN_PROGRESS', 'CLOSED',
                  'CANCELLED'])[1 + n % 8]::ticket_state,
           (ARRAY['EMERGENCY', 'URGENT', 'ROUTINE', 'ROUTINE'])[1 + n % 4]::priority_level,
           (ARRAY['REFRIGERATION', 'HVAC', 'PLUMBING'])[1 + n % 3],
           'Walk-in cooler does not hold temperature, unit ' || n,
           'Reads 9 degrees since this morning, door seal looks worn', 45000,
           'Dana Reyes', '5105550100', 'dana.reyes@example.com',
           now() - make_interval(mins => n * 2), now() - make_interval(mins => n)
    FROM generate_series(1, :tickets) n;
INSERT INTO audit_events (id, ticket_id, actor_type, actor_id, actor_role, tool_name, request_id, correlation_id,
                          after_state, payload, created_at)
    SELECT ('00000000-0000-4000-8000-' || (400000000000 + (row_number() OVER (ORDER BY t.id, e))))::uuid, t.id,
           'HUMAN', 'dispatcher-1', 'dispatcher', 'ticket.triage', gen_random_uuid(), gen_random_uuid()::text,
           t.state, '{"endpoint": "/tickets/{ticketId}/triage", "request": {"priority": "URGENT"}}'::jsonb,
           t.created_at + make_interval(mins => e)
    FROM tickets t, generate_series(1, 3) e;
INSERT INTO ticket_state_transitions (ticket_id, from_state, to_state, audit_event_id, created_at)
    SELECT ticket_id, (ARRAY[NULL, 'NEW', 'TRIAGED'])[step]::ticket_state,
           (ARRAY['NEW', 'TRIAGED', 'READY_TO_SCHEDULE'])[step]::ticket_state, id, created_at
    FROM (SELECT *, row_number() OVER (PARTITION BY ticket_id ORDER BY created_at) AS step FROM audit_events) events;
VACUUM ANALYZE;
