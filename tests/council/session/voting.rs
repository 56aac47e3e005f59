//! How votes count, on hands, phones and paper, and that nobody learns who voted how.

use jishan::audit;
use jishan::council::member::{self, CouncilMember};
use jishan::council::motion::{self, Cast, Choice, Kind, Motion, State as Stand, Tally};
use jishan::council::nomination::{self, Nomination, State};
use jishan::council::notice;
use jishan::council::session::{self, BallotForm};
use jishan::error::Result;
use jishan::id::Id;

use super::{
    YONG, act, code, convene, deeds, end_voting, hands, in_session, key, members, motions, named, open, rows, seat,
    words,
};
use crate::town::{FAR, LI, Town, WANG, area_of_council, fresh_key, on_both, today};

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

async fn state_of(town: &Town, id: &Id<Nomination>) -> State {
    let id = id.clone();
    town.read(move |conn| Ok(nomination::by_id(conn, &id)?.state)).await
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
