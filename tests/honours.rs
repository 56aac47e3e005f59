//! Titles: nominated, verified, balloted, shown, conferred; quotas and ties; who stands outside, who decides, what silence
//! does; points that come once and go back; and nobody sees more than his area.

mod gone;
pub mod own;
mod own_appeal;
mod redress;

use chrono::TimeDelta;
use jishan::access::role::{Duties, Reach, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::{begin_of, day_of};
use jishan::council::budget::{self, SetBudget};
use jishan::council::motion::Counts;
use jishan::council::notice::Shown;
use jishan::council::session::{self, BallotForm, Business, Convene, Session};
use jishan::council::{clockwork, member};
use jishan::error::{Error, Result};
use jishan::honours::award::{self, Ending, Nominate, State, TitleAward, Verify};
use jishan::honours::ballot::{self, Keyed};
use jishan::honours::notice::{self, TitleNotice};
use jishan::honours::star::{self, DefineStar};
use jishan::honours::star_entry::{self, Decide, KeyStar};
use jishan::honours::title::{self, Define, HonourTitle, Period, Quota, Scope};
use jishan::honours::year;
use jishan::id::Id;
use jishan::ledger::account::AccountKind;
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::area::Tree;
use jishan::places::consent::{self, Purpose};
use jishan::points::Points;
use jishan::registry::change::Change;
use jishan::scheme::validator;
use jishan::statements::statement::{self, What};

use crate::registry::ask;
use crate::town::{FAR, HOUSEHOLDS, LI, PASSWORD, Town, WANG, area_of_council, fresh_key, on_both};

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

// ---- Nominating and verifying --------------------------------------------------------------------------------------

on_both! {
    async fn two_people_nominate_and_verify(town: Town) {
        titles(&town).await;
        let one = nominate_by(&town, WANG, MODEL, "grid", "带头清扫楼道").await.unwrap();
        assert_eq!(code(verify(&town, &one, "grid", true, "").await), "not_permitted");
        assert_eq!(code(verify(&town, &one, "council", false, " ").await), "invalid_request", "why not?");
        let one = verify(&town, &one, "council", false, "楼道是别人扫的").await.unwrap();
        assert_eq!(one.state, State::Declined);
        // It did not come before the council: with better words it may once more, and then never again in this period.
        let one = nominate(&town, WANG, MODEL).await;
        assert_eq!(code(nominate_by(&town, WANG, MODEL, "grid", "带头清扫楼道").await), "already_nominated");
        assert_eq!(one.state, State::Nominated);
    }
}

on_both! {
    async fn what_is_written_is_read_before_everybody_reads_it(town: Town) {
        let told = nominate_by(&town, WANG, MODEL, "building", "王建国带头清扫楼道").await;
        assert_eq!(code(told), "not_for_public");
        assert_eq!(code(nominate_by(&town, WANG, MODEL, "building", "").await), "invalid_request");
    }
}

on_both! {
    async fn households_of_those_who_decide_stand_outside(town: Town) {
        let (home, now) = (town.household(LI).await.id, town.app.now());
        let hash = PasswordHash::of(PASSWORD).unwrap();
        let one = verified(&town, LI, MODEL).await;
        town.write(move |conn| {
            let root = Tree::load(conn)?.root().unwrap().id.clone();
            let person = User {
                id: Id::new(now),
                name: "kin-of-li".to_owned(),
                display_name: "李二".to_owned(),
                household_id: Some(home),
                disabled_at: None,
            };
            user::add(conn, &person, &hash, &Duties(vec![(Role::BuildingHead, root)]), now)
        })
        .await
        .unwrap();
        assert_eq!(code(nominate_by(&town, LI, PARTY, "building", "带头清扫楼道").await), "staff_household");
        // Who began to work for the programme after the nomination is not voted on.
        let session = opened(&town).await;
        assert_eq!(code(key(&town, &session, &one, "admin", [3, 0, 0]).await), "not_found");
    }
}

on_both! {
    async fn a_title_is_defined_once_and_looks_at_nothing_that_is_forbidden(town: Town) {
        let known = titles(&town).await.len();
        assert_eq!(known, 5, "the five of the sample");
        assert_eq!(titles(&town).await.len(), known, "entering them again enters none");
        let (admin, now) = (town.user("admin").await.id, town.app.now());
        let asked = Define {
            name: "最美家庭".to_owned(),
            category_code: None,
            purpose: "邻里和睦、热心帮助邻居的人家".to_owned(),
            eligibility: String::new(),
            scope: Scope::Programme,
            quota: Quota::Count(1),
            period: Period::Year,
            reward_points: Points(0),
            term_months: 12,
            has_plaque: true,
            by: admin,
            key: "a".to_owned(),
        };
        let define = async |asked: Define| code(town.write(move |conn| title::define(conn, &asked, now)).await);
        let with = |change: &dyn Fn(&mut Define)| {
            let mut asked = Define { key: fresh_key(now), ..asked.clone() };
            change(&mut asked);
            asked
        };
        assert_eq!(define(asked.clone()).await, "ok");
        assert_eq!(define(asked.clone()).await, "ok", "the same request again");
        assert_eq!(define(with(&|_| {})).await, "title_exists");
        assert_eq!(define(with(&|one| { one.name = "甲".into(); one.quota = Quota::Percent(101); })).await, "invalid_request");
        let of_party = with(&|one| {
            one.name = "乙".into();
            one.category_code = Some("B".into());
            one.reward_points = Points(10);
        });
        assert_eq!(define(of_party).await, "invalid_request", "points of this evaluation cannot be spent");
        let bad = with(&|one| { one.name = "丙".into(); one.purpose = "全年没有上访的人家".into(); });
        assert_eq!(define(bad).await, "invalid_request");
        let retired = town.read(title::all).await.into_iter().find(|one| one.name == "最美家庭").unwrap();
        let (id, admin) = (retired.id.clone(), town.user("admin").await.id);
        town.write(move |conn| title::retire(conn, &id, &admin, now)).await.unwrap();
        assert_eq!(titles(&town).await.len(), known);
        let late = Nominate {
            title: retired.id,
            household: town.household(WANG).await.id,
            period_from: Period::Year.around(day_of(now)).from,
            reason: "热心帮助邻居".to_owned(),
            by: town.user("building").await.id,
            key: fresh_key(now),
        };
        assert_eq!(code(town.write(move |conn| award::nominate(conn, &late, now)).await), "title_retired");
    }
}

#[test]
fn a_title_of_the_rules_says_how_many() {
    let sample = include_str!("../samples/scheme.json");
    assert_eq!(validator::validate(sample), Vec::new());
    for (from, to) in [
        ("\"quota_scope\": \"building\"", "\"quota_scope\": \"village\""),
        ("\"quota_percent\": 10", "\"quota_percent\": 0"),
        ("\"quota_percent\": 10", "\"quota_percent\": 10, \"quota_count\": 1"),
        ("\"period\": \"quarter\"", "\"period\": \"week\""),
        ("\"term_months\": 12", "\"term_months\": 0"),
    ] {
        assert!(sample.contains(from), "{from}");
        let found = validator::validate(&sample.replacen(from, to, 1));
        assert!(
            !found.is_empty() && found.iter().all(|one| !one.can_be_overridden()),
            "{to}"
        );
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

// ---- The ballot ----------------------------------------------------------------------------------------------------

on_both! {
    async fn two_people_key_the_same_counts_of_everybody_who_may_vote(town: Town) {
        let one = verified(&town, WANG, MODEL).await;
        let session = opened(&town).await;
        assert_eq!(code(key(&town, &session, &one, "admin", [2, 0, 0]).await), "invalid_request", "three may vote");
        assert_eq!(key(&town, &session, &one, "admin", [2, 1, 0]).await.unwrap(), Keyed::First);
        assert_eq!(key(&town, &session, &one, "admin", [3, 0, 0]).await.unwrap(), Keyed::First, "mended, not confirmed");
        assert_eq!(code(key(&town, &session, &one, "council", [2, 1, 0]).await), "counts_differ");
        assert_eq!(state(&town, &one).await, State::Verified);
        assert_eq!(key(&town, &session, &one, "council", [3, 0, 0]).await.unwrap(), Keyed::Confirmed);
        assert_eq!(state(&town, &one).await, State::Balloted);
        assert_eq!(code(key(&town, &session, &one, "council", [3, 0, 0]).await), "not_found", "it is off the ballot");
        assert_eq!(code(publish(&town, &session).await), "session_state", "only after the session");
        close(&town, &session).await;
        publish(&town, &session).await.unwrap();
        assert_eq!(code(publish(&town, &session).await), "nothing_to_publish");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn more_than_half_must_be_in_favour(town: Town) {
        let one = verified(&town, WANG, MODEL).await;
        let session = opened(&town).await;
        count(&town, &session, &one, [1, 0, 2]).await;
        let one = again(&town, &one).await;
        assert_eq!(one.state, State::Declined);
        assert_eq!(one.ending, Some(Ending::NotCarried));
        assert_eq!(one.ending_reason.unwrap(), "票决未通过", "its counts stand in the ballot alone");
        let steps = town.signed_in("grid").await.get(&format!("/title-awards/{}", one.id)).await.text;
        assert!(steps.contains("赞成1，反对0，弃权2，应投3人"), "{steps}");
        assert_eq!(code(nominate_by(&town, WANG, MODEL, "grid", "带头清扫楼道").await), "already_nominated");
    }
}

on_both! {
    async fn whoever_is_near_steps_back_and_too_few_decide_nothing(town: Town) {
        let (admin, now, home) = (town.user("admin").await.id, town.app.now(), town.household(WANG).await.id);
        let one = verified(&town, WANG, MODEL).await;
        let session = opened(&town).await;
        town.write(move |conn| {
            let near = member::all(conn)?.into_iter().find(|member| member.name == "周老师").unwrap();
            member::declare_kin(conn, &near.id, &home, "堂弟", &admin, now)
        })
        .await
        .unwrap();
        let of_session = session.clone();
        let candidates = town.read(move |conn| ballot::candidates(conn, &of_session, now)).await;
        assert_eq!((candidates[0].votes(), candidates[0].recused.len()), (2, 1));
        assert_eq!(code(key(&town, &session, &one, "admin", [2, 0, 0]).await), "too_few_voters");
    }
}

on_both! {
    async fn a_quota_goes_to_those_with_most_votes_in_favour(town: Town) {
        let (wang, li) = (verified(&town, WANG, MODEL).await, verified(&town, LI, MODEL).await);
        let far = nominate_by(&town, FAR, MODEL, "far-grid", "带头清扫楼道").await.unwrap();
        verify(&town, &far, "grid", true, "").await.unwrap();
        let session = opened(&town).await;
        count(&town, &session, &wang, [2, 1, 0]).await;
        assert_eq!(state(&town, &wang).await, State::Verified, "it waits for the others of its quota");
        count(&town, &session, &far, [2, 1, 0]).await;
        assert_eq!(state(&town, &far).await, State::Balloted, "the other grid has a place of its own");
        count(&town, &session, &li, [3, 0, 0]).await;
        assert_eq!(state(&town, &li).await, State::Balloted);
        let wang = again(&town, &wang).await;
        assert_eq!(wang.state, State::Declined);
        assert_eq!((wang.ending, wang.ending_reason.unwrap().as_str()), (Some(Ending::QuotaFull), "名额已满"));
    }
}

on_both! {
    async fn a_tie_at_the_last_place_is_voted_on_again_and_not_drawn(town: Town) {
        // More points do not help.
        town.earn(WANG, "E08", 1).await;
        let (wang, li) = (verified(&town, WANG, MODEL).await, verified(&town, LI, MODEL).await);
        let session = opened(&town).await;
        for round in 1..=2 {
            count(&town, &session, &wang, [2, 1, 0]).await;
            count(&town, &session, &li, [2, 0, 1]).await;
            for one in [&wang, &li] {
                let one = again(&town, one).await;
                assert_eq!((one.state, one.round), (State::Verified, round + 1));
            }
        }
        // Those who were tied are decided first; a new candidate has no place any more.
        let third = verified(&town, HOUSEHOLDS[2].0, MODEL).await;
        // In a further ballot they were carried before: it asks for the order only.
        count(&town, &session, &wang, [0, 3, 0]).await;
        count(&town, &session, &li, [1, 2, 0]).await;
        assert_eq!(state(&town, &li).await, State::Balloted);
        assert_eq!(state(&town, &wang).await, State::Declined);
        count(&town, &session, &third, [3, 0, 0]).await;
        assert_eq!(state(&town, &third).await, State::Declined);
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

// ---- Pages ---------------------------------------------------------------------------------------------------------

on_both! {
    async fn everybody_reads_a_title_notice_and_nothing_personal(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let stranger = town.stranger();
        let page = stranger.get("/title-notices/1").await;
        assert_eq!(page.status, 200);
        for told in ["王**", "1号楼", MODEL, &slip, "红白事简办"] {
            assert!(page.text.contains(told), "{told}");
        }
        for hidden in ["王建国", WANG, "101", one.id.as_str(), "赞成"] {
            assert!(!page.text.contains(hidden), "{hidden}");
        }
        let (home, admin, now) = (town.household(WANG).await.id, town.user("admin").await.id, town.app.now());
        town.write(move |conn| consent::decide(conn, &home, &[Purpose::FullNameOnNotice], admin.as_str(), now))
            .await
            .unwrap();
        assert!(stranger.get("/title-notices/1").await.text.contains("王建国"), "by its own consent");
        // Anyone objects, and asks with the receipt.
        let form = stranger.get(&format!("/title-objections/new?slip={slip}")).await;
        let key = form.text.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let sent = stranger
            .post_bare("/title-objections", &[("key", &key), ("slip", &slip), ("reason", "不是他做的")])
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let receipt = stranger.get(sent.location()).await;
        assert!(receipt.text.contains(&slip) && !receipt.text.contains("不是他做的"), "{}", receipt.text);
        let number = sent.location().rsplit('/').next().unwrap().to_owned();
        assert_eq!(stranger.get(&format!("/receipts?number={number}")).await.location(), sent.location());
        town.app.clock.advance(TimeDelta::days(30));
        assert_eq!(stranger.get("/title-notices/1").await.status, 410);
        assert_eq!(town.signed_in("auditor").await.get("/title-notices/1").await.status, 200);
    }
}

on_both! {
    async fn nobody_sees_or_verifies_beyond_the_own_area(town: Town) {
        let one = nominate(&town, WANG, MODEL).await;
        let path = format!("/title-awards/{}", one.id);
        assert_eq!(town.signed_in("grid").await.get(&path).await.status, 200);
        let far = town.signed_in("far-grid").await;
        assert_eq!(far.get(&path).await.status, 404);
        assert!(!far.get("/title-awards").await.text.contains("王建国"));
        let verify = far.post(&format!("{path}/verification"), &[("key", "a"), ("decision", "confirmed")]).await;
        assert_eq!(verify.status, 404);
        let nominate = [("key", "b"), ("household", LI), ("title", "x/2026-10-01"), ("reason", "清扫楼道")];
        assert_eq!(far.post("/title-awards", &nominate).await.status, 404);
        assert_eq!(state(&town, &one).await, State::Nominated);
    }
}

on_both! {
    async fn a_title_goes_its_way_on_pages(town: Town) {
        let admin = town.signed_in("admin").await;
        assert!(admin.get("/titles").await.text.contains("按现行办法登记"));
        assert_eq!(admin.post("/titles/rules", &[]).await.status, 303);
        let page = admin.get("/titles").await.text;
        assert!(page.contains(MODEL) && !page.contains("按现行办法登记"));
        let building = town.signed_in("building").await;
        let form = building.get(&format!("/title-awards/new?household={WANG}")).await.text;
        let model = titles(&town).await.into_iter().find(|one| one.name == MODEL).unwrap();
        let choice = format!("{}/2026-10-01", model.id);
        assert!(form.contains(&choice), "{form}");
        let fields = [("key", "n"), ("household", WANG), ("title", choice.as_str()), ("reason", "带头清扫楼道")];
        let sent = building.post("/title-awards", &fields).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let path = sent.location().to_owned();
        let grid = town.signed_in("grid").await;
        assert!(grid.get(&path).await.text.contains("属实，提交票决"));
        assert_eq!(grid.post(&format!("{path}/verification"), &[("key", "v"), ("decision", "confirmed")]).await.status, 303);
        // A session with nothing but a title before it is opened on the page.
        let session = opened_on_the_page(&town).await;
        let of_session = format!("/sessions/{}/titles", session.number);
        assert!(admin.get(&of_session).await.text.contains("应投3人"));
        let id = path.rsplit('/').next().unwrap();
        let counts = [("award", id), ("votes_for", "3"), ("votes_against", "0"), ("abstentions", "0")];
        assert_eq!(admin.post(&of_session, &counts).await.status, 303);
        let council = town.signed_in("council").await;
        assert!(council.get(&of_session).await.text.contains("两人一致才算数"));
        assert_eq!(council.post(&of_session, &counts).await.status, 303);
        close(&town, &session).await;
        let published = admin.post(&format!("/sessions/{}/title-notice", session.number), &[("key", "p")]).await;
        assert_eq!(published.location(), "/title-notices/1", "{}", published.text);
        after(&town, 8).await;
        let (admin, grid) = (town.signed_in("admin").await, town.signed_in("grid").await);
        assert!(grid.get(&format!("/households/{WANG}")).await.text.contains("文明榜样户（2026年第四季度）"));
        assert!(admin.get(&path).await.text.contains("打印奖状"));
        town.expect_books_hold().await;
    }
}

async fn opened_on_the_page(town: &Town) -> Session {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    let (session, members) = town
        .write(move |conn| {
            let area = area_of_council(conn)?;
            let asked = Convene {
                area: area.clone(),
                held_on: day_of(now),
                place: "社区议事厅".to_owned(),
                ballot: BallotForm::Open,
                by: admin,
                key: fresh_key(now),
            };
            Ok((
                session::convene(conn, &asked, now)?,
                member::sitting(conn, &area, day_of(now))?,
            ))
        })
        .await
        .unwrap();
    let mut fields: Vec<(&str, &str)> = members.iter().map(|member| ("present", member.id.as_str())).collect();
    fields.push(("chair", members[0].id.as_str()));
    let path = format!("/sessions/{}/opening", session.number);
    let sent = town.signed_in("admin").await.post(&path, &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    session
}

on_both! {
    async fn the_board_of_honour_names_titles_by_consent_only(town: Town) {
        conferred(&town, WANG, MODEL).await;
        let board = async || {
            let order = Order { asked: Asked::default(), duties: None, now: town.app.now() };
            town.app.db.read(move |conn| Paper::HonourBoard.load(conn, &order)).await
        };
        assert_eq!(code(board().await), "invalid_request", "nobody agreed to be on it");
        let (home, admin, now) = (town.household(WANG).await.id, town.user("admin").await.id, town.app.now());
        town.write(move |conn| consent::decide(conn, &home, &[Purpose::HonourBoard], admin.as_str(), now))
            .await
            .unwrap();
        let told = String::from_utf8(board().await.unwrap()).unwrap();
        assert!(told.contains(MODEL) && told.contains("王**家") && !told.contains("王建国"), "{told}");
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
