//! How points are decided: two people, caps that count what waits, returns with a reason, and the days that may be written.

mod award;
mod chamber;
mod session;

use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::app::App;
use jishan::clock::{Clock, Day, days_after};
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, State, Verify};
use jishan::error::Result;
use jishan::id::Id;
use jishan::ledger::balance::{self, Balances};
use jishan::places::area::Tree;

use crate::town::{FAR, LI, PASSWORD, Town, WANG, on_both, today};

/// A deed to be nominated by the building head.
struct Deed {
    household: &'static str,
    item: &'static str,
    count: i64,
    on: Day,
    by: &'static str,
}

impl Deed {
    fn of(item: &'static str) -> Deed {
        Deed {
            household: WANG,
            item,
            count: 1,
            on: today(),
            by: "building",
        }
    }
}

fn fresh_key(town: &Town) -> String {
    Id::<Nomination>::new(town.app.now()).to_string()
}

async fn nominate(town: &Town, deed: Deed) -> Result<Nomination> {
    let asked = Nominate {
        household: town.household(deed.household).await.id,
        item: deed.item.to_owned(),
        count: deed.count,
        occurred_on: deed.on,
        note: "做了好事".to_owned(),
        by: Nominator::Staff(town.user(deed.by).await.id),
        key: fresh_key(town),
    };
    let now = town.app.now();
    town.write(move |conn| nomination::nominate(conn, &asked, now)).await
}

async fn decide(
    town: &Town,
    nomination: &Nomination,
    by: &'static str,
    decision: Decision,
    why: &str,
) -> Result<Nomination> {
    let asked = Verify {
        nomination: nomination.id.clone(),
        decision,
        reason: why.to_owned(),
        by: town.user(by).await,
        key: fresh_key(town),
    };
    let now = town.app.now();
    town.write(move |conn| nomination::verify(conn, &asked, now)).await
}

/// Verified, approved by the council, past its notice.
async fn approve(town: &Town, nomination: &Nomination) -> Nomination {
    decide(town, nomination, "grid", Decision::Approve, "").await.unwrap();
    town.council_approves().await;
    let id = nomination.id.clone();
    town.read(move |conn| nomination::by_id(conn, &id)).await
}

/// As it stands now.
async fn nomination_of(town: &Town, nomination: &Nomination) -> Nomination {
    let id = nomination.id.clone();
    town.read(move |conn| nomination::by_id(conn, &id)).await
}

async fn code_of(refused: impl Future<Output = Result<Nomination>>) -> &'static str {
    refused.await.unwrap_err().code()
}

async fn balances(town: &Town, code: &'static str) -> Balances {
    let household = town.household(code).await.id;
    town.read(move |conn| balance::of(conn, household.as_str())).await
}

on_both! {
    async fn who_nominates_does_not_verify(town: Town) {
        let by_grid = nominate(
            &town,
            Deed {
                by: "grid",
                ..Deed::of("E10")
            },
        )
        .await
        .unwrap();
        let refused = decide(&town, &by_grid, "grid", Decision::Approve, "")
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.to_string().as_str()),
            ("not_permitted", "申报人不能核实自己的申报，请由另一人核实。")
        );
        assert_eq!(
            code_of(decide(&town, &by_grid, "grid", Decision::Return, "算了")).await,
            "not_permitted"
        );
        assert_eq!(town.spendable(WANG).await, 0);
        let verified = decide(&town, &by_grid, "council", Decision::Approve, "").await.unwrap();
        assert_eq!((verified.state, verified.transaction_number), (State::Verified, None));
        // Two people are not enough: the council and the notice come first.
        assert_eq!(town.spendable(WANG).await, 0);
        town.council_approves().await;
        assert_eq!(town.spendable(WANG).await, 2);
        // On the page too: the form is not there, and one that is sent all the same is refused.
        let waiting = nominate(
            &town,
            Deed {
                by: "grid",
                ..Deed::of("E10")
            },
        )
        .await
        .unwrap();
        let page = town.signed_in("grid").await;
        let path = format!("/nominations/{}", waiting.id);
        let shown = page.get(&path).await.text;
        assert!(shown.contains("自己申报的，由他人核实") && !shown.contains("核实通过，交"));
        let sent = page
            .post(
                &format!("{path}/verification"),
                &[("key", "k"), ("decision", "approve")],
            )
            .await;
        assert_eq!(sent.status, 403);
        assert!(sent.text.contains("申报人不能核实自己的申报"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn nobody_verifies_for_the_own_household(town: Town) {
        let (household, now) = (town.household(WANG).await.id, town.app.now());
        // Wang is a grid worker, and lives here.
        let wang = User {
            id: Id::new(now),
            name: "wang".to_owned(),
            display_name: "王建国".to_owned(),
            household_id: Some(household),
            disabled_at: None,
        };
        let hash = PasswordHash::of(PASSWORD).unwrap();
        town.write(move |conn| {
            let root = Tree::load(conn)?.root().unwrap().id.clone();
            user::add(conn, &wang, &hash, &Duties(vec![(Role::GridWorker, root)]), now)
        })
        .await
        .unwrap();
        let own = nominate(&town, Deed::of("E10")).await.unwrap();
        let refused = decide(&town, &own, "wang", Decision::Approve, "").await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.to_string().as_str()),
            ("not_permitted", "不能核实自己家的申报，请由他人核实。")
        );
        let page = town.signed_in("wang").await;
        assert!(
            page.get(&format!("/nominations/{}", own.id))
                .await
                .text
                .contains("这是您自己家的申报，由他人核实")
        );
        // It does not wait for Wang on the desk either; the neighbour's does.
        let neighbours = nominate(
            &town,
            Deed {
                household: LI,
                ..Deed::of("E10")
            },
        )
        .await
        .unwrap();
        assert!(
            page.get("/nominations?state=submitted")
                .await
                .text
                .contains(neighbours.id.as_str())
        );
        assert_eq!(
            decide(&town, &neighbours, "wang", Decision::Approve, "")
                .await
                .unwrap()
                .state,
            State::Verified
        );
    }
}

on_both! {
    async fn a_cap_counts_what_waits_and_a_return_frees_it(town: Town) {
        // Attending a meeting: two points, at most four a month.
        let first = nominate(&town, Deed::of("C01")).await.unwrap();
        let second = nominate(&town, Deed::of("C01")).await.unwrap();
        assert_eq!(code_of(nominate(&town, Deed::of("C01"))).await, "limit_reached");
        // Another household and another item have their own.
        assert!(
            nominate(
                &town,
                Deed {
                    household: LI,
                    ..Deed::of("C01")
                }
            )
            .await
            .is_ok()
        );
        assert!(nominate(&town, Deed::of("C02")).await.is_ok());
        // A return needs a reason, and frees the place.
        let silent = decide(&town, &first, "grid", Decision::Return, "  ").await.unwrap_err();
        assert_eq!(
            (silent.code(), silent.to_string().as_str()),
            ("invalid_request", "退回时请写明原因，好让申报人补正。")
        );
        let returned = decide(&town, &first, "grid", Decision::Return, " 没有签到 ")
            .await
            .unwrap();
        assert_eq!(
            (
                returned.state,
                returned.decision_reason.as_deref(),
                returned.transaction_number
            ),
            (State::Returned, Some("没有签到"), None)
        );
        assert_eq!(town.spendable(WANG).await, 0);
        let third = nominate(&town, Deed::of("C01")).await.unwrap();
        approve(&town, &second).await;
        approve(&town, &third).await;
        assert_eq!(town.spendable(WANG).await, 4);
        // Posted counts as well; decided is decided.
        assert_eq!(code_of(nominate(&town, Deed::of("C01"))).await, "limit_reached");
        for decided in [&returned, &second] {
            assert_eq!(
                code_of(decide(&town, decided, "council", Decision::Approve, "")).await,
                "already_decided"
            );
            assert_eq!(
                code_of(decide(&town, decided, "council", Decision::Return, "再想想")).await,
                "already_decided"
            );
        }
        assert_eq!(town.spendable(WANG).await, 4);
        // The nominator reads why.
        let building = town.signed_in("building").await;
        let shown = building.get(&format!("/nominations/{}", returned.id)).await.text;
        assert!(shown.contains("没有签到") && shown.contains("已退回"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn caps_are_of_the_month_the_quarter_or_the_year_of_the_deed(town: Town) {
        let on = |item, day: &str| Deed {
            on: day.parse().unwrap(),
            ..Deed::of(item)
        };
        // A month: the last of October does not count in November.
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("C01", "2026-10-31")
                }
            )
            .await
            .is_ok()
        );
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("C01", "2026-11-01")
                }
            )
            .await
            .is_ok()
        );
        assert_eq!(code_of(nominate(&town, on("C01", "2026-10-01"))).await, "limit_reached");
        assert_eq!(code_of(nominate(&town, on("C01", "2026-11-21"))).await, "limit_reached");
        // A quarter: July to September, October to December. A found purse is five points, at most ten.
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("C05", "2026-10-01")
                }
            )
            .await
            .is_ok()
        );
        assert_eq!(code_of(nominate(&town, on("C05", "2026-11-21"))).await, "limit_reached");
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("C05", "2026-09-30")
                }
            )
            .await
            .is_ok()
        );
        // A year: giving blood is ten points, at most twenty. In January it is another year.
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("E04", "2026-09-30")
                }
            )
            .await
            .is_ok()
        );
        assert_eq!(code_of(nominate(&town, on("E04", "2026-11-21"))).await, "limit_reached");
        town.app.clock.advance(chrono::TimeDelta::days(41));
        assert_eq!(code_of(nominate(&town, on("E04", "2026-12-31"))).await, "limit_reached");
        assert!(
            nominate(
                &town,
                Deed {
                    count: 2,
                    ..on("E04", "2027-01-01")
                }
            )
            .await
            .is_ok()
        );
        // More at once than the cap leaves is refused whole, not cut.
        assert_eq!(
            code_of(nominate(
                &town,
                Deed {
                    count: 3,
                    ..on("C05", "2027-01-01")
                }
            ))
            .await,
            "limit_reached"
        );
    }
}

on_both! {
    async fn honour_that_is_no_money(town: Town) {
        // Party members' duties count as honour only (category B); neighbours' help counts as both (category E).
        approve(&town, &nominate(&town, Deed::of("B03")).await.unwrap()).await;
        let only_honour = balances(&town, WANG).await;
        assert_eq!((only_honour.spendable.0, only_honour.honour.0), (0, 10));
        approve(&town, &nominate(&town, Deed::of("E04")).await.unwrap()).await;
        let both = balances(&town, WANG).await;
        assert_eq!((both.spendable.0, both.honour.0, both.pending.0), (10, 20, 0));
        // Spending takes nothing from honour.
        let card = town.issue_card(WANG).await.token();
        town.redeem("a", &card, &[("G006", 2)]).await.unwrap();
        let spent = balances(&town, WANG).await;
        assert_eq!((spent.spendable.0, spent.honour.0), (0, 20));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_deed_is_of_today_or_of_the_last_quarter(town: Town) {
        let days_ago = |days: u64| today().checked_sub_days(chrono::Days::new(days)).unwrap();
        let on = |day| {
            nominate(
                &town,
                Deed {
                    on: day,
                    ..Deed::of("E03")
                },
            )
        };
        let told = |refused: Result<Nomination>| refused.unwrap_err().to_string();
        assert_eq!(told(on(days_after(today(), 1)).await), "事迹日期不能晚于今天。");
        assert_eq!(told(on(days_ago(93)).await), "事迹日期不能早于92天前。");
        let oldest = on(days_ago(92)).await.unwrap();
        // Written today, about that day; the cap is that month's.
        let posted = approve(&town, &oldest).await;
        let household = town.household(WANG).await.id;
        let line = town
            .read(move |conn| {
                let kind = jishan::ledger::account::AccountKind::Spendable;
                Ok(balance::lines(conn, household.as_str(), kind, None, 1)?.remove(0))
            })
            .await;
        assert_eq!(
            (line.effective_on, line.recorded_at, Some(line.transaction)),
            (days_ago(92), town.app.now(), posted.transaction_number)
        );
        assert!(on(today()).await.is_ok());
        // In China it is tomorrow already at four in the afternoon of Greenwich.
        town.app.clock.advance(chrono::TimeDelta::hours(14));
        assert!(on(days_after(today(), 1)).await.is_ok());
        assert_eq!(told(on(days_ago(92)).await), "事迹日期不能早于92天前。");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_day_without_rules_takes_no_deeds(town: Town) {
        // The second of January: the rules are a day old.
        let mut town = town;
        let second = "2026-01-02T02:00:00".parse().unwrap();
        town.app = App::new(town.app.db.clone(), Clock::standing(second));
        let on = |day: &str| {
            nominate(
                &town,
                Deed {
                    on: day.parse().unwrap(),
                    ..Deed::of("C01")
                },
            )
        };
        let refused = on("2025-12-31").await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.to_string().as_str()),
            ("invalid_request", "事迹发生当天没有生效的积分方案。")
        );
        assert!(on("2026-01-01").await.is_ok());
    }
}

on_both! {
    async fn two_who_verify_at_the_same_moment_post_once(town: Town) {
        let town = std::sync::Arc::new(town);
        let waiting = nominate(&town, Deed::of("E04")).await.unwrap();
        let both = ["grid", "council"].map(|by| {
            let (town, waiting) = (std::sync::Arc::clone(&town), waiting.clone());
            tokio::spawn(async move {
                decide(&town, &waiting, by, Decision::Approve, "")
                    .await
                    .map_err(|error| error.code())
            })
        });
        let mut codes = Vec::new();
        for one in both {
            codes.push(one.await.unwrap().map(|posted| posted.state));
        }
        codes.sort_by_key(Result::is_err);
        assert_eq!(codes, [Ok(State::Verified), Err("already_decided")]);
        town.council_approves().await;
        assert_eq!(town.spendable(WANG).await, 10);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_days_work_on_the_pages(town: Town) {
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        // First the door, then what it did, then a last look.
        let doors = building.get("/nominations/new").await.text;
        assert!(doors.contains("王建国") && doors.contains(&format!("household={WANG}\"")) && !doors.contains(FAR));
        let items = building.get(&format!("/nominations/new?household={WANG}")).await.text;
        assert!(items.contains("王建国") && items.contains("独居老人敲门探访"));
        let form = building.get(&format!("/nominations/new?household={WANG}&item=E10")).await.text;
        let key = hidden(&form, "key");
        let mut fields = vec![
            ("key", key.as_str()),
            ("household", WANG),
            ("item", "E10"),
            ("count", "1"),
            ("occurred_on", "2026-11-21"),
            ("note", "敲门看望刘奶奶，陪着说话"),
            ("query", "wjg"),
        ];
        // What is missing is said beside its field, and what was written stays.
        for (field, wrong) in [
            ("household", ""),
            ("item", ""),
            ("count", "一"),
            ("count", "0"),
            ("occurred_on", "昨天"),
            ("occurred_on", "2026-11-22"),
        ] {
            let mut asked = fields.clone();
            asked.iter_mut().find(|(name, _)| *name == field).unwrap().1 = wrong;
            let answer = building.post("/nominations", &asked).await;
            assert_eq!(answer.status, 422, "{field} {wrong}");
            assert!(
                matches!(field, "household" | "item")
                    || answer.text.contains("敲门看望刘奶奶")
                        && answer.text.contains("class=\"error\"")
                        && answer.text.contains(WANG),
                "{field} {wrong}"
            );
        }
        let made = building.post("/nominations", &fields).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let path = made.location().split('?').next().unwrap().to_owned();
        assert!(
            building
                .get(made.location())
                .await
                .text
                .contains("已申报，等别人核实，再由评议会评议、公示。")
        );
        // Sent twice, nominated once; sent with other words, refused.
        assert_eq!(building.post("/nominations", &fields).await.location(), made.location());
        fields[5].1 = "别的事";
        assert_eq!(building.post("/nominations", &fields).await.status, 409);
        // It waits on the grid worker's desk and list, not on the building head's.
        assert!(grid.get("/nominations?state=submitted").await.text.contains(&path));
        let waiting = grid.get(&path).await.text;
        assert!(waiting.contains("核实通过，交评议会"));
        let key = hidden(&waiting, "key");
        let verification = format!("{path}/verification");
        assert_eq!(
            grid.post(&verification, &[("key", &key), ("decision", ""), ("reason", "")])
                .await
                .status,
            422
        );
        let silent = grid
            .post(&verification, &[("key", &key), ("decision", "return"), ("reason", "")])
            .await;
        assert_eq!(silent.status, 422);
        assert!(silent.text.contains("退回时请写明原因"));
        let done = grid
            .post(&verification, &[("key", &key), ("decision", "approve"), ("reason", "")])
            .await;
        assert_eq!(done.location(), format!("{path}?done=verified"));
        assert!(
            grid.get(done.location())
                .await
                .text
                .contains("核实通过，等评议会评议。")
        );
        assert_eq!(
            grid.post(&verification, &[("key", "other"), ("decision", "approve")])
                .await
                .status,
            409
        );
        town.council_approves().await;
        let household = grid.get(&format!("/households/{WANG}")).await.text;
        assert!(household.contains("独居老人敲门探访") && household.contains("已入账"));
        assert_eq!(town.spendable(WANG).await, 2);
        // A building head of the first building nominates nobody of the second.
        assert_eq!(
            building.get(&format!("/nominations/new?household={FAR}")).await.status,
            404
        );
        town.expect_books_hold().await;
    }
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.and_then(|rest| rest.split('"').next()).unwrap().to_owned()
}
