//! Sheets that are keyed beside other people: a judge's score sheet and a stocktake. What nobody touched stays as it is, and
//! what was cleared is taken back.

use diesel::prelude::*;
use image::codecs::jpeg::JpegEncoder;
use serde_json::Value;

use jishan::clock::Moment;
use jishan::council::visit::{Entry, Home, VisitSheet};
use jishan::db::schema::users;
use jishan::id::Id;
use jishan::money::Fen;
use jishan::papers::form::Form;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::points::Points;
use jishan::shop::goods::{self, GoodsItem};
use jishan::shop::stocktake::{self, Stocktake};
use jishan::shop::{act::Act, catalogue};

use super::forms::cross;
use super::printed;
use crate::browser::{Answer, Visitor};
use crate::town::{Town, WANG, fresh_key, on_both};
use crate::visits;

/// What the boxes of a page hold, and what goes along with them, as a browser would send it.
fn boxes(page: &str) -> Vec<(String, String)> {
    let fields = page.split("name=\"").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once('"')?;
        let value = rest.strip_prefix(" value=\"")?.split('"').next()?;
        Some((name.to_owned(), value.to_owned()))
    });
    fields
        .filter(|(name, _)| name.starts_with("row-") || name.starts_with("was-"))
        .collect()
}

/// Sends all boxes of a page, some with something else in them.
async fn send(town: &Town, by: &Visitor, path: &str, page: &str, keyed: &[(&str, &str)]) -> Answer {
    let key = fresh_key(town.app.now());
    let mut fields = boxes(page);
    for (name, value) in keyed {
        match fields.iter_mut().find(|(field, _)| field == name) {
            Some(field) => (*value).clone_into(&mut field.1),
            None => panic!("no {name}: {page}"),
        }
    }
    let mut fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.push(("key", &key));
    by.post(path, &fields).await
}

/// Opens the form's page and sends it with this in its boxes.
async fn key_in(town: &Town, by: &Visitor, path: &str, keyed: &[(&str, &str)]) -> Answer {
    let page = by.get(path).await.text;
    send(town, by, path, &page, keyed).await
}

// ---- A judge's score sheet -----------------------------------------------------------------------------------------

fn sheet_of(visit: &VisitSheet, judge: i64) -> String {
    let number: i64 = format!("{}{judge}", visit.code).parse().unwrap();
    format!("/forms/{}", Form::Visit.number(number))
}

/// A judge's mark and reason in a row.
fn said(home: &Home, judge: usize) -> Option<(i64, &str)> {
    let mark = home.cells[judge - 1].mark.as_ref()?;
    Some((mark.mark, mark.reason.as_deref().unwrap_or_default()))
}

on_both! {
    async fn a_score_sheet_is_keyed_beside_phones_and_loses_no_reason(town: Town) {
        let visit = visits::sheet(&town).await;
        let building = town.signed_in("building").await;
        let messy = "厨房没有收拾";
        // The grid worker writes on the phone; a reason of the second judge was keyed on the visit's page.
        visits::write(&town, &visit, "grid", 1, Entry::AtHome, vec![(1, Some(40), messy.into())]).await.unwrap();
        visits::write(&town, &visit, "building", 1, Entry::AtHome, vec![(2, Some(45), messy.into())]).await.unwrap();
        for (judge, mark) in [(1, 40), (2, 45)] {
            let path = sheet_of(&visit, judge);
            let sent = key_in(&town, &building, &path, &[("row-2", "86"), ("row-3", "90")]).await;
            assert_eq!(sent.location(), format!("/visits/{}", visit.id), "{}", sent.text);
            let home = visits::row(&town, &visit, 1).await;
            assert_eq!(said(&home, usize::try_from(judge).unwrap()), Some((mark, messy)));
            assert_eq!(said(&visits::row(&town, &visit, 2).await, usize::try_from(judge).unwrap()), Some((86, "")));
        }
        let grid = town.user("grid").await.id;
        assert_eq!(visits::row(&town, &visit, 1).await.cells[0].mark.as_ref().unwrap().marked_by, grid);
        // A slip of the pen put right keeps the reason that stands beside it.
        let second = sheet_of(&visit, 2);
        assert_eq!(key_in(&town, &building, &second, &[("row-1", "54")]).await.status, 303);
        assert_eq!(said(&visits::row(&town, &visit, 1).await, 2), Some((54, messy)));
        // What the judge wrote on the phone nobody keys over or clears, and its row is named.
        for keyed in ["41", ""] {
            let over = key_in(&town, &building, &sheet_of(&visit, 1), &[("row-1", keyed), ("row-2", "70")]).await;
            assert!(over.status == 422 && over.text.contains("第1行：网格员甲已在自己的手机上打过分"), "{}", over.text);
        }
        assert_eq!(said(&visits::row(&town, &visit, 2).await, 1), Some((86, "")));
    }
}

on_both! {
    async fn a_cleared_box_takes_the_mark_back_and_an_old_page_takes_nothing(town: Town) {
        let visit = visits::sheet(&town).await;
        let building = town.signed_in("building").await;
        let path = sheet_of(&visit, 2);
        let empty = building.get(&path).await.text;
        assert_eq!(send(&town, &building, &path, &empty, &[("row-1", "86")]).await.status, 303);
        // Keyed into the wrong row: out of the first, into the second. Sent twice it is the same.
        let first = building.get(&path).await.text;
        for _ in 0..2 {
            assert_eq!(send(&town, &building, &path, &first, &[("row-1", ""), ("row-2", "86")]).await.status, 303);
            assert_eq!(said(&visits::row(&town, &visit, 1).await, 2), None);
            assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((86, "")));
        }
        // A page that was opened before anything was keyed clears nothing.
        assert_eq!(send(&town, &building, &path, &empty, &[("row-3", "77")]).await.status, 303);
        assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((86, "")));
        // What somebody else changed meanwhile is not changed unseen, by number as little as by an empty box.
        let old = building.get(&path).await.text;
        visits::write(&town, &visit, "grid", 2, Entry::AtHome, vec![(2, Some(68), String::new())]).await.unwrap();
        for keyed in ["88", ""] {
            let late = send(&town, &building, &path, &old, &[("row-2", keyed)]).await;
            assert!(late.status == 422 && late.text.contains("第2行：") && late.text.contains("68"), "{}", late.text);
            assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((68, "")));
        }
        // It is seen now, and what was typed is still there.
        let late = send(&town, &building, &path, &old, &[("row-2", "88")]).await.text;
        assert_eq!(send(&town, &building, &path, &late, &[]).await.status, 303);
        assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((88, "")));
        let wrong = key_in(&town, &building, &path, &[("row-1", "九十"), ("row-3", "101")]).await;
        assert!(wrong.text.contains("第1行：评分应为整数") && wrong.text.contains("第3行：评分应为0至100"), "{}", wrong.text);
    }
}

on_both! {
    async fn a_building_head_keys_the_own_building_without_the_own_home(town: Town) {
        let visit = visits::sheet(&town).await;
        let home = town.household(WANG).await.id;
        town.write(move |conn| {
            let user = users::table.filter(users::name.eq("building"));
            Ok(diesel::update(user).set(users::household_id.eq(Some(home))).execute(conn)?)
        })
        .await
        .unwrap();
        visits::write(&town, &visit, "grid", 1, Entry::AtHome, vec![(2, Some(80), String::new())]).await.unwrap();
        let building = town.signed_in("building").await;
        let path = sheet_of(&visit, 2);
        let page = building.get(&path).await.text;
        assert!(page.contains("自己家的评分，请由他人录入") && !page.contains("name=\"row-1\""), "{page}");
        assert_eq!(send(&town, &building, &path, &page, &[("row-2", "86"), ("row-3", "90")]).await.status, 303);
        assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((86, "")));
        // Without the page's help it is refused by its row.
        let own = building.post(&path, &[("key", "a"), ("row-1", "99"), ("row-2", "70")]).await;
        assert!(own.status == 422 && own.text.contains("第1行：自己家的评分，请由他人录入。"), "{}", own.text);
        assert_eq!(said(&visits::row(&town, &visit, 1).await, 2), Some((80, "")));
        assert_eq!(said(&visits::row(&town, &visit, 2).await, 2), Some((86, "")));
    }
}

on_both! {
    async fn tens_without_ones_are_for_a_person_to_read(town: Town) {
        let visit = visits::sheet(&town).await;
        let asked = Asked { count: Some(2), ..printed::number(&visit.code) };
        let data = printed::data(&town, Paper::ScoreSheet, asked.clone()).await.unwrap();
        let data: Value = serde_json::from_slice(&data).unwrap();
        let sheets = printed::order(&town, Paper::ScoreSheet, asked).await.unwrap();
        let mut page = image::load_from_memory(&sheets.png(0, 200).unwrap().unwrap()).unwrap().into_rgb8();
        // 8 and nothing; 8 and 6; 10.
        for (row, place) in [(0, 7), (1, 7), (1, 16), (2, 9)] {
            cross(&mut page, &data["pages"][0]["rows"][row]["boxes"][place]);
        }
        let mut photo = Vec::new();
        page.write_with_encoder(JpegEncoder::new_with_quality(&mut photo, 85)).unwrap();
        let building = town.signed_in("building").await;
        let read = building.post_file("/forms", &[("csrf", building.csrf())], ("photo", "sheet.jpg", &photo)).await;
        assert!(read.status == 200 && read.text.contains("有1行看不准"), "{}", read.text);
        let rows: Vec<(String, String)> = boxes(&read.text).into_iter().filter(|(name, _)| name.starts_with("row-")).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(rows, [("row-1", ""), ("row-2", "86"), ("row-3", "100")]);
        let first = read.text.split("name=\"row-1\"").nth(1).unwrap().split("</tr>").next().unwrap();
        assert!(first.contains("请核对"), "{first}");
    }
}

on_both! {
    async fn a_photograph_of_a_form_that_cannot_be_read_leads_to_its_number(town: Town) {
        let building = town.signed_in("building").await;
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        for photo in [&heic[..], b"\x89PNG\r\n\x1a\n\0\0"] {
            let told = building.post_file("/forms", &[("csrf", building.csrf())], ("photo", "a.jpg", photo)).await;
            assert!(told.status == 422 && told.text.contains("照表单编号手工录入"), "{}", told.text);
            assert!(!told.text.contains("卡号"), "{}", told.text);
        }
        // At the counter it is the card's number.
        let shop = town.signed_in("shop").await;
        let told = shop.post_file("/counter/photo", &[("csrf", shop.csrf())], ("photo", "a.jpg", heic)).await;
        assert!(told.text.contains("这不是JPEG或PNG照片") && told.text.contains("直接输入卡号"), "{}", told.text);
    }
}

// ---- A stocktake ---------------------------------------------------------------------------------------------------

async fn act(town: &Town, name: &'static str, by: &'static str) -> Act {
    let by = town.user(by).await.id;
    Act::new(name, &fresh_key(town.app.now()), &by, town.app.now())
}

async fn open(town: &Town) -> (Id<Stocktake>, String) {
    let (store, act) = (town.store().await, act(town, "stocktake.opened", "shop").await);
    let id = town
        .write(move |conn| stocktake::open(conn, &store, None, &act))
        .await
        .unwrap();
    (id, format!("/forms/{}", Form::Stocktake.number(1)))
}

fn some_goods(sku: &str, category: &str, now: Moment) -> GoodsItem {
    GoodsItem {
        id: Id::new(now),
        sku: sku.to_owned(),
        barcode: None,
        name: format!("货{sku}"),
        unit: "件".to_owned(),
        category: category.to_owned(),
        price_points: Points(5),
        cost_fen: Fen(400),
        monthly_limit: None,
        shelf_life_days: None,
        withdrawn_at: None,
    }
}

/// The rows of a form's page: what is counted, by the row's number on the paper.
fn rows(page: &str) -> Vec<(String, String)> {
    let rows = page.split("<th scope=\"row\">").skip(1);
    rows.map(|row| {
        let (number, rest) = row.split_once('<').unwrap();
        let label = rest.split_once("<small>").unwrap().1;
        let sku = label.split(|one: char| !one.is_ascii_alphanumeric()).next().unwrap();
        (number.to_owned(), sku.to_owned())
    })
    .collect()
}

/// The box of these goods.
fn box_of(page: &str, sku: &str) -> String {
    let row = rows(page).into_iter().find(|(_, other)| other == sku);
    format!("row-{}", row.unwrap_or_else(|| panic!("no {sku}: {page}")).0)
}

/// The differences, and how often each was counted.
async fn differences(town: &Town, id: &Id<Stocktake>) -> Vec<(String, i64, i64)> {
    let id = id.clone();
    let mut all = town.read(move |conn| stocktake::variances(conn, &id)).await;
    all.sort_by(|one, other| one.item.sku.cmp(&other.item.sku));
    all.iter()
        .map(|one| (one.item.sku.clone(), one.units(), one.times))
        .collect()
}

on_both! {
    async fn a_stocktake_is_keyed_bit_by_bit_while_the_shop_goes_on_selling(town: Town) {
        town.give(WANG, 1_000).await;
        let card = town.issue_card(WANG).await.token();
        let shop = town.signed_in("shop").await;
        let (id, path) = open(&town).await;
        let page = shop.get(&path).await.text;
        let (soap, paper) = (box_of(&page, "G006"), box_of(&page, "G001"));
        let keyed = send(&town, &shop, &path, &page, &[(&soap, "100")]).await;
        assert_eq!(keyed.location(), format!("/stocktakes/{id}"), "{}", keyed.text);
        // Two are sold, then another row is keyed: the soap was right when it was counted, and is not counted again.
        town.redeem("a", &card, &[("G006", 2)]).await.unwrap();
        let page = shop.get(&path).await.text;
        assert!(page.contains("已清点100") && boxes(&page).iter().all(|(_, value)| value.is_empty()), "{page}");
        assert_eq!(send(&town, &shop, &path, &page, &[(&paper, "97")]).await.status, 303);
        assert_eq!(differences(&town, &id).await, [("G001".to_owned(), -3, 1), ("G006".to_owned(), 0, 1)]);
        // Counted again it is typed again.
        assert_eq!(key_in(&town, &shop, &path, &[(&soap, "97")]).await.status, 303);
        assert_eq!(differences(&town, &id).await, [("G001".to_owned(), -3, 1), ("G006".to_owned(), -1, 2)]);
        let nothing = key_in(&town, &shop, &path, &[]).await;
        assert!(nothing.status == 422 && nothing.text.contains("还没有填数量"), "{}", nothing.text);
        let wrong = key_in(&town, &shop, &path, &[(&soap, "九十"), (&paper, "1")]).await;
        assert!(wrong.status == 422 && wrong.text.contains(&format!("第{}行：数量应为", soap.trim_start_matches("row-"))), "{}", wrong.text);
    }
}

on_both! {
    async fn a_stocktake_of_many_rows_is_keyed_at_once(town: Town) {
        let now = town.app.now();
        let many: Vec<GoodsItem> = (0..450).map(|n| some_goods(&format!("H{n:03}"), "杂货", now)).collect();
        town.write(move |conn| goods::add(conn, &many)).await.unwrap();
        let shop = town.signed_in("shop").await;
        let (id, path) = open(&town).await;
        let page = shop.get(&path).await.text;
        let all = boxes(&page);
        assert_eq!(all.len(), 454);
        let mut fields: Vec<(&str, &str)> = all.iter().map(|(name, _)| (name.as_str(), "0")).collect();
        fields.push(("key", "all"));
        for _ in 0..2 {
            let keyed = shop.post(&path, &fields).await;
            assert_eq!(keyed.location(), format!("/stocktakes/{id}"), "{}", keyed.text);
        }
        let told = differences(&town, &id).await;
        assert!(told.len() == 454 && told.iter().all(|(_, _, times)| *times == 1));
        // In one piece it is too much, and that is what is said.
        let (act, counts) = (act(&town, "stocktake.counted", "shop").await, vec![("G001".to_owned(), 1); 201]);
        let refused = town.write(move |conn| stocktake::count(conn, &id, &counts, &act)).await.unwrap_err();
        assert!(refused.to_string().contains("200"), "{refused}");
    }
}

on_both! {
    async fn a_row_of_a_stocktake_is_the_same_goods_whatever_comes_and_goes(town: Town) {
        let now = town.app.now();
        // One that stands before all others and of which nothing is left.
        town.write(move |conn| goods::add(conn, &[some_goods("A001", "五金", now), some_goods("A002", "五金", now)])).await.unwrap();
        let shop = town.signed_in("shop").await;
        let (id, path) = open(&town).await;
        let on_paper = |data: Vec<u8>| {
            let data: Value = serde_json::from_slice(&data).unwrap();
            let lines = data["lines"].as_array().unwrap().iter();
            lines.map(|line| (line["row"].to_string(), line["sku"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        let printed = on_paper(printed::data(&town, Paper::StocktakeSheet, printed::number(id.as_str())).await.unwrap());
        assert_eq!(printed, rows(&shop.get(&path).await.text));
        assert_eq!(printed.iter().map(|(row, _)| row.parse::<usize>().unwrap()).collect::<Vec<_>>(), (1..=printed.len()).collect::<Vec<_>>());
        // New goods come, and some are hidden.
        town.app.clock.advance(chrono::TimeDelta::minutes(5));
        let later = town.app.now();
        town.write(move |conn| goods::add(conn, &[some_goods("A000", "一", later)])).await.unwrap();
        let (keeper, key) = (town.user("stock").await.id, fresh_key(later));
        town.write(move |conn| catalogue::offer(conn, "A001", false, &key, &keeper, later)).await.unwrap();
        let page = shop.get(&path).await.text;
        let now = rows(&page);
        for row in &printed {
            assert!(now.contains(row), "{row:?} of {printed:?} is not in {now:?}");
        }
        assert!(now.len() == printed.len() + 1 && now.last().unwrap().1 == "A000", "{now:?}");
        // So what stands in a row of the paper is counted of its goods.
        let third = &printed[2];
        assert_eq!(send(&town, &shop, &path, &page, &[(&format!("row-{}", third.0), "3")]).await.status, 303);
        assert_eq!(differences(&town, &id).await.first().unwrap().0, third.1);
    }
}
