//! What whoever keeps a session does with a motion: records hands, keys paper, takes a row out of its batch, ends the voting.
//!
//! A paper tally is keyed by two people. The second may key on the own account, or give name and password in the form of
//! the first one's laptop: there is often only one in the hall. Such a sign-in is rated like any other and opens no session.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::hall::concerns;
use super::session::{Act, Draft, Fields, act, field, kept, of, once, refused};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Sender, Staff};
use crate::council::member::CouncilMember;
use crate::council::motion::{self, Choice, Counts};
use crate::council::session::{self, Session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page;
use crate::places::area::Tree;
use crate::sent::{Path, SignedForm};

/// The beginning of the fields that hold a member's hand.
const HAND: &str = "hand.";

/// `POST /sessions/{number}/hands`: the hands that were raised; with `all`, everybody's who has not voted.
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn hands(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let what = ("hands", Draft::default());
    act(&app, staff, number, what, move |conn, session, by, now| {
        let all = Choice::from_word(&field(&fields, "all"));
        let named: Vec<(Id<CouncilMember>, Choice)> = fields
            .iter()
            .filter_map(|(name, word)| Some((Id::known(name.strip_prefix(HAND)?), Choice::from_word(word)?)))
            .collect();
        let asked = Act {
            key: &field(&fields, "key"),
            name: "motion.hands",
            content: (field(&fields, "motion"), all, &named),
        };
        once(conn, &asked, by, now, |conn| {
            let motion = of(conn, session, &asked.content.0)?;
            let hands = match all {
                Some(choice) => everybody(conn, session, &motion.id, choice)?,
                None => named.clone(),
            };
            if hands.is_empty() && all.is_none() {
                return Err(Error::invalid(
                    "hands",
                    "还没有选谁怎么投，请逐人选好，或按“全部赞成”。",
                ));
            }
            motion::record_hands(conn, &motion.id, &hands, by, now).map(drop)
        })
    })
    .await
}

/// Everybody who may vote on a motion and has not.
fn everybody(
    conn: &mut Conn,
    session: &Session,
    motion: &Id<motion::Motion>,
    choice: Choice,
) -> Result<Vec<(Id<CouncilMember>, Choice)>> {
    let recused = motion::recusals(conn, motion)?;
    let votes = motion::votes(conn, motion)?;
    let voted = |member: &Id<CouncilMember>| votes.iter().any(|(one, _)| one == member);
    let mut present = session::present(conn, &session.id)?;
    present.retain(|member| !recused.contains_key(member) && !voted(member));
    Ok(present.into_iter().map(|member| (member, choice)).collect())
}

/// Which motion, and which of its rows.
#[derive(Deserialize)]
pub struct Separation {
    #[serde(default)]
    key: String,
    #[serde(default)]
    motion: String,
    #[serde(default)]
    nomination: String,
}

/// `POST /sessions/{number}/separations`: takes a row out of its batch.
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn separate(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<Separation>,
) -> Result<Response> {
    let what = ("separated", Draft::default());
    act(&app, staff, number, what, move |conn, session, by, now| {
        let asked = Act {
            key: &sent.key,
            name: "motion.separate",
            content: (&sent.motion, &sent.nomination),
        };
        once(conn, &asked, by, now, |conn| {
            let motion = of(conn, session, &sent.motion)?;
            motion::pull_out(conn, &motion.id, &Id::known(sent.nomination.as_str()), by, now).map(drop)
        })
    })
    .await
}

/// Who steps back from which motion, and why.
#[derive(Deserialize)]
pub struct SteppingBack {
    #[serde(default)]
    motion: String,
    #[serde(default)]
    member: String,
    #[serde(default)]
    reason: String,
}

/// `POST /sessions/{number}/recusals`: a member says that a household is near.
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn step_back(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<SteppingBack>,
) -> Result<Response> {
    let what = ("stepped-back", Draft::default());
    act(&app, staff, number, what, move |conn, session, by, now| {
        if sent.member.is_empty() {
            return Err(Error::invalid("member", "请选择谁回避。"));
        }
        let motion = of(conn, session, &sent.motion)?;
        motion::step_back(conn, &motion.id, &Id::known(sent.member), &sent.reason, by, now).map(drop)
    })
    .await
}

/// Which motion.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    key: String,
    #[serde(default)]
    motion: String,
}

/// `POST /sessions/{number}/end-of-voting`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn end_voting(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<Which>,
) -> Result<Response> {
    let what = ("ended", Draft::default());
    act(&app, staff, number, what, move |conn, session, by, now| {
        let asked = Act {
            key: &sent.key,
            name: "motion.end",
            content: &sent.motion,
        };
        once(conn, &asked, by, now, |conn| {
            let motion = of(conn, session, &sent.motion)?;
            motion::end_voting(conn, &motion.id, by, now).map(drop)
        })
    })
    .await
}

/// A paper tally, and who keys it if it is not the person who is signed in.
#[derive(Clone, Deserialize)]
pub struct NewTally {
    #[serde(default)]
    key: String,
    #[serde(default)]
    motion: String,
    #[serde(default)]
    votes_for: String,
    #[serde(default)]
    votes_against: String,
    #[serde(default)]
    abstentions: String,
    /// Only in the form for the second person.
    second: Option<String>,
    password: Option<String>,
}

/// `POST /sessions/{number}/tallies`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn tally(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    sender: Sender,
    SignedForm(sent): SignedForm<NewTally>,
) -> Result<Response> {
    let draft = Draft {
        counts: [
            sent.votes_for.clone(),
            sent.votes_against.clone(),
            sent.abstentions.clone(),
        ],
        second: sent.second.clone().unwrap_or_default(),
        ..Draft::default()
    };
    match try_tally(&app, &staff, number, sender, sent).await {
        Ok(()) => Ok(page::go(&format!("/sessions/{number}?done=tally"))),
        Err(error) => refused(&app, staff, number, error, draft).await,
    }
}

async fn try_tally(app: &App, staff: &Staff, number: i64, sender: Sender, sent: NewTally) -> Result<()> {
    let counts = Counts {
        votes_for: votes("votes_for", &sent.votes_for)?,
        votes_against: votes("votes_against", &sent.votes_against)?,
        abstentions: votes("abstentions", &sent.abstentions)?,
    };
    let who = staff.clone();
    // Whoever may not be here learns nothing about passwords.
    app.db.read(move |conn| kept(conn, &who, number)).await?;
    let second = match &sent.second {
        None => None,
        Some(name) => Some(
            app.person_of(name, sent.password.clone().unwrap_or_default(), sender)
                .await?,
        ),
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let session = kept(conn, &staff, number)?;
            let by = match second {
                None => staff.user,
                Some(second) => {
                    expect_second(conn, &session, &staff.user, &second)?;
                    second
                }
            };
            let asked = Act {
                key: &sent.key,
                name: "motion.tally",
                content: (&sent.motion, counts.votes_for, counts.votes_against, counts.abstentions),
            };
            once(conn, &asked, &by.id, now, |conn| {
                let motion = of(conn, &session, &sent.motion)?;
                motion::key_tally(conn, &motion.id, counts, &by.id, now).map(drop)
            })
        })
        .await
}

fn votes(name: &'static str, text: &str) -> Result<i64> {
    let text = text.trim();
    let number = if text.is_empty() { "0" } else { text };
    let wrong = |_| Error::invalid(name, "票数应为0或正整数。");
    number.parse().map_err(wrong)
}

/// The second one is somebody else, with a duty for this council: to keep its sessions, or to verify here.
fn expect_second(conn: &mut Conn, session: &Session, first: &User, second: &User) -> Result<()> {
    if first.id == second.id {
        return Err(Error::Forbidden(
            "要由两个人各录一次，请换另一位用自己的用户名和口令录入。",
        ));
    }
    let duties = user::duties(conn, &second.id)?;
    let tree = Tree::load(conn)?;
    let may = duties.permit(Permission::KeepSession) || duties.permit(Permission::Verify);
    match may && concerns(&duties, &tree, &session.area_id) {
        true => Ok(()),
        false => Err(Error::Forbidden("这位的职责不包含给这个评议会计票，请换一位。")),
    }
}
