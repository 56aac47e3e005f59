//! Books: every room's proof in one, for `check-books`.

use crate::council;
use crate::db::Conn;
use crate::error::Result;
use crate::honours;
use crate::ledger;
use crate::ledger::check::{Broken, Proved};
use crate::shop;
use crate::volunteering;

/// Proves the books, then that the rooms agree with them; names the first row that does not.
///
/// # Errors
/// Only when the database fails; a broken law is an answer.
pub fn check(conn: &mut Conn, progress: &mut dyn FnMut(i64, i64)) -> Result<Result<Proved, Broken>> {
    let proved = match ledger::check::check(conn, progress)? {
        Ok(proved) => proved,
        broken => return Ok(broken),
    };
    for check in [
        council::check::check,
        council::reminder::check::check,
        honours::check::check,
        shop::check::check,
        volunteering::check::check,
    ] {
        if let Err(broken) = check(conn)? {
            return Ok(Err(broken));
        }
    }
    Ok(Ok(proved))
}
