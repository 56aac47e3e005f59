//! The open book: its numbers are the monthly summary's, everybody may look, and nobody is in it.

use chrono::TimeDelta;
use jishan::clock::{Span, begin_of};
use jishan::ledger::balance;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::places::household::{self, Household};
use jishan::registers::month::{self, Side};
use jishan::registers::open_book::{self, FEWEST};
use jishan::shop::store;

use super::{a_whole_month, november};
use crate::papers::printed;
use crate::town::{COUNCIL, FAR, HOUSEHOLDS, LI, Town, WANG, give_points, on_both, today};

/// The second of December.
async fn month_is_over(town: &Town) {
    town.app.clock.advance(TimeDelta::days(11));
}

async fn sides(town: &Town, span: Span) -> (Side, Side) {
    town.read(move |conn| {
        let stores: Vec<_> = store::all(conn)?.into_iter().map(|store| store.id).collect();
        Ok((month::points(conn, span)?, month::goods(conn, &stores, span)?))
    })
    .await
}

/// What the movements with these labels add up to.
fn moved(side: &Side, labels: &[&str]) -> i64 {
    let rows = side.movements.iter().filter(|row| labels.contains(&row.label.as_str()));
    rows.map(|row| row.amount).sum()
}

fn signed(amount: i64) -> String {
    match amount {
        1.. => format!("+{amount}"),
        0 => "0".to_owned(),
        _ => format!("−{}", -amount),
    }
}

/// The first number of the page's row with this head.
fn row<'a>(page: &'a str, head: &str) -> &'a str {
    let from = page
        .find(&format!("<th scope=\"row\">{head}"))
        .unwrap_or_else(|| panic!("no row {head}"));
    let cell = "<td class=\"number\">";
    let from = from + page[from..].find(cell).unwrap() + cell.len();
    &page[from..from + page[from..].find("</td>").unwrap()]
}

fn of_month(month: &str) -> Asked {
    Asked {
        month: Some(month.to_owned()),
        ..Asked::default()
    }
}

on_both! {
    async fn the_open_book_says_what_the_monthly_summary_says(town: Town) {
        a_whole_month(&town).await;
        month_is_over(&town).await;
        let (points, goods) = sides(&town, november()).await;
        let answer = town.stranger().get("/open-book").await;
        let page = &answer.text;
        assert_eq!(answer.status, 200);
        assert!(page.contains("<meta name=\"robots\" content=\"noindex\">") && page.contains("2026年11月，全部住户加在一起"));
        assert!(page.contains("2026年12月还没有结束"), "why the running month is not there");
        let given = moved(&points, &["发放", "更正补发", "荣誉称号奖励"]);
        let back = moved(&points, &["退货退回", "作废退回"]);
        assert!(given > 0 && back > 0 && moved(&points, &["过期"]) < 0 && moved(&points, &["冲正收回"]) < 0);
        for (head, number) in [
            ("入账 ", given),
            ("兑换 ", moved(&points, &["兑换"])),
            ("退回 ", back),
            ("过期 ", moved(&points, &["过期"])),
            ("冲正和更正 ", points.end.0 - points.begin.0 - given - back - moved(&points, &["兑换", "过期"])),
        ] {
            assert_eq!(row(page, head), signed(number), "{head}");
        }
        assert_eq!(row(page, "月初还可用"), points.begin.0.to_string());
        assert_eq!(row(page, "月末还可用"), points.end.0.to_string());
        assert!(page.contains("核对一致") && !page.contains("核对不一致"));
        for movement in &goods.movements {
            assert_eq!(row(page, &movement.label), signed(movement.amount), "{}", movement.label);
        }
        // Wang's deed stands, Li's was taken back.
        assert!(page.contains("<span>入账的好事</span> <b>1</b>件"), "{page}");
        assert!(page.contains("没有可以公布的发放预算"), "of four households it would tell too much");

        let paper = printed::said(&town, Paper::OpenBook, of_month("2026-11")).await;
        for words in [format!("{given}分"), format!("月末还可用{}", points.end.0), "https://jifen.example.cn/open-book".to_owned()] {
            assert!(paper.contains(&words), "{words} in {paper}");
        }
        let latest = printed::said(&town, Paper::OpenBook, Asked::default()).await;
        assert_eq!(latest, paper, "without a month it is the latest");

        let screens = screens(&town).await;
        assert!(screens.contains("积分公开 <small>2026年11月") && screens.contains(&format!("<span>入账积分</span> <b>{given}</b>分")));
        nobody_is_in(&[page, &paper]);
    }
}

/// Every screen of the television.
async fn screens(town: &Town) -> String {
    let mut all = String::new();
    for screen in 1..=8 {
        all += &town.stranger().get(&format!("/board/kiosk?screen={screen}")).await.text;
    }
    all
}

/// No name, code, number or door of the town's roster, and nobody of the council or the office.
fn nobody_is_in(texts: &[&str]) {
    for text in texts {
        for (code, head, _) in HOUSEHOLDS {
            let masked = household::mask(head);
            for word in [code, head, masked.as_str(), &code[8..]] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
        for (name, _) in COUNCIL {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }
}

on_both! {
    async fn fewer_than_five_are_not_told_and_five_are(town: Town) {
        a_whole_month(&town).await;
        // Wang, Li and the far one got points; two of them redeemed.
        let fifth = "C01-G01-B001-3-301";
        let (home, now) = (town.household(WANG).await, town.app.now());
        let home = Household { id: jishan::id::Id::new(now), code: fifth.to_owned(), room: "301".to_owned(), head_name: "赵长河".to_owned(), ..home };
        town.write(move |conn| household::register(conn, &[home])).await.unwrap();
        town.give(HOUSEHOLDS[2].0, 3).await;
        month_is_over(&town).await;
        let page = town.stranger().get("/open-book").await.text;
        assert_eq!((row(&page, "得到积分"), row(&page, "来超市兑换"), row(&page, "有好事被申报")), ("不足5户", "不足5户", "不足5户"));
        assert_eq!(row(&page, "开出提醒单"), "不足5张");
        assert!(page.contains("<span>得到积分的住户</span> <b>不足5</b>户"), "{page}");
        assert!(page.contains("不到5户，不单独公布"), "nor what went to those who decide");
        // In December five get some, one of them twice.
        for code in [WANG, WANG, LI, FAR, HOUSEHOLDS[2].0, fifth] {
            town.give(code, 1).await;
        }
        town.app.clock.advance(TimeDelta::days(31));
        let page = town.stranger().get("/open-book").await.text;
        assert!(page.contains("2026年12月，全部住户加在一起"), "the latest");
        assert_eq!((row(&page, "得到积分"), row(&page, "来超市兑换")), ("5户", "不足5户"));
        assert_eq!(row(&page, "示范乡"), "1000000", "the budget");
        assert!(!page.contains("赵长河") && !page.contains("赵**") && !page.contains(fifth));
        nobody_is_in(&[&page]);
        let figures = town.read(|conn| open_book::latest_figures(conn, today() + TimeDelta::days(42))).await;
        let (month, figures) = figures.unwrap();
        assert_eq!((month::written(month), figures[4].value.as_str()), ("2026-12".to_owned(), "5"));
    }
}

on_both! {
    async fn a_month_that_is_not_open_is_answered_in_words(town: Town) {
        let stranger = town.stranger();
        let first = stranger.get("/open-book").await;
        assert!(first.status == 200 && first.text.contains("第一个月还没有结束") && !first.text.contains("积分的账"));
        assert!(!screens(&town).await.contains("积分公开"));
        let staff = town.signed_in("grid").await;
        assert_eq!(staff.get("/papers/open-book").await.status, 422);
        month_is_over(&town).await;
        for (month, words) in [
            ("2026-12", "还没有结束"),
            ("2027-05", "还没有结束"),
            ("2026-10", "积分从2026年11月开始"),
            ("2026-13", "月份应写成"),
        ] {
            let answer = stranger.get(&format!("/open-book?month={month}")).await;
            assert!(answer.status == 422 && answer.text.contains(words), "{month}: {} {}", answer.status, answer.text);
        }
        assert_eq!(stranger.get("/open-book?month=2026-11").await.status, 200);
        assert_eq!(stranger.get("/open-book?community=C09").await.status, 404);
        // Of the community, whose households are four, nothing of its own is told.
        let own = stranger.get("/open-book?community=C01").await;
        assert!(own.status == 200 && own.text.contains(&format!("这个社区不足{FEWEST}户")), "{}", own.text);
        // A year later eleven earlier months can be chosen.
        town.app.clock.advance(TimeDelta::days(500));
        let page = stranger.get("/open-book").await.text;
        assert_eq!(page.matches("<option value=").count(), 12);
        assert!(page.contains("<option value=\"2028-03\" selected>") && !page.contains("<option value=\"2027-03\""));
        // An earlier one still answers.
        assert_eq!(stranger.get("/open-book?month=2026-11").await.status, 200);
    }
}

on_both! {
    async fn the_digits_that_close_a_month_stay(town: Town) {
        a_whole_month(&town).await;
        month_is_over(&town).await;
        let (number, digest) = town.read(|conn| balance::tip_before(conn, begin_of(november().until))).await.unwrap();
        let words = [format!("账本记到第{number}笔，"), format!("<code>{}</code>", balance::short(&digest))];
        let stranger = town.stranger();
        let page = stranger.get("/open-book?month=2026-11").await.text;
        assert!(words.iter().all(|words| page.contains(words)), "{page}");
        let (wang, now) = (town.household(WANG).await.id, town.app.now());
        town.write(move |conn| give_points(conn, wang.as_str(), 5, "gift:later".to_owned(), now)).await.unwrap();
        let later = stranger.get("/open-book?month=2026-11").await.text;
        assert!(words.iter().all(|words| later.contains(words)), "what comes later changes nothing");
        assert_ne!(town.read(balance::tip).await.unwrap().0, number);
        let paper = printed::said(&town, Paper::OpenBook, of_month("2026-11")).await;
        assert!(paper.contains(&balance::short(&digest)), "{paper}");
    }
}
