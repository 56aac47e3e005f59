//! The open book of a month as a poster: the same numbers as the page for everybody, large, beside the shop's door.
//!
//! What stands there is for `registers/open_book.rs` to say; this file only says where on the sheet.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::cards::qr;
use crate::council::redress::Redress;
use crate::council::staff_share;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::money::Fen;
use crate::places::programme;
use crate::registers::month::{self, Movement};
use crate::registers::open_book::{self, OpenBook as Book};

/// Budgets on the sheet, which is one; the page has all.
const BUDGETS: usize = 3;

/// An open book.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenBook {
    paper: Head,
    month: String,
    figures: Vec<Figure>,
    begin: i64,
    lines: Vec<Line>,
    end: i64,
    facts: Vec<Fact>,
    /// What went to those who decide, in a sentence.
    share: String,
    chain: Option<Chain>,
    /// Where a phone finds more, and the code that leads there.
    address: String,
    qr: String,
    place: String,
    phone: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    label: String,
    value: String,
    unit: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    label: String,
    about: String,
    points: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    label: String,
    value: String,
}

/// How far the books went at the month's end, and the digits that close them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    number: i64,
    digest: String,
}

/// The open book of the month that was asked for; of the latest that is over without one.
///
/// # Errors
/// `Invalid` for what is no month, for one that is not over, and in the programme's first month.
pub fn load(conn: &mut Conn, order: &Order) -> Result<OpenBook> {
    let today = order.today();
    let month = match order.asked.month.as_deref().filter(|month| !month.is_empty()) {
        Some(_) => order.month()?,
        None => {
            let latest = open_book::months(conn, today)?.into_iter().next();
            latest.ok_or_else(|| Error::invalid("month", "第一个月还没有结束，结束以后才有积分公开可以打印。"))?
        }
    };
    let book = open_book::of_month(conn, month, None, today)?;
    let programme = programme::get(conn)?;
    let address = format!("{}/open-book", programme.address);
    Ok(OpenBook {
        paper: order.head(conn, None)?,
        month: month::spoken(month),
        figures: book
            .figures()
            .into_iter()
            .map(|figure| Figure {
                label: figure.label.to_owned(),
                value: figure.value,
                unit: figure.unit.to_owned(),
            })
            .collect(),
        begin: book.points.begin.0,
        lines: book
            .lines()
            .into_iter()
            .map(|line| Line {
                label: line.label.to_owned(),
                about: line.about.to_owned(),
                points: line.points,
            })
            .collect(),
        end: book.points.end.0,
        facts: facts(&book),
        share: share(&book),
        chain: book.tip.map(|(number, digest)| Chain { number, digest }),
        qr: qr::svg(&address, "").map_err(Error::internal)?,
        address,
        place: programme.office,
        phone: programme.phone,
    })
}

fn facts(book: &Book) -> Vec<Fact> {
    let mut facts = vec![fact("荣誉分（不能兑换）", format!("{}分", book.honour))];
    facts.extend(book.goods.movements.iter().map(goods));
    facts.push(fact("公示的异议", decided(&book.objections)));
    facts.push(fact("住户的申诉", decided(&book.appeals)));
    facts.extend(book.budgets.iter().take(BUDGETS).map(|one| {
        fact(
            &format!("{}发放预算", one.area),
            format!("{}分，用了{}%", one.points, one.percent()),
        )
    }));
    facts
}

fn fact(label: &str, value: String) -> Fact {
    Fact {
        label: label.to_owned(),
        value,
    }
}

fn goods(movement: &Movement) -> Fact {
    let cost = movement.cost.0.saturating_abs();
    let value = format!("{}件，{}元", movement.amount.unsigned_abs(), Fen(cost));
    fact(&movement.label, value)
}

/// `收到3件，办结2件，成立1件`.
fn decided(redress: &Redress) -> String {
    match (redress.filed, redress.decided()) {
        (0, 0) => "没有".to_owned(),
        (filed, decided) => format!("收到{filed}件，办结{decided}件，成立{}件", redress.upheld),
    }
}

fn share(book: &Book) -> String {
    match &book.share {
        Some(share) => format!(
            "工作人员和评议会成员的家庭共{}户，占全部住户的{}；当年到这个月末入账的积分里，他们占{}。",
            share.households,
            share.of_hundred_households(),
            share.of_hundred_points()
        ),
        None => format!("工作人员和评议会成员的家庭不到{}户，不单独公布。", staff_share::FEWEST),
    }
}
