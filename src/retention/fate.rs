//! What becomes of every table when a household is deleted: the one list (SG15).
//!
//! Amounts, days, numbers and the household's code stay, so that the books still prove themselves; whatever says who it was
//! becomes [`DELETED`]. Words are overwritten in two ways: in rows that belong to the household, all of them; in rows that
//! belong to somebody else, its head's name where it stands written out. `tests/retention.rs` holds that no table is missing
//! here, and looks for name, telephone and door in every table of both databases afterwards.
//!
//! What this does not do: a copy of the database that lies elsewhere knows what it knew; the page says so. The code of a
//! household names its door to whoever reads codes. A namesake elsewhere in the programme keeps the name in other people's
//! rows as it is, because nobody can tell whom it means.

use crate::db::{Conn, by_name};
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{DELETED, Household};

/// What becomes of the rows of a table that are about the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They go.
    Gone,
    /// These words become [`DELETED`]; the rest of the row stays.
    Overwritten(&'static [&'static str]),
    /// As [`Fate::Overwritten`], in rows that the guards let nobody change otherwise: such words become [`DELETED`] and
    /// nothing else.
    OverwrittenInTheBooks(&'static [&'static str]),
    /// They stay as they are, and say why.
    Kept(&'static str),
}

/// A table and its fate.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The table.
    pub table: &'static str,
    /// What it holds, as people call it.
    pub what: &'static str,
    /// What becomes of it.
    pub fate: Fate,
    /// Which rows are about the household: a condition in which `$1` is its id. Empty where only names in words are looked
    /// for.
    rows: &'static str,
}

const fn gone(table: &'static str, what: &'static str, rows: &'static str) -> Line {
    let fate = Fate::Gone;
    Line {
        table,
        what,
        fate,
        rows,
    }
}

const fn overwritten(
    table: &'static str,
    what: &'static str,
    rows: &'static str,
    words: &'static [&'static str],
) -> Line {
    let fate = Fate::Overwritten(words);
    Line {
        table,
        what,
        fate,
        rows,
    }
}

const fn in_the_books(
    table: &'static str,
    what: &'static str,
    rows: &'static str,
    words: &'static [&'static str],
) -> Line {
    let fate = Fate::OverwrittenInTheBooks(words);
    Line {
        table,
        what,
        fate,
        rows,
    }
}

const fn kept(table: &'static str, what: &'static str, rows: &'static str, why: &'static str) -> Line {
    let fate = Fate::Kept(why);
    Line {
        table,
        what,
        fate,
        rows,
    }
}

const OWN: &str = "household_id = $1";
const OF_ITS_DEEDS: &str = "nomination_id IN (SELECT id FROM nominations WHERE household_id = $1)";
const OF_ITS_SLIPS: &str = "redemption_id IN (SELECT id FROM redemptions WHERE household_id = $1)";
const OF_ITS_APPEALS: &str = "appeal_id IN (SELECT id FROM appeals WHERE household_id = $1)";
const OF_ITS_TITLES: &str = "award_id IN (SELECT id FROM title_awards WHERE household_id = $1)";
const OF_ITS_HELPS: &str = "helper_household_id = $1 OR helped_household_id = $1";
const AMOUNTS: &str = "账目要对得上，只有户号和数";

/// Every table that knows households, and what becomes of it. Its order is the page's.
pub const FATES: &[Line] = &[
    overwritten(
        "households",
        "户主姓名、门牌、人口",
        "id = $1",
        // Done by `places`, which knows what must stand there.
        &[],
    ),
    in_the_books("household_residences", "从前的门牌", OWN, &["stairwell", "room"]),
    overwritten("consent_forms", "同意书上的经办人", OWN, &["taken_by"]),
    in_the_books("household_events", "变更记录的原因和说明", OWN, &["reason", "detail"]),
    overwritten("pickup_proxies", "代领人姓名、关系", OWN, &["name", "relation"]),
    in_the_books("proxy_pickups", "谁来代领过", OF_ITS_SLIPS, &["person"]),
    gone("household_pins", "查询密码", OWN),
    gone("resident_sessions", "手机上的登录", OWN),
    gone(
        "resident_tries",
        "试错密码的次数",
        "card_number IN (SELECT number FROM cards WHERE household_id = $1)",
    ),
    overwritten("resident_requests", "住户请求和答复的文字", OWN, &["note", "answer"]),
    gone("wish_voices", "心愿单上的一票", OWN),
    overwritten("cards", "发卡、停卡的原因", OWN, &["issue_reason", "stop_reason"]),
    overwritten(
        "nominations",
        "申报、核实、公示的文字",
        OWN,
        &["note", "public_text", "decision_reason", "ending_reason"],
    ),
    gone("evidence", "好事的照片文件", OF_ITS_DEEDS),
    overwritten(
        "board_pictures",
        "上榜照片的文字（照片文件删除）",
        OWN,
        &["words", "ending_reason"],
    ),
    overwritten(
        "objections",
        "对它公示条目的异议",
        OF_ITS_DEEDS,
        &["reason", "decision_reason"],
    ),
    overwritten(
        "appeals",
        "申诉的文字和联系方式",
        OWN,
        &["reason", "contact", "hearing", "decision_reason"],
    ),
    overwritten("appeal_panellists", "申诉评议意见的文字", OF_ITS_APPEALS, &["reason"]),
    overwritten(
        "award_corrections",
        "更正的文字",
        OF_ITS_DEEDS,
        &["reason", "decision_reason"],
    ),
    overwritten(
        "reminder_notes",
        "提醒单的文字",
        OWN,
        &["seen", "place", "unfixed_note", "closing_reason"],
    ),
    overwritten(
        "reminder_objections",
        "对提醒的异议",
        "reminder_id IN (SELECT id FROM reminder_notes WHERE household_id = $1)",
        &["reason", "decision_reason"],
    ),
    overwritten("visit_rows", "入户评比的备注", OWN, &["outcome_note"]),
    overwritten(
        "visit_marks",
        "入户评比扣分的原因",
        "EXISTS (SELECT 1 FROM visit_rows WHERE visit_rows.sheet_id = visit_marks.sheet_id \
         AND visit_rows.position = visit_marks.row_position AND visit_rows.household_id = $1)",
        &["reason"],
    ),
    overwritten("visit_judges", "当评委时的姓名", OWN, &["name"]),
    overwritten("gathering_rows", "活动签到没有通过的原因", OWN, &["refusal"]),
    overwritten("council_members", "任评议会成员时的姓名", OWN, &["name"]),
    overwritten("kin_declarations", "与评议会成员的亲属关系", OWN, &["relation"]),
    overwritten("users", "停用的工作人员账号上的姓名", OWN, &["display_name"]),
    overwritten("title_awards", "称号的事迹和理由", OWN, &["reason", "ending_reason"]),
    overwritten(
        "title_objections",
        "对称号的异议",
        OF_ITS_TITLES,
        &["reason", "decision_reason"],
    ),
    overwritten(
        "title_appeals",
        "称号申诉的文字和联系方式",
        OF_ITS_TITLES,
        &["reason", "contact", "decision_reason"],
    ),
    overwritten(
        "title_panellists",
        "称号申诉意见的文字",
        "appeal_id IN (SELECT id FROM title_appeals WHERE award_id IN \
         (SELECT id FROM title_awards WHERE household_id = $1))",
        &["reason"],
    ),
    overwritten(
        "star_entries",
        "登记的星退回的原因",
        "id IN (SELECT entry_id FROM star_entry_households WHERE household_id = $1)",
        &["refusal"],
    ),
    in_the_books("redemption_voids", "作废小票的原因", OF_ITS_SLIPS, &["reason"]),
    in_the_books("refunds", "退货的原因", OF_ITS_SLIPS, &["reason"]),
    overwritten("volunteer_stays", "志愿签到没有通过的原因", OWN, &["refusal"]),
    in_the_books("time_helps", "互助的事由", OF_ITS_HELPS, &["what", "reason"]),
    in_the_books(
        "time_corrections",
        "收回时间积分的原因",
        "transaction_number IN (SELECT transaction_number FROM volunteer_stays WHERE household_id = $1 UNION ALL \
         SELECT transaction_number FROM time_helps WHERE helper_household_id = $1 OR helped_household_id = $1)",
        &["reason"],
    ),
    overwritten("deliveries", "送货的备注", OF_ITS_SLIPS, &["note", "ended_note"]),
    overwritten("offline_conflicts", "断网单据的说明", OWN, &["reason", "note"]),
    in_the_books(
        "audit_events",
        "操作记录的说明（谁、何时、办了什么留着）",
        "subject = 'household:' || $1 OR (act IN ('redemption.voided', 'redemption.refunded') \
         AND subject IN (SELECT 'redemption:' || id FROM redemptions WHERE household_id = $1))",
        &["detail"],
    ),
    overwritten("motion_recusals", "回避的原因", "", &["reason"]),
    overwritten("council_sessions", "会议纪要里的姓名", "", &["minutes"]),
    overwritten("feedback_sentences", "评价意见里的姓名", "", &["sentence"]),
    overwritten("wishes", "心愿里的姓名", "", &["name", "note", "answer"]),
    kept("accounts", "账户", "owner = $1", AMOUNTS),
    kept(
        "entries",
        "每一笔账",
        "account_id IN (SELECT id FROM accounts WHERE owner = $1)",
        AMOUNTS,
    ),
    kept("redemptions", "兑换小票", OWN, AMOUNTS),
    kept("dividend_shares", "分红份额", OWN, AMOUNTS),
    kept("book_checks", "核对账本", OWN, AMOUNTS),
    kept(
        "filed_confirmations",
        "核对账本后的申报",
        OWN,
        "评议的依据，只有户号、日期和没有申报的原因",
    ),
    kept("star_awards", "评过的星", OWN, "评议会的决定，只有户号"),
    kept(
        "star_entry_households",
        "登记过、等复核的星",
        OWN,
        "评议会的决定，只有户号",
    ),
    kept(
        "household_consents",
        "同意事项",
        OWN,
        "从前公示、上榜的依据，只有户号和日期",
    ),
    kept("household_lookups", "谁查阅过", OWN, "监督用，满两年自动删除"),
    kept(
        "household_deletions",
        "删除的办理记录",
        OWN,
        "只有户号、两位经办人和日期",
    ),
];

/// Tables that know no household, or know of it its id or its code and nothing else. A table is in this list or in [`FATES`].
pub const UNTOUCHED: &[&str] = &[
    "requests",
    "transactions",
    "holds",
    "held_points",
    "expiry_runs",
    "programmes",
    "areas",
    "area_moves",
    "user_roles",
    "sessions",
    "api_tokens",
    "scheme_versions",
    "evaluation_categories",
    "scoring_items",
    "scheme_drafts",
    "scheme_overrides",
    "scheme_override_confirmations",
    "scheme_resolutions",
    "scheme_suspensions",
    "attendances",
    "motions",
    "ballots",
    "tallies",
    "public_notices",
    "issuance_budgets",
    "clockwork",
    "motion_rows",
    "visit_sheets",
    "gatherings",
    "honour_titles",
    "title_notices",
    "title_ballots",
    "title_ballot_voters",
    "honour_stars",
    "points_stores",
    "goods_items",
    "stock_lots",
    "redemption_lines",
    "stock_movements",
    "tills",
    "shifts",
    "shift_counts",
    "held_baskets",
    "till_holds",
    "held_goods",
    "offline_sales",
    "refused_tries",
    "counter_rules",
    "category_limits",
    "opening_patterns",
    "special_days",
    "refund_lines",
    "goods_prices",
    // A donor is forgotten on its own page.
    "donors",
    "stock_receipts",
    "stock_receipt_lines",
    "write_offs",
    "write_off_lines",
    "stocktakes",
    "stocktake_counts",
    "stocktake_reasons",
    "stocktake_postings",
    "partner_agreements",
    "partner_prices",
    "partner_sales",
    "cash_top_ups",
    "settlements",
    "settlement_lines",
    "settlement_disputes",
    "print_jobs",
    // What could not be printed is kept without the words around it: the code finds the household (`Refusal::to_be_kept`).
    "print_parts",
    "dividends",
    "dividend_annulments",
    "feedback_counts",
    "feedback_marks",
    "volunteer_events",
    "time_pool_limits",
];

/// Tables whose words are a name and not about somebody: a namesake's stays.
const NAMES: [&str; 5] = [
    "households",
    "users",
    "council_members",
    "visit_judges",
    "pickup_proxies",
];

/// How many rows of each table are about the household.
///
/// # Errors
/// Only when the database fails.
pub fn count(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<(&'static Line, i64)>> {
    let lines = FATES.iter().filter(|line| !line.rows.is_empty());
    lines
        .map(|line| Ok((line, by_name::count(conn, line.table, line.rows, household.as_str())?)))
        .collect()
}

/// Takes what says who it was out of the rows of a household. Its own row is the work of `places`, its photographs that of
/// `council` and `boards`.
pub(super) fn overwrite(conn: &mut Conn, household: &Id<Household>) -> Result<()> {
    let lines = FATES.iter().filter(|line| !line.rows.is_empty());
    for Line { table, fate, rows, .. } in lines {
        match fate {
            Fate::Gone if *table == "evidence" => {}
            Fate::Gone => {
                let statement = format!("DELETE FROM {table} WHERE {rows}");
                by_name::change(conn, &statement, household.as_str())?;
            }
            Fate::Overwritten(words) | Fate::OverwrittenInTheBooks(words) => {
                for word in *words {
                    let statement = format!("UPDATE {table} SET {word} = '{DELETED}' WHERE {word} <> '' AND ({rows})");
                    by_name::change(conn, &statement, household.as_str())?;
                }
            }
            Fate::Kept(_) => {}
        }
    }
    Ok(())
}

/// Takes a name out of everybody's words. In the books the whole of the words goes: the guards let nothing else.
pub(super) fn overwrite_name(conn: &mut Conn, name: &str) -> Result<()> {
    for Line { table, fate, .. } in FATES.iter().filter(|line| !NAMES.contains(&line.table)) {
        match fate {
            Fate::Overwritten(words) => {
                for word in *words {
                    let statement = format!(
                        "UPDATE {table} SET {word} = replace({word}, $1, '{DELETED}') WHERE replace({word}, $1, '') <> {word}"
                    );
                    by_name::change(conn, &statement, name)?;
                }
            }
            Fate::OverwrittenInTheBooks(words) => {
                for word in *words {
                    let statement =
                        format!("UPDATE {table} SET {word} = '{DELETED}' WHERE replace({word}, $1, '') <> {word}");
                    by_name::change(conn, &statement, name)?;
                }
            }
            Fate::Gone | Fate::Kept(_) => {}
        }
    }
    // What it said against somebody else's row, and where to reach it.
    for table in ["objections", "title_objections"] {
        let statement = format!(
            "UPDATE {table} SET objector_name = '{DELETED}', objector_contact = '', reason = '{DELETED}' \
             WHERE trim(objector_name) = $1"
        );
        by_name::change(conn, &statement, name)?;
    }
    Ok(())
}
