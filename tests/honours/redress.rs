//! Objections to titles and appeals about them: who decides, what silence does, what posts and what goes back, and what their
//! pages show to whom.

use diesel::prelude::*;
use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::council::appeal::panel::Opinion;
use jishan::council::objection::Channel;
use jishan::db::schema::title_objections;
use jishan::error::Result;
use jishan::honours::appeal::{self, Accept, Filer, Give, TitleAppeal};
use jishan::honours::award::{State, TitleAward};
use jishan::honours::objection::{self, Decide, File, TitleObjection};
use jishan::id::Id;
use jishan::places::area::Tree;

use super::{MODEL, PARTY, after, again, close, code, conferred, count, on_notice, opened, publish, state, verified};
use crate::town::{FAR, LI, PASSWORD, Town, WANG, fresh_key, on_both};

pub(super) async fn object(town: &Town, slip: &str) -> Result<TitleObjection> {
    let now = town.app.now();
    let asked = File {
        slip: slip.to_owned(),
        reason: "楼道是别人扫的".to_owned(),
        name: String::new(),
        contact: String::new(),
        channel: Channel::Web,
        taken_by: None,
        key: fresh_key(now),
    };
    town.write(move |conn| objection::file(conn, &asked, now)).await
}

pub(super) async fn decide(
    town: &Town,
    one: &TitleObjection,
    by: &'static str,
    upheld: bool,
) -> Result<TitleObjection> {
    let now = town.app.now();
    let asked = Decide {
        objection: one.id.clone(),
        upheld,
        reason: "看了值日表".to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| objection::decide(conn, &asked, now)).await
}

/// People who have no part in anything, and one who lives with Wang and works for the programme.
pub(super) async fn more_people(town: &Town) {
    let now = town.app.now();
    let hash = PasswordHash::of(PASSWORD).unwrap();
    town.write(move |conn| {
        let root = Tree::load(conn)?.root().unwrap().id.clone();
        for (name, shown) in [("deputy", "何主任"), ("elder", "老支书"), ("clerk", "小周")] {
            let person = User {
                id: Id::new(now),
                name: name.to_owned(),
                display_name: shown.to_owned(),
                household_id: None,
                disabled_at: None,
            };
            user::add(
                conn,
                &person,
                &hash,
                &Duties(vec![(Role::Administrator, root.clone())]),
                now,
            )?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

pub(super) async fn appeal_about(town: &Town, one: &TitleAward) -> Result<TitleAppeal> {
    let (grid, now, award) = (town.user("grid").await.id, town.app.now(), one.id.clone());
    let asked = appeal::File {
        award,
        reason: "请再看一看".to_owned(),
        contact: String::new(),
        by: Filer::Office(grid),
        key: fresh_key(now),
    };
    town.write(move |conn| appeal::file(conn, &asked, now)).await
}

pub(super) async fn name_panel(
    town: &Town,
    one: &TitleAppeal,
    panel: &[&'static str],
    by: &'static str,
) -> Result<TitleAppeal> {
    let mut named = Vec::new();
    for name in panel {
        named.push(town.user(name).await.id);
    }
    let now = town.app.now();
    let asked = Accept {
        appeal: one.id.clone(),
        panel: named,
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| appeal::accept(conn, &asked, now)).await
}

pub(super) async fn give(town: &Town, one: &TitleAppeal, by: &'static str, opinion: Opinion) -> Result<TitleAppeal> {
    let now = town.app.now();
    let asked = Give {
        appeal: one.id.clone(),
        opinion,
        reason: "看了材料".to_owned(),
        by: town.user(by).await.id,
        key: fresh_key(now),
    };
    town.write(move |conn| appeal::give(conn, &asked, now)).await
}

// ---- Objections ----------------------------------------------------------------------------------------------------

on_both! {
    async fn an_objection_suspends_and_somebody_who_did_not_vote_decides(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let objection = object(&town, &slip.to_lowercase()).await.unwrap();
        assert_eq!(state(&town, &one).await, State::Suspended);
        for (by, why) in [("council", "voted"), ("grid", "verified")] {
            assert_eq!(code(decide(&town, &objection, by, false).await), "took_part", "{by} {why}");
        }
        decide(&town, &objection, "admin", false).await.unwrap();
        assert_eq!(state(&town, &one).await, State::Notified);
        assert_eq!(code(decide(&town, &objection, "admin", true).await), "objection_decided");
        after(&town, 8).await;
        assert_eq!((state(&town, &one).await, town.spendable(WANG).await), (State::Conferred, 60));
        assert_eq!(code(object(&town, &slip).await), "notice_ended");
    }
}

on_both! {
    async fn an_objection_that_is_right_ends_it_and_the_place_is_free(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let first = object(&town, &slip).await.unwrap();
        let second = object(&town, &slip).await.unwrap();
        decide(&town, &first, "admin", true).await.unwrap();
        let id = second.id.clone();
        let second = town.read(move |conn| objection::by_id(conn, &id)).await;
        assert_eq!(second.state, objection::State::Upheld, "what others said needs no decision of its own");
        after(&town, 30).await;
        assert_eq!((state(&town, &one).await, town.spendable(WANG).await), (State::Declined, 0));
        let (other, _) = on_notice(&town, LI, MODEL).await;
        assert_eq!(other.state, State::Notified);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn silence_favours_the_household(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        after(&town, 6).await;
        object(&town, &slip).await.unwrap();
        // The notice is over, and nobody has decided yet.
        after(&town, 4).await;
        assert_eq!(state(&town, &one).await, State::Suspended);
        after(&town, 2).await;
        assert_eq!(state(&town, &one).await, State::Conferred);
    }
}

// ---- Appeals -------------------------------------------------------------------------------------------------------

on_both! {
    async fn only_a_panel_of_others_revokes_a_title_and_its_points_go_back(town: Town) {
        more_people(&town).await;
        let one = conferred(&town, WANG, MODEL).await;
        let card = town.issue_card(WANG).await.token();
        town.redeem("a", &card, &[("G013", 1)]).await.unwrap();
        assert_eq!(town.spendable(WANG).await, 30);
        let appeal = appeal_about(&town, &one).await.unwrap();
        assert_eq!(code(appeal_about(&town, &one).await), "already_appealed");
        assert_eq!(code(name_panel(&town, &appeal, &["council", "deputy", "elder"], "admin").await), "not_for_panel");
        assert_eq!(code(name_panel(&town, &appeal, &["deputy"], "admin").await), "panel_too_small");
        name_panel(&town, &appeal, &["deputy", "elder", "clerk"], "admin").await.unwrap();
        assert_eq!(code(give(&town, &appeal, "admin", Opinion::Uphold).await), "not_on_panel");
        give(&town, &appeal, "deputy", Opinion::Uphold).await.unwrap();
        give(&town, &appeal, "elder", Opinion::Dismiss).await.unwrap();
        assert_eq!(state(&town, &one).await, State::Conferred, "the last opinion decides");
        give(&town, &appeal, "clerk", Opinion::Uphold).await.unwrap();
        let one = again(&town, &one).await;
        assert_eq!((one.state, town.spendable(WANG).await), (State::Revoked, 0), "nobody owes anything");
        assert!(one.reversal_number.is_some());
        after(&town, 1).await;
        assert_eq!(town.spendable(WANG).await, 0, "and it does not post again");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_tie_and_silence_are_as_the_household_would_have_it(town: Town) {
        more_people(&town).await;
        // A title that it holds it keeps.
        let held = conferred(&town, WANG, MODEL).await;
        appeal_about(&town, &held).await.unwrap();
        after(&town, 17).await;
        assert_eq!(state(&town, &held).await, State::Conferred);
        // What the council denied is given, after everybody could read it.
        let denied = verified(&town, LI, PARTY).await;
        let session = opened(&town).await;
        count(&town, &session, &denied, [0, 3, 0]).await;
        close(&town, &session).await;
        appeal_about(&town, &denied).await.unwrap();
        after(&town, 17).await;
        assert_eq!(state(&town, &denied).await, State::Balloted);
        publish(&town, &session).await.unwrap();
        after(&town, 8).await;
        assert_eq!(state(&town, &denied).await, State::Conferred);
        // What everybody has read is given at once.
        let (objected, slip) = on_notice(&town, FAR, PARTY).await;
        let objection = object(&town, &slip).await.unwrap();
        decide(&town, &objection, "admin", true).await.unwrap();
        let appeal = appeal_about(&town, &objected).await.unwrap();
        assert_eq!(code(name_panel(&town, &appeal, &["admin", "elder", "clerk"], "deputy").await), "not_for_panel");
        name_panel(&town, &appeal, &["deputy", "elder", "clerk"], "deputy").await.unwrap();
        for (by, opinion) in [("deputy", Opinion::Uphold), ("elder", Opinion::Uphold), ("clerk", Opinion::Dismiss)] {
            give(&town, &appeal, by, opinion).await.unwrap();
        }
        assert_eq!(state(&town, &objected).await, State::Conferred);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_denial_is_appealed_against_in_time_and_once(town: Town) {
        let one = verified(&town, WANG, MODEL).await;
        assert_eq!(code(appeal_about(&town, &one).await), "nothing_to_appeal");
        let session = opened(&town).await;
        count(&town, &session, &one, [0, 3, 0]).await;
        after(&town, 17).await;
        assert_eq!(code(appeal_about(&town, &one).await), "appeal_too_late");
    }
}
// ---- Pages ---------------------------------------------------------------------------------------------------------

on_both! {
    async fn what_is_said_of_a_title_by_telephone_is_written_down_with_its_way(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let grid = town.signed_in("grid").await;
        let form = grid.get(&format!("/objections/take?slip={slip}")).await.text;
        assert!(form.contains(MODEL) && form.contains("王**"), "{form}");
        let fields = [("key", "k"), ("slip", slip.as_str()), ("reason", "楼道是别家扫的"), ("name", "老陈"), ("contact", "")];
        let with = |channel| fields.iter().copied().chain([("channel", channel)]).collect::<Vec<_>>();
        let web = grid.post("/objections/take", &with("web")).await;
        assert!(web.status == 422 && web.text.contains("请选择是怎么提出的"));
        assert_eq!(town.signed_in("far-grid").await.post("/objections/take", &with("by_phone")).await.status, 404);
        let taken = grid.post("/objections/take", &with("by_phone")).await;
        assert!(taken.location().starts_with("/title-objections/"), "{}", taken.text);
        assert_eq!(grid.post("/objections/take", &with("by_phone")).await.location(), taken.location(), "sent twice, one objection");
        assert_eq!(state(&town, &one).await, State::Suspended);
        let receipt = town.stranger().get(taken.location()).await.text;
        assert!(receipt.contains("（电话）") && !receipt.contains("老陈"), "{receipt}");
        let decision = town.signed_in("admin").await.get(&format!("{}/decision", taken.location())).await.text;
        assert!(decision.contains("老陈") && decision.contains("（电话）"), "{decision}");
        let row = town.write(|conn| Ok(title_objections::table.select((title_objections::channel, title_objections::taken_by.is_not_null())).load::<(Channel, bool)>(conn)?)).await.unwrap();
        assert_eq!(row, [(Channel::ByPhone, true)]);
    }
}

on_both! {
    async fn whoever_appeals_about_a_title_has_a_receipt_that_tells_nothing_of_anybody(town: Town) {
        more_people(&town).await;
        let one = conferred(&town, WANG, MODEL).await;
        let grid = town.signed_in("grid").await;
        let said = [("key", "k"), ("reason", "楼道是别家扫的"), ("contact", "13800000000")];
        let filed = grid.post(&format!("/title-awards/{}/appeals", one.id), &said).await;
        let path = filed.location().to_owned();
        assert!(path.starts_with("/title-appeals/"), "{}", filed.text);
        let stranger = town.stranger();
        let receipt = stranger.get(&path).await.text;
        assert!(receipt.contains(MODEL) && receipt.contains("已收到，待受理"), "{receipt}");
        for hidden in ["王", WANG, "别家", "13800000000", "/hearing"] {
            assert!(!receipt.contains(hidden), "{hidden}");
        }
        let number = path.rsplit('/').next().unwrap();
        assert_eq!(stranger.get(&format!("/receipts?number={number}")).await.location(), path);
        assert_eq!(stranger.get(&format!("{path}/hearing")).await.status, 303, "to sign in");
        assert!(town.signed_in("admin").await.get(&path).await.text.contains("/hearing"));
        after(&town, 17).await;
        assert!(stranger.get(&path).await.text.contains("维持原决定"));
    }
}

on_both! {
    async fn what_waits_about_titles_stands_on_the_desk_and_is_urgent_when_half_of_its_time_is_gone(town: Town) {
        let admin = town.signed_in("admin").await;
        assert!(!admin.get("/desk").await.text.contains("称号的异议和申诉"), "nothing waits");
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let objection = object(&town, &slip).await.unwrap();
        let decision = format!("/title-objections/{}/decision", objection.receipt);
        let desk = admin.get("/desk").await.text;
        assert!(desk.contains("称号的异议和申诉") && !desk.contains("件急"), "{desk}");
        let list = admin.get("/title-awards").await.text;
        assert!(list.contains(&decision) && !list.contains("badge red"), "{list}");
        // Of five days the third has begun.
        after(&town, 3).await;
        let admin = town.signed_in("admin").await;
        assert!(admin.get("/desk").await.text.contains("其中1件急：办理期限已过半"));
        assert!(admin.get("/title-awards").await.text.contains("badge red"));
        assert!(admin.get(&decision).await.text.contains("notice bad"));
        // Only where one may look.
        let far = town.signed_in("far-grid").await;
        assert!(!far.get("/title-awards").await.text.contains(&decision));
        decide(&town, &objection, "admin", false).await.unwrap();
        assert!(!admin.get("/desk").await.text.contains("称号的异议和申诉"));
        assert!(!admin.get("/title-awards").await.text.contains(&decision));
        after(&town, 8).await;
        appeal_about(&town, &again(&town, &one).await).await.unwrap();
        assert!(town.signed_in("admin").await.get("/title-awards").await.text.contains("/title-appeals/"));
    }
}

on_both! {
    async fn who_objected_is_forgotten_a_year_after_the_decision(town: Town) {
        let (_, slip) = on_notice(&town, WANG, MODEL).await;
        let fields = [("key", "k"), ("slip", slip.as_str()), ("reason", "楼道是别家扫的"), ("name", "老陈"), ("contact", "13800000000")];
        let sent = town.stranger().post("/title-objections", &fields).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let said = async || {
            let rows = town.write(|conn| {
                let columns = (title_objections::objector_name, title_objections::objector_contact, title_objections::reason);
                Ok(title_objections::table.select(columns).load::<(String, String, String)>(conn)?)
            });
            rows.await.unwrap().remove(0)
        };
        let all = ("老陈".to_owned(), "13800000000".to_owned(), "楼道是别家扫的".to_owned());
        after(&town, 11).await;
        assert_eq!(said().await, all, "silence has decided, and somebody may still ask");
        after(&town, 350).await;
        assert_eq!(said().await, all);
        after(&town, 30).await;
        assert_eq!(said().await, (String::new(), String::new(), all.2));
    }
}

on_both! {
    async fn every_number_of_a_title_leads_to_its_page_and_every_line_says_how_it_came(town: Town) {
        more_people(&town).await;
        let one = conferred(&town, WANG, MODEL).await;
        let posted = one.transaction_number.unwrap();
        let appeal = appeal_about(&town, &one).await.unwrap();
        name_panel(&town, &appeal, &["deputy", "elder", "clerk"], "admin").await.unwrap();
        for by in ["deputy", "elder", "clerk"] {
            give(&town, &appeal, by, Opinion::Uphold).await.unwrap();
        }
        let taken_back = again(&town, &one).await.reversal_number.unwrap();
        let grid = town.signed_in("grid").await;
        for number in [posted.to_string(), taken_back.to_string(), "H1-1".to_owned(), "h1-1".to_owned()] {
            let found = grid.get(&format!("/trace/{number}")).await;
            assert_eq!(found.location(), format!("/title-awards/{}", one.id), "{number}");
            assert_eq!(town.signed_in("far-grid").await.get(&format!("/trace/{number}")).await.status, 404);
        }
        for unknown in ["H9-9", "H1", "H1-x"] {
            assert_eq!(grid.get(&format!("/trace/{unknown}")).await.status, 404, "{unknown}");
        }
        let statement = grid.get(&format!("/households/{WANG}/statement")).await.text;
        for told in ["荣誉称号奖励：文明榜样户（2026年第四季度）", "公示条目H1-1", "称号撤销，奖励收回"] {
            assert!(statement.contains(told), "{told}: {statement}");
        }
    }
}
