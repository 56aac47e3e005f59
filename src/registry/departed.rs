//! Households that left: when their ninety days are over, what they have expires and their cards are stopped. SG20.

use crate::cards::card;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::account::AccountKind;
use crate::ledger::transaction::Books;
use crate::ledger::{hold, lot};
use crate::places::standing;

/// Does what is due for households that left; answers for how many something was done. Done before, it does nothing.
///
/// # Errors
/// Only when the database fails.
pub fn close_due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let today = day_of(now);
    let departed = standing::out_of_time(conn, today)?;
    if departed.is_empty() {
        return Ok(0);
    }
    let mut done = 0usize;
    let with_card = card::numbers_in_use(conn, &departed)?;
    for household in departed.iter().filter(|one| with_card.contains_key(one)) {
        card::stop_by(conn, household, card::LEFT, "system", now)?;
        done = done.saturating_add(1);
    }
    let mut books = Books::open(conn, departed.iter().map(crate::id::Id::as_str))?;
    let mut expired = 0usize;
    for household in &departed {
        // What comes in later, of an award that was under way, goes on the day after.
        let owner = household.as_str();
        if books.balance(owner, AccountKind::Spendable) > crate::points::Points::ZERO
            && !lot::is_closed_on(conn, owner, today)?
        {
            match lot::expire_all(&mut books, owner, today, now)? {
                Some(_) => expired = expired.saturating_add(1),
                None => hold::recall(conn, owner, None, now)?,
            }
        }
    }
    if expired > 0 {
        books.save(conn)?;
    }
    Ok(done.saturating_add(expired))
}
