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
            (vec!["register", "--kind", "none", "--out", "b.pdf"], ""),
            (vec!["ceremony", "--year", "2019", "--place", "社区活动室", "--out", "b.pdf"], "没有表彰会议程"),
            (vec!["certificates", "--year", "2019", "--out", "many"], "没有奖状要打印"),
            (vec!["plaques", "--year", "19", "--out", "many"], "年份写成2026这样"),
        ] {
            let refused = print(&rest);
            assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""), "{rest:?}");
            assert!(err(&refused).contains(why) && !err(&refused).is_empty(), "{rest:?}: {}", err(&refused));
        }
        assert!(!folder.path().join("b.pdf").exists());
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
