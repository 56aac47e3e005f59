//! Titles: nominated, verified, balloted, shown, conferred; points that come once; stars and the year; a clock set back.

mod balloting;
mod gone;
mod nominating;
pub mod own;
mod own_appeal;
mod pages;
mod redress;

use chrono::TimeDelta;
use jishan::access::role::Reach;
use jishan::clock::{begin_of, day_of};
use jishan::council::budget::{self, SetBudget};
use jishan::council::clockwork;
use jishan::council::member;
use jishan::council::motion::Counts;
use jishan::council::notice::Shown;
use jishan::council::session::{self, BallotForm, Business, Convene, Session};
use jishan::error::{Error, Result};
use jishan::honours::award::{self, Nominate, State, TitleAward, Verify};
use jishan::honours::ballot::{self, Keyed};
use jishan::honours::notice::{self, TitleNotice};
use jishan::honours::star::{self, DefineStar};
use jishan::honours::star_entry::{self, Decide, KeyStar};
use jishan::honours::title::{self, HonourTitle};
use jishan::honours::year;
use jishan::ledger::account::AccountKind;
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::area::Tree;
use jishan::points::Points;
use jishan::statements::statement::{self, What};

use crate::town::{FAR, Town, WANG, area_of_council, fresh_key, on_both};

/// Sixty points, three of a hundred households of a grid: one place in each of the town's two.
pub const MODEL: &str = "文明榜样户";
/// Nobody's points: a plaque.
pub const PARTY: &str = "党员示范户";

fn code<T>(answer: Result<T>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

/// The titles of the rules, entered once.
async fn titles(town: &Town) -> Vec<HonourTitle> {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    town.write(move |conn| {
        title::enter_from_rules(conn, &admin, now)?;
        title::standing(conn)
    })
    .await
    .unwrap()
}

async fn nominate_by(
    town: &Town,
    code: &'static str,
    title: &str,
    by: &'static str,
    reason: &str,
) -> Result<TitleAward> {
    let title = titles(town).await.into_iter().find(|one| one.name == title).unwrap();
    let (household, by, now) = (town.household(code).await.id, town.user(by).await.id, town.app.now());
    let asked = Nominate {
        period_from: title.period.around(day_of(now)).from,
        title: title.id,
        household,
        reason: reason.to_owned(),
        by,
        key: fresh_key(now),
    };
    town.write(move |conn| award::nominate(conn, &asked, now)).await
}

async fn nominate(town: &Town, code: &'static str, title: &str) -> TitleAward {
    nominate_by(town, code, title, "building", "红白事简办，带头清扫楼道")
        .await
        .unwrap()
}

async fn verify(town: &Town, one: &TitleAward, by: &'static str, holds: bool, reason: &str) -> Result<TitleAward> {
    let now = town.app.now();
    let asked = Verify {
        award: one.id.clone(),
        holds,
        reason: reason.to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| award::verify(conn, &asked, now)).await
}

async fn verified(town: &Town, code: &'static str, title: &str) -> TitleAward {
    let one = nominate(town, code, title).await;
    verify(town, &one, "grid", true, "").await.unwrap()
}

/// A session that has nothing but titles before it.
async fn opened(town: &Town) -> Session {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    town.write(move |conn| {
        let area = area_of_council(conn)?;
        let asked = Convene {
            area: area.clone(),
            held_on: day_of(now),
            place: "社区议事厅".to_owned(),
            ballot: BallotForm::Open,
            by: admin.clone(),
            key: fresh_key(now),
        };
        let convened = session::convene(conn, &asked, now)?;
        let members = member::sitting(conn, &area, day_of(now))?;
        let open = session::Open {
            session: convened.id,
            present: members.iter().map(|member| member.id.clone()).collect(),
            chair: members[0].id.clone(),
            by: admin,
        };
        session::open_with(conn, &open, Business::MoreThanNominations, now)
    })
    .await
    .unwrap()
}

async fn key(town: &Town, session: &Session, one: &TitleAward, by: &'static str, votes: [i64; 3]) -> Result<Keyed> {
    let (by, now) = (town.user(by).await.id, town.app.now());
    let (session, award) = (session.id.clone(), one.id.clone());
    let [votes_for, votes_against, abstentions] = votes;
    let counts = Counts {
        votes_for,
        votes_against,
        abstentions,
    };
    town.write(move |conn| ballot::key_counts(conn, &session, &award, counts, &by, now))
        .await
}

/// Counted by the secretary and confirmed by a second person.
async fn count(town: &Town, session: &Session, one: &TitleAward, votes: [i64; 3]) {
    assert_eq!(key(town, session, one, "admin", votes).await.unwrap(), Keyed::First);
    assert_eq!(
        key(town, session, one, "council", votes).await.unwrap(),
        Keyed::Confirmed
    );
}

async fn close(town: &Town, session: &Session) {
    let (admin, now, session) = (town.user("admin").await.id, town.app.now(), session.id.clone());
    town.write(move |conn| session::close(conn, &session, "", &admin, now))
        .await
        .unwrap();
}

async fn publish(town: &Town, session: &Session) -> Result<TitleNotice> {
    let (admin, now, session) = (town.user("admin").await.id, town.app.now(), session.id.clone());
    town.write(move |conn| notice::publish(conn, &session, &admin, &fresh_key(now), now))
        .await
}

/// A household's title on public notice: the award and its slip number.
async fn on_notice(town: &Town, code: &'static str, title: &str) -> (TitleAward, String) {
    let one = verified(town, code, title).await;
    let session = opened(town).await;
    count(town, &session, &one, [3, 0, 0]).await;
    close(town, &session).await;
    let notice = publish(town, &session).await.unwrap();
    let one = again(town, &one).await;
    let slip = notice.slip(&one);
    (one, slip)
}

async fn again(town: &Town, one: &TitleAward) -> TitleAward {
    let id = one.id.clone();
    town.read(move |conn| award::by_id(conn, &id)).await
}

async fn state(town: &Town, one: &TitleAward) -> State {
    again(town, one).await.state
}

async fn after(town: &Town, days: i64) {
    town.app.clock.advance(TimeDelta::days(days));
    town.app.run_due().await.unwrap();
}

pub async fn conferred(town: &Town, code: &'static str, title: &str) -> TitleAward {
    let (one, _) = on_notice(town, code, title).await;
    after(town, 8).await;
    let one = again(town, &one).await;
    assert_eq!(one.state, State::Conferred);
    one
}

pub async fn define_star(town: &Town, name: &str) -> Result<()> {
    let now = town.app.now();
    let asked = DefineStar {
        name: name.to_owned(),
        criterion: "邻里和睦，有事商量着办".to_owned(),
        by: town.user("admin").await.id,
        key: fresh_key(now),
    };
    town.write(move |conn| star::define(conn, &asked, now)).await
}

/// The first star, keyed by one and confirmed by another.
async fn give_star(town: &Town, code: &'static str, session: i64, until: &str) -> Result<()> {
    let (now, second) = (town.app.now(), town.user("council").await);
    let asked = KeyStar {
        star: town.read(star::standing_now).await.remove(0).id,
        households: vec![town.household(code).await],
        session,
        until_on: until.parse().unwrap(),
        by: town.user("admin").await,
        key: fresh_key(now),
    };
    town.write(move |conn| {
        let decided = Decide {
            entry: star_entry::key(conn, &asked, now)?.id,
            confirmed: true,
            reason: String::new(),
            by: second,
            key: fresh_key(now),
        };
        star_entry::decide(conn, &decided, now).map(drop)
    })
    .await
}

/// Rows of the tables of this room that are never changed, for `tests/schema.rs`.
pub async fn a_row_of_each(town: &Town) {
    let one = nominate_by(town, FAR, PARTY, "far-grid", "带头清扫楼道").await.unwrap();
    verify(town, &one, "grid", true, "").await.unwrap();
    let session = opened(town).await;
    count(town, &session, &one, [3, 0, 0]).await;
    close(town, &session).await;
    define_star(town, "和睦星").await.unwrap();
    give_star(town, FAR, session.number, "2027-11-21").await.unwrap();
}

// ---- The whole way -------------------------------------------------------------------------------------------------

on_both! {
    async fn a_title_goes_its_way_and_its_points_post_once(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        assert_eq!((one.state, slip.as_str()), (State::Notified, "H1-1"));
        after(&town, 6).await;
        assert_eq!((state(&town, &one).await, town.spendable(WANG).await), (State::Notified, 0), "seven whole days");
        after(&town, 2).await;
        let held = again(&town, &one).await;
        assert_eq!((held.state, town.spendable(WANG).await), (State::Conferred, 60));
        let until = held.term_ends_on.unwrap();
        assert!(held.is_held_on(until) && !held.is_held_on(until.succ_opt().unwrap()));
        after(&town, 1).await;
        assert_eq!(town.spendable(WANG).await, 60, "once");
        // The statement tells it in words.
        let home = town.household(WANG).await;
        let told = town
            .read(move |conn| statement::statement(conn, home, AccountKind::Spendable, None, 10))
            .await;
        assert!(
            matches!(
                &told.lines[0].what,
                What::Title { title, revoked: false, shown: Some(Shown { session: 1, slip }), .. }
                    if title == "文明榜样户（2026年第四季度）" && slip == "H1-1"
            ),
            "{:?}",
            told.lines[0].what
        );
        town.expect_books_hold().await;
        // Its papers are found by the award.
        let asked = Asked { id: Some(one.id.to_string()), ..Asked::default() };
        let order = Order { asked, duties: None, now: town.app.now() };
        let papers = town
            .read(move |conn| Ok((Paper::Certificate.load(conn, &order)?, Paper::Plaque.load(conn, &order)?)))
            .await;
        let certificate = String::from_utf8(papers.0).unwrap();
        assert!(certificate.contains("王建国家") && certificate.contains(MODEL), "{certificate}");
        assert!(String::from_utf8(papers.1).unwrap().contains("2026年"));
    }
}

on_both! {
    async fn a_title_without_points_posts_nothing(town: Town) {
        let one = conferred(&town, WANG, PARTY).await;
        assert_eq!((one.transaction_number, town.spendable(WANG).await), (None, 0));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn points_of_a_title_wait_for_the_months_budget(town: Town) {
        // A later budget of the same month is the one that holds.
        town.app.clock.advance(TimeDelta::minutes(1));
        let (admin, now) = (town.user("admin").await.id, town.app.now());
        town.write(move |conn| {
            let asked = SetBudget {
                area: area_of_council(conn)?,
                from_month: day_of(now),
                points: Points(59),
                soft_percent: 80,
                reason: "居民代表会议决定".to_owned(),
                by: admin,
                key: fresh_key(now),
            };
            budget::set(conn, &asked, now).map(drop)
        })
        .await
        .unwrap();
        let one = conferred(&town, WANG, MODEL).await;
        assert_eq!((one.transaction_number, town.spendable(WANG).await), (None, 0), "held, and not paid");
        let (admin, now) = (town.user("admin").await.id, town.app.now());
        town.write(move |conn| {
            let asked = SetBudget {
                area: area_of_council(conn)?,
                from_month: day_of(now),
                points: Points(60),
                soft_percent: 80,
                reason: "居民代表会议决定".to_owned(),
                by: admin,
                key: fresh_key(now),
            };
            budget::set(conn, &asked, now).map(drop)
        })
        .await
        .unwrap();
        after(&town, 0).await;
        assert_eq!(town.spendable(WANG).await, 60);
        let used = town.read(move |conn| budget::in_use(conn, day_of(now))).await;
        assert_eq!(used[0].posted, Points(60), "it counts as what came for deeds");
        town.expect_books_hold().await;
    }
}

// ---- Stars and the year ----------------------------------------------------------------------------------------------

on_both! {
    async fn a_star_is_given_by_a_session_holds_to_its_day_and_is_renewed(town: Town) {
        for number in 1..=8 {
            define_star(&town, &format!("第{number}星")).await.unwrap();
        }
        assert_eq!(code(define_star(&town, "第九星").await), "enough_stars");
        let one = verified(&town, WANG, PARTY).await;
        let session = opened(&town).await;
        assert_eq!(code(give_star(&town, WANG, session.number, "2027-11-21").await), "session_state");
        count(&town, &session, &one, [3, 0, 0]).await;
        close(&town, &session).await;
        assert_eq!(code(give_star(&town, WANG, 99, "2027-11-21").await), "invalid_request");
        assert_eq!(code(give_star(&town, WANG, session.number, "2030-11-21").await), "invalid_request");
        give_star(&town, WANG, session.number, "2026-12-21").await.unwrap();
        assert_eq!(code(give_star(&town, WANG, session.number, "2026-12-20").await), "star_held");
        let grid = town.signed_in("grid").await;
        let path = format!("/households/{WANG}/stars");
        assert!(grid.get(&path).await.text.contains("第1次评议会评定，有效到2026年12月21日"));
        assert_eq!(town.signed_in("far-grid").await.get(&path).await.status, 404);
        town.app.clock.advance(TimeDelta::days(40));
        let grid = town.signed_in("grid").await;
        assert!(grid.get(&path).await.text.contains("2026年12月21日到期，没有续评"));
        give_star(&town, WANG, session.number, "2027-11-21").await.unwrap();
        assert!(grid.get(&path).await.text.contains("有效到2027年11月21日"));
    }
}

on_both! {
    async fn a_year_of_recognition_is_numbers_of_communities(town: Town) {
        town.earn(WANG, "E08", 1).await;
        conferred(&town, WANG, MODEL).await;
        let page = town.signed_in("auditor").await.get("/titles/year").await.text;
        for told in ["晨光社区", "2026年第四季度", "好事1件", "好事0件，称号1个"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("王"), "{page}");
        let today = day_of(town.app.now());
        let of_far = town
            .read(move |conn| {
                let far = Tree::load(conn)?.all().iter().find(|area| area.code == "B002").unwrap().id.clone();
                year::of(conn, &Reach::Buildings([far].into()), today)
            })
            .await;
        assert_eq!(of_far.communities, Vec::new());
    }
}

on_both! {
    async fn the_clock_set_back_confers_nothing(town: Town) {
        let (one, _) = on_notice(&town, WANG, MODEL).await;
        let now = town.app.now();
        town.write(move |conn| clockwork::run(conn, now)).await.unwrap();
        let earlier = begin_of(day_of(now)) - TimeDelta::days(2);
        let ran = town.write(move |conn| jishan::honours::clockwork::run(conn, earlier)).await;
        assert!(matches!(&ran, Err(Error::Refused(why)) if why.code() == "clock_set_back"), "{ran:?}");
        assert_eq!(state(&town, &one).await, State::Notified);
    }
}
