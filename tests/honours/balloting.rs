//! The ballot: two people's counts, who steps back, quotas and ties.

use jishan::council::member;
use jishan::honours::award::{Ending, State};
use jishan::honours::ballot::{self, Keyed};

use super::{MODEL, again, close, code, count, key, nominate_by, opened, publish, state, verified, verify};
use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, on_both};

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
