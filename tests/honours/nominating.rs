//! Which titles there are, who nominates and who verifies, and whose households stand outside.

use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::day_of;
use jishan::honours::award::{self, Nominate, State};
use jishan::honours::title::{self, Define, Period, Quota, Scope};
use jishan::id::Id;
use jishan::places::area::Tree;
use jishan::points::Points;
use jishan::scheme::validator;

use super::{MODEL, PARTY, code, key, nominate, nominate_by, opened, titles, verified, verify};
use crate::town::{LI, PASSWORD, Town, WANG, fresh_key, on_both};

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
    let sample = include_str!("../../samples/scheme.json");
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
