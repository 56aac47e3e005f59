//! Migrations: the same portable text for both databases, forward only, run by `serve`, `demo` and `migrate`.
//!
//! The way back is a copy: before it changes an existing SQLite file, `run` leaves one beside it. Guards (triggers on
//! SQLite, privileges on PostgreSQL) are not migrated but made anew after every run, so their text is their state.

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Conn, Location, connect};
use crate::clock::Moment;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
const SQLITE_GUARDS: &str = include_str!("../../migrations/guards.sqlite.sql");
const POSTGRES_GUARDS: &str = include_str!("../../migrations/guards.postgres.sql");

/// Brings a programme's tables up to date and answers the names of the migrations that ran.
///
/// # Errors
/// When the database cannot be reached or a migration fails; then nothing of that migration is kept.
pub fn run(location: &Location, now: Moment) -> Result<Vec<String>> {
    prepare(location)?;
    let mut conn = connect(location)?;
    let pending = conn.has_pending_migration(MIGRATIONS).map_err(Error::internal)?;
    if pending {
        copy_first(&mut conn, location, now)?;
    }
    let ran = conn
        .run_pending_migrations(MIGRATIONS)
        .map_err(Error::internal)?
        .iter()
        .map(ToString::to_string)
        .collect();
    let guards = match &conn {
        Conn::Sqlite(_) => SQLITE_GUARDS,
        Conn::Postgres(_) => POSTGRES_GUARDS,
    };
    conn.batch_execute(guards)?;
    Ok(ran)
}

/// Makes the folder of the file, or the programme's schema.
fn prepare(location: &Location) -> Result<()> {
    match location {
        Location::Sqlite(path) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(Error::internal)?;
            }
            Ok(())
        }
        Location::Postgres { schema, .. } => {
            let mut conn = connect(location)?;
            conn.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
            Ok(())
        }
    }
}

/// Copies an existing SQLite programme beside itself. PostgreSQL has its own backups.
fn copy_first(conn: &mut Conn, location: &Location, now: Moment) -> Result<()> {
    let Location::Sqlite(path) = location else {
        return Ok(());
    };
    let used = conn.applied_migrations().map_err(Error::internal)?;
    if used.is_empty() {
        return Ok(());
    }
    let copy = path.with_extension(format!("before-{}.sqlite", now.format("%Y%m%dT%H%M%S")));
    let quoted = copy.to_string_lossy().replace('\'', "''");
    conn.batch_execute(&format!("VACUUM INTO '{quoted}'"))?;
    tracing::info!("copied the programme to {} before migrating", copy.display());
    Ok(())
}
