//! Photographs of a deed: taken in, looked at by those who may, and gone when their time is over. And what is told before a
//! nomination is made.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use jishan::council::evidence;
use jishan::council::nomination::{self, Nomination};
use jishan::id::Id;

use crate::browser::{Answer, Visitor};
use crate::town::{FAR, LI, Town, WANG, on_both};

/// A photograph that says where it was taken.
pub fn photo(shade: u8) -> Vec<u8> {
    photo_of(shade, 320, 240)
}

fn byte(of: u32) -> u8 {
    u8::try_from(of).unwrap()
}

fn photo_of(shade: u8, width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([shade, byte(x % 251), byte(y % 241)]));
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))
        .unwrap();
    let exif = b"\xFF\xE1\x00\x16Exif\0\0II*\0\x08\0\0\0\0\0GPS\0";
    [&bytes[..2], exif, &bytes[2..]].concat()
}

/// The fields of a nomination of today.
fn deed<'a>(key: &'a str, household: &'a str, item: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("key", key),
        ("household", household),
        ("item", item),
        ("count", "1"),
        ("occurred_on", "2026-11-21"),
        ("note", "清扫楼道"),
    ]
}

pub async fn send(visitor: &Visitor, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let mut fields = fields.to_vec();
    fields.push(("csrf", visitor.csrf()));
    visitor.post_file(path, &fields, ("photo", file.0, file.1)).await
}

pub fn id_of(answer: &Answer) -> Id<Nomination> {
    let path = answer.location().split(['?', '#']).next().unwrap();
    Id::known(path.strip_prefix("/nominations/").unwrap())
}

/// The addresses of the photographs on a page.
fn shots(page: &str) -> Vec<String> {
    let parts = page.split("<img src=\"").skip(1);
    parts
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .filter(|path| path.contains("/evidence/"))
        .collect()
}

on_both! {
    async fn a_photo_comes_with_the_deed_and_is_seen_by_those_who_may(town: Town) {
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        let fields = deed("k1", WANG, "E10");
        let made = send(&building, "/nominations", &fields, ("IMG_1.jpg", &photo_of(10, 2_000, 1_500))).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let id = id_of(&made);
        // Sent twice, as over a bad line: one nomination, one photograph.
        let again = send(&building, "/nominations", &fields, ("IMG_1.jpg", &photo_of(10, 2_000, 1_500))).await;
        assert_eq!(again.location(), made.location());
        // The verifier adds another one.
        let path = format!("/nominations/{id}/evidence");
        let added = send(&grid, &path, &[], ("IMG_2.jpg", &photo(90))).await;
        assert_eq!(added.location(), format!("/nominations/{id}?done=photo#photos"));
        let page = grid.get(&format!("/nominations/{id}")).await.text;
        let shots = shots(&page);
        assert_eq!(shots.len(), 2);
        let shown = grid.get(&shots[0]).await;
        assert_eq!(shown.status, 200);
        for (name, value) in [
            ("content-type", "image/jpeg"),
            ("content-disposition", "inline; filename=\"photo.jpg\""),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(shown.header(name), value);
        }
        assert!(shown.text.starts_with('\u{FFFD}') && !shown.text.contains("Exif") && !shown.text.contains("GPS"));
        // It lies outside the database, small.
        let rows = {
            let id = id.clone();
            town.read(move |conn| evidence::of_nomination(conn, &id)).await
        };
        assert!(rows.iter().any(|one| (one.width, one.height) == (1_600, 1_200)));
        assert!(town.app.files.read(&rows[0].file().unwrap()).is_ok());
        // Nobody without the duty or the area: not a stranger, not the shop, not the grid worker of another building.
        assert_eq!(town.stranger().get(&shots[0]).await.status, 303);
        assert_eq!(town.signed_in("shop").await.get(&shots[0]).await.status, 403);
        assert_eq!(town.signed_in("far-grid").await.get(&shots[0]).await.status, 404);
        assert_eq!(town.signed_in("auditor").await.get(&shots[0]).await.status, 200);
        let far = send(&town.signed_in("far-grid").await, &path, &[], ("a.jpg", &photo(1))).await;
        assert_eq!(far.status, 404);
        // Under another nomination's address there is no such photograph.
        let other = send(&building, "/nominations", &deed("k2", LI, "E10"), ("", b"")).await;
        let wrong = shots[0].replace(id.as_str(), id_of(&other).as_str());
        assert_eq!(grid.get(&wrong).await.status, 404);
        // No form of ours, no photograph.
        let bare = building.post_file(&path, &[("csrf", "x")], ("photo", "a.jpg", &photo(3))).await;
        assert_eq!(bare.status, 403);
    }
}

on_both! {
    async fn what_is_no_photo_is_told_and_the_deed_stands(town: Town) {
        let building = town.signed_in("building").await;
        let made = send(&building, "/nominations", &deed("k1", WANG, "E10"), ("photo.jpg", b"%PDF-1.7 certificate")).await;
        assert_eq!(made.status, 303);
        let told = building.get(made.location()).await.text;
        assert!(told.contains("申报已交上去，但有照片没收下：这是 PDF 文件，不是照片"));
        let path = format!("/nominations/{}/evidence", id_of(&made));
        let whole = photo(7);
        for (bytes, words) in [
            (&b"<!doctype html><script>alert(1)</script>"[..], "这个文件不是照片"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
            (&whole[..whole.len() - 500], "照片不完整或已损坏"),
            (&[&whole[..], b"<html>"].concat(), "夹着别的文件"),
            (b"", "请先选照片"),
        ] {
            let answer = send(&building, &path, &[], ("IMG.jpg", bytes)).await;
            assert!(answer.status == 409 || answer.status == 422, "{words}: {}", answer.status);
            assert!(answer.text.contains(words), "{words}");
        }
        // Six, and no seventh.
        for shade in 0..6 {
            assert_eq!(send(&building, &path, &[], ("a.jpg", &photo(shade * 20))).await.status, 303);
        }
        let seventh = send(&building, &path, &[], ("a.jpg", &photo(250))).await;
        assert!(seventh.status == 409 && seventh.text.contains("最多6张"));
    }
}

on_both! {
    async fn photos_go_a_year_after_the_matter_was_closed_and_the_row_stays(town: Town) {
        let building = town.signed_in("building").await;
        let open = id_of(&send(&building, "/nominations", &deed("k1", WANG, "E10"), ("a.jpg", &photo(10))).await);
        let closed = id_of(&send(&building, "/nominations", &deed("k2", LI, "E10"), ("a.jpg", &photo(10))).await);
        let grid = town.signed_in("grid").await;
        let verification = format!("/nominations/{closed}/verification");
        let returned = [("key", "v"), ("decision", "return"), ("reason", "看不清")];
        assert_eq!(grid.post(&verification, &returned).await.status, 303);
        let due = async |days: i64| {
            let (files, now) = (town.app.files.clone(), town.app.now() + chrono::TimeDelta::days(days));
            town.write(move |conn| evidence::delete_due(conn, &files, now)).await.unwrap()
        };
        assert_eq!(due(360).await, 0);
        assert_eq!(due(366).await, 1);
        assert_eq!(due(366).await, 0);
        // The same photograph belongs to a nomination that is still open: its file stays.
        let rows = async |id: &Id<Nomination>| {
            let id = id.clone();
            town.read(move |conn| evidence::of_nomination(conn, &id)).await.remove(0)
        };
        let (kept, gone) = (rows(&open).await, rows(&closed).await);
        assert!(town.app.files.read(&kept.file().unwrap()).is_ok());
        assert_eq!((gone.file(), gone.deleted_on.map(|day| day.to_string())), (None, Some("2027-11-22".to_owned())));
        let page = grid.get(&format!("/nominations/{closed}")).await.text;
        assert!(page.contains("2027-11-22按规定删除"));
        let address = format!("/nominations/{closed}/evidence/{}", gone.id);
        assert_eq!(grid.get(&address).await.status, 404);
        // Withdrawn, its time comes too; then the file goes.
        assert_eq!(building.post(&format!("/nominations/{open}/withdrawal"), &[]).await.status, 303);
        assert_eq!(due(366).await, 1);
        assert!(town.app.files.read(&kept.file().unwrap()).is_err());
    }
}

on_both! {
    async fn what_looks_alike_is_told_before_it_is_sent(town: Town) {
        let building = town.signed_in("building").await;
        let grid = town.signed_in("grid").await;
        let form = format!("/nominations/new?household={WANG}&item=D03");
        assert!(!grid.get(&form).await.text.contains("这一天已经有人"));
        assert_eq!(building.post("/nominations", &deed("a", WANG, "D03")).await.status, 303);
        // Somebody else, the same deed: shown on the page, and asked once more if it was not seen there.
        let page = grid.get(&form).await.text;
        assert!(page.contains("这一天已经有人给这户报过这件事：楼栋长甲，待核实。"));
        let unseen = grid.post("/nominations", &deed("b", WANG, "D03")).await;
        assert_eq!(unseen.status, 409);
        assert!(unseen.text.contains("还没有提交") && unseen.text.contains("清扫楼道"));
        let mark = unseen.text.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut fields = deed("b", WANG, "D03");
        fields.push(("seen", mark));
        let made = grid.post("/nominations", &fields).await;
        assert_eq!(made.status, 303);
        // The same request once more is the same nomination, and nobody is asked again.
        assert_eq!(grid.post("/nominations", &deed("a", WANG, "D03")).await.status, 409);
        assert_eq!(building.post("/nominations", &deed("a", WANG, "D03")).await.status, 303);
        // Who verifies is told too.
        let council = town.signed_in("council").await;
        let first = council.get(made.location().split('?').next().unwrap()).await.text;
        assert!(first.contains("同一天还有一条一样的：楼栋长甲"));
        // The days around it are told, but ask nothing.
        let mut near = deed("c", WANG, "D03");
        near[4].1 = "2026-11-20";
        let checked = grid.post("/nominations/check", &near).await;
        assert!(checked.status == 200 && checked.text.contains("2026年11月21日有人给这户报过这件事"));
    }
}

on_both! {
    async fn caps_are_told_before_it_is_sent(town: Town) {
        let grid = town.signed_in("grid").await;
        let item = |code: &str| format!("/nominations/new?household={WANG}&item={code}");
        // E10: 2 points a visit; the cap of the month is in the rules.
        let page = grid.get(&item("E10")).await.text;
        assert!(page.contains("这个月还可加30分，今年240分"), "{page}");
        let many = |count: &'static str| [("key", "k"), ("household", WANG), ("item", "E10"), ("count", count), ("occurred_on", "2026-11-21")];
        let over = grid.post("/nominations/check", &many("90")).await.text;
        assert!(over.contains("超过上限，交不上去"));
        // Near the household's cap: what is above it counts as honour only, and that is said and asked.
        for (key, item, count) in [("x", "E01", "4"), ("y", "E06", "4"), ("z", "C11", "1")] {
            let mut fields = deed(key, WANG, item);
            fields[3].1 = count;
            assert_eq!(grid.post("/nominations", &fields).await.status, 303, "{item}");
        }
        let mut fields = deed("w", WANG, "E03");
        fields[3].1 = "5";
        let asked = grid.post("/nominations", &fields).await;
        assert_eq!(asked.status, 409);
        assert!(asked.text.contains("这次的10分里，5分可以兑换，5分只记荣誉分"), "{}", asked.text);
        // An item whose cap is used up says so in the list.
        let list = grid.get(&format!("/nominations/new?household={WANG}")).await.text;
        assert!(list.contains("本季度已满"));
        let far = town.signed_in("building").await.get(&format!("/nominations/new?household={FAR}&item=E10")).await;
        assert_eq!(far.status, 404);
    }
}

on_both! {
    async fn a_nomination_is_taken_back_by_its_nominator_until_it_is_verified(town: Town) {
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        let id = id_of(&building.post("/nominations", &deed("a", WANG, "E10")).await);
        let withdrawal = format!("/nominations/{id}/withdrawal");
        assert_eq!(grid.post(&withdrawal, &[]).await.status, 403);
        assert!(building.get(&format!("/nominations/{id}")).await.text.contains("撤回这条申报"));
        let gone = building.post(&withdrawal, &[]).await;
        assert_eq!(gone.location(), format!("/nominations/{id}?done=withdrawn"));
        assert_eq!(building.post(&withdrawal, &[]).await.status, 303);
        let state = {
            let id = id.clone();
            town.read(move |conn| Ok(nomination::by_id(conn, &id)?.state)).await
        };
        assert_eq!(state, nomination::State::Withdrawn);
        let late = grid.post(&format!("/nominations/{id}/verification"), &[("key", "v"), ("decision", "approve")]).await;
        assert_eq!(late.status, 409);
        // Verified, it stays.
        let id = id_of(&building.post("/nominations", &deed("b", WANG, "E10")).await);
        let verified = grid.post(&format!("/nominations/{id}/verification"), &[("key", "w"), ("decision", "approve")]).await;
        assert_eq!(verified.status, 303);
        assert_eq!(building.post(&format!("/nominations/{id}/withdrawal"), &[]).await.status, 409);
    }
}
