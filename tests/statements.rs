//! The statement: every line of an account with its reason, the people behind it, and the balance after it.

use jishan::council::nomination::{self, Decision, Nominate, Nominator, Verify};
use jishan::ledger::account::AccountKind;
use jishan::shop::void::{self, AskVoid};
use jishan::statements::statement::{self, Statement, What};

use crate::town::{LI, Town, WANG, on_both, today};

async fn statement_of(
    town: &Town,
    code: &'static str,
    kind: AccountKind,
    before: Option<i64>,
    limit: i64,
) -> Statement {
    let household = town.household(code).await;
    town.read(move |conn| statement::statement(conn, household, kind, before, limit))
        .await
}

/// A deed of the household, some days ago, nominated by the building head and verified by the grid worker.
async fn deed(town: &Town, item: &'static str, count: i64, days_ago: u64, note: &'static str) {
    let (household, building, grid) = (
        town.household(WANG).await.id,
        town.user("building").await.id,
        town.user("grid").await,
    );
    let now = town.app.now();
    let asked = Nominate {
        household,
        item: item.to_owned(),
        count,
        occurred_on: today().checked_sub_days(chrono::Days::new(days_ago)).unwrap(),
        note: note.to_owned(),
        by: Nominator::Staff(building),
        key: format!("{item}-{days_ago}"),
    };
    town.write(move |conn| {
        let nomination = nomination::nominate(conn, &asked, now)?;
        let verify = Verify {
            key: format!("verify-{}", nomination.id),
            nomination: nomination.id,
            decision: Decision::Approve,
            reason: String::new(),
            by: grid,
        };
        nomination::verify(conn, &verify, now)
    })
    .await
    .unwrap();
    town.council_approves().await;
}

/// A month of Wang's: two deeds, a redemption with the card, one with its number, and a void.
async fn a_month(town: &Town) {
    deed(town, "E08", 2, 5, "从河里救起落水儿童").await;
    deed(town, "B03", 1, 0, "").await;
    let card = town.issue_card(WANG).await;
    let sold = town
        .redeem("a", &card.token(), &[("G013", 1), ("G006", 2)])
        .await
        .unwrap();
    town.redeem("b", card.number.as_str(), &[("G001", 1)]).await.unwrap();
    let (by, now) = (town.user("shop").await.id, town.app.now());
    let asked = AskVoid {
        redemption: sold.redemption.id,
        reason: "大米破袋".to_owned(),
        shift: town.at_the_till("shop").await.id,
        by,
        key: "c".to_owned(),
    };
    town.write(move |conn| void::void(conn, &asked, now)).await.unwrap();
}

on_both! {
    async fn every_line_says_why_and_the_balance_runs(town: Town) {
        a_month(&town).await;
        let told = statement_of(&town, WANG, AccountKind::Spendable, None, 50).await;
        let numbers: Vec<(i64, i64, i64)> = told
            .lines
            .iter()
            .map(|line| (line.slip, line.amount.0, line.balance_after.0))
            .collect();
        assert_eq!(numbers, [(6, 40, 52), (5, -8, 12), (4, -40, 20), (2, 60, 60)]);
        assert_eq!((told.balances.spendable.0, told.balances.honour.0), (52, 70));
        // Each balance is the one before plus the line.
        for pair in told.lines.windows(2) {
            assert_eq!(pair[1].balance_after.plus(pair[0].amount), Some(pair[0].balance_after));
        }
        match &told.lines[3].what {
            What::Award {
                item_code,
                rule,
                count,
                note,
                nominated_by,
                verified_by,
                shown,
            } => {
                assert_eq!(
                    (item_code.as_str(), *count, note.as_str()),
                    ("E08", 2, "从河里救起落水儿童")
                );
                assert_eq!(rule, "见义勇为（有权机关认定），每次30分，每年最多60分");
                assert_eq!((nominated_by.as_str(), verified_by.as_str()), ("楼栋长甲", "网格员甲"));
                let shown = shown.as_ref().unwrap();
                assert_eq!((shown.session, shown.slip.as_str()), (1, "1-1"));
            }
            other => panic!("{other:?}"),
        }
        // About the day of the deed, written later.
        assert_eq!((today() - told.lines[3].effective_on).num_days(), 5);
        assert_eq!(told.lines[3].recorded_at, town.app.now());
        match (&told.lines[2].what, &told.lines[1].what, &told.lines[0].what) {
            (
                What::Redemption {
                    goods,
                    redeemed_by,
                    typed: false,
                },
                What::Redemption {
                    goods: other,
                    typed: true,
                    ..
                },
                What::Void {
                    slip: 4,
                    reason,
                    voided_by,
                },
            ) => {
                assert_eq!(goods, &["大米5kg × 1", "肥皂 × 2"]);
                assert_eq!(other, &["抽纸 × 1"]);
                assert_eq!(
                    (redeemed_by.as_str(), reason.as_str(), voided_by.as_str()),
                    ("店长甲", "大米破袋", "店长甲")
                );
            }
            other => panic!("{other:?}"),
        }
        // Honour has its own account, which no redemption touches.
        let honour = statement_of(&town, WANG, AccountKind::Honour, None, 50).await;
        let numbers: Vec<(i64, i64, i64)> = honour
            .lines
            .iter()
            .map(|line| (line.slip, line.amount.0, line.balance_after.0))
            .collect();
        assert_eq!(numbers, [(3, 10, 70), (2, 60, 60)]);
        // Nothing of the neighbours'.
        assert!(
            statement_of(&town, LI, AccountKind::Spendable, None, 50)
                .await
                .lines
                .is_empty()
        );
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_page_tells_the_same_to_read_and_to_print(town: Town) {
        a_month(&town).await;
        let grid = town.signed_in("grid").await;
        let page = grid.get(&format!("/households/{WANG}/statement")).await.text;
        for told in [
            "王建国户",
            WANG,
            "晨光社区 第1网格 1号楼 1单元101",
            "见义勇为（有权机关认定），每次30分，每年最多60分",
            "× 2",
            "从河里救起落水儿童",
            "楼栋长甲申报，网格员甲核实",
            "2026-11-16",
            "2026-11-21登记",
            "兑换：大米5kg × 1、肥皂 × 2",
            "手输卡号",
            "作废第4号凭条：大米破袋",
            "+60",
            "−40",
            "+40",
            "社区服务中心一楼",
            "0000-0000000",
            "户主核对签字",
        ] {
            assert!(page.contains(told), "{told}");
        }
        assert_eq!(page.matches("手输卡号").count(), 1, "only the one that was typed");
        let honour = grid
            .get(&format!("/households/{WANG}/statement?account=honour"))
            .await
            .text;
        assert!(honour.contains("急难险重任务带头参加") && !honour.contains("兑换：大米"));
        // A household that has done nothing yet is not shown an empty table.
        assert!(
            grid.get(&format!("/households/{LI}/statement"))
                .await
                .text
                .contains("还没有可用积分的记录")
        );
        // Nobody at the counter reads it: the counter learns enough, or short by so many.
        for name in ["shop", "stock"] {
            assert_eq!(
                town.signed_in(name)
                    .await
                    .get(&format!("/households/{WANG}/statement"))
                    .await
                    .status,
                403
            );
        }
    }
}

on_both! {
    async fn a_long_statement_is_read_page_by_page(town: Town) {
        for _ in 0..120 {
            town.give(WANG, 1).await;
        }
        // In the domain: by any size of page, every line once and in order.
        for size in [1, 7, 50, 119, 120, 121] {
            let (mut before, mut seen) = (None, Vec::new());
            loop {
                let page = statement_of(&town, WANG, AccountKind::Spendable, before, size).await;
                seen.extend(page.lines.iter().map(|line| line.balance_after.0));
                before = page.older;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (1..=120).rev().collect::<Vec<i64>>(), "{size} at a time");
        }
        // On the page: fifty a time; the balance now stands on each.
        let grid = town.signed_in("grid").await;
        let (mut path, mut lines, mut pages) = (format!("/households/{WANG}/statement"), 0, 0);
        loop {
            let page = grid.get(&path).await.text;
            assert!(page.contains("<p class=\"points\">120<small>分</small></p>"));
            lines += page.matches("data-label=\"凭条号\"").count();
            pages += 1;
            match page.split("before=").nth(1).and_then(|rest| rest.split('"').next()) {
                Some(before) => path = format!("/households/{WANG}/statement?account=spendable&before={before}"),
                None => break,
            }
        }
        assert_eq!((lines, pages), (120, 3));
        // Before the first line there is nothing, and no line is of the future.
        let none = grid.get(&format!("/households/{WANG}/statement?before=1")).await;
        assert_eq!(none.status, 200);
        assert!(none.text.contains("没有更早的记录了"));
        assert_eq!(
            grid.get(&format!("/households/{WANG}/statement?before=-9223372036854775808"))
                .await
                .status,
            200
        );
    }
}

on_both! {
    async fn what_people_wrote_stands_on_the_page_as_text(town: Town) {
        deed(&town, "E10", 1, 0, "<b onclick=alert(1)>好</b> & \"好\"").await;
        let page = town
            .signed_in("grid")
            .await
            .get(&format!("/households/{WANG}/statement"))
            .await
            .text;
        assert!(!page.contains("<b onclick"));
        assert!(page.contains("&#60;b onclick=alert(1)&#62;好") || page.contains("&lt;b onclick=alert(1)&gt;好"));
    }
}
