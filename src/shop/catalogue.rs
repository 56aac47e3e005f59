//! The catalogue: goods as their keeper describes them, with every price they have had.
//!
//! A price is never edited: a change is a new row with who, when and why, and the item's row repeats the last. Goods are
//! hidden and offered again, never deleted. What they are to the counter is in `goods.rs`; how many there are in `stock.rs`.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;

use super::act::{Act, Done};
use super::barcode;
use super::goods::{self, GoodsItem};
use crate::access::user::User;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::{goods_items, goods_prices};
use crate::error::{Error, Result};
use crate::files::FileName;
use crate::id::Id;
use crate::money::Fen;
use crate::places::household::initials;
use crate::points::Points;

/// Goods with what only their keeper asks for.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = goods_items)]
pub struct Entry {
    /// The goods.
    #[diesel(embed)]
    pub item: GoodsItem,
    /// What one unit is: `5kg`, `10卷`.
    pub pack: Option<String>,
    /// Units in a case.
    pub case_quantity: Option<i64>,
    /// The photograph's file.
    pub photo: Option<String>,
}

/// A price that goods have or had.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = goods_prices)]
pub struct Price {
    /// The goods.
    pub goods_id: Id<GoodsItem>,
    /// 1, 2, 3 …
    pub number: i64,
    /// Points for one unit.
    pub price_points: Points,
    /// From when on; `None` since they were registered.
    pub valid_from: Option<Moment>,
    /// Who set it; `None` with a file at the command line.
    pub set_by: Option<Id<User>>,
    /// Why.
    pub reason: String,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Name, short code, barcode or pinyin initials; empty for all.
    pub words: String,
    /// One category; empty for all.
    pub category: String,
    /// The hidden ones instead of those on offer?
    pub hidden: bool,
}

/// Goods on one page of the list.
pub const PAGE: i64 = 50;

/// A question about goods, which may be narrowed further.
pub(super) type GoodsQuery = goods_items::BoxedQuery<'static, <Conn as Connection>::Backend>;

/// Goods with these words in their name or initials, or a short code or barcode that begins so.
pub(super) fn matching(words: &str) -> GoodsQuery {
    // What a person types has no wildcards.
    let literal = words.trim().replace(['%', '_', '\\'], "");
    if literal.is_empty() {
        return goods_items::table.into_boxed();
    }
    let (inside, letters) = (format!("%{literal}%"), format!("%{}%", literal.to_lowercase()));
    let code = format!("{}%", literal.to_uppercase());
    let said = goods_items::name
        .like(inside)
        .or(goods_items::sku.like(code.clone()))
        .or(goods_items::barcode.assume_not_null().like(code))
        .or(goods_items::initials.assume_not_null().like(letters));
    goods_items::table.filter(said).into_boxed()
}

/// A page of goods by short code, and how many there are on all pages.
///
/// # Errors
/// Only when the database fails.
pub fn search(conn: &mut Conn, search: &Search, page: i64) -> Result<(Vec<Entry>, i64)> {
    let found = || {
        let found = matching(&search.words).filter(goods_items::withdrawn_at.is_not_null().eq(search.hidden));
        match search.category.as_str() {
            "" => found,
            category => found.filter(goods_items::category.eq(category.to_owned())),
        }
    };
    let total = found().count().get_result(conn)?;
    let entries = found()
        .order(goods_items::sku)
        .limit(PAGE)
        .offset(page.max(1).saturating_sub(1).saturating_mul(PAGE))
        .select(Entry::as_select())
        .load(conn)?;
    Ok((entries, total))
}

/// Everything, by short code: for a file.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<Entry>> {
    Ok(goods_items::table
        .order(goods_items::sku)
        .select(Entry::as_select())
        .load(conn)?)
}

/// Goods by what a person scans or types: barcode or short code, hidden ones too.
///
/// # Errors
/// Only when the database fails.
pub fn find(conn: &mut Conn, text: &str) -> Result<Option<Entry>> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    Ok(goods_items::table
        .filter(
            goods_items::sku
                .eq(text.to_uppercase())
                .or(goods_items::barcode.eq(&text)),
        )
        .select(Entry::as_select())
        .first(conn)
        .optional()?)
}

/// An entry by its short code.
///
/// # Errors
/// `NotFound`.
pub fn by_sku(conn: &mut Conn, sku: &str) -> Result<Entry> {
    goods_items::table
        .filter(goods_items::sku.eq(sku))
        .select(Entry::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The categories there are, by name.
///
/// # Errors
/// Only when the database fails.
pub fn categories(conn: &mut Conn) -> Result<Vec<String>> {
    Ok(goods_items::table
        .select(goods_items::category)
        .distinct()
        .order(goods_items::category)
        .load(conn)?)
}

/// The categories of what is on offer, in the order of their first short codes.
///
/// # Errors
/// Only when the database fails.
pub fn categories_on_offer(conn: &mut Conn) -> Result<Vec<String>> {
    Ok(goods_items::table
        .filter(goods_items::withdrawn_at.is_null())
        .group_by(goods_items::category)
        .order(diesel::dsl::min(goods_items::sku))
        .select(goods_items::category)
        .load(conn)?)
}

/// Every price of these goods, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn prices(conn: &mut Conn, goods: &Id<GoodsItem>) -> Result<Vec<Price>> {
    Ok(goods_prices::table
        .filter(goods_prices::goods_id.eq(goods))
        .order(goods_prices::number.desc())
        .select(Price::as_select())
        .load(conn)?)
}

/// What the keeper says about goods; the price has its own history.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Description {
    /// The short code of the shelf label; empty for the next free one.
    pub sku: String,
    /// The barcode; empty for none.
    pub barcode: String,
    /// Is an in-store code wanted?
    pub in_store: bool,
    /// What people call it.
    pub name: String,
    /// 袋、瓶、提 …
    pub unit: String,
    /// What one unit is.
    pub pack: String,
    /// Units in a case.
    pub case_quantity: Option<i64>,
    /// 粮油、洗涤 …
    pub category: String,
    /// What one unit costs, in fen.
    pub cost_fen: i64,
    /// How many a household may take in a month.
    pub monthly_limit: Option<i64>,
    /// Days from receipt to expiry.
    pub shelf_life_days: Option<i64>,
}

impl Description {
    /// The entry's own words, to be shown in a form.
    #[must_use]
    pub fn of(entry: &Entry) -> Description {
        let item = &entry.item;
        Description {
            sku: item.sku.clone(),
            barcode: item.barcode.clone().unwrap_or_default(),
            in_store: false,
            name: item.name.clone(),
            unit: item.unit.clone(),
            pack: entry.pack.clone().unwrap_or_default(),
            case_quantity: entry.case_quantity,
            category: item.category.clone(),
            cost_fen: item.cost_fen.0,
            monthly_limit: item.monthly_limit,
            shelf_life_days: item.shelf_life_days,
        }
    }

    /// The same without what surrounds it, or what is wrong in it.
    pub(super) fn checked(&self) -> Result<Description> {
        let text = |field, value: &str, most: usize, what: &str| {
            let value = value.trim();
            match value.is_empty() || value.chars().count() > most {
                true => Err(Error::invalid(field, format!("请填写{what}，1至{most}个字。"))),
                false => Ok(value.to_owned()),
            }
        };
        let at_least_one = |field, value: Option<i64>, what: &str| match value {
            Some(value) if !(1..=100_000).contains(&value) => Err(Error::invalid(
                field,
                format!("{what}应为1至100000的整数，没有请留空。"),
            )),
            _ => Ok(()),
        };
        at_least_one("case_quantity", self.case_quantity, "装箱数")?;
        at_least_one("monthly_limit", self.monthly_limit, "每户每月限兑")?;
        at_least_one("shelf_life_days", self.shelf_life_days, "保质期天数")?;
        if !(0..=100_000_000).contains(&self.cost_fen) {
            return Err(Error::invalid("cost", "成本应为0至100万元。"));
        }
        if self.pack.trim().chars().count() > 40 {
            return Err(Error::invalid("pack", "规格最多40个字。"));
        }
        Ok(Description {
            sku: self.sku.trim().to_uppercase(),
            barcode: match self.barcode.trim() {
                "" => String::new(),
                text => barcode::read(text)?,
            },
            name: text("name", &self.name, 40, "商品名称")?,
            unit: text("unit", &self.unit, 8, "单位")?,
            category: text("category", &self.category, 20, "类别")?,
            pack: self.pack.trim().to_owned(),
            ..self.clone()
        })
    }
}

/// Is this a short code that a label, an address and a number pad can carry?
pub(super) fn is_short_code(sku: &str) -> bool {
    let plain = sku
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
    plain && (1..=16).contains(&sku.len()) && sku.bytes().any(|byte| byte.is_ascii_digit())
}

/// Registers goods and answers their short code.
///
/// # Errors
/// `Invalid` fields, also for a short code or barcode that other goods have; `idempotency_conflict`.
pub fn register(conn: &mut Conn, described: &Description, price: Points, act: &Act) -> Result<String> {
    act.once(conn, &(described, price), |conn| {
        let item = add(conn, &described.checked()?, price, act)?;
        Ok(Done {
            answer: item.sku.clone(),
            subject: format!("goods:{}", item.sku),
            detail: format!("{price}分"),
        })
    })
}

/// Adds goods with their first price, inside an act of somebody else's: an import is one act.
pub(super) fn add(conn: &mut Conn, described: &Description, price: Points, act: &Act) -> Result<GoodsItem> {
    expect_price(price)?;
    let sku = match described.sku.as_str() {
        "" => next_sku(conn)?,
        sku => sku.to_owned(),
    };
    if !is_short_code(&sku) {
        return Err(Error::invalid(
            "sku",
            "编号用大写字母和数字，至少有一个数字，最多16位，例如G041。",
        ));
    }
    let barcode = barcode_for(conn, described)?;
    expect_free(conn, &sku, barcode.as_deref(), None)?;
    let item = GoodsItem {
        id: Id::new(act.at),
        sku,
        barcode,
        name: described.name.clone(),
        unit: described.unit.clone(),
        category: described.category.clone(),
        price_points: price,
        cost_fen: Fen(described.cost_fen),
        monthly_limit: described.monthly_limit,
        shelf_life_days: described.shelf_life_days,
        withdrawn_at: None,
    };
    let initials = initials(&item.name);
    diesel::insert_into(goods_items::table).values(&item).execute(conn)?;
    diesel::update(goods_items::table.filter(goods_items::id.eq(&item.id)))
        .set((
            goods_items::initials.eq(initials),
            goods_items::pack.eq(filled(&described.pack)),
            goods_items::case_quantity.eq(described.case_quantity),
        ))
        .execute(conn)?;
    add_price(conn, &item.id, price, "登记", act)?;
    Ok(item)
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn expect_price(price: Points) -> Result<()> {
    match (1..=1_000_000).contains(&price.0) {
        true => Ok(()),
        false => Err(Error::invalid("price", "积分应为1以上的整数。")),
    }
}

/// The number after the highest of `G001`, `G002` …
fn next_sku(conn: &mut Conn) -> Result<String> {
    let skus: Vec<String> = goods_items::table
        .filter(goods_items::sku.like("G%"))
        .select(goods_items::sku)
        .load(conn)?;
    let numbers = skus.iter().filter_map(|sku| sku.get(1..)?.parse::<i64>().ok());
    let next = numbers.max().unwrap_or(0).saturating_add(1);
    Ok(format!("G{next:03}"))
}

/// The barcode that was given, or the next in-store code.
fn barcode_for(conn: &mut Conn, described: &Description) -> Result<Option<String>> {
    if !described.in_store {
        return Ok(filled(&described.barcode).map(str::to_owned));
    }
    if !described.barcode.is_empty() {
        return Err(Error::invalid("barcode", "已经有条码的商品不用店内码，请二选一。"));
    }
    let last: Option<String> = goods_items::table
        .filter(goods_items::barcode.like(format!("{}___________", barcode::IN_STORE)))
        .select(diesel::dsl::max(goods_items::barcode))
        .get_result(conn)?;
    let number = last.as_deref().and_then(barcode::number_of).unwrap_or(0);
    let code = barcode::in_store(number.saturating_add(1));
    code.map(Some)
        .ok_or_else(|| Error::invalid("barcode", "店内码已用完，请改用商品自己的条码。"))
}

fn expect_free(conn: &mut Conn, sku: &str, barcode: Option<&str>, except: Option<&Id<GoodsItem>>) -> Result<()> {
    let others = goods_items::table
        .filter(goods_items::sku.eq(sku).or(goods_items::barcode.eq(barcode)))
        .select((goods_items::id, goods_items::sku, goods_items::name))
        .load::<(Id<GoodsItem>, String, String)>(conn)?;
    match others.into_iter().find(|(id, ..)| Some(id) != except) {
        Some((_, other, name)) if other == sku => {
            Err(Error::invalid("sku", format!("编号{sku}已经是{name}的，请换一个。")))
        }
        Some((_, other, name)) => Err(Error::invalid("barcode", format!("这个条码已经是{other} {name}的。"))),
        None => Ok(()),
    }
}

/// Changes what is said about goods. The short code stays, and so does the price.
///
/// # Errors
/// `NotFound`; `Invalid` fields; `idempotency_conflict`.
pub fn change(conn: &mut Conn, sku: &str, described: &Description, act: &Act) -> Result<()> {
    act.once(conn, &(sku, described), |conn| {
        let item = by_sku(conn, sku)?.item;
        update(conn, &item, &described.checked()?)?;
        Ok(Done {
            answer: sku.to_owned(),
            subject: format!("goods:{sku}"),
            detail: String::new(),
        })
    })?;
    Ok(())
}

pub(super) fn update(conn: &mut Conn, item: &GoodsItem, described: &Description) -> Result<()> {
    let barcode = barcode_for(conn, described)?;
    expect_free(conn, &item.sku, barcode.as_deref(), Some(&item.id))?;
    diesel::update(goods_items::table.filter(goods_items::id.eq(&item.id)))
        .set((
            goods_items::barcode.eq(barcode),
            goods_items::name.eq(&described.name),
            goods_items::initials.eq(initials(&described.name)),
            goods_items::unit.eq(&described.unit),
            goods_items::pack.eq(filled(&described.pack)),
            goods_items::case_quantity.eq(described.case_quantity),
            goods_items::category.eq(&described.category),
            goods_items::cost_fen.eq(described.cost_fen),
            goods_items::monthly_limit.eq(described.monthly_limit),
            goods_items::shelf_life_days.eq(described.shelf_life_days),
        ))
        .execute(conn)?;
    Ok(())
}

/// Sets another price from now on. The old one stays in the history.
///
/// # Errors
/// `NotFound`; `Invalid` for no points, the same price or no reason; `idempotency_conflict`.
pub fn set_price(conn: &mut Conn, sku: &str, price: Points, reason: &str, act: &Act) -> Result<()> {
    act.once(conn, &(sku, price, reason), |conn| {
        let item = by_sku(conn, sku)?.item;
        let reason = reason.trim();
        expect_price(price)?;
        if price == item.price_points {
            return Err(Error::invalid("price", "新积分和现在一样，没有改动。"));
        }
        if !(1..=200).contains(&reason.chars().count()) {
            return Err(Error::invalid("reason", "请写明为什么改，1至200个字。"));
        }
        reprice(conn, &item, price, reason, act)?;
        Ok(Done {
            answer: sku.to_owned(),
            subject: format!("goods:{sku}"),
            detail: format!("{} → {price}", item.price_points),
        })
    })?;
    Ok(())
}

pub(super) fn reprice(conn: &mut Conn, item: &GoodsItem, price: Points, reason: &str, act: &Act) -> Result<()> {
    expect_price(price)?;
    add_price(conn, &item.id, price, reason, act)?;
    diesel::update(goods_items::table.filter(goods_items::id.eq(&item.id)))
        .set(goods_items::price_points.eq(price))
        .execute(conn)?;
    Ok(())
}

fn add_price(conn: &mut Conn, goods: &Id<GoodsItem>, price: Points, reason: &str, act: &Act) -> Result<()> {
    let last: Option<i64> = goods_prices::table
        .filter(goods_prices::goods_id.eq(goods))
        .select(diesel::dsl::max(goods_prices::number))
        .get_result(conn)?;
    let row = Price {
        goods_id: goods.clone(),
        number: last.unwrap_or(0).saturating_add(1),
        price_points: price,
        valid_from: Some(act.at),
        set_by: Some(act.by.clone()),
        reason: reason.to_owned(),
    };
    diesel::insert_into(goods_prices::table).values(&row).execute(conn)?;
    Ok(())
}

/// Hides goods from the counter, or offers them again. What lies on the shelf stays there.
///
/// # Errors
/// `NotFound`; `idempotency_conflict`.
pub fn offer(conn: &mut Conn, sku: &str, offered: bool, key: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let act = match offered {
        true => Act::new("goods.offered_again", key, by, now),
        false => Act::new("goods.hidden", key, by, now),
    };
    act.once(conn, &(sku, offered), |conn| {
        let item = by_sku(conn, sku)?.item;
        let since = Some(now).filter(|_| !offered);
        diesel::update(goods_items::table.filter(goods_items::id.eq(&item.id)))
            .set(goods_items::withdrawn_at.eq(since))
            .execute(conn)?;
        Ok(Done {
            answer: sku.to_owned(),
            subject: format!("goods:{sku}"),
            detail: String::new(),
        })
    })?;
    Ok(())
}

/// The photographs' files of goods that have one.
///
/// # Errors
/// Only when the database fails.
pub fn photos(conn: &mut Conn, goods: &[Id<GoodsItem>]) -> Result<HashMap<Id<GoodsItem>, String>> {
    let found: Vec<(Id<GoodsItem>, Option<String>)> = goods_items::table
        .filter(goods_items::id.eq_any(goods).and(goods_items::photo.is_not_null()))
        .select((goods_items::id, goods_items::photo))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(id, photo)| Some((id, photo?))).collect())
}

/// Sets the photograph. The file was kept before.
///
/// # Errors
/// `NotFound`; `idempotency_conflict`.
pub fn set_photo(conn: &mut Conn, sku: &str, file: &FileName, act: &Act) -> Result<()> {
    let file = file.to_string();
    act.once(conn, &(sku, &file), |conn| {
        let item = goods::by_sku(conn, sku)?;
        diesel::update(goods_items::table.filter(goods_items::id.eq(&item.id)))
            .set(goods_items::photo.eq(&file))
            .execute(conn)?;
        Ok(Done {
            answer: sku.to_owned(),
            subject: format!("goods:{sku}"),
            detail: String::new(),
        })
    })?;
    Ok(())
}
