//! Cards: issued once and shown once, stopped at once, and what a stranger learns from one: nothing.

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use jishan::cards::allow_list::{self, Entry};
use jishan::cards::card;
use jishan::cards::number::CardNumber;
use jishan::db::{Conn, Location};
use jishan::id::Id;
use jishan::places::household::Household;
use serde_json::json;

use crate::town::{HOUSEHOLDS, LI, PASSWORD, Town, WANG, on_both};

/// Whatever stands on a page about a household or a card, in any of its forms.
fn personal(town_card: &str) -> Vec<String> {
    let number = CardNumber::parse(&town_card[..10]).unwrap();
    let mut words = vec![number.as_str().to_owned(), number.grouped(), town_card[11..].to_owned()];
    for (code, head, _) in HOUSEHOLDS {
        words.push(code.to_owned());
        words.push(head.to_owned());
        words.push(household_mask(head));
    }
    words
}

fn household_mask(head: &str) -> String {
    jishan::places::household::mask(head)
}

on_both! {
    async fn whoever_finds_a_card_learns_where_to_bring_it_and_nothing_else(town: Town) {
        town.earn(WANG, "E08", 2).await;
        let old = town.issue_card(WANG).await.token();
        let new = town.issue_card(WANG).await.token();
        let stranger = town.stranger();
        let nobodys = format!("{}-7Q2M5ZK9RT3B", CardNumber::from_random(1).as_str());
        let wrong_secret = format!("{}-000000000000", &new[..10]);
        // The links of the page go on below its own address.
        let shown = async |card: &str| {
            let path = format!("/K/{card}");
            let mut answer = stranger.get(&path).await;
            // A way to appeal is offered below whatever is written like a card with its secret.
            let appeal = "<a class=\"button\" href=\"/K/CARD/appeal\">我要申诉</a> ";
            answer.text = answer.text.replace(&path, "/K/CARD").replace(appeal, "");
            // And so is the PIN; whatever else is written, its number is asked for on another page.
            for (begin, end) in [("<form class=\"panel\"", "</form>\n"), ("<p class=\"lead\">余额", "</p>\n")] {
                if let Some((before, rest)) = answer.text.split_once(begin) {
                    answer.text = format!("{before}{}", rest.split_once(end).unwrap().1);
                }
            }
            answer
        };
        let known = shown(&new).await;
        assert_eq!(known.status, 200);
        assert!(known.text.contains("晨光积分超市") && known.text.contains("社区服务中心一楼"));
        // In use, nobody's, with a wrong secret, without one, no card at all: one and the same page.
        for other in [nobodys.as_str(), &wrong_secret, &new[..10], "hello", "%F0%9F%98%80"] {
            let answer = shown(other).await;
            assert_eq!(
                (answer.status, answer.text),
                (known.status, known.text.clone()),
                "{other}"
            );
        }
        // Only a stopped card says so, so that it comes back; its secret does not matter.
        let stopped = shown(&old).await;
        assert_eq!(stopped.status, 200);
        assert!(stopped.text.contains("此卡已挂失，拾到请交回社区服务中心一楼"));
        assert_eq!(shown(&old[..10]).await.text, stopped.text);
        for page in [&known.text, &stopped.text] {
            for word in personal(&new).iter().chain(&personal(&old)) {
                assert!(!page.contains(word.as_str()), "{word} stands on the page");
            }
        }
        // Also when somebody who may know more happens to be signed in.
        let admin = town.signed_in("admin").await;
        let seen = admin.get(&format!("/K/{new}")).await.text;
        assert!(!seen.contains("王建国") && !seen.contains(WANG));
    }
}

on_both! {
    async fn a_till_without_the_network_knows_cards_by_a_digest_of_their_number(town: Town) {
        let old = town.issue_card(WANG).await.number;
        let new = town.issue_card(WANG).await.number;
        let of_li = town.issue_card(LI).await.number;
        let (today, tomorrow) = ([7; 16], [8; 16]);
        let list = town.read(move |conn| allow_list::allow_list(conn, &today)).await;
        let (wang, li) = (town.household(WANG).await.id, town.household(LI).await.id);
        let entry = |number: &CardNumber, whose: &Id<Household>, in_use| Entry {
            digest: allow_list::digest(&today, number),
            in_use,
            household_id: whose.clone(),
        };
        let mut expected = vec![entry(&old, &wang, false), entry(&new, &wang, true), entry(&of_li, &li, true)];
        expected.sort();
        assert_eq!(list, expected, "in the order of the digests, which tells nothing");
        let stranger = allow_list::digest(&today, &CardNumber::sample());
        assert!(list.iter().all(|known| known.digest != stranger));
        // Another day's list has nothing in common with it.
        let other = town.read(move |conn| allow_list::allow_list(conn, &tomorrow)).await;
        assert!(other.iter().all(|one| list.iter().all(|known| known.digest != one.digest)));
        // What a till computes: sha256(b"\x07" * 16 + b"1234567894"), by Python's hashlib.
        let sample = allow_list::digest(&today, &CardNumber::sample());
        let hex: String = sample.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "9c427bd038958fd3");
    }
}

on_both! {
    async fn a_card_is_issued_on_a_page_that_shows_it_once(town: Town) {
        let grid = town.signed_in("grid").await;
        let path = format!("/households/{WANG}/cards");
        let fields = [("key", "a-key-of-the-form"), ("reason", "首次发卡"), ("detail", "")];
        let page = grid.post(&path, &fields).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let wang = town.household(WANG).await.id;
        let card = town
            .read(move |conn| Ok(card::of_household(conn, &wang)?.remove(0)))
            .await;
        let number = CardNumber::parse(&card.number).unwrap();
        assert!(page.text.contains(&number.grouped()));
        assert_eq!(page.text.matches("<svg").count(), 2, "a square, and bars for guns that read no squares");
        // The secret is in the drawing and nowhere in words; the form sent twice shows the same card.
        assert!(!page.text.contains("/K/"));
        assert_eq!(grid.post(&path, &fields).await.text, page.text);
        // As a paper it is the same card again, and the number is in it as words.
        let paper = grid.post(&path, &[fields.as_slice(), &[("format", "pdf")]].concat()).await;
        assert!(paper.status == 200 && paper.text.starts_with("%PDF-"), "{}", paper.status);
        let cards = town.household(WANG).await.id;
        assert_eq!(town.read(move |conn| card::of_household(conn, &cards)).await.len(), 1);
        assert_eq!(
            grid.post(&path, &[("key", "a-key-of-the-form"), ("reason", "遗失补办")])
                .await
                .status,
            409
        );
        assert_eq!(
            grid.post(&path, &[("key", "another"), ("reason", " "), ("detail", "")])
                .await
                .status,
            422
        );
        // The household's page shows numbers, never a secret.
        let household = grid.get(&format!("/households/{WANG}")).await.text;
        assert!(household.contains(&number.grouped()) && household.contains("在用") && !household.contains("<svg"));

        // Stopped: at once, once, with a reason; the points stay.
        town.give(WANG, 30).await;
        let stop = format!("/households/{WANG}/card-stop");
        assert_eq!(grid.post(&stop, &[("reason", " ")]).await.status, 422);
        let stopped = grid.post(&stop, &[("reason", "遗失"), ("detail", "在集市上")]).await;
        assert_eq!(stopped.location(), format!("/households/{WANG}?done=card-stopped"));
        assert_eq!(
            town.redeem("a", number.as_str(), &[("G006", 1)])
                .await
                .unwrap_err()
                .code(),
            "card_stopped"
        );
        assert!(grid.get(stopped.location()).await.text.contains("遗失：在集市上"));
        assert_eq!(
            grid.post(&stop, &[("reason", "遗失")]).await.location(),
            format!("/households/{WANG}?done=no-card")
        );
        assert_eq!(town.spendable(WANG).await, 30);
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("制发积分卡") && record.contains("停用积分卡"));
    }
}

on_both! {
    async fn a_card_from_the_page_is_the_one_that_the_counter_knows(town: Town) {
        let (grid, shop) = (town.program("grid").await, town.program("shop").await);
        town.give(WANG, 30).await;
        let body = json!({"reason": "首次制卡"});
        let issued = grid
            .call(&format!("/api/v1/households/{WANG}/cards"), "k", &body)
            .await
            .json();
        let (number, token) = (issued["number"].as_str().unwrap(), issued["token"].as_str().unwrap());
        let mut nth = 0;
        let mut pay = async |card: &str| {
            nth += 1;
            let basket = json!({"card": card, "lines": [{"sku": "G039", "quantity": 1}]});
            shop.call("/api/v1/redemptions", &format!("pay-{nth}"), &basket).await
        };
        // As scanners, phones, tills and people send it.
        let secret = &token[11..];
        for form in [
            token.to_owned(),
            token.to_lowercase(),
            format!("https://jifen.example.cn/K/{token}"),
            format!("HTTPS://OTHER.HOST/K/{token}"),
            format!("]Q1HTTPS://JIFEN.EXAMPLE.CN/K/{token}\r\n"),
            number.to_owned(),
            format!("{} {} {} {}", &number[..3], &number[3..6], &number[6..9], &number[9..]),
            number
                .chars()
                .map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap())
                .collect(),
        ] {
            let answer = pay(&form).await;
            assert_eq!(answer.status, 201, "{form}: {}", answer.text);
        }
        // One wrong digit is always noticed; so are a cut secret and another's.
        for place in 0..10 {
            let mut digits: Vec<char> = number.chars().collect();
            digits[place] = if digits[place] == '5' { '6' } else { '5' };
            let wrong: String = digits.into_iter().collect();
            assert_eq!(pay(&wrong).await.code(), "invalid_request", "{wrong}");
        }
        assert_eq!(pay(&token[..20]).await.code(), "invalid_request");
        let other = town.issue_card(LI).await.token();
        assert_eq!(pay(&format!("{number}-{}", &other[11..])).await.code(), "unknown_card");
        assert_eq!(pay(&format!("{}-{secret}", &other[..10])).await.code(), "unknown_card");
        assert_eq!(town.spendable(WANG).await, 22);
    }
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Every byte that the programme keeps: the file and its log, or every row of every table as text.
async fn everything_kept(town: &Town) -> Vec<u8> {
    if let Location::Sqlite(path) = &town.location {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.extend(std::fs::read(path.with_extension("sqlite-wal")).unwrap_or_default());
        return bytes;
    }
    town.read(|conn: &mut Conn| {
        let mut bytes = Vec::new();
        let tables: Vec<Word> =
            diesel::sql_query("SELECT tablename::text AS word FROM pg_tables WHERE schemaname = current_schema()")
                .load(conn)?;
        for table in tables {
            let rows: Vec<Word> =
                diesel::sql_query(format!("SELECT row_to_json(t)::text AS word FROM {} t", table.word)).load(conn)?;
            bytes.extend(rows.into_iter().flat_map(|row| row.word.into_bytes()));
        }
        Ok(bytes)
    })
    .await
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

on_both! {
    async fn no_secret_is_kept_in_clear(town: Town) {
        let key = "the-key-of-the-request-that-issued-the-card";
        let (grid, shop) = (town.program("grid").await, town.program("shop").await);
        town.give(WANG, 30).await;
        let issued = grid
            .call(
                &format!("/api/v1/households/{WANG}/cards"),
                key,
                &json!({"reason": "首次制卡"}),
            )
            .await
            .json();
        let card = issued["token"].as_str().unwrap().to_owned();
        let basket = json!({"card": card, "lines": [{"sku": "G039", "quantity": 1}]});
        let sold = shop.call("/api/v1/redemptions", "a-plain-key-of-a-sale", &basket).await;
        assert_eq!(sold.status, 201);
        let token = town.token("grid").await;
        let stranger = town.stranger();
        let fields = [("name", "grid"), ("password", PASSWORD)];
        let cookie = stranger
            .post_bare("/sign-in", &fields)
            .await
            .header("set-cookie")
            .to_owned();
        let session = &cookie["jishan=".len().."jishan=".len() + 64];

        let kept = everything_kept(&town).await;
        // The search finds what is there.
        assert!(holds(&kept, &card[..10]), "the number is kept");
        assert!(holds(&kept, "a-plain-key-of-a-sale") && holds(&kept, "王建国"));
        for secret in [
            &card[11..],
            &card[11..].to_lowercase(),
            token.as_str(),
            session,
            PASSWORD,
            key,
            town.app.setup_code(),
        ] {
            assert!(!holds(&kept, secret), "{secret} is kept in clear");
        }
    }
}

on_both! {
    async fn a_key_that_was_used_for_something_else_makes_no_card_and_the_other_way_round(town: Town) {
        let grid = town.program("grid").await;
        let deed = json!({"household": WANG, "item": "C02", "occurred_on": "2026-11-21"});
        let (awards, reason) = ("/api/v1/awards", json!({"reason": "首次制卡"}));
        let cards = format!("/api/v1/households/{WANG}/cards");
        let conflict = (409, "idempotency_conflict".to_owned());

        let award = grid.call(awards, "first-a-deed", &deed).await;
        assert_eq!(award.status, 201);
        assert_eq!(grid.call(&cards, "first-a-deed", &reason).await.problem(), conflict);
        let issued = grid.call(&cards, "first-a-card", &reason).await;
        assert_eq!(issued.status, 201);
        assert_eq!(grid.call(awards, "first-a-card", &deed).await.problem(), conflict);

        // Repeats get the first answer still.
        assert_eq!(grid.call(awards, "first-a-deed", &deed).await.json()["id"], award.json()["id"]);
        let again = grid.call(&cards, "first-a-card", &reason).await;
        assert_eq!(again.json()["card"], issued.json()["card"]);
        // Whoever reads the table cannot ask for the card again.
        let keys = town.read(|conn| Ok(diesel::sql_query("SELECT key FROM requests").load::<Key>(conn)?)).await;
        assert!(keys.iter().any(|row| row.key == "first-a-deed") && keys.iter().all(|row| row.key != "first-a-card"));
        town.expect_books_hold().await;
    }
}

#[derive(diesel::QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
}
