//! The wish list: what households would like the store to have. One voice for each household in all, and no points.
//!
//! A voice that is given to another wish moves there; when a wish is fulfilled or declined its voices are free again. Who
//! gave a voice is kept so that it can be moved, and is shown nowhere.

use std::collections::HashMap;

use diesel::prelude::*;

use super::act::{Act, Done};
use super::refused::Refused;
use crate::access::user::User;
use crate::cards::card::{self, Wallet};
use crate::clock::Moment;
use crate::db::schema::{wish_voices, wishes};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::programme;

text_enum! {
    /// What became of a wish.
    pub enum WishState {
        /// Collects voices.
        Open = "open", "征集中";
        /// The store has it now.
        Fulfilled = "fulfilled", "已实现";
        /// The store will not have it.
        Declined = "declined", "暂不采纳";
    }
}

/// A wish.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = wishes)]
pub struct Wish {
    /// Its id.
    pub id: Id<Wish>,
    /// What is wished for.
    pub name: String,
    /// A few words.
    pub note: String,
    /// What became of it.
    pub state: WishState,
    /// How many households had asked for it when it was decided.
    pub voices_at_end: Option<i64>,
    /// What was answered.
    pub answer: String,
    /// Who wrote it down.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
    /// Who decided.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
}

fn done(id: &Id<Wish>, detail: String) -> Done {
    Done {
        answer: id.as_str().to_owned(),
        subject: format!("wish:{id}"),
        detail,
    }
}

/// Writes a wish down and answers its id.
///
/// # Errors
/// `Invalid` for no name, or one that is open already; `idempotency_conflict`.
pub fn make(conn: &mut Conn, name: &str, note: &str, act: &Act) -> Result<Id<Wish>> {
    let (name, note) = (name.trim(), note.trim());
    let answer = act.once(conn, &(name, note), |conn| {
        if !(1..=40).contains(&name.chars().count()) {
            return Err(Error::invalid("name", "请写明想要什么，1至40个字。"));
        }
        if note.chars().count() > 100 {
            return Err(Error::invalid("note", "说明最多100个字。"));
        }
        let same = wishes::table
            .filter(wishes::name.eq(name).and(wishes::state.eq(WishState::Open)))
            .count()
            .get_result::<i64>(conn)?;
        if same > 0 {
            return Err(Error::invalid("name", "这个心愿已经在单子上，请直接替住户投给它。"));
        }
        let wish = Wish {
            id: Id::new(act.at),
            name: name.to_owned(),
            note: note.to_owned(),
            state: WishState::Open,
            voices_at_end: None,
            answer: String::new(),
            recorded_by: act.by.clone(),
            recorded_at: act.at,
            decided_by: None,
            decided_at: None,
        };
        diesel::insert_into(wishes::table).values(&wish).execute(conn)?;
        Ok(done(&wish.id, String::new()))
    })?;
    Ok(Id::known(answer))
}

/// Gives the voice of the household with this card to a wish; the voice moves if it was with another one.
///
/// # Errors
/// What the card refuses; [`Refused::NotWaiting`] for a wish that was decided; `NotFound`; `idempotency_conflict`.
pub fn voice(conn: &mut Conn, id: &Id<Wish>, card: &str, act: &Act) -> Result<()> {
    let token = card::token(card)?;
    act.once(conn, &(id, token.number().as_str()), |conn| {
        expect_open(conn, id)?;
        let programme = programme::get(conn)?;
        let wallet = Wallet::open(conn, &programme, [&token])?;
        let (card, _) = wallet.recognise(&token)?;
        let household: Id<Household> = card.household_id.clone();
        put_voice(conn, id, &household, Some(&act.by), act.at)?;
        Ok(done(id, String::new()))
    })?;
    Ok(())
}

/// A household gives its voice by itself; it moves if it was with another wish. Given twice, it is the same. No line is
/// written in the record: it would say who wishes for what.
///
/// # Errors
/// [`Refused::NotWaiting`] for a wish that was decided; `NotFound`.
pub fn voice_itself(conn: &mut Conn, id: &Id<Wish>, household: &Id<Household>, now: Moment) -> Result<()> {
    expect_open(conn, id)?;
    put_voice(conn, id, household, None, now)
}

/// The wish that has this household's voice.
///
/// # Errors
/// Only when the database fails.
pub fn voice_of(conn: &mut Conn, household: &Id<Household>) -> Result<Option<Id<Wish>>> {
    Ok(wish_voices::table
        .find(household)
        .select(wish_voices::wish_id)
        .first(conn)
        .optional()?)
}

fn put_voice(
    conn: &mut Conn,
    id: &Id<Wish>,
    household: &Id<Household>,
    by: Option<&Id<User>>,
    now: Moment,
) -> Result<()> {
    diesel::delete(wish_voices::table.find(household)).execute(conn)?;
    diesel::insert_into(wish_voices::table)
        .values((
            wish_voices::household_id.eq(household),
            wish_voices::wish_id.eq(id),
            wish_voices::recorded_by.eq(by),
            wish_voices::recorded_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says what became of a wish. Its voices are free again.
///
/// # Errors
/// [`Refused::NotWaiting`]; `Invalid` for declining without a word; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, id: &Id<Wish>, fulfilled: bool, answer: &str, act: &Act) -> Result<()> {
    let answer = answer.trim();
    act.once(conn, &(id, fulfilled, answer), |conn| {
        expect_open(conn, id)?;
        if answer.chars().count() > 100 || (!fulfilled && answer.is_empty()) {
            return Err(Error::invalid("answer", "不采纳的请写明为什么，最多100个字。"));
        }
        let state = match fulfilled {
            true => WishState::Fulfilled,
            false => WishState::Declined,
        };
        let freed = diesel::delete(wish_voices::table.filter(wish_voices::wish_id.eq(id))).execute(conn)?;
        diesel::update(wishes::table.filter(wishes::id.eq(id)))
            .set((
                wishes::state.eq(state),
                wishes::answer.eq(answer),
                wishes::voices_at_end.eq(i64::try_from(freed).ok()),
                wishes::decided_by.eq(Some(&act.by)),
                wishes::decided_at.eq(Some(act.at)),
            ))
            .execute(conn)?;
        Ok(done(id, state.label().to_owned()))
    })?;
    Ok(())
}

fn expect_open(conn: &mut Conn, id: &Id<Wish>) -> Result<()> {
    let state: Option<WishState> = wishes::table
        .filter(wishes::id.eq(id))
        .select(wishes::state)
        .first(conn)
        .optional()?;
    match state.ok_or(Error::NotFound)? {
        WishState::Open => Ok(()),
        WishState::Fulfilled | WishState::Declined => Err(Refused::NotWaiting.into()),
    }
}

/// Open wishes, the one with the most voices first; then those that were decided, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn) -> Result<Vec<(Wish, i64)>> {
    let voices: HashMap<Id<Wish>, i64> = wish_voices::table
        .group_by(wish_voices::wish_id)
        .select((wish_voices::wish_id, diesel::dsl::count_star()))
        .load::<(Id<Wish>, i64)>(conn)?
        .into_iter()
        .collect();
    let all = wishes::table
        .order(wishes::id.desc())
        .limit(500)
        .select(Wish::as_select())
        .load(conn)?;
    let mut list: Vec<(Wish, i64)> = all
        .into_iter()
        .map(|wish| {
            let now = voices.get(&wish.id).copied().unwrap_or(0);
            let voices = wish.voices_at_end.unwrap_or(now);
            (wish, voices)
        })
        .collect();
    list.sort_by_key(|(wish, voices)| match wish.state {
        WishState::Open => (0, voices.saturating_neg()),
        WishState::Fulfilled | WishState::Declined => (1, 0),
    });
    Ok(list)
}
