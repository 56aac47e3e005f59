//! Who steps back: the own household, kin, neighbours where the rules say so, and who comes late.

use jishan::audit;
use jishan::council::member::{self, CouncilMember};
use jishan::council::motion::{self, Choice, Kind, Motion, State as Stand};
use jishan::council::session::{self, BallotForm};
use jishan::scheme::version;

use super::{YONG, act, code, deeds, hands, in_session, members, motions, named, rows, seat, words};
use crate::town::{FAR, LI, Town, WANG, on_both, today};

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
            let mut scheme: serde_json::Value = serde_json::from_str(include_str!("../../../samples/scheme.json")).unwrap();
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
