//! Photographs of a nomination: adding some, and looking at one. Only for staff who may see the nomination.

use axum::extract::State;
use axum::response::Response;

use super::nominate::add_photos;
use super::nomination::show_again;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::council::evidence::{self, Evidence};
use crate::council::nomination::{self, Nomination};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page;
use crate::places::household;
use crate::sent::{Path, SignedUpload};

/// `POST /nominations/{id}/evidence`: by whoever nominated, and by whoever may verify.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong with a photograph is shown on the nomination's page.
pub async fn add_evidence(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedUpload(sent): SignedUpload,
) -> Result<Response> {
    let id: Id<Nomination> = Id::known(id);
    let (asked, asking) = (id.clone(), staff.clone());
    app.db.read(move |conn| expect_may_add(conn, &asking, &asked)).await?;
    let added = match sent.files("photo").next() {
        None => Err(Error::invalid("photo", "请先选照片，再按“加照片”。")),
        Some(_) => add_photos(&app, &id, &sent, Some(staff.user.id.clone())).await,
    };
    match added {
        Ok(_) => Ok(page::go(&format!("/nominations/{id}?done=photo#photos"))),
        Err(error) => show_again(&app, staff, id, error).await,
    }
}

fn expect_may_add(conn: &mut Conn, staff: &Staff, id: &Id<Nomination>) -> Result<()> {
    let nomination = nomination::by_id(conn, id)?;
    let household = household::by_id(conn, &nomination.household_id)?;
    staff.expect_within(conn, Permission::ReadNominations, &household.building_id)?;
    match may_add(conn, staff, &nomination)? {
        true => Ok(()),
        false => Err(Error::Forbidden("照片由申报人或核实人补充。")),
    }
}

/// Did this person nominate it, or may this person verify there?
pub(super) fn may_add(conn: &mut Conn, staff: &Staff, nomination: &Nomination) -> Result<bool> {
    if super::is_nominator(&staff.user, nomination) {
        return Ok(true);
    }
    let household = household::by_id(conn, &nomination.household_id)?;
    Ok(staff.reach(conn, Permission::Verify)?.covers(&household.building_id))
}

/// `GET /nominations/{id}/evidence/{evidence}`: the photograph itself.
///
/// # Errors
/// `NotFound`, also outside the visitor's area and when its time is over.
pub async fn show_evidence(
    State(app): State<App>,
    staff: Staff,
    Path((id, evidence)): Path<(String, String)>,
) -> Result<Response> {
    let (id, evidence): (Id<Nomination>, Id<Evidence>) = (Id::known(id), Id::known(evidence));
    let found = app
        .db
        .read(move |conn| {
            let nomination = nomination::by_id(conn, &id)?;
            let household = household::by_id(conn, &nomination.household_id)?;
            staff.expect_within(conn, Permission::ReadNominations, &household.building_id)?;
            evidence::by_id(conn, &id, &evidence)
        })
        .await?;
    let file = found.file().ok_or(Error::NotFound)?;
    let (kind, files) = (file.kind(), app.files.clone());
    let bytes = app.slowly(move || files.read(&file)).await??;
    Ok(page::photograph(kind.media_type(), bytes))
}
