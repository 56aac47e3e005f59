//! Enrolment: what a household agrees to, and the sheet on which its card is handed out, explained and signed for. G8.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::cards::card;
use crate::cards::number::CardNumber;
use crate::clock;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::places::{programme, standing};
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "registry/enrolment.html")]
struct EnrolmentPage {
    shell: Shell,
    /// The key of a consent form that is printed from here.
    key: String,
    code: String,
    head: String,
    people: i64,
    address: String,
    card: Option<String>,
    purposes: Vec<(Purpose, bool)>,
    office: String,
    phone: String,
    printed_on: String,
}

/// `GET /households/{code}/enrolment`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area; `household_left`, `household_merged`.
pub async fn enrolment(State(app): State<App>, staff: Staff, Path(code): Path<String>) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            standing::expect_active(conn, &household.id)?;
            let programme = programme::get(conn)?;
            let stands = consent::of(conn, &household.id)?;
            let given = |purpose| stands.get(purpose).is_some_and(|consent| consent.given);
            let cards = card::of_household(conn, &household.id)?;
            let in_use = cards.into_iter().find(|card| card.stopped_at.is_none());
            Ok(EnrolmentPage {
                shell: staff.shell,
                key: Id::<Household>::new(now).to_string(),
                address: household.address(&Tree::load(conn)?),
                people: household.people,
                card: in_use
                    .and_then(|card| CardNumber::parse(&card.number).ok())
                    .map(|number| number.grouped()),
                purposes: Purpose::ALL.iter().map(|purpose| (*purpose, given(purpose))).collect(),
                office: programme.office,
                phone: programme.phone,
                printed_on: clock::spoken_day(clock::day_of(now)),
                code: household.code,
                head: household.head_name,
            })
        })
        .await?;
    page::show(&page)
}

/// What is ticked. A box that is not ticked is not sent.
#[derive(Deserialize)]
pub struct Ticked {
    #[serde(default)]
    honour_board: String,
    #[serde(default)]
    broadcast: String,
    #[serde(default)]
    photo: String,
    #[serde(default)]
    full_name_on_notice: String,
    #[serde(default)]
    name_on_card: String,
}

/// `POST /households/{code}/consents`: takes down what is ticked. It says how things stand, so sent twice it changes nothing.
///
/// # Errors
/// `NotFound`, also outside the visitor's area; `household_left`, `household_merged`.
pub async fn decide(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(ticked): SignedForm<Ticked>,
) -> Result<Response> {
    let now = app.now();
    let Ok(in_path) = askama::filters::urlencode_strict(&code);
    let back = format!("/households/{in_path}");
    let agreed: Vec<Purpose> = [
        (Purpose::HonourBoard, &ticked.honour_board),
        (Purpose::Broadcast, &ticked.broadcast),
        (Purpose::Photo, &ticked.photo),
        (Purpose::FullNameOnNotice, &ticked.full_name_on_notice),
        (Purpose::NameOnCard, &ticked.name_on_card),
    ]
    .into_iter()
    .filter(|(_, box_)| *box_ == "yes")
    .map(|(purpose, _)| purpose)
    .collect();
    let new = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            consent::decide(conn, &household.id, &agreed, staff.user.id.as_str(), now)
        })
        .await?;
    let done = if new > 0 { "consents" } else { "same-consents" };
    Ok(page::go(&format!("{back}?done={done}")))
}
