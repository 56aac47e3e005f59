//! Rosters become households: what is tried out, what is registered, what is refused and why, in the files that desks make.

use axum::body::Body;
use axum::http::{Method, header};
use jishan::places::area::{self, AreaKind, Tree};
use jishan::places::household::{self, Household, Search};
use jishan::places::import::{self, Report};
use rust_xlsxwriter::Workbook;

use crate::browser::Answer;
use crate::town::{HOUSEHOLDS, LI, Town, WANG, on_both};

const HEADER: &str = "社区,网格,楼栋,单元,房号,户主,人口";

/// A roster as a desk saves it: UTF-8 text with the header.
fn csv(rows: &[&str]) -> Vec<u8> {
    let mut lines = vec![HEADER];
    lines.extend(rows);
    lines.join("\n").into_bytes()
}

/// The same as a workbook.
fn xlsx(rows: &[&str]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (line, row) in std::iter::once(&HEADER).chain(rows).enumerate() {
        for (column, cell) in row.split(',').enumerate() {
            let (line, column) = (u32::try_from(line).unwrap(), u16::try_from(column).unwrap());
            sheet.write_string(line, column, cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

async fn upload(town: &Town, act: &str, name: &str, file: &[u8]) -> Answer {
    // The button that was pressed comes after the file, as on the page.
    let admin = town.signed_in("admin").await;
    let body = [
        part("csrf", admin.csrf()),
        format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").into_bytes(),
        file.to_vec(),
        b"\r\n".to_vec(),
        part("act", act),
        b"--x--\r\n".to_vec(),
    ]
    .concat();
    let request = admin
        .request(Method::POST, "/import")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    admin.send(request.body(Body::from(body)).unwrap()).await
}

fn part(name: &str, value: &str) -> Vec<u8> {
    format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

/// Registers a file that can be read.
async fn register(town: &Town, file: Vec<u8>) -> Report {
    let (roster, now) = (import::read(&file).unwrap(), town.app.now());
    town.write(move |conn| import::register(conn, roster, "test", now))
        .await
        .unwrap()
}

on_both! {
    async fn an_office_that_moves_is_on_every_paper_from_then_on(town: Town) {
        let admin = town.signed_in("admin").await;
        let said = |office: &'static str, issuer: &'static str| {
            let admin = &admin;
            async move { admin.post("/programme", &[("office", office), ("phone", "0818-5550136"), ("issuer", issuer)]).await }
        };
        assert!(admin.get("/").await.text.contains("社区服务中心一楼"));
        for refused in [said("", "晨光社区居民委员会").await, said("三号楼", " ").await, said("三号楼\n底层", "居委会").await] {
            assert_eq!(refused.status, 422, "{}", refused.text);
        }
        assert!(admin.get("/").await.text.contains("社区服务中心一楼"));

        assert_eq!(said("三号楼底层", "晨光社区居民委员会（筹）").await.location(), "/programme?done=true");
        assert!(admin.get("/").await.text.contains("三号楼底层"));
        let shown = admin.get("/programme").await.text;
        assert!(shown.contains("晨光社区居民委员会（筹）") && shown.contains("0818-5550136"), "{shown}");
        let kept = town.read(jishan::places::programme::get).await;
        assert_eq!((kept.issuer.as_str(), kept.name.as_str()), ("晨光社区居民委员会（筹）", "晨光安置区"));
        assert!(admin.get("/audit").await.text.contains("变更办公室与落款"));
    }
}

async fn everybody(town: &Town) -> Vec<Household> {
    town.read(|conn| {
        let everybody = Search {
            limit: 1_000,
            ..Search::default()
        };
        household::search(conn, &everybody)
    })
    .await
}

async fn heads(town: &Town) -> Vec<String> {
    everybody(town).await.into_iter().map(|one| one.head_name).collect()
}

on_both! {
    async fn a_roster_is_tried_out_then_registered_and_never_twice(town: Town) {
        let rows = [
            "晨光社区,第1网格,1号楼,3,301,赵桂芳,3",
            "晨光社区,第3网格,9号楼,,102,杨文军,5",
            "北坡社区,第1网格,1号楼,1,101,陈秀英,2",
        ];
        for (name, file) in [("花名册.csv", csv(&rows)), ("花名册.xlsx", xlsx(&rows))] {
            let tried = upload(&town, "dry-run", name, &file).await;
            assert_eq!(tried.status, 200);
            assert!(
                tried.text.contains("试读完成，什么也没有登记") && tried.text.contains("3户10人"),
                "{name}"
            );
            assert!(tried.text.contains(name));
            assert_eq!(everybody(&town).await.len(), HOUSEHOLDS.len(), "{name}");
        }
        let done = upload(&town, "register", "花名册.csv", &csv(&rows)).await;
        assert!(done.text.contains("已登记3户10人"));
        let all = everybody(&town).await;
        assert_eq!(all.len(), HOUSEHOLDS.len() + 3);
        let code_of = |head: &str| all.iter().find(|one| one.head_name == head).unwrap().code.clone();
        // In a building that was there; in a new building of a new grid; in a new community.
        assert_eq!(code_of("赵桂芳"), "C01-G01-B001-3-301");
        assert_eq!(code_of("杨文军"), "C01-G03-B01-102");
        assert_eq!(code_of("陈秀英"), "C02-G01-B01-1-101");
        let admin = town.signed_in("admin").await;
        assert!(
            admin
                .get("/households?query=zgf")
                .await
                .text
                .contains("C01-G01-B001-3-301")
        );
        assert_eq!(admin.get("/households/C02-G01-B01-1-101").await.status, 200);
        assert!(admin.get("/audit").await.text.contains("导入住户"));

        // The same file again, as the other kind: every line is there already.
        let again = upload(&town, "register", "花名册.xlsx", &xlsx(&rows)).await;
        assert!(again.text.contains("已登记0户0人"));
        assert_eq!(again.text.matches("已经登记，未重复登记").count(), 3);
        assert_eq!(everybody(&town).await.len(), HOUSEHOLDS.len() + 3);
    }
}

on_both! {
    async fn lines_that_cannot_be_taken_say_why_and_the_others_are_not_held_up(town: Town) {
        let report = register(
            &town,
            csv(&[
                "晨光社区,第1网格,1号楼,1,301,赵桂芳,3",
                "晨光社区,第1网格,1号楼,1,302,,3",
                "晨光社区,第1网格,1号楼,1,303,杨文军,很多",
                "晨光社区,第1网格,1号楼,1,301,别人,2",
                "晨光社区,第1网格,1号楼,1,3月2日,陈秀英,2",
                "晨光社区,第1网格,1号楼,1,101,何敏,2",
                "晨光社区,第1网格,1号楼,1,304,=1+1,2",
                "晨光社区,第1网格,1号楼,1,305,110101199003077758,2",
                "晨光社区,第1网格,1号楼,2,306,王建国,4",
            ]),
        )
        .await;
        let refused: Vec<(usize, &str)> = report
            .refused
            .iter()
            .map(|line| (line.line, line.reason.as_str()))
            .collect();
        let told = [
            (3, "「户主」没有填"),
            (4, "应是1到30的整数"),
            (5, "和第2行是同一个房号"),
            (6, "被表格软件当成了日期"),
            (7, "已经登记"),
            (8, "会被表格软件当成公式"),
            (9, "像是身份证号"),
        ];
        assert_eq!(refused.len(), told.len(), "{refused:?}");
        for ((line, reason), (expected, words)) in refused.iter().zip(told) {
            assert_eq!(*line, expected, "{reason}");
            assert!(reason.contains(words), "{line}: {reason}");
        }
        assert_eq!((report.registered, report.people, report.new_areas), (2, 7, 0));
        // The name of somebody in the same building is taken, and somebody should look.
        assert_eq!(report.likely_duplicates.len(), 1);
        assert!(
            report.likely_duplicates[0].contains(WANG),
            "{}",
            report.likely_duplicates[0]
        );
        assert_eq!(everybody(&town).await.len(), HOUSEHOLDS.len() + 2);
    }
}

on_both! {
    async fn a_refused_line_leaves_nothing_behind(town: Town) {
        let areas = town.read(|conn| Ok(Tree::load(conn)?.all().len())).await;
        // A household that is registered, this time in a community that is not.
        let file = format!("户号,社区,网格,楼栋,房号,户主,人口\n{WANG},新社区,新网格,新楼,101,王建国,4");
        let report = register(&town, file.into_bytes()).await;
        assert_eq!((report.registered, report.refused.len()), (0, 1));
        assert_eq!(report.new_areas, 0);
        assert_eq!(town.read(|conn| Ok(Tree::load(conn)?.all().len())).await, areas);
    }
}

on_both! {
    /// Grids are numbered through the whole township, so the second community's only grid may be its second, or its tenth.
    async fn a_new_grid_gets_a_code_that_is_free(town: Town) {
        let now = town.app.now();
        town.write(move |conn| {
            let root = Tree::load(conn)?.root().unwrap().clone();
            let community = root.part(AreaKind::Community, "C02", "北坡社区", now);
            let grid = community.part(AreaKind::Grid, "G02", "第2网格", now);
            area::add(conn, &[community, grid])
        })
        .await
        .unwrap();
        let done = upload(
            &town,
            "register",
            "花名册.csv",
            &csv(&["北坡社区,第3网格,1号楼,1,101,赵桂芳,3"]),
        )
        .await;
        assert_eq!(done.status, 200);
        assert!(done.text.contains("已登记1户3人"));
        assert!(heads(&town).await.contains(&"赵桂芳".to_owned()));
    }
}

on_both! {
    async fn a_file_that_labels_people_is_refused_whole(town: Town) {
        for column in [
            "身份证号",
            "是否低保",
            "残疾等级",
            "民族",
            "重点人员",
            "健康状况",
            "ID number",
            "贫困户",
        ] {
            let file = format!("{HEADER},{column}\n晨光社区,第1网格,1号楼,1,301,赵桂芳,3,");
            for act in ["dry-run", "register"] {
                let answer = upload(&town, act, "x.csv", file.as_bytes()).await;
                assert_eq!(answer.status, 422, "{column}");
                assert!(
                    answer.text.contains("整个文件都没有导入") && answer.text.contains(column),
                    "{column}"
                );
            }
        }
        assert_eq!(everybody(&town).await.len(), HOUSEHOLDS.len());
        // Other columns are not kept, and that is said.
        let file = format!("{HEADER},备注\n晨光社区,第1网格,1号楼,1,301,赵桂芳,3,爱唱歌");
        let answer = upload(&town, "register", "x.csv", file.as_bytes()).await;
        assert!(answer.text.contains("备注（没有保存）") && !answer.text.contains("爱唱歌"));
    }
}

on_both! {
    async fn a_file_that_is_no_roster_says_what_to_do(town: Town) {
        let whole = xlsx(&["晨光社区,第1网格,1号楼,1,301,赵桂芳,3"]);
        let half = &whole[..whole.len() / 2];
        let zeros = vec![0; 4_096];
        let files: [(&str, &[u8], &str); 8] = [
            ("half.xlsx", half, "不完整或已损坏"),
            ("empty.csv", b"", "文件是空的"),
            ("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on", "旧版 Excel"),
            ("paper.pdf", b"%PDF-1.7 and so on", "不是花名册表格"),
            ("poem.csv", "床前明月光\n疑是地上霜".as_bytes(), "没有找到表头"),
            ("only.csv", HEADER.as_bytes(), "只有表头"),
            (
                "short.csv",
                "社区,网格,楼栋,户主\n晨光社区,第1网格,1号楼,赵桂芳".as_bytes(),
                "缺少这些列：房号、人口",
            ),
            ("zeros.csv", &zeros, ""),
        ];
        for (name, file, told) in files {
            for act in ["dry-run", "register"] {
                let answer = upload(&town, act, name, file).await;
                assert_eq!(answer.status, 422, "{name}");
                assert!(answer.text.contains(told), "{name}");
            }
        }
        // No file was chosen; more than a roster can be.
        assert_eq!(upload(&town, "register", "", b"").await.status, 422);
        let huge = upload(&town, "register", "huge.csv", &vec![b'x'; 22 * 1024 * 1024]).await;
        assert_eq!(huge.status, 422);
        assert!(huge.text.contains("文件超过20 MB"));
        assert_eq!(everybody(&town).await.len(), HOUSEHOLDS.len());
    }
}

on_both! {
    async fn old_desks_and_rare_characters_are_read_as_they_were_written(town: Town) {
        // GB18030 is what Chinese Windows saves as CSV; it has every character, the rare ones in four bytes.
        let text = String::from_utf8(csv(&[
            "晨光社区,第1网格,1号楼,5,501,𠮷永安,3",
            "晨光社区,第1网格,1号楼,5,502,李㛃,2",
        ]))
        .unwrap();
        let (gb18030, _, lost) = encoding_rs::GB18030.encode(&text);
        assert!(!lost);
        assert_eq!(register(&town, gb18030.into_owned()).await.registered, 2);
        let workbook = xlsx(&[
            "晨光社区,第1网格,1号楼,5,503,张𬭎,3",
            "晨光社区,第1网格,1号楼,5,504,王䶮,1",
            "晨光社区,第1网格,1号楼,5,505,买买提·艾力,6",
        ]);
        assert_eq!(register(&town, workbook).await.registered, 3);
        // With the mark that Excel puts before UTF-8, with other separators and line ends, and in another order of columns.
        let with_mark = format!(
            "\u{feff}{}",
            "户主\t人口\t房号\t楼栋\t网格\t社区\r\n赵龘\t4\t506\t1号楼\t第1网格\t晨光社区\r\n"
        );
        assert_eq!(register(&town, with_mark.into_bytes()).await.registered, 1);
        let found = heads(&town).await;
        for head in ["李㛃", "张𬭎", "王䶮", "买买提·艾力", "赵龘"] {
            assert!(found.contains(&head.to_owned()), "{head}");
        }
        assert_eq!(found.iter().filter(|head| *head == "𠮷永安").count(), 2);
        let admin = town.signed_in("admin").await;
        let rare = serde_urlencoded::to_string([("query", "𬭎")]).unwrap();
        assert!(admin.get(&format!("/households?{rare}")).await.text.contains("张𬭎"));
    }
}

on_both! {
    async fn many_lines_of_mistakes_make_a_page_that_opens(town: Town) {
        let rows: Vec<String> = (0..2_000)
            .map(|room| format!("晨光社区,第1网格,1号楼,7,{room},,0"))
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let answer = upload(&town, "dry-run", "x.csv", &csv(&rows)).await;
        assert!(answer.text.contains("2000行") && answer.text.contains("每样只列前200条"));
        assert!(answer.text.len() < 300_000, "{} bytes", answer.text.len());
    }
}

on_both! {
    async fn households_are_found_page_by_page(town: Town) {
        let rows: Vec<String> = (0..120)
            .map(|nth| format!("晨光社区,第1网格,8号楼,{},{},住户{nth},2", nth / 60 + 1, 101 + nth % 60))
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(register(&town, csv(&rows)).await.registered, 120);
        let admin = town.signed_in("admin").await;
        let (mut path, mut seen) = ("/households".to_owned(), std::collections::BTreeSet::new());
        for _ in 0..10 {
            let page = admin.get(&path).await.text;
            let codes = page
                .split("href=\"/households/")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            seen.extend(codes.filter(|code| !code.contains('/')).map(str::to_owned));
            let Some(next) = page
                .split("rel=\"next\"")
                .nth(1)
                .and_then(|rest| rest.split("href=\"").nth(1))
                .and_then(|rest| rest.split('"').next())
            else {
                break;
            };
            path = match next.strip_prefix('?') {
                Some(query) => format!("/households?{}", query.replace("&amp;", "&")),
                None => next.replace("&amp;", "&"),
            };
        }
        assert_eq!(seen.len(), HOUSEHOLDS.len() + 120);
        let found = admin.get("/households?query=lys").await.text;
        assert!(found.contains(LI) && !found.contains(WANG));
    }
}

on_both! {
    async fn a_name_in_latin_letters_is_found_however_it_is_typed(town: Town) {
        register(&town, csv(&["晨光社区,第1网格,1号楼,1,301,Anna Wang,3"])).await;
        let admin = town.signed_in("admin").await;
        for query in ["Anna", "anna", "ANNA", "Wang", "wang"] {
            assert!(
                admin
                    .get(&format!("/households?query={query}"))
                    .await
                    .text
                    .contains("Anna Wang"),
                "{query}"
            );
        }
    }
}
