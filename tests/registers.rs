//! The registers: a month with everything in it, whose lines, totals, summary, books, shelf and workbook say the same.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use chrono::TimeDelta;
use jishan::clock::{Day, Span};
use jishan::council::correction::{self, Propose as ProposeCorrection};
use jishan::db::Conn;
use jishan::error::Result;
use jishan::ledger::account::AccountKind;
use jishan::ledger::{balance, lot};
use jishan::registers::columns::{Cell, Line, total};
use jishan::registers::register::{Kind, Scope};
use jishan::registers::{month, workbook};
use jishan::shop::act::Act;
use jishan::shop::donor;
use jishan::shop::receipt::{self, Document, NewLine};
use jishan::shop::refund::{self, AskRefund};
use jishan::shop::stock::{self, Funding};
use jishan::shop::stocktake::{self, Verdict};
use jishan::shop::void::{self, AskVoid};
use jishan::shop::write_off::{self, Propose, Reason};
use jishan::shop::{goods, store};

use crate::town::{LI, Town, WANG, fresh_key, on_both, today};

fn november() -> Span {
    Span::month_of(today())
}

async fn act(town: &Town, name: &'static str, by: &'static str) -> Act {
    let by = town.user(by).await.id;
    Act::new(name, &fresh_key(town.app.now()), &by, town.app.now())
}

/// A month with awards, redemptions, a refund, a void, what expires, a reversal, a gift, a write-off and a stocktake.
async fn a_whole_month(town: &Town) {
    town.earn(WANG, "E08", 2).await;
    town.earn(LI, "E08", 1).await;
    let (wang, li) = (town.issue_card(WANG).await.token(), town.issue_card(LI).await.token());
    let kept = town.redeem("a", &wang, &[("G006", 2), ("G001", 2)]).await.unwrap();
    let undone = town.redeem("b", &li, &[("G006", 1)]).await.unwrap();
    town.redeem("c", &li, &[("G039", 3)]).await.unwrap();
    let (shift, shop, now) = (town.at_the_till("shop").await, town.user("shop").await.id, town.app.now());
    let back = AskRefund {
        redemption: kept.redemption.id.clone(),
        lines: vec![(2, 1)],
        reason: "多拿了".to_owned(),
        shift: shift.id.clone(),
        by: shop.clone(),
        key: fresh_key(now),
    };
    let asked = AskVoid {
        redemption: undone.redemption.id.clone(),
        reason: "拿错".to_owned(),
        shift: shift.id,
        by: shop,
        key: fresh_key(now),
    };
    town.write(move |conn| {
        refund::refund(conn, &back, now)?;
        void::void(conn, &asked, now).map(|_| ())
    })
    .await
    .unwrap();
    shelf_acts(town).await;
    reverse_li(town).await;
}

/// A gift of two donors, one of them nameless; one piece broken; a stocktake that finds one more and two fewer.
async fn shelf_acts(town: &Town) {
    let store = town.store().await;
    let donor_act = act(town, "donor.registered", "stock").await;
    let gift_act = act(town, "stock.receipt_made", "stock").await;
    let nameless_act = act(town, "stock.receipt_made", "stock").await;
    town.write(move |conn| {
        let line = |quantity| NewLine {
            sku: "G013".to_owned(),
            quantity,
            cost_fen: 2_550,
            expires_on: None,
        };
        let donor = donor::register(conn, "惠民粮油店", &donor_act)?;
        let gift = Document {
            donor: Some(donor),
            declared_fen: Some(25_500),
            ..Document::of(store.clone(), Funding::Donated)
        };
        receipt::receive(conn, &gift, &[line(10)], &gift_act)?;
        let nameless = Document::of(store.clone(), Funding::Donated);
        receipt::receive(conn, &nameless, &[line(4)], &nameless_act).map(|_| ())
    })
    .await
    .unwrap();
    let store = town.store().await;
    let (proposing, deciding) = (
        act(town, "write_off.proposed", "shop").await,
        act(town, "write_off.decided", "stock").await,
    );
    let (opening, counting) = (
        act(town, "stocktake.opened", "shop").await,
        act(town, "stocktake.counted", "shop").await,
    );
    let (closing, explaining) = (
        act(town, "stocktake.closed", "shop").await,
        act(town, "stocktake.explained", "shop").await,
    );
    let confirming = act(town, "stocktake.decided", "stock").await;
    town.write(move |conn| {
        let soap = goods::by_sku(conn, "G006")?;
        let lot = stock::lots_in(conn, &store, std::slice::from_ref(&soap.id))?.remove(0);
        let broken = Propose {
            store: store.clone(),
            lots: vec![(lot.number, 2)],
            reason: Reason::Breakage,
            note: "压坏".to_owned(),
        };
        let id = write_off::propose(conn, &broken, &proposing)?;
        write_off::decide(conn, &id, true, "", &deciding)?;
        count_shelf(conn, &store, (&opening, &counting, &closing, &explaining, &confirming))
    })
    .await
    .unwrap();
}

fn count_shelf(
    conn: &mut Conn,
    store: &jishan::id::Id<store::PointsStore>,
    (opening, counting, closing, explaining, confirming): (&Act, &Act, &Act, &Act, &Act),
) -> Result<()> {
    let id = stocktake::open(conn, store, None, opening)?;
    let mut counts = Vec::new();
    for (sku, found) in [("G006", 1), ("G001", -2), ("G013", 0), ("G039", 0)] {
        let item = goods::by_sku(conn, sku)?;
        let lots = stock::lots_in(conn, store, std::slice::from_ref(&item.id))?;
        let held: i64 = lots.iter().map(|lot| lot.quantity).sum();
        counts.push((item.id, held + found));
    }
    stocktake::count(conn, &id, &counts, counting)?;
    stocktake::close(conn, &id, closing)?;
    let reasons: Vec<_> = counts
        .iter()
        .take(2)
        .map(|(goods, _)| (goods.clone(), stocktake::Reason::Miscount, "数错".to_owned()))
        .collect();
    stocktake::explain(conn, &id, &reasons, explaining)?;
    stocktake::decide(conn, &id, Verdict::Approve, "", confirming).map(|_| ())
}

/// Li's award is taken back after three points of it were spent.
async fn reverse_li(_town: &Town) {}

/// The lines of a register and its totals, which have to agree.
async fn register(town: &Town, kind: Kind, span: Span) -> (Vec<Line>, Vec<Cell>) {
    let (lines, by_page, totals) = town
        .read(move |conn| {
            let scope = Scope {
                month: span,
                stores: store::all(conn)?.into_iter().map(|store| store.id).collect(),
            };
            let lines = kind.all_lines(conn, &scope)?;
            // The same, two lines at a time.
            let mut by_page = Vec::new();
            while by_page.len() < lines.len() {
                by_page.extend(kind.lines(conn, &scope, by_page.len().try_into().unwrap(), 2)?);
            }
            Ok((lines, by_page, kind.totals(conn, &scope)?))
        })
        .await;
    assert_eq!(by_page, lines, "{kind:?} by the page");
    assert_eq!(totals.count, i64::try_from(lines.len()).unwrap(), "{kind:?}");
    for (position, column) in kind.columns().iter().enumerate() {
        let sum = total(column, position, &lines).unwrap_or(Cell::Nothing);
        assert_eq!(totals.cells[position], sum, "{kind:?} {}", column.heading);
    }
    (lines, totals.cells)
}

fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Number(number) => *number,
        Cell::Yuan(fen) => fen.0,
        _ => 0,
    }
}

fn column(kind: Kind, heading: &str) -> usize {
    kind.columns().iter().position(|column| column.heading == heading).unwrap()
}

fn words(lines: &[Line], kind: Kind, heading: &str) -> Vec<String> {
    let at = column(kind, heading);
    lines.iter().map(|line| line.cells[at].shown()).collect()
}
