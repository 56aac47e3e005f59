//! Objections and appeals on their pages: the whole way, and who reads what.

use jishan::clock::{Clock, day_of};
use jishan::council::motion::Choice;
use jishan::council::nomination::State;

use super::{again, council, more_people, on_notice, run, verified};
use crate::town::{LI, Town, WANG, on_both};

on_both! {
    async fn the_pages_tell_the_way_and_hide_who_objects(town: Town) {
        more_people(&town).await;
        let (_, slip) = on_notice(&town, WANG).await;
        let stranger = town.stranger();
        let form = stranger.get(&format!("/objections/new?slip={slip}")).await;
        assert_eq!(form.status, 200);
        assert!(form.text.contains("王**") && !form.text.contains("王建国"));
        let empty = stranger.post("/objections", &[("key", "k"), ("slip", &slip), ("reason", " ")]).await;
        assert_eq!(empty.status, 422);
        let nasty = "<script>alert(1)</script>那天他不在";
        let sent = stranger
            .post("/objections", &[("key", "k"), ("slip", &slip), ("reason", nasty), ("name", "<b>老张"), ("contact", "13900001111")])
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let path = sent.location().split('?').next().unwrap().to_owned();
        let receipt = stranger.get(&path).await.text;
        assert!(receipt.contains("正在处理") && receipt.contains("还有5天"));
        for secret in ["老张", "13900001111", "那天他不在", "王"] {
            assert!(!receipt.contains(secret), "{secret}");
        }
        assert_eq!(stranger.get("/objections/1234567890").await.status, 404);
        let number = path.rsplit('/').next().unwrap().to_owned();
        let found = stranger.get(&format!("/receipts?number={number}")).await;
        assert_eq!((found.status.as_u16(), found.location()), (303, path.as_str()));
        assert_eq!(stranger.get("/receipts?number=12").await.status, 422);
        // Who had a part or may not decide reads that there is one, and no more.
        for name in ["grid", "auditor", "kinsman"] {
            let shown = town.signed_in(name).await.get(&format!("{path}/decision")).await;
            assert_eq!(shown.status, 200, "{name}");
            for secret in ["老张", "13900001111", "那天他不在"] {
                assert!(!shown.text.contains(secret), "{name} reads {secret}");
            }
            let listed = town.signed_in(name).await.get("/objections").await.text;
            assert!(listed.contains(&slip) && !listed.contains("老张"));
        }
        let deputy = town.signed_in("deputy").await;
        let shown = deputy.get(&format!("{path}/decision")).await.text;
        assert!(shown.contains("13900001111") && !shown.contains("<script>alert") && !shown.contains("<b>老张"));
        let kept = town.signed_in("kinsman").await.post(&format!("{path}/decision"), &[("key", "x"), ("decision", "upheld"), ("reason", "不对")]).await;
        assert_eq!(kept.status, 409);
        assert!(kept.text.contains("回避"));
        let done = deputy.post(&format!("{path}/decision"), &[("key", "y"), ("decision", "dismissed"), ("reason", "<i>看过签到")]).await;
        assert_eq!(done.status, 303);
        let letter = deputy.get(done.location()).await.text;
        assert!(letter.contains("异议处理答复") && letter.contains("看过签到") && !letter.contains("<i>看过"));
        assert!(stranger.get(&path).await.text.contains("不成立"));
        // By telephone, written down by the grid worker.
        let grid = town.signed_in("grid").await;
        let no_way = grid.post("/objections/take", &[("key", "t"), ("slip", &slip), ("reason", "电话里说的"), ("channel", "web")]).await;
        assert_eq!(no_way.status, 422);
        let taken = grid.post("/objections/take", &[("key", "t"), ("slip", &slip), ("reason", "电话里说的"), ("channel", "by_phone")]).await;
        assert_eq!(taken.status, 303, "{}", taken.text);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_household_appeals_with_its_card(town: Town) {
        more_people(&town).await;
        verified(&town, WANG, "E08", 1).await;
        council(&town, Choice::Against).await;
        let card = town.issue_card(WANG).await.token();
        let other = town.issue_card(LI).await.token();
        let stranger = town.stranger();
        let found = stranger.get(&format!("/K/{card}")).await.text;
        assert!(found.contains(&format!("/K/{card}/appeal")));
        let path = format!("/K/{card}/appeal");
        let form = stranger.get(&path).await.text;
        assert!(form.contains("评议未通过") && !form.contains("王建国"));
        let subject = form.split("value=\"award:").nth(1).unwrap().split('"').next().unwrap();
        let subject = format!("award:{subject}");
        // The number alone, a wrong secret and another household's card open nothing.
        let number = card.split('-').next().unwrap();
        assert_eq!(stranger.get(&format!("/K/{number}/appeal")).await.status, 404);
        assert_eq!(stranger.get(&format!("/K/{number}-000000000000/appeal")).await.status, 404);
        let theirs = stranger.post(&format!("/K/{other}/appeal"), &[("key", "o"), ("subject", &subject), ("reason", "x")]).await;
        assert_eq!(theirs.status, 404);
        let sent = stranger.post(&path, &[("key", "k"), ("subject", &subject), ("reason", "<u>有人作证")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let receipt = sent.location().split('?').next().unwrap().to_owned();
        let shown = stranger.get(&receipt).await.text;
        assert!(shown.contains("已收到") && !shown.contains("王建国") && !shown.contains("有人作证"));
        let deputy = town.signed_in("deputy").await;
        let desk = deputy.get(&format!("{receipt}/hearing")).await.text;
        assert!(desk.contains("有人作证") && !desk.contains("<u>有人") && desk.contains("评议时参加表决的人"));
        let mut fields = vec![("key".to_owned(), "p".to_owned())];
        for name in ["admin", "deputy", "elder"] {
            fields.push((format!("user:{}", town.user(name).await.id), "1".to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let named = deputy.post(&format!("{receipt}/panel"), &fields).await;
        assert_eq!(named.status, 303, "{}", named.text);
        let heard = deputy.post(&format!("{receipt}/hearing"), &[("hearing", "说了")]).await;
        assert_eq!(heard.status, 303, "{}", heard.text);
        for name in ["admin", "deputy", "elder"] {
            let one = town.signed_in(name).await;
            let page = one.get(&format!("{receipt}/hearing")).await.text;
            let place = page.split("name=\"position\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let given = one.post(&format!("{receipt}/opinions"), &[("key", name), ("position", &place), ("opinion", "uphold"), ("reason", "可信")]).await;
            assert_eq!(given.status, 303, "{}", given.text);
        }
        let ended = deputy.get(&format!("{receipt}/hearing")).await.text;
        assert!(ended.contains("申诉决定书") && ended.contains("已更正入账"));
        // A correction, from its slip to the letter.
        let proposed = deputy.post("/corrections", &[("key", "c"), ("nomination", subject.strip_prefix("award:").unwrap()), ("reason", "后来查明不实")]).await;
        assert_eq!(proposed.status, 303, "{}", proposed.text);
        let path = proposed.location().split('?').next().unwrap().to_owned();
        assert!(deputy.get(&path).await.text.contains("由另一人确认"));
        assert_eq!(deputy.post(&format!("{path}/decision"), &[("key", "e"), ("decision", "confirmed")]).await.status, 409);
        let elder = town.signed_in("elder").await;
        assert_eq!(elder.post(&format!("{path}/decision"), &[("key", "f"), ("decision", "confirmed")]).await.status, 303);
        let letter = elder.get(&path).await.text;
        assert!(letter.contains("积分更正通知") && letter.contains("以前申诉"));
        assert!(elder.get("/corrections").await.text.contains("已更正"));
        assert!(elder.get("/appeals").await.text.contains("申诉成立"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_resident_objects_on_the_phone_and_the_row_posts_when_the_demo_moves_on(town: Town) {
        let town = town.into_demo(Clock::standing(crate::town::morning()));
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let phone = town.stranger();
        let form = phone.get(&format!("/objections/new?slip={slip}")).await.text;
        let key = form.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let sent = phone.post("/objections", &[("key", key), ("slip", &slip), ("reason", "我没看见")]).await;
        // Pressed twice it is one objection.
        let twice = phone.post("/objections", &[("key", key), ("slip", &slip), ("reason", "我没看见")]).await;
        assert_eq!(sent.location(), twice.location());
        let receipt = sent.location().split('?').next().unwrap().to_owned();
        let deputy = town.signed_in("deputy").await;
        assert!(deputy.get("/objections").await.text.contains("1件待处理"));
        let move_to = async |count: u64| {
            let day = jishan::clock::days_after(day_of(town.app.now()), count).to_string();
            assert_eq!(deputy.post("/demo/clock", &[("day", &day)]).await.status, 303);
        };
        // The notice ends, the row waits.
        move_to(4).await;
        run(&town).await;
        assert_eq!(again(&town, &row.id).await.state, State::Suspended);
        assert!(deputy.get("/objections").await.text.contains(">急<"));
        let path = format!("{receipt}/decision");
        let done = deputy.post(&path, &[("key", "d"), ("decision", "dismissed"), ("reason", "有三人作证")]).await;
        assert_eq!(done.status, 303, "{}", done.text);
        move_to(1).await;
        run(&town).await;
        assert_eq!(again(&town, &row.id).await.state, State::Posted);
        assert_eq!(town.spendable(WANG).await, 30);
        assert!(phone.get(&receipt).await.text.contains("已经入账"));
        town.expect_books_hold().await;
    }
}
