//! Households split, merge, move, leave and come back; buildings go to another grid; what happens to points, cards and duties.

use jishan::access::role::Permission;
use jishan::access::user;
use jishan::clock::{Day, day_of, days_after};
use jishan::error::Error;
use jishan::id::Id;
use jishan::ledger::balance;
use jishan::ledger::lot;
use jishan::places::area::Tree;
use jishan::places::area_move::{self, MoveArea};
use jishan::places::consent::{self, Purpose};
use jishan::places::household::{self, Household, Search};
use jishan::places::standing::{self, Standing};
use jishan::places::{event, residence};
use jishan::points::Points;
use jishan::registry::change::{self, AskChange, Change, Door};
use jishan::registry::{departed, plan};

use crate::town::{FAR, LI, Town, WANG, on_both, today};

pub fn ask(household: &Household, change: Change) -> AskChange {
    AskChange {
        household: household.id.clone(),
        change,
        effective_on: today(),
        reason: "家里商量好了".to_owned(),
    }
}

impl Town {
    /// Looks at a change and carries it out as it was shown.
    pub async fn change(&self, asked: AskChange) -> Result<event::HouseholdEvent, Error> {
        let (admin, now) = (self.user("admin").await, self.app.now());
        self.write(move |conn| {
            let plan = plan::plan(conn, &asked, now)?;
            let key = Id::<Household>::new(now).to_string();
            change::carry_out(conn, &asked, &plan.seal, &admin.id, &key, now, |_, _| Ok(()))
        })
        .await
    }

    pub async fn ledger_holds(&self) {
        self.read(|conn| jishan::ledger::check::check(conn, &mut |_, _| {}))
            .await
            .unwrap();
    }
}

/// What a page's form would send on: the value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

on_both! {
    async fn a_split_is_shown_and_then_done_once(town: Town) {
        let (march, june) = ("2027-03-31".parse().unwrap(), "2027-06-30".parse().unwrap());
        town.give_until(WANG, 30, june).await;
        town.give_until(WANG, 10, march).await;
        let card = town.issue_card(WANG).await.token();
        let grid = town.signed_in("grid").await;
        let path = format!("/households/{WANG}/changes/split");
        let form = grid.get(&path).await;
        assert_eq!(form.status, 200);
        let building = town.household(WANG).await.building_id.to_string();
        let key = hidden(&form.text, "key");
        let fields = [
            ("key", key.as_str()), ("head_name", "王小明"), ("people", "2"), ("points", "35"), ("building", &building),
            ("stairwell", "2"), ("room", "303"), ("effective_on", "2026-11-21"), ("reason", "儿子成家另住"),
        ];
        let preview = grid.post(&path, &fields).await;
        assert_eq!(preview.status, 200);
        for told in ["王小明户登记为新的一户：2人", "转35分给新户，其中10分2027年3月31日到期、25分2027年6月30日到期，原户还剩5分", "要另外发一张卡"] {
            assert!(preview.text.contains(told), "{told}");
        }
        assert_eq!(town.spendable(WANG).await, 40, "nothing is done before it is confirmed");
        let shown = hidden(&preview.text, "shown");
        let confirmed: Vec<(&str, &str)> = fields.iter().copied().chain([("shown", shown.as_str())]).collect();
        // Pressed twice, also at the same moment: done once.
        let (first, second) = tokio::join!(grid.post(&path, &confirmed), grid.post(&path, &confirmed));
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (303, 303));
        let new = town.read(|conn| household::by_code(conn, "C01-G01-B001-2-303")).await;
        assert_eq!((new.head_name.as_str(), new.people, town.household(WANG).await.people), ("王小明", 2, 2));
        let (old_lots, new_lots) = town.read(move |conn| {
            let old = household::by_code(conn, WANG)?;
            Ok((lot::of(conn, old.id.as_str())?, lot::of(conn, new.id.as_str())?))
        }).await;
        assert_eq!(old_lots.iter().map(|lot| (lot.expires_on, lot.left.0)).collect::<Vec<_>>(), [(Some(june), 5)]);
        assert_eq!(new_lots.iter().map(|lot| (lot.expires_on, lot.left.0)).collect::<Vec<_>>(), [(Some(march), 10), (Some(june), 25)]);
        // A second person with the old preview and another key is refused, and sees why.
        let late: Vec<(&str, &str)> = confirmed.iter().map(|(name, value)| (*name, if *name == "key" { "other" } else { *value })).collect();
        let refused = town.signed_in("admin").await.post(&path, &late).await;
        assert_eq!(refused.status, 422, "35 points are no longer there");
        assert!(town.redeem("a", &card, &[("G006", 1)]).await.is_ok(), "the old card goes on");
        let history = grid.get(&format!("/households/{WANG}/changes")).await;
        assert!(history.text.contains("分出2人，转35分") && history.text.contains("儿子成家另住"));
        town.ledger_holds().await;
    }
}

on_both! {
    async fn a_merge_moves_everything_and_stops_the_card(town: Town) {
        let march = "2027-03-31".parse().unwrap();
        town.give_until(WANG, 20, march).await;
        town.give(LI, 7).await;
        let card = town.issue_card(WANG).await.token();
        let (wang, li) = (town.household(WANG).await, town.household(LI).await);
        let admin = town.user("admin").await;
        let (wang_id, li_id) = (wang.id.clone(), li.id.clone());
        town.write(move |conn| {
            consent::decide(conn, &wang_id, &[Purpose::Broadcast], admin.id.as_str(), today().and_hms_opt(2, 0, 0).unwrap())
        }).await.unwrap();
        let merged = town.change(ask(&wang, Change::Merge { into: LI.to_owned() })).await.unwrap();
        assert_eq!(merged.other_id, Some(li.id.clone()));
        assert_eq!((town.spendable(WANG).await, town.spendable(LI).await), (0, 27));
        let lots = town.read(move |conn| lot::of(conn, li_id.as_str())).await;
        assert_eq!(lots.iter().map(|lot| (lot.expires_on, lot.left.0)).collect::<Vec<_>>(), [(Some(march), 20), (None, 7)]);
        assert_eq!(town.household(LI).await.people, 8);
        // The card says why, in words, at once.
        let refused = town.redeem("a", &card, &[("G006", 1)]).await.unwrap_err();
        assert!(refused.to_string().contains("已并入另一户"), "{refused}");
        let counter = town.signed_in("shop").await.post("/counter", &[("card", card.as_str())]).await;
        assert!(counter.text.contains("已并入另一户，请用那一户的卡"));
        // Nothing can be done with it any more; everybody is shown to the survivor.
        let ids = (wang.id.clone(), li.id.clone());
        town.read(move |conn| {
            assert_eq!(standing::survivor(conn, &ids.0)?, ids.1);
            assert_eq!(standing::absorbed(conn, &ids.1)?, std::slice::from_ref(&ids.0));
            assert!(!consent::given(conn, &ids.0, Purpose::Broadcast)?);
            assert!(!consent::given(conn, &ids.1, Purpose::Broadcast)?);
            assert!(household::search(conn, &Search { query: WANG.to_owned(), limit: 9, ..Search::default() })?.is_empty());
            Ok(())
        }).await;
        let again = town.change(ask(&wang, Change::Leave)).await.unwrap_err();
        assert_eq!(again.code(), "household_merged");
        let (admin, key) = (town.user("admin").await, "new-card".to_owned());
        let now = town.app.now();
        let no_card = town.write(move |conn| {
            let programme = jishan::places::programme::get(conn)?;
            let asked = jishan::cards::card::Issue { household: wang.id, reason: "补".to_owned(), by: admin.id, key };
            jishan::cards::card::issue(conn, &programme, &asked, now).map(|_| ())
        }).await.unwrap_err();
        assert_eq!(no_card.code(), "household_merged");
        let page = town.signed_in("grid").await.get(&format!("/households/{WANG}")).await;
        assert!(page.text.contains("已于2026年11月21日并入另一户") && page.text.contains("李玉山户"));
        let nominated = town.program("building").await
            .call("/api/v1/awards", "n", &serde_json::json!({"household": WANG, "item": "E08", "count": 1, "occurred_on": "2026-11-21"})).await;
        assert_eq!((nominated.status.as_u16(), nominated.code().as_str()), (409, "household_merged"));
        town.ledger_holds().await;
    }
}

on_both! {
    async fn what_is_on_notice_follows_to_the_survivor(town: Town) {
        town.promise(WANG, "E08", 1).await;
        let (wang, li) = (town.household(WANG).await, town.household(LI).await);
        town.change(ask(&wang, Change::Merge { into: LI.to_owned() })).await.unwrap();
        let now = town.app.now();
        let posted = town.write(move |conn| jishan::council::award::post_due(conn, now)).await.unwrap();
        assert_eq!(posted, 1);
        let balances = town.read(move |conn| balance::of(conn, li.id.as_str())).await;
        assert_eq!((balances.spendable, balances.honour), (Points(30), Points(30)));
        assert_eq!(town.spendable(WANG).await, 0);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn whoever_leaves_has_ninety_days(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let wang = town.household(WANG).await;
        town.change(ask(&wang, Change::Leave)).await.unwrap();
        let last = days_after(today(), 90);
        let id = wang.id.clone();
        let standing_now = town.read(move |conn| standing::now(conn, &id)).await;
        assert_eq!(standing_now, Standing::Left { on: today(), redeemable_until: last });
        assert!(town.redeem("a", &card, &[("G006", 1)]).await.is_ok(), "the points can still be spent");
        let close = |on: Day| {
            let now = on.and_hms_opt(2, 0, 0).unwrap();
            town.write(move |conn| departed::close_due(conn, now))
        };
        assert_eq!(close(last).await.unwrap(), 0, "on the last day too");
        assert_eq!(close(days_after(last, 1)).await.unwrap(), 2, "a card and the points");
        assert_eq!(close(days_after(last, 1)).await.unwrap(), 0);
        assert_eq!(town.spendable(WANG).await, 0);
        let refused = town.redeem("b", &card, &[("G006", 1)]).await.unwrap_err();
        assert!(refused.to_string().contains("迁出已满90天"), "{refused}");
        // What comes in later, of an award that was under way, goes the next day.
        town.give(WANG, 3).await;
        assert_eq!(close(days_after(last, 1)).await.unwrap(), 0);
        assert_eq!(close(days_after(last, 2)).await.unwrap(), 1);
        // It comes back: the programme has it again, without the points.
        town.app.clock.advance(chrono::TimeDelta::days(100));
        let mut back = ask(&wang, Change::Rejoin);
        back.effective_on = day_of(town.app.now());
        let twice = back.clone();
        town.change(back).await.unwrap();
        assert_eq!(town.change(twice).await.unwrap_err().code(), "not_gone");
        assert_eq!(town.spendable(WANG).await, 0);
        let id = wang.id.clone();
        town.read(move |conn| {
            let building = |conn: &mut _, day| residence::building_on(conn, &id, day);
            assert!(building(conn, days_after(today(), 50))?.is_none(), "while it was away");
            assert_eq!(building(conn, days_after(today(), 100))?, Some(wang.building_id.clone()));
            Ok(())
        }).await;
        town.ledger_holds().await;
    }
}

on_both! {
    async fn whoever_comes_back_in_time_keeps_the_points(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let wang = town.household(WANG).await;
        town.change(ask(&wang, Change::Leave)).await.unwrap();
        town.change(ask(&wang, Change::Rejoin)).await.unwrap();
        let later = days_after(today(), 200).and_hms_opt(2, 0, 0).unwrap();
        assert_eq!(town.write(move |conn| departed::close_due(conn, later)).await.unwrap(), 0);
        assert!(town.redeem("a", &card, &[("G006", 1)]).await.is_ok());
        assert_eq!(town.spendable(WANG).await, 15);
    }
}

on_both! {
    async fn where_a_household_lived_is_known_for_every_day(town: Town) {
        let (wang, far) = (town.household(WANG).await, town.household(FAR).await);
        town.app.clock.advance(chrono::TimeDelta::days(30));
        let moved_on = days_after(today(), 20);
        let mut moving = ask(&wang, Change::Move {
            door: Door { building: far.building_id.to_string(), stairwell: String::new(), room: "201".to_owned() },
        });
        moving.effective_on = moved_on;
        let twice = moving.clone();
        town.change(moving).await.unwrap();
        assert_eq!(town.change(twice).await.unwrap_err().code(), "nothing_to_change");
        let (id, old, new) = (wang.id.clone(), wang.building_id.clone(), far.building_id.clone());
        town.read(move |conn| {
            assert_eq!(residence::building_on(conn, &id, days_after(moved_on, 0))?, Some(new.clone()));
            assert_eq!(residence::building_on(conn, &id, today())?, Some(old.clone()));
            assert_eq!(residence::building_on(conn, &id, moved_on.pred_opt().unwrap())?, Some(old));
            assert_eq!(residence::building_on(conn, &id, today().pred_opt().unwrap())?, None);
            Ok(())
        }).await;
        assert_eq!(town.household(WANG).await.room, "201");
        // The next change cannot lie before this one.
        let mut early = ask(&wang, Change::Leave);
        early.effective_on = today();
        assert_eq!(town.change(early).await.unwrap_err().code(), "invalid_request");
        // A grid worker who is not responsible for the other building cannot move a household there.
        let near = town.signed_in("far-grid").await;
        let path = format!("/households/{FAR}/changes/move");
        let key = hidden(&near.get(&path).await.text, "key");
        let outside = town.read(|conn| Ok(household::by_code(conn, LI)?.building_id.to_string())).await;
        let refused = near.post(&path, &[
            ("key", key.as_str()), ("building", outside.as_str()), ("room", "9"), ("effective_on", "2026-12-20"), ("reason", "搬家"),
        ]).await;
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("不在您的职责范围内"));
    }
}

on_both! {
    async fn consents_are_off_until_given_and_can_be_withdrawn(town: Town) {
        let grid = town.signed_in("grid").await;
        let path = format!("/households/{WANG}/consents");
        let id = town.household(WANG).await.id;
        let given = |purpose| {
            let id = id.clone();
            town.read(move |conn| consent::given(conn, &id, purpose))
        };
        assert!(!given(Purpose::HonourBoard).await);
        let saved = grid.post(&path, &[("honour_board", "yes"), ("photo", "yes"), ("key", "k")]).await;
        assert_eq!(saved.status, 303);
        assert!(given(Purpose::HonourBoard).await && given(Purpose::Photo).await && !given(Purpose::Broadcast).await);
        grid.post(&path, &[("photo", "yes"), ("key", "k2")]).await;
        assert!(!given(Purpose::HonourBoard).await && given(Purpose::Photo).await);
        let same = grid.post(&path, &[("photo", "yes"), ("key", "k3")]).await;
        assert!(same.header("location").ends_with("done=same-consents"));
        let sheet = grid.get(&format!("/households/{WANG}/enrolment")).await;
        assert!(sheet.text.contains("☑ <b>使用照片</b>") && sheet.text.contains("☐ <b>上光荣榜</b>"));
        // Whoever is not responsible there cannot say so.
        assert_eq!(town.signed_in("far-grid").await.post(&path, &[("broadcast", "yes")]).await.status, 404);
        assert_eq!(town.signed_in("building").await.post(&path, &[("broadcast", "yes")]).await.status, 403);
    }
}

on_both! {
    async fn a_building_goes_to_another_grid_and_duties_go_along(town: Town) {
        let (tree, wang) = (town.read(Tree::load).await, town.household(WANG).await);
        let grid_2 = tree.all().iter().find(|area| area.name == "第2网格").unwrap().clone();
        let admin = town.user("admin").await;
        // A grid worker of the second grid does not see Wang.
        let worker = town.user("far-grid").await;
        let (worker_id, area) = (worker.id.clone(), grid_2.id.clone());
        town.write(move |conn| user::grant(conn, &worker_id, jishan::access::role::Role::GridWorker, &area)).await.unwrap();
        let worker_id = worker.id.clone();
        let sees = |building: Id<jishan::places::area::Area>| {
            let id = worker_id.clone();
            town.read(move |conn| {
                let duties = user::duties(conn, &id)?;
                Ok(duties.reach(Permission::ReadHouseholds, &Tree::load(conn)?).covers(&building))
            })
        };
        assert!(!sees(wang.building_id.clone()).await);
        let asked = MoveArea {
            area: wang.building_id.to_string(),
            to: grid_2.id.to_string(),
            effective_on: today(),
            reason: "网格重新划分".to_owned(),
        };
        let page = town.signed_in("admin").await;
        let preview = page.post("/areas", &[
            ("key", "k"), ("area", &asked.area), ("to", &asked.to), ("effective_on", "2026-11-21"), ("reason", &asked.reason),
        ]).await;
        assert!(preview.text.contains("1栋楼、3户、12人"), "{}", preview.text);
        let (shown, first) = (hidden(&preview.text, "shown"), asked.clone());
        let now = town.app.now();
        let (by, seal) = (admin.id.clone(), shown.clone());
        let done = town.write(move |conn| area_move::carry_out(conn, &first, &seal, by.as_str(), "k", now)).await.unwrap();
        let (again, by, seal) = (asked.clone(), admin.id.clone(), shown.clone());
        let same = town.write(move |conn| area_move::carry_out(conn, &again, &seal, by.as_str(), "k", now)).await.unwrap();
        assert_eq!(same.id, done.id);
        let by = admin.id.clone();
        let second = town.write(move |conn| area_move::carry_out(conn, &asked, &shown, by.as_str(), "k2", now)).await;
        assert_eq!(second.unwrap_err().code(), "already_there");
        assert!(sees(wang.building_id.clone()).await);
        let tree = town.read(Tree::load).await;
        assert_eq!(tree.get(&wang.building_id).unwrap().path, "T01/C01/G02/B001/");
        let (building, old) = (wang.building_id.clone(), done.from_parent_id.clone());
        town.read(move |conn| {
            assert_eq!(area_move::parent_on(conn, &building, today().pred_opt().unwrap())?, Some(old));
            assert_eq!(area_move::parent_on(conn, &building, today())?, Some(grid_2.id));
            Ok(())
        }).await;
        assert!(page.get("/areas").await.text.contains("网格重新划分"));
        // An area does not become part of something that it cannot be part of.
        let wrong = MoveArea { area: wang.building_id.to_string(), to: tree.root().unwrap().id.to_string(), effective_on: today(), reason: "x".to_owned() };
        assert_eq!(town.read(move |conn| Ok(area_move::plan(conn, &wrong, today()).unwrap_err().code().to_owned())).await, "no_such_move");
    }
}

on_both! {
    async fn a_merge_of_both_into_each_other_at_once_leaves_one(town: Town) {
        town.give(WANG, 5).await;
        town.give(LI, 6).await;
        let (wang, li) = (town.household(WANG).await, town.household(LI).await);
        let one = town.change(ask(&wang, Change::Merge { into: LI.to_owned() }));
        let other = town.change(ask(&li, Change::Merge { into: WANG.to_owned() }));
        let (one, other) = tokio::join!(one, other);
        assert!(one.is_ok() != other.is_ok());
        let left = town.read(move |conn| {
            Ok((balance::of(conn, wang.id.as_str())?.spendable, balance::of(conn, li.id.as_str())?.spendable))
        }).await;
        assert!(left == (Points(0), Points(11)) || left == (Points(11), Points(0)), "{left:?}");
    }
}

on_both! {
    async fn points_that_end_soon_are_listed_by_building_and_on_the_statement(town: Town) {
        town.give_until(WANG, 9, days_after(today(), 20)).await;
        town.give_until(FAR, 4, days_after(today(), 50)).await;
        let admin = town.signed_in("admin").await;
        let month = admin.get("/expiring?days=30").await;
        assert!(month.text.contains("王建国户") && !month.text.contains("㛃小梅户"));
        assert!(admin.get("/expiring?days=60").await.text.contains("㛃小梅户"));
        assert!(!town.signed_in("far-grid").await.get("/expiring?days=30").await.text.contains("王建国"));
        let statement = admin.get(&format!("/households/{WANG}/statement")).await;
        assert!(statement.text.contains("2026年12月11日"), "{}", statement.text);
    }
}

/// A row in each table of the registry: a move, what it ended, a consent, a building in another grid.
pub async fn a_row_of_each(town: &Town) {
    let (wang, far, admin) = (
        town.household(WANG).await,
        town.household(FAR).await,
        town.user("admin").await,
    );
    let door = Door {
        building: far.building_id.to_string(),
        stairwell: String::new(),
        room: "201".to_owned(),
    };
    town.app.clock.advance(chrono::TimeDelta::days(2));
    let mut moving = ask(&wang, Change::Move { door });
    moving.effective_on = days_after(today(), 1);
    town.change(moving).await.unwrap();
    let now = town.app.now();
    town.write(move |conn| {
        consent::decide(conn, &wang.id, &[Purpose::Photo], admin.id.as_str(), now)?;
        let tree = Tree::load(conn)?;
        let asked = MoveArea {
            area: wang.building_id.to_string(),
            to: tree
                .get(&far.building_id)
                .and_then(|far| far.parent_id.clone())
                .unwrap()
                .to_string(),
            effective_on: today(),
            reason: "重新划分".to_owned(),
        };
        let plan = area_move::plan(conn, &asked, day_of(now))?;
        area_move::carry_out(conn, &asked, &plan.seal, admin.id.as_str(), "a-move", now).map(|_| ())
    })
    .await
    .unwrap();
}
