//! Pages of honours: which titles there are, who is nominated, the ballot, the notice, and what is said against it.

mod appeals;
mod awards;
mod ballot;
mod notices;
mod objections;
mod own_appeal;
mod star_entries;
mod stars;
mod titles;
mod work;
mod year;

pub use appeals::{appeal, appeal_receipt, file_appeal, give_opinion, name_panel};
pub use awards::{award, awards, nominate, nominate_form, verify, withdraw};
pub use ballot::{ballot, key_counts, publish};
pub use notices::{notice, notices};
pub use objections::{decide_objection, object, object_form, objection, objection_receipt};
pub use own_appeal::{own_appeal, own_appeal_form};
pub use star_entries::{decide_entry, star_entry};
pub use stars::{define_star, give_star, key_stars, retire_star, stars, stars_of};
pub use titles::{define, enter_from_rules, retire, titles};
pub use work::{Work, work_of};
pub use year::year;

use super::award::{State, TitleAward};
use super::title::{self, HonourTitle};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::db::Conn;
use crate::error::Result;
use crate::places::area::Tree;
use crate::places::household::{self, Household};

/// An award as the staff read it.
struct Told {
    award: TitleAward,
    title: HonourTitle,
    household: Household,
    address: String,
}

impl Told {
    /// An award of a household within reach.
    ///
    /// # Errors
    /// `NotFound`, also for a household outside.
    fn of(conn: &mut Conn, staff: &Staff, permission: Permission, award: TitleAward) -> Result<Told> {
        let household = household::by_id(conn, &award.household_id)?;
        staff.expect_within(conn, permission, &household.building_id)?;
        Ok(Told {
            title: title::by_id(conn, &award.title_id)?,
            address: household.address(&Tree::load(conn)?),
            household,
            award,
        })
    }

    /// `2026年第四季度`.
    fn period(&self) -> String {
        self.title.period.in_words(self.award.period_from)
    }
}

/// The badge of a state; a template hands in a reference.
fn badge(state: &State) -> &'static str {
    match state {
        State::Nominated | State::Verified | State::Balloted => "badge",
        State::Notified | State::Suspended => "badge warn",
        State::Conferred => "badge ok",
        State::Declined | State::Withdrawn | State::Revoked => "badge bad",
    }
}
