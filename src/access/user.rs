//! Users: personal accounts with a password each; nobody shares one.
//!
//! Passwords are argon2id digests. Hashing is slow on purpose, so it happens outside `db.write`.

use diesel::prelude::*;

use super::digest::SlowDigest;
use super::role::{Duties, Permission, Role};
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::{user_roles, users};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Area;
use crate::places::household::Household;

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    /// The id that books and audit lines carry.
    pub id: Id<User>,
    /// What is typed to sign in.
    pub name: String,
    /// What people read: `陈秀英(网格员)`.
    pub display_name: String,
    /// The household the person lives in: nobody decides about his own.
    pub household_id: Option<Id<Household>>,
    /// Since when the account is closed.
    pub disabled_at: Option<Moment>,
}

/// A password's argon2id digest.
#[derive(Clone)]
pub struct PasswordHash(SlowDigest);

/// The shortest password that is taken. ASVS 6.2.1.
const PASSWORD_LENGTH: usize = 8;

impl PasswordHash {
    /// Hashes a password that a person chose. Takes some tens of milliseconds on purpose.
    ///
    /// # Errors
    /// `Invalid` when it is shorter than 8 or longer than 128 characters, or one that everybody tries first.
    pub fn of(password: &str) -> Result<PasswordHash> {
        let length = password.chars().count();
        if !(PASSWORD_LENGTH..=128).contains(&length) {
            return Err(Error::invalid("password", "口令应为8至128个字符。"));
        }
        let lower = password.to_ascii_lowercase();
        let one_character = password.chars().all(|letter| password.starts_with(letter));
        if one_character || COMMON_PASSWORDS.contains(&lower.as_str()) {
            return Err(Error::invalid("password", "这个口令太常见，容易被猜中，请换一个。"));
        }
        SlowDigest::of(password).map(PasswordHash)
    }
}

/// What is tried first everywhere, of eight characters or more.
const COMMON_PASSWORDS: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "87654321",
    "11223344",
    "password",
    "password1",
    "qwertyui",
    "qwertyuiop",
    "1qaz2wsx",
    "abcd1234",
    "a1234567",
    "a12345678",
    "aa123456",
    "admin123",
    "admin888",
    "administrator",
    "woaini1314",
    "iloveyou",
    "5201314520",
    "1314520520",
    "88888888",
    "66666666",
    "asdfghjkl",
    "q1w2e3r4",
];

/// Adds a user with duties.
///
/// # Errors
/// `Invalid` when the name is taken or is not 1–32 small letters, digits, `-` or `_`.
pub fn add(conn: &mut Conn, new: &User, password: &PasswordHash, duties: &Duties, now: Moment) -> Result<()> {
    let plain = (1..=32).contains(&new.name.len())
        && new
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if !plain {
        return Err(Error::invalid("name", "用户名应为1至32个小写字母、数字、- 或 _。"));
    }
    if new.display_name.trim().is_empty() || new.display_name.chars().count() > 40 {
        return Err(Error::invalid("display_name", "请填写姓名，1至40个字。"));
    }
    if by_name(conn, &new.name)?.is_some() {
        return Err(Error::invalid(
            "name",
            format!("用户名{}已有人使用，请换一个。", new.name),
        ));
    }
    diesel::insert_into(users::table)
        .values((
            users::id.eq(&new.id),
            users::name.eq(&new.name),
            users::display_name.eq(&new.display_name),
            users::password_hash.eq(password.0.text()),
            users::household_id.eq(&new.household_id),
            users::created_at.eq(now),
        ))
        .execute(conn)?;
    for (role, area) in &duties.0 {
        grant(conn, &new.id, *role, area)?;
    }
    Ok(())
}

/// Gives a duty for an area.
///
/// # Errors
/// Only when the database fails, or the duty is held already.
pub fn grant(conn: &mut Conn, user: &Id<User>, role: Role, area: &Id<Area>) -> Result<()> {
    diesel::insert_into(user_roles::table)
        .values((
            user_roles::user_id.eq(user),
            user_roles::role.eq(role),
            user_roles::area_id.eq(area),
        ))
        .execute(conn)?;
    Ok(())
}

/// Gives one more duty; answers whether it was not held before.
///
/// # Errors
/// `Invalid` when one person may not hold both; `NotFound`.
pub fn add_duty(conn: &mut Conn, user: &User, role: Role, area: &Id<Area>) -> Result<bool> {
    let held = duties(conn, &user.id)?;
    if held.0.contains(&(role, area.clone())) {
        return Ok(false);
    }
    if let Some((other, _)) = held.0.iter().find(|(other, _)| !role.goes_with(*other)) {
        return Err(Error::invalid(
            "role",
            format!("{}与{}不能由同一人担任，请另选一人。", role.label(), other.label()),
        ));
    }
    grant(conn, &user.id, role, area)?;
    Ok(true)
}

/// Ends a duty; answers whether it was held.
///
/// # Errors
/// `Forbidden` when nobody would be left who manages users; `NotFound`.
pub fn end_duty(conn: &mut Conn, user: &User, role: Role, area: &Id<Area>) -> Result<bool> {
    if role.permits(Permission::ManageUsers) && user.disabled_at.is_none() {
        let others = all(conn)?.into_iter().any(|(other, duties)| {
            let mut duties = duties.0;
            duties.retain(|duty| other.id != user.id || *duty != (role, area.clone()));
            other.disabled_at.is_none() && Duties(duties).permit(Permission::ManageUsers)
        });
        if !others {
            return Err(Error::Forbidden(
                "这是最后一位项目管理员，不能结束。请先让另一人担任管理员。",
            ));
        }
    }
    let ended = diesel::delete(user_roles::table.find((&user.id, role, area))).execute(conn)?;
    Ok(ended > 0)
}

/// Whoever lived in a household that was merged lives in the other one: nobody decides about his own. Answers how many.
///
/// # Errors
/// Only when the database fails.
pub fn follow_merge(conn: &mut Conn, from: &Id<Household>, into: &Id<Household>) -> Result<usize> {
    Ok(diesel::update(users::table.filter(users::household_id.eq(from)))
        .set(users::household_id.eq(Some(into)))
        .execute(conn)?)
}

/// The households in which people with an account live.
///
/// # Errors
/// Only when the database fails.
pub fn homes(conn: &mut Conn) -> Result<Vec<Id<Household>>> {
    let found = users::table
        .filter(users::disabled_at.is_null())
        .select(users::household_id)
        .load::<Option<Id<Household>>>(conn)?;
    Ok(found.into_iter().flatten().collect())
}

/// The people with an account who live in this household.
///
/// # Errors
/// Only when the database fails.
pub fn living_in(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<User>> {
    Ok(users::table
        .filter(users::household_id.eq(household).and(users::disabled_at.is_null()))
        .select(User::as_select())
        .order(users::name)
        .load(conn)?)
}

/// Closes an account; its sessions and tokens stop at once.
///
/// # Errors
/// `NotFound`.
pub fn disable(conn: &mut Conn, name: &str, now: Moment) -> Result<User> {
    let user = by_name(conn, name)?.ok_or(Error::NotFound)?;
    diesel::update(users::table.find(&user.id))
        .set(users::disabled_at.eq(Some(now)))
        .execute(conn)?;
    super::session::end_all(conn, &user.id)?;
    Ok(user)
}

/// A user by name.
///
/// # Errors
/// Only when the database fails.
pub fn by_name(conn: &mut Conn, name: &str) -> Result<Option<User>> {
    Ok(users::table
        .filter(users::name.eq(name))
        .select(User::as_select())
        .get_result(conn)
        .optional()?)
}

/// A user by id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<User>) -> Result<User> {
    users::table
        .find(id)
        .select(User::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// All users, with their duties, by name.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<(User, Duties)>> {
    let everyone = users::table.select(User::as_select()).order(users::name).load(conn)?;
    let mut with_duties = Vec::with_capacity(everyone.len());
    let roles = user_roles::table
        .select((user_roles::user_id, user_roles::role, user_roles::area_id))
        .load::<(Id<User>, Role, Id<Area>)>(conn)?;
    for user in everyone {
        let own = roles.iter().filter(|(id, _, _)| *id == user.id);
        let duties = Duties(own.map(|(_, role, area)| (*role, area.clone())).collect());
        with_duties.push((user, duties));
    }
    Ok(with_duties)
}

/// The duties of a user.
///
/// # Errors
/// Only when the database fails.
pub fn duties(conn: &mut Conn, id: &Id<User>) -> Result<Duties> {
    Ok(Duties(
        user_roles::table
            .filter(user_roles::user_id.eq(id))
            .order((user_roles::role, user_roles::area_id))
            .select((user_roles::role, user_roles::area_id))
            .load(conn)?,
    ))
}

/// The display names of these users.
///
/// # Errors
/// Only when the database fails.
pub fn display_names(conn: &mut Conn, ids: &[Id<User>]) -> Result<std::collections::HashMap<Id<User>, String>> {
    Ok(users::table
        .filter(users::id.eq_any(ids))
        .select((users::id, users::display_name))
        .load::<(Id<User>, String)>(conn)?
        .into_iter()
        .collect())
}

/// A user and the digest of the password, for `verify`; look it up in `db.read`, verify outside.
///
/// # Errors
/// Only when the database fails.
pub fn credentials(conn: &mut Conn, name: &str) -> Result<Option<(User, PasswordHash)>> {
    let found = users::table
        .filter(users::name.eq(name).and(users::disabled_at.is_null()))
        .select((User::as_select(), users::password_hash))
        .get_result::<(User, String)>(conn)
        .optional()?;
    Ok(found.map(|(user, hash)| (user, PasswordHash(SlowDigest::known(hash)))))
}

/// Is this the user's password? An unknown name takes as long as a wrong password.
#[must_use]
pub fn verify(found: Option<(User, PasswordHash)>, password: &str) -> Option<User> {
    match found {
        Some((user, hash)) => hash.0.is_of(password).then_some(user),
        None => {
            // Nobody learns from the time it takes whether a name exists.
            let _ = PasswordHash::of("some password that nobody has");
            None
        }
    }
}
