//! Statements over tables that are named by a list and not by a type: the one text in them that varies is bound, never pasted.
//!
//! For what a rule says of every table alike (`retention/fate.rs`). Table and column are fixed texts of the program. Whatever
//! concerns one table alone is diesel's own language in the room of that table.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};

use super::Conn;
use crate::error::Result;

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Runs a statement in which `$1` stands for `about`; answers how many rows it changed.
///
/// # Errors
/// Only when the database fails.
pub(crate) fn change(conn: &mut Conn, statement: &str, about: &str) -> Result<usize> {
    let statement = diesel::sql_query(statement).bind::<Text, _>(about);
    Ok(match conn {
        Conn::Postgres(conn) => statement.execute(conn)?,
        Conn::Sqlite(conn) => statement.execute(conn)?,
    })
}

/// How many rows of a table fulfil a condition in which `$1` stands for `about`.
///
/// # Errors
/// Only when the database fails.
pub(crate) fn count(conn: &mut Conn, table: &str, condition: &str, about: &str) -> Result<i64> {
    let statement = format!("SELECT count(*) AS count FROM {table} WHERE {condition}");
    let statement = diesel::sql_query(statement).bind::<Text, _>(about);
    let counted: Counted = match conn {
        Conn::Postgres(conn) => statement.get_result(conn)?,
        Conn::Sqlite(conn) => statement.get_result(conn)?,
    };
    Ok(counted.count)
}
