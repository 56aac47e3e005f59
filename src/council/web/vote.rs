//! A member's phone: the motion that is voted on now, three large buttons, and what came of it.
//!
//! It needs a seat and nothing else: no number to type, no page to find. A script looks whether the next motion has come;
//! without it there is a link.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::hall::{Hall, Names, Put};
use crate::app::{App, Staff};
use crate::clock::{Moment, day_of};
use crate::council::member::{self, CouncilMember};
use crate::council::motion::{self, Cast, Choice};
use crate::council::session::{self, BallotForm, State as Stand};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/vote.html")]
struct VotePage {
    shell: Shell,
    done: String,
    problems: Problems,
    place: Place,
    key: Id<Cast>,
}

/// Where the member finds himself.
enum Place {
    /// The account has no seat today.
    NoSeat,
    /// No session is called.
    NoSession,
    /// A session is called, and has not begun.
    Before {
        area: String,
        held_on: String,
        place: String,
    },
    /// In a session that is open.
    In(Box<Inside>),
}

struct Inside {
    hall: Hall,
    seat: CouncilMember,
    is_present: bool,
}

impl Inside {
    fn is_secret(&self) -> bool {
        self.hall.session.ballot == BallotForm::Secret
    }

    /// Why the member steps back from this motion, if so.
    fn steps_back<'a>(&self, put: &&'a Put) -> Option<&'a str> {
        let found = put.recused.iter().find(|one| one.member == self.seat.id);
        found.map(|one| one.reason.as_str())
    }

    fn has_voted(&self, put: &&Put) -> bool {
        put.voters.iter().any(|voter| voter.id == self.seat.id && voter.voted)
    }

    /// How the member voted: kept in an open ballot only.
    fn own_choice(&self, put: &&Put) -> Option<Choice> {
        let own = put.voters.iter().find(|voter| voter.id == self.seat.id);
        own.and_then(|voter| voter.choice)
    }

    /// The motion that comes after this one.
    fn next(&self, put: &&Put) -> Option<&Put> {
        let mut motions = self.hall.motions.iter();
        motions.find(|other| other.is_waiting() && other.motion.position > put.motion.position)
    }

    fn last_decided(&self) -> Option<&Put> {
        let decided = self.hall.motions.iter().filter(|put| !put.is_waiting());
        decided.max_by_key(|put| (put.motion.decided_at, put.motion.position))
    }
}

impl VotePage {
    fn stamp(&self) -> String {
        match &self.place {
            Place::NoSeat => "no-seat".to_owned(),
            Place::NoSession => "no-session".to_owned(),
            Place::Before { .. } => "before".to_owned(),
            Place::In(inside) => inside.hall.stamp(),
        }
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /vote`
///
/// # Errors
/// Only when the database fails.
pub async fn vote_form(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let mut page = vote_page(&app, staff).await?;
    page.done = done.done;
    page::show(&page)
}

async fn vote_page(app: &App, staff: Staff) -> Result<VotePage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            Ok(VotePage {
                place: place_of(conn, &staff, now)?,
                shell: staff.shell,
                done: String::new(),
                problems: Problems::default(),
                key: Id::new(now),
            })
        })
        .await
}

fn place_of(conn: &mut Conn, staff: &Staff, now: Moment) -> Result<Place> {
    let mut seats = member::of_user(conn, &staff.user.id)?;
    seats.retain(|seat| seat.sits_on(day_of(now)));
    if seats.is_empty() {
        return Ok(Place::NoSeat);
    }
    let mut place = Place::NoSession;
    for seat in seats {
        let Some(session) = session::under_way(conn, &seat.area_id)? else {
            continue;
        };
        match Hall::load(conn, staff, session.number, Names::AsPermitted, now) {
            Ok(hall) if session.state == Stand::Open => {
                let arrived = hall.seats.iter().find(|one| one.member.id == seat.id);
                return Ok(Place::In(Box::new(Inside {
                    is_present: arrived.is_some_and(|one| one.arrived_at.is_some()),
                    seat,
                    hall,
                })));
            }
            Ok(hall) => {
                place = Place::Before {
                    held_on: hall.held_on(),
                    area: hall.area,
                    place: session.place,
                }
            }
            // The seat is in an area in which the account holds no duty.
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(place)
}

async fn refused(app: &App, staff: Staff, error: Error) -> Result<Response> {
    let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
    let mut page = vote_page(app, staff).await?;
    page.problems = problems;
    page::show_with(status, &page)
}

/// A vote, as the form sends it.
#[derive(Deserialize)]
pub struct NewVote {
    #[serde(default)]
    key: String,
    #[serde(default)]
    motion: String,
    #[serde(default)]
    choice: String,
}

/// `POST /vote`
///
/// # Errors
/// `NotFound` for a motion that is not there: what else is wrong is shown on the page.
pub async fn vote(State(app): State<App>, staff: Staff, SignedForm(sent): SignedForm<NewVote>) -> Result<Response> {
    match try_vote(&app, &staff, sent).await {
        Ok(()) => Ok(page::go("/vote?done=voted")),
        Err(error) => refused(&app, staff, error).await,
    }
}

async fn try_vote(app: &App, staff: &Staff, sent: NewVote) -> Result<()> {
    let choice = Choice::from_word(&sent.choice).ok_or_else(|| Error::invalid("choice", "请选择赞成、反对或弃权。"))?;
    let (now, user) = (app.now(), staff.user.id.clone());
    app.db
        .write(move |conn| {
            let motion = motion::by_id(conn, &Id::known(sent.motion))?;
            let session = session::by_id(conn, &motion.session_id)?;
            let mut seats = member::of_user(conn, &user)?.into_iter();
            let own = seats.find(|seat| seat.area_id == session.area_id && seat.sits_on(day_of(now)));
            let seat = own.ok_or_else(|| Error::invalid("motion", "您不是这个评议会的成员，不能在这次会上投票。"))?;
            let asked = Cast {
                motion: motion.id,
                member: seat.id.clone(),
                choice,
                by: user,
                key: sent.key,
            };
            motion::cast(conn, &asked, &seat, now).map(drop)
        })
        .await
}

/// Which session somebody came to.
#[derive(Deserialize)]
pub struct Arrival {
    #[serde(default)]
    session: String,
}

/// `POST /vote/arrival`: «我到了».
///
/// # Errors
/// `NotFound` for a session that is not there: what else is wrong is shown on the page.
pub async fn arrive(State(app): State<App>, staff: Staff, SignedForm(sent): SignedForm<Arrival>) -> Result<Response> {
    let (now, user) = (app.now(), staff.user.id.clone());
    let arrived = app
        .db
        .write(move |conn| {
            let session = session::by_id(conn, &Id::known(sent.session))?;
            let mut seats = member::of_user(conn, &user)?.into_iter();
            let own = seats.find(|seat| seat.area_id == session.area_id && seat.sits_on(day_of(now)));
            let seat = own.ok_or_else(|| Error::invalid("session", "您不是这个评议会的成员，不能登记到会。"))?;
            session::arrive(conn, &session.id, &seat.id, &user, now)
        })
        .await;
    match arrived {
        Ok(()) => Ok(page::go("/vote?done=arrived")),
        Err(error) => refused(&app, staff, error).await,
    }
}
