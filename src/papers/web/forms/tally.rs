//! 计票单: the counts of a secret ballot, motion by motion. Two people key it, each on the own account; what the other one
//! keyed is told only after one's own is in, and only if the two differ.
//!
//! Spoilt votes are no part of a result: they are asked for so that the row adds up, and are not kept.

use super::{Ask, Kind, Note, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::Staff;
use crate::clock::Moment;
use crate::council::motion::{self, Counts};
use crate::council::refused::Refused;
use crate::council::session::{self, BallotForm, Session, State};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::papers::form::Form;
use crate::papers::order::{Asked, Order};
use crate::papers::session::{self as paper, TallyRow};
use crate::request::{Request, Requests};

const ASKS: &[Ask] = &[
    Ask::new("for", "赞成", Kind::Number),
    Ask::new("against", "反对", Kind::Number),
    Ask::new("abstain", "弃权", Kind::Number),
    Ask::new("spoilt", "废票", Kind::Number),
];

/// The session of a form, for whoever keeps it, with the rows of its paper.
fn kept(conn: &mut Conn, staff: &Staff, of: i64, now: Moment) -> Result<(Session, Vec<TallyRow>)> {
    expect(staff, Permission::KeepSession)?;
    let session = session::by_number(conn, of)?;
    staff.expect_within(conn, Permission::KeepSession, &session.area_id)?;
    let order = Order {
        asked: Asked {
            id: Some(of.to_string()),
            ..Asked::default()
        },
        duties: Some(staff.duties.clone()),
        now,
    };
    Ok((session, paper::tally_rows(conn, &order)?))
}

/// Why nothing of a session's tally is keyed.
fn closed(session: &Session) -> Option<&'static str> {
    match (session.ballot, session.state) {
        (BallotForm::Open, _) => Some("这次会议举手表决，谁怎么投请在会议页面上记；用计票单的，也在那里一项一项录入。"),
        (BallotForm::Secret, State::Convened) => Some("会议还没有开始，点名、开会以后再录入计票单。"),
        (BallotForm::Secret, State::Open) => None,
        (BallotForm::Secret, State::Closed) => Some("会议已经散会，结果已定，计票单不能再录入。"),
        (BallotForm::Secret, State::Cancelled) => Some("这次会议已经取消，计票单不用录入。"),
    }
}

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64, now: Moment) -> Result<Table> {
    let (session, motions) = kept(conn, staff, of, now)?;
    let closed = closed(&session);
    let mut rows = Vec::with_capacity(motions.len());
    for motion in motions.into_iter().filter(|_| closed.is_none()) {
        rows.push(row(conn, staff, &session, motion)?);
    }
    Ok(Table {
        rows,
        form: Form::Tally,
        number: Form::Tally.number(of),
        title: "计票单",
        about: format!("第{of}次评议会，{}。", session.ballot.label()),
        back: format!("/sessions/{of}"),
        what: "表决什么",
        above: Vec::new(),
        asks: ASKS,
        choices: Vec::new(),
        warning: closed.is_none().then(|| {
            "两个人各用自己的账号照纸录一次，两次相同才算数。没有的写0；整行空着的不录。废票不计入结果。".to_owned()
        }),
        closed: closed.map(str::to_owned),
        photo: None,
        household: None,
    })
}

fn row(conn: &mut Conn, staff: &Staff, session: &Session, put: TallyRow) -> Result<Row> {
    let keyed = motion::keyed(conn, &put.motion.id)?;
    let ids: Vec<_> = keyed.iter().map(|(by, _)| by.clone()).collect();
    let names = user::display_names(conn, &ids)?;
    let name = |by: &Id<User>| names.get(by).cloned().unwrap_or_default();
    let is_in = keyed.iter().any(|(by, _)| *by == staff.user.id);
    let differs = keyed.len() > 1;
    let mut notes = Vec::new();
    let closed = match (put.is_waiting(), is_in) {
        (false, _) => Some(format!("已有结果：{}", put.motion.state.label())),
        (true, true) if !differs => Some("您已录入，等另一位".to_owned()),
        (true, true) => {
            let told = keyed
                .iter()
                .map(|(by, counts)| format!("{}{}", name(by), in_words(counts)));
            let told = told.collect::<Vec<_>>().join("；");
            let text = format!("录的票数不一样：{told}。请对照计票单，录错的人改正。");
            notes.push(Note::new("notice bad", text));
            None
        }
        (true, false) => {
            let others: Vec<String> = keyed.iter().map(|(by, _)| name(by)).collect();
            if !others.is_empty() {
                notes.push(Note::new(
                    "notice",
                    format!("{}已录入，等您再录一次。", others.join("、")),
                ));
            }
            None
        }
    };
    Ok(Row {
        row: put.motion.position,
        code: put.motion.position.to_string(),
        name: put.title,
        label: format!("{}-{}", session.number, put.motion.position),
        values: vec![String::new(); ASKS.len()],
        closed,
        notes,
        ..Row::default()
    })
}

fn in_words(counts: &Counts) -> String {
    format!(
        "赞成{}、反对{}、弃权{}",
        counts.votes_for, counts.votes_against, counts.abstentions
    )
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let (session, motions) = kept(conn, staff, of, now)?;
    let (mut filled, mut wrong) = (Vec::new(), Wrong::default());
    for put in &motions {
        let read = counts(sent, put);
        if let Some(Some(counts)) = wrong.of(put.motion.position, read)? {
            filled.push((put, counts));
        }
    }
    let said = |counts: &Counts| (counts.votes_for, counts.votes_against, counts.abstentions);
    let content: Vec<_> = filled
        .iter()
        .map(|(put, counts)| (put.motion.id.as_str(), said(counts)))
        .collect();
    let request = Request::new(sent.key(), staff.user.id.as_str(), "motion.tally", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    let next = format!("/forms/{}?done={}", Form::Tally.number(of), filled.len());
    if requests.earlier(&request)?.is_some() {
        return Ok(next);
    }
    if let Some(why) = closed(&session) {
        return Err(Error::invalid("rows", why));
    }
    for (put, counts) in &filled {
        let keyed = match is_keyed(conn, staff, put)? {
            true => Err(Error::invalid("rows", "您已录入，等另一位照同一张纸录入。")),
            false => motion::key_tally(conn, &put.motion.id, *counts, &staff.user.id, now),
        };
        wrong.of(put.motion.position, keyed)?;
    }
    wrong.end()?;
    if filled.is_empty() {
        return Err(Error::invalid("rows", "还没有填票数，请至少填一行。"));
    }
    requests.carried_out(&request, &next, now);
    requests.save(conn)?;
    Ok(next)
}

/// Has this person keyed a motion, and nobody anything else?
fn is_keyed(conn: &mut Conn, staff: &Staff, put: &TallyRow) -> Result<bool> {
    let keyed = motion::keyed(conn, &put.motion.id)?;
    Ok(matches!(keyed.as_slice(), [(by, _)] if *by == staff.user.id))
}

/// The counts of a row; `None` when nothing of it is filled in.
fn counts(sent: &Sent, put: &TallyRow) -> Result<Option<Counts>> {
    let texts: Vec<&str> = ASKS
        .iter()
        .map(|ask| sent.one(&ask.field(put.motion.position)))
        .collect();
    if texts.iter().all(|text| text.is_empty()) {
        return Ok(None);
    }
    if texts.iter().any(|text| text.is_empty()) {
        return Err(Error::invalid("rows", "还有空格，没有的写0。"));
    }
    let numbers: Result<Vec<i64>, _> = texts.iter().map(|text| text.parse::<i64>()).collect();
    match numbers.as_deref() {
        Ok([votes_for, votes_against, abstentions, spoilt]) if *spoilt >= 0 => {
            let counts = Counts {
                votes_for: *votes_for,
                votes_against: *votes_against,
                abstentions: *abstentions,
            };
            let all = [*votes_for, *votes_against, *abstentions, *spoilt];
            let keyed = all.into_iter().fold(0, i64::saturating_add);
            match put.is_waiting() && keyed > put.silent {
                true => Err(Refused::TooManyVotes {
                    keyed,
                    voters: put.silent,
                }
                .into()),
                false => Ok(Some(counts)),
            }
        }
        _ => Err(Error::invalid("rows", "票数应为0或正整数。")),
    }
}
