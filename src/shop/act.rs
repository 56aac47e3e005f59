//! An act of the stock keeper: carried out once for each key, and recorded, in one transaction.
//!
//! What redemptions do as sets in `redemption.rs`, the acts behind the counter do one at a time and all in the same way:
//! is the key known, do it, remember the key, write the line. It decides nothing.

use serde::Serialize;

use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::request::{Request, Requests};

/// What somebody is about to do.
#[derive(Clone, Debug)]
pub struct Act {
    name: &'static str,
    /// The sender's key.
    pub key: String,
    /// Who.
    pub by: Id<User>,
    /// When.
    pub at: Moment,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Done {
    /// What a repeat of the request is answered, too.
    pub answer: String,
    /// What it was done to: `kind:id`.
    pub subject: String,
    /// Numbers and reasons; never a name.
    pub detail: String,
}

impl Act {
    /// An act by its name in the record, `noun.verb`.
    #[must_use]
    pub fn new(name: &'static str, key: &str, by: &Id<User>, at: Moment) -> Act {
        Act {
            name,
            key: key.to_owned(),
            by: by.clone(),
            at,
        }
    }

    /// Does the work unless the same request did it before, and answers what it made.
    ///
    /// # Errors
    /// What the work answers; `idempotency_conflict`.
    pub fn once(
        &self,
        conn: &mut Conn,
        content: &impl Serialize,
        work: impl FnOnce(&mut Conn) -> Result<Done>,
    ) -> Result<String> {
        let request = Request::new(&self.key, self.by.as_str(), self.name, content)?;
        let mut requests = Requests::open(conn, [&request])?;
        if let Some(earlier) = requests.earlier(&request)? {
            return Ok(earlier.to_owned());
        }
        let done = work(conn)?;
        requests.carried_out(&request, &done.answer, self.at);
        requests.save(conn)?;
        let event = audit::Event::new(self.by.as_str(), self.name, done.subject, done.detail, self.at);
        audit::record(conn, &[event])?;
        Ok(done.answer)
    }
}
