//! Requests: whatever a person can send twice is carried out once.
//!
//! The sender makes the key (a UUIDv7, made by the page or the till before it sends). It is kept with a digest of the
//! content, in the same transaction as the effect: the same key with the same content gets the first answer; the same key
//! with other content is refused. A key whose request was refused is not kept, because nothing was done.

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::Moment;
use crate::db::schema::requests;
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Refusal, Result};

/// The sender's key and a digest of what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    key: String,
    hidden_key: String,
    is_hidden: bool,
    digest: Vec<u8>,
}

/// The longest key that is taken.
const KEY_LENGTH: usize = 128;

impl Request {
    /// A request by `actor` to do `act` with `content`. Who asks is part of the content: nobody gets another's answer.
    ///
    /// # Errors
    /// `Invalid` when the key is empty, longer than 128 characters, or not plain ASCII.
    pub fn new(key: &str, actor: &str, act: &str, content: &impl Serialize) -> Result<Request> {
        if key.is_empty() || key.len() > KEY_LENGTH || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(
                "Idempotency-Key",
                "请求标识（Idempotency-Key）应为1至128个英文字母、数字或符号。",
            ));
        }
        let content = serde_json::to_vec(&(actor, act, content)).map_err(Error::internal)?;
        let hidden = Sha256::digest(key.as_bytes());
        Ok(Request {
            key: key.to_owned(),
            hidden_key: hidden.iter().map(|byte| format!("{byte:02x}")).collect(),
            is_hidden: false,
            digest: Sha256::digest(content).to_vec(),
        })
    }

    /// The same request that asks for something besides.
    ///
    /// # Errors
    /// `Internal` when the content cannot be written down.
    pub fn and(self, more: &impl Serialize) -> Result<Request> {
        let more = serde_json::to_vec(more).map_err(Error::internal)?;
        let digest = Sha256::new().chain_update(&self.digest).chain_update(more).finalize();
        Ok(Request {
            digest: digest.to_vec(),
            ..self
        })
    }

    /// A digest of the key: what may be kept of one that was not carried out.
    #[must_use]
    pub fn key_digest(&self) -> &str {
        &self.hidden_key
    }

    /// The same request with its key hidden: what is kept cannot be sent again by someone who reads the table.
    #[must_use]
    pub fn hidden(self) -> Request {
        Request {
            is_hidden: true,
            ..self
        }
    }

    /// The key as it is kept.
    fn kept_key(&self) -> &str {
        match self.is_hidden {
            true => &self.hidden_key,
            false => &self.key,
        }
    }
}

/// A key that was used for something else.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflict;

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("这个请求标识已用于另一项内容，本次未办理。请刷新页面后重新提交。")
    }
}

impl Refusal for Conflict {
    fn code(&self) -> &'static str {
        "idempotency_conflict"
    }
}

/// What a key was used for, whatever the content was: the subject that it made.
///
/// # Errors
/// Only when the database fails.
pub fn made_with(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    Ok(requests::table
        .find(key)
        .select(requests::subject)
        .get_result(conn)
        .optional()?)
}

/// The requests of one transaction: those that were carried out before, and those that it carries out.
#[derive(Debug, Default)]
pub struct Requests {
    known: HashMap<String, (Vec<u8>, String)>,
    fresh: Vec<Row>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = requests)]
struct Row {
    key: String,
    digest: Vec<u8>,
    subject: String,
    recorded_at: Moment,
}

impl Requests {
    /// Looks all of them up at once.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn open<'a>(conn: &mut Conn, asked: impl IntoIterator<Item = &'a Request>) -> Result<Requests> {
        // A key that was used for a card is kept hidden, and is used up for everything else all the same.
        let keys: Vec<&str> = asked
            .into_iter()
            .flat_map(|request| [request.key.as_str(), request.hidden_key.as_str()])
            .collect();
        let known = requests::table
            .filter(requests::key.eq_any(keys))
            .select((requests::key, requests::digest, requests::subject))
            .load::<(String, Vec<u8>, String)>(conn)?
            .into_iter()
            .map(|(key, digest, subject)| (key, (digest, subject)))
            .collect();
        Ok(Requests {
            known,
            fresh: Vec::new(),
        })
    }

    /// The subject that this request made earlier, if it was carried out.
    ///
    /// # Errors
    /// `Conflict` when the key was used for other content.
    pub fn earlier(&self, request: &Request) -> Result<Option<&str>> {
        let known = |key: &str| self.known.get(key);
        match known(&request.key).or_else(|| known(&request.hidden_key)) {
            None => Ok(None),
            Some((digest, subject)) if *digest == request.digest => Ok(Some(subject)),
            Some(_) => Err(Conflict.into()),
        }
    }

    /// Remembers that this request made `subject`. A repeat within the same transaction finds it too.
    pub fn carried_out(&mut self, request: &Request, subject: &str, now: Moment) {
        self.known.insert(
            request.kept_key().to_owned(),
            (request.digest.clone(), subject.to_owned()),
        );
        self.fresh.push(Row {
            key: request.kept_key().to_owned(),
            digest: request.digest.clone(),
            subject: subject.to_owned(),
            recorded_at: now,
        });
    }

    /// Writes what was carried out.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn save(self, conn: &mut Conn) -> Result<()> {
        insert_rows!(conn, requests::table, &self.fresh);
        Ok(())
    }
}
