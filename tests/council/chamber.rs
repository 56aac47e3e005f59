//! A session on its pages: one laptop, a phone, and what each wrong step is answered.

use jishan::council::motion::{self, Motion};
use jishan::council::nomination::{self, Decision, Nominate, Nominator, Verify};
use jishan::council::{member, session};
use jishan::id::Id;
use jishan::papers::paper::Paper;

use super::hidden;
use crate::browser::{Answer, Visitor};
use crate::papers::printed;
use crate::town::{LI, PASSWORD, Town, WANG, area_of_council, fresh_key, on_both, today};

/// Deeds that wait for the council.
async fn waiting(town: &Town, deeds: &'static [(&'static str, &'static str)]) {
    let (building, grid, now) = (town.user("building").await, town.user("grid").await, town.app.now());
    for (code, item) in deeds {
        let (home, building, grid) = (town.household(code).await.id, building.id.clone(), grid.clone());
        town.write(move |conn| {
            let asked = Nominate {
                household: home,
                item: (*item).to_owned(),
                count: 1,
                occurred_on: today(),
                note: "邻里都看见了".to_owned(),
                by: Nominator::Staff(building),
                key: fresh_key(now),
            };
            let made = nomination::nominate(conn, &asked, now)?;
            let verify = Verify {
                nomination: made.id,
                decision: Decision::Approve,
                reason: String::new(),
                by: grid,
                key: fresh_key(now),
            };
            nomination::verify(conn, &verify, now)
        })
        .await
        .unwrap();
    }
}

async fn ids(town: &Town) -> Vec<String> {
    let members = town
        .read(|conn| {
            let area = area_of_council(conn)?;
            member::sitting(conn, &area, today())
        })
        .await;
    members.into_iter().map(|member| member.id.to_string()).collect()
}

async fn convene(town: &Town, keeper: &Visitor, ballot: &str) -> Answer {
    let area = town.read(area_of_council).await.to_string();
    let day = today().to_string();
    let fields = [
        ("key", "convene"),
        ("area", area.as_str()),
        ("held_on", day.as_str()),
        ("place", "社区议事厅"),
        ("ballot", ballot),
    ];
    keeper.post("/sessions", &fields).await
}

async fn open(town: &Town, keeper: &Visitor) -> Answer {
    let members = ids(town).await;
    let mut fields: Vec<(&str, &str)> = members.iter().map(|id| ("present", id.as_str())).collect();
    fields.push(("chair", &members[0]));
    keeper.post("/sessions/1/opening", &fields).await
}

async fn first_motion(town: &Town) -> Motion {
    town.read(|conn| {
        let id = session::by_number(conn, 1)?.id;
        let mut waiting = motion::of_session(conn, &id)?;
        waiting.retain(|one| one.state == motion::State::Waiting);
        Ok(waiting.remove(0))
    })
    .await
}

on_both! {
    async fn one_laptop_from_convening_to_the_notice(town: Town) {
        waiting(&town, &[(WANG, "E10"), (LI, "E10"), (WANG, "C04")]).await;
        let admin = town.signed_in("admin").await;
        let form = admin.get("/sessions").await.text;
        // The rules' council day is offered, and how much waits is said.
        assert!(form.contains("value=\"2026-11-25\"") && form.contains("3条核实过的申报等评议"));
        assert_eq!(convene(&town, &admin, "").await.status, 422);
        assert_eq!(convene(&town, &admin, "open").await.location(), "/sessions/1?done=convened");
        assert_eq!(convene(&town, &admin, "open").await.location(), "/sessions/1?done=convened");
        let before = admin.get("/sessions/1").await.text;
        assert!(before.contains("共3名成员") && before.contains("最少3人到会") && before.contains("批量确认2条"));
        // Too few, nobody to preside.
        let members = ids(&town).await;
        let few = admin.post("/sessions/1/opening", &[("present", &members[0]), ("chair", &members[0])]).await;
        assert_eq!(few.status, 409);
        assert!(few.text.contains("到会1人，人数不够：共3名成员，至少要到3人才能开会。"));
        assert_eq!(open(&town, &admin).await.location(), "/sessions/1?done=opened");
        assert_eq!(open(&town, &admin).await.location(), "/sessions/1?done=opened");
        let page = admin.get("/sessions/1").await.text;
        assert!(page.contains("到会3人，最少3人") && page.contains("正在表决") && page.contains("全部赞成"));
        // Li's row is taken out of the batch; sent twice, taken out once.
        let batch = first_motion(&town).await;
        let id = batch.id.clone();
        let row = town.read(move |conn| motion::rows_of(conn, &id)).await.remove(1).to_string();
        for _ in 0..2 {
            let answer = admin
                .post("/sessions/1/separations", &[("key", "s"), ("motion", batch.id.as_str()), ("nomination", &row)])
                .await;
            assert_eq!(answer.location(), "/sessions/1?done=separated");
        }
        // Nothing chosen; one hand; everybody; and once more by a keeper who was slower.
        let hands = format!("hand.{}", members[1]);
        let batch_id = batch.id.to_string();
        let nobody = admin.post("/sessions/1/hands", &[("key", "h0"), ("motion", &batch_id)]).await;
        assert_eq!(nobody.status, 422);
        assert!(nobody.text.contains("还没有选谁怎么投"));
        let against = [("key", "h1"), ("motion", batch_id.as_str()), (hands.as_str(), "against")];
        for _ in 0..2 {
            assert_eq!(admin.post("/sessions/1/hands", &against).await.location(), "/sessions/1?done=hands");
        }
        let twice = admin.post("/sessions/1/hands", &[("key", "h2"), ("motion", &batch_id), (&hands, "for")]).await;
        assert_eq!(twice.status, 409);
        assert!(twice.text.contains("每人一票"));
        assert_eq!(
            admin.post("/sessions/1/hands", &[("key", "h3"), ("motion", &batch_id), ("all", "for")]).await.location(),
            "/sessions/1?done=hands"
        );
        let late = town.signed_in("council").await;
        let late = late.post("/sessions/1/hands", &[("key", "h4"), ("motion", &batch_id), ("all", "for")]).await;
        assert_eq!(late.status, 409);
        assert!(late.text.contains("这一项已有结果，不能再投票。"));
        // Closing too early keeps what was written.
        let early = admin.post("/sessions/1/closing", &[("minutes", "大家夸了王家")]).await;
        assert_eq!(early.status, 409);
        assert!(early.text.contains("还有2项没有表决结果"));
        for key in ["a", "b"] {
            let motion = first_motion(&town).await.id.to_string();
            let answer = admin.post("/sessions/1/hands", &[("key", key), ("motion", &motion), ("all", "for")]).await;
            assert_eq!(answer.status, 303, "{}", answer.text);
        }
        assert!(admin.get("/sessions/1").await.text.contains("写记录、散会"));
        for _ in 0..2 {
            let closed = admin.post("/sessions/1/closing", &[("minutes", "大家夸了王家\n下月再议路灯")]).await;
            assert_eq!(closed.location(), "/sessions/1?done=closed");
        }
        let minutes = admin.get("/sessions/1/minutes").await.text;
        assert!(minutes.contains("赞成2，反对1，弃权0") && minutes.contains("下月再议路灯") && minutes.contains("主持人签字"));
        // The notice is made ready on a page of its own; a second secretary who was slower finds it hanging.
        assert!(admin.get("/sessions/1").await.text.contains("/sessions/1/notice"));
        let key = hidden(&admin.get("/sessions/1/notice").await.text, "key");
        let other = town.signed_in("council").await;
        for (who, key) in [(&admin, key.as_str()), (&admin, key.as_str()), (&other, "another")] {
            let answer = who.post("/sessions/1/notice", &[("key", key), ("act", "publish")]).await;
            assert_eq!(answer.location(), "/notices/1", "{}", answer.text);
        }
        assert_eq!(admin.get("/sessions/1/notice").await.location(), "/notices/1");
        assert!(admin.get("/sessions/1").await.text.contains("/notices/1"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_phone_votes_once_and_reads_why_not(town: Town) {
        waiting(&town, &[(WANG, "C04"), (LI, "C04")]).await;
        let (admin, phone) = (town.signed_in("admin").await, town.signed_in("council").await);
        assert!(phone.get("/vote").await.text.contains("现在没有会议"));
        convene(&town, &admin, "secret").await;
        assert!(phone.get("/vote").await.text.contains("还没有开始"));
        // Liu is not in the roll: three others are, so a fourth seat is needed first.
        let area = town.read(area_of_council).await.to_string();
        let day = today().to_string();
        let new = [("key", "m"), ("area", &area), ("name", "郑大爷"), ("appointed_on", &day), ("term_ends_on", "2029-01-01")];
        let made = admin.post("/council/members", &new).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let liu = town.user("council").await.id;
        let others = town
            .read(move |conn| {
                let area = area_of_council(conn)?;
                let mut members = member::sitting(conn, &area, today())?;
                members.retain(|member| member.user_id.as_ref() != Some(&liu));
                Ok(members)
            })
            .await;
        let mut fields: Vec<(&str, &str)> = others.iter().map(|one| ("present", one.id.as_str())).collect();
        fields.push(("chair", others[0].id.as_str()));
        assert_eq!(admin.post("/sessions/1/opening", &fields).await.status, 303);
        let first = first_motion(&town).await.id.to_string();
        let unregistered = phone.post("/vote", &[("key", "v0"), ("motion", &first), ("choice", "for")]).await;
        assert_eq!(unregistered.status, 409);
        assert!(unregistered.text.contains("没有登记到会") && unregistered.text.contains("我到了"));
        let session = hidden(&phone.get("/vote").await.text, "session");
        assert_eq!(phone.post("/vote/arrival", &[("session", &session)]).await.location(), "/vote?done=arrived");
        let page = phone.get("/vote").await.text;
        assert!(page.contains("赞成</button>") && page.contains("反对</button>") && page.contains("弃权</button>"));
        assert_eq!(phone.post("/vote", &[("key", "v1"), ("motion", &first), ("choice", "")]).await.status, 422);
        let vote = [("key", "v1"), ("motion", first.as_str()), ("choice", "against")];
        for _ in 0..2 {
            assert_eq!(phone.post("/vote", &vote).await.location(), "/vote?done=voted");
        }
        let again = phone.post("/vote", &[("key", "v2"), ("motion", &first), ("choice", "for")]).await;
        assert_eq!(again.status, 409);
        assert!(again.text.contains("已经投过票"));
        // Who has voted is seen by the keeper; how, by nobody.
        let seen = phone.get("/vote").await.text;
        assert!(seen.contains("已投票") && !seen.contains("已投票</b>：") && seen.contains("下一项："));
        for page in [admin.get("/sessions/1").await.text, admin.get("/sessions/1/screen").await.text, admin.get("/sessions/1/minutes").await.text] {
            assert!(!page.contains("反对1"), "{page}");
        }
        assert!(admin.get("/sessions/1").await.text.contains("刘德厚 已投"));
        // The wall names nobody in full.
        let wall = admin.get("/sessions/1/screen").await.text;
        assert!(wall.contains("**户") && !wall.contains("王建国") && !wall.contains("李玉山"));
        // The paper of the others: first person, then the second on the same laptop.
        let tally = |more: &[(&'static str, &'static str)], key: &'static str, counts: [&'static str; 3]| {
            let mut fields = vec![("key", key), ("motion", first.as_str()), ("votes_for", counts[0]), ("votes_against", counts[1]), ("abstentions", counts[2])];
            fields.extend(more.iter().copied());
            let fields: Vec<(String, String)> = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let admin = admin.clone();
            async move {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                admin.post("/sessions/1/tallies", &fields).await
            }
        };
        let too_many = tally(&[], "t0", ["4", "0", "0"]).await;
        assert_eq!(too_many.status, 409);
        assert!(too_many.text.contains("计票4张，多于还没有投票的3人"));
        assert_eq!(tally(&[], "t1", ["三", "0", "0"]).await.status, 422);
        assert_eq!(tally(&[], "t2", ["3", "0", "0"]).await.status, 303);
        let page = admin.get("/sessions/1").await.text;
        assert!(page.contains("已录入。请另一位对照纸单再录一次") && !page.contains("赞成3"));
        for (second, password, wrong) in [
            ("grid", "not this", "用户名或口令不对"),
            ("admin", PASSWORD, "要由两个人各录一次"),
            ("shop", PASSWORD, "不包含给这个评议会计票"),
        ] {
            let refused = tally(&[("second", second), ("password", password)], "t3", ["3", "0", "0"]).await;
            assert_eq!(refused.status, 403);
            assert!(refused.text.contains(wrong) && !refused.text.contains(PASSWORD), "{second}");
        }
        assert_eq!(tally(&[("second", "grid"), ("password", PASSWORD)], "t4", ["2", "1", "0"]).await.status, 303);
        let page = admin.get("/sessions/1").await.text;
        assert!(page.contains("两人录的票数不一样") && page.contains("赞成3，反对0") && page.contains("赞成2，反对1"));
        assert_eq!(tally(&[("second", "grid"), ("password", PASSWORD)], "t5", ["3", "0", "0"]).await.status, 303);
        assert!(admin.get("/sessions/1").await.text.contains("通过：赞成3，反对1，弃权0"));
        // After it was decided.
        let late = phone.post("/vote", &[("key", "v3"), ("motion", &first), ("choice", "for")]).await;
        assert_eq!(late.status, 409);
        assert!(late.text.contains("这一项已有结果，不能再投票。"));
    }
}

on_both! {
    async fn kin_is_shown_to_whom_it_concerns(town: Town) {
        let (admin, auditor, council) = (
            town.signed_in("admin").await,
            town.signed_in("auditor").await,
            town.signed_in("council").await,
        );
        let zhou = ids(&town).await.remove(0);
        let path = format!("/council/members/{zhou}");
        assert!(admin.get(&format!("{path}?query=wjg")).await.text.contains("王建国户"));
        let wrong = admin.post(&format!("{path}/kin"), &[("household", WANG), ("relation", "")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("请写明是什么亲属关系"));
        assert_eq!(admin.post(&format!("{path}/kin"), &[("household", WANG), ("relation", "堂弟")]).await.status, 303);
        assert!(admin.get(&path).await.text.contains("堂弟") && council.get(&path).await.text.contains("堂弟"));
        let read = auditor.get(&path).await;
        assert!(read.status == 200 && !read.text.contains("堂弟") && !read.text.contains("王建国"));
        // One that was written down by mistake is withdrawn, once, and by whoever seats the council.
        assert_eq!(admin.post(&format!("{path}/kin"), &[("household", LI), ("relation", "表哥")]).await.status, 303);
        let mistaken = [("household", LI)];
        assert_eq!(council.post(&format!("{path}/kin/withdrawal"), &mistaken).await.status, 403);
        assert_eq!(admin.post(&format!("{path}/kin/withdrawal"), &mistaken).await.location(), format!("{path}?done=withdrawn"));
        assert_eq!(admin.post(&format!("{path}/kin/withdrawal"), &mistaken).await.status, 404);
        assert!(!admin.get(&path).await.text.contains("表哥"));
        // On the agenda the reader sees that somebody steps back, not why.
        waiting(&town, &[(WANG, "E10")]).await;
        convene(&town, &admin, "open").await;
        let agenda = auditor.get("/sessions/1").await.text;
        assert!(agenda.contains("须回避") && !agenda.contains("堂弟"));
        // Nor do the papers, which the same people may print.
        let seat = Id::known(zhou.clone());
        let name = town.read(move |conn| member::by_id(conn, &seat)).await.name;
        let steps_back = format!("回避：{name}");
        for (paper, words) in [
            (Paper::Agenda, ["E10独居老人敲门探访2026年11月21日", "议程以开会时为准", "须回避"]),
            (Paper::TallySheet, [steps_back.as_str(), "应到3人", "举手表决"]),
            (Paper::Ballot, ["批量确认1条", "见议程", "选票"]),
        ] {
            let is_linked = agenda.contains(&format!("/papers/{}?id=1", paper.word()));
            assert_eq!(is_linked, paper != Paper::Ballot, "{}: by hand nobody needs one", paper.word());
            let paper = printed::said(&town, paper, printed::number("1")).await;
            assert!(words.iter().all(|words| paper.contains(words)), "{paper}");
            assert!(!paper.contains("堂弟") && !paper.contains("王建国"), "{paper}");
        }
        assert!(admin.get(&path).await.text.contains(&format!("/papers/letter?id={zhou}")));
        let letter = printed::said(&town, Paper::Letter, printed::number(&zhou)).await;
        assert!(["聘书", name.as_str(), "2027年12月31日"].iter().all(|words| letter.contains(words)), "{letter}");
        assert_eq!(admin.post(&format!("{path}/ending"), &[]).await.status, 303);
        assert_eq!(admin.post(&format!("{path}/ending"), &[]).await.status, 422);
        // A council of elsewhere concerns nobody here.
        let unknown: Id<member::CouncilMember> = Id::known("unknown");
        assert_eq!(admin.get(&format!("/council/members/{unknown}")).await.status, 404);
    }
}
