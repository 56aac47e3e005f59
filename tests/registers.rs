//! The registers: a month with everything in it, whose lines, totals, summary, books, shelf and workbook say the same.

mod open_book;

use std::io::Cursor;

use axum::body::Body;
use axum::http::Method;
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use chrono::TimeDelta;
use jishan::clock::Span;
use jishan::council::{award, nomination};
use jishan::db::Conn;
use jishan::error::Result;
use jishan::ledger::account::AccountKind;
use jishan::ledger::{balance, lot};
use jishan::money::Fen;
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
use tower::ServiceExt as _;

use crate::browser::Visitor;
use crate::town::{FAR, LI, Town, WANG, fresh_key, on_both, today};

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
    let (shift, shop, now) = (
        town.at_the_till("shop").await,
        town.user("shop").await.id,
        town.app.now(),
    );
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
        counts.push((sku.to_owned(), held + found));
    }
    stocktake::count(conn, &id, &counts, counting)?;
    stocktake::close(conn, &id, closing)?;
    let reasons = ["G006", "G001"].map(|sku| (sku.to_owned(), Reason::Error, "数错".to_owned()));
    stocktake::explain(conn, &id, &reasons, explaining)?;
    stocktake::decide(conn, &id, Verdict::Approve, "", confirming).map(|_| ())
}

/// Li's award is taken back after three points of it were spent; seven points of another household expire.
async fn reverse_li(town: &Town) {
    town.give_until(FAR, 7, today() - TimeDelta::days(1)).await;
    let (admin, li, now) = (town.user("admin").await.id, town.household(LI).await.id, town.app.now());
    town.write(move |conn| {
        let filter = nomination::Filter {
            households: Some(vec![li]),
            ..nomination::Filter::default()
        };
        let rows = nomination::list(conn, &filter, 5)?;
        award::reverse(conn, rows[0].clone(), "报错了户", admin.as_str(), now)?;
        lot::expire_due(conn, today(), now).map(|_| ())
    })
    .await
    .unwrap();
}

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
    kind.columns()
        .iter()
        .position(|column| column.heading == heading)
        .unwrap()
}

fn words(lines: &[Line], kind: Kind, heading: &str) -> Vec<String> {
    let at = column(kind, heading);
    lines.iter().map(|line| line.cells[at].shown()).collect()
}

on_both! {
    async fn every_total_is_the_sum_of_its_lines_and_agrees_with_the_books(town: Town) {
        a_whole_month(&town).await;
        // Issue: two awards and a gift given; the reversal and the expiry taken.
        let (lines, totals) = register(&town, Kind::Issue, november()).await;
        let kinds = words(&lines, Kind::Issue, "类别");
        for kind in ["加分", "冲正", "过期"] {
            assert!(kinds.iter().any(|word| word == kind), "{kind}: {kinds:?}");
        }
        assert_eq!((number(&totals[7]), number(&totals[8])), (97, 34), "{lines:?}");
        let names = words(&lines, Kind::Issue, "户主");
        assert!(names.iter().all(|name| name.ends_with('*')), "{names:?}");
        // Redemptions: three, one refund of 8 and one void of 5 as lines of their own.
        let (lines, totals) = register(&town, Kind::Redemptions, november()).await;
        assert_eq!((number(&totals[7]), number(&totals[8])), (26 + 5 + 3, 8 + 5));
        assert_eq!(lines.len(), 5);
        let slip = lines[0].cells[0].shown();
        assert!(words(&lines, Kind::Redemptions, "类别").contains(&format!("退货（{slip}号）")));
        // Stock: what it ends with is what lies there.
        let (lines, _) = register(&town, Kind::Stock, november()).await;
        let kinds = words(&lines, Kind::Stock, "类别");
        for kind in ["采购入库", "捐赠入库", "兑换出库", "退回入库", "报损出库", "盘盈", "盘亏"] {
            assert!(kinds.iter().any(|word| word == kind), "{kind}: {kinds:?}");
        }
        for sku in ["G006", "G001", "G013", "G039"] {
            let last = lines.iter().rfind(|line| line.cells[3].shown() == sku).unwrap();
            let store = town.store().await;
            let held: i64 = town
                .read(move |conn| {
                    let item = goods::by_sku(conn, sku)?;
                    Ok(stock::lots_in(conn, &store, &[item.id])?.iter().map(|lot| lot.quantity).sum())
                })
                .await;
            assert_eq!(number(&last.cells[8]), held, "{sku}");
        }
        // Donations: one by name, one without.
        let (lines, totals) = register(&town, Kind::Donations, november()).await;
        assert_eq!(words(&lines, Kind::Donations, "捐赠人"), ["惠民粮油店", "热心人士"]);
        assert_eq!((number(&totals[5]), number(&totals[6])), (14, 25_500));
        town.expect_counter_holds().await;
    }
}

/// The sum of a side's movements with one of these labels.
fn moved(side: &month::Side, labels: &[&str]) -> i64 {
    let named = side
        .movements
        .iter()
        .filter(|movement| labels.contains(&movement.label.as_str()));
    named.map(|movement| movement.amount).sum()
}

on_both! {
    async fn a_month_begins_as_the_last_one_ended_and_what_is_over_stays(town: Town) {
        a_whole_month(&town).await;
        let look = async |span: Span| {
            town.read(move |conn| {
                let stores: Vec<_> = store::all(conn)?.into_iter().map(|store| store.id).collect();
                let outstanding = balance::outstanding(conn, AccountKind::Spendable)?.0;
                Ok((month::points(conn, span)?, month::goods(conn, &stores, span)?, outstanding))
            })
            .await
        };
        let (points, shelf, outstanding) = look(november()).await;
        assert!(points.agrees() && shelf.agrees(), "{points:?} {shelf:?}");
        assert_eq!((points.begin.0, points.end.0), (0, outstanding));
        assert_eq!(outstanding, town.spendable(WANG).await + town.spendable(LI).await + town.spendable(FAR).await);
        assert_eq!(moved(&points, &["发放"]), 97);
        assert_eq!(moved(&points, &["兑换"]), -34);
        assert_eq!((moved(&points, &["退货退回"]), moved(&points, &["作废退回"])), (8, 5));
        assert_eq!((moved(&points, &["冲正收回"]), moved(&points, &["过期"])), (-27, -7));
        assert_eq!((moved(&shelf, &["捐赠入库"]), moved(&shelf, &["报损出库"])), (14, -2));
        assert_eq!((moved(&shelf, &["盘盈"]), moved(&shelf, &["盘亏"])), (1, -2));
        assert_eq!((moved(&shelf, &["兑换出库"]), moved(&shelf, &["退回入库"])), (-8, 2));
        // A month later somebody redeems again: November says what it said.
        town.app.clock.advance(TimeDelta::days(20));
        let card = town.issue_card(FAR).await.token();
        town.give(FAR, 9).await;
        town.redeem("later", &card, &[("G001", 1)]).await.unwrap();
        let (again, shelf_again, _) = look(november()).await;
        assert_eq!((&again, &shelf_again), (&points, &shelf));
        let (december, shelf_then, outstanding) = look(Span::month_of(today() + TimeDelta::days(20))).await;
        assert!(december.agrees() && shelf_then.agrees());
        assert_eq!((december.begin, december.end.0), (points.end, outstanding));
        assert_eq!(shelf_then.begin, shelf.end);
    }
}

/// Every row of a workbook's first or named sheet.
fn rows(bytes: &[u8], sheet: &str) -> (Vec<Vec<Data>>, Vec<String>) {
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range(sheet).unwrap();
    let formulas = book.worksheet_formula(sheet).unwrap();
    let formulas = formulas.used_cells().map(|(_, _, formula)| formula.clone()).collect();
    (range.rows().map(<[Data]>::to_vec).collect(), formulas)
}

/// Status, name and bytes of a file.
pub async fn file_of(town: &Town, visitor: &Visitor, path: &str) -> (u16, String, Vec<u8>) {
    let request = visitor.request(Method::GET, path).body(Body::empty()).unwrap();
    let answer = town.router().oneshot(request).await.unwrap();
    let name = answer
        .headers()
        .get("content-disposition")
        .map(|name| name.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, name.unwrap_or_default(), bytes.to_vec())
}

fn in_fen(cell: &Data) -> i64 {
    Fen::of_yuan(&cell.to_string()).map_or(0, |fen| fen.0)
}

on_both! {
    async fn a_workbook_read_back_adds_up(town: Town) {
        a_whole_month(&town).await;
        let auditor = town.signed_in("auditor").await;
        for kind in Kind::ALL {
            let (lines, totals) = register(&town, *kind, november()).await;
            let path = format!("/registers/{}/file.xlsx?month=2026-11", kind.word());
            let answer = file_of(&town, &auditor, &path).await;
            assert_eq!(answer.0, 200, "{path}");
            assert!(answer.1.contains(&format!("{}-2026-11.xlsx", kind.word())), "{}", answer.1);
            let (rows, formulas) = rows(&answer.2, kind.label());
            let head: Vec<String> = rows[2].iter().map(ToString::to_string).collect();
            let headings: Vec<&str> = kind.columns().iter().map(|column| column.heading).collect();
            assert_eq!(head, headings);
            let foot = &rows[3 + lines.len()];
            assert_eq!(foot[0].to_string(), "合计");
            let mut added_up = 0;
            for (position, column) in kind.columns().iter().enumerate().filter(|(_, column)| column.is_added_up()) {
                let sum: i64 = rows[3..3 + lines.len()].iter().map(|row| in_fen(&row[position])).sum();
                assert_eq!(in_fen(&foot[position]), sum, "{kind:?} {}", column.heading);
                let is_money = matches!(totals[position], Cell::Yuan(_));
                assert_eq!(sum, number(&totals[position]) * if is_money { 1 } else { 100 });
                added_up += 1;
            }
            assert_eq!(formulas.len(), added_up, "each total is a formula: {formulas:?}");
            assert!(formulas.iter().all(|formula| formula.starts_with("SUM(")), "{formulas:?}");
            let text = rows.concat().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            for signature in workbook::SIGNATURES {
                assert!(text.contains(signature), "{kind:?} {signature}");
            }
            assert!(!text.contains("王建国") && !text.contains("李玉山"), "no full names: {text}");
        }
        // The summary: its end is a formula too.
        let answer = file_of(&town, &auditor, "/registers/file.xlsx?month=2026-11").await;
        let (points, formulas) = rows(&answer.2, "积分月度汇总");
        let foot = points.iter().find(|row| row[0] == "期末").unwrap();
        let outstanding = town.read(|conn| balance::outstanding(conn, AccountKind::Spendable)).await;
        assert_eq!((in_fen(&foot[2]), formulas.len()), (outstanding.0 * 100, 1));
        assert!(!rows(&answer.2, "商品月度汇总").0.is_empty());
    }
}

on_both! {
    async fn who_keeps_goods_reads_the_goods_and_the_till_reads_neither(town: Town) {
        a_whole_month(&town).await;
        let (admin, keeper, shop) =
            (town.signed_in("admin").await, town.signed_in("stock").await, town.signed_in("shop").await);
        let page = admin.get("/registers?month=2026-11").await;
        assert!(page.text.contains("期初") && page.text.contains("冲正收回") && page.text.contains("核对一致"));
        assert!(!page.text.contains("核对不一致"));
        let page = keeper.get("/registers?month=2026-11").await;
        assert!(page.text.contains("采购入库") && !page.text.contains("可用积分"), "{}", page.text);
        for path in ["/registers/issue", "/registers/redemptions", "/registers/issue/file.xlsx"] {
            assert_eq!(keeper.get(path).await.status, 403, "{path}");
            assert_eq!(shop.get(path).await.status, 403, "{path}");
        }
        for path in ["/registers", "/registers/stock", "/registers/donations"] {
            assert_eq!(keeper.get(path).await.status, 200, "{path}");
            assert_eq!(shop.get(path).await.status, 403, "{path}");
        }
        // The page says the household by code and masked name; another month is empty; what is no month is said.
        let page = admin.get("/registers/redemptions?month=2026-11").await.text;
        assert!(page.contains(WANG) && page.contains("王**") && !page.contains("王建国"));
        assert!(admin.get("/registers/redemptions?month=2026-10").await.text.contains("没有记录"));
        assert_eq!(admin.get("/registers/issue?month=november").await.status, 422);
        assert_eq!(admin.get("/registers/stock?store=elsewhere").await.status, 404);
    }
}
