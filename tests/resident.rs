//! A household at its own pages: card and PIN, the lock after five tries, the session and its end, and what is its own.

use chrono::TimeDelta;
use jishan::access::role::Reach;
use jishan::app::App;
use jishan::cards::card;
use jishan::cards::pin::{self, PinHash};
use jishan::db::Db;
use jishan::places::consent::{self, Purpose};
use jishan::registry::change::Change;
use jishan::resident::{book, confirmation, request};
use jishan::shop::act::Act;
use jishan::shop::wish;

use crate::browser::{Answer, Visitor};
use crate::registry::ask;
use crate::town::{FAR, LI, PIN, Town, WANG, on_both};

/// A household's word about its book, in the only table of this room that never changes, and what became of it.
pub async fn a_row_of_each(town: &Town) {
    let (wang, later) = (town.household(WANG).await, town.app.now() + TimeDelta::days(60));
    let by = town.user("grid").await.id;
    town.write(move |conn| {
        book::check(conn, &wang, None, later)?;
        confirmation::file(conn, &Reach::Everywhere, &by, "filed", later)
    })
    .await
    .unwrap();
}

/// Tries a PIN with a card's number.
async fn sign_in(town: &Town, card: &str, pin: &str) -> Answer {
    let fields = [("card", card), ("pin", pin)];
    town.stranger().post_bare("/my", &fields).await
}

/// What the page says, without the form around it.
fn said(answer: &Answer) -> String {
    let alert = answer.text.split("role=\"alert\">").nth(1).unwrap_or_default();
    alert.split("</div>").next().unwrap_or_default().to_owned()
}

/// The numbers on a page that a household knows.
fn shows(answer: &Answer, what: &str) -> bool {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.contains(what)
}

on_both! {
    async fn a_scanned_card_and_its_pin_show_the_own_points(town: Town) {
        town.earn(WANG, "E08", 1).await;
        town.set_pin(WANG).await;
        let card = town.issue_card(WANG).await;
        let found = town.stranger().get(&format!("/K/{}", card.token())).await;
        assert!(shows(&found, "name=\"pin\"") && !found.text.contains("王"), "nothing personal before the PIN");
        assert!(!town.stranger().get(&format!("/K/{}", card.number.as_str())).await.text.contains("name=\"pin\""));

        let path = format!("/K/{}/sign-in", card.token());
        let answer = town.stranger().post_bare(&path, &[("pin", PIN)]).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/my/points"));
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("jishan-household=") && cookie.contains("HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        let wang = town.stranger().keeping_cookie_of(&answer);
        let page = wang.get("/my/points").await;
        assert!(shows(&page, "王建国户的积分") && page.text.contains("<b>30</b>分"), "{}", page.text);
        assert!(page.text.contains("帮邻居"), "how it came about");
        let first = page.text.split("href=\"/my/points/").find_map(|rest| rest.split('"').next()?.parse::<i64>().ok());
        let line = wang.get(&format!("/my/points/{}", first.unwrap())).await;
        for step in ["申报", "核实", "次评议会评议通过", "公示期满", "条目编号1-1"] {
            assert!(shows(&line, step), "{step}: {}", line.text);
        }
        // The typed number does the same.
        assert_eq!(sign_in(&town, &card.number.grouped(), PIN).await.status, 303);
    }
}

on_both! {
    async fn whatever_is_wrong_is_said_in_the_same_words(town: Town) {
        town.set_pin(WANG).await;
        let (wang, li) = (town.issue_card(WANG).await, town.issue_card(LI).await);
        let with_other_secret = format!("{}-{}", wang.number.as_str(), li.secret.reveal());
        let answers = [
            sign_in(&town, wang.number.as_str(), "2581").await,
            // No card has this number; a card whose household set no PIN; a secret of another card.
            sign_in(&town, "1000000005", PIN).await,
            sign_in(&town, li.number.as_str(), PIN).await,
            sign_in(&town, &with_other_secret, PIN).await,
        ];
        let first = said(&answers[0]);
        assert!(first.contains("卡号或密码不对"), "{first}");
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), said(answer)), (403, first.clone()));
            assert_eq!(answer.header("set-cookie"), "");
        }
        // A card that was stopped is no card.
        let (id, admin, now) = (town.household(LI).await.id, town.user("admin").await.id, town.app.now());
        town.set_pin(LI).await;
        assert_eq!(sign_in(&town, li.number.as_str(), PIN).await.status, 303);
        town.write(move |conn| card::stop(conn, &id, "丢了", &admin, now)).await.unwrap();
        assert_eq!(said(&sign_in(&town, li.number.as_str(), PIN).await), first);
    }
}

/// The town's server after a new start.
fn started_anew(town: &Town) -> Visitor {
    let app = App::new(Db::open(&town.location).unwrap(), town.app.clock.clone());
    Visitor::at(jishan::routes::router(app))
}

on_both! {
    async fn five_tries_lock_a_card_and_a_new_start_does_not_forget(town: Town) {
        town.set_pin(WANG).await;
        let card = town.issue_card(WANG).await;
        let number = card.number.as_str();
        for nth in 1..=4 {
            assert!(said(&sign_in(&town, number, "2581").await).contains("卡号或密码不对"), "{nth}");
        }
        assert!(said(&sign_in(&town, number, "2581").await).contains("先锁住了"), "the fifth says so at once");
        // Now the right one is no better, with the card itself neither, nor after a new start.
        assert!(said(&sign_in(&town, number, PIN).await).contains("先锁住了"));
        let fields = [("card", number), ("pin", PIN)];
        let anew = started_anew(&town).post_bare("/my", &fields).await;
        assert!(said(&anew).contains("先锁住了"), "{}", anew.text);
        let by_card = format!("/K/{}/sign-in", card.token());
        let answer = started_anew(&town).post_bare(&by_card, &[("pin", PIN)]).await;
        assert!(said(&answer).contains("先锁住了"));
        // A number that no card has is locked in the same way.
        for _ in 1..=5 {
            sign_in(&town, "1000000005", PIN).await;
        }
        assert!(said(&sign_in(&town, "1000000005", PIN).await).contains("先锁住了"));

        // The office sees it and unlocks; somebody without that duty cannot.
        let page = format!("/households/{WANG}/proxies");
        let grid = town.signed_in("grid").await;
        assert!(shows(&grid.get(&page).await, "查询已锁"));
        let unlocking = format!("/households/{WANG}/pin-unlocking");
        assert_eq!(town.signed_in("auditor").await.post(&unlocking, &[]).await.status, 403);
        assert_eq!(town.signed_in("far-grid").await.post(&unlocking, &[]).await.status, 404);
        assert_eq!(grid.post(&unlocking, &[]).await.status, 303);
        assert!(!shows(&grid.get(&page).await, "查询已锁"));
        assert_eq!(sign_in(&town, number, PIN).await.status, 303);
    }
}

on_both! {
    async fn another_pin_or_a_day_lifts_the_lock_and_success_gives_the_tries_back(town: Town) {
        town.set_pin(WANG).await;
        let card = town.issue_card(WANG).await;
        let number = card.number.as_str();
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(sign_in(&town, number, "2581").await.status, 403);
            }
            assert_eq!(sign_in(&town, number, PIN).await.status, 303, "four wrong ones are forgiven");
            town.app.clock.advance(TimeDelta::hours(1));
        }
        for _ in 0..5 {
            sign_in(&town, number, "2581").await;
        }
        town.app.clock.advance(TimeDelta::hours(23));
        assert!(said(&sign_in(&town, number, PIN).await).contains("先锁住了"));
        town.app.clock.advance(TimeDelta::hours(1));
        assert_eq!(sign_in(&town, number, PIN).await.status, 303, "a day has passed");

        for _ in 0..5 {
            sign_in(&town, number, "2581").await;
        }
        town.app.clock.advance(TimeDelta::minutes(20));
        let fields = [("pin", "369258"), ("again", "369258")];
        let path = format!("/households/{WANG}/pin");
        assert_eq!(town.signed_in("grid").await.post(&path, &fields).await.status, 303);
        assert_eq!(sign_in(&town, number, "369258").await.status, 303, "a new PIN");
    }
}

on_both! {
    async fn an_address_has_few_tries_whatever_the_cards(town: Town) {
        town.set_pin(WANG).await;
        let card = town.issue_card(WANG).await;
        let mut refused = 0;
        for nth in 0..30u64 {
            let number = jishan::cards::number::CardNumber::from_random(nth * 977);
            let answer = sign_in(&town, number.as_str(), "2581").await;
            refused += usize::from(said(&answer).contains("试的次数太多"));
        }
        assert_eq!(refused, 10, "twenty were tried");
        assert!(said(&sign_in(&town, card.number.as_str(), PIN).await).contains("试的次数太多"));
        town.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(sign_in(&town, card.number.as_str(), PIN).await.status, 303);
    }
}

/// Is this household still let in?
async fn is_in(visitor: &Visitor) -> bool {
    visitor.get("/my/points").await.status == 200
}

on_both! {
    async fn a_session_ends(town: Town) {
        let clock = &town.app.clock;
        let wang = town.at_home(WANG).await;
        for _ in 0..5 {
            clock.advance(TimeDelta::minutes(11));
            assert!(is_in(&wang).await, "in use");
        }
        clock.advance(TimeDelta::minutes(6));
        assert!(!is_in(&wang).await, "an hour is over");

        let wang = town.at_home(WANG).await;
        clock.advance(TimeDelta::minutes(16));
        assert!(!is_in(&wang).await, "idle");

        let wang = town.at_home(WANG).await;
        let answer = wang.post("/my/sign-out", &[]).await;
        assert_eq!((answer.location(), answer.header("clear-site-data")), ("/my", ""), "a till's sales stay");
        assert!(!is_in(&wang).await, "signed out");

        let wang = town.at_home(WANG).await;
        assert!(is_in(&wang).await);
        let (id, admin, now) = (town.household(WANG).await.id, town.user("admin").await.id, clock.now());
        let same = PinHash::of(PIN).unwrap();
        town.write(move |conn| pin::set(conn, &id, &same, &admin, now)).await.unwrap();
        assert!(!is_in(&wang).await, "the PIN was set anew, at the same moment and with the same digits");

        let wang = town.at_home(WANG).await;
        assert!(is_in(&wang).await);
        town.issue_card(WANG).await;
        assert!(!is_in(&wang).await, "a new card stopped the old one");

        let wang = town.at_home(WANG).await;
        assert!(is_in(&wang).await);
        let household = town.household(WANG).await;
        town.change(ask(&household, Change::Leave)).await.unwrap();
        let points = wang.get("/my/points").await.text;
        assert!(points.contains("您家已迁出，积分可以用到"), "{points}");
        assert_eq!(wang.get("/my/data/lines.csv").await.status, 200, "and its data is its own");
        let number = town.household(WANG).await.id;
        let number = town
            .read(move |conn| card::numbers_in_use(conn, std::slice::from_ref(&number)))
            .await;
        let number = number.values().next().unwrap();
        assert_eq!(sign_in(&town, number, PIN).await.status, 303, "it has ninety days");
        clock.advance(TimeDelta::days(91));
        assert!(said(&sign_in(&town, number, PIN).await).contains("卡号或密码不对"), "and no more");
    }
}

on_both! {
    async fn nobody_sees_what_is_another_households(town: Town) {
        town.earn(WANG, "E08", 1).await;
        town.earn(LI, "E08", 2).await;
        let (wang, li) = (town.at_home(WANG).await, town.at_home(LI).await);
        let ours = wang.get("/my/points").await.text;
        let slip = ours.split("href=\"/my/points/").find_map(|rest| rest.split('"').next()?.parse::<i64>().ok()).unwrap();
        assert_eq!(wang.get(&format!("/my/points/{slip}")).await.status, 200);
        assert_eq!(li.get(&format!("/my/points/{slip}")).await.status, 404);
        for path in ["/my/points", "/my/points/lines", "/my/points/coming", "/my/honours", "/my/goods", "/my/consents", "/my/data", "/my/requests"] {
            let page = li.get(path).await;
            assert!(shows(&page, "</html>") && !page.text.contains("王建国") && !page.text.contains(WANG), "{path}");
        }
        let file = li.get("/my/data/lines.csv").await;
        assert!(file.header("content-type").starts_with("text/csv"));
        assert_eq!(file.text.lines().count(), 2, "a heading and the one line of its own: {}", file.text);
        assert!(file.text.contains(",60,60,"), "{}", file.text);
        let paper = li.get("/my/data/statement.pdf").await;
        assert_eq!((paper.status.as_u16(), paper.header("content-type")), (200, "application/pdf"));
        // Somebody of the staff sees the form as anybody does.
        assert!(!shows(&town.signed_in("admin").await.get("/my").await, "/my/sign-out"));
        // A household's cookie is no key to the staff's doors, and the staff's none to its own.
        assert_eq!(li.get("/desk").await.location(), "/sign-in?next=/desk");
        assert_eq!(town.signed_in("admin").await.get("/my/points").await.location(), "/my");
    }
}

on_both! {
    async fn a_household_agrees_by_itself_and_takes_it_back(town: Town) {
        let wang = town.at_home(WANG).await;
        assert_eq!(wang.get("/my/consents").await.text.matches(">不同意</span>").count(), Purpose::ALL.len(), "off by default");
        assert!(shows(&wang.get("/my/consents/photo").await, "同意“使用照片”吗？"));
        for _ in 0..2 {
            let answer = wang.post("/my/consents/photo", &[("given", "yes")]).await;
            assert_eq!(answer.location(), "/my/consents?done=true");
        }
        let id = town.household(WANG).await.id;
        let stands = town.read(move |conn| consent::of(conn, &id)).await;
        let photo = &stands[&Purpose::Photo];
        assert_eq!((stands.len(), photo.given, photo.version, photo.recorded_by.as_deref()), (1, true, 1, None));
        assert!(shows(&wang.get("/my/consents").await, "自己办的"));
        assert!(shows(&town.signed_in("auditor").await.get("/audit").await, "住户本人"));
        assert_eq!(wang.post("/my/consents/photo", &[("given", "no")]).await.status, 303);
        assert_eq!(wang.post("/my/consents/photo", &[]).await.status, 422);
        assert_eq!(wang.post("/my/consents/else", &[("given", "yes")]).await.status, 404);
        let id = town.household(WANG).await.id;
        assert!(!town.read(move |conn| consent::given(conn, &id, Purpose::Photo)).await);
    }
}

on_both! {
    async fn a_request_reaches_the_office_and_its_answer_the_household(town: Town) {
        let wang = town.at_home(WANG).await;
        let asked = [("key", "a"), ("kind", "correction"), ("note", "我家是五口人")];
        for _ in 0..2 {
            assert_eq!(wang.post("/my/requests", &asked).await.location(), "/my/requests?done=true");
        }
        assert_eq!(wang.post("/my/requests", &[("key", "b"), ("kind", "deletion"), ("note", " ")]).await.status, 422);
        assert_eq!(wang.post("/my/requests", &[("key", "c"), ("note", "改")]).await.status, 422);
        let waiting = town.read(request::waiting).await;
        assert_eq!(waiting.len(), 1, "sent twice, asked once");
        assert_eq!(waiting[0].due_on.to_string(), "2026-12-06");
        let path = format!("/household-requests/{}/answer", waiting[0].id);

        let (grid, far) = (town.signed_in("grid").await, town.signed_in("far-grid").await);
        assert!(shows(&grid.get("/desk").await, "住户请求"));
        let list = grid.get("/household-requests").await;
        assert!(shows(&list, "我家是五口人") && list.text.contains("今日工作") && !list.text.contains("/my/"));
        assert!(!shows(&far.get("/household-requests").await, "我家是五口人"));
        assert_eq!(far.post(&path, &[("answer", "好")]).await.status, 404);
        assert_eq!(grid.post(&path, &[("answer", " ")]).await.status, 422);
        assert_eq!(grid.post(&path, &[("answer", "已核对，改好了")]).await.status, 303);
        assert_eq!(grid.post(&path, &[("answer", "另一个答复")]).await.status, 409);
        assert!(shows(&wang.get("/my/requests").await, "已核对，改好了"));
        assert!(!shows(&town.at_home(FAR).await.get("/my/requests").await, "已核对"));
        assert_eq!(town.household(WANG).await.people, 4, "nothing is changed by a request");
    }
}

on_both! {
    async fn a_book_is_checked_once_a_quarter_and_brings_nothing(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let wang = town.at_home(WANG).await;
        assert!(!shows(&wang.get("/my/data").await, "上个季度"), "it was not there yet");
        town.app.clock.advance(TimeDelta::days(50));
        let wang = town.at_home(WANG).await;
        let page = wang.get("/my/data").await;
        assert!(shows(&page, "原有0分，加30分，用了0分"), "{}", page.text);
        for _ in 0..2 {
            assert_eq!(wang.post("/my/data/check", &[]).await.location(), "/my/data?done=true");
        }
        assert!(shows(&wang.get("/my/data").await, "您已看过"));
        let id = town.household(WANG).await.id;
        assert_eq!(town.read(move |conn| book::checked(conn, &id)).await.len(), 1);
        assert_eq!(town.spendable(WANG).await, 30);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn elders_see_large_letters_and_one_thing_a_page(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let wang = town.at_home(WANG).await;
        assert!(shows(&wang.get("/my/points").await, "怎么来的"));
        let answer = wang.post_bare("/my/view", &[("text", "huge"), ("back", "/my/goods")]).await;
        assert_eq!(answer.location(), "/my/goods");
        assert!(answer.header("set-cookie").starts_with("jishan-text=huge;"));
        let elder = wang.with_cookie("jishan-text=huge");
        let page = elder.get("/my/points").await;
        assert!(shows(&page, "class=\"elders huge\"") && !page.text.contains("怎么来的") && page.text.contains("<b>30</b>分"));
        let elsewhere = wang.post_bare("/my/view", &[("text", "x"), ("back", "https://elsewhere.example/")]).await;
        assert_eq!(elsewhere.location(), "/my");
        for path in ["/my/points", "/my/points/lines", "/my/points/coming", "/my/honours", "/my/goods", "/my/consents", "/my/data", "/my/requests"] {
            let page = elder.get(path).await;
            assert!(!page.text.contains("<table") && page.text.contains("特大"), "{path}");
        }
    }
}

on_both! {
    async fn what_comes_and_what_is_left_of_this_month_is_told(town: Town) {
        town.earn(WANG, "E08", 2).await;
        let card = town.issue_card(WANG).await.token();
        town.redeem("a", &card, &[("G006", 3)]).await.unwrap();
        let wang = town.at_home(WANG).await;
        let goods = wang.get("/my/goods").await;
        for told in ["现在可以用<b>45</b>分", "肥皂", "这个月还能换1件", "这个月还能换2件"] {
            assert!(shows(&goods, told), "{told}: {}", goods.text);
        }
        assert!(!shows(&wang.get("/my/goods?words=%E8%82%A5").await, "大米"), "looked for soap");
        let points = wang.get("/my/points").await;
        assert!(shows(&points, "换了肥皂×3") && points.text.contains("用了15分"), "{}", points.text);
        assert!(points.text.contains("下次开门：") && points.text.contains("0000-0000000"));
        // Three days later another deed is on notice.
        town.app.clock.advance(TimeDelta::days(3));
        town.promise(WANG, "C02", 1).await;
        let wang = town.at_home(WANG).await;
        assert!(shows(&wang.get("/my/points/coming").await, "入账"));
    }
}

on_both! {
    async fn a_household_has_one_voice_for_a_wish_and_nobody_sees_for_which(town: Town) {
        let (keeper, now) = (town.user("shop").await.id, town.app.now());
        let wishes = town.write(move |conn| {
            let act = |key| Act::new("wish.recorded", key, &keeper, now);
            Ok([wish::make(conn, "雨伞", "", &act("a"))?, wish::make(conn, "水桶", "", &act("b"))?])
        });
        let wishes = wishes.await.unwrap();
        let (wang, li) = (town.at_home(WANG).await, town.at_home(LI).await);
        for (visitor, wish) in [(&wang, &wishes[0]), (&wang, &wishes[0]), (&li, &wishes[0]), (&wang, &wishes[1])] {
            let answer = visitor.post(&format!("/my/wishes/{wish}/voice"), &[]).await;
            assert_eq!(answer.location(), "/my/wishes?done=true");
        }
        let voices = town.read(wish::list).await;
        let of = |name: &str| voices.iter().find(|(wish, _)| wish.name == name).unwrap().1;
        assert_eq!((of("雨伞"), of("水桶")), (1, 1), "the voice moved");
        let own = |answer: Answer| answer.text.split("您家投了这一样").next().unwrap().matches("aria-labelledby").count();
        assert_ne!(own(wang.get("/my/wishes").await), own(li.get("/my/wishes").await));
        let record = town.signed_in("auditor").await.get("/audit").await;
        assert!(!shows(&record, "投心愿"), "the record does not say who wishes for what");
        assert_eq!(wang.post("/my/wishes/unknown/voice", &[]).await.status, 404);
    }
}

on_both! {
    async fn a_household_that_signed_in_reports_a_deed_and_appeals_without_its_card(town: Town) {
        let wang = town.at_home(WANG).await;
        assert!(shows(&wang.get("/my/deed").await, "action=\"/my/deed\""));
        let deed = [("key", "a"), ("whose", "own"), ("item", "C02"), ("occurred_on", "2026-11-21"), ("note", "扫楼道")];
        assert_eq!(wang.post_bare("/my/deed", &deed).await.status, 403, "without the session's token");
        assert_eq!(wang.post("/my/deed", &deed).await.location(), "/my/deed?done=true");
        assert!(shows(&town.signed_in("grid").await.get("/nominations").await, "王建国"));
        assert!(shows(&town.at_home(LI).await.get("/my/appeal").await, "没有可以申诉的决定"));

        town.earn(WANG, "E08", 1).await;
        let page = wang.get("/my/appeal").await;
        assert!(shows(&page, "action=\"/my/appeal\""), "{}", page.text);
        let subject = page.text.split("name=\"subject\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let appeal = [("key", "b"), ("subject", subject), ("claimed_count", "2"), ("reason", "做了两次，有人看见")];
        assert_eq!(town.at_home(LI).await.post("/my/appeal", &appeal).await.status, 404, "another household's decision");
        let filed = wang.post("/my/appeal", &appeal).await;
        assert!(filed.location().starts_with("/appeals/") && filed.location().ends_with("?done=filed"), "{}", filed.text);
    }
}

on_both! {
    async fn a_household_reads_who_looked_by_duty_and_not_by_name(town: Town) {
        let page = format!("/households/{WANG}");
        for name in ["grid", "grid", "admin"] {
            assert_eq!(town.signed_in(name).await.get(&page).await.status, 200);
        }
        town.signed_in("grid").await.get(&format!("{page}/statement")).await;
        town.signed_in("grid").await.get(&format!("/households/{LI}")).await;
        let wang = town.at_home(WANG).await;
        let told = wang.get("/my/data").await.text;
        for line in ["2026年11月21日　网格员　住户资料", "2026年11月21日　网格员　积分对账单", "2026年11月21日　项目管理员　住户资料"] {
            assert_eq!(told.matches(line).count(), 1, "{line}: {told}");
        }
        assert!(!told.contains("网格员甲"));
        let file = wang.get("/my/data/looks.csv").await;
        assert!(file.header("content-type").starts_with("text/csv"));
        assert_eq!(file.text.lines().count(), 4, "a heading and three lines: {}", file.text);
        assert!(file.text.contains("2026年11月21日,网格员,住户资料") && !file.text.contains('甲'));
        assert!(shows(&town.at_home(FAR).await.get("/my/data").await, "没有人看过"));
        // Twelve months are told, two years are kept.
        town.app.clock.advance(TimeDelta::days(370));
        assert!(shows(&town.at_home(WANG).await.get("/my/data").await, "没有人看过"));
    }
}

on_both! {
    async fn the_choice_of_large_letters_holds_on_pages_that_others_see_too(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let card = town.issue_card(WANG).await.token();
        let wang = town.at_home(WANG).await;
        let elder = wang.with_cookie("jishan-text=huge");
        for path in ["/my/deed", "/my/appeal", "/objections/new", &format!("/K/{card}")] {
            let large = elder.get(path).await;
            assert!(shows(&large, "class=\"elders huge\"") && large.text.contains("/static/resident.css"), "{path}");
            let usual = wang.get(path).await;
            assert!(!shows(&usual, "class=\"elders") && !usual.text.contains("/static/resident.css"), "{path}");
        }
        // The public's other pages, and the staff's, are as they are.
        assert!(!shows(&elder.get("/board").await, "class=\"elders"));
        let staff = town.signed_in("grid").await.with_cookie("jishan-text=huge");
        assert!(!shows(&staff.get("/objections/new").await, "class=\"elders"));
    }
}
