//! Proxies: who may fetch goods for a household. Some stand on its list until they are called back or a day comes; others
//! come once, with a slip from the household, and are named in the redemption.

use diesel::prelude::*;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::Conn;
use crate::db::schema::{pickup_proxies, proxy_pickups};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::standing;
use crate::shop::redemption::Redemption;

/// Somebody on a household's list.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = pickup_proxies)]
pub struct Proxy {
    /// The id.
    pub id: Id<Proxy>,
    /// For whom.
    pub household_id: Id<Household>,
    /// Who.
    pub name: String,
    /// 儿媳、邻居 …
    pub relation: String,
    /// The last day; `None` until called back.
    pub until_on: Option<Day>,
    registered_by: Id<User>,
    registered_at: Moment,
    ended_by: Option<Id<User>>,
    /// Since when it is called back.
    pub ended_at: Option<Moment>,
}

impl Proxy {
    /// May this person fetch on this day?
    #[must_use]
    pub fn holds_on(&self, day: Day) -> bool {
        self.ended_at.is_none() && self.until_on.is_none_or(|last| last >= day)
    }
}

/// Asks to put somebody on the list.
#[derive(Clone, Debug, Default)]
pub struct NewProxy {
    /// Who.
    pub name: String,
    /// 儿媳、邻居 …
    pub relation: String,
    /// The last day; `None` until called back.
    pub until_on: Option<Day>,
}

/// The most people on a list.
const MOST: usize = 5;

/// Puts somebody on a household's list.
///
/// # Errors
/// `Invalid` fields; a full list; somebody who stands there already; `household_left` or `household_merged`.
pub fn register(
    conn: &mut Conn,
    household: &Id<Household>,
    new: &NewProxy,
    by: &Id<User>,
    now: Moment,
) -> Result<Id<Proxy>> {
    let name = named(&new.name)?;
    let relation = new.relation.trim();
    if relation.is_empty() || relation.chars().count() > 20 {
        return Err(Error::invalid(
            "relation",
            "请写与住户的关系，1至20个字，例如：儿媳、邻居。",
        ));
    }
    if new.until_on.is_some_and(|last| last < day_of(now)) {
        return Err(Error::invalid("until_on", "有效期不能早于今天。"));
    }
    standing::expect_active(conn, household)?;
    let on_list = of_household(conn, household, day_of(now))?;
    if on_list.iter().any(|other| other.name == name) {
        return Err(Error::invalid("name", "这个人已经在代领人名单里。"));
    }
    if on_list.len() >= MOST {
        return Err(Error::invalid("name", format!("代领人最多{MOST}位，请先取消一位。")));
    }
    let proxy = Proxy {
        id: Id::new(now),
        household_id: household.clone(),
        name,
        relation: relation.to_owned(),
        until_on: new.until_on,
        registered_by: by.clone(),
        registered_at: now,
        ended_by: None,
        ended_at: None,
    };
    diesel::insert_into(pickup_proxies::table)
        .values(&proxy)
        .execute(conn)?;
    record(conn, household, "proxy.registered", by, now)?;
    Ok(proxy.id)
}

/// A person's name as it is written down for a pick-up.
pub(super) fn named(name: &str) -> Result<String> {
    let name = name.trim();
    match name.chars().count() {
        1..=20 => Ok(name.to_owned()),
        _ => Err(Error::invalid("proxy_name", "请写代领人姓名，1至20个字。")),
    }
}

/// Calls somebody back from the list.
///
/// # Errors
/// `NotFound` when the person is not on this household's list.
pub fn end(conn: &mut Conn, household: &Id<Household>, id: &Id<Proxy>, by: &Id<User>, now: Moment) -> Result<()> {
    let on_list = of_household(conn, household, day_of(now))?;
    if on_list.iter().all(|proxy| proxy.id != *id) {
        return Err(Error::NotFound);
    }
    diesel::update(pickup_proxies::table.find(id))
        .set((pickup_proxies::ended_by.eq(by), pickup_proxies::ended_at.eq(now)))
        .execute(conn)?;
    record(conn, household, "proxy.ended", by, now)
}

fn record(conn: &mut Conn, household: &Id<Household>, act: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let subject = format!("household:{household}");
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), act, subject, String::new(), now)],
    )
}

/// The list of a household on a day.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<Vec<Proxy>> {
    of_households(conn, std::slice::from_ref(household), day)
}

/// The lists of households on a day.
///
/// # Errors
/// Only when the database fails.
pub fn of_households(conn: &mut Conn, households: &[Id<Household>], day: Day) -> Result<Vec<Proxy>> {
    let mut proxies: Vec<Proxy> = pickup_proxies::table
        .filter(pickup_proxies::household_id.eq_any(households))
        .filter(pickup_proxies::ended_at.is_null())
        .order(pickup_proxies::id)
        .select(Proxy::as_select())
        .load(conn)?;
    proxies.retain(|proxy| proxy.holds_on(day));
    Ok(proxies)
}

/// A pick-up by somebody else, as it stands in the register.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = proxy_pickups)]
pub struct ProxyPickup {
    /// Of what.
    pub redemption_id: Id<Redemption>,
    /// Who on the list; `None` for somebody who came once.
    pub proxy_id: Option<Id<Proxy>>,
    /// The name.
    pub person: String,
}

/// The pick-ups of these redemptions.
///
/// # Errors
/// Only when the database fails.
pub fn pickups_of(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<Vec<ProxyPickup>> {
    let mut found = Vec::new();
    for chunk in redemptions.chunks(500) {
        found.extend(
            proxy_pickups::table
                .filter(proxy_pickups::redemption_id.eq_any(chunk))
                .select(ProxyPickup::as_select())
                .load(conn)?,
        );
    }
    Ok(found)
}
