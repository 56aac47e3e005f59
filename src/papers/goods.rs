//! Goods on paper: labels for the shelf, and the poster that says what a store gives for points.
//!
//! Papers read nothing but the database, and photographs lie in a folder: what is loaded names a photograph's file, and
//! `illustrated` puts the picture in its place, outside of every read and write.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::files::{FileName, Files};
use crate::photo;
use crate::shop::barcode::{self, Bars};
use crate::shop::catalogue;
use crate::shop::goods::GoodsItem;
use crate::shop::{opening, shelf};

/// Labels on one order at most: twenty sheets.
const MOST_LABELS: usize = 480;

/// Light modules on each side of the bars, without which scanners read nothing: EAN asks for eleven on the left.
const QUIET_MODULES: usize = 11;

/// What a poster says when nothing else was asked for.
const ON_THE_POSTER: &str = "凭积分卡兑换。积分不换现金，不转让。";

/// Labels for the shelf.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShelfLabels {
    paper: Head,
    labels: Vec<Label>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    name: String,
    unit: String,
    points: i64,
    sku: String,
    /// What one unit is.
    pack: Option<String>,
    bars: Option<String>,
    /// What the bars say: read aloud and keyed where there is no scanner.
    barcode: Option<String>,
    limit_text: String,
    picture: Option<String>,
}

/// Labels of the goods on offer: of one, by its short code, of one category, of what has these words in its name, or of all.
///
/// # Errors
/// `Invalid` when nothing is found, or more than one prints at once.
pub fn shelf_labels(conn: &mut Conn, order: &Order) -> Result<ShelfLabels> {
    let search = catalogue::Search {
        words: asked(&order.asked.id)
            .or(asked(&order.asked.text))
            .unwrap_or_default()
            .to_owned(),
        category: asked(&order.asked.kind).unwrap_or_default().to_owned(),
        hidden: false,
    };
    let mut labels = Vec::new();
    for page in 1i64.. {
        let (entries, total) = catalogue::search(conn, &search, page)?;
        if usize::try_from(total).is_ok_and(|total| total > MOST_LABELS) {
            return Err(Error::invalid(
                "kind",
                format!("商品有{total}种，一次最多打印{MOST_LABELS}张标签，请写明类别或名称里的字。"),
            ));
        }
        if entries.is_empty() {
            break;
        }
        labels.extend(entries.into_iter().map(label));
    }
    match labels.is_empty() {
        true => Err(Error::invalid("kind", "没有找到在架的商品，请核对编号、类别或名称。")),
        false => Ok(ShelfLabels {
            paper: order.head(conn, None)?,
            labels,
        }),
    }
}

fn label(catalogue::Entry { item, pack, photo, .. }: catalogue::Entry) -> Label {
    Label {
        pack,
        limit_text: limit_of(&item),
        bars: item
            .barcode
            .as_deref()
            .and_then(barcode::bars)
            .map(|bars| drawing(&bars)),
        points: item.price_points.0,
        name: item.name,
        unit: item.unit,
        sku: item.sku,
        barcode: item.barcode,
        picture: photo,
    }
}

/// What a store gives for points: a poster for its door.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoodsPoster {
    paper: Head,
    store: String,
    hours: String,
    goods: Vec<Shown>,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    name: String,
    unit: String,
    points: i64,
    limit_text: String,
    picture: Option<String>,
}

/// The poster of a store: what goes out most and is there, of all categories or of one; as many as were asked for.
///
/// # Errors
/// `Invalid` for a store that is unknown, or with nothing to show.
pub fn poster(conn: &mut Conn, order: &Order) -> Result<GoodsPoster> {
    let store = order.store(conn, Permission::ReadJournal)?;
    let mut offered = shelf::at_hand(conn, &store.id, order.today())?;
    if let Some(category) = asked(&order.asked.kind) {
        offered.retain(|item| item.category == category);
    }
    if let Some(count) = order.asked.count.and_then(|count| usize::try_from(count).ok()) {
        offered.truncate(count);
    }
    if offered.is_empty() {
        return Err(Error::invalid("kind", "没有可以上海报的商品，请核对类别。"));
    }
    let hours = match store.opening_hours.trim() {
        "" => opening::of_store(conn, &store.id, order.today())?.in_words(),
        hours => hours.to_owned(),
    };
    let ids: Vec<_> = offered.iter().map(|item| item.id.clone()).collect();
    let mut photos = catalogue::photos(conn, &ids)?;
    Ok(GoodsPoster {
        paper: order.head(conn, Some(&store.area_id))?,
        store: store.name,
        hours,
        goods: offered
            .into_iter()
            .map(|item| Shown {
                limit_text: limit_of(&item),
                points: item.price_points.0,
                name: item.name,
                unit: item.unit,
                picture: photos.remove(&item.id),
            })
            .collect(),
        note: Some(asked(&order.asked.text).unwrap_or(ON_THE_POSTER).to_owned()),
    })
}

/// The longer side of a picture on the poster, in pixels: two hundred goods take the press some 50 MB.
const POSTER_SIDE: u32 = 240;
/// … and on a label, where it is a centimetre large.
const LABEL_SIDE: u32 = 120;

/// A paper of goods whose rows name files, with the pictures instead. One photograph is in memory at a time.
pub(super) trait Illustrated {
    /// Puts the pictures in.
    fn illustrate(&mut self, files: &Files);
}

impl Illustrated for GoodsPoster {
    fn illustrate(&mut self, files: &Files) {
        for shown in &mut self.goods {
            shown.picture = picture(files, shown.picture.take(), POSTER_SIDE);
        }
    }
}

impl Illustrated for ShelfLabels {
    fn illustrate(&mut self, files: &Files) {
        for label in &mut self.labels {
            label.picture = picture(files, label.picture.take(), LABEL_SIDE);
        }
    }
}

/// A photograph as SVG; none where the file is gone or damaged, because a paper without one picture is still a paper.
fn picture(files: &Files, file: Option<String>, side: u32) -> Option<String> {
    let bytes = files.read(&FileName::parse(&file?)?).ok()?;
    let photo = photo::for_paper(&bytes, side).ok()?;
    let (width, height, picture) = (photo.width, photo.height, Base64::encode_string(&photo.bytes));
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\
         <image width=\"{width}\" height=\"{height}\" href=\"data:image/jpeg;base64,{picture}\"/></svg>"
    ))
}

/// `每户每月限4提`; nothing where there is no limit.
fn limit_of(item: &GoodsItem) -> String {
    let limit = item
        .monthly_limit
        .map(|limit| format!("每户每月限{limit}{}", item.unit));
    limit.unwrap_or_default()
}

/// The bars as SVG, with the quiet zones; as high as a label lets them be.
fn drawing(bars: &Bars) -> String {
    let mut path = String::new();
    for (begin, width) in &bars.bars {
        let x = begin.saturating_add(QUIET_MODULES);
        let _ = write!(path, "M{x} 0h{width}v30h-{width}z");
    }
    let width = bars.width.saturating_add(QUIET_MODULES.saturating_mul(2));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 30\" width=\"{width}\" height=\"30\" \
         preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>"
    )
}

fn asked(field: &Option<String>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
