//! Jobs in trouble: what cannot be printed is said before anything is made, what fails stops and says so, and nothing is counted
//! that was not printed.

use std::fs;
use std::time::Duration;

use jishan::error::Error;
use jishan::papers::job::{self, Kind, State};
use jishan::papers::order::{Asked, Order};
use jishan::press;

use super::clearing::execute;
use super::jobs::{ask, problems_of};
use crate::browser::Visitor;
use crate::town::{LI, Town, WANG, on_both};

const FOR_STATEMENTS: [(&str, &str); 3] = [("kind", "statements"), ("area", ""), ("size", "a4")];

/// The page of a job as soon as it says this.
async fn page_with(visitor: &Visitor, path: &str, words: &str) -> String {
    let mut text = String::new();
    for _ in 0..300 {
        text = visitor.get(path).await.text;
        if text.contains(words) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} does not say {words}: {text}");
}

on_both! {
    async fn statements_that_could_not_be_printed_are_not_planned(town: Town) {
        let plan = async |asked: Asked, now| {
            let order = Order { asked, duties: None, now };
            town.app.db.read(move |conn| job::plan(conn, Kind::Statements, order)).await.map(drop)
        };
        let (now, none) = (town.app.now(), Asked::default);
        assert!(plan(none(), now).await.is_ok());
        let size = Asked { size: Some("a3".to_owned()), ..none() };
        let month = |month: &str| Asked { month: Some(month.to_owned()), ..none() };
        for wrong in [size, month("2026-13"), month("2026-12")] {
            let refused = plan(wrong.clone(), now).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong:?}: {refused:?}");
        }
        // On a day before the first rules.
        let early = now - chrono::TimeDelta::days(3_650);
        let refused = plan(none(), early).await;
        assert!(matches!(&refused, Err(Error::Invalid(_))), "{refused:?}");
        let admin = town.signed_in("admin").await;
        let form = [("kind", "statements"), ("area", ""), ("size", "a3")];
        let refused = admin.post("/print-jobs", &form).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("纸张大小可以是a4、a5"), "{}", refused.text);
    }
}

on_both! {
    async fn a_job_that_fails_stops_says_so_and_goes_on_when_somebody_lets_it(town: Town) {
        let admin = town.signed_in("admin").await;
        // A disk on which nothing can be written.
        let prints = town.app.files.sibling("prints");
        fs::write(&prints, "in the way").unwrap();
        let path = admin.post("/print-jobs", &FOR_STATEMENTS).await.location().to_owned();
        let page = page_with(&admin, &path, "已停止").await;
        assert!(page.contains("服务器出错"), "{page}");
        assert!(page.contains("继续打印"), "{page}");
        fs::remove_file(&prints).unwrap();
        assert_eq!(admin.post(&format!("{path}/state"), &[("running", "true")]).await.status, 303);
        let page = page_with(&admin, &path, "已完成").await;
        assert!(page.contains("4份，共4份") && !page.contains("服务器出错"), "{page}");
    }
}

on_both! {
    async fn duties_that_were_taken_away_print_and_fetch_nothing(town: Town) {
        let admin = town.signed_in("admin").await;
        let path = admin.post("/print-jobs", &FOR_STATEMENTS).await.location().to_owned();
        page_with(&admin, &path, "已完成").await;
        let (user, job) = (town.user("admin").await.id, ask(&town, Kind::Cards, town.user("admin").await.id.as_str()).await.unwrap());
        let id = job.id.clone();
        town.write(move |conn| job::set_running(conn, &id, false)).await.unwrap();
        execute(&town, format!("UPDATE user_roles SET role = 'auditor' WHERE user_id = '{user}'")).await;
        for (path, action) in [(path.clone(), "/files/1"), (path, ""), (format!("/print-jobs/{}", job.id), "")] {
            assert_eq!(admin.get(&format!("{path}{action}")).await.status, 404, "{path}{action}");
            assert_eq!(admin.post(&format!("{path}/state"), &[("running", "true")]).await.status, 404);
        }
        // What waits in the queue is not printed either: no card is issued in the name of somebody who may not.
        let id = job.id.clone();
        town.write(move |conn| job::set_running(conn, &id, true)).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let refused = press::run(&town.app, &job.id, folder.path(), |_| ()).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

on_both! {
    async fn what_was_refused_is_no_paper_that_was_printed(town: Town) {
        let admin = town.signed_in("admin").await;
        let printables = town.app.files.sibling("printables");
        fs::create_dir_all(&printables).unwrap();
        let template = |text: &str| fs::write(printables.join("statement.typ"), text).unwrap();
        // A mistake is found before anything is asked for.
        template("#let x = \n");
        let refused = admin.post("/print-jobs", &FOR_STATEMENTS).await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("statement.typ"), "{}", refused.text);
        // One that only the second building has.
        template("#let data = json(\"/data.json\")\n#if data.household.code.starts-with(\"C01-G02\") { panic() }\nA\n");
        let path = admin.post("/print-jobs", &FOR_STATEMENTS).await.location().to_owned();
        let page = page_with(&admin, &path, "已完成").await;
        assert!(page.contains("3份，共4份") && page.contains("1份没有打印"), "{page}");
        assert!(page.contains(&format!("{path}/files/1")) && !page.contains(&format!("{path}/files/2")), "{page}");
    }
}

on_both! {
    async fn a_long_name_of_a_place_stops_nobody(town: Town) {
        let job = ask(&town, Kind::Statements, job::COMMAND_LINE).await.unwrap();
        let name = "𠮷".repeat(120);
        execute(&town, format!("UPDATE print_parts SET name = '{name}' WHERE job_id = '{}'", job.id)).await;
        let folder = tempfile::tempdir().unwrap();
        let done = press::run(&town.app, &job.id, folder.path(), |_| ()).await.unwrap();
        assert_eq!(done.state, State::Done);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a file for each part");
    }
}

on_both! {
    async fn what_could_not_be_printed_is_kept_without_a_name(town: Town) {
        execute(&town, format!("UPDATE households SET head_name = '王\u{E863}祥' WHERE code = '{WANG}'")).await;
        let printables = town.app.files.sibling("printables");
        fs::create_dir_all(&printables).unwrap();
        let panics = format!("#let data = json(\"/data.json\")\n#if data.household.code == \"{LI}\" {{ panic(data.household.head_name) }}\n#data.household.head_name\n");
        fs::write(printables.join("statement.typ"), panics).unwrap();
        let job = ask(&town, Kind::Statements, job::COMMAND_LINE).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        press::run(&town.app, &job.id, folder.path(), |_| ()).await.unwrap();
        let problems = problems_of(&town, &job).await;
        assert_eq!(problems.len(), 2, "{problems:?}");
        let said = problems.join("");
        assert!(said.contains(WANG) && said.contains("U+E863"), "enough to find it: {said}");
        assert!(said.contains(LI) && said.contains("第2行"), "{said}");
        assert!(!said.contains('祥') && !said.contains("玉山"), "{said}");
        assert!(said.contains("重新启动后再打印"), "fonts are read once: {said}");
    }
}
