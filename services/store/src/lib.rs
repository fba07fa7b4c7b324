#![doc = include_str!("../README.md")]

mod column;
mod connections;
mod migration;
mod pool;
mod ticket_reader;

pub mod alerts;
pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod audit_chain;
pub mod autonomy;
pub mod cockpit;
pub mod completions;
pub mod denials;
pub mod directory;
pub mod drift;
pub mod evidence;
pub mod fixtures;
pub mod holds;
pub mod idempotency;
pub mod intake;
pub mod invoices;
pub mod journal;
pub mod leases;
pub mod message_templates;
pub mod outbox;
pub mod outbox_depth;
pub mod outbox_queue;
pub mod page;
pub mod revoked_tokens;
pub mod schedules;
pub mod sites;
pub mod stuck;
pub mod technicians;
pub mod ticket_events;
pub mod ticket_list;
pub mod tickets;
pub mod transitions;
pub mod waivers;

pub use connections::{Borrowed, Connections, UnitOfWork};
pub use migration::{AppliedMigration, SchemaDrift, migrate, pending_migrations, schema_drift};
pub use pool::{
    ACQUIRE_BOUNDS_S, AcquireStatistics, PoolSettings, acquire, acquire_statistics, begin, connect,
    is_connection_lost, is_unavailable, violated_constraint,
};
pub use sqlx::migrate::MigrateError;
pub use sqlx::{PgConnection, PgPool, Postgres, Transaction};
pub use ticket_reader::TicketReader;

/// What the database answered instead of rows.
pub type StoreError = sqlx::Error;
