//! The connection: one type over the two databases, made by diesel.

use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL, one schema per programme.
    Postgres(PgConnection),
    /// SQLite, one file per programme.
    Sqlite(SqliteConnection),
}
