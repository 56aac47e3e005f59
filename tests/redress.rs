//! Objections, appeals and corrections: who decides, until when, what silence does, and that the books hold whatever comes.

mod appeals;
mod objections;
mod pages;
mod whatever_comes;

use chrono::TimeDelta;
use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::{Span, day_of};
use jishan::council::appeal::panel::{self, Accept, Give, Opinion};
use jishan::council::appeal::{self, Appeal};
use jishan::council::correction::{self, Correction, Propose};
use jishan::council::motion::Choice;
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, Verify};
use jishan::council::objection::{self, Channel, Decide, File, Objection};
use jishan::council::{clockwork, notice, redress};
use jishan::error::{Error, Result};
use jishan::id::Id;
use jishan::ledger::balance::{self, Balances};
use jishan::places::area::Tree;

use crate::town::{LI, PASSWORD, Town, WANG, fresh_key, hold_session, on_both};

fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

/// People who have no part in anything: two who may decide, and one who lives with Wang.
async fn more_people(town: &Town) {
    let now = town.app.now();
    let wang = town.household(WANG).await.id;
    let hash = PasswordHash::of(PASSWORD).unwrap();
    town.write(move |conn| {
        let root = Tree::load(conn)?.root().unwrap().id.clone();
        for (name, shown, home) in [
            ("deputy", "何主任", None),
            ("elder", "老支书", None),
            ("kinsman", "王二", Some(wang.clone())),
        ] {
            let person = User {
                id: Id::new(now),
                name: name.to_owned(),
                display_name: shown.to_owned(),
                household_id: home,
                disabled_at: None,
            };
            let duties = Duties(vec![(Role::Administrator, root.clone())]);
            user::add(conn, &person, &hash, &duties, now)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// A deed of bravery, thirty points a count, nominated and verified now.
async fn verified(town: &Town, code: &'static str, item: &'static str, count: i64) -> Nomination {
    let household = town.household(code).await.id;
    let (building, grid) = (town.user("building").await, town.user("grid").await);
    let now = town.app.now();
    town.write(move |conn| {
        let asked = Nominate {
            household,
            item: item.to_owned(),
            count,
            occurred_on: day_of(now),
            note: "救了落水的人".to_owned(),
            by: Nominator::Staff(building.id),
            key: fresh_key(now),
        };
        let one = nomination::nominate(conn, &asked, now)?;
        let verify = Verify {
            nomination: one.id,
            decision: Decision::Approve,
            reason: String::new(),
            by: grid,
            key: fresh_key(now),
        };
        nomination::verify(conn, &verify, now)
    })
    .await
    .unwrap()
}

/// The council decides everything that waits; what it approved is on notice.
async fn council(town: &Town, choice: Choice) -> Option<notice::Notice> {
    let (admin, now) = (town.user("admin").await, town.app.now());
    let held = town
        .write(move |conn| match hold_session(conn, &admin, choice, now) {
            Ok(notice) => Ok(Some(notice)),
            // Nothing was approved: what was decided stands.
            Err(Error::Refused(why)) if why.code() == "nothing_to_publish" => Ok(None),
            Err(error) => Err(error),
        })
        .await;
    match held {
        Ok(notice) => notice,
        // Nothing waited: the session is not kept, or it would stand in the way of the next.
        Err(Error::Refused(why)) if why.code() == "nothing_to_decide" => None,
        Err(error) => panic!("{error}"),
    }
}

/// A row on notice: its nomination and slip number.
async fn on_notice(town: &Town, code: &'static str) -> (Nomination, String) {
    let one = verified(town, code, "E08", 1).await;
    council(town, Choice::For).await.unwrap();
    let row = again(town, &one.id).await;
    let of = row.clone();
    let slip = town
        .read(move |conn| Ok(of.notice_slip(&notice::by_id(conn, of.notice_id.as_ref().unwrap())?)))
        .await;
    (row, slip)
}

async fn again(town: &Town, id: &Id<Nomination>) -> Nomination {
    let id = id.clone();
    town.read(move |conn| nomination::by_id(conn, &id)).await
}

fn objection_to(slip: &str, key: &str) -> File {
    File {
        slip: slip.to_owned(),
        reason: "那天他不在村里".to_owned(),
        name: "隔壁老张".to_owned(),
        contact: "13900000000".to_owned(),
        channel: Channel::Web,
        taken_by: None,
        key: key.to_owned(),
    }
}

async fn object(town: &Town, slip: &str, key: &str) -> Result<Objection> {
    let (asked, now) = (objection_to(slip, key), town.app.now());
    town.write(move |conn| objection::file(conn, &asked, now)).await
}

async fn decide(town: &Town, one: &Objection, by: &'static str, upheld: bool, key: &str) -> Result<Objection> {
    let asked = Decide {
        objection: one.id.clone(),
        upheld,
        reason: "看了签到表".to_owned(),
        by: town.user(by).await,
        key: key.to_owned(),
    };
    let now = town.app.now();
    town.write(move |conn| objection::decide(conn, &asked, now)).await
}

async fn run(town: &Town) -> clockwork::Done {
    let now = town.app.now();
    town.write(move |conn| clockwork::run(conn, now)).await.unwrap()
}

async fn go_forward(town: &Town, by: TimeDelta) {
    town.app.clock.advance(by);
    run(town).await;
}

async fn balances(town: &Town, code: &'static str) -> Balances {
    let household = town.household(code).await.id;
    town.read(move |conn| balance::of(conn, household.as_str())).await
}

fn code<T>(answer: Result<T>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

async fn file_appeal(town: &Town, row: &Nomination, count: Option<i64>, key: &str) -> Result<Appeal> {
    let asked = appeal::File {
        subject: format!("award:{}", row.id),
        household: Some(row.household_id.clone()),
        claimed_count: count,
        reason: "有人作证".to_owned(),
        contact: String::new(),
        channel: Channel::OnPaper,
        taken_by: Some(town.user("grid").await.id),
        key: key.to_owned(),
    };
    let now = town.app.now();
    town.write(move |conn| appeal::file(conn, &asked, now)).await
}

async fn name_panel(town: &Town, one: &Appeal, panel: &[&'static str], by: &'static str) -> Result<Appeal> {
    let mut keys = Vec::new();
    for name in panel {
        keys.push(format!("user:{}", town.user(name).await.id));
    }
    let now = town.app.now();
    let asked = Accept {
        appeal: one.id.clone(),
        panel: keys,
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| panel::accept(conn, &asked, now)).await
}

async fn hear(town: &Town, one: &Appeal, by: &'static str) -> Result<Appeal> {
    let (id, by, now) = (one.id.clone(), town.user(by).await, town.app.now());
    town.write(move |conn| panel::hear(conn, &id, "住户带来了两位证人", &by, now))
        .await
}

async fn give(town: &Town, one: &Appeal, by: &'static str, opinion: Opinion) -> Result<Appeal> {
    let (by, now, id) = (town.user(by).await, town.app.now(), one.id.clone());
    town.write(move |conn| {
        let panel = panel::of(conn, &id)?;
        let place = panel.iter().find(|one| one.user_id.as_ref() == Some(&by.id));
        let asked = Give {
            appeal: id,
            position: place.map_or(99, |one| one.position),
            opinion,
            reason: "证人可信".to_owned(),
            by,
            key: fresh_key(now),
        };
        panel::give(conn, &asked, now)
    })
    .await
}

async fn propose(town: &Town, row: &Nomination, by: &'static str) -> Result<Correction> {
    let now = town.app.now();
    let asked = Propose {
        nomination: row.id.clone(),
        reason: "重复申报".to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| correction::propose(conn, &asked, now)).await
}

async fn confirm(town: &Town, one: &Correction, by: &'static str, confirmed: bool) -> Result<Correction> {
    let now = town.app.now();
    let asked = correction::Decide {
        correction: one.id.clone(),
        confirmed,
        reason: "核对过".to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| correction::decide(conn, &asked, now)).await
}

on_both! {
    async fn what_came_and_what_was_decided_is_counted_by_its_day(town: Town) {
        more_people(&town).await;
        let this_month = Span::month_of(day_of(town.app.now()));
        let (row, slip) = on_notice(&town, WANG).await;
        let upheld = object(&town, &slip, "k1").await.unwrap();
        decide(&town, &upheld, "admin", true, "d1").await.unwrap();
        let (_, slip) = on_notice(&town, LI).await;
        let silent = object(&town, &slip, "k2").await.unwrap();
        town.app.clock.advance(silent.decide_by - town.app.now());
        run(&town).await;
        let objections = town.read(move |conn| redress::objections(conn, this_month)).await;
        assert_eq!((objections.filed, objections.upheld, objections.dismissed), (2, 1, 1));
        // Silence is a decision, and not in time.
        assert_eq!((objections.decided(), objections.in_time), (2, 1));
        // Came in one month, ended in the next.
        let appealed = file_appeal(&town, &row, None, "a").await.unwrap();
        town.app.clock.advance(appealed.decide_by - town.app.now());
        run(&town).await;
        let next_month = Span::month_of(this_month.until);
        let (before, after) = town
            .read(move |conn| Ok((redress::appeals(conn, this_month)?, redress::appeals(conn, next_month)?)))
            .await;
        assert_eq!((before.filed, before.decided()), (1, 0));
        assert_eq!((after.filed, after.upheld, after.in_time), (0, 1, 0));
    }
}
