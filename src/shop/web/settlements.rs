//! A statement with a partner: its lines, disputes and what became of it; to print, to sign, to take along.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::fields::{Fields, fresh_key};
use super::partners::readable_one;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::programme;
use crate::registers::columns::{Cell, Column, Line, Measure};
use crate::registers::workbook::{self, Heading, Sheet};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::act::Act;
use crate::shop::partner;
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::settlement::{self, Dispute, DisputeState, LineKind, Settlement, SettlementLine, Total, Verdict};
use crate::shop::store::PointsStore;

/// A statement as people read it.
struct Paper {
    settlement: Settlement,
    shop: PointsStore,
    merchant: String,
    programme: String,
    lines: Vec<SettlementLine>,
    disputes: Vec<Dispute>,
    total: Total,
    redeemed: HashMap<Id<Redemption>, Redeemed>,
    people: HashMap<Id<User>, String>,
}

impl Paper {
    fn of(conn: &mut Conn, staff: &Staff, number: &str) -> Result<Paper> {
        let number: i64 = number.parse().map_err(|_| Error::NotFound)?;
        let settlement = settlement::by_number(conn, number)?;
        let shop = readable_one(conn, &staff.duties, &settlement.store_id)?;
        let lines = settlement::lines_of(conn, number)?;
        let disputes = settlement::disputes_of(conn, number)?;
        let mut ids: Vec<Id<Redemption>> = lines.iter().map(|line| line.redemption_id.clone()).collect();
        ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        ids.dedup();
        let mut people = vec![settlement.made_by.clone()];
        people.extend(settlement.confirmed_by.iter().chain(&settlement.paid_by).cloned());
        for dispute in &disputes {
            people.push(dispute.raised_by.clone());
            people.extend(dispute.decided_by.iter().cloned());
        }
        Ok(Paper {
            merchant: partner::agreement(conn, &shop.id)?.map_or_else(String::new, |last| last.merchant),
            programme: programme::get(conn)?.name,
            total: settlement::total(&lines),
            redeemed: redemption::by_ids(conn, ids)?,
            people: user::display_names(conn, &people)?,
            settlement,
            shop,
            lines,
            disputes,
        })
    }

    fn month(&self) -> String {
        self.settlement.month.format("%Y年%-m月").to_string()
    }

    fn person(&self, id: &Id<User>) -> &str {
        self.people.get(id).map_or("", String::as_str)
    }

    /// The slip, by its number.
    fn slip(&self, line: &SettlementLine) -> String {
        let number = line
            .transaction_number
            .or_else(|| Some(self.redeemed.get(&line.redemption_id)?.redemption.transaction_number));
        number.map(|number| number.to_string()).unwrap_or_default()
    }

    /// What it was for, in words.
    fn goods(&self, line: &SettlementLine) -> String {
        let goods = self.redeemed.get(&line.redemption_id).map(Redeemed::goods);
        let goods = goods.unwrap_or_default().join("、");
        match line.adjusts {
            Some(position) => format!("调整第{position}行：{goods}"),
            None => goods,
        }
    }

    fn dispute_of(&self, line: &SettlementLine) -> Option<&Dispute> {
        self.disputes.iter().find(|one| one.position == line.position)
    }

    fn open(&self) -> Vec<&Dispute> {
        let open = self.disputes.iter().filter(|one| one.state == DisputeState::Open);
        open.collect()
    }
}

#[derive(Template)]
#[template(path = "shop/settlement.html")]
struct SettlementPage {
    shell: Shell,
    problems: Problems,
    key: String,
    done: String,
    fields: Fields,
    today: Day,
    paper: Paper,
    may_answer: bool,
    may_keep: bool,
    made_it: bool,
    printed_at: String,
}

impl SettlementPage {
    fn field(&self, name: &str) -> &str {
        self.fields.one(name)
    }

    fn is_made(&self) -> bool {
        self.paper.settlement.state == settlement::State::Made
    }

    fn is_confirmed(&self) -> bool {
        self.paper.settlement.state == settlement::State::Confirmed
    }

    /// Lines that can still be disputed.
    fn disputable(&self) -> Vec<&SettlementLine> {
        let lines = self.paper.lines.iter();
        lines
            .filter(|line| line.kind != LineKind::Adjustment && self.paper.dispute_of(line).is_none())
            .collect()
    }

    fn is_chosen(&self, line: &SettlementLine) -> bool {
        self.fields.one("position") == line.position.to_string()
    }
}

async fn one(app: &App, staff: Staff, number: String, fields: Fields, problems: Problems) -> Result<SettlementPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let paper = Paper::of(conn, &staff, &number)?;
            Ok(SettlementPage {
                may_answer: staff.duties.permit(Permission::AnswerSettlements),
                may_keep: staff.duties.permit(Permission::KeepPartners),
                made_it: paper.settlement.made_by == staff.user.id,
                done: fields.one("done").to_owned(),
                key: fresh_key(now),
                today: clock::day_of(now),
                printed_at: clock::spoken(now),
                shell: staff.shell,
                problems,
                fields,
                paper,
            })
        })
        .await
}

/// `GET /settlements/{number}`
///
/// # Errors
/// `NotFound`, also for a shop outside the person's duties.
pub async fn settlement(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Response> {
    page::show(&one(&app, staff, number, fields, Problems::default()).await?)
}

/// `POST /settlements`: the statement of a partner and a month.
///
/// # Errors
/// `Invalid` for a month that is none; the refusals of `settlement::make`.
pub async fn make_settlement(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("settlement.made", &staff.user.id, app.now());
    let month: Day = format!("{}-01", fields.one("month"))
        .parse()
        .map_err(|_| Error::invalid("month", "月份应写成2026-11的样子。"))?;
    let shop: Id<PointsStore> = Id::known(fields.one("store").to_owned());
    let number = app
        .db
        .write(move |conn| {
            readable_one(conn, &staff.duties, &shop)?;
            settlement::make(conn, &shop, month, &act)
        })
        .await?;
    Ok(page::go(&format!("/settlements/{number}?done=made")))
}

/// Does something to a statement within the person's duties, and shows it.
async fn change(
    app: App,
    staff: Staff,
    (number, fields): (String, Fields),
    (name, done): (&'static str, &str),
    work: impl FnOnce(&mut Conn, i64, &Fields, &Act) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let act = fields.act(name, &staff.user.id, app.now());
    let (duties, asked, sent) = (staff.duties.clone(), number.clone(), fields.clone());
    let tried = app
        .db
        .write(move |conn| {
            let number: i64 = asked.parse().map_err(|_| Error::NotFound)?;
            let settlement = settlement::by_number(conn, number)?;
            readable_one(conn, &duties, &settlement.store_id)?;
            work(conn, number, &sent, &act)
        })
        .await;
    match tried {
        Ok(()) => Ok(page::go(&format!("/settlements/{number}?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &one(&app, staff, number, fields, problems).await?)
        }
    }
}

/// `POST /settlements/{number}/disputes`
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn dispute_settlement(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let names = ("settlement.disputed", "disputed");
    change(app, staff, (number, fields), names, |conn, number, fields, act| {
        let position = fields.number("position", "行号")?;
        settlement::dispute(conn, number, position, fields.one("reason"), act)
    })
    .await
}

/// `POST /settlements/{number}/decisions`: about a dispute.
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn decide_dispute(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let names = ("settlement.dispute_decided", "decided");
    change(app, staff, (number, fields), names, |conn, number, fields, act| {
        let position = fields.number("position", "行号")?;
        let verdict = match (fields.one("verdict"), fields.one("amount")) {
            ("uphold", "") => Verdict::Uphold(0),
            ("uphold", _) => Verdict::Uphold(fields.fen("amount", "应结金额")?),
            ("reject", _) => Verdict::Reject,
            _ => return Err(Error::invalid("verdict", "请选争议成立还是不成立。")),
        };
        settlement::decide(conn, number, position, verdict, fields.one("note"), act)
    })
    .await
}

/// `POST /settlements/{number}/confirmation`
///
/// # Errors
/// `NotFound`; a refusal is shown on the page.
pub async fn confirm_settlement(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let names = ("settlement.confirmed", "confirmed");
    change(app, staff, (number, fields), names, |conn, number, _, act| {
        settlement::confirm(conn, number, act)
    })
    .await
}

/// `POST /settlements/{number}/payment`: it was paid, and how that is recorded elsewhere.
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn record_payment(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let names = ("settlement.paid", "paid");
    change(app, staff, (number, fields), names, |conn, number, fields, act| {
        let paid_on = fields.maybe_day("paid_on", "付款日期")?;
        let paid_on = paid_on.ok_or_else(|| Error::invalid("paid_on", "请填写付款日期。"))?;
        settlement::record_payment(conn, number, paid_on, fields.one("reference"), act)
    })
    .await
}

/// The columns of a statement on paper.
const COLUMNS: [Column; 8] = [
    Column::new("行号", Measure::Number, 8),
    Column::new("日期", Measure::Day, 12),
    Column::new("凭条号", Measure::Text, 10),
    Column::new("类别", Measure::Text, 9),
    Column::new("商品", Measure::Text, 44),
    Column::new("积分", Measure::Sum, 10),
    Column::new("现金补差价（元）", Measure::YuanSum, 16),
    Column::new("结算金额（元）", Measure::YuanSum, 16),
];

/// `GET /settlements/{number}/file.xlsx`
///
/// # Errors
/// `NotFound`, also for a shop outside the person's duties.
pub async fn settlement_file(State(app): State<App>, staff: Staff, Path(number): Path<String>) -> Result<Response> {
    let paper = app.db.read(move |conn| Paper::of(conn, &staff, &number)).await?;
    let lines = paper.lines.iter().map(|line| Line {
        href: String::new(),
        cells: vec![
            Cell::Number(line.position),
            Cell::Day(line.on_day),
            Cell::text(paper.slip(line)),
            Cell::text(line.kind.label()),
            Cell::text(paper.goods(line)),
            Cell::points(line.points),
            Cell::yuan(line.cash_fen),
            Cell::Yuan(line.amount_fen),
        ],
    });
    let (number, month) = (paper.settlement.number, paper.settlement.month.format("%Y-%m"));
    let sheet = Sheet {
        heading: Heading {
            title: "定点商户结算单".to_owned(),
            about: format!(
                "第{number}号　　{}　　商户：{}（{}）　　月份：{}　　{}",
                paper.programme,
                paper.shop.name,
                paper.merchant,
                paper.month(),
                paper.settlement.state.label()
            ),
        },
        columns: COLUMNS.to_vec(),
        lines: lines.collect(),
        foot: "合计",
    };
    let name = format!("attachment; filename=\"settlement-{number}-{month}.xlsx\"");
    let bytes = app.slowly(move || workbook::write(&[sheet])).await??;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(Error::internal)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}
