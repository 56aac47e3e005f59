//! Forms that come back: the tally of a secret ballot keyed by two people, a sheet of good deeds, and forms that are over;
//! and the pictures on papers of goods.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use jishan::council::motion::{self, State};
use jishan::council::nomination::{self, Decision, Filter, Nominate, Nomination, Nominator, Verify};
use jishan::council::session::{self, BallotForm, Convene};
use jishan::council::{gathering, member};
use jishan::error::Result;
use jishan::files::{Kind, MEGABYTE};
use jishan::papers::form::Form;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::scheme::version;
use jishan::shop::act::Act;
use jishan::shop::catalogue;
use serde_json::Value;

use super::printed;
use crate::browser::{Answer, Visitor};
use crate::town::{FAR, LI, Town, WANG, area_of_council, fresh_key, on_both, today};

/// What stands in a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let value = field.and_then(|rest| rest.split('"').next());
    value.unwrap_or_else(|| panic!("no {name}: {page}")).to_owned()
}

// ---- Tally ---------------------------------------------------------------------------------------------------------

/// A secret ballot on two motions is convened; opened by [`open`].
async fn convene(town: &Town) -> session::Session {
    let (building, grid, admin) = (
        town.user("building").await,
        town.user("grid").await,
        town.user("admin").await,
    );
    let homes = [
        (town.household(WANG).await.id, "C02"),
        (town.household(LI).await.id, "E08"),
    ];
    let now = town.app.now();
    town.write(move |conn| {
        for (household, item) in homes {
            let asked = Nominate {
                household,
                item: item.to_owned(),
                count: 1,
                occurred_on: today(),
                note: String::new(),
                by: Nominator::Staff(building.id.clone()),
                key: fresh_key(now),
            };
            let verify = Verify {
                nomination: nomination::nominate(conn, &asked, now)?.id,
                decision: Decision::Approve,
                reason: String::new(),
                by: grid.clone(),
                key: fresh_key(now),
            };
            nomination::verify(conn, &verify, now)?;
        }
        let asked = Convene {
            area: area_of_council(conn)?,
            held_on: today(),
            place: "社区议事厅".to_owned(),
            ballot: BallotForm::Secret,
            by: admin.id,
            key: fresh_key(now),
        };
        session::convene(conn, &asked, now)
    })
    .await
    .unwrap()
}

async fn open(town: &Town, convened: &session::Session) {
    let (admin, now, session) = (town.user("admin").await, town.app.now(), convened.id.clone());
    town.write(move |conn| {
        let area = area_of_council(conn)?;
        let members = member::sitting(conn, &area, today())?;
        let open = session::Open {
            session,
            present: members.iter().map(|member| member.id.clone()).collect(),
            chair: members[0].id.clone(),
            by: admin.id,
        };
        session::open(conn, &open, now)
    })
    .await
    .unwrap();
}

/// The states of a session's motions, and how many people keyed each.
async fn motions(town: &Town, session: &session::Session) -> Vec<(State, usize)> {
    let id = session.id.clone();
    town.read(move |conn| {
        let motions = motion::of_session(conn, &id)?.into_iter();
        motions
            .map(|motion| Ok((motion.state, motion::keyed(conn, &motion.id)?.len())))
            .collect::<Result<Vec<_>>>()
    })
    .await
}

/// Keys rows of a tally: for, against, abstentions, spoilt.
async fn tally(by: &Visitor, path: &str, key: &str, rows: &[(i64, [&str; 4])]) -> Answer {
    let mut fields = vec![("key".to_owned(), key.to_owned())];
    for (row, boxes) in rows {
        let names = ["for", "against", "abstain", "spoilt"].into_iter().zip(boxes);
        fields.extend(names.map(|(name, value)| (format!("row-{row}-{name}"), (*value).to_owned())));
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    by.post(path, &fields).await
}

on_both! {
    async fn a_tally_is_keyed_row_by_row_by_two_people(town: Town) {
        use State::{Approved, Waiting};
        let convened = convene(&town).await;
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let path = format!("/forms/{}", Form::Tally.number(convened.number));
        let before = admin.get(&path).await;
        assert!(before.text.contains("会议还没有开始") && !before.text.contains("row-1-for"), "{}", before.text);
        open(&town, &convened).await;
        let page = admin.get(&path).await.text;
        assert!(page.contains("row-1-for") && page.contains("row-2-spoilt"), "{page}");
        // Who does not keep sessions keys no tally, and a slip of the pen names none.
        for name in ["auditor", "grid"] {
            let other = town.signed_in(name).await;
            assert_eq!(other.get(&path).await.status, 403, "{name}");
            assert_eq!(tally(&other, &path, "x", &[(1, ["3", "0", "0", "0"])]).await.status, 403, "{name}");
        }
        assert_eq!(admin.get(&format!("/forms/{}", Form::Tally.number(77))).await.status, 404);
        assert_eq!(admin.get("/forms/J1-").await.status, 422);

        // One row is wrong: none is keyed, both are still there, and every wrong one is named.
        let wrong = tally(&admin, &path, "a", &[(1, ["2", "", "0", "0"]), (2, ["3", "0", "0", "1"])]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("第1行：还有空格") && wrong.text.contains("第2行：计票4张"), "{}", wrong.text);
        assert!(wrong.text.contains("name=\"row-2-for\" value=\"3\""), "{}", wrong.text);
        assert_eq!(motions(&town, &convened).await, [(Waiting, 0), (Waiting, 0)]);
        assert_eq!(tally(&admin, &path, "b", &[]).await.status, 422);

        let rows = [(1, ["2", "1", "0", "0"]), (2, ["3", "0", "0", "0"])];
        let keyed = tally(&admin, &path, "c", &rows).await;
        assert_eq!(keyed.location(), format!("{path}?done=2"));
        assert_eq!(tally(&admin, &path, "c", &rows).await.location(), keyed.location());
        assert!(admin.get(keyed.location()).await.text.contains("您已录入，等另一位"));
        // Once by each; alone nobody decides anything.
        assert_eq!(tally(&admin, &path, "d", &rows).await.status, 422);
        assert_eq!(motions(&town, &convened).await, [(Waiting, 1), (Waiting, 1)]);

        // The second person does not see what the first one keyed before the own counts are in.
        let page = council.get(&path).await.text;
        assert!(page.contains("等您再录一次") && !page.contains("赞成2"), "{page}");
        let second = tally(&council, &path, "e", &[(1, ["1", "2", "0", "0"]), (2, ["3", "0", "0", "0"])]).await;
        let page = council.get(second.location()).await.text;
        assert!(page.contains("票数不一样") && page.contains("赞成2、反对1") && page.contains("已有结果：通过"), "{page}");
        assert_eq!(motions(&town, &convened).await, [(Waiting, 2), (Approved, 2)]);
        assert_eq!(tally(&council, &path, "f", &[(1, ["2", "1", "0", "0"])]).await.status, 303);
        assert_eq!(motions(&town, &convened).await, [(Approved, 2), (Approved, 2)]);
        let late = tally(&admin, &path, "g", &[(1, ["2", "1", "0", "0"])]).await;
        assert!(late.status == 422 && late.text.contains("第1行："), "{}", late.text);
    }
}

// ---- Good deeds ----------------------------------------------------------------------------------------------------

async fn all(town: &Town) -> Vec<Nomination> {
    town.read(|conn| nomination::list(conn, &Filter::default(), 100)).await
}

on_both! {
    async fn a_sheet_of_good_deeds_is_looked_over_and_nominated_once(town: Town) {
        let building = town.signed_in("building").await;
        let number = town.read(|conn| version::in_force(conn, today())).await.version;
        let path = format!("/forms/{}", Form::Nomination.number(number));
        let found = building
            .post_file("/forms", &[("csrf", building.csrf()), ("number", &Form::Nomination.number(number))], ("none", "", b""))
            .await;
        assert_eq!(found.location(), path, "{}", found.text);
        let page = building.get(&path).await.text;
        assert!(page.contains("row-3-note") && page.contains("value=\"C02\"") && page.contains(">核对<"), "{page}");
        assert_eq!(building.get(&format!("/forms/{}", Form::Nomination.number(77))).await.status, 404);

        let day = today().to_string();
        let rows = [
            ("row-1-household", "王建国"), ("row-1-item", "c02"), ("row-1-day", &day), ("row-1-seen-by", "吴大姐"), ("row-1-note", "扫楼道"),
            ("row-3-household", "1单元102室"), ("row-3-item", "D03"), ("row-3-day", &day), ("row-3-count", "1"),
        ];
        let auditor = town.signed_in("auditor").await;
        assert_eq!(auditor.get(&path).await.status, 403);
        assert_eq!(auditor.post(&path, &rows).await.status, 403);
        // What came of the writing is shown first, and nothing is final.
        let with_key = |key: &'static str, more: &[(&'static str, String)]| {
            let rows = rows.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let more = more.iter().cloned();
            rows.chain([("key", key.to_owned())]).chain(more).collect::<Vec<_>>()
        };
        let send = async |fields: Vec<(&str, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            building.post(&path, &fields).await
        };
        let look = send(with_key("a", &[])).await;
        assert_eq!(look.status, 409);
        assert!(look.text.contains("王建国户（") && look.text.contains("李玉山户（") && look.text.contains(">提交<"), "{}", look.text);
        assert!(look.text.contains("value=\"扫楼道\"") && all(&town).await.is_empty());
        let seen = [("seen-1", hidden(&look.text, "seen-1")), ("seen-3", hidden(&look.text, "seen-3"))];
        let sent = send(with_key("b", &seen)).await;
        assert_eq!(sent.location(), format!("{path}?done=2"), "{}", sent.text);
        assert!(building.get(sent.location()).await.text.contains("已申报2条"));
        // Sent twice, nominated once.
        assert_eq!(send(with_key("b", &seen)).await.location(), sent.location());
        let made = all(&town).await;
        assert_eq!(made.len(), 2);
        assert!(made.iter().any(|one| one.note == "扫楼道；看见的人：吴大姐"), "{made:?}");

        // The same deeds from another sheet: the warnings are new, so nobody has seen them.
        let again = send(with_key("c", &seen)).await;
        assert_eq!(again.status, 409);
        assert!(again.text.contains("这一天已经有人给这户报过这件事"), "{}", again.text);
        assert_eq!(all(&town).await.len(), 2);

        // Every wrong row is named, the right one is not made, and nothing of it is lost.
        let wrong = building.post(&path, &[
            ("key", "d"),
            ("row-1-household", "没有这家"), ("row-1-item", "D03"), ("row-1-day", &day),
            ("row-2-household", LI), ("row-2-item", "D03"),
            ("row-3-household", LI), ("row-3-item", "C02"), ("row-3-day", &day), ("row-3-note", "修路灯"),
        ]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("第1行：在您负责的范围里没有找到") && wrong.text.contains("第2行：请写明是哪一天"), "{}", wrong.text);
        assert!(!wrong.text.contains("第3行：") && wrong.text.contains("value=\"修路灯\""), "{}", wrong.text);
        let twice = building.post(&path, &[
            ("key", "e"),
            ("row-1-household", LI), ("row-1-item", "C02"), ("row-1-day", &day),
            ("row-2-household", LI), ("row-2-item", "C02"), ("row-2-day", &day),
        ]).await;
        assert!(twice.status == 422 && twice.text.contains("第2行：和第1行"), "{}", twice.text);
        // Beyond the own building nobody is found, by code as little as by name.
        for whose in [FAR, "nobody"] {
            let far = building.post(&path, &[("key", "f"), ("row-1-household", whose), ("row-1-item", "C02"), ("row-1-day", &day)]).await;
            assert!(far.status == 422 && far.text.contains("没有找到"), "{}", far.text);
        }
        assert_eq!(all(&town).await.len(), 2);
    }
}

// ---- Forms that are over -------------------------------------------------------------------------------------------

on_both! {
    async fn the_form_of_a_closed_gathering_says_so(town: Town) {
        let grid = town.signed_in("grid").await;
        let area = town.household(WANG).await.building_id;
        let fields = [
            ("key", "a"), ("area", area.as_str()), ("name", "清扫楼道"), ("place", "1号楼前"),
            ("held_on", "2026-11-21"), ("item", "C02"), ("count", "1"),
        ];
        let gathering = grid.post("/gatherings", &fields).await.location().to_owned();
        let path = format!("/forms/{}", Form::SignIn.number(1));
        assert!(grid.get(&path).await.text.contains("name=\"row-1\""));
        assert_eq!(grid.post(&path, &[("key", "b"), ("row-1", "1")]).await.status, 303);
        assert!(grid.get(&path).await.text.contains("已签到"));
        assert_eq!(grid.post(&format!("{gathering}/closing"), &[]).await.status, 303);
        let page = grid.get(&path).await.text;
        assert!(page.contains(&gathering::Refused::Closed.to_string()) && !page.contains("name=\"row-"), "{page}");
        assert_eq!(grid.post(&path, &[("key", "c"), ("row-2", "1")]).await.status, 409);
    }
}

// ---- Photographs ---------------------------------------------------------------------------------------------------

/// A cross in a box of a page of 200 dots to the inch.
#[expect(clippy::as_conversions, clippy::float_arithmetic, reason = "a scale")]
pub(super) fn cross(page: &mut RgbImage, one: &Value) {
    let dots = |millimetres: f64| (millimetres * 200.0 / 25.4).round();
    let place = |name: &str| one[name].as_f64().unwrap();
    let (left, top, side) = (dots(place("x")), dots(place("y")), dots(place("side")));
    for step in 0..=200 {
        let along = side * f64::from(step) / 200.0;
        for (x, y) in [(left + along, top + along), (left + side - along, top + along)] {
            for (right, down) in [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                page.put_pixel((x + right) as u32, (y + down) as u32, Rgb([20, 20, 20]));
            }
        }
    }
}

on_both! {
    async fn a_sheet_of_the_towns_own_is_read_from_its_photograph(town: Town) {
        let grid = town.signed_in("grid").await;
        let area = town.household(WANG).await.building_id;
        let fields = [
            ("key", "a"), ("area", area.as_str()), ("name", "清扫楼道"), ("place", "1号楼前"),
            ("held_on", "2026-11-21"), ("item", "C02"), ("count", "1"),
        ];
        assert_eq!(grid.post("/gatherings", &fields).await.status, 303);
        let data = printed::data(&town, Paper::SignInSheet, printed::number("1")).await.unwrap();
        let data: Value = serde_json::from_slice(&data).unwrap();
        let sheets = printed::order(&town, Paper::SignInSheet, printed::number("1")).await.unwrap();
        let mut page = image::load_from_memory(&sheets.png(0, 200).unwrap().unwrap()).unwrap().into_rgb8();
        cross(&mut page, &data["pages"][0]["rows"][1]["boxes"][0]);
        let mut photo = Vec::new();
        page.write_with_encoder(JpegEncoder::new_with_quality(&mut photo, 85)).unwrap();
        let read = grid.post_file("/forms", &[("csrf", grid.csrf())], ("photo", "sheet.jpg", &photo)).await;
        assert!(read.status == 200 && read.text.contains("照片第1页已读出来"), "{}", read.text);
        assert!(read.text.contains("name=\"row-2\" value=\"1\" checked"), "{}", read.text);
        assert!(!read.text.contains("name=\"row-1\" value=\"1\" checked"));
        // It is a draft: nobody has signed in.
        assert!(!grid.get(&format!("/forms/{}", Form::SignIn.number(1))).await.text.contains("已签到"));
    }
}

// ---- Pictures ------------------------------------------------------------------------------------------------------

on_both! {
    async fn goods_are_shown_with_their_pictures_where_they_have_one(town: Town) {
        let mut photo = Vec::new();
        let picture = RgbImage::from_pixel(1_600, 1_200, Rgb([30, 60, 200]));
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut photo, 80)).unwrap();
        let kept = town.app.files.keep(&photo, &[Kind::Jpeg], MEGABYTE).unwrap();
        // The second one's file is gone: the paper is printed without it.
        let gone = town.app.files.keep(&[&photo[..], b"x"].concat(), &[Kind::Jpeg], MEGABYTE).unwrap();
        town.app.files.discard(&gone).unwrap();
        let (keeper, now) = (town.user("stock").await.id, town.app.now());
        let poster = printed::data(&town, Paper::GoodsPoster, Asked::default()).await.unwrap();
        let poster: Value = serde_json::from_slice(&poster).unwrap();
        assert!(poster["goods"].as_array().unwrap().iter().all(|one| one["picture"].is_null()));
        let skus = town.read(catalogue::all).await;
        let skus: Vec<String> = skus.into_iter().map(|entry| entry.item.sku).collect();
        town.write(move |conn| {
            catalogue::set_photo(conn, &skus[0], &kept, &Act::new("goods.photographed", "a", &keeper, now))?;
            catalogue::set_photo(conn, &skus[1], &gone, &Act::new("goods.photographed", "b", &keeper, now))
        })
        .await
        .unwrap();
        for (paper, rows) in [(Paper::GoodsPoster, "goods"), (Paper::ShelfLabels, "labels")] {
            let data: Value = serde_json::from_slice(&printed::data(&town, paper, Asked::default()).await.unwrap()).unwrap();
            let pictures = data[rows].as_array().unwrap().iter().filter_map(|one| one["picture"].as_str());
            let pictures: Vec<&str> = pictures.collect();
            assert_eq!(pictures.len(), 1, "{}", paper.word());
            assert!(pictures[0].contains("data:image/jpeg;base64,") && pictures[0].len() < 20_000);
            // It is the one blue thing on the paper.
            let sheets = printed::order(&town, paper, Asked::default()).await.unwrap();
            let page = image::load_from_memory(&sheets.png(0, 60).unwrap().unwrap()).unwrap().into_rgb8();
            let blue = page.pixels().filter(|one| one.0[0] < 80 && one.0[1] < 110 && one.0[2] > 150).count();
            assert!(blue > 200, "{}: {blue}", paper.word());
        }
    }
}
