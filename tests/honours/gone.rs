//! Households that are gone: what is under way for one that was merged, left or lives in another grid ends and says why, with
//! the objections and appeals about it; what it holds is read by the household that it became part of.

use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::council::appeal::panel::Opinion;
use jishan::honours::award::{Ending, State};
use jishan::honours::{appeal, objection};
use jishan::id::Id;
use jishan::places::area::Tree;
use jishan::registry::change::{Change, Door};

use super::own::{file, own};
use super::redress::{appeal_about, decide, give, more_people, name_panel, object};
use super::{
    MODEL, PARTY, after, again, close, code, conferred, count, key, nominate, nominate_by, on_notice, opened, publish,
    state, verified, verify,
};
use crate::registry::ask;
use crate::town::{FAR, LI, PASSWORD, Town, WANG, fresh_key, on_both};

async fn merge(town: &Town, from: &'static str, into: &str) {
    let home = town.household(from).await;
    town.change(ask(&home, Change::Merge { into: into.to_owned() }))
        .await
        .unwrap();
}

on_both! {
    async fn a_merge_ends_what_is_on_notice_and_the_other_household_is_nominated_anew(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let objected = object(&town, &slip).await.unwrap();
        merge(&town, WANG, LI).await;
        after(&town, 0).await;
        let ended = again(&town, &one).await;
        assert_eq!((ended.state, ended.ending), (State::Declined, Some(Ending::Merged)));
        assert!(ended.ending_reason.as_ref().is_some_and(|why| why.contains("并入另一户")), "{ended:?}");
        // What was said against it needs no decision.
        let id = objected.id.clone();
        let lapsed = town.read(move |conn| objection::by_id(conn, &id)).await;
        assert_eq!((lapsed.state, lapsed.decided_by), (objection::State::Lapsed, None));
        assert_eq!(code(decide(&town, &objected, "admin", true).await), "objection_decided");
        let receipt = town.stranger().get(&format!("/title-objections/{}", objected.receipt)).await.text;
        assert!(receipt.contains("不用再处理了") && !receipt.contains("公示期满授予"), "{receipt}");
        assert!(!town.signed_in("admin").await.get("/desk").await.text.contains("称号的异议和申诉"));
        after(&town, 8).await;
        assert_eq!((state(&town, &one).await, town.spendable(LI).await), (State::Declined, 0));
        // The household that it became part of reads why.
        let page = own(&town, LI).await;
        assert!(page.contains("原王建国户的") && page.contains("并入另一户") && !page.contains("写申诉"), "{page}");
        let (other, _) = on_notice(&town, LI, MODEL).await;
        after(&town, 8).await;
        assert_eq!((state(&town, &other).await, town.spendable(LI).await), (State::Conferred, 60));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn nobody_verifies_or_votes_on_a_household_that_is_gone(town: Town) {
        let first = verified(&town, WANG, PARTY).await;
        let second = nominate(&town, WANG, MODEL).await;
        let session = opened(&town).await;
        merge(&town, WANG, LI).await;
        assert_eq!(code(verify(&town, &second, "grid", true, "").await), "household_merged");
        assert_eq!(code(key(&town, &session, &first, "admin", [3, 0, 0]).await), "not_found");
        after(&town, 0).await;
        for one in [&first, &second] {
            assert_eq!(again(&town, one).await.ending, Some(Ending::Merged));
        }
        // It did not come before the council, and nobody hears of it.
        let page = own(&town, LI).await;
        assert!(page.contains("还没有评上的称号") && !page.contains(MODEL), "{page}");
    }
}

on_both! {
    async fn what_was_carried_for_a_household_that_is_gone_is_not_published(town: Town) {
        let one = verified(&town, WANG, MODEL).await;
        let session = opened(&town).await;
        count(&town, &session, &one, [3, 0, 0]).await;
        close(&town, &session).await;
        merge(&town, WANG, LI).await;
        assert_eq!(code(publish(&town, &session).await), "nothing_to_publish");
        after(&town, 0).await;
        assert_eq!(again(&town, &one).await.ending, Some(Ending::Merged));
    }
}

on_both! {
    async fn a_title_that_is_held_is_read_by_the_household_that_the_holder_became_part_of(town: Town) {
        more_people(&town).await;
        let held = conferred(&town, WANG, MODEL).await;
        // Somebody of the household begins to work for the programme, and moves along with it.
        let (home, now) = (town.household(WANG).await.id, town.app.now());
        let hash = PasswordHash::of(PASSWORD).unwrap();
        town.write(move |conn| {
            let root = Tree::load(conn)?.root().unwrap().id.clone();
            let person = User {
                id: Id::new(now),
                name: "son".to_owned(),
                display_name: "小王".to_owned(),
                household_id: Some(home),
                disabled_at: None,
            };
            user::add(conn, &person, &hash, &Duties(vec![(Role::Administrator, root)]), now)
        })
        .await
        .unwrap();
        merge(&town, WANG, LI).await;
        after(&town, 0).await;
        assert_eq!((state(&town, &held).await, town.spendable(LI).await), (State::Conferred, 60));
        let page = own(&town, LI).await;
        for told in [MODEL, "已授予", "原王建国户的", "60分，已入账"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        let link = format!("/my/points/{}\"", held.transaction_number.unwrap());
        assert!(!page.contains(&link), "it stands in the book of the former household: {page}");
        assert!(file(&town, LI, "/my/data/honours.csv").await.contains("原王建国户的：红白事简办"));
        let desk = town.signed_in("grid").await;
        assert!(desk.get(&format!("/households/{LI}")).await.text.contains("文明榜样户（2026年第四季度），原王建国户的"));

        // It is doubted as before; whoever lived there stands outside, and the points go back.
        let doubted = appeal_about(&town, &held).await.unwrap();
        after(&town, 0).await;
        assert_eq!(code(name_panel(&town, &doubted, &["son", "deputy", "elder"], "admin").await), "not_for_panel");
        name_panel(&town, &doubted, &["deputy", "elder", "clerk"], "admin").await.unwrap();
        for by in ["deputy", "elder", "clerk"] {
            give(&town, &doubted, by, Opinion::Uphold).await.unwrap();
        }
        assert_eq!((state(&town, &held).await, town.spendable(LI).await), (State::Revoked, 0));
        assert!(own(&town, LI).await.contains("已撤销"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn one_household_holds_a_title_of_a_period_once(town: Town) {
        conferred(&town, WANG, MODEL).await;
        merge(&town, WANG, LI).await;
        assert_eq!(code(nominate_by(&town, LI, MODEL, "building", "带头清扫楼道").await), "already_nominated");
        nominate(&town, LI, PARTY).await;
    }
}

on_both! {
    async fn what_a_household_asked_for_that_is_gone_lapses(town: Town) {
        let denied = verified(&town, LI, PARTY).await;
        let other = verified(&town, FAR, PARTY).await;
        let session = opened(&town).await;
        count(&town, &session, &denied, [0, 3, 0]).await;
        count(&town, &session, &other, [0, 3, 0]).await;
        close(&town, &session).await;
        let first = appeal_about(&town, &denied).await.unwrap();
        let second = appeal_about(&town, &other).await.unwrap();
        merge(&town, LI, WANG).await;
        let far = town.household(FAR).await;
        town.change(ask(&far, Change::Leave)).await.unwrap();
        after(&town, 0).await;
        for filed in [&first, &second] {
            let id = filed.id.clone();
            let now = town.read(move |conn| appeal::by_id(conn, &id)).await;
            assert_eq!(now.state, appeal::State::Lapsed);
            let receipt = town.stranger().get(&format!("/title-appeals/{}", filed.receipt)).await.text;
            assert!(receipt.contains("不用再处理") && receipt.contains("已不在本项目"), "{receipt}");
        }
        assert!(!town.signed_in("admin").await.get("/desk").await.text.contains("称号的异议和申诉"));
        after(&town, 17).await;
        assert_eq!((state(&town, &denied).await, state(&town, &other).await), (State::Declined, State::Declined));
    }
}

on_both! {
    async fn whoever_moves_to_another_grid_is_nominated_there_and_keeps_what_was_decided(town: Town) {
        let (carried, _) = on_notice(&town, LI, PARTY).await;
        let one = verified(&town, WANG, MODEL).await;
        let building = town.household(FAR).await.building_id.to_string();
        for (household, room) in [(WANG, "301"), (LI, "302")] {
            let home = town.household(household).await;
            let door = Door { building: building.clone(), stairwell: String::new(), room: room.to_owned() };
            town.change(ask(&home, Change::Move { door })).await.unwrap();
        }
        after(&town, 0).await;
        let ended = again(&town, &one).await;
        assert_eq!((ended.state, ended.ending), (State::Declined, Some(Ending::Moved)));
        assert_eq!(state(&town, &carried).await, State::Notified);
        let anew = nominate_by(&town, WANG, MODEL, "far-grid", "带头清扫楼道").await.unwrap();
        assert_ne!(anew.scope_id, ended.scope_id);
        after(&town, 8).await;
        assert_eq!(state(&town, &carried).await, State::Conferred);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_merge_is_shown_with_what_becomes_of_titles(town: Town) {
        nominate(&town, WANG, MODEL).await;
        let (now, grid) = (town.app.now(), town.signed_in("grid").await);
        let day = jishan::clock::day_of(now).to_string();
        let key = fresh_key(now);
        let fields = [("key", key.as_str()), ("into", LI), ("effective_on", day.as_str()), ("reason", "老人搬来同住")];
        let preview = grid.post(&format!("/households/{WANG}/changes/merge"), &fields).await;
        assert!(preview.text.contains("正在评选的称号到此为止"), "{}", preview.text);
    }
}

on_both! {
    async fn a_household_that_left_is_given_nothing_and_its_place_is_free(town: Town) {
        let (one, _) = on_notice(&town, WANG, MODEL).await;
        let left = town.household(WANG).await;
        town.change(ask(&left, Change::Leave)).await.unwrap();
        after(&town, 1).await;
        let one = again(&town, &one).await;
        assert_eq!(one.state, State::Declined);
        assert!(one.ending_reason.is_some_and(|why| why.contains("迁出")));
        let (other, _) = on_notice(&town, LI, MODEL).await;
        after(&town, 8).await;
        assert_eq!((state(&town, &other).await, town.spendable(WANG).await), (State::Conferred, 0));
        town.expect_books_hold().await;
    }
}
