//! The database: two doors, `read` and `write`, and the only place that knows there are two databases.
//!
//! `read` sees one snapshot. `write` hands its closure to the programme's one writer (`db/writer.rs`), which runs what is
//! waiting inside one transaction and answers after the commit. Everything that differs between SQLite and PostgreSQL is
//! in this file, in `db/`, and in `migrations/guards.*.sql`. Rooms see one `Conn`.

pub(crate) mod by_name;
mod conn;
pub mod migrate;
pub mod schema;
mod text_enum;
mod writer;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::r2d2::{ManageConnection, Pool, R2D2Connection};
use diesel::sqlite::SqliteConnection;

use crate::error::{Error, Result};
pub use conn::Conn;
pub(crate) use text_enum::text_enum;
use writer::Writer;

/// Where a programme lives.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server address and the schema within it.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
        /// The programme's schema: letters, digits and underscores.
        schema: String,
    },
}

impl std::fmt::Debug for Location {
    /// Without the password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Location::Sqlite(path) => write!(formatter, "SQLite {}", path.display()),
            Location::Postgres { url, schema } => {
                let server = url.rsplit_once('@').map_or("", |(_, server)| server);
                write!(formatter, "PostgreSQL {server} schema {schema}")
            }
        }
    }
}

/// The schema that `--database` uses when its address names none.
const DEFAULT_SCHEMA: &str = "jishan";

impl FromStr for Location {
    type Err = String;

    /// Reads `--database`: `postgres://…[#schema]` or `sqlite://PATH`.
    ///
    /// The variant is chosen by the scheme, never by trying: SQLite takes any text as a file name, so an unreachable
    /// PostgreSQL would otherwise become an empty file called `postgres://…`.
    fn from_str(text: &str) -> Result<Location, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let (url, schema) = text.split_once('#').unwrap_or((text, DEFAULT_SCHEMA));
            let plain = schema.starts_with(|first: char| first.is_ascii_lowercase())
                && schema.len() <= 60
                && schema
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
            if !plain {
                return Err(format!(
                    "the schema `{schema}` may hold only a–z, 0–9 and _, and starts with a letter"
                ));
            }
            return Ok(Location::Postgres {
                url: url.to_owned(),
                schema: schema.to_owned(),
            });
        }
        match text.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Location::Sqlite(PathBuf::from(path))),
            _ => {
                Err("give an address such as postgres://user@host/database#schema or sqlite:///path/to/file".to_owned())
            }
        }
    }
}

/// Connections that only read. Twice the cores is enough: reads are short and the writer has its own.
const READERS: u32 = 6;
/// How long a reader waits for a connection before the page says that the server is busy.
const READER_WAIT: Duration = Duration::from_secs(10);

/// A programme's database.
#[derive(Clone)]
pub struct Db {
    readers: Pool<Readers>,
    writer: Arc<Writer>,
    location: Arc<Location>,
}

impl Db {
    /// Opens a programme that has been migrated (`db/migrate.rs`).
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn open(location: &Location) -> Result<Db> {
        let readers = Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(matches!(location, Location::Postgres { .. }))
            .connection_timeout(READER_WAIT)
            .build(Readers(location.clone()))
            .map_err(Error::internal)?;
        Ok(Db {
            readers,
            writer: Arc::new(Writer::start(location.clone())?),
            location: Arc::new(location.clone()),
        })
    }

    /// Where this programme lives.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How often something other than `write_together` has written through this server; what was read before and may have
    /// changed since is told by it.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writer.writes()
    }

    /// Looks at one snapshot of the database.
    ///
    /// # Errors
    /// What the closure answers, or `Internal` when the database cannot be reached.
    pub async fn read<T, F>(&self, look: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || {
            let mut conn = readers.get().map_err(Error::internal)?;
            let conn: &mut Conn = &mut conn;
            conn.transaction(look)
        })
        .await
        .map_err(Error::internal)?
    }

    /// Lets the writer remember little of the file: for a command that wants its memory for something else.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn remember_little(&self) -> Result<()> {
        self.write(|conn| match conn {
            Conn::Sqlite(conn) => Ok(conn.batch_execute("PRAGMA cache_size = -512")?),
            Conn::Postgres(_) => Ok(()),
        })
        .await
    }

    /// Looks, decides and writes, alone: nobody is between the look and the write. Answers after the commit.
    ///
    /// Nothing slow belongs in here: no paper, no network, no password hashing.
    ///
    /// # Errors
    /// What the closure answers (then nothing of it is kept), or `Internal` when the commit failed.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Like `write`, for what many people do at the same moment: all the requests that are waiting are decided by one call.
    ///
    /// `decide` gets every waiting request of its kind and answers each; what it writes, it writes as sets. That is what
    /// makes a busy counter cheap: one flush, and a handful of statements, for many redemptions.
    ///
    /// # Errors
    /// What `decide` answers for this request.
    pub async fn write_together<R, T>(&self, request: R, decide: Together<R, T>) -> Result<T>
    where
        R: Send + 'static,
        T: Send + 'static,
    {
        self.writer.write_together(request, decide).await
    }
}

/// Decides a set of requests inside one transaction; one answer for each, in order.
pub type Together<R, T> = fn(&mut Conn, &[R]) -> Result<Vec<Result<T>>>;

/// Opens one connection and sets it up: durability, foreign keys, the programme's schema.
pub(crate) fn connect(location: &Location) -> Result<Conn> {
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(Error::internal)?;
            // FULL: an acknowledged redemption survives a power cut. The longer checkpoint interval halves what is written.
            // What is deleted or overwritten is wiped within the pages that are written anyway. Of what is read the kernel
            // keeps one copy for all; more pages kept by the connection itself made no redemption faster.
            conn.batch_execute(
                "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000; \
                 PRAGMA secure_delete = FAST;",
            )?;
            Ok(Conn::Sqlite(conn))
        }
        Location::Postgres { url, schema } => {
            let mut conn = PgConnection::establish(url).map_err(Error::internal)?;
            conn.batch_execute(&format!(
                "SET search_path TO {schema}; SET client_min_messages TO warning;"
            ))?;
            Ok(Conn::Postgres(conn))
        }
    }
}

/// Makes connections that can only read.
struct Readers(Location);

impl ManageConnection for Readers {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        let failed = |cause: Error| {
            diesel::r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection(cause.to_string()))
        };
        let mut conn = connect(&self.0).map_err(failed)?;
        let read_only = match &conn {
            Conn::Sqlite(_) => "PRAGMA query_only = ON; PRAGMA cache_size = -2048;",
            Conn::Postgres(_) => {
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
            }
        };
        conn.batch_execute(read_only)
            .map_err(|cause| failed(Error::internal(cause)))?;
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        match conn {
            Conn::Postgres(conn) => conn.ping().map_err(diesel::r2d2::Error::QueryError),
            Conn::Sqlite(_) => Ok(()),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        match conn {
            Conn::Postgres(conn) => conn.is_broken(),
            Conn::Sqlite(conn) => conn.is_broken(),
        }
    }
}

/// Begins the writer's transaction: on either database nobody else writes until it ends.
///
/// SQLite takes its write lock at once (a later upgrade could fail). On PostgreSQL an advisory lock keeps out a second
/// server or a command line on the same programme; read committed lets every statement see what the last holder wrote.
pub(crate) fn begin_writing(conn: &mut Conn) -> Result<()> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
        Conn::Postgres(conn) => {
            AnsiTransactionManager::begin_transaction(conn)?;
            conn.batch_execute("SELECT pg_advisory_xact_lock(hashtext('jishan ' || current_schema()))")?;
        }
    }
    Ok(())
}

/// Inserts rows as a set: one statement on PostgreSQL, one prepared statement run for each row on SQLite.
macro_rules! insert_rows {
    ($conn:expr, $table:expr, $rows:expr) => {{
        use diesel::RunQueryDsl as _;
        let rows = $rows;
        match &mut *$conn {
            $crate::db::Conn::Postgres(conn) => {
                // A statement may bind 65,535 values at most.
                for chunk in rows.chunks(1_000) {
                    diesel::insert_into($table).values(chunk).execute(conn)?;
                }
            }
            $crate::db::Conn::Sqlite(conn) => {
                for row in rows {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
            }
        }
    }};
}
pub(crate) use insert_rows;

/// New whole-number values of one row, for `update_rows`.
pub(crate) struct RowUpdate {
    /// The row's key.
    pub key: i64,
    /// The new values of the two columns.
    pub values: [i64; 2],
}

/// Two whole-number columns of a table, by its whole-number key. The names are fixed texts of the calling room.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    /// The table.
    pub table: &'static str,
    /// Its key.
    pub key: &'static str,
    /// The columns to set.
    pub set: [&'static str; 2],
}

/// Sets the columns of many rows: one statement on PostgreSQL, a prepared one for each row on SQLite.
pub(crate) fn update_rows(conn: &mut Conn, columns: Columns, rows: &[RowUpdate]) -> Result<()> {
    use diesel::RunQueryDsl as _;
    use diesel::sql_types::{Array, BigInt};
    let Columns { table, key, set } = columns;
    let [first, second] = set;
    match conn {
        Conn::Postgres(conn) => {
            if rows.is_empty() {
                return Ok(());
            }
            let text = format!(
                "UPDATE {table} SET {first} = new.first, {second} = new.second \
                 FROM unnest($1, $2, $3) AS new (key, first, second) WHERE {table}.{key} = new.key"
            );
            let column = |of: fn(&RowUpdate) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
            let changed = diesel::sql_query(text)
                .bind::<Array<BigInt>, _>(column(|row| row.key))
                .bind::<Array<BigInt>, _>(column(|row| row.values[0]))
                .bind::<Array<BigInt>, _>(column(|row| row.values[1]))
                .execute(conn)?;
            expect_all(changed, rows.len(), table)
        }
        Conn::Sqlite(conn) => {
            for row in rows {
                let changed = PreparedUpdate { columns, row }.execute(conn)?;
                expect_all(changed, 1, table)?;
            }
            Ok(())
        }
    }
}

/// An update whose text is always the same, so that SQLite keeps it prepared; diesel's own `update` is prepared anew each time.
struct PreparedUpdate<'a> {
    columns: Columns,
    row: &'a RowUpdate,
}

impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for PreparedUpdate<'_> {
    fn walk_ast<'b>(
        &'b self,
        mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
    ) -> diesel::QueryResult<()> {
        use diesel::sql_types::BigInt;
        let [first, second] = self.columns.set;
        let places = [
            (["UPDATE ", self.columns.table, " SET ", first], &self.row.values[0]),
            ([", ", second, "", ""], &self.row.values[1]),
            ([" WHERE ", self.columns.key, "", ""], &self.row.key),
        ];
        for (words, value) in places {
            for word in words {
                out.push_sql(word);
            }
            out.push_sql(" = ");
            out.push_bind_param::<BigInt, _>(value)?;
        }
        Ok(())
    }
}

impl diesel::query_builder::QueryId for PreparedUpdate<'_> {
    type QueryId = ();
    // The text decides, not the type: tables and columns are values here.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl diesel::query_dsl::RunQueryDsl<SqliteConnection> for PreparedUpdate<'_> {}

/// An update that met fewer rows than it names would lose a balance silently.
fn expect_all(changed: usize, wanted: usize, table: &str) -> Result<()> {
    if changed == wanted {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{table}: {changed} of {wanted} rows were updated"
    )))
}
