//! Ids: a UUIDv7 as text, typed by what it names.
//!
//! Ids are made here and not by a database, so that an offline counter can make them too and so that both databases
//! store the same thing. They are time-ordered, which keeps indexes narrow and warm. They say nothing about order
//! within a millisecond: where order matters the ledger numbers its transactions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;

use crate::clock::Moment;

/// The id of a `T`, for example `Id<Household>`.
#[derive(AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Id<T: 'static> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// A new id for something that begins at `now`.
    #[must_use]
    pub fn new(now: Moment) -> Id<T> {
        let mut random = [0u8; 10];
        fill_random(&mut random);
        let millis = u64::try_from(now.and_utc().timestamp_millis()).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Id::known(uuid.to_string())
    }

    /// An id that was read from the database or from an address; it may name nothing.
    #[must_use]
    pub fn known(text: impl Into<String>) -> Id<T> {
        Id {
            text: text.into(),
            of: PhantomData,
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Fills `bytes` from the operating system. A machine without randomness cannot issue cards or sessions, so this stops the program.
pub fn fill_random(bytes: &mut [u8]) {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no secret may be made; stopping is the safe answer"
    )]
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Id::known(self.text.clone())
    }
}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
impl<T> serde::Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<T: 'static, DB: Backend> ToSql<Text, DB> for Id<T>
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.text.as_str().to_sql(out)
    }
}
impl<T: 'static, DB: Backend> FromSql<Text, DB> for Id<T>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(bytes).map(Id::known)
    }
}
