//! Sessions: who is there, who steps back, how votes count, and that nobody learns who voted how.

use jishan::audit;
use jishan::clock::{Day, days_after};
use jishan::council::clockwork;
use jishan::council::member::{self, Appoint, CouncilMember};
use jishan::council::motion::{self, Cast, Choice, Counts, Kind, Motion, State as Stand, Tally};
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, State, Verify};
use jishan::council::notice;
use jishan::council::session::{self, BallotForm, Convene, Open, Session};
use jishan::db::Conn;
use jishan::error::Result;
use jishan::id::Id;
use jishan::places::area::Tree;
use jishan::places::household;
use jishan::scheme::terms::CouncilTerms;
use jishan::scheme::version;

use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, area_of_council, fresh_key, on_both, today};

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

/// A vote on the member's own phone.
async fn cast(
    town: &Town,
    motion: &Motion,
    member: &CouncilMember,
    choice: Choice,
    by: &'static str,
) -> Result<Motion> {
    let (member, motion, now) = (member.clone(), motion.id.clone(), town.app.now());
    act(town, by, move |conn, by, _| {
        let asked = Cast {
            motion,
            member: member.id.clone(),
            choice,
            by: by.clone(),
            key: fresh_key(now),
        };
        motion::cast(conn, &asked, &member, now)
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

/// Who steps back from a motion, by name, with the reason.
async fn recused(town: &Town, motion: &Motion) -> Vec<(String, String)> {
    let id = motion.id.clone();
    let members = members(town).await;
    let found = town.read(move |conn| motion::recusals(conn, &id)).await;
    let mut named: Vec<(String, String)> = members
        .iter()
        .filter_map(|member| Some((member.name.clone(), found.get(&member.id)?.clone())))
        .collect();
    named.sort();
    named
}

async fn rows(town: &Town, motion: &Motion) -> Vec<Id<Nomination>> {
    let id = motion.id.clone();
    town.read(move |conn| motion::rows_of(conn, &id)).await
}

async fn state_of(town: &Town, id: &Id<Nomination>) -> State {
    let id = id.clone();
    town.read(move |conn| Ok(nomination::by_id(conn, &id)?.state)).await
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
            "到会3人，不够法定人数：共5名成员，至少要到4人才能开会。"
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
    async fn the_own_household_kin_and_what_one_nominated_are_decided_by_the_others(town: Town) {
        // Zheng lives at Wang's; Feng is Li's cousin; Liu's account nominated for the far household.
        let zheng = seat(&town, "郑大爷", Some(WANG)).await;
        let feng = seat(&town, "冯婶", None).await;
        let li = town.household(LI).await.id;
        let id = feng.id.clone();
        act(&town, "admin", move |conn, by, now| member::declare_kin(conn, &id, &li, "表妹", by, now)).await.unwrap();
        let ids = deeds(&town, &[
            (YONG, "E10", "building"),
            (WANG, "E10", "building"),
            (LI, "E10", "building"),
            (WANG, "D04", "building"),
            (LI, "C04", "building"),
        ])
        .await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        let put = motions(&town, &session).await;
        // One batch for each set of people who step back, so that a batch never hides one; then the single row.
        let mut seen = Vec::new();
        for motion in &put {
            seen.push((motion.kind, rows(&town, motion).await.len(), recused(&town, motion).await));
        }
        let back = |name: &str, why: &str| vec![(name.to_owned(), why.to_owned())];
        assert_eq!(seen[0], (Kind::Batch, 1, vec![]));
        assert!(seen.contains(&(Kind::Batch, 2, back("郑大爷", "本户"))));
        assert!(seen.contains(&(Kind::Batch, 1, back("冯婶", "亲属（表妹）"))));
        assert_eq!(seen[3], (Kind::Single, 1, back("冯婶", "亲属（表妹）")));
        assert_eq!(rows(&town, &put[3]).await, [ids[4].clone()]);
        // A hand of somebody who steps back is refused, and nobody else's is kept then.
        let wangs = &put[seen.iter().position(|one| one.2 == back("郑大爷", "本户")).unwrap()];
        let voters: Vec<(&CouncilMember, Choice)> = all.iter().map(|member| (member, Choice::For)).collect();
        assert_eq!(words(hands(&town, wangs, &voters).await), "这一项须回避（本户），不能投票。");
        let id = wangs.id.clone();
        assert!(town.read(move |conn| motion::votes(conn, &id)).await.is_empty());
        // The others decide alone: four of five.
        let others: Vec<_> = voters.iter().copied().filter(|(member, _)| member.id != zheng.id).collect();
        let decided = hands(&town, wangs, &others).await.unwrap();
        assert_eq!((decided.state, decided.votes_for), (Stand::Approved, 4));
    }
}

on_both! {
    async fn a_neighbour_in_the_building_steps_back_where_the_rules_say_so(town: Town) {
        let now = town.app.now();
        town.write(move |conn| {
            let mut scheme: serde_json::Value = serde_json::from_str(include_str!("../../samples/scheme.json")).unwrap();
            scheme["council"]["recuse_same_building"] = true.into();
            version::load(conn, &scheme.to_string(), today(), "test", now)
        })
        .await
        .unwrap();
        seat(&town, "郑大爷", Some(WANG)).await;
        seat(&town, "冯婶", None).await;
        deeds(&town, &[(LI, "E10", "building"), (FAR, "E10", "grid")]).await;
        let (session, _) = in_session(&town, BallotForm::Open).await;
        let put = motions(&town, &session).await;
        assert_eq!(recused(&town, &put[0]).await, []);
        assert_eq!(recused(&town, &put[1]).await, [("郑大爷".to_owned(), "同楼栋".to_owned())]);
    }
}

on_both! {
    async fn who_comes_late_or_declares_kin_during_a_session_steps_back_as_well(town: Town) {
        seat(&town, "郑大爷", None).await;
        let ids = deeds(&town, &[(WANG, "E10", "building"), (LI, "E10", "building"), (WANG, "C04", "building")]).await;
        let (session, _) = in_session(&town, BallotForm::Open).await;
        assert_eq!(motions(&town, &session).await.len(), 2);
        // Feng is appointed now, lives at Wang's, and comes late.
        let feng = seat(&town, "冯婶", Some(WANG)).await;
        let (id, late) = (session.id.clone(), feng.id.clone());
        act(&town, "admin", move |conn, by, now| session::arrive(conn, &id, &late, by, now)).await.unwrap();
        let put = motions(&town, &session).await;
        // Her own row was taken out of the batch, so that she votes on Li's.
        assert_eq!(put.len(), 3);
        assert_eq!((rows(&town, &put[0]).await, recused(&town, &put[0]).await), (vec![ids[1].clone()], vec![]));
        for own in [&put[1], &put[2]] {
            assert_eq!(recused(&town, own).await, [("冯婶".to_owned(), "本户".to_owned())]);
            assert_eq!(code(hands(&town, own, &[(&feng, Choice::For)]).await), "recused");
        }
        // Zheng says that Li is his brother-in-law: there is one row left in the batch, so he steps back from it.
        let zheng = named(&town, "郑大爷").await;
        let (member, li) = (zheng.clone(), town.household(LI).await.id);
        act(&town, "admin", move |conn, by, now| {
            member::declare_kin(conn, &member.id, &li, "妹夫", by, now)?;
            session::mind_conflicts(conn, &member, by, now)
        })
        .await
        .unwrap();
        assert_eq!(recused(&town, &put[0]).await, [("郑大爷".to_owned(), "亲属（妹夫）".to_owned())]);
        // On the spot, in words; a vote that was cast stands.
        let (single, zhou) = (put[1].id.clone(), named(&town, "周老师").await);
        hands(&town, &put[1], &[(&zheng, Choice::For)]).await.unwrap();
        let back = |member: &CouncilMember, reason: &'static str| {
            let (single, member) = (single.clone(), member.id.clone());
            act(&town, "admin", move |conn, by, now| motion::step_back(conn, &single, &member, reason, by, now))
        };
        assert_eq!(code(back(&zheng, "亲属").await), "already_voted");
        assert_eq!(code(back(&zhou, " ").await), "invalid_request");
        back(&zhou, "老同学").await.unwrap();
        assert_eq!(recused(&town, &put[1]).await.len(), 2);
        // Why is not in the record.
        let events = town.read(|conn| audit::events(conn, None, 200)).await;
        assert!(!format!("{events:?}").contains("老同学") && !format!("{events:?}").contains("妹夫"));
    }
}

on_both! {
    async fn a_tie_an_abstention_and_silence_carry_nothing(town: Town) {
        seat(&town, "郑大爷", None).await;
        deeds(&town, &[(WANG, "C04", "building"), (LI, "C04", "building"), (YONG, "C04", "building"), (FAR, "C04", "grid")]).await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        let put = motions(&town, &session).await;
        let (f, a, n) = (Choice::For, Choice::Against, Choice::Abstain);
        let vote = |motion: usize, choices: Vec<Choice>| {
            let votes: Vec<(&CouncilMember, Choice)> = all.iter().zip(choices).collect();
            let (town, put) = (&town, &put);
            async move { hands(town, &put[motion], &votes).await.unwrap() }
        };
        assert_eq!(vote(0, vec![f, f, a, a]).await.state, Stand::Declined);
        assert_eq!(vote(1, vec![f, f, n, n]).await.state, Stand::Declined);
        let carried = vote(2, vec![f, f, f, a]).await;
        assert_eq!((carried.state, carried.votes_for, carried.votes_against, carried.abstentions), (Stand::Approved, 3, 1, 0));
        // Two say yes, two say nothing: as if they had abstained.
        assert_eq!(vote(3, vec![f, f]).await.state, Stand::Waiting);
        assert_eq!(end_voting(&town, &put[3]).await.unwrap().state, Stand::Declined);
        // Ids of one millisecond are in no order: ask motion by motion.
        let mut states = Vec::new();
        for motion in &put {
            let row = rows(&town, motion).await.remove(0);
            states.push(state_of(&town, &row).await);
        }
        assert_eq!(
            states,
            [State::Declined, State::Declined, State::Approved, State::Declined]
        );
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn when_too_few_are_left_it_waits_for_the_next_session(town: Town) {
        // Three seats, and Liu steps back: two are left, three are needed.
        let liu = named(&town, "刘德厚").await;
        let wang = town.household(WANG).await.id;
        let id = liu.id.clone();
        act(&town, "admin", move |conn, by, now| member::declare_kin(conn, &id, &wang, "堂兄", by, now)).await.unwrap();
        let ids = deeds(&town, &[(WANG, "E10", "building")]).await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        let motion = motions(&town, &session).await.remove(0);
        let votes: Vec<(&CouncilMember, Choice)> = all.iter().filter(|one| one.id != liu.id).map(|one| (one, Choice::For)).collect();
        assert_eq!(hands(&town, &motion, &votes).await.unwrap().state, Stand::Deferred);
        assert_eq!(state_of(&town, &ids[0]).await, State::Verified);
        let id = session.id.clone();
        act(&town, "admin", move |conn, by, now| session::close(conn, &id, "", by, now)).await.unwrap();
        assert_eq!(town.read(|conn| { let area = area_of_council(conn)?; session::waiting(conn, &area) }).await.len(), 1);
        // With one more member it is decided next time.
        seat(&town, "郑大爷", None).await;
        let (again, all) = in_session(&town, BallotForm::Open).await;
        let motion = motions(&town, &again).await.remove(0);
        let votes: Vec<(&CouncilMember, Choice)> = all.iter().filter(|one| one.id != liu.id).map(|one| (one, Choice::For)).collect();
        assert_eq!(hands(&town, &motion, &votes).await.unwrap().state, Stand::Approved);
        assert_eq!(town.read(move |conn| motion::of_nomination(conn, &ids[0])).await.len(), 2);
    }
}

on_both! {
    async fn one_vote_each_only_while_there_and_only_while_it_is_open(town: Town) {
        let ids = deeds(&town, &[(WANG, "C04", "building"), (LI, "C04", "building")]).await;
        let zheng = seat(&town, "郑大爷", None).await;
        let convened = convene(&town, BallotForm::Open, today()).await.unwrap();
        let all = members(&town).await;
        let there: Vec<&CouncilMember> = all.iter().filter(|one| one.id != zheng.id).collect();
        let session = open(&town, &convened, &there).await.unwrap();
        let put = motions(&town, &session).await;
        let liu = named(&town, "刘德厚").await;
        assert_eq!(words(hands(&town, &put[0], &[(&zheng, Choice::For)]).await), "这位成员没有登记到会，请先登记到会再投票。");
        cast(&town, &put[0], &liu, Choice::For, "council").await.unwrap();
        assert_eq!(words(cast(&town, &put[0], &liu, Choice::Against, "council").await), "这位成员已经投过票，每人一票。");
        assert_eq!(code(hands(&town, &put[0], &[(there[1], Choice::For), (&liu, Choice::For)]).await), "already_voted");
        assert_eq!(code(hands(&town, &put[0], &[(there[1], Choice::For), (there[1], Choice::For)]).await), "already_voted");
        // Closing waits for every motion.
        let id = session.id.clone();
        let close = || { let id = id.clone(); act(&town, "admin", move |conn, by, now| session::close(conn, &id, "都说好", by, now)) };
        assert_eq!(words(close().await), "还有2项没有表决结果，表决完才能散会。");
        for motion in &put {
            let rest: Vec<_> = there.iter().filter(|one| motion.id != put[0].id || one.id != liu.id).map(|one| (*one, Choice::For)).collect();
            hands(&town, motion, &rest).await.unwrap();
        }
        assert_eq!(words(cast(&town, &put[0], &liu, Choice::For, "council").await), "这一项已有结果，不能再投票。");
        assert_eq!(code(end_voting(&town, &put[0]).await), "voting_closed");
        let closed = close().await.unwrap();
        // Two keepers who close and publish at once: once.
        assert_eq!(close().await.unwrap(), closed);
        assert_eq!(code(hands(&town, &put[0], &[(&liu, Choice::For)]).await), "session_state");
        assert_eq!(words(cast(&town, &put[1], &liu, Choice::For, "council").await), "会议已结束，现在不能这样办理。");
        let town = std::sync::Arc::new(town);
        let publish = ["admin", "council"].map(|by| {
            let (town, id) = (std::sync::Arc::clone(&town), id.clone());
            tokio::spawn(async move {
                act(&town, by, move |conn, by, now| notice::publish(conn, &id, by, &fresh_key(now), now)).await.map_err(|error| error.code())
            })
        });
        let mut published = Vec::new();
        for one in publish {
            published.push(one.await.unwrap().map(|notice| notice.number));
        }
        published.sort_by_key(Result::is_err);
        assert_eq!(published, [Ok(1), Err("already_published")]);
        assert_eq!(state_of(&town, &ids[0]).await, State::Notified);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_row_of_a_batch_is_taken_out_before_anybody_has_voted(town: Town) {
        let ids = deeds(&town, &[(WANG, "E10", "building"), (LI, "E10", "building"), (YONG, "E10", "building")]).await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        let batch = motions(&town, &session).await.remove(0);
        let pull = |row: &Id<Nomination>| {
            let (motion, row) = (batch.id.clone(), row.clone());
            act(&town, "admin", move |conn, by, now| motion::pull_out(conn, &motion, &row, by, now))
        };
        let alone = pull(&ids[1]).await.unwrap();
        assert_eq!(code(pull(&ids[1]).await), "not_found");
        let put = motions(&town, &session).await;
        assert_eq!((put[1].id.clone(), put[1].kind, put[1].position), (alone, Kind::Single, 2));
        assert_eq!(rows(&town, &put[1]).await, [ids[1].clone()]);
        // Once somebody voted, or keyed a tally, the batch stays as it is.
        key(&town, &batch, "admin", (3, 0, 0)).await.unwrap();
        assert_eq!(words(pull(&ids[0]).await), "这一批已经开始投票，不能再抽出。");
        hands(&town, &batch, &[(&all[0], Choice::For)]).await.unwrap();
        assert_eq!(words(pull(&ids[0]).await), "这一批已经开始投票，不能再抽出。");
        assert_eq!(words({ let (motion, row) = (put[1].id.clone(), ids[1].clone()); act(&town, "admin", move |conn, by, now| motion::pull_out(conn, &motion, &row, by, now)).await }), "这一项本来就单独表决。");
    }
}

on_both! {
    async fn two_people_key_a_paper_tally_until_they_agree(town: Town) {
        deeds(&town, &[(WANG, "C04", "building")]).await;
        let (session, _) = in_session(&town, BallotForm::Secret).await;
        let motion = motions(&town, &session).await.remove(0);
        assert_eq!(words(key(&town, &motion, "admin", (4, 0, 0)).await), "计票4张，多于还没有投票的3人，请核对计票单后重新录入。");
        assert_eq!(code(key(&town, &motion, "admin", (-1, 0, 0)).await), "invalid_request");
        assert_eq!(key(&town, &motion, "admin", (2, 1, 0)).await.unwrap(), Tally::First);
        // The same person again is still one person.
        assert_eq!(key(&town, &motion, "admin", (2, 1, 0)).await.unwrap(), Tally::First);
        assert!(matches!(key(&town, &motion, "grid", (3, 0, 0)).await.unwrap(), Tally::Differs(_)));
        let Tally::Agreed(decided) = key(&town, &motion, "grid", (2, 1, 0)).await.unwrap() else { panic!("they agree") };
        assert_eq!((decided.state, decided.votes_for, decided.votes_against), (Stand::Approved, 2, 1));
        assert_eq!(code(key(&town, &motion, "grid", (2, 1, 0)).await), "voting_closed");
    }
}

on_both! {
    async fn a_secret_ballot_leaves_no_trace_of_who_voted_how(town: Town) {
        deeds(&town, &[(WANG, "C04", "building"), (LI, "C04", "building")]).await;
        let (session, all) = in_session(&town, BallotForm::Secret).await;
        let put = motions(&town, &session).await;
        let liu = named(&town, "刘德厚").await;
        assert_eq!(code(hands(&town, &put[0], &[(&liu, Choice::For)]).await), "secret_ballot");
        assert_eq!(code(cast(&town, &put[0], &all[1], Choice::For, "admin").await), "secret_ballot");
        // Two motions, two different votes of the same member: what is kept of both looks alike.
        cast(&town, &put[0], &liu, Choice::For, "council").await.unwrap();
        cast(&town, &put[1], &liu, Choice::Against, "council").await.unwrap();
        for motion in &put {
            let id = motion.id.clone();
            assert_eq!(town.read(move |conn| motion::votes(conn, &id)).await, [(liu.id.clone(), None)]);
            key(&town, motion, "admin", (1, 1, 0)).await.unwrap();
            assert!(matches!(key(&town, motion, "grid", (1, 1, 0)).await.unwrap(), Tally::Agreed(_)));
        }
        // The record says what came out, and nothing about anybody's vote.
        let events = town.read(|conn| audit::events(conn, None, 200)).await;
        let of_members: Vec<_> = events.iter().filter(|event| event.act.starts_with("motion.")).map(|event| event.act.as_str()).collect();
        assert_eq!(of_members, ["motion.decided", "motion.decided"]);
        // A key that comes twice is answered from what is kept: the other choice under it gets the same answer, so nothing
        // that is kept tells them apart.
        let counts: Vec<_> = motions(&town, &session).await.iter().map(|one| (one.votes_for, one.votes_against)).collect();
        assert_eq!(counts, [(2, 1), (1, 2)]);
    }
}

on_both! {
    async fn a_key_cannot_be_tried_to_learn_a_secret_vote(town: Town) {
        deeds(&town, &[(WANG, "C04", "building")]).await;
        let (session, _) = in_session(&town, BallotForm::Secret).await;
        let motion = motions(&town, &session).await.remove(0);
        let liu = named(&town, "刘德厚").await;
        let with_key = |choice| {
            let (liu, motion) = (liu.clone(), motion.id.clone());
            act(&town, "council", move |conn, by, now| {
                let asked = Cast { motion, member: liu.id.clone(), choice, by: by.clone(), key: "the-same-key".to_owned() };
                motion::cast(conn, &asked, &liu, now)
            })
        };
        let first = with_key(Choice::For).await.unwrap();
        // Either choice under the used key is answered alike, and counts nothing.
        for choice in [Choice::For, Choice::Against, Choice::Abstain] {
            assert_eq!(with_key(choice).await.unwrap(), first);
        }
        assert_eq!((first.votes_for, first.votes_against, first.abstentions), (1, 0, 0));
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

/// A small dice, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap()
}

on_both! {
    /// Whatever comes in which order, refused or not: a motion's counts are its ballots and its agreed tally, and nothing else.
    async fn counts_are_ballots_and_tallies(town: Town) {
        seat(&town, "郑大爷", None).await;
        seat(&town, "冯婶", Some(LI)).await;
        deeds(&town, &[(WANG, "C04", "building"), (LI, "C04", "building"), (YONG, "C04", "building"), (FAR, "C04", "grid"), (WANG, "A03", "building"), (LI, "A03", "building")]).await;
        let (session, all) = in_session(&town, BallotForm::Open).await;
        for (seed, motion) in (1u64..).zip(motions(&town, &session).await) {
            let mut dice = Dice(seed);
            let mut agreed = 0;
            for _ in 0..14 {
                let member = &all[dice.below(5)];
                let choice = Choice::ALL[dice.below(3)];
                match dice.below(6) {
                    0 | 1 => drop(hands(&town, &motion, &[(member, choice)]).await),
                    2 => drop(cast(&town, &motion, &named(&town, "刘德厚").await, choice, "council").await),
                    3 => drop(hands(&town, &motion, &[(member, choice), (&all[dice.below(5)], choice)]).await),
                    _ => {
                        let counts = (count(dice.below(3)), count(dice.below(2)), 0);
                        let by = if dice.below(2) == 0 { "admin" } else { "grid" };
                        if let Ok(Tally::Agreed(_)) = key(&town, &motion, by, counts).await {
                            agreed = counts.0 + counts.1 + counts.2;
                        }
                    }
                }
            }
            let (id, voters) = (motion.id.clone(), motion.id.clone());
            let ballots = town.read(move |conn| motion::votes(conn, &id)).await;
            let recused = town.read(move |conn| motion::recusals(conn, &voters)).await;
            let now = motions(&town, &session).await.into_iter().find(|one| one.id == motion.id).unwrap();
            let counted = now.votes_for + now.votes_against + now.abstentions;
            assert_eq!(counted, count(ballots.len()) + agreed, "seed {seed}: {now:?}");
            assert!(counted <= count(all.len() - recused.len()), "seed {seed}");
            assert!(ballots.iter().all(|(member, _)| !recused.contains_key(member)), "seed {seed}");
        }
        town.expect_books_hold().await;
    }
}
