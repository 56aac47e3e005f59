//! The desk: a person's work today.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::{Duties, Permission};
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::web::{Work, work_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::money::Fen;
use crate::page::{self, Shell};
use crate::places::household;
use crate::points::Points;
use crate::scheme::version;

#[derive(Template)]
#[template(path = "access/desk.html")]
struct DeskPage {
    shell: Shell,
    /// What is this person's duty today, with how much of it waits.
    duties: Vec<Tile>,
    tiles: Vec<Tile>,
    warnings: Vec<String>,
    calendar: Option<String>,
    overview: Option<Overview>,
}

struct Tile {
    href: String,
    title: &'static str,
    hint: &'static str,
    count: Option<usize>,
}

struct Overview {
    households: i64,
    people: i64,
    outstanding: Points,
    worth: Option<Fen>,
    scheme: String,
}

/// `GET /desk`: a person's work today.
///
/// # Errors
/// Only when the database fails.
pub async fn desk(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let (work, overview, staff) = app
        .db
        .read(move |conn| {
            let work = work_of(conn, &staff, now)?;
            let overview = match staff.duties.permit(Permission::ReadAudit) {
                true => Some(overview(conn, now)?),
                false => None,
            };
            Ok((work, overview, staff))
        })
        .await?;
    page::show(&DeskPage {
        duties: duties(&work),
        tiles: tiles(&staff.duties),
        warnings: work.warnings,
        calendar: work.calendar,
        shell: staff.shell,
        overview,
    })
}

/// What the person's duties ask for today.
fn duties(work: &Work) -> Vec<Tile> {
    let to_publish = work.to_publish.map(|(rows, _)| rows);
    let publish_at = match work.to_publish {
        Some((_, Some(session))) => format!("/sessions/{session}/notice"),
        _ => "/notices".to_owned(),
    };
    let at = str::to_owned;
    let all = [
        (
            work.to_verify,
            at("/nominations?state=submitted"),
            "待核实",
            "别人申报的，等您核实",
        ),
        (work.to_decide, at("/sessions"), "待评议", "核实过的，等评议会表决"),
        (to_publish, publish_at, "待公示", "评议通过，等张榜公示"),
        (work.on_notice, at("/notices"), "公示中", "期满没有异议，自动入账"),
        (work.queued, at("/budget"), "排队等预算", "公示期满，等本月预算"),
    ];
    all.into_iter()
        .filter_map(|(count, href, title, hint)| {
            count.map(|count| Tile {
                href,
                title,
                hint,
                count: Some(count),
            })
        })
        .collect()
}

fn tiles(duties: &Duties) -> Vec<Tile> {
    use Permission as P;
    let all = [
        (
            P::Nominate,
            "/nominations/new",
            "申报好事",
            "选住户、选项目、写一句话，半分钟一条",
        ),
        (P::ReadNominations, "/nominations", "申报记录", "报过什么，核实了没有"),
        (
            P::ReadHouseholds,
            "/households",
            "住户与对账单",
            "按户号、姓名或拼音首字母查找，打印对账单",
        ),
        (
            P::ReadReminders,
            "/reminders",
            "提醒单",
            "请住户整改的小事，只给本户看，改好就了结",
        ),
        (P::ReadCouncil, "/budget", "发放预算", "每月最多发多少分，还剩多少"),
        (P::Redeem, "/counter", "柜台", "扫卡、选商品、确认兑换"),
        (P::ReadJournal, "/journal", "兑换流水", "今天兑了什么，作废了什么"),
        (P::ReadStock, "/stock", "商品与库存", "还有多少，哪些快到期"),
        (
            P::ManageProgramme,
            "/import",
            "导入住户",
            "从花名册（CSV、XLSX）导入，先试读再登记",
        ),
        (P::ManageUsers, "/users", "用户与职责", "增加、停用账号，分配职责"),
        (P::ReadAudit, "/audit", "操作记录", "谁在什么时候做了什么"),
    ];
    all.into_iter()
        .filter(|(permission, ..)| duties.permit(*permission))
        .map(|(_, href, title, hint)| Tile {
            href: href.to_owned(),
            title,
            hint,
            count: None,
        })
        .collect()
}

fn overview(conn: &mut Conn, now: Moment) -> Result<Overview> {
    let (households, people) = household::count(conn)?;
    let outstanding = balance::outstanding(conn, AccountKind::Spendable)?;
    let (scheme, rate) = match version::in_force(conn, clock::day_of(now)) {
        Ok(version) => {
            let rate = version::yuan_per_point(conn, &version.id)?;
            (format!("{}（第 {} 版）", version.name, version.version), rate)
        }
        Err(Error::NotFound) => ("还没有载入积分方案".to_owned(), None),
        Err(error) => return Err(error),
    };
    Ok(Overview {
        households,
        people,
        outstanding,
        worth: rate.and_then(|rate| Fen::worth(outstanding, rate)),
        scheme,
    })
}
