//! What the stock keeper of the demo did lately: a gift, something broken that waits for a second person, a stocktake under
//! way, and a wish.

use super::Setting;
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::shop::act::Act;
use crate::shop::donor::{self, Donor};
use crate::shop::receipt::{self, Document, NewLine};
use crate::shop::stock::{self, Funding};
use crate::shop::stocktake;
use crate::shop::wish;
use crate::shop::write_off::{self, Propose, Reason};

/// All of it, with today's date.
pub(super) fn today(conn: &mut Conn, town: &Setting, now: Moment) -> Result<()> {
    let keeper = |name, key| Act::new(name, key, &town.stock_keeper, now);
    let shopkeeper = |name, key| Act::new(name, key, &town.shopkeeper, now);
    let donor: Id<Donor> = donor::register(conn, "惠民粮油店", &keeper("donor.registered", "demo-donor"))?;
    let Some(item) = town.goods.first() else {
        return Ok(());
    };
    let gift = Document {
        donor: Some(donor),
        declared_fen: Some(20_000),
        intent: "优先给独居老人".to_owned(),
        ..Document::of(town.store.clone(), Funding::Donated)
    };
    let line = NewLine {
        sku: item.sku.clone(),
        quantity: 24,
        cost_fen: item.cost_fen.0,
        expires_on: None,
    };
    receipt::receive(conn, &gift, &[line], &keeper("stock.receipt_made", "demo-gift"))?;
    if let Some(lot) = stock::lots_in(conn, &town.store, std::slice::from_ref(&item.id))?.pop() {
        let broken = Propose {
            store: town.store.clone(),
            lots: vec![(lot.number, 1)],
            reason: Reason::Breakage,
            note: "搬运时压坏".to_owned(),
        };
        write_off::propose(conn, &broken, &shopkeeper("write_off.proposed", "demo-broken"))?;
    }
    let opening = shopkeeper("stocktake.opened", "demo-stocktake");
    stocktake::open(conn, &town.store, Some(&item.category), &opening)?;
    wish::make(
        conn,
        "雨伞",
        "下雨天接送孩子用",
        &shopkeeper("wish.recorded", "demo-wish"),
    )?;
    Ok(())
}
