//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

use crate::access::role::Permission;
use crate::app::Staff;
use crate::council::nomination::{self, Filter, Nomination, State};
use crate::db::Conn;
use crate::id::Id;
use crate::places::household::{self, Household};

/// The nominations that wait for this person: in the person's area, made by someone else, not about the own household.
///
/// # Errors
/// Only when the database fails.
pub fn waiting_for(conn: &mut Conn, staff: &Staff) -> Result<Vec<(Nomination, Household)>> {
    let filter = Filter {
        state: Some(State::Submitted),
        ..Filter::default()
    };
    let submitted = nomination::list(conn, &filter, 1_000)?;
    let reach = staff.reach(conn, Permission::Verify)?;
    let ids: Vec<Id<Household>> = submitted.iter().map(|one| one.household_id.clone()).collect();
    let households = household::by_ids(conn, &ids)?;
    let found = submitted.into_iter().filter_map(|one| {
        let household = households.iter().find(|household| household.id == one.household_id)?.clone();
        let own = one.nominated_by == staff.user.id || staff.user.household_id.as_ref() == Some(&household.id);
        (!own && reach.covers(&household.building_id)).then_some((one, household))
    });
    Ok(found.collect())
}

/// Stub.
pub async fn nominations() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn nominate_form() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn nominate() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn nomination() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn verify() -> Result<Response> {
    Err(Error::NotFound)
}
