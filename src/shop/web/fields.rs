//! Fields of the stock keeper's forms: what was typed becomes numbers, money and days, or a sentence beside the field.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use crate::access::role::{Duties, Permission};
use crate::access::user::User;
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::shop::act::Act;
use crate::shop::store::{self, PointsStore};

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first field of this name without what surrounds it, or nothing.
    pub(super) fn one(&self, name: &str) -> &str {
        let named = self.0.iter().find(|(field, _)| field == name);
        named.map_or("", |(_, value)| value.trim())
    }

    /// All filled fields of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Filled fields whose names begin so, with the rest of their names.
    pub(super) fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.0.iter().filter_map(move |(field, value)| {
            let rest = field.strip_prefix(prefix)?;
            Some((rest, value.trim()))
        });
        named.filter(|(_, value)| !value.is_empty())
    }

    /// A whole number.
    pub(super) fn number(&self, name: &'static str, what: &str) -> Result<i64> {
        let number = self.one(name).parse();
        number.map_err(|_| Error::invalid(name, format!("{what}应为整数。")))
    }

    /// A whole number, or none where the field is empty.
    pub(super) fn maybe_number(&self, name: &'static str, what: &str) -> Result<Option<i64>> {
        match self.one(name) {
            "" => Ok(None),
            _ => self.number(name, what).map(Some),
        }
    }

    /// Yuan, as fen.
    pub(super) fn fen(&self, name: &'static str, what: &str) -> Result<i64> {
        fen_of(self.one(name)).map_err(|why| Error::invalid(name, format!("{what}{why}")))
    }

    /// A day, or none where the field is empty.
    pub(super) fn maybe_day(&self, name: &'static str, what: &str) -> Result<Option<Day>> {
        match self.one(name) {
            "" => Ok(None),
            text => {
                let wrong = |_| Error::invalid(name, format!("{what}应写成2027-03-31的样子。"));
                text.parse().map(Some).map_err(wrong)
            }
        }
    }

    /// Whole numbers by the number in the field's name: `lot-12=3`.
    pub(super) fn numbers(&self, prefix: &str, field: &'static str) -> Result<Vec<(i64, i64)>> {
        let wrong = || Error::invalid(field, "数量应为整数。");
        self.beginning(prefix)
            .map(|(lot, quantity)| {
                let lot = lot.parse().map_err(|_| wrong())?;
                Ok((lot, quantity.parse().map_err(|_| wrong())?))
            })
            .collect()
    }

    /// An act of this person with the form's key.
    pub(super) fn act(&self, name: &'static str, by: &Id<User>, now: Moment) -> Act {
        Act::new(name, self.one("key"), by, now)
    }
}

/// Yuan with at most two decimals, exactly.
pub(super) fn fen_of(text: &str) -> Result<i64, &'static str> {
    let yuan = Decimal::from_str_exact(text.trim()).map_err(|_| "应为数字，例如12.60。")?;
    if yuan.scale() > 2 {
        return Err("最多两位小数，精确到分。");
    }
    let fen = yuan.checked_mul(Decimal::ONE_HUNDRED).and_then(|fen| fen.to_i64());
    fen.ok_or("太大，请核对。")
}

/// A key for a form that was not sent yet.
pub(super) fn fresh_key(now: Moment) -> String {
    Id::<Fields>::new(now).as_str().to_owned()
}

/// The stores in which these duties hold a permission.
///
/// # Errors
/// `Forbidden` when there is none.
pub(super) fn stores(conn: &mut Conn, duties: &Duties, permission: Permission) -> Result<Vec<PointsStore>> {
    let stores = store::all_of_duties(conn, duties, permission)?;
    match stores.is_empty() {
        true => Err(Error::Forbidden("您的职责范围内没有积分超市。")),
        false => Ok(stores),
    }
}

/// The ids of the stores that a person may read.
pub(super) fn readable(conn: &mut Conn, duties: &Duties) -> Result<Vec<Id<PointsStore>>> {
    let stores = stores(conn, duties, Permission::ReadStock)?;
    Ok(stores.into_iter().map(|store| store.id).collect())
}

/// The chosen one of these stores, or the first where none was chosen.
///
/// # Errors
/// `NotFound` for another store.
pub(super) fn chosen(stores: &[PointsStore], id: &str) -> Result<PointsStore> {
    let mut stores = stores.iter();
    let found = match id {
        "" => stores.next(),
        id => stores.find(|store| store.id.as_str() == id),
    };
    found.cloned().ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact_to_the_fen() {
        assert_eq!(fen_of(" 12.6 "), Ok(1260));
        assert_eq!(fen_of("0"), Ok(0));
        for refused in ["12.605", "1e2", "", "十二", "99999999999999999999"] {
            assert!(fen_of(refused).is_err(), "{refused}");
        }
    }
}
