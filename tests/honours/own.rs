//! What a household that signed in reads of its titles, stars and shares of dividends, and takes along; and what it does not.

use chrono::TimeDelta;
use jishan::clock::{day_of, days_after};
use jishan::dividends::dividend::{self, Plan, Resolve};
use jishan::honours::appeal::{self, Filer};
use jishan::places::area::Tree;
use jishan::scheme::resolution::{Assembly, Meeting};
use jishan::scheme::version;

use super::{
    MODEL, PARTY, after, again, close, conferred, count, define_star, give_star, nominate, opened, publish, verified,
    verify,
};
use crate::town::{LI, Town, WANG, fresh_key, on_both};

/// What a household reads, signed in anew.
pub(super) async fn own(town: &Town, code: &'static str) -> String {
    let page = town.at_home(code).await.get("/my/honours").await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text
}

pub(super) async fn file(town: &Town, code: &'static str, path: &str) -> String {
    let file = town.at_home(code).await.get(path).await;
    assert!(
        file.status == 200 && file.header("content-type").starts_with("text/csv"),
        "{}",
        file.text
    );
    file.text
}

/// A dividend of so many fen by the honour scores of today, resolved on tomorrow.
pub async fn share_out(town: &Town, pool: i64) {
    let (admin, scored_on) = (town.user("admin").await.id, day_of(town.app.now()));
    town.app.clock.advance(TimeDelta::days(1));
    let now = town.app.now();
    town.write(move |conn| {
        let asked = Resolve {
            title: "2026年文明股分红".to_owned(),
            plan: Plan {
                area: Tree::load(conn)?.root().unwrap().id.to_string(),
                pool,
                scored_on,
            },
            version: version::in_force(conn, scored_on)?.id.to_string(),
            meeting: Meeting {
                body: Assembly::Residents,
                held_on: days_after(scored_on, 1),
                place: "社区活动室".to_owned(),
                entitled: 9,
                present: 7,
                votes_for: 6,
                votes_against: 0,
                votes_abstained: 1,
            },
        };
        let sharing = dividend::share(conn, &asked.plan, day_of(now))?;
        dividend::resolve(conn, &asked, &sharing, &admin, "dividend", now)
    })
    .await
    .unwrap();
}

on_both! {
    async fn a_household_reads_of_its_title_once_the_council_has_decided(town: Town) {
        let nominator = town.user("building").await.display_name;
        let one = nominate(&town, WANG, MODEL).await;
        let page = own(&town, WANG).await;
        assert!(page.contains("还没有评上的称号") && !page.contains(MODEL), "{page}");
        verify(&town, &one, "grid", true, "").await.unwrap();
        assert!(!own(&town, WANG).await.contains(MODEL), "a try is no title");

        let session = opened(&town).await;
        count(&town, &session, &one, [3, 0, 0]).await;
        close(&town, &session).await;
        publish(&town, &session).await.unwrap();
        let page = own(&town, WANG).await;
        for told in [MODEL, "2026年第四季度", "公示中", "H1-1", "/title-notices/1", "60分，授予后入账", "红白事简办，带头清扫楼道"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("赞成") && !page.contains(&nominator), "{page}");
        let other = own(&town, LI).await;
        assert!(!other.contains(MODEL) && !other.contains("H1-1"), "{other}");

        after(&town, 8).await;
        let held = again(&town, &one).await;
        let page = own(&town, WANG).await;
        let posted = format!("60分，已入账，凭条号{}", held.transaction_number.unwrap());
        for told in ["已授予", "有效到", posted.as_str()] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("不再有效") && !page.contains("/title-notices/"), "{page}");
        let line = format!("/my/points/{}", held.transaction_number.unwrap());
        assert_eq!(town.at_home(WANG).await.get(&line).await.status, 200);
        let left = held.term_ends_on.unwrap().signed_duration_since(day_of(town.app.now())).num_days();
        town.app.clock.advance(TimeDelta::days(left + 1));
        assert!(own(&town, WANG).await.contains("不再有效"));
    }
}

on_both! {
    async fn what_was_not_given_is_told_without_votes_and_how_to_appeal(town: Town) {
        // What the verifier refused never came before the council.
        let refused = nominate(&town, WANG, PARTY).await;
        verify(&town, &refused, "grid", false, "条件不符").await.unwrap();
        let page = own(&town, WANG).await;
        assert!(!page.contains(PARTY) && !page.contains("条件不符"), "{page}");

        let denied = verified(&town, LI, PARTY).await;
        let session = opened(&town).await;
        count(&town, &session, &denied, [0, 3, 0]).await;
        close(&town, &session).await;
        let page = own(&town, LI).await;
        for told in [PARTY, "未通过", "票决未通过", "可以申诉", "0000-0000000"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        for hidden in ["反对", "赞成", "应投"] {
            assert!(!page.contains(hidden), "{hidden}: {page}");
            assert!(!file(&town, LI, "/my/data/honours.csv").await.contains(hidden), "{hidden}");
        }
        let (grid, now) = (town.user("grid").await.id, town.app.now());
        let asked = appeal::File {
            award: denied.id.clone(),
            reason: "请再看一看".to_owned(),
            contact: String::new(),
            by: Filer::Office(grid),
            key: fresh_key(now),
        };
        town.write(move |conn| appeal::file(conn, &asked, now)).await.unwrap();
        let page = own(&town, LI).await;
        assert!(page.contains("您家的申诉：已收到，待受理") && !page.contains("可以申诉"), "{page}");
    }
}

on_both! {
    async fn titles_stars_and_shares_are_taken_along_and_are_nobody_elses(town: Town) {
        conferred(&town, WANG, MODEL).await;
        define_star(&town, "和睦星").await.unwrap();
        give_star(&town, WANG, 1, "2027-11-21").await.unwrap();
        // The title brought sixty, so that by honour the shares are 3 to 1; a fifth is shared equally.
        town.give_honour(LI, 20).await;
        share_out(&town, 10_000).await;

        let page = own(&town, WANG).await;
        for told in [MODEL, "和睦星", "邻里和睦，有事商量着办", "2026年文明股分红", "70.00元", "荣誉分60分"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        let other = own(&town, LI).await;
        assert!(other.contains("30.00元") && other.contains("还没有评上的称号"), "{other}");
        for hidden in ["王建国", MODEL, "和睦星", "70.00"] {
            assert!(!other.contains(hidden), "{hidden}: {other}");
        }

        let honours = file(&town, WANG, "/my/data/honours.csv").await;
        assert_eq!(honours.lines().count(), 4, "a heading, a title, a star, a share: {honours}");
        for told in [
            "称号,文明榜样户,2026年第四季度,已授予，有效到",
            "星级,和睦星,2026年11月21日至2027年11月21日,有效,邻里和睦，有事商量着办,",
            "分红,2026年文明股分红,",
            ",70.00元",
        ] {
            assert!(honours.contains(told), "{told}: {honours}");
        }
        let others = file(&town, LI, "/my/data/honours.csv").await;
        assert!(others.lines().count() == 2 && others.contains(",30.00元"), "{others}");
        let lines = file(&town, WANG, "/my/data/honour.csv").await;
        assert!(lines.lines().count() == 2 && lines.contains("荣誉称号奖励：文明榜样户（2026年第四季度）,60,60,"), "{lines}");
        assert!(file(&town, LI, "/my/data/honour.csv").await.contains(",20,20,"));
        let data = town.at_home(WANG).await.get("/my/data").await.text;
        assert!(data.contains("/my/data/honour.csv") && data.contains("/my/data/honours.csv") && data.contains("/my/honours"));

        let (council, now) = (town.user("council").await.id, town.app.now());
        town.write(move |conn| dividend::annul(conn, 1, "金额错了", &council, now)).await.unwrap();
        let page = own(&town, WANG).await;
        assert!(page.contains("已作废") && !page.contains("70.00元"), "{page}");
        assert!(file(&town, WANG, "/my/data/honours.csv").await.contains(",已作废,"));
    }
}
