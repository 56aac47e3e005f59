//! The files of jobs: gone on with after a start, thrown away after a day, and never left behind.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use diesel::RunQueryDsl as _;
use jishan::id::Id;
use jishan::papers::job::{self, Kind, PrintJob, Progress, State};
use jishan::press;

use super::jobs::ask;
use crate::town::{Town, on_both};

async fn state_of(town: &Town, job: &PrintJob) -> State {
    let id = job.id.clone();
    town.read(move |conn| job::by_id(conn, &id)).await.state
}

pub(super) async fn execute(town: &Town, statement: String) {
    let done = town.write(move |conn| Ok(diesel::sql_query(statement).execute(conn).map(drop)?));
    done.await.unwrap();
}

/// A job of statements that somebody at a page asked for.
async fn asked(town: &Town) -> PrintJob {
    let admin = town.user("admin").await.id;
    ask(town, Kind::Statements, admin.as_str()).await.unwrap()
}

/// The same with its files.
async fn printed(town: &Town) -> (PrintJob, PathBuf) {
    let job = asked(town).await;
    let folder = town.app.job_folder(&job.id);
    let done = press::run(&town.app, &job.id, &folder, |_| ()).await.unwrap();
    assert_eq!(done.state, State::Done);
    (job, folder)
}

on_both! {
    async fn what_a_stop_of_the_server_interrupted_goes_on_when_it_starts(town: Town) {
        let (job, stopped) = (asked(&town).await, asked(&town).await);
        let id = stopped.id.clone();
        town.write(move |conn| job::set_running(conn, &id, false)).await.unwrap();
        town.app.resume_jobs().await.unwrap();
        for _ in 0..600 {
            if state_of(&town, &job).await == State::Done {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(fs::read_dir(town.app.job_folder(&job.id)).unwrap().count(), 2);
        assert_eq!(state_of(&town, &stopped).await, State::Cancelled, "what a person stopped stays so");
    }
}

on_both! {
    async fn files_go_after_a_day_whatever_else_fails(town: Town) {
        let (job, folder) = printed(&town).await;
        town.app.clock.advance(chrono::TimeDelta::hours(24));
        town.app.run_due().await.unwrap();
        assert!(folder.exists() && state_of(&town, &job).await == State::Done, "to the day");
        // Another room's clockwork cannot do its work.
        execute(&town, "ALTER TABLE evidence RENAME TO evidence_elsewhere".to_owned()).await;
        town.app.clock.advance(chrono::TimeDelta::minutes(1));
        assert!(town.app.run_due().await.is_err());
        assert!(!folder.exists());
        assert_eq!(state_of(&town, &job).await, State::Discarded);
    }
}

on_both! {
    async fn what_a_power_cut_left_lying_is_found(town: Town) {
        let prints = town.app.files.sibling("prints");
        // As if the power had gone between the note and the deletion.
        let (noted, folder) = printed(&town).await;
        execute(&town, format!("UPDATE print_jobs SET state = 'discarded' WHERE id = '{}'", noted.id)).await;
        // A database that was brought back from a copy does not know of a job; its folder may be of another programme.
        let unknown = |age: Duration| {
            let folder = prints.join(Id::<PrintJob>::new(town.app.now()).as_str());
            fs::create_dir_all(&folder).unwrap();
            let made = SystemTime::from(town.app.now().and_utc()) - age;
            fs::File::open(&folder).unwrap().set_modified(made).unwrap();
            folder
        };
        let (old, new) = (unknown(Duration::from_secs(25 * 3600)), unknown(Duration::from_secs(23 * 3600)));
        let others = prints.join("not a job");
        fs::create_dir(&others).unwrap();
        town.app.run_due().await.unwrap();
        assert_eq!([folder, old, new, others].map(|folder| folder.exists()), [false, false, true, true]);
    }
}

on_both! {
    async fn a_job_that_is_thrown_away_writes_nothing_any_more(town: Town) {
        let app = town.app.clone();
        // While it waits for its turn.
        let waiting = asked(&town).await;
        let folder = app.job_folder(&waiting.id);
        app.discard_job(waiting.id.clone(), "system".to_owned()).await.unwrap();
        assert_eq!(press::run(&app, &waiting.id, &folder, |_| ()).await.unwrap().state, State::Discarded);
        assert!(!folder.exists());
        // While a part of it is printed.
        let running = asked(&town).await;
        let folder = app.job_folder(&running.id);
        let discard = |progress: Progress| {
            let (app, id) = (app.clone(), running.id.clone());
            if progress.done == 1 {
                tokio::spawn(async move { app.discard_job(id, "system".to_owned()).await });
            }
        };
        let ended = press::run(&app, &running.id, &folder, discard).await.unwrap();
        assert_eq!(ended.state, State::Discarded);
        assert!(!folder.exists());
        // After the file of the last part was written, and before that was noted.
        let last = asked(&town).await;
        let id = last.id.clone();
        execute(&town, format!("UPDATE print_jobs SET state = 'discarded' WHERE id = '{id}'")).await;
        for position in [1, 2] {
            let (id, now) = (id.clone(), app.now());
            town.write(move |conn| job::part_done(conn, &id, position, (1, ""), now)).await.unwrap();
        }
        assert_eq!(state_of(&town, &last).await, State::Discarded);
    }
}
