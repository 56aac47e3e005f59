//! Members: who sits in a council, for which term, and from whom they step back.
//!
//! A council belongs to an area and decides about the households in it. A member need not have an account: retired
//! neighbours vote by hand or on paper, and two people key what the paper says.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::nomination::Nomination;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::db::schema::{council_members, kin_declarations};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::request::{Request, Requests};

/// A seat in a council.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = council_members)]
pub struct CouncilMember {
    /// Its id.
    pub id: Id<CouncilMember>,
    /// The area whose council it is.
    pub area_id: Id<Area>,
    /// What people read.
    pub name: String,
    /// The account, for members who vote on a phone.
    pub user_id: Option<Id<User>>,
    /// Where the member lives, if it is in the programme.
    pub household_id: Option<Id<Household>>,
    /// The first day of the term.
    pub appointed_on: Day,
    /// The last day of the term.
    pub term_ends_on: Day,
    /// When the seat was given up earlier.
    pub ended_on: Option<Day>,
    appointed_by: Id<User>,
}

impl CouncilMember {
    /// Does the member sit on this day?
    #[must_use]
    pub fn sits_on(&self, day: Day) -> bool {
        self.appointed_on <= day && day <= self.term_ends_on && self.ended_on.is_none_or(|ended| day < ended)
    }
}

/// Asks to appoint a member.
#[derive(Clone, Debug)]
pub struct Appoint {
    /// The area whose council it is.
    pub area: Id<Area>,
    /// What people read.
    pub name: String,
    /// The account, for members who vote on a phone.
    pub user: Option<Id<User>>,
    /// Where the member lives.
    pub household: Option<Id<Household>>,
    /// The first day of the term.
    pub appointed_on: Day,
    /// The last day of the term.
    pub term_ends_on: Day,
    /// Who appoints.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// The longest term, in days: five years, as a residents' committee's.
const LONGEST_TERM_DAYS: i64 = 5 * 366;

/// Appoints a member; the same request again answers the first appointment.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn appoint(conn: &mut Conn, asked: &Appoint, now: Moment) -> Result<CouncilMember> {
    let content = (
        asked.area.as_str(),
        &asked.name,
        asked.user.as_ref().map(Id::as_str),
        asked.household.as_ref().map(Id::as_str),
        asked.appointed_on,
        asked.term_ends_on,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "council.appoint", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err(Error::invalid("name", "请填写成员姓名，1至40个字。"));
    }
    let days = asked.term_ends_on.signed_duration_since(asked.appointed_on).num_days();
    if !(1..=LONGEST_TERM_DAYS).contains(&days) {
        return Err(Error::invalid("term_ends_on", "任期应晚于开始日期，且不超过五年。"));
    }
    let sitting = of_area(conn, &asked.area)?;
    let same_person = |member: &&CouncilMember| {
        member.term_ends_on >= asked.appointed_on
            && member.ended_on.is_none()
            && match &asked.user {
                Some(user) => member.user_id.as_ref() == Some(user),
                None => member.name == name && member.household_id == asked.household,
            }
    };
    if sitting.iter().any(|member| same_person(&member)) {
        return Err(Error::invalid("name", "这位已经是评议会成员，任期还没有结束。"));
    }
    let member = CouncilMember {
        id: Id::new(now),
        area_id: asked.area.clone(),
        name: name.to_owned(),
        user_id: asked.user.clone(),
        household_id: asked.household.clone(),
        appointed_on: asked.appointed_on,
        term_ends_on: asked.term_ends_on,
        ended_on: None,
        appointed_by: asked.by.clone(),
    };
    diesel::insert_into(council_members::table)
        .values(&member)
        .execute(conn)?;
    requests.carried_out(&request, member.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &member, &asked.by, "council.appointed", now)?;
    Ok(member)
}

/// Ends a seat before its term.
///
/// # Errors
/// `NotFound`; `Invalid` when it has ended already.
pub fn end(conn: &mut Conn, id: &Id<CouncilMember>, on: Day, by: &Id<User>, now: Moment) -> Result<()> {
    let member = by_id(conn, id)?;
    if member.ended_on.is_some() {
        return Err(Error::invalid("member", "这位成员已经离任。"));
    }
    diesel::update(council_members::table.find(id))
        .set(council_members::ended_on.eq(Some(on)))
        .execute(conn)?;
    record(conn, &member, by, "council.ended", now)
}

/// Declares that a household is kin of a member; declared again, the relation is mended.
///
/// # Errors
/// `NotFound`; `Invalid` without a relation.
pub fn declare_kin(
    conn: &mut Conn,
    member: &Id<CouncilMember>,
    household: &Id<Household>,
    relation: &str,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let member = by_id(conn, member)?;
    let relation = relation.trim();
    if relation.is_empty() || relation.chars().count() > 20 {
        return Err(Error::invalid(
            "relation",
            "请写明是什么亲属关系，20个字以内，例如“堂弟”。",
        ));
    }
    let known = kin_declarations::table.find((&member.id, household));
    diesel::delete(known).execute(conn)?;
    diesel::insert_into(kin_declarations::table)
        .values((
            kin_declarations::member_id.eq(&member.id),
            kin_declarations::household_id.eq(household),
            kin_declarations::relation.eq(relation),
            kin_declarations::declared_at.eq(now),
            kin_declarations::declared_by.eq(by),
        ))
        .execute(conn)?;
    // Which household it is stays out of the record: kinship is personal.
    record(conn, &member, by, "council.kin_declared", now)
}

/// Withdraws a kinship that was declared by mistake. It stays on record that one was.
///
/// # Errors
/// `NotFound` without such a declaration.
pub fn withdraw_kin(
    conn: &mut Conn,
    member: &Id<CouncilMember>,
    household: &Id<Household>,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let member = by_id(conn, member)?;
    let known = kin_declarations::table.find((&member.id, household));
    if diesel::delete(known).execute(conn)? == 0 {
        return Err(Error::NotFound);
    }
    record(conn, &member, by, "council.kin_withdrawn", now)
}

/// A member by id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<CouncilMember>) -> Result<CouncilMember> {
    council_members::table
        .find(id)
        .select(CouncilMember::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Everybody who ever sat in the council of an area, by name.
///
/// # Errors
/// Only when the database fails.
pub fn of_area(conn: &mut Conn, area: &Id<Area>) -> Result<Vec<CouncilMember>> {
    Ok(council_members::table
        .filter(council_members::area_id.eq(area))
        .order((council_members::name, council_members::id))
        .select(CouncilMember::as_select())
        .load(conn)?)
}

/// The seats that an account ever had.
///
/// # Errors
/// Only when the database fails.
pub fn of_user(conn: &mut Conn, user: &Id<User>) -> Result<Vec<CouncilMember>> {
    Ok(council_members::table
        .filter(council_members::user_id.eq(user))
        .order(council_members::id)
        .select(CouncilMember::as_select())
        .load(conn)?)
}

/// Who sits in the council of an area on a day.
///
/// # Errors
/// Only when the database fails.
pub fn sitting(conn: &mut Conn, area: &Id<Area>, day: Day) -> Result<Vec<CouncilMember>> {
    let mut members = of_area(conn, area)?;
    members.retain(|member| member.sits_on(day));
    Ok(members)
}

/// All areas that have a council, with the members who ever sat in it.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<CouncilMember>> {
    Ok(council_members::table
        .order((council_members::area_id, council_members::name, council_members::id))
        .select(CouncilMember::as_select())
        .load(conn)?)
}

/// A kinship that a member declared.
#[derive(Clone, Debug, Queryable)]
pub struct Kinship {
    /// Who declared it.
    pub member: Id<CouncilMember>,
    /// The kin.
    pub household: Id<Household>,
    /// `堂弟`.
    pub relation: String,
}

/// The kin that these members declared.
///
/// # Errors
/// Only when the database fails.
pub fn kin(conn: &mut Conn, members: &[CouncilMember]) -> Result<Vec<Kinship>> {
    let ids: Vec<&Id<CouncilMember>> = members.iter().map(|member| &member.id).collect();
    Ok(kin_declarations::table
        .filter(kin_declarations::member_id.eq_any(ids))
        .select((
            kin_declarations::member_id,
            kin_declarations::household_id,
            kin_declarations::relation,
        ))
        .load(conn)?)
}

/// Who steps back, each with the reason as it is read out.
pub type Recused = Vec<(Id<CouncilMember>, String)>;

/// Who must step back from what: the council's own households, declared kin, neighbours in the building if the scheme says so.
#[derive(Debug, Default)]
pub struct Conflicts {
    own: HashMap<Id<Household>, Vec<Id<CouncilMember>>>,
    kin: HashMap<Id<Household>, Vec<(Id<CouncilMember>, String)>>,
    buildings: HashMap<Id<Area>, Vec<Id<CouncilMember>>>,
    accounts: HashMap<Id<User>, Id<CouncilMember>>,
}

impl Conflicts {
    /// Loads what concerns these members.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn load(conn: &mut Conn, members: &[CouncilMember], same_building: bool) -> Result<Conflicts> {
        let mut conflicts = Conflicts::default();
        let homes: Vec<Id<Household>> = members
            .iter()
            .filter_map(|member| member.household_id.clone())
            .collect();
        let homes = household::by_ids(conn, &homes)?;
        for member in members {
            if let Some(user) = &member.user_id {
                conflicts.accounts.insert(user.clone(), member.id.clone());
            }
            let Some(home) = &member.household_id else { continue };
            conflicts.own.entry(home.clone()).or_default().push(member.id.clone());
            if let Some(home) = homes.iter().find(|one| one.id == *home).filter(|_| same_building) {
                let neighbours = conflicts.buildings.entry(home.building_id.clone()).or_default();
                neighbours.push(member.id.clone());
            }
        }
        for kin in kin(conn, members)? {
            let declared = conflicts.kin.entry(kin.household).or_default();
            declared.push((kin.member, kin.relation));
        }
        Ok(conflicts)
    }

    /// Who steps back from a household's deed, each with the reason; by member. Also who nominated it, from an account or
    /// with the card of the own household.
    #[must_use]
    pub fn of(&self, household: &Household, nomination: &Nomination) -> Recused {
        let card = nomination.nominating_household_id.as_ref();
        self.near_to(household, nomination.nominated_by.as_ref(), card)
    }

    /// The same for what is not a deed: who steps back when this person nominated the household.
    #[must_use]
    pub fn of_household(&self, household: &Household, nominator: &Id<User>) -> Recused {
        self.near_to(household, Some(nominator), None)
    }

    fn near_to(&self, household: &Household, nominator: Option<&Id<User>>, card: Option<&Id<Household>>) -> Recused {
        let mut found = Recused::new();
        let own = self.own.get(&household.id).into_iter().flatten();
        found.extend(own.map(|member| (member.clone(), "本户".to_owned())));
        let kin = self.kin.get(&household.id).into_iter().flatten();
        found.extend(kin.map(|(member, relation)| (member.clone(), format!("亲属（{relation}）"))));
        let nominator = nominator.and_then(|user| self.accounts.get(user));
        found.extend(nominator.map(|member| (member.clone(), "本人申报".to_owned())));
        let nominators = card.and_then(|home| self.own.get(home)).into_iter().flatten();
        found.extend(nominators.map(|member| (member.clone(), "本户申报".to_owned())));
        let near = self.buildings.get(&household.building_id).into_iter().flatten();
        found.extend(near.map(|member| (member.clone(), "同楼栋".to_owned())));
        let mut seen = HashSet::new();
        found.retain(|(member, _)| seen.insert(member.clone()));
        found.sort();
        found
    }
}

/// The buildings inside an area.
#[must_use]
pub fn buildings_of(tree: &Tree, area: &Id<Area>) -> HashSet<Id<Area>> {
    let Some(area) = tree.get(area) else {
        return HashSet::new();
    };
    let inside = tree.all().iter().filter(|other| other.path.starts_with(&area.path));
    inside.map(|other| other.id.clone()).collect()
}

fn record(conn: &mut Conn, member: &CouncilMember, by: &Id<User>, act: &str, now: Moment) -> Result<()> {
    let subject = format!("council_member:{}", member.id);
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), act, subject, String::new(), now)],
    )
}
