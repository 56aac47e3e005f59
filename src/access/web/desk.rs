//! The desk: a person's work today.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::{Duties, Permission};
use crate::app::{App, Staff};
use crate::boards::picture;
use crate::clock::{self, Moment};
use crate::council::web::{Work, work_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::web as honours;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::money::Fen;
use crate::page::{self, Shell};
use crate::places::household;
use crate::points::Points;
use crate::resident::request;
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
    hint: String,
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
    let (work, titles, pictures, requests, overview, staff) = app
        .db
        .read(move |conn| {
            let work = work_of(conn, &staff, now)?;
            let titles = honours::work_of(conn, &staff, now)?;
            let pictures = match staff.duties.permit(Permission::KeepSession) {
                true => pictures_within(conn, &staff)?,
                false => 0,
            };
            let requests = match staff.duties.permit(Permission::ChangeHouseholds) {
                true => Some(requests_within(conn, &staff)?),
                false => None,
            };
            let overview = match staff.duties.permit(Permission::ReadAudit) {
                true => Some(overview(conn, now)?),
                false => None,
            };
            Ok((work, titles, pictures, requests, overview, staff))
        })
        .await?;
    page::show(&DeskPage {
        duties: duties(&work)
            .into_iter()
            .chain(of_titles(&titles))
            .chain((pictures > 0).then(|| pictures_tile(pictures)))
            .chain(requests.map(requests_tile))
            .collect(),
        tiles: tiles(&staff.duties),
        warnings: work.warnings,
        calendar: work.calendar,
        shell: staff.shell,
        overview,
    })
}

/// How many requests of households wait where this person looks after them.
fn requests_within(conn: &mut Conn, staff: &Staff) -> Result<usize> {
    let reach = staff.reach(conn, Permission::ChangeHouseholds)?;
    let ids: Vec<_> = request::waiting(conn)?
        .into_iter()
        .map(|one| one.household_id)
        .collect();
    let homes: HashMap<_, _> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|home| (home.id, home.building_id))
        .collect();
    let within = ids.iter().filter_map(|id| homes.get(id));
    Ok(within.filter(|building| reach.covers(building)).count())
}

/// How many photographs on the board wait for this person to see them.
fn pictures_within(conn: &mut Conn, staff: &Staff) -> Result<usize> {
    let inside = staff.households(conn, Permission::KeepSession)?;
    let mut waiting = picture::kept(conn)?;
    waiting.retain(|one| one.state == picture::State::Proposed && one.added_by != staff.user.id);
    waiting.retain(|one| inside.as_ref().is_none_or(|inside| inside.contains(&one.household_id)));
    Ok(waiting.len())
}

fn pictures_tile(waiting: usize) -> Tile {
    Tile {
        href: "/board/pictures".to_owned(),
        title: "上榜照片待看",
        hint: "别人传的，您看过同意才上榜".to_owned(),
        count: Some(waiting),
    }
}

fn requests_tile(waiting: usize) -> Tile {
    Tile {
        href: "/household-requests".to_owned(),
        title: "住户请求",
        hint: format!("更正、删除、退出，{}天内答复", request::ANSWER_DAYS),
        count: Some(waiting),
    }
}

/// What the person's duties ask for today.
fn duties(work: &Work) -> Vec<Tile> {
    let to_publish = work.to_publish.map(|(rows, _)| rows);
    let publish_at = match work.to_publish {
        Some((_, Some(session))) => format!("/sessions/{session}/notice"),
        _ => "/notices".to_owned(),
    };
    let at = str::to_owned;
    let open = |counts: Option<(usize, usize)>| counts.map(|(open, _)| open);
    let all = [
        (
            work.to_verify,
            at("/nominations?state=submitted"),
            "待核实",
            at("别人申报的，等您核实"),
        ),
        (work.to_decide, at("/sessions"), "待评议", at("核实过的，等评议会表决")),
        (to_publish, publish_at, "待公示", at("评议通过，等张榜公示")),
        (work.on_notice, at("/notices"), "公示中", at("期满没有异议，自动入账")),
        (
            open(work.objections),
            at("/objections"),
            "异议待处理",
            urgent(work.objections, "公示里有人觉得不对的，先核对再答复"),
        ),
        (
            open(work.appeals),
            at("/appeals"),
            "申诉待复议",
            urgent(work.appeals, "由没有参加过评议的人听取、复议"),
        ),
        (work.corrections, at("/corrections"), "更正待确认", at("要第二个人确认")),
        (work.queued, at("/budget"), "排队等预算", at("公示期满，等本月预算")),
    ];
    all.into_iter().filter_map(duty).collect()
}

/// What titles and stars ask for, when they do.
fn of_titles(work: &honours::Work) -> Vec<Tile> {
    let at = str::to_owned;
    let all = [
        (
            work.to_verify,
            at("/title-awards"),
            "称号待核实",
            at("别人申报的，等您核实"),
        ),
        (
            work.to_ballot,
            at("/sessions"),
            "称号待票决",
            at("核实过的，等评议会票决"),
        ),
        (
            work.to_publish,
            at("/sessions"),
            "称号待公示",
            at("票决通过，等张榜公示"),
        ),
        (
            work.stars_to_confirm,
            at("/stars"),
            "星待复核",
            at("别人登记的，等您复核"),
        ),
        (
            work.redress.map(|(open, _)| open),
            at("/title-awards"),
            "称号的异议和申诉",
            urgent(work.redress, "先核对再答复，过期按有利于住户处理"),
        ),
    ];
    all.into_iter().filter_map(duty).collect()
}

fn duty((count, href, title, hint): (Option<usize>, String, &'static str, String)) -> Option<Tile> {
    count.map(|count| Tile {
        href,
        title,
        hint,
        count: Some(count),
    })
}

fn urgent(counts: Option<(usize, usize)>, what: &str) -> String {
    match counts {
        Some((_, urgent)) if urgent > 0 => format!("其中{urgent}件急：办理期限已过半"),
        _ => what.to_owned(),
    }
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
            P::ReadNominations,
            "/gatherings",
            "活动签到",
            "一场活动许多户：门口扫卡签到，或照签到表录入",
        ),
        (
            P::ReadNominations,
            "/volunteering",
            "志愿活动与时间互助",
            "签到签退记小时，另一人确认；一小时换一小时",
        ),
        (P::Vote, "/vote", "评议投票", "开会时在手机上投票，每人一票"),
        (P::ReadCouncil, "/sessions", "评议会", "开会、表决、会议记录"),
        (P::ReadCouncil, "/notices", "积分公示", "评议通过的，公示期满才入账"),
        (
            P::ReadNominations,
            "/title-awards",
            "荣誉称号",
            "申报、票决、公示、授予，打印奖状和荣誉牌",
        ),
        (
            P::ReadNominations,
            "/board",
            "光荣榜",
            "同意上榜的好人好事，电视上轮播，也可打印",
        ),
        (
            P::ReadNominations,
            "/broadcast",
            "播报稿",
            "大喇叭念的稿子，只念同意播报的人家",
        ),
        (
            P::ReadCouncil,
            "/objections",
            "异议、申诉与更正",
            "谁都可以提；逾期没有答复，按有利于住户处理",
        ),
        (
            P::TakeObjection,
            "/objections/take",
            "替人登记异议",
            "当面、电话、纸条说的，记下来给回执",
        ),
        (
            P::ReadCouncil,
            "/council",
            "评议会成员",
            "谁、任期到什么时候、须回避哪些户",
        ),
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
        (
            P::ReadHouseholds,
            "/expiring",
            "即将到期",
            "哪些积分快到期，按楼栋打印，逐户告诉",
        ),
        (
            P::ReadVisits,
            "/visits",
            "入户评比",
            "三位评委打分，取中位数；手机或纸都行",
        ),
        (
            P::ReadPointsRegisters,
            "/dividends",
            "文明股分红",
            "一笔钱按荣誉分分到各户：先试算，会议通过再登记",
        ),
        (P::ReadCouncil, "/budget", "发放预算", "每月最多发多少分，还剩多少"),
        (
            P::ReviewScheme,
            "/scheme/versions",
            "积分办法的版本",
            "起草、审核、居民代表会议通过、施行",
        ),
        (P::Redeem, "/counter", "柜台", "扫卡、选商品、确认兑换"),
        (P::Redeem, "/shift", "开班交班", "开始当班、交接、接别人没交的班"),
        (
            P::ReadJournal,
            "/shifts",
            "交班记录",
            "每一班兑了多少，清点差多少，谁稽核的",
        ),
        (P::ReadJournal, "/deliveries", "送货上门", "配货单、签收单，送到没有"),
        (P::ReadJournal, "/store", "超市规则", "兑换日、柜台、退货期、按类限兑"),
        (P::ReadJournal, "/journal", "兑换流水", "今天兑了什么，作废了什么"),
        (P::ReadStock, "/stock", "商品与库存", "还有多少，哪些快到期"),
        (P::KeepGoods, "/goods", "商品目录", "登记商品、改积分、打印货架标签"),
        (
            P::ReceiveStock,
            "/stock/receipts",
            "入库单",
            "采购、捐赠、调拨，一张单子多行",
        ),
        (P::CountStock, "/stocktakes", "盘点与报损", "盲盘、差异原因、另一人确认"),
        (P::RecordWishes, "/wishes", "心愿单", "住户想要什么，每户一票"),
        (
            P::ReadGoodsRegisters,
            "/registers",
            "台账与月报",
            "发放、兑换、出入库、捐赠，按月查看、打印、导出",
        ),
        (
            P::ReadSettlements,
            "/partners",
            "定点商户与结算",
            "协议、商品与结算价，每月一张结算单",
        ),
        (
            P::ManageProgramme,
            "/import",
            "导入住户",
            "从花名册（CSV、XLSX）导入，先试读再登记",
        ),
        (
            P::ManageProgramme,
            "/areas",
            "社区、网格与楼栋",
            "楼栋划到另一个网格，网格划到另一个社区",
        ),
        (
            P::ManageProgramme,
            "/programme",
            "办公室与落款",
            "办公地点、电话，盖章的单位名称",
        ),
        (P::ManageUsers, "/users", "用户与职责", "增加、停用账号，分配职责"),
        (P::ReadAudit, "/audit", "操作记录", "谁在什么时候做了什么"),
        (P::ReadAudit, "/retention", "资料留多久", "什么留多久，什么时候删过什么"),
        (
            P::ReadFeedback,
            "/feedback/sentences",
            "住户写的意见",
            "评服务时写的话，不知道是哪一户",
        ),
        (
            P::TakeObjection,
            "/feedback/entry",
            "录入评价条",
            "住户写在纸上的服务评价，自己那一项请别人录",
        ),
        (
            P::ReadNominations,
            "/papers",
            "打印",
            "对账单、公示、卡片、奖状……做成PDF",
        ),
        (
            P::Nominate,
            "/forms",
            "表单录入",
            "交回的签到表、评分表照编号录入，可以拍照",
        ),
    ];
    all.into_iter()
        .filter(|(permission, ..)| duties.permit(*permission))
        .map(|(_, href, title, hint)| Tile {
            href: href.to_owned(),
            title,
            hint: hint.to_owned(),
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
            (format!("{}（第{}版）", version.name, version.version), rate)
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
