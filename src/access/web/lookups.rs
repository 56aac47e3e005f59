//! Who looked at a household's data, for those who read the record.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::lookup::{self, Lookup};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::household::{self, Household};
use crate::sent::Path;

#[derive(Template)]
#[template(path = "access/lookups.html")]
struct LookupsPage {
    shell: Shell,
    household: Household,
    lookups: Vec<Lookup>,
    names: HashMap<Id<User>, String>,
}

impl LookupsPage {
    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }
}

/// `GET /households/{code}/lookups`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn lookups(State(app): State<App>, staff: Staff, Path(code): Path<String>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadAudit, &household.building_id)?;
            let lookups = lookup::of_household(conn, &household.id)?;
            let people: Vec<Id<User>> = lookups.iter().map(|one| one.user_id.clone()).collect();
            Ok(LookupsPage {
                shell: staff.shell,
                names: user::display_names(conn, &people)?,
                household,
                lookups,
            })
        })
        .await?;
    page::show(&page)
}
