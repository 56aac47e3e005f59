//! Sessions: who is there, when one opens, and what a wrong clock stops.

mod recusal;
mod voting;

use jishan::clock::{Day, days_after};
use jishan::council::clockwork;
use jishan::council::member::{self, Appoint, CouncilMember};
use jishan::council::motion::{self, Choice, Counts, Motion, Tally};
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, Verify};
use jishan::council::session::{self, BallotForm, Convene, Open, Session};
use jishan::db::Conn;
use jishan::error::Result;
use jishan::id::Id;
use jishan::places::area::Tree;
use jishan::places::household;
use jishan::scheme::terms::CouncilTerms;

use crate::town::{HOUSEHOLDS, Town, WANG, area_of_council, fresh_key, on_both, today};

/// A third household, in Wang's building.
const YONG: &str = HOUSEHOLDS[2].0;

/// Deeds that were verified: household, item, who nominated.
async fn deeds(town: &Town, deeds: &'static [(&'static str, &'static str, &'static str)]) -> Vec<Id<Nomination>> {
    let mut ids = Vec::new();
    let now = town.app.now();
    let grid = town.user("grid").await;
    let council = town.user("council").await;
    for (code, item, by) in deeds {
        let (home, user) = (town.household(code).await, town.user(by).await);
        let verifier = if *by == "grid" { council.clone() } else { grid.clone() };
        let id = town
            .write(move |conn| {
                let asked = Nominate {
                    household: home.id,
                    item: (*item).to_owned(),
                    count: 1,
                    occurred_on: today(),
                    note: String::new(),
                    by: Nominator::Staff(user.id),
                    key: fresh_key(now),
                };
                let made = nomination::nominate(conn, &asked, now)?;
                let verify = Verify {
                    nomination: made.id.clone(),
                    decision: Decision::Approve,
                    reason: String::new(),
                    by: verifier,
                    key: fresh_key(now),
                };
                nomination::verify(conn, &verify, now)?;
                Ok(made.id)
            })
            .await
            .unwrap();
        ids.push(id);
    }
    ids
}

/// Seats somebody else in the town's council.
async fn seat(town: &Town, name: &'static str, home: Option<&'static str>) -> CouncilMember {
    let (admin, now) = (town.user("admin").await, town.app.now());
    town.write(move |conn| {
        let household = match home {
            Some(code) => Some(household::by_code(conn, code)?.id),
            None => None,
        };
        let asked = Appoint {
            area: area_of_council(conn)?,
            name: name.to_owned(),
            user: None,
            household,
            appointed_on: today(),
            term_ends_on: days_after(today(), 900),
            by: admin.id,
            key: fresh_key(now),
        };
        member::appoint(conn, &asked, now)
    })
    .await
    .unwrap()
}

async fn convene(town: &Town, ballot: BallotForm, held_on: Day) -> Result<Session> {
    let (admin, now) = (town.user("admin").await, town.app.now());
    town.write(move |conn| {
        let asked = Convene {
            area: area_of_council(conn)?,
            held_on,
            place: "社区议事厅".to_owned(),
            ballot,
            by: admin.id,
            key: fresh_key(now),
        };
        session::convene(conn, &asked, now)
    })
    .await
}

async fn members(town: &Town) -> Vec<CouncilMember> {
    town.read(|conn| {
        let area = area_of_council(conn)?;
        member::sitting(conn, &area, today())
    })
    .await
}

async fn named(town: &Town, name: &str) -> CouncilMember {
    members(town)
        .await
        .into_iter()
        .find(|member| member.name == name)
        .unwrap()
}

/// Opens a session with these members.
async fn open(town: &Town, session: &Session, present: &[&CouncilMember]) -> Result<Session> {
    let (admin, now) = (town.user("admin").await, town.app.now());
    let asked = Open {
        session: session.id.clone(),
        present: present.iter().map(|member| member.id.clone()).collect(),
        chair: present
            .first()
            .map_or_else(|| Id::known("nobody"), |member| member.id.clone()),
        by: admin.id,
    };
    town.write(move |conn| session::open(conn, &asked, now)).await
}

/// A session that is open, with everybody there.
async fn in_session(town: &Town, ballot: BallotForm) -> (Session, Vec<CouncilMember>) {
    let convened = convene(town, ballot, today()).await.unwrap();
    let members = members(town).await;
    let all: Vec<&CouncilMember> = members.iter().collect();
    (open(town, &convened, &all).await.unwrap(), members)
}

async fn motions(town: &Town, session: &Session) -> Vec<Motion> {
    let id = session.id.clone();
    town.read(move |conn| motion::of_session(conn, &id)).await
}

async fn act<T: Send + 'static>(
    town: &Town,
    by: &'static str,
    work: impl FnOnce(&mut Conn, &Id<jishan::access::user::User>, jishan::clock::Moment) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (user, now) = (town.user(by).await, town.app.now());
    town.write(move |conn| work(conn, &user.id, now)).await
}

async fn hands(town: &Town, motion: &Motion, hands: &[(&CouncilMember, Choice)]) -> Result<Motion> {
    let hands: Vec<_> = hands
        .iter()
        .map(|(member, choice)| (member.id.clone(), *choice))
        .collect();
    let id = motion.id.clone();
    act(town, "admin", move |conn, by, now| {
        motion::record_hands(conn, &id, &hands, by, now)
    })
    .await
}

async fn key(town: &Town, motion: &Motion, by: &'static str, counts: (i64, i64, i64)) -> Result<Tally> {
    let id = motion.id.clone();
    let counts = Counts {
        votes_for: counts.0,
        votes_against: counts.1,
        abstentions: counts.2,
    };
    act(town, by, move |conn, by, now| {
        motion::key_tally(conn, &id, counts, by, now)
    })
    .await
}

async fn end_voting(town: &Town, motion: &Motion) -> Result<Motion> {
    let id = motion.id.clone();
    act(town, "admin", move |conn, by, now| {
        motion::end_voting(conn, &id, by, now)
    })
    .await
}

async fn rows(town: &Town, motion: &Motion) -> Vec<Id<Nomination>> {
    let id = motion.id.clone();
    town.read(move |conn| motion::rows_of(conn, &id)).await
}

fn code<T>(refused: Result<T>) -> &'static str {
    refused.err().map_or("done", |error| error.code())
}

fn words<T>(refused: Result<T>) -> String {
    refused.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_quorum_is_a_part_of_all_seats_rounded_up_and_never_fewer_than_can_decide() {
    let terms = |percent, fewest| CouncilTerms {
        quorum_percent: percent,
        fewest_voters: fewest,
        ..CouncilTerms::default()
    };
    let quorum = |seats, percent, fewest| session::quorum(seats, &terms(percent, fewest));
    assert_eq!(quorum(3, 66, 3), 3);
    assert_eq!(quorum(5, 66, 3), 4);
    assert_eq!(quorum(7, 66, 3), 5);
    assert_eq!(quorum(9, 66, 3), 6);
    assert_eq!(quorum(100, 66, 3), 66);
    assert_eq!(quorum(10, 50, 1), 5);
    assert_eq!(quorum(10, 51, 1), 6);
    assert_eq!(quorum(0, 66, 0), 1);
}

on_both! {
    async fn a_session_opens_on_its_day_with_a_quorum_and_something_to_decide(town: Town) {
        seat(&town, "郑大爷", None).await;
        seat(&town, "冯婶", None).await;
        assert_eq!(words(convene(&town, BallotForm::Open, today().pred_opt().unwrap()).await), "开会日期不能早于今天。");
        let convened = convene(&town, BallotForm::Open, days_after(today(), 1)).await.unwrap();
        assert_eq!(code(convene(&town, BallotForm::Open, today()).await), "another_session");
        let all = members(&town).await;
        let everybody: Vec<&CouncilMember> = all.iter().collect();
        assert_eq!(words(open(&town, &convened, &everybody).await), "还没到开会的日子，到了当天再开会。");
        town.app.clock.advance(chrono::TimeDelta::days(1));
        assert_eq!(code(open(&town, &convened, &everybody).await), "nothing_to_decide");
        deeds(&town, &[(WANG, "E10", "building")]).await;
        assert_eq!(
            words(open(&town, &convened, &everybody[..3]).await),
            "到会3人，人数不够：共5名成员，至少要到4人才能开会。"
        );
        assert_eq!(code(open(&town, &convened, &[]).await), "invalid_request");
        let opened = open(&town, &convened, &everybody[..4]).await.unwrap();
        assert_eq!((opened.state, opened.seats), (session::State::Open, Some(5)));
        // The second keeper who presses finds it open, with the first one's roll call.
        open(&town, &convened, &everybody).await.unwrap();
        let id = opened.id.clone();
        assert_eq!(town.read(move |conn| session::present(conn, &id)).await.len(), 4);
        assert_eq!(motions(&town, &opened).await.len(), 1);
        // What is open is not called off.
        let id = opened.id.clone();
        assert_eq!(code(act(&town, "admin", move |conn, by, now| session::cancel(conn, &id, by, now)).await), "session_state");
    }
}

on_both! {
    async fn who_sits_in_another_council_is_no_voter_here(town: Town) {
        deeds(&town, &[(WANG, "E10", "building")]).await;
        let (admin, now) = (town.user("admin").await, town.app.now());
        let stranger = town
            .write(move |conn| {
                let tree = Tree::load(conn)?;
                let root = tree.root().unwrap().id.clone();
                let community = tree.parts(&root).next().unwrap().id.clone();
                let asked = Appoint {
                    area: community,
                    name: "外人".to_owned(),
                    user: None,
                    household: None,
                    appointed_on: today(),
                    term_ends_on: days_after(today(), 900),
                    by: admin.id,
                    key: fresh_key(now),
                };
                member::appoint(conn, &asked, now)
            })
            .await
            .unwrap();
        let convened = {
            // The helper convenes the council that `member::all` lists first: name it here.
            let (admin, now) = (town.user("admin").await, town.app.now());
            town.write(move |conn| {
                let area = Tree::load(conn)?.root().unwrap().id.clone();
                let asked = Convene { area, held_on: today(), place: "议事厅".to_owned(), ballot: BallotForm::Open, by: admin.id, key: fresh_key(now) };
                session::convene(conn, &asked, now)
            })
            .await
            .unwrap()
        };
        let area = convened.area_id.clone();
        let own = town.read(move |conn| member::sitting(conn, &area, today())).await;
        let mut with_stranger: Vec<&CouncilMember> = own.iter().collect();
        with_stranger.push(&stranger);
        assert_eq!(words(open(&town, &convened, &with_stranger).await), "到会名单里有人不在本届评议会，请核对。");
        let opened = open(&town, &convened, &own.iter().collect::<Vec<_>>()).await.unwrap();
        let (id, late) = (opened.id.clone(), stranger.id.clone());
        assert_eq!(words(act(&town, "admin", move |conn, by, now| session::arrive(conn, &id, &late, by, now)).await), "这位不在本届评议会。");
        let motion = motions(&town, &opened).await.remove(0);
        assert_eq!(code(hands(&town, &motion, &[(&stranger, Choice::For)]).await), "not_present");
        let (id, late) = (motion.id.clone(), stranger.id.clone());
        assert_eq!(code(act(&town, "admin", move |conn, by, now| motion::step_back(conn, &id, &late, "亲属", by, now)).await), "not_found");
    }
}

on_both! {
    async fn while_the_clock_stands_wrong_nothing_is_decided(town: Town) {
        deeds(&town, &[(WANG, "C04", "building")]).await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        let motion = motions(&town, &session).await.remove(0);
        let now = town.app.now();
        // The clock was an hour ahead, and was set back.
        town.write(move |conn| clockwork::run(conn, now + chrono::TimeDelta::hours(1))).await.unwrap();
        let votes: Vec<(&CouncilMember, Choice)> = all.iter().map(|one| (one, Choice::For)).collect();
        assert_eq!(code(hands(&town, &motion, &votes).await), "clock_set_back");
        assert_eq!(code(end_voting(&town, &motion).await), "clock_set_back");
        assert_eq!(code(key(&town, &motion, "admin", (3, 0, 0)).await), "clock_set_back");
        let id = session.id.clone();
        assert_eq!(code(act(&town, "admin", move |conn, by, now| session::close(conn, &id, "", by, now)).await), "clock_set_back");
        town.app.clock.advance(chrono::TimeDelta::hours(1));
        hands(&town, &motion, &votes).await.unwrap();
    }
}
