//! Files that commands read and write: rules, photographs of cards, rosters, goods.

use jishan::places::household;

use super::{address, err, jishan, out};
use crate::town::{Town, on_both};

#[test]
fn a_file_of_rules_is_looked_at_without_any_programme() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/scheme.json");
    let good = jishan(folder.path(), &["scheme", "validate", sample]);
    assert_eq!(
        (good.status.code(), out(&good).lines().count()),
        (Some(0), 1),
        "{}",
        err(&good)
    );
    let text = std::fs::read_to_string(sample).unwrap();
    let huge = format!("{}{}", text, " ".repeat(5 * 1024 * 1024));
    let latin = b"{\"name_zh\":\"\xE9\"}".to_vec();
    for (bytes, told) in [
        (
            text.replace("拾金不昧", "全年不上访").into_bytes(),
            "项目 C05 全年不上访：",
        ),
        (text.replace("\"cap\": 10,", "").into_bytes(), "没有上限"),
        (b"{".to_vec(), "第1行"),
        (b"".to_vec(), "第1行"),
        (b"[1]".to_vec(), "对象"),
        (huge.into_bytes(), "文件太大"),
        (latin, "UTF-8"),
    ] {
        std::fs::write(folder.path().join("rules.json"), bytes).unwrap();
        let bad = jishan(folder.path(), &["scheme", "validate", "rules.json"]);
        assert_eq!(bad.status.code(), Some(1), "{told}");
        let said = format!("{}{}", out(&bad), err(&bad));
        assert!(said.contains(told) && !said.contains("panicked"), "{told}: {said}");
    }
    assert_eq!(
        jishan(folder.path(), &["scheme", "validate", "none.json"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_photograph_of_a_card_is_read_or_the_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "HTTPS://EXAMPLE.ORG/K/4028173652-7K3M9QX27K3M";
    std::fs::write(folder.path().join("card.png"), jishan::cards::qr::png(text, 6).unwrap()).unwrap();
    let read = jishan(folder.path(), &["card", "decode", "card.png"]);
    assert_eq!(
        (read.status.code(), out(&read)),
        (Some(0), format!("{text}\n")),
        "{}",
        err(&read)
    );
    let mut empty = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(300, 300)
        .write_to(&mut empty, image::ImageFormat::Png)
        .unwrap();
    std::fs::write(folder.path().join("dark.png"), empty.into_inner()).unwrap();
    std::fs::write(folder.path().join("text.jpg"), "not a picture").unwrap();
    for (file, why) in [
        ("dark.png", "没有找到二维码"),
        ("text.jpg", "不是JPEG或PNG"),
        ("none.png", "none.png"),
    ] {
        let none = jishan(folder.path(), &["card", "decode", file]);
        assert_eq!((none.status.code(), out(&none).as_str()), (Some(1), ""), "{file}");
        assert!(err(&none).contains(why), "{file}: {}", err(&none));
    }
}

#[test]
fn a_version_is_written_back_into_an_equal_file() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/scheme.json");
    for arguments in [
        &["import", "scheme", sample, "--data", "."][..],
        &["scheme", "export", "--out", "out.json", "--data", "."],
        &["import", "scheme", "out.json", "--data", "."],
    ] {
        let done = jishan(folder.path(), arguments);
        assert!(done.status.success(), "{arguments:?}: {}", err(&done));
    }
    let second = jishan(folder.path(), &["scheme", "export", "--version", "2", "--data", "."]);
    assert_eq!(out(&second), std::fs::read_to_string(sample).unwrap());
    let none = jishan(folder.path(), &["scheme", "export", "--version", "9", "--data", "."]);
    assert_eq!(none.status.code(), Some(1));
}

on_both! {
    async fn a_roster_is_tried_out_and_imported(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let (address, file) = (address(&town), folder.path().join("花名册.csv"));
        std::fs::write(
            &file,
            "社区,网格,楼栋,房号,户主,人口\n晨光社区,第1网格,1号楼,301,赵桂芳,3\n晨光社区,第1网格,1号楼,302,,3\n",
        )
        .unwrap();
        let import = async |more: &[&str]| {
            let mut arguments = vec!["import", "households", "花名册.csv", "--database", &address];
            arguments.extend(more);
            jishan(folder.path(), &arguments)
        };
        let all = async || town.read(household::count).await;
        let before = all().await;
        let tried = import(&["--dry-run"]).await;
        assert!(tried.status.success(), "{}", err(&tried));
        assert!(
            out(&tried).starts_with("试读完成，什么也没有登记。可登记1户3人，新增区域0个；未接收1行。\n"),
            "{}",
            out(&tried)
        );
        assert!(out(&tried).contains("第3行“户主”列：「户主」没有填"), "{}", out(&tried));
        assert_eq!(all().await, before);
        let done = import(&[]).await;
        assert!(out(&done).starts_with("已登记1户3人"), "{}", out(&done));
        assert_eq!(all().await, (before.0 + 1, before.1 + 3));
        let again = import(&[]).await;
        assert!(out(&again).starts_with("已登记0户0人"), "{}", out(&again));
        // A file that may not be taken, or is not there.
        std::fs::write(
            &file,
            "社区,网格,楼栋,房号,户主,人口,低保\n晨光社区,第1网格,1号楼,303,杨文军,3,是\n",
        )
        .unwrap();
        let refused = import(&[]).await;
        assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""));
        assert!(err(&refused).contains("整个文件都没有导入"), "{}", err(&refused));
        std::fs::remove_file(&file).unwrap();
        let missing = import(&[]).await;
        assert_eq!(missing.status.code(), Some(1));
        assert!(err(&missing).contains("花名册.csv"), "{}", err(&missing));
        assert_eq!(all().await, (before.0 + 1, before.1 + 3));
    }
}

on_both! {
    async fn rules_and_goods_are_brought_in_from_files(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let address = address(&town);
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
        let scheme = format!("{samples}/scheme.json");
        let loaded = jishan(
            folder.path(),
            &[
                "import",
                "scheme",
                &scheme,
                "--active-from",
                "2027-01-01",
                "--database",
                &address,
            ],
        );
        assert!(loaded.status.success(), "{}", err(&loaded));
        assert!(out(&loaded).contains("第2版，2027-01-01起施行"), "{}", out(&loaded));
        std::fs::write(folder.path().join("bad.json"), "{}").unwrap();
        let bad = jishan(folder.path(), &["import", "scheme", "bad.json", "--database", &address]);
        assert_eq!((bad.status.code(), out(&bad).as_str()), (Some(1), ""));
        // The town's four goods are among the sample's, so nothing of it is taken.
        let goods = format!("{samples}/goods.csv");
        let taken = jishan(folder.path(), &["import", "goods", &goods, "--database", &address]);
        assert_eq!(taken.status.code(), Some(1));
        assert!(
            err(&taken).contains("G001") && err(&taken).contains("已经登记"),
            "{}",
            err(&taken)
        );
        let count = town.read(|conn| Ok(jishan::shop::goods::on_offer(conn)?.len())).await;
        assert_eq!(count, crate::town::GOODS.len());
        // What is no goods is named with its line; two of one barcode could not be told apart by a scanner.
        let header =
            "sku,barcode,name_zh,unit,category,price_points,cost_cents,limit_per_household_per_month,shelf_life_days";
        for (rows, why) in [
            ("X1,,毛巾,条,日用,0,500,,", "第2行"),
            (
                "X1,,毛巾,条,日用,5,500,,\nX1,,脸盆,个,日用,5,500,,",
                "第3行 X1：编号重复",
            ),
            ("X1,,毛巾,条,日用,五,500,,", "第2行"),
            ("X1,690,毛巾,条,日用,5,500,,\nX2,690,脸盆,个,日用,5,500,,", "条码"),
            ("X1,6900000001066,毛巾,条,日用,5,500,,", "条码"),
        ] {
            std::fs::write(folder.path().join("goods.csv"), format!("{header}\n{rows}\n")).unwrap();
            let wrong = jishan(folder.path(), &["import", "goods", "goods.csv", "--database", &address]);
            assert_eq!((wrong.status.code(), out(&wrong).as_str()), (Some(1), ""), "{rows}");
            assert!(err(&wrong).contains(why), "{rows}: {}", err(&wrong));
        }
        // Without those four it is taken.
        let text = std::fs::read_to_string(&goods).unwrap();
        let is_new = |line: &&str| !crate::town::GOODS.iter().any(|(sku, ..)| line.starts_with(sku));
        let rest: Vec<&str> = text.lines().filter(is_new).collect();
        std::fs::write(folder.path().join("rest.csv"), rest.join("\n")).unwrap();
        let done = jishan(folder.path(), &["import", "goods", "rest.csv", "--database", &address]);
        assert_eq!(
            out(&done),
            format!("已登记商品{}种\n", rest.len() - 1),
            "{}",
            err(&done)
        );
    }
}
