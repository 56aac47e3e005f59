//! Overrides: a find of the validator that two people let stand, with a reason that is printed with the rules.
//!
//! The validator reads words and can be wrong; people decide, in the open. One proposes, another who wrote nothing of the
//! draft confirms. An override is for the very words it was made for: whoever changes them asks again. Defects cannot be
//! overridden. Nothing here is ever changed.

use std::collections::HashMap;

use diesel::prelude::*;

use super::draft::{self, Refused, SchemeDraft, State};
use super::validator::Finding;
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::{scheme_override_confirmations, scheme_overrides};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::request::Request;

/// Somebody asks to let a find stand.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = scheme_overrides)]
pub struct Override {
    /// Its id.
    pub id: Id<Override>,
    /// Of which draft.
    pub draft_id: Id<SchemeDraft>,
    /// The find: `Finding::mark`.
    pub mark: String,
    /// Where it is, in words.
    pub place: String,
    /// What was found, in words.
    pub finding: String,
    /// Why it may stand.
    pub reason: String,
    /// Who asks.
    pub proposed_by: Id<User>,
    /// When.
    pub proposed_at: Moment,
}

/// An override, and who let it stand.
#[derive(Clone, Debug)]
pub struct Known {
    /// The proposal.
    pub proposal: Override,
    /// Who confirmed it, and when.
    pub confirmed: Option<(Id<User>, Moment)>,
}

/// The overrides of a draft.
///
/// # Errors
/// Only when the database fails.
pub fn of_draft(conn: &mut Conn, id: &Id<SchemeDraft>) -> Result<Vec<Known>> {
    let confirmations: HashMap<Id<Override>, (Id<User>, Moment)> = scheme_override_confirmations::table
        .inner_join(scheme_overrides::table)
        .filter(scheme_overrides::draft_id.eq(id))
        .select((
            scheme_override_confirmations::override_id,
            scheme_override_confirmations::confirmed_by,
            scheme_override_confirmations::confirmed_at,
        ))
        .load::<(Id<Override>, Id<User>, Moment)>(conn)?
        .into_iter()
        .map(|(id, by, at)| (id, (by, at)))
        .collect();
    let proposals = scheme_overrides::table
        .filter(scheme_overrides::draft_id.eq(id))
        .order(scheme_overrides::id)
        .select(Override::as_select())
        .load(conn)?;
    Ok(proposals
        .into_iter()
        .map(|proposal| Known {
            confirmed: confirmations.get(&proposal.id).cloned(),
            proposal,
        })
        .collect())
}

/// The findings that no two people have let stand.
///
/// # Errors
/// Only when the database fails.
pub fn still_open<'a>(conn: &mut Conn, draft: &SchemeDraft, findings: &'a [Finding]) -> Result<Vec<&'a Finding>> {
    let known = of_draft(conn, &draft.id)?;
    let stands = |finding: &Finding| {
        finding.can_be_overridden()
            && known
                .iter()
                .any(|known| known.confirmed.is_some() && known.proposal.mark == finding.mark())
    };
    Ok(findings.iter().filter(|finding| !stands(finding)).collect())
}

/// Asks to let a find stand.
///
/// # Errors
/// [`Refused`]; `Invalid` without a reason.
pub fn propose(
    conn: &mut Conn,
    id: &Id<SchemeDraft>,
    mark: &str,
    reason: &str,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let draft = draft::by_id(conn, id)?;
    if !matches!(draft.state, State::Draft | State::UnderReview) {
        return Err(Refused::NotNow(draft.state).into());
    }
    let reason = reason.trim();
    if reason.chars().count() < 5 {
        return Err(Error::invalid(
            "reason",
            "没有提出：理由太短。请写明为什么这一条不是在评禁止的事，会和办法一起公布。",
        ));
    }
    let findings = draft.findings();
    let found = findings
        .iter()
        .find(|finding| finding.can_be_overridden() && finding.mark() == mark);
    let Some(finding) = found else {
        return Err(Refused::NothingToOverride.into());
    };
    let earlier = of_draft(conn, id)?;
    if earlier.iter().any(|known| known.proposal.mark == mark) {
        return Ok(());
    }
    let proposal = Override {
        id: Id::new(now),
        draft_id: id.clone(),
        mark: mark.to_owned(),
        place: finding.place.to_string(),
        finding: finding.reason.clone(),
        reason: reason.to_owned(),
        proposed_by: by.clone(),
        proposed_at: now,
    };
    diesel::insert_into(scheme_overrides::table)
        .values(&proposal)
        .execute(conn)?;
    record(conn, by, "scheme.override_proposed", &proposal, now)
}

/// Lets a find stand.
///
/// # Errors
/// [`Refused::OwnWork`] for whoever proposed it or wrote the draft; `NotFound`.
pub fn confirm(
    conn: &mut Conn,
    draft: &Id<SchemeDraft>,
    id: &Id<Override>,
    by: &Id<User>,
    key: &str,
    now: Moment,
) -> Result<()> {
    let request = Request::new(key, by.as_str(), "scheme.override_confirm", &id.as_str())?;
    draft::once(conn, &request, now, |conn| {
        let draft = draft::by_id(conn, draft)?;
        let known = of_draft(conn, &draft.id)?;
        let known = known
            .into_iter()
            .find(|known| known.proposal.id == *id)
            .ok_or(Error::NotFound)?;
        if known.proposal.proposed_by == *by || draft.is_work_of(by) {
            return Err(Refused::OwnWork.into());
        }
        if !matches!(draft.state, State::Draft | State::UnderReview) {
            return Err(Refused::NotNow(draft.state).into());
        }
        if known.confirmed.is_none() {
            diesel::insert_into(scheme_override_confirmations::table)
                .values((
                    scheme_override_confirmations::override_id.eq(id),
                    scheme_override_confirmations::confirmed_by.eq(by),
                    scheme_override_confirmations::confirmed_at.eq(now),
                ))
                .execute(conn)?;
            record(conn, by, "scheme.override_confirmed", &known.proposal, now)?;
        }
        Ok(id.to_string())
    })
    .map(|_| ())
}

fn record(conn: &mut Conn, by: &Id<User>, act: &str, proposal: &Override, now: Moment) -> Result<()> {
    let subject = format!("scheme_draft:{}", proposal.draft_id);
    let detail = format!("{}：{}", proposal.place, proposal.reason);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}
