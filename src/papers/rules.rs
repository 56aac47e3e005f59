//! Papers of the rules: the rule book for every household, and the form on which somebody writes down a good deed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::order::{Head, Order};
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::error::Result;
use crate::places::programme;
use crate::scheme::item::{self, Item};
use crate::scheme::terms::{self, Terms};
use crate::scheme::validator::Criterion;
use crate::scheme::{resolution, version};
use crate::shop::store;

/// The rules in force, as every household may have them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleBook {
    paper: Head,
    version: String,
    in_force_from: String,
    adopted: String,
    categories: Vec<Category>,
    terms: Vec<Term>,
    forbidden: Vec<String>,
    contacts: Vec<Term>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    name: String,
    title_rewarded: String,
    redeemable: bool,
    items: Vec<Rule>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    code: String,
    name: String,
    points_text: String,
    cap_text: String,
    evidence: String,
    /// How it is checked.
    check: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    label: String,
    value: String,
}

/// The rules in force today.
///
/// # Errors
/// `Refused` while no version is in force.
pub fn book(conn: &mut Conn, order: &Order) -> Result<RuleBook> {
    let version = version::in_force(conn, order.today())?;
    let (categories, items) = item::of_version(conn, &version.id)?;
    let terms = terms::of(conn, &version.id)?;
    let adopted = resolution::of_version(conn, &version.id)?;
    let rules_of = |code: &str| {
        items
            .iter()
            .filter(|item| item.category_code == code)
            .map(rule)
            .collect()
    };
    Ok(RuleBook {
        paper: order.head(conn, None)?,
        version: format!("{}第{}版", version.name, version.version),
        in_force_from: spoken_day(version.active_from),
        adopted: adopted.map_or_else(String::new, |adopted| {
            format!("{}{}通过", spoken_day(adopted.held_on), adopted.body.label())
        }),
        categories: categories
            .iter()
            .map(|category| Category {
                items: rules_of(&category.code),
                name: category.name.clone(),
                title_rewarded: category.title.clone(),
                redeemable: category.redeemable,
            })
            .collect(),
        terms: in_words(&terms, version::yuan_per_point(conn, &version.id)?),
        contacts: contacts(conn)?,
        forbidden: Criterion::ALL
            .iter()
            .map(|criterion| criterion.label().to_owned())
            .collect(),
    })
}

fn rule(item: &Item) -> Rule {
    Rule {
        code: item.code.clone(),
        name: item.name.clone(),
        points_text: format!("{}{}分", item.per_label(), item.points),
        cap_text: format!("每{}最多{}分", item.cap_period.label(), item.cap),
        evidence: item.evidence.clone(),
        check: item.check_level.label().to_owned(),
    }
}

/// Where one goes, and whom one calls.
fn contacts(conn: &mut Conn) -> Result<Vec<Term>> {
    let programme = programme::get(conn)?;
    let office = ("办公室", format!("{}，电话{}", programme.office, programme.phone));
    let stores = store::all(conn)?;
    let mut contacts = terms_of([office]);
    contacts.extend(stores.into_iter().map(|store| Term {
        label: store.name,
        value: format!("开门时间：{}", store.opening_hours),
    }));
    Ok(contacts)
}

fn terms_of(said: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Term> {
    let term = |(label, value): (&str, String)| Term {
        label: label.to_owned(),
        value,
    };
    said.into_iter().map(term).collect()
}

fn in_words(terms: &Terms, rate: Option<Decimal>) -> Vec<Term> {
    let (cycle, caps) = (&terms.cycle, &terms.caps);
    let mut said = vec![
        (
            "什么时候评",
            format!(
                "每月{}日前申报，{}日开评议会",
                cycle.nomination_deadline_day, cycle.council_day
            ),
        ),
        (
            "公示",
            format!(
                "公示{}天，没有异议才入账；公示期间谁都可以提异议，不收费",
                cycle.notice_days
            ),
        ),
        (
            "异议和申诉",
            format!(
                "异议{}天内答复；入账后{}天内可以申诉，申诉{}天内答复。到期没有答复的，按您的意见办",
                cycle.objection_decision_days, cycle.appeal_window_days, cycle.appeal_decision_days
            ),
        ),
        (
            "每户上限",
            format!(
                "每月最多{}分，每年最多{}分（逐项票决的除外）",
                caps.household_per_month, caps.household_per_year
            ),
        ),
    ];
    if let Some(rate) = rate {
        said.push((
            "一分值多少",
            format!("商品按每分{}元左右标价，以货架上的为准", rate.normalize()),
        ));
    }
    said.push(("不能做什么", "积分不能换现金，不能转给别家".to_owned()));
    said.push((
        "荣誉分",
        "入账时同时记下，不能兑换，用了积分也不减少，评称号时看".to_owned(),
    ));
    if let Some(until) = &terms.expiry.valid_until {
        let year = match until.years_after {
            0 => "当年",
            1 => "第二年",
            _ => "到期那年",
        };
        let days: Vec<String> = terms.expiry.reminders_days_before.iter().map(u64::to_string).collect();
        let reminded = match days.is_empty() {
            true => String::new(),
            false => format!("；到期前{}天提醒", days.join("、")),
        };
        said.push(("用到哪天", format!("{year}{}月{}日{reminded}", until.month, until.day)));
    }
    if let Some(dividend) = &terms.dividend {
        said.push(("文明股分红", dividend.in_words()));
    }
    terms_of(said)
}

/// The form on which anybody writes down a good deed of somebody.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NominationForm {
    paper: Head,
    area: String,
    items: Vec<Choice>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    code: String,
    name: String,
    points_text: String,
}

/// A nomination form with the items in force. Its number names the version, so that a form that comes back after a change
/// of the rules is read by the rules that it shows.
///
/// # Errors
/// `Refused` while no version is in force.
pub fn nomination_form(conn: &mut Conn, order: &Order) -> Result<NominationForm> {
    let version = version::in_force(conn, order.today())?;
    let (_, items) = item::of_version(conn, &version.id)?;
    let mut paper = order.head(conn, None)?;
    paper.form = Some(FormMark::new(Form::Nomination, version.version)?);
    Ok(NominationForm {
        area: paper.programme.clone(),
        paper,
        items: items
            .iter()
            .map(|item| Choice {
                code: item.code.clone(),
                name: item.name.clone(),
                points_text: format!("{}{}分", item.per_label(), item.points),
            })
            .collect(),
    })
}
