//! The ballot of a session: household by household, its counts keyed by two people; and the notice of what was carried.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State as FromApp;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::{Permission, Reach};
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::council::member::{self, CouncilMember, buildings_of};
use crate::council::motion::Counts;
use crate::council::session::{self, Session, State as Stand};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::ballot::{self, Ballot, Candidate};
use crate::honours::{award, notice, title};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household;
use crate::request::Request;
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/ballot.html")]
struct BallotPage {
    shell: Shell,
    problems: Problems,
    session: Session,
    groups: Vec<Group>,
    counted: Vec<Counted>,
    to_publish: usize,
    may_keep: bool,
    me: Id<User>,
    key: Id<Request>,
    /// Members by their ids, as they are read out.
    members: HashMap<Id<CouncilMember>, String>,
    people: HashMap<Id<User>, String>,
}

/// The candidates of one quota.
struct Group {
    title: String,
    scope: String,
    period: String,
    places: i64,
    candidates: Vec<Candidate>,
}

/// A ballot that is over.
struct Counted {
    household: String,
    title: String,
    counts: String,
    round: i64,
    outcome: &'static str,
    href: String,
}

impl BallotPage {
    fn is_open(&self) -> bool {
        self.session.state == Stand::Open
    }

    fn is_closed(&self) -> bool {
        self.session.state == Stand::Closed
    }

    fn member(&self, id: &Id<CouncilMember>) -> &str {
        self.members.get(id).map(String::as_str).unwrap_or_default()
    }

    fn person(&self, id: &Id<User>) -> &str {
        self.people.get(id).map(String::as_str).unwrap_or_default()
    }

    /// Did somebody else key this one, so that this visitor confirms it?
    fn confirms(&self, ballot: &Option<Ballot>) -> bool {
        ballot.as_ref().is_some_and(|ballot| ballot.counted_by != self.me)
    }
}

/// `GET /sessions/{number}/titles`
///
/// # Errors
/// `NotFound`, also for a session that does not concern the visitor.
pub async fn ballot(FromApp(app): FromApp<App>, staff: Staff, Path(number): Path<i64>) -> Result<Response> {
    page::show(&ballot_page(&app, staff, number, Problems::default()).await?)
}

async fn ballot_page(app: &App, staff: Staff, number: i64, problems: Problems) -> Result<BallotPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let session = session::by_number(conn, number)?;
            let tree = Tree::load(conn)?;
            let reach = staff.duties.reach(Permission::ReadCouncil, &tree);
            let inside = buildings_of(&tree, &session.area_id);
            if !reach.covers(&session.area_id) && !inside.iter().any(|building| reach.covers(building)) {
                return Err(Error::NotFound);
            }
            let mut groups: Vec<Group> = Vec::new();
            for one in ballot::candidates(conn, &session, now)? {
                if !reach.covers(&one.household.building_id) {
                    continue;
                }
                let same = |group: &&mut Group| {
                    group.candidates.first().is_some_and(|first| {
                        first.title.id == one.title.id
                            && first.award.scope_id == one.award.scope_id
                            && first.award.period_from == one.award.period_from
                    })
                };
                match groups.iter_mut().find(same) {
                    Some(group) => group.candidates.push(one),
                    None => groups.push(Group {
                        title: one.title.name.clone(),
                        scope: tree
                            .get(&one.award.scope_id)
                            .map(|area| area.name.clone())
                            .unwrap_or_default(),
                        period: one.title.period.in_words(one.award.period_from),
                        places: one.places,
                        candidates: vec![one],
                    }),
                }
            }
            let members = member::of_area(conn, &session.area_id)?.into_iter();
            let ballots = ballot::of_session(conn, &session.id)?;
            let counters: Vec<Id<User>> = ballots.iter().map(|ballot| ballot.counted_by.clone()).collect();
            Ok(BallotPage {
                problems,
                counted: counted(conn, ballots, &reach)?,
                to_publish: notice::to_publish(conn, &session.id)?.len(),
                may_keep: staff
                    .duties
                    .reach(Permission::KeepSession, &tree)
                    .covers(&session.area_id),
                people: user::display_names(conn, &counters)?,
                members: members.map(|member| (member.id, member.name)).collect(),
                groups,
                session,
                me: staff.user.id,
                key: Id::new(now),
                shell: staff.shell,
            })
        })
        .await
}

fn counted(conn: &mut Conn, ballots: Vec<Ballot>, reach: &Reach) -> Result<Vec<Counted>> {
    let titles = title::every(conn)?;
    let mut counted = Vec::new();
    for ballot in ballots.into_iter().filter(|ballot| ballot.confirmed_at.is_some()) {
        let award = award::by_id(conn, &ballot.award_id)?;
        let home = household::by_id(conn, &award.household_id)?;
        if !reach.covers(&home.building_id) {
            continue;
        }
        counted.push(Counted {
            household: format!("{}户", home.head_name),
            title: titles
                .get(&award.title_id)
                .map(|title| title.name.clone())
                .unwrap_or_default(),
            counts: ballot::in_words(&ballot),
            round: ballot.round,
            outcome: match award.round > ballot.round {
                true => "同票，再投一次",
                false => award.state.label(),
            },
            href: format!("/title-awards/{}", award.id),
        });
    }
    Ok(counted)
}

/// The counts of one household, as the form sends them.
#[derive(Clone, Deserialize)]
pub struct Sent {
    #[serde(default)]
    award: String,
    #[serde(default)]
    votes_for: String,
    #[serde(default)]
    votes_against: String,
    #[serde(default)]
    abstentions: String,
}

/// A session that this person keeps.
fn kept(conn: &mut Conn, staff: &Staff, number: i64) -> Result<Session> {
    let session = session::by_number(conn, number)?;
    staff.expect_within(conn, Permission::KeepSession, &session.area_id)?;
    Ok(session)
}

/// `POST /sessions/{number}/titles`: counts of one household. Keying the same again changes nothing.
///
/// # Errors
/// `NotFound`, also for another council's session: what is wrong is shown on the page.
pub async fn key_counts(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<Sent>,
) -> Result<Response> {
    let (now, who) = (app.now(), staff.clone());
    let keyed = app
        .db
        .write(move |conn| {
            let session = kept(conn, &who, number)?;
            let votes = |text: &str| {
                let typed = text.trim().parse::<i64>();
                typed.map_err(|_| Error::invalid("votes_for", "票数请填整数，没有的填0。"))
            };
            let counts = Counts {
                votes_for: votes(&sent.votes_for)?,
                votes_against: votes(&sent.votes_against)?,
                abstentions: votes(&sent.abstentions)?,
            };
            ballot::key_counts(conn, &session.id, &Id::known(sent.award), counts, &who.user.id, now)
        })
        .await;
    match keyed {
        Ok(_) => Ok(page::go(&format!("/sessions/{number}/titles"))),
        Err(error) => refused(&app, staff, number, error).await,
    }
}

/// The form that publishes.
#[derive(Clone, Deserialize)]
pub struct Published {
    #[serde(default)]
    key: String,
}

/// `POST /sessions/{number}/title-notice`
///
/// # Errors
/// `NotFound`, also for another council's session: what is wrong is shown on the page.
pub async fn publish(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<Published>,
) -> Result<Response> {
    let (now, who) = (app.now(), staff.clone());
    let published = app
        .db
        .write(move |conn| {
            let session = kept(conn, &who, number)?;
            notice::publish(conn, &session.id, &who.user.id, &sent.key, now)
        })
        .await;
    match published {
        Ok(notice) => Ok(page::go(&format!("/title-notices/{}", notice.number))),
        Err(error) => refused(&app, staff, number, error).await,
    }
}

async fn refused(app: &App, staff: Staff, number: i64, error: Error) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    page::show_with(status, &ballot_page(app, staff, number, problems).await?)
}
