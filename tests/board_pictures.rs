//! Photographs on the board: two people see them first, households agree at every look, children are asked for, and every
//! file goes when its time is over.

use chrono::TimeDelta;
use jishan::boards::picture::{self, Picture, State};
use jishan::council::nomination::{self, Filter, Nomination};
use jishan::files::FileName;
use jishan::honours::award;
use jishan::id::Id;
use jishan::photo::BOARD_BYTES;
use jishan::places::consent::Purpose;
use jishan::registry::change::Change;

use crate::boards::{STORY, agrees, everything_in_public, praised, titles_on_notice};
use crate::browser::{Answer, Visitor};
use crate::evidence::{photo, send};
use crate::registry::ask;
use crate::retention::{confirm, propose, time_passes};
use crate::town::{LI, Town, WANG, on_both};

/// What a photograph needs of its household.
const BOTH: &[Purpose] = &[Purpose::HonourBoard, Purpose::Photo];
/// What is on it.
const WORDS: &str = "清通以后的水沟";

/// The deed of a household that posted.
async fn deed_of(town: &Town, household: &'static str) -> Id<Nomination> {
    let home = town.household(household).await.id;
    town.read(move |conn| {
        let filter = Filter {
            states: vec![nomination::State::Posted],
            households: Some(vec![home]),
            ..Filter::default()
        };
        Ok(nomination::list(conn, &filter, 1)?.remove(0).id)
    })
    .await
}

/// A deed on the wall of good deeds, of a household that agrees to a photograph.
async fn pictured_deed(town: &Town, household: &'static str) -> Id<Nomination> {
    praised(town, household, "E08", STORY).await;
    agrees(town, household, BOTH).await;
    deed_of(town, household).await
}

/// Sends the form; the key is also the shade of the picture.
async fn add(visitor: &Visitor, key: &str, beside: (&str, &str), more: &[(&str, &str)]) -> Answer {
    let shade = key.bytes().next().unwrap();
    let mut fields = vec![("key", key), beside, ("words", WORDS)];
    fields.extend(more);
    send(visitor, "/board/pictures", &fields, ("IMG_1.jpg", &photo(shade))).await
}

const NO_CHILDREN: &[(&str, &str)] = &[("children", "none")];

fn id_of(answer: &Answer) -> Id<Picture> {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let path = answer.location().split('?').next().unwrap();
    Id::known(path.strip_prefix("/board/pictures/").unwrap())
}

async fn decide(visitor: &Visitor, id: &Id<Picture>, decision: &str, reason: &str) -> Answer {
    let (path, key) = (format!("/board/pictures/{id}/decision"), format!("{decision}-{id}"));
    let fields = [("key", key.as_str()), ("decision", decision), ("reason", reason)];
    visitor.post(&path, &fields).await
}

/// A photograph that two people put beside the deed.
async fn approved(town: &Town, key: &str, deed: &Id<Nomination>) -> Id<Picture> {
    let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
    let id = id_of(&add(&admin, key, ("deed", deed.as_str()), NO_CHILDREN).await);
    assert_eq!(decide(&council, &id, "approve", "").await.status, 303);
    id
}

async fn row(town: &Town, id: &Id<Picture>) -> Picture {
    let id = id.clone();
    town.read(move |conn| picture::by_id(conn, &id)).await
}

/// Is the file there, and does everybody see it?
async fn stands(town: &Town, id: &Id<Picture>, file: &FileName) -> (bool, bool) {
    let answer = town.stranger().get(&format!("/board/photos/{id}")).await;
    (town.app.files.read(file).is_ok(), answer.status == 200)
}

on_both! {
    async fn a_photograph_is_shown_after_two_people_and_while_its_household_agrees(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let form = format!("/board/pictures/new?deed={deed}");
        assert!(admin.get(&format!("/nominations/{deed}")).await.text.contains(&form));
        assert!(!town.signed_in("grid").await.get(&format!("/nominations/{deed}")).await.text.contains(&form));
        assert!(admin.get(&form).await.text.contains("照片里有没有未成年人"));
        let sent = add(&admin, "k", ("deed", deed.as_str()), NO_CHILDREN).await;
        let id = id_of(&sent);
        // Sent twice, as over a bad line: one photograph. Another one has no place.
        assert_eq!(id_of(&add(&admin, "k", ("deed", deed.as_str()), NO_CHILDREN).await), id);
        let second = add(&admin, "l", ("deed", deed.as_str()), NO_CHILDREN).await;
        assert!(second.status == 409 && second.text.contains("已经有一张照片"), "{}", second.text);
        assert_eq!(admin.get(&form).await.location(), format!("/board/pictures/{id}"));
        // One person has seen it: nobody else does.
        let public = format!("/board/photos/{id}");
        assert_eq!(town.stranger().get(&public).await.status, 404);
        let without = everything_in_public(&town).await;
        assert!(without.contains(STORY) && !without.contains("/board/photos/") && !without.contains("pictured"));
        let own = decide(&admin, &id, "approve", "").await;
        assert!(own.status == 409 && own.text.contains("由另一人看过"), "{}", own.text);
        assert!(!admin.get("/desk").await.text.contains("上榜照片待看"));
        assert!(council.get("/desk").await.text.contains("上榜照片待看"));
        // The second person sees it as large as it is kept.
        let large = format!("/board/pictures/{id}/file");
        assert!(council.get(&format!("/board/pictures/{id}")).await.text.contains(&large));
        assert_eq!(council.get(&large).await.status, 200);
        assert_eq!(town.signed_in("grid").await.get(&large).await.status, 403);
        assert_eq!(decide(&council, &id, "refuse", " ").await.status, 422);
        assert_eq!(decide(&council, &id, "approve", "").await.status, 303);
        assert_eq!(decide(&council, &id, "approve", "").await.status, 303, "sent twice, done once");
        // Now everybody does: small, clean, and kept by no browser.
        let shown = town.stranger().get(&public).await;
        assert_eq!(shown.status, 200);
        for (name, value) in [("content-type", "image/jpeg"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
            assert_eq!(shown.header(name), value);
        }
        assert!(!shown.text.contains("Exif") && !shown.text.contains("GPS"));
        let file = row(&town, &id).await.file().unwrap();
        assert!(town.app.files.read(&file).unwrap().len() <= BOARD_BYTES);
        let picture = format!("src=\"{public}\" width=\"320\" height=\"240\" alt=\"{WORDS}\"");
        let page = town.stranger().get("/board").await.text;
        assert_eq!(page.matches(&format!("{picture} loading=\"lazy\"")).count(), 1, "{page}");
        assert!(everything_in_public(&town).await.matches(&picture).count() > 1, "and on the television");
        // Either consent withdrawn, it is gone at once, and the staff read why.
        let left: [(&'static [Purpose], &str); 3] = [
            (&[Purpose::HonourBoard], "本户没有同意使用照片"),
            (&[Purpose::Photo], "本户没有同意上光荣榜"),
            (&[], "本户没有同意上光荣榜"),
        ];
        for (left, why) in left {
            agrees(&town, WANG, left).await;
            assert_eq!(stands(&town, &id, &file).await, (true, false), "{why}");
            assert!(!everything_in_public(&town).await.contains(&public), "{why}");
            assert!(admin.get("/board/pictures").await.text.contains(why));
            assert_eq!(council.get(&large).await.status, 200, "the office still knows what it keeps");
        }
        agrees(&town, WANG, BOTH).await;
        assert_eq!(stands(&town, &id, &file).await, (true, true));
        // The record says who did what, and names nobody.
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("上传上榜照片") && record.contains("同意照片上榜") && !record.contains(WORDS));
    }
}

on_both! {
    async fn a_photograph_needs_consents_a_place_on_the_wall_and_a_photograph(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        let deed = deed_of(&town, WANG).await;
        let admin = town.signed_in("admin").await;
        let agreed: [(&'static [Purpose], &str); 3] = [
            (&[], "本户没有同意上光荣榜"),
            (&[Purpose::HonourBoard], "本户没有同意使用照片"),
            (&[Purpose::Photo], "本户没有同意上光荣榜"),
        ];
        for (agreed, why) in agreed {
            agrees(&town, WANG, agreed).await;
            let answer = add(&admin, "a", ("deed", deed.as_str()), NO_CHILDREN).await;
            assert!(answer.status == 409 && answer.text.contains(why), "{why}: {}", answer.text);
            assert!(admin.get(&format!("/board/pictures/new?deed={deed}")).await.text.contains(why));
        }
        // A deed that nobody told in a sentence has no place on the wall.
        town.app.clock.advance(TimeDelta::minutes(1));
        praised(&town, LI, "E08", "").await;
        agrees(&town, LI, BOTH).await;
        let untold = deed_of(&town, LI).await;
        let answer = add(&admin, "b", ("deed", untold.as_str()), NO_CHILDREN).await;
        assert!(answer.status == 409 && answer.text.contains("没有写一句话"), "{}", answer.text);
        // Those who decide are on no board, and with no photograph either.
        agrees(&town, WANG, BOTH).await;
        for (words, status) in [("", 422), ("王建国家的水沟", 409)] {
            let fields = [("key", "c"), ("deed", deed.as_str()), ("words", words), ("children", "none")];
            let answer = send(&admin, "/board/pictures", &fields, ("a.jpg", &photo(1))).await;
            assert_eq!(answer.status, status, "{words}: {}", answer.text);
        }
        let fields = [("key", "d"), ("deed", deed.as_str()), ("words", WORDS), ("children", "none")];
        for (bytes, words) in [(&b""[..], "请先选照片"), (b"%PDF-1.7 certificate", "PDF")] {
            let answer = send(&admin, "/board/pictures", &fields, ("a.jpg", bytes)).await;
            assert!(matches!(answer.status.as_u16(), 409 | 422) && answer.text.contains(words), "{}", answer.text);
        }
        let wang = town.household(WANG).await;
        town.change(ask(&wang, Change::FlagStaff { is_staff: true })).await.unwrap();
        let answer = add(&admin, "e", ("deed", deed.as_str()), NO_CHILDREN).await;
        assert!(answer.status == 409 && answer.text.contains("这件事不在榜上"), "{}", answer.text);
        assert_eq!(town.read(picture::kept).await, []);
        for beside in ["", "?deed=unknown", "?title=unknown"] {
            assert_eq!(admin.get(&format!("/board/pictures/new{beside}")).await.status, 404, "{beside}");
        }
    }
}

on_both! {
    async fn children_are_on_a_photograph_with_their_guardians_consent_alone(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let admin = town.signed_in("admin").await;
        let beside = ("deed", deed.as_str());
        let refused = add(&admin, "a", beside, &[("children", "some"), ("guardian_on", "2026-11-20")]).await;
        assert!(refused.status == 409 && refused.text.contains("监护人没有书面同意"), "{}", refused.text);
        let unclear: [&[(&str, &str)]; 3] = [
            &[],
            &[("children", "some"), ("guardian", "yes")],
            &[("children", "some"), ("guardian", "yes"), ("guardian_on", "2026-12-31")],
        ];
        for more in unclear {
            assert_eq!(add(&admin, "b", beside, more).await.status, 422, "{more:?}");
        }
        assert_eq!(town.read(picture::kept).await, []);
        let more = [("children", "some"), ("guardian", "yes"), ("guardian_on", "2026-11-20")];
        let id = id_of(&add(&admin, "c", beside, &more).await);
        let kept = row(&town, &id).await;
        assert_eq!(kept.guardian_agreed_on.map(|day| day.to_string()), Some("2026-11-20".to_owned()));
        let page = town.signed_in("council").await.get(&format!("/board/pictures/{id}")).await.text;
        assert!(page.contains("监护人2026年11月20日书面同意"), "{page}");
    }
}

on_both! {
    async fn what_is_refused_or_taken_down_has_no_file_any_more(town: Town) {
        let (wang, li) = (pictured_deed(&town, WANG).await, pictured_deed(&town, LI).await);
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let refused = id_of(&add(&admin, "a", ("deed", wang.as_str()), NO_CHILDREN).await);
        let file = row(&town, &refused).await.file().unwrap();
        assert_eq!(decide(&council, &refused, "refuse", "有别家的门牌").await.status, 303);
        assert_eq!(stands(&town, &refused, &file).await, (false, false));
        assert!(admin.get(&format!("/board/pictures/{refused}")).await.text.contains("有别家的门牌"));
        assert_eq!(admin.get(&format!("/board/pictures/{refused}/file")).await.status, 404);
        assert_eq!(decide(&council, &refused, "approve", "").await.status, 409);
        // One photograph of two households is one file: it goes with the last of them.
        let one = approved(&town, "b", &wang).await;
        let fields = [("key", "c"), ("deed", li.as_str()), ("words", WORDS), ("children", "none")];
        let other = id_of(&send(&admin, "/board/pictures", &fields, ("a.jpg", &photo(b'b'))).await);
        let file = row(&town, &one).await.file().unwrap();
        assert_eq!(row(&town, &other).await.file().as_ref(), Some(&file));
        assert_eq!(decide(&council, &one, "take_down", "").await.status, 422);
        assert_eq!(stands(&town, &one, &file).await, (true, true));
        assert_eq!(decide(&council, &one, "take_down", "本户来说了一声").await.status, 303);
        assert_eq!(stands(&town, &one, &file).await, (true, false));
        assert!(!everything_in_public(&town).await.contains("/board/photos/"));
        // Whoever added it takes it back alone.
        assert_eq!(decide(&admin, &other, "take_down", "传错了").await.status, 303);
        assert_eq!(stands(&town, &other, &file).await, (false, false));
        assert_eq!(row(&town, &other).await.state, State::TakenDown);
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("不同意照片上榜") && record.contains("撤下上榜照片") && !record.contains("有别家的门牌"));
    }
}

on_both! {
    async fn a_household_sees_its_own_photographs_and_withdraws(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let admin = town.signed_in("admin").await;
        let id = id_of(&add(&admin, "a", ("deed", deed.as_str()), NO_CHILDREN).await);
        let (wang, own) = (town.at_home(WANG).await, format!("/my/pictures/{id}"));
        let page = wang.get("/my/consents").await.text;
        assert!(page.contains(&own) && page.contains("还没有上榜，等第二个人看过"), "{page}");
        assert_eq!(wang.get(&own).await.header("content-type"), "image/jpeg");
        let li = town.at_home(LI).await;
        assert_eq!(li.get(&own).await.status, 404);
        assert!(!li.get("/my/consents").await.text.contains("/my/pictures/"));
        assert_eq!(decide(&town.signed_in("council").await, &id, "approve", "").await.status, 303);
        assert!(wang.get("/my/consents").await.text.contains("谁打开光荣榜网页"));
        assert!(wang.get("/my/consents/photo").await.text.contains("马上从网页和电视上撤下"));
        assert_eq!(wang.post("/my/consents/photo", &[("given", "no")]).await.status, 303);
        assert_eq!(town.stranger().get(&format!("/board/photos/{id}")).await.status, 404);
        assert!(wang.get("/my/consents").await.text.contains("只有您自己和办公室看得到"));
        assert_eq!(wang.get(&own).await.status, 200);
    }
}

on_both! {
    async fn a_title_has_a_photograph_too(town: Town) {
        titles_on_notice(&town, [(WANG, "文明榜样户"), (LI, "整洁美丽户")]).await;
        agrees(&town, WANG, BOTH).await;
        let home = town.household(WANG).await.id;
        let title = town.read(move |conn| Ok(award::of_household(conn, &home)?.remove(0).id)).await;
        let admin = town.signed_in("admin").await;
        let early = add(&admin, "a", ("title", title.as_str()), NO_CHILDREN).await;
        assert!(early.status == 409 && early.text.contains("这件事不在榜上"), "{}", early.text);
        town.app.clock.advance(TimeDelta::days(8));
        town.app.run_due().await.unwrap();
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let link = format!("/board/pictures/new?title={title}");
        assert!(admin.get(&format!("/title-awards/{title}")).await.text.contains(&link));
        let id = id_of(&add(&admin, "b", ("title", title.as_str()), NO_CHILDREN).await);
        assert_eq!(decide(&council, &id, "approve", "").await.status, 303);
        let public = format!("/board/photos/{id}");
        assert_eq!(town.stranger().get(&public).await.status, 200);
        assert_eq!(town.stranger().get("/board").await.text.matches(&public).count(), 1);
        assert!(everything_in_public(&town).await.matches(&public).count() > 1, "and on the television");
    }
}

on_both! {
    async fn a_file_goes_thirty_days_after_a_withdrawal(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let id = approved(&town, "a", &deed).await;
        let file = row(&town, &id).await.file().unwrap();
        let page = town.signed_in("auditor").await.get("/retention").await.text;
        assert!(page.contains("上榜照片") && page.contains("1张") && page.contains("2027年4月1日"), "{page}");
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        town.app.clock.advance(TimeDelta::days(29));
        town.app.run_due().await.unwrap();
        assert_eq!(stands(&town, &id, &file).await, (true, false));
        town.app.clock.advance(TimeDelta::days(1));
        for _ in 0..2 {
            town.app.run_due().await.unwrap();
        }
        assert_eq!(stands(&town, &id, &file).await, (false, false));
        assert_eq!(row(&town, &id).await.state, State::Over);
        let auditor = town.signed_in("auditor").await;
        assert_eq!(auditor.get("/audit").await.text.matches("删除到期上榜照片").count(), 1);
        assert!(auditor.get("/retention").await.text.matches("上榜照片").count() > 1);
        // Whoever agrees again gets no old photograph back.
        agrees(&town, WANG, BOTH).await;
        assert_eq!(stands(&town, &id, &file).await, (false, false));
    }
}

on_both! {
    async fn a_file_goes_with_the_deeds_time_on_the_board(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let id = approved(&town, "a", &deed).await;
        let file = row(&town, &id).await.file().unwrap();
        town.app.clock.advance(TimeDelta::days(130));
        town.app.run_due().await.unwrap();
        assert_eq!(stands(&town, &id, &file).await, (true, true), "31 March 2027");
        town.app.clock.advance(TimeDelta::days(1));
        // Not on the board any more, even before anybody cleared up.
        assert_eq!(stands(&town, &id, &file).await, (true, false));
        town.app.run_due().await.unwrap();
        assert_eq!(stands(&town, &id, &file).await, (false, false));
    }
}

on_both! {
    async fn a_household_that_leaves_takes_its_photographs_along(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let id = approved(&town, "a", &deed).await;
        let file = row(&town, &id).await.file().unwrap();
        town.change(ask(&town.household(WANG).await, Change::Leave)).await.unwrap();
        assert_eq!(stands(&town, &id, &file).await, (true, false));
        town.app.run_due().await.unwrap();
        assert_eq!(stands(&town, &id, &file).await, (false, false));
    }
}

on_both! {
    async fn who_is_deleted_has_no_file_left_whatever_its_time(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let id = approved(&town, "a", &deed).await;
        let file = row(&town, &id).await.file().unwrap();
        let home = town.household(WANG).await.id;
        let (files, now) = (town.app.files.clone(), town.app.now());
        let gone = town.write(move |conn| picture::over::delete_of(conn, &files, &home, now)).await.unwrap();
        assert_eq!(gone, 1);
        assert_eq!(stands(&town, &id, &file).await, (false, false));
    }
}

on_both! {
    async fn a_deleted_household_has_no_words_beside_its_photographs_left(town: Town) {
        let deed = pictured_deed(&town, WANG).await;
        let id = approved(&town, "a", &deed).await;
        let admin = town.signed_in("admin").await;
        assert_eq!(decide(&admin, &id, "take_down", "王建国来说了一声").await.status, 303);
        town.change(ask(&town.household(WANG).await, Change::Leave)).await.unwrap();
        time_passes(&town).await;
        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        assert_eq!(propose(&grid, "on_paper").await.status, 303);
        assert_eq!(confirm(&admin, WANG).await.status, 303);
        let left = row(&town, &id).await;
        assert_eq!((left.words.as_str(), left.ending_reason.as_deref()), ("已删除", Some("已删除")));
    }
}
