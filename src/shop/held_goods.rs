//! Held goods: units on a store's shelf that a till keeps for an hour without network, as the ledger's holds keep points.
//!
//! A unit that one till keeps, another does not sell; whoever needs it asks for it, and a till that is heard of lets it go.
//! They are gone with the hold.

use std::collections::HashMap;

use diesel::prelude::*;

use super::goods::GoodsItem;
use super::store::PointsStore;
use super::till::Till;
use crate::clock::Moment;
use crate::db::schema::{held_goods, till_holds, tills};
use crate::db::{Columns, Conn, RowUpdate, insert_rows, update_rows};
use crate::error::Result;
use crate::id::Id;

/// What a hold keeps of some goods.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = held_goods, treat_none_as_default_value = false)]
pub(super) struct HeldUnits {
    pub(super) id: i64,
    pub(super) hold_number: i64,
    pub(super) goods_id: Id<GoodsItem>,
    /// What is left.
    pub(super) units: i64,
    /// What its till took.
    pub(super) used: i64,
    /// Since when somebody else asks for it.
    pub(super) recalled_at: Option<Moment>,
}

/// What tills keep of some goods: the part of the shelf that [`super::stock::Stock`] looks at.
#[derive(Debug, Default)]
pub(super) struct HeldGoods {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    id: i64,
    goods: Id<GoodsItem>,
    store: Id<PointsStore>,
    till: Id<Till>,
    until_at: Moment,
    units: i64,
    used: i64,
    changed: bool,
}

const HELD: Columns = Columns {
    table: "held_goods",
    key: "id",
    set: ["units", "used"],
};

impl HeldGoods {
    /// Loads what is held of these goods.
    pub(super) fn load(conn: &mut Conn, goods: &[Id<GoodsItem>]) -> Result<HeldGoods> {
        let mut parts = Vec::new();
        for chunk in goods.chunks(500) {
            let rows = held_goods::table
                .inner_join(till_holds::table.on(till_holds::hold_number.eq(held_goods::hold_number)))
                .inner_join(tills::table.on(tills::id.eq(till_holds::till_id)))
                .filter(held_goods::goods_id.eq_any(chunk))
                .select((
                    held_goods::id,
                    held_goods::goods_id,
                    tills::store_id,
                    tills::id,
                    till_holds::until_at,
                    held_goods::units,
                    held_goods::used,
                ))
                .load::<(i64, Id<GoodsItem>, Id<PointsStore>, Id<Till>, Moment, i64, i64)>(conn)?;
            parts.extend(
                rows.into_iter()
                    .map(|(id, goods, store, till, until_at, units, used)| Part {
                        id,
                        goods,
                        store,
                        till,
                        until_at,
                        units,
                        used,
                        changed: false,
                    }),
            );
        }
        Ok(HeldGoods { parts })
    }

    pub(super) fn is_any(&self) -> bool {
        !self.parts.is_empty()
    }

    fn of<'a>(
        &'a self,
        store: &'a Id<PointsStore>,
        goods: &'a Id<GoodsItem>,
        at: Moment,
    ) -> impl Iterator<Item = &'a Part> {
        let parts = self.parts.iter();
        parts.filter(move |part| part.goods == *goods && part.store == *store && part.until_at > at && part.units > 0)
    }

    /// How many units other tills of the store keep.
    pub(super) fn by_others(&self, store: &Id<PointsStore>, goods: &Id<GoodsItem>, till: &Id<Till>, at: Moment) -> i64 {
        self.of(store, goods, at)
            .filter(|part| part.till != *till)
            .fold(0, |sum, part| sum.saturating_add(part.units))
    }

    /// Which other tills of the store keep some.
    pub(super) fn holders(
        &self,
        store: &Id<PointsStore>,
        goods: &Id<GoodsItem>,
        till: &Id<Till>,
        at: Moment,
    ) -> Vec<String> {
        let others = self.of(store, goods, at).filter(|part| part.till != *till);
        others.map(|part| part.till.to_string()).collect()
    }

    /// What a till takes comes out of its hold first.
    pub(super) fn take(&mut self, goods: &Id<GoodsItem>, till: &Id<Till>, quantity: i64, at: Moment) {
        let own = |part: &&mut Part| part.goods == *goods && part.till == *till && part.until_at > at;
        for part in self.parts.iter_mut().filter(own) {
            let taken = part.units.min(quantity);
            part.units = part.units.saturating_sub(taken);
            part.used = part.used.saturating_add(taken);
            part.changed = true;
        }
    }

    pub(super) fn save(&self, conn: &mut Conn) -> Result<()> {
        let changed = self.parts.iter().filter(|part| part.changed);
        let rows: Vec<RowUpdate> = changed
            .map(|part| RowUpdate {
                key: part.id,
                values: [part.units, part.used],
            })
            .collect();
        update_rows(conn, HELD, &rows)
    }
}

/// Keeps these units for a hold; goods of which nothing is kept need no row.
pub(super) fn keep(conn: &mut Conn, hold: i64, units: &[(Id<GoodsItem>, i64)]) -> Result<()> {
    let last = held_goods::table
        .select(diesel::dsl::max(held_goods::id))
        .get_result::<Option<i64>>(conn)?;
    let rows: Vec<HeldUnits> = units
        .iter()
        .filter(|(_, units)| *units > 0)
        .zip(last.unwrap_or(0).saturating_add(1)..)
        .map(|((goods, units), id)| HeldUnits {
            id,
            hold_number: hold,
            goods_id: goods.clone(),
            units: *units,
            used: 0,
            recalled_at: None,
        })
        .collect();
    insert_rows!(conn, held_goods::table, &rows);
    Ok(())
}

/// Units of a store's goods that holds of the store's tills keep, by goods.
pub(super) fn in_store(conn: &mut Conn, store: &Id<PointsStore>) -> Result<HashMap<Id<GoodsItem>, i64>> {
    let rows = held_goods::table
        .inner_join(till_holds::table.on(till_holds::hold_number.eq(held_goods::hold_number)))
        .inner_join(tills::table.on(tills::id.eq(till_holds::till_id)))
        .filter(tills::store_id.eq(store))
        .select((held_goods::goods_id, held_goods::units))
        .load::<(Id<GoodsItem>, i64)>(conn)?;
    let mut sums: HashMap<Id<GoodsItem>, i64> = HashMap::new();
    for (goods, units) in rows {
        let sum = sums.entry(goods).or_default();
        *sum = sum.saturating_add(units);
    }
    Ok(sums)
}

/// What a hold keeps.
pub(super) fn kept(conn: &mut Conn, hold: i64) -> Result<Vec<HeldUnits>> {
    Ok(held_goods::table
        .filter(held_goods::hold_number.eq(hold))
        .order(held_goods::id)
        .select(HeldUnits::as_select())
        .load(conn)?)
}

/// What a hold is asked to let go.
pub(super) fn recalled(conn: &mut Conn, hold: i64) -> Result<Vec<HeldUnits>> {
    let kept = kept(conn, hold)?.into_iter();
    Ok(kept
        .filter(|held| held.recalled_at.is_some() && held.units > 0)
        .collect())
}

/// Asks all holds but that of this till for these goods.
pub(super) fn recall(conn: &mut Conn, goods: &[Id<GoodsItem>], till: &Id<Till>, now: Moment) -> Result<()> {
    let mine = till_holds::table
        .filter(till_holds::till_id.eq(till))
        .select(till_holds::hold_number)
        .load::<i64>(conn)?;
    diesel::update(
        held_goods::table
            .filter(
                held_goods::goods_id
                    .eq_any(goods)
                    .and(held_goods::recalled_at.is_null()),
            )
            .filter(held_goods::hold_number.ne_all(mine)),
    )
    .set(held_goods::recalled_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// A till lets these go. What was not recalled stays.
pub(super) fn let_go(conn: &mut Conn, hold: i64, ids: &[i64]) -> Result<()> {
    diesel::update(
        held_goods::table
            .filter(held_goods::hold_number.eq(hold).and(held_goods::id.eq_any(ids)))
            .filter(held_goods::recalled_at.is_not_null()),
    )
    .set(held_goods::units.eq(0))
    .execute(conn)?;
    Ok(())
}

/// Drops what ended holds kept.
pub(super) fn drop_all(conn: &mut Conn, holds: &[i64]) -> Result<()> {
    diesel::delete(held_goods::table.filter(held_goods::hold_number.eq_any(holds))).execute(conn)?;
    Ok(())
}
