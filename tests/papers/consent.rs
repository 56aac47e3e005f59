//! Consent forms on paper: numbered when they are printed, keyed once when they come back signed.

use std::collections::HashMap;

use jishan::audit;
use jishan::clock::days_after;
use jishan::papers::form::Form;
use jishan::papers::paper::Paper;
use jishan::places::consent::{self, Consent, Purpose};

use super::printed;
use crate::browser::{Answer, Visitor};
use crate::town::{LI, Town, WANG, on_both, today};

/// Gives a form its number.
async fn print(by: &Visitor, household: &str, key: &str) -> Answer {
    by.post("/consent-forms", &[("key", key), ("household", household)])
        .await
}

async fn decided(town: &Town, code: &'static str) -> HashMap<Purpose, Consent> {
    let household = town.household(code).await.id;
    town.read(move |conn| consent::of(conn, &household)).await
}

async fn given(town: &Town, code: &'static str) -> Vec<Purpose> {
    let decided = decided(town, code).await;
    let is_given = |purpose: &&Purpose| decided.get(*purpose).is_some_and(|consent| consent.given);
    Purpose::ALL.iter().filter(is_given).copied().collect()
}

/// The audit lines of this act, newest first.
async fn details(town: &Town, act: &'static str) -> Vec<String> {
    let events = town.read(move |conn| audit::of_acts(conn, &[act], 100)).await;
    events.into_iter().map(|event| event.detail).collect()
}

on_both! {
    async fn a_consent_form_comes_back_and_is_keyed_once(town: Town) {
        let grid = town.signed_in("grid").await;
        let printed_for = print(&grid, WANG, "a").await;
        assert_eq!(printed_for.location(), format!("/papers/consent-form?id=1&household={WANG}"));
        assert_eq!(print(&grid, WANG, "a").await.location(), printed_for.location(), "sent twice, printed once");
        assert_eq!(print(&grid, LI, "a").await.status, 409);
        assert_eq!(print(&grid, "nobody", "b").await.status, 404);
        let paper = grid.get(printed_for.location()).await;
        assert!(paper.status == 200 && paper.text.starts_with("%PDF-"));
        let number = Form::Consent.number(1);
        let said = printed::said(&town, Paper::ConsentForm, printed::number("1")).await;
        assert!(said.contains(&number) && said.contains("王建国"), "{said}");

        // Whoever takes no consents down, or not in this building, does not key it.
        let path = format!("/forms/{number}");
        assert_eq!(town.signed_in("shop").await.get(&path).await.status, 403);
        for (name, status) in [("far-grid", 404), ("shop", 403)] {
            let other = town.signed_in(name).await;
            let sent = other.post(&path, &[("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-1", "1")]).await;
            assert_eq!(sent.status, status, "{name}");
        }
        let page = grid.get(&path).await.text;
        assert!(page.contains("王建国户") && page.contains("name=\"row-5\"") && !page.contains("name=\"household\""), "{page}");

        // What is wrong is said, and nothing of it is written down or lost.
        let tomorrow = days_after(today(), 1).to_string();
        for (day, who, why) in [
            ("", "龚芳", "哪一天签的"),
            (tomorrow.as_str(), "龚芳", "还没有到"),
            ("2026-11-20", "龚芳", "签字不会更早"),
            ("2026-11-21", " ", "经办人是谁"),
        ] {
            let wrong = grid.post(&path, &[("signed-on", day), ("taken-by", who), ("row-1", "1")]).await;
            assert!(wrong.status == 422 && wrong.text.contains(why), "{why}: {}", wrong.text);
            assert!(wrong.text.contains("name=\"row-1\" value=\"1\" checked"), "{}", wrong.text);
        }
        assert!(decided(&town, WANG).await.is_empty());

        let ticked = [("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-1", "1"), ("row-5", "1")];
        let keyed = grid.post(&path, &ticked).await;
        assert_eq!((keyed.status.as_u16(), keyed.location()), (303, format!("/households/{WANG}?done=consents").as_str()));
        let stands = decided(&town, WANG).await;
        let board = &stands[&Purpose::HonourBoard];
        assert_eq!(board.recorded_by.as_deref(), Some(town.user("grid").await.id.as_str()));
        assert_eq!((board.given, board.decided_on, stands.len()), (true, today(), 2));
        // The paper's number is in the record, and no name.
        let mut lines = details(&town, "consent.given").await;
        lines.sort();
        assert_eq!(lines, [format!("honour_board {number}"), format!("name_on_card {number}")]);
        assert_eq!(details(&town, "consent_form.keyed").await, [number.as_str()]);

        // The same once more is the first time's; another content is refused.
        assert_eq!(grid.post(&path, &ticked).await.location(), keyed.location());
        assert_eq!(details(&town, "consent_form.keyed").await.len(), 1);
        let other = grid.post(&path, &ticked[..3]).await;
        assert!(other.status == 409 && other.text.contains("已经录入"), "{}", other.text);
        assert!(!grid.get(&path).await.text.contains("name=\"row-1\""));
        assert_eq!(given(&town, WANG).await, [Purpose::HonourBoard, Purpose::NameOnCard]);

        // What is not ticked on a later form is withdrawn.
        print(&grid, WANG, "c").await;
        let path = format!("/forms/{}", Form::Consent.number(2));
        assert!(grid.get(&path).await.text.contains("现在：同意"));
        let later = grid.post(&path, &[("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-2", "1")]).await;
        assert_eq!(later.status, 303, "{}", later.text);
        assert_eq!(given(&town, WANG).await, [Purpose::Broadcast]);
    }
}

on_both! {
    async fn a_blank_form_says_who_signed_it(town: Town) {
        let grid = town.signed_in("grid").await;
        assert_eq!(print(&grid, "", "a").await.location(), "/papers/consent-form?id=1");
        let said = printed::said(&town, Paper::ConsentForm, printed::number("1")).await;
        assert!(said.contains(&Form::Consent.number(1)) && !said.contains("王建国"), "{said}");
        let path = format!("/forms/{}", Form::Consent.number(1));
        assert!(grid.get(&path).await.text.contains("name=\"household\""));
        let key = async |household: &str| {
            let fields = [("household", household), ("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-3", "1")];
            grid.post(&path, &fields).await
        };
        for (household, why) in [("", "请写明是谁家"), ("没有这家", "没有找到")] {
            let wrong = key(household).await;
            assert!(wrong.status == 422 && wrong.text.contains(why), "{}", wrong.text);
        }
        assert_eq!(key("李玉山").await.location(), format!("/households/{LI}?done=consents"));
        assert_eq!(given(&town, LI).await, [Purpose::Photo]);
        // It is Li's now: by whatever name, and nobody else's.
        assert_eq!(key(LI).await.status, 303);
        assert_eq!(key(WANG).await.status, 409);
        assert!(given(&town, WANG).await.is_empty());
        let page = grid.get(&path).await.text;
        assert!(page.contains("李玉山户") && page.contains("已经录入"), "{page}");
        assert_eq!(grid.get(&format!("/forms/{}", Form::Consent.number(2))).await.status, 404);
    }
}

on_both! {
    async fn a_form_does_not_undo_what_was_decided_after_its_signature(town: Town) {
        let grid = town.signed_in("grid").await;
        print(&grid, WANG, "a").await;
        let (home, admin, later) = (town.household(WANG).await.id, town.user("admin").await.id, town.app.now() + chrono::TimeDelta::days(1));
        town.write(move |conn| {
            consent::decide(conn, &home, &[Purpose::Photo], admin.as_str(), later)?;
            consent::decide(conn, &home, &[], admin.as_str(), later)
        })
        .await
        .unwrap();
        let path = format!("/forms/{}", Form::Consent.number(1));
        let sent = grid.post(&path, &[("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-1", "1"), ("row-3", "1")]).await;
        assert!(sent.status == 409 && sent.text.contains("又改了“使用照片”"), "{}", sent.text);
        assert!(given(&town, WANG).await.is_empty(), "all of it or nothing");
        // What agrees with the later decision is taken down.
        let sent = grid.post(&path, &[("signed-on", "2026-11-21"), ("taken-by", "龚芳"), ("row-1", "1")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        assert_eq!(given(&town, WANG).await, [Purpose::HonourBoard]);
    }
}
