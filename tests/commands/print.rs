//! `jishan print`: one paper, and many.

use std::fs;

use jishan::cards::card;

use super::{address, err, jishan, out};
use crate::town::{Town, WANG, on_both};

#[test]
fn a_sample_is_printed_in_each_form_and_what_is_no_paper_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (file, begins) in [
        ("a.pdf", b"%PDF-1.7".as_slice()),
        ("a.png", b"\x89PNG"),
        ("a.escpos", b"\x1b@"),
    ] {
        let printed = jishan(folder.path(), &["print", "receipt", "--sample", "--out", file]);
        assert!(printed.status.success(), "{}", err(&printed));
        assert_eq!(out(&printed), format!("{file}：1页\n"));
        assert!(
            fs::read(folder.path().join(file)).unwrap().starts_with(begins),
            "{file}"
        );
    }
    for (arguments, why) in [
        (
            ["print", "poster", "--sample", "--out", "b.pdf"],
            "没有“poster”这种打印件",
        ),
        (["print", "statements", "--sample", "--out", "b.pdf"], "没有样张"),
        (
            ["print", "receipt", "--sample", "--out", "b.doc"],
            "文件名要以.pdf、.png或.escpos结尾",
        ),
        (["print", "statement", "--data", ".", "--out=b.pdf"], "请写明户号"),
    ] {
        let refused = jishan(folder.path(), &arguments);
        assert_eq!(
            (refused.status.code(), out(&refused).as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
        assert!(err(&refused).contains(why), "{arguments:?}: {}", err(&refused));
    }
    // A changed template is taken, and a mistake in it named with its place; nothing is written.
    let changed = folder.path().join("printables");
    fs::create_dir(&changed).unwrap();
    fs::write(
        changed.join("receipt.typ"),
        "#set page(width: 58mm, height: auto)\n#let x = \n",
    )
    .unwrap();
    let mistake = [
        "print",
        "receipt",
        "--sample",
        "--printables",
        "printables",
        "--out",
        "c.pdf",
    ];
    let refused = jishan(folder.path(), &mistake);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        err(&refused).contains("receipt.typ") && err(&refused).contains("第2行"),
        "{}",
        err(&refused)
    );
    assert!(!folder.path().join("b.pdf").exists() && !folder.path().join("c.pdf").exists());
}

on_both! {
    async fn papers_of_a_programme_are_printed_and_what_is_missing_is_said(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let database = address(&town);
        let print = |rest: &[&str]| {
            let all = [&["print"], rest, &["--database", &database]].concat();
            jishan(folder.path(), &all)
        };
        let printed = print(&["statement", "--household", WANG, "--size", "a5", "--out", "a.pdf"]);
        assert!(printed.status.success(), "{}", err(&printed));
        for (rest, why) in [
            (vec!["statement", "--out", "b.pdf"], "请写明户号"),
            (vec!["statement", "--household", "nobody", "--out", "b.pdf"], "没有"),
            (vec!["register", "--kind", "none", "--out", "b.pdf"], "请写明哪一本台账：issue、redemptions"),
            (vec!["ceremony", "--year", "2019", "--place", "社区活动室", "--out", "b.pdf"], "没有表彰会议程"),
            (vec!["certificates", "--year", "2019", "--out", "many"], "没有奖状要打印"),
            (vec!["plaques", "--year", "19", "--out", "many"], "年份写成2026这样"),
            (vec!["statements", "--size", "a3", "--out", "many"], "纸张大小可以是a4、a5"),
            (vec!["statements", "--month", "2026", "--out", "many"], "月份写成2026-11这样"),
        ] {
            let refused = print(&rest);
            assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""), "{rest:?}");
            assert!(err(&refused).contains(why) && !err(&refused).is_empty(), "{rest:?}: {}", err(&refused));
        }
        assert!(!folder.path().join("b.pdf").exists());
        // What was refused left nothing that the next command would stumble over.
        assert!(!folder.path().join("many").exists());
        let printed = print(&["statements", "--size", "a5", "--out", "many"]);
        assert!(printed.status.success(), "{}", err(&printed));
    }
}

on_both! {
    async fn a_folder_holds_what_the_command_asks_for_or_the_command_says_so(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let database = address(&town);
        let print = |rest: &[&str]| {
            let all = [&["print", "statements", "--out", "out", "--database", &database], rest].concat();
            jishan(folder.path(), &all)
        };
        let printed = print(&["--month", "2026-10"]);
        assert!(printed.status.success(), "{}", err(&printed));
        for other in [
            vec!["--month", "2026-09"],
            vec![],
            vec!["--month", "2026-10", "--size", "a5"],
            vec!["--month", "2026-10", "--large"],
            vec!["--month", "2026-10", "--area", "C01"],
            vec!["--month", "2026-10", "--households", "1"],
        ] {
            let refused = print(&other);
            assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""), "{other:?}");
            assert!(err(&refused).contains("换一个文件夹"), "{other:?}: {}", err(&refused));
        }
        let again = print(&["--month", "2026-10"]);
        assert_eq!((again.status.code(), out(&again)), (Some(0), out(&printed)));
        // The papers are those of the first time, and the command says that.
        assert!(!err(&printed).contains("没有再打印") && err(&again).contains("没有再打印"), "{}", err(&again));
    }
}

on_both! {
    async fn papers_that_were_refused_are_not_counted_as_printed(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let database = address(&town);
        let printables = folder.path().join("printables");
        fs::create_dir(&printables).unwrap();
        let print = |template: &str, to: &str| {
            fs::write(printables.join("statement.typ"), template).unwrap();
            jishan(folder.path(), &["print", "statements", "--printables", "printables", "--out", to, "--database", &database])
        };
        // A mistake is found before anything is made.
        let refused = print("#let x = \n", "mistake");
        assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""));
        assert!(err(&refused).contains("statement.typ") && !folder.path().join("mistake").exists(), "{}", err(&refused));
        // One that only some papers have is said of each of them.
        let one = "#let data = json(\"/data.json\")\n#if data.household.code == \"C01-G01-B001-1-102\" { panic(data.household.head_name) }\nA\n";
        let printed = print(one, "one");
        assert_eq!(printed.status.code(), Some(1), "{}", out(&printed));
        assert!(out(&printed).contains("打印了3份") && out(&printed).contains("1份没有打印"), "{}", out(&printed));
        assert!(err(&printed).contains("C01-G01-B001-1-102") && !err(&printed).contains("李玉山"), "{}", err(&printed));
        let none = print("#let data = json(\"/data.json\")\n#if data.household.code.starts-with(\"C01-\") { panic() }\nA\n", "none");
        assert_eq!(none.status.code(), Some(1));
        assert!(out(&none).contains("打印了0份") && out(&none).contains("4份没有打印"), "{}", out(&none));
    }
}

on_both! {
    async fn many_cards_are_printed_once_however_often_the_command_is_run(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let database = address(&town);
        let cards = ["print", "cards", "--households", "3", "--out", "cards", "--database", &database];
        let printed = jishan(folder.path(), &cards);
        assert!(printed.status.success(), "{}", err(&printed));
        assert!(out(&printed).contains("3份"), "{}", out(&printed));
        let numbers = || async {
            let everybody = town.household(WANG).await.id;
            town.read(move |conn| card::numbers_in_use(conn, &[everybody])).await
        };
        let before = numbers().await;
        assert_eq!(before.len(), 1);
        // One household's: not everybody's because it has one.
        let one = ["print", "cards", "--household", WANG, "--out", "one", "--database", &database];
        let refused = jishan(folder.path(), &one);
        assert_eq!(refused.status.code(), Some(1));
        assert!(err(&refused).contains("已经有卡"), "{}", err(&refused));
        let single = jishan(folder.path(), &["print", "card", "--household", WANG, "--out", "a.pdf", "--database", &database]);
        assert!(err(&single).contains("cards --household"), "{}", err(&single));
        let again = jishan(folder.path(), &cards);
        assert_eq!(out(&again), out(&printed));
        assert_eq!(numbers().await, before);
        // The folder belongs to that job.
        let other = jishan(folder.path(), &["print", "statements", "--out", "cards", "--database", &database]);
        assert_eq!(other.status.code(), Some(1));
        assert!(err(&other).contains("换一个文件夹"), "{}", err(&other));
    }
}
