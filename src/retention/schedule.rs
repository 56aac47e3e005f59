//! What is kept how long, what was deleted when, and what is next: for those who supervise (SG16).
//!
//! Each room throws away its own when its time is over; this only says so. What is deleted by itself leaves a line in the
//! record with how many there were.

use chrono::Months;

use crate::access::lookup;
use crate::audit;
use crate::boards::picture;
use crate::clock::{Day, Moment, day_of};
use crate::council::evidence;
use crate::db::Conn;
use crate::error::Result;
use crate::feedback::answer;
use crate::places::standing;

/// For how many years the books are kept with names, unless the server was told otherwise: as account books are.
pub const LEDGER_YEARS: u32 = 10;

/// Something that is kept, and until when.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What.
    pub what: &'static str,
    /// How long, in words.
    pub how_long: String,
    /// What happens then.
    pub then: &'static str,
    /// How many there are now, with their unit; empty where nobody counts them.
    pub now: String,
    /// The next day on which some of it is due, as far as that is known.
    pub next: Option<Day>,
}

/// Something that was deleted.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// When.
    pub at: Moment,
    /// What.
    pub what: &'static str,
    /// How many, or which household.
    pub how_many: String,
    /// A user's id, or `system`.
    pub by: String,
}

/// What the record calls a deletion, and what people call it.
const ACTS: [(&str, &str); 6] = [
    ("evidence.deleted", "好事照片"),
    ("board_picture.deleted", "上榜照片"),
    ("lookups.deleted", "查阅记录"),
    ("senders.deleted", "异议、申诉的称呼和联系方式"),
    ("feedback_marks.deleted", "评价的防重记号"),
    ("household.deleted", "住户资料"),
];
/// Deletions on the page.
const SHOWN: i64 = 100;

/// What is kept how long.
///
/// # Errors
/// Only when the database fails.
pub fn kept(conn: &mut Conn, ledger_years: u32, now: Moment) -> Result<Vec<Kept>> {
    let today = day_of(now);
    let (photos, photos_next) = evidence::waiting(conn)?;
    let (pictures, pictures_next) = picture::over::waiting(conn, today)?;
    let (looks, looks_next) = lookup::waiting(conn)?;
    let marks = answer::marks(conn)?;
    let left = standing::left(conn)?;
    let years = Months::new(ledger_years.saturating_mul(12));
    let over = left.iter().filter_map(|on| on.checked_add_months(years));
    Ok(vec![
        Kept {
            what: "好事照片",
            how_long: "公示结束后12个月".to_owned(),
            then: "自动删除文件，留一行记录",
            now: format!("{photos}张"),
            next: photos_next,
        },
        Kept {
            what: "上榜照片",
            how_long: format!(
                "到下一季度末；收回同意满{}天、迁出的提前",
                picture::over::WITHDRAWN_DAYS
            ),
            then: "自动删除文件，留一行记录",
            now: format!("{pictures}张"),
            next: pictures_next,
        },
        Kept {
            what: "谁查阅过住户资料",
            how_long: "两年".to_owned(),
            then: "自动删除",
            now: format!("{looks}条"),
            next: looks_next,
        },
        Kept {
            what: "账目和操作记录",
            how_long: format!("账本一直留着，户名至少留{ledger_years}年"),
            then: "迁出满年限的户，两人办理删除姓名、门牌和文字，数字不动",
            now: format!("已迁出{}户", left.len()),
            next: over.min(),
        },
        Kept {
            what: "异议、申诉的称呼和联系方式",
            how_long: "作出决定后12个月".to_owned(),
            then: "自动删除，内容和决定留着",
            now: String::new(),
            next: None,
        },
        Kept {
            what: "服务评价的防重记号",
            how_long: "到季度末".to_owned(),
            then: "自动删除；评价本来就不记是哪一户",
            now: format!("{marks}个"),
            next: (marks > 0).then(|| crate::clock::Span::quarter_of(today).until),
        },
        Kept {
            what: "住户手机上的登录、试错密码的次数",
            how_long: "一小时、一天".to_owned(),
            then: "到时作废",
            now: String::new(),
            next: None,
        },
        Kept {
            what: "批量打印的文件",
            how_long: "一天".to_owned(),
            then: "自动删除",
            now: String::new(),
            next: None,
        },
    ])
}

/// What was deleted, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn deleted(conn: &mut Conn) -> Result<Vec<Deleted>> {
    let acts = ACTS.map(|(act, _)| act);
    let lines = audit::of_acts(conn, &acts, SHOWN)?;
    let told = lines.into_iter().filter_map(|line| {
        let (_, what) = ACTS.iter().find(|(act, _)| *act == line.act)?;
        Some(Deleted {
            at: line.recorded_at,
            what,
            how_many: line.detail.split(' ').next().unwrap_or_default().to_owned(),
            by: line.actor,
        })
    });
    Ok(told.collect())
}
