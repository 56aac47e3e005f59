//! The record of acts, in the words of the field.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::audit::{self, Event};
use crate::clock::{self};
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "access/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<AuditRow>,
    older: Option<Id<Event>>,
}

struct AuditRow {
    at: String,
    actor: String,
    act: String,
    subject: String,
    /// Where the subject is shown; empty where it is not.
    href: String,
    detail: String,
}

/// From where back.
#[derive(Deserialize)]
pub struct Before {
    before: Option<String>,
}

/// Lines on a page of the record.
const AUDIT_PAGE: i64 = 100;

/// `GET /audit`
///
/// # Errors
/// Only when the database fails.
pub async fn audit(State(app): State<App>, staff: Staff, Query(before): Query<Before>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let before = before.before.map(Id::known);
            let events = audit::events(conn, before.as_ref(), AUDIT_PAGE)?;
            let actors: Vec<Id<User>> = events.iter().map(|event| Id::known(event.actor.clone())).collect();
            let names = user::display_names(conn, &actors)?;
            let full = i64::try_from(events.len()).unwrap_or(0) == AUDIT_PAGE;
            let older = events.last().filter(|_| full).map(|last| last.id.clone());
            let rows = events.into_iter().map(|event| row(event, &names)).collect();
            Ok(AuditPage {
                shell: staff.shell,
                rows,
                older,
            })
        })
        .await?;
    page::show(&page)
}

fn row(event: Event, names: &HashMap<Id<User>, String>) -> AuditRow {
    let actor = match names.get(&Id::known(event.actor.clone())) {
        Some(name) => name.clone(),
        None if event.actor == "system" => "系统".to_owned(),
        None if is_the_households_own(&event) => "住户本人".to_owned(),
        None => event.actor,
    };
    let (subject, href) = subject_in_words(&event.subject);
    AuditRow {
        at: clock::spoken(event.recorded_at),
        actor,
        act: act_in_words(&event.act).to_owned(),
        subject,
        href,
        detail: detail_in_words(&event.detail),
    }
}

/// Did the household do it itself, at its own pages? Then the actor is its id.
fn is_the_households_own(event: &Event) -> bool {
    matches!(event.act.as_str(), "resident_request.made" | "title_appeal.filed")
        || event.subject.strip_prefix("household:") == Some(&event.actor)
}

/// What an act was about, and where that is shown.
fn subject_in_words(subject: &str) -> (String, String) {
    let Some((kind, id)) = subject.split_once(':') else {
        return ("本项目".to_owned(), String::new());
    };
    let (words, href) = match kind {
        "award" => ("看申报".to_owned(), format!("/nominations/{id}")),
        "redemption" => ("看小票".to_owned(), format!("/redemptions/{id}")),
        "shift" => (format!("第{id}号班"), format!("/shifts/{id}")),
        "offline_conflict" => ("看断网单据".to_owned(), "/offline-sales".to_owned()),
        "print_job" => ("看打印任务".to_owned(), format!("/print-jobs/{id}")),
        "session" => (format!("第{id}次评议会"), format!("/sessions/{id}")),
        "notice" => (format!("第{id}号公示"), format!("/notices/{id}")),
        "title_award" => ("看称号".to_owned(), format!("/title-awards/{id}")),
        "title_notice" => (format!("第{id}号称号公示"), format!("/title-notices/{id}")),
        "star" => ("看有哪些星".to_owned(), "/stars".to_owned()),
        "star_entry" => ("看登记的星".to_owned(), format!("/star-entries/{id}")),
        "honour_title" => ("看有哪些称号".to_owned(), "/titles".to_owned()),
        "reminder" => ("看提醒单".to_owned(), format!("/reminders/{id}")),
        "gathering" => ("看活动".to_owned(), format!("/gatherings/{id}")),
        "visit" => ("看评比".to_owned(), format!("/visits/{id}")),
        "council_member" | "member" => ("看成员".to_owned(), format!("/council/members/{id}")),
        "budget" => ("看预算".to_owned(), "/budget".to_owned()),
        "household" => (format!("住户{id}"), String::new()),
        "resident_request" => ("看住户请求".to_owned(), "/household-requests".to_owned()),
        "user" => (format!("用户{id}"), String::new()),
        "goods" => (format!("商品{id}"), format!("/goods/{id}")),
        "receipt" => (format!("第{id}号入库单"), format!("/stock/receipts/{id}")),
        "write_off" => ("看报损单".to_owned(), format!("/stock/write-offs/{id}")),
        "stocktake" => ("看盘点".to_owned(), format!("/stocktakes/{id}")),
        "donor" => ("看捐赠人".to_owned(), format!("/donors/{id}")),
        "wish" => ("看心愿".to_owned(), "/wishes".to_owned()),
        "store" => ("积分超市".to_owned(), "/store".to_owned()),
        "till" => ("柜台".to_owned(), "/store".to_owned()),
        "counter_rules" => (format!("第{id}版柜台规则"), "/store".to_owned()),
        "partner" => ("看定点商户".to_owned(), format!("/partners/{id}")),
        "settlement" => (format!("第{id}号结算单"), format!("/settlements/{id}")),
        "volunteer_event" => ("看志愿活动".to_owned(), format!("/volunteering/{id}")),
        "time_help" => ("看互助".to_owned(), format!("/time-helps/{id}")),
        "time_pool" => ("爱心时间池".to_owned(), "/volunteering/register".to_owned()),
        "dividend" => (format!("第{id}次分红"), format!("/dividends/{id}")),
        "lot" => (format!("第{id}批"), String::new()),
        "day" => (id.to_owned(), String::new()),
        "area" => ("区划".to_owned(), String::new()),
        "scheme" => ("方案".to_owned(), String::new()),
        "scheme_draft" => ("方案草案".to_owned(), String::new()),
        "evidence" => ("凭证".to_owned(), String::new()),
        "board_picture" if id.is_empty() => ("上榜照片".to_owned(), String::new()),
        "board_picture" => ("看上榜照片".to_owned(), format!("/board/pictures/{id}")),
        _ => (subject.to_owned(), String::new()),
    };
    (words, href)
}

/// Details are words for programs with numbers between them; people read them in their own language, word by word.
fn detail_in_words(detail: &str) -> String {
    let words: Vec<&str> = detail.split(' ').collect();
    if let ["motion", number, outcome, votes] = words.as_slice()
        && let [for_it, against, abstained] = votes.split(':').collect::<Vec<_>>().as_slice()
    {
        let outcome = word_in_words(outcome);
        return format!("第{number}项{outcome}：赞成{for_it}，反对{against}，弃权{abstained}");
    }
    let words: Vec<&str> = words.into_iter().map(word_in_words).collect();
    words.join(" ")
}

fn word_in_words(word: &str) -> &str {
    match word {
        "scanned" => "扫卡",
        "typed" => "手输卡号",
        "approved" => "通过",
        "declined" => "未通过",
        "motion" => "表决项",
        "member" => "成员",
        "judge" => "评委",
        "none" => "未评",
        "homes" => "户",
        "revision" => "修改稿",
        "reversal" => "冲正",
        "registered," => "户已登记，",
        "refused" => "户未登记",
        "demo" => "演示",
        _ => word,
    }
}

/// The acts that rooms record, in the words of the field. `tests/house/record.rs` holds that none is missing.
fn act_in_words(act: &str) -> &'static str {
    match act {
        "programme.founded" => "建立项目",
        "programme.changed" => "变更办公室与落款",
        "user.added" => "增加用户",
        "user.disabled" => "停用用户",
        "user.duty_added" => "增加职责",
        "user.duty_ended" => "结束职责",
        "households.imported" => "导入住户",
        "household.deletion_proposed" => "提出删除住户资料",
        "household.deletion_refused" => "不予删除住户资料",
        "household.deleted" => "删除住户资料",
        "household.head_changed" => "变更户主",
        "household.left" => "住户离开",
        "household.merged" => "并户",
        "household.moved" => "住户搬迁",
        "household.rejoined" => "住户返回",
        "household.resized" => "变更人口",
        "household.split" => "分户",
        "household.staff_flagged" => "标记工作人员家庭",
        "area.moved" => "调整区划",
        "consent.given" => "登记同意",
        "consent.withdrawn" => "撤回同意",
        "consent_form.keyed" => "录入同意书",
        "card.issued" => "制发积分卡",
        "card.stopped" => "停用积分卡",
        "award.nominated" => "申报",
        "award.reported_over_cap" => "超上限申报",
        "award.verified" => "核实通过",
        "award.returned" => "退回申报",
        "award.withdrawn" => "撤回申报",
        "award.declined" => "评议未通过",
        "award.public_text" => "写公示说明",
        "award.queued" => "排队等预算",
        "award.posted" => "积分入账",
        "award.reversed" => "冲正积分",
        "award.granted_on_appeal" => "申诉后入账",
        "evidence.attached" => "上传凭证",
        "evidence.deleted" => "删除到期凭证",
        "board_picture.added" => "上传上榜照片",
        "board_picture.approved" => "同意照片上榜",
        "board_picture.refused" => "不同意照片上榜",
        "board_picture.taken_down" => "撤下上榜照片",
        "board_picture.deleted" => "删除到期上榜照片",
        "lookups.deleted" => "删除到期查阅记录",
        "senders.deleted" => "删除到期联系方式",
        "feedback.keyed" => "录入评价条",
        "feedback_marks.deleted" => "删除评价的防重记号",
        "gathering.opened" => "开始签到",
        "gathering.closed" => "结束签到",
        "gathering.struck" => "划去签到",
        "volunteer_event.announced" => "发布志愿活动",
        "volunteer_event.keyed" => "录入志愿时间",
        "volunteer_event.struck" => "划去志愿时间",
        "volunteer_event.confirmed" => "确认志愿时长",
        "volunteer_event.cancelled" => "取消志愿活动",
        "time_help.recorded" => "登记时间互助",
        "time.taken_back" => "冲正时间积分",
        "time_pool.set" => "设定爱心时间池上限",
        "council.appointed" => "聘任评议会成员",
        "council.ended" => "评议会成员离任",
        "council.kin_declared" => "登记亲属回避",
        "council.kin_withdrawn" => "撤销亲属登记",
        "session.convened" => "召集评议会",
        "session.arrived" => "评议会签到",
        "session.opened" => "评议会开会",
        "session.closed" => "评议会结束",
        "session.cancelled" => "取消评议会",
        "motion.decided" => "评议表决",
        "motion.pulled_out" => "单独表决",
        "motion.stepped_back" => "评议回避",
        "notice.published" => "发布公示",
        "star.defined" => "设星",
        "star.retired" => "停用一颗星",
        "star.keyed" => "登记评定的星",
        "star.given" => "给住户评星",
        "star.refused" => "退回登记的星",
        "title.defined" => "登记称号",
        "title.retired" => "停用称号",
        "title_award.nominated" => "申报称号",
        "title_award.verified" => "核实称号",
        "title_award.withdrawn" => "撤回称号申报",
        "title_award.counted" => "确认称号票数",
        "title_award.balloted" => "称号票决通过",
        "title_award.tied" => "称号同票再投",
        "title_award.declined" => "称号未通过",
        "title_award.conferred" => "授予称号",
        "title_award.rewarded" => "称号奖励入账",
        "title_award.revoked" => "撤销称号",
        "title_notice.published" => "发布称号公示",
        "title_objection.filed" => "对称号提出异议",
        "title_objection.upheld" => "称号异议成立",
        "title_objection.dismissed" => "称号异议不成立",
        "title_objection.lapsed" => "称号异议不用再处理",
        "title_appeal.filed" => "称号申诉",
        "title_appeal.accepted" => "受理称号申诉",
        "title_appeal.opinion" => "称号申诉意见",
        "title_appeal.upheld" => "称号申诉成立",
        "title_appeal.dismissed" => "称号申诉不成立",
        "title_appeal.lapsed" => "称号申诉不用再办",
        "objection.filed" => "提出异议",
        "objection.escalated" => "异议转上级",
        "objection.dismissed" => "异议不成立",
        "objection.upheld" => "异议成立",
        "appeal.filed" => "提出申诉",
        "appeal.accepted" => "受理申诉",
        "appeal.heard" => "听取申诉",
        "appeal.opinion" => "申诉意见",
        "appeal.escalated" => "申诉转上级",
        "appeal.settled" => "申诉和解",
        "appeal.dismissed" => "申诉不成立",
        "appeal.upheld" => "申诉成立",
        "appeal.withdrawn" => "撤回申诉",
        "correction.proposed" => "提出更正",
        "correction.confirmed" => "确认更正",
        "correction.refused" => "不同意更正",
        "reminder.issued" => "发出提醒单",
        "reminder.acknowledged" => "提醒单已送达",
        "reminder.fixed" => "提醒已整改",
        "reminder.confirmed" => "复核未改并告知",
        "reminder.objected" => "对提醒有异议",
        "reminder.objection_upheld" => "提醒异议成立",
        "reminder.objection_dismissed" => "提醒异议不成立",
        "reminder.reduced" => "荣誉分减少",
        "reminder.repaired" => "荣誉分恢复",
        "reminder.restored" => "荣誉分恢复",
        "reminder.lapsed" => "提醒逾期",
        "reminder.withdrawn" => "撤回提醒单",
        "visit.made" => "安排入户评比",
        "visit.marked" => "入户打分",
        "visit.closed" => "入户评比结束",
        "visit.discarded" => "入户评比作废",
        "budget.set" => "设定预算",
        "redemption.made" => "兑换",
        "redemption.voided" => "作废兑换",
        "redemption.refunded" => "退货",
        "shift.opened" => "开班",
        "shift.closed" => "交班",
        "shift.taken_over" => "接班",
        "shift.audited" => "稽核交班",
        "offline_sale.refused" => "断网单据没有入账",
        "offline_sale.decided" => "处理断网单据",
        "print_job.asked" => "批量打印",
        "print_job.discarded" => "删除批量打印的文件",
        "till.added" => "添置柜台",
        "till.withdrawn" => "停用柜台",
        "counter_rules.set" => "设定柜台规则",
        "store.opening_set" => "设定兑换日",
        "store.day_set" => "设定特别日",
        "proxy.registered" => "登记代领人",
        "proxy.ended" => "取消代领人",
        "pin.set" => "设定住户密码",
        "pin.unlocked" => "解锁住户查询",
        "book.checked" => "住户核对账本",
        "book.checked_on_paper" => "记下书面确认账本",
        "resident_request.made" => "住户提出请求",
        "resident_request.answered" => "答复住户请求",
        "delivery.packed" => "配货",
        "delivery.delivered" => "送货签收",
        "delivery.came_back" => "没有送到",
        "stock.received" => "商品入库",
        "stock.receipt_made" => "开入库单",
        "stock.transferred" => "店间调拨",
        "goods.registered" => "登记商品",
        "goods.changed" => "修改商品",
        "goods.repriced" => "改积分",
        "goods.hidden" => "停兑商品",
        "goods.offered_again" => "恢复兑换",
        "goods.photographed" => "换商品照片",
        "goods.imported" => "导入商品",
        "donor.registered" => "登记捐赠人",
        "donor.forgotten" => "捐赠人不再留名",
        "write_off.proposed" => "提出报损",
        "write_off.decided" => "办理报损",
        "stocktake.opened" => "开始盘点",
        "stocktake.counted" => "录入清点数",
        "stocktake.closed" => "结束清点",
        "stocktake.explained" => "写明盘点差异原因",
        "stocktake.decided" => "确认或退回盘点",
        "stocktake.cancelled" => "盘点作废",
        "wish.recorded" => "登记心愿",
        "wish.voiced" => "替住户投心愿",
        "wish.decided" => "答复心愿",
        "partner.added" => "增加定点商户",
        "partner.agreed" => "登记商户协议",
        "partner.priced" => "定商户兑换价",
        "dividend.resolved" => "登记分红决议",
        "dividend.annulled" => "作废分红决议",
        "settlement.made" => "出结算单",
        "settlement.disputed" => "提出结算争议",
        "settlement.dispute_decided" => "处理结算争议",
        "settlement.confirmed" => "确认结算单",
        "settlement.paid" => "记下结算付款",
        "scheme.loaded" => "载入方案",
        "scheme.drafted" => "起草方案",
        "scheme.draft_changed" => "修改方案草案",
        "scheme.draft_moved" => "方案草案流转",
        "scheme.adopted" => "通过方案",
        "scheme.suspended" => "暂停方案",
        "scheme.resumed" => "恢复方案",
        "scheme.override_proposed" => "提出放行",
        "scheme.override_confirmed" => "确认放行",
        "demo.moved" => "演示快进",
        _ => "其他操作",
    }
}
