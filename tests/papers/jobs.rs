//! Jobs of many papers: everybody once, on from where they stopped, and cards that are never made twice.

use std::fs;

use diesel::RunQueryDsl as _;
use jishan::cards::card;
use jishan::error::Error;
use jishan::papers::card::{Face, Flip};
use jishan::papers::job::{self, Kind, PrintJob, Progress, State};
use jishan::papers::order::{Asked, Order};
use jishan::places::programme;
use jishan::press;
use serde_json::{Value, json};

use crate::town::{LI, Town, WANG, on_both};

/// Plans a job for the whole town, and asks for it.
pub(super) async fn ask(town: &Town, kind: Kind, by: &str) -> Result<PrintJob, Error> {
    let (now, by) = (town.app.now(), by.to_owned());
    let order = Order {
        asked: Asked::default(),
        duties: None,
        now,
    };
    let plan = town.app.db.read(move |conn| job::plan(conn, kind, order)).await?;
    town.write(move |conn| job::ask(conn, &plan, &by, now)).await
}

async fn set_running(town: &Town, job: &PrintJob, running: bool) {
    let id = job.id.clone();
    let set = town.write(move |conn| job::set_running(conn, &id, running)).await;
    set.unwrap();
}

/// As if the power had gone before the first part was written off.
async fn forget_that_it_was_printed(town: &Town, job: &PrintJob) {
    let id = job.id.clone();
    town.write(move |conn| {
        diesel::sql_query(format!(
            "UPDATE print_parts SET done_at = NULL WHERE job_id = '{id}' AND position = 1"
        ))
        .execute(conn)?;
        diesel::sql_query(format!("UPDATE print_jobs SET state = 'waiting' WHERE id = '{id}'")).execute(conn)?;
        Ok(())
    })
    .await
    .unwrap();
}

pub(super) async fn problems_of(town: &Town, job: &PrintJob) -> Vec<String> {
    let id = job.id.clone();
    let parts = town.read(move |conn| job::parts(conn, &id)).await;
    parts
        .iter()
        .flat_map(|part| part.problems.lines().map(str::to_owned))
        .collect()
}

async fn number_in_use(town: &Town, code: &'static str) -> String {
    let household = town.household(code).await.id;
    let mut numbers = town
        .read(move |conn| card::numbers_in_use(conn, std::slice::from_ref(&household)))
        .await;
    numbers.drain().map(|(_, number)| number).next().unwrap()
}

on_both! {
    async fn a_job_prints_everybody_once_and_goes_on_where_it_stopped(town: Town) {
        let app = town.app.clone();
        let folder = tempfile::tempdir().unwrap();
        let job = ask(&town, Kind::Statements, job::COMMAND_LINE).await.unwrap();
        let id = job.id.clone();
        let parts = town.read(move |conn| job::parts(conn, &id)).await;
        assert_eq!(parts.iter().map(|part| part.papers).sum::<i64>(), 4);
        assert_eq!(parts.len(), 2, "a file for each building");

        // Stopped before it began, it prints nothing; then it goes on.
        set_running(&town, &job, false).await;
        assert_eq!(press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap().state, State::Cancelled);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        set_running(&town, &job, true).await;

        // Stopped at the first paper of the first part, it ends with that part.
        let stop = |progress: Progress| {
            let (town, id) = (app.clone(), job.id.clone());
            if progress.done == 1 {
                tokio::spawn(async move { town.db.write(move |conn| job::set_running(conn, &id, false)).await });
            }
        };
        let stopped = press::run(&app, &job.id, folder.path(), stop).await.unwrap();
        assert_eq!(stopped.state, State::Cancelled);
        let first = folder.path().join(parts[0].file_name());
        assert!(fs::read(&first).unwrap().starts_with(b"%PDF-"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "one part and no more");

        // It goes on with the second; what is done is not printed again.
        fs::write(&first, "as it lay there").unwrap();
        set_running(&town, &job, true).await;
        let done = press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap();
        assert_eq!(done.state, State::Done);
        assert_eq!(fs::read(&first).unwrap(), b"as it lay there");
        assert!(fs::read(folder.path().join(parts[1].file_name())).unwrap().starts_with(b"%PDF-"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

on_both! {
    async fn cards_of_a_job_are_the_same_when_a_part_is_printed_again(town: Town) {
        let app = town.app.clone();
        let folder = tempfile::tempdir().unwrap();
        let admin = town.user("admin").await.id;
        let job = ask(&town, Kind::Cards, admin.as_str()).await.unwrap();
        assert_eq!(press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap().state, State::Done);
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let first = fs::read(&file).unwrap();
        forget_that_it_was_printed(&town, &job).await;
        press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap();
        assert_eq!(fs::read(&file).unwrap(), first);
        // Everybody has a card now.
        assert!(matches!(ask(&town, Kind::Cards, admin.as_str()).await, Err(Error::Invalid(_))));
    }
}

on_both! {
    async fn a_card_says_a_family_name_by_consent_only_and_is_turned_as_the_printer_turns(town: Town) {
        let issued = town.issue_card(WANG).await;
        let (home, programme) = (town.household(WANG).await, town.read(programme::get).await);
        let name = |is_named| {
            let face = Face::of(&programme, &issued, &home, is_named).unwrap();
            serde_json::to_value(face).unwrap()["name"].clone()
        };
        assert_eq!((name(false), name(true)), (Value::Null, json!("王家")));
        // What a job asks for is checked before a card is issued.
        let order = |flip: &str| Order { asked: Asked { flip: Some(flip.to_owned()), ..Asked::default() }, duties: None, now: town.app.now() };
        let (short, wrong) = (order("short"), order("up"));
        let planned = town.app.db.read(move |conn| job::plan(conn, Kind::Cards, wrong)).await;
        assert!(matches!(planned, Err(Error::Invalid(_))));
        assert!(town.app.db.read(move |conn| job::plan(conn, Kind::Cards, short)).await.is_ok());
        for (asked, flip) in [(None, Flip::Long), (Some(""), Flip::Long), (Some("short"), Flip::Short)] {
            assert_eq!(Flip::asked(asked).unwrap(), flip);
        }
    }
}

on_both! {
    async fn a_card_from_the_desk_outlives_a_job_that_was_asked_for_before(town: Town) {
        let app = town.app.clone();
        let folder = tempfile::tempdir().unwrap();
        let admin = town.user("admin").await.id;
        let job = ask(&town, Kind::Cards, admin.as_str()).await.unwrap();
        let desk = town.issue_card(WANG).await;
        press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap();
        assert_eq!(problems_of(&town, &job).await, [format!("{WANG}：已经有卡了，没有再发。")]);
        assert_eq!(number_in_use(&town, WANG).await, desk.number.as_str());

        // And whoever lost the card of the job keeps the new one when its sheet is printed again.
        let desk = town.issue_card(LI).await;
        forget_that_it_was_printed(&town, &job).await;
        press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap();
        let problems = problems_of(&town, &job).await;
        assert!(problems.contains(&format!("{LI}：这次印的卡已经停用，没有再印。")), "{problems:?}");
        assert_eq!(number_in_use(&town, LI).await, desk.number.as_str());
    }
}

on_both! {
    async fn a_job_is_asked_for_on_the_page_and_is_nobody_elses(town: Town) {
        let admin = town.signed_in("admin").await;
        let asked = admin.post("/print-jobs", &[("kind", "statements"), ("area", ""), ("size", "a5")]).await;
        assert_eq!(asked.status, 303);
        let path = asked.location().to_owned();
        let mut page = admin.get(&path).await;
        for _ in 0..600 {
            if page.text.contains("已完成") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            page = admin.get(&path).await;
        }
        assert!(page.text.contains("4份，共4份"), "{}", page.text);
        let file = admin.get(&format!("{path}/files/1")).await;
        assert_eq!(file.status, 200);
        assert!(file.text.starts_with("%PDF-"));
        let other = town.signed_in("grid").await;
        assert_eq!(other.get(&path).await.status, 404);
        assert_eq!(other.get(&format!("{path}/files/1")).await.status, 404);
        assert_eq!(admin.post(&format!("{path}/discarding"), &[]).await.status, 303);
        assert_eq!(admin.get(&format!("{path}/files/1")).await.status, 404);
    }
}
