//! A household appeals about its own title from its phone: once, in time, about what the council denied it and nothing else.

use jishan::council::appeal::panel::Opinion;
use jishan::honours::appeal;
use jishan::honours::award::{State, TitleAward};

use super::own::own;
use super::redress::{appeal_about, give, more_people, name_panel};
use super::{MODEL, PARTY, after, close, code, conferred, count, nominate, opened, state, verified};
use crate::town::{LI, Town, WANG, on_both};

/// A title that the council did not carry.
async fn denied(town: &Town, code: &'static str, title: &str) -> TitleAward {
    let one = verified(town, code, title).await;
    let session = opened(town).await;
    count(town, &session, &one, [0, 3, 0]).await;
    close(town, &session).await;
    one
}

fn page_of(one: &TitleAward) -> String {
    format!("/my/honours/{}/appeal", one.id)
}

async fn appeals(town: &Town, one: &TitleAward) -> usize {
    let id = one.id.clone();
    town.read(move |conn| appeal::of_award(conn, &id)).await.len()
}

on_both! {
    async fn a_household_appeals_from_its_phone_and_reads_what_became_of_it(town: Town) {
        more_people(&town).await;
        let one = denied(&town, LI, PARTY).await;
        let path = page_of(&one);
        assert!(own(&town, LI).await.contains(&path));
        let li = town.at_home(LI).await;
        let form = li.get(&path).await;
        assert!(form.status == 200 && form.text.contains("票决未通过") && !form.text.contains("反对"), "{}", form.text);
        let empty = li.post(&path, &[("key", "a"), ("reason", " ")]).await;
        assert!(empty.status == 422 && empty.text.contains("请写明为什么"), "{}", empty.text);

        let said = [("key", "b"), ("reason", "楼道照片还在，请再看一看")];
        let filed = li.post(&path, &said).await;
        let number = filed.location().trim_start_matches("/title-appeals/").trim_end_matches("?done=filed").to_owned();
        assert_eq!(filed.location(), format!("/title-appeals/{number}?done=filed"), "{}", filed.text);
        assert_eq!(li.post(&path, &said).await.location(), filed.location(), "sent twice, one appeal");
        let twice = li.post(&path, &[("key", "c"), ("reason", "再来一次")]).await;
        assert!(twice.status == 409 && twice.text.contains("已有申诉"), "{}", twice.text);
        assert_eq!(appeals(&town, &one).await, 1);

        let receipt = li.get(filed.location()).await.text;
        for told in ["收到了", PARTY, "（网上）", "最晚答复", "/my/honours"] {
            assert!(receipt.contains(told), "{told}: {receipt}");
        }
        let receipt = town.stranger().get(&format!("/title-appeals/{number}")).await.text;
        assert!(receipt.contains("已收到，待受理") && !receipt.contains("李") && !receipt.contains("楼道照片"), "{receipt}");
        let page = own(&town, LI).await;
        for told in ["您家的申诉：已收到，待受理", "最晚", "答复", number.as_str()] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains(&path), "{page}");

        // The office finds it where all appeals are, and sees whose it is.
        let admin = town.signed_in("admin").await;
        assert!(admin.get("/desk").await.text.contains("称号的异议和申诉"));
        let hearing = format!("/title-appeals/{number}/hearing");
        assert!(admin.get("/title-awards").await.text.contains(&hearing));
        let looked = admin.get(&hearing).await.text;
        assert!(looked.contains("本户在网页上提出") && looked.contains("楼道照片还在"), "{looked}");
        assert!(admin.get(&format!("/title-awards/{}", one.id)).await.text.contains("本户在网页上提出"));
        assert!(town.signed_in("auditor").await.get("/audit").await.text.contains("住户本人"));

        let found = town.read(move |conn| appeal::by_receipt(conn, &number)).await;
        assert_eq!(found.taken_by, None);
        assert_eq!(code(name_panel(&town, &found, &["council", "deputy", "elder"], "admin").await), "not_for_panel");
        name_panel(&town, &found, &["deputy", "elder", "clerk"], "admin").await.unwrap();
        for by in ["deputy", "elder", "clerk"] {
            give(&town, &found, by, Opinion::Uphold).await.unwrap();
        }
        assert_eq!(state(&town, &one).await, State::Balloted);
        assert!(own(&town, LI).await.contains("您家的申诉：申诉成立"));
    }
}

on_both! {
    async fn what_the_office_wrote_down_is_the_households_one_appeal(town: Town) {
        let one = denied(&town, LI, PARTY).await;
        appeal_about(&town, &one).await.unwrap();
        let li = town.at_home(LI).await;
        let page = li.get(&page_of(&one)).await;
        assert!(page.status == 200 && page.text.contains("您家的申诉：已收到") && !page.text.contains("<textarea"), "{}", page.text);
        assert_eq!(li.post(&page_of(&one), &[("key", "a"), ("reason", "请再看")]).await.status, 409);
        assert_eq!(appeals(&town, &one).await, 1);
    }
}

on_both! {
    async fn nobody_appeals_about_anothers_title_or_about_what_is_not_decided(town: Town) {
        let said = [("key", "a"), ("reason", "请再看一看")];
        let theirs = denied(&town, LI, PARTY).await;
        let wang = town.at_home(WANG).await;
        assert_eq!(wang.get(&page_of(&theirs)).await.status, 404);
        assert_eq!(wang.post(&page_of(&theirs), &said).await.status, 404);
        // Nobody hears of a nomination before the council has decided.
        let tried = nominate(&town, WANG, PARTY).await;
        assert_eq!(wang.get(&page_of(&tried)).await.status, 404);
        assert_eq!(wang.post(&page_of(&tried), &said).await.status, 404);
        // What it holds it does not appeal against.
        let held = conferred(&town, WANG, MODEL).await;
        let wang = town.at_home(WANG).await;
        let page = wang.get(&page_of(&held)).await;
        assert!(page.status == 200 && page.text.contains("没有可以申诉的决定") && !page.text.contains("<textarea"), "{}", page.text);
        assert_eq!(wang.post(&page_of(&held), &said).await.status, 409);
        for one in [&theirs, &tried, &held] {
            assert_eq!(appeals(&town, one).await, 0);
        }
    }
}

on_both! {
    async fn a_household_appeals_in_time(town: Town) {
        let one = denied(&town, LI, PARTY).await;
        after(&town, 17).await;
        let li = town.at_home(LI).await;
        let page = li.get(&page_of(&one)).await.text;
        assert!(page.contains("申诉期限已经过了") && !page.contains("<textarea"), "{page}");
        let late = li.post(&page_of(&one), &[("key", "a"), ("reason", "请再看一看")]).await;
        assert!(late.status == 409 && late.text.contains("申诉期限到"), "{}", late.text);
        assert_eq!(appeals(&town, &one).await, 0);
    }
}
