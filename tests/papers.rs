//! Papers: every one set from its sample and from a town, whatever is written on it; changed templates.

mod characters;
mod clearing;
mod consent;
mod forms;
mod jobs;
mod keyed;
mod photos;
pub mod printed;
mod reading;
mod templates;
mod troubles;

use std::fs;
use std::path::Path;

use jishan::error::Error;
use jishan::papers::card::{CardPaper, CardSheet, SingleCard};
use jishan::papers::form::Form;
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::area::{self, AreaKind, Tree};
use jishan::print::{Printer, Purpose, Unprintable};
use serde_json::{Value, json};

use self::printed::{number, of, order};
use crate::town::{LI, Town, WANG, morning, on_both};

/// A file of `printables/`.
fn printable(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("printables").join(name)).unwrap()
}

fn sample(name: &str) -> Value {
    serde_json::from_slice(&printable(&format!("samples/{name}.json"))).unwrap()
}

/// Every template with a sample: the papers that can be asked for, and the cards.
fn templates() -> Vec<&'static str> {
    let mut all: Vec<&str> = Paper::ALL.iter().map(|paper| paper.word()).collect();
    all.extend(CardPaper::ALL.iter().map(|cards| cards.word()));
    all
}

/// What papers show as a drawing, set with their data.
const DRAWINGS: [&str; 4] = ["card-back", "card-ground", "card-sheet-fronts", "card-sheet-marks"];

fn set(printer: &Printer, name: &str, data: &Value) -> Result<jishan::print::Sheets, Error> {
    printer.set(&format!("{name}.typ"), data)
}

/// A press with the program's fonts. Without them nothing is printed, so a build without npm fails here and says so.
fn press_with_fonts() -> Printer {
    let printer = Printer::plain();
    assert!(
        printer.font_families().len() >= 4,
        "this build has no fonts: run `npm ci && touch package.json`, or bin/test"
    );
    printer
}

// ---- Samples -------------------------------------------------------------------------------------------------------

#[test]
fn every_sample_is_read_without_a_field_missing_or_to_spare() {
    for paper in Paper::ALL {
        let read = paper.read(&printable(&paper.sample()));
        assert_eq!(read, Ok(()), "{}", paper.word());
    }
    serde_json::from_slice::<CardSheet>(&printable("samples/card-sheet.json")).unwrap();
    serde_json::from_slice::<SingleCard>(&printable("samples/card.json")).unwrap();
    // It can fail: a field to spare is noticed, and a missing one.
    let mut spare = sample("statement");
    spare["more"] = json!(1);
    assert!(Paper::Statement.read(spare.to_string().as_bytes()).is_err());
    spare
        .as_object_mut()
        .unwrap()
        .retain(|key, _| key != "more" && key != "lines");
    assert!(Paper::Statement.read(spare.to_string().as_bytes()).is_err());
}

#[test]
fn every_sample_has_the_number_of_a_form_as_the_program_prints_it() {
    let mut seen = 0;
    for paper in Paper::ALL {
        let data = sample(paper.word());
        if let Some(number) = data["paper"]["form"]["id"].as_str() {
            assert!(Form::is_number(number), "{}: {number}", paper.word());
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen} forms");
}

#[test]
fn every_template_has_a_sample_and_belongs_to_a_paper() {
    let named = templates();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("printables")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name
            .strip_suffix(".typ")
            .filter(|name| !["lib", "office"].contains(name) && !DRAWINGS.contains(name))
        {
            assert!(named.contains(&name), "printables/{name}.typ belongs to no paper");
        }
    }
}

#[test]
fn every_sample_is_set_kept_as_pdf_a_and_says_what_it_says() {
    let printer = press_with_fonts();
    for name in templates() {
        let sheets = set(&printer, name, &sample(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        for purpose in [Purpose::Reading, Purpose::Printing] {
            let pdf = sheets
                .pdf(purpose, morning())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(pdf.starts_with(b"%PDF-"), "{name}");
            let text = String::from_utf8_lossy(&pdf);
            // Sheets of cards have drawings, which are set once for all cards; PDF/A does not allow them.
            assert_eq!(text.contains("pdfaid"), name != "card-sheet", "{name}: PDF/A");
            assert!(text.contains("/Lang"), "{name}: its language");
            assert!(text.contains("<dc:title>"), "{name}: its title");
            assert_eq!(
                text.contains("/StructTreeRoot"),
                purpose == Purpose::Reading,
                "{name}: its order"
            );
        }
        insta::assert_snapshot!(format!("papers_{name}"), sheets.text());
    }
}

/// Where ordinary printers print nothing.
const EDGE_MM: u32 = 5;

#[test]
fn nothing_stands_where_a_printer_does_not_reach() {
    let printer = press_with_fonts();
    // A receipt is as wide as what its printer reaches; a card is cut out of a sheet.
    for name in templates()
        .into_iter()
        .filter(|name| !["receipt", "card"].contains(name))
    {
        let sheets = set(&printer, name, &sample(name)).unwrap();
        for page in 0..sheets.pages() {
            let dpi = 72;
            let picture = sheets.grey(page, dpi).unwrap().unwrap();
            let edge = EDGE_MM * dpi * 10 / 254;
            let (width, height) = picture.dimensions();
            let dark = picture.enumerate_pixels().find(|(x, y, grey)| {
                let outside = *x < edge || *y < edge || *x >= width - edge || *y >= height - edge;
                outside && grey.0[0] < 200
            });
            assert_eq!(dark, None, "{name}, page {}", page + 1);
        }
    }
}

// ---- Hostile data --------------------------------------------------------------------------------------------------

const HOSTILE: [&str; 4] = [
    "#import \"x\": * *b* _c_ $d$ <e> @f `g` \\ // /* ] } ) ; # = 标题",
    "- 列表\n+ 第二\n\u{202E}倒过来\u{202C}\u{200F}😀👍🏽",
    "",
    " ",
];

/// Fields that are not words: what the program alone writes.
const NOT_WORDS: [&str; 10] = [
    "qr", "bars", "svg", "picture", "size", "flip", "width", "level", "align", "number",
];

fn with_words(data: &mut Value, words: &str) {
    match data {
        Value::String(text) => *text = words.to_owned(),
        Value::Array(all) => all.iter_mut().for_each(|one| with_words(one, words)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if !NOT_WORDS.contains(&name.as_str()) {
                    with_words(field, words);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn hostile_words_print_as_words_on_every_paper() {
    let printer = press_with_fonts();
    for name in templates() {
        for words in HOSTILE {
            let mut data = sample(name);
            with_words(&mut data, words);
            let sheets = set(&printer, name, &data).unwrap_or_else(|error| panic!("{name} with {words:?}: {error}"));
            if words.starts_with("#import") {
                let text: String = sheets.text().split_whitespace().collect();
                assert!(
                    text.contains("#import\"x\":*"),
                    "{name} does not show the words: {text}"
                );
            }
        }
    }
}

#[test]
fn a_name_or_address_of_ten_thousand_characters_breaks_nothing() {
    let printer = press_with_fonts();
    let (wide, unbroken) = ("王".repeat(10_000), "a".repeat(10_000));
    for (name, field, long, pages) in [
        ("statement", "/household/head_name", &wide, None),
        ("slip", "/slips/0/household/head_name", &unbroken, Some(1)),
        ("slip", "/slips/0/household/building", &wide, Some(1)),
        ("slip", "/slips/0/household/building", &unbroken, Some(1)),
        ("notice", "/rows/0/name", &wide, None),
        ("call-back-sheet", "/rows/0/door", &wide, Some(2)),
        ("call-back-sheet", "/rows/0/what", &unbroken, Some(2)),
        ("goods-poster", "/goods/0/name", &wide, Some(1)),
    ] {
        let mut data = sample(name);
        *data.pointer_mut(field).unwrap() = json!(long);
        let set = set(&printer, name, &data).unwrap().pages();
        assert!(
            pages.is_none_or(|pages| pages == set) && set >= 1,
            "{name} {field}: {set} pages"
        );
    }
}

#[test]
fn sheets_with_drawings_are_set_side_by_side() {
    let printer = press_with_fonts();
    let cards = sample("card-sheet");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..3 {
                    assert_eq!(set(&printer, "card-sheet", &cards).unwrap().pages(), 2);
                }
            });
        }
    });
}

// ---- A township's own templates --------------------------------------------------------------------------------------

#[test]
fn a_towns_own_template_is_taken_and_a_mistake_in_it_is_named_with_line_and_column() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("printables");
    fs::create_dir(&folder).unwrap();
    let printer = Printer::with_folder(folder.clone());
    let own = folder.join("plaque.typ");
    fs::write(
        &own,
        "#let data = json(\"/data.json\")\n#set page(width: 80mm, height: 40mm)\n本村的样子：#data.title",
    )
    .unwrap();
    assert!(
        set(&printer, "plaque", &sample("plaque"))
            .unwrap()
            .text()
            .contains("本村的样子")
    );

    fs::write(&own, "#let data = json(\"/data.json\")\n\n  #data.titel").unwrap();
    let error = set(&printer, "plaque", &sample("plaque")).err().unwrap();
    assert_eq!(error.code(), "template_error");
    assert!(error.to_string().contains("plaque.typ 第3行第"), "{error}");

    fs::write(&own, "#let data = json(\"/data.json\"").unwrap();
    let Err(Error::Refused(refusal)) = set(&printer, "plaque", &sample("plaque")) else {
        panic!("a template that does not end was set");
    };
    assert!(refusal.to_string().contains("第1行"), "{refusal}");

    // An office's editor writes what its computer is used to; what is no text is refused, and never passed over.
    for (encoding, bytes) in [
        ("GB18030", &b"\xB1\xBE\xB4\xE5\xB5\xC4\xD1\xF9\xD7\xD3"[..]),
        ("UTF-16", b"\xFF\xFE\x2C\x67\x51\x67\x84\x76\x37\x68\x50\x5B"),
        ("UTF-8 with its mark", "\u{FEFF}本村的样子".as_bytes()),
    ] {
        fs::write(&own, bytes).unwrap();
        let sheets = set(&printer, "plaque", &sample("plaque")).unwrap();
        assert_eq!(sheets.text(), "本村的样子\n", "{encoding}");
    }
    for name in ["plaque.typ", "lib.typ"] {
        fs::write(folder.join(name), b"\xB1\xBE\xFF\xFF").unwrap();
        let error = set(&printer, "plaque", &sample("plaque")).err().unwrap();
        assert_eq!(error.code(), "template_error");
        assert!(error.to_string().contains(&format!("{name} 读不出来")), "{error}");
        fs::remove_file(folder.join(name)).unwrap();
    }

    // A mistake in what a paper shows as a drawing is the drawing's own.
    fs::write(folder.join("card-ground.typ"), "#json(\"/data.json\").titel").unwrap();
    let error = set(&printer, "card-sheet", &sample("card-sheet")).err().unwrap();
    assert!(error.to_string().contains("card-ground.typ 第1行"), "{error}");

    // A drawing that would show itself is refused and not gone round and round.
    fs::write(folder.join("card-ground.typ"), "#image(\"/card-ground.pdf\")").unwrap();
    let error = set(&printer, "card-sheet", &sample("card-sheet")).err().unwrap();
    assert!(error.to_string().contains("card-ground.typ 第1行"), "{error}");

    // The village's emblem lies beside it. A picture that is not there is named.
    fs::write(folder.join("emblem.PNG"), emblem()).unwrap();
    fs::write(&own, "#image(\"/emblem.PNG\", width: 20mm)").unwrap();
    let with_emblem = set(&printer, "plaque", &sample("plaque")).unwrap();
    let pdf = with_emblem.pdf(Purpose::Reading, morning()).unwrap();
    assert!(String::from_utf8_lossy(&pdf).contains("/Subtype/Image"));
    fs::write(&own, "\n#image(\"/badge.png\")").unwrap();
    let error = set(&printer, "plaque", &sample("plaque")).err().unwrap();
    let words = error.to_string();
    assert!(
        words.contains("plaque.typ 第2行") && words.contains("badge.png"),
        "{words}"
    );

    // What it reads stays in its house: no file of the server is reached from a template, and beside it pictures only.
    fs::write(folder.join("list.txt"), "王建国").unwrap();
    fs::write(&own, "#read(\"/list.txt\")").unwrap();
    assert!(set(&printer, "plaque", &sample("plaque")).is_err());
    fs::write(&own, "#read(\"/etc/passwd\")").unwrap();
    assert!(set(&printer, "plaque", &sample("plaque")).is_err());
    fs::write(home.path().join("outside.png"), emblem()).unwrap();
    let outside = home.path().join("outside.png").display().to_string();
    for path in ["../outside.png", "/../outside.png", "/x/../../outside.png", &outside] {
        fs::write(&own, format!("#image({path:?})")).unwrap();
        assert!(set(&printer, "plaque", &sample("plaque")).is_err(), "{path}");
    }

    // What PDF/A does not allow is printed without it.
    fs::write(&own, "#rect(fill: cmyk(10%, 90%, 80%, 0%))").unwrap();
    let in_print_colours = set(&printer, "plaque", &sample("plaque")).unwrap();
    let pdf = in_print_colours.pdf(Purpose::Reading, morning()).unwrap();
    assert!(!String::from_utf8_lossy(&pdf).contains("pdfaid"));
    fs::remove_file(own).unwrap();
    assert!(
        !set(&printer, "plaque", &sample("plaque"))
            .unwrap()
            .text()
            .contains("本村的样子")
    );
}

/// A small picture.
fn emblem() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 8, image::Rgb([196, 30, 30]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn an_explanation_is_data() {
    let unprintable = Unprintable::Template {
        file: "notice.typ".into(),
        line: 3,
        column: 5,
        message: "unknown variable: x".into(),
    };
    let words = unprintable.to_string();
    assert!(
        words.contains("notice.typ 第3行第5列") && words.ends_with('。'),
        "{words}"
    );
}

#[test]
fn dots_for_a_receipt_printer_are_as_wide_as_its_paper() {
    let printer = press_with_fonts();
    for (width, dots) in [("58", 384_u32), ("80", 576)] {
        let mut data = sample("receipt");
        data["width"] = json!(width);
        let sheets = set(&printer, "receipt", &data).unwrap();
        assert_eq!(
            sheets
                .grey(0, jishan::print::RECEIPT_DPI)
                .unwrap()
                .unwrap()
                .width()
                .div_ceil(8)
                * 8,
            dots
        );
        let bytes = sheets.escpos().unwrap();
        assert!(bytes.starts_with(&[0x1B, b'@', 0x1D, b'v', b'0', 0]));
        assert_eq!(u32::from(bytes[6]) + 256 * u32::from(bytes[7]), dots / 8);
    }
}

// ---- From a town ---------------------------------------------------------------------------------------------------

on_both! {
    async fn a_statement_tells_where_each_point_came_from(town: Town) {
        town.earn(WANG, "E08", 1).await;
        town.promise(WANG, "C01", 1).await;
        let sheets = order(&town, Paper::Statement, of(WANG)).await.unwrap();
        let text = sheets.text();
        let spendable = town.spendable(WANG).await;
        assert!(text.contains("王建国") && text.contains(&spendable.to_string()), "{text}");
        for size in ["a4", "a5"] {
            for large in [false, true] {
                let asked = Asked { size: Some(size.to_owned()), large, ..of(WANG) };
                assert!(order(&town, Paper::Statement, asked).await.unwrap().pages() >= 1);
            }
        }
        let wrong = order(&town, Paper::Statement, Asked { size: Some("a0".into()), ..of(WANG) }).await;
        assert!(matches!(wrong, Err(Error::Invalid(_))));
        // This month is told as far as today; of one that is to come there is nothing to tell.
        let month = |month: &str| Asked { month: Some(month.to_owned()), ..of(WANG) };
        assert!(order(&town, Paper::Statement, month("2026-11")).await.is_ok());
        for to_come in ["2026-12", "2030-01"] {
            let early = order(&town, Paper::Statement, month(to_come)).await.map(|sheets| sheets.text());
            assert!(matches!(early, Err(Error::Invalid(_))), "{to_come}: {early:?}");
        }
        assert!(matches!(order(&town, Paper::Statement, of("nobody")).await, Err(Error::NotFound)));
        assert!(matches!(order(&town, Paper::Statement, Asked::default()).await, Err(Error::Invalid(_))));
    }
}

on_both! {
    async fn a_notice_shows_no_household_and_the_slips_do(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let notice = order(&town, Paper::Notice, number("1")).await.unwrap().text();
        assert!(notice.contains("王**") && !notice.contains("王建国") && !notice.contains(WANG), "{notice}");
        let slips = order(&town, Paper::Slip, number("1")).await.unwrap().text();
        assert!(slips.contains("王建国") && slips.contains("1-1"), "{slips}");
        for paper in [Paper::Agenda, Paper::TallySheet, Paper::Minutes] {
            let text = order(&town, paper, number("1")).await.unwrap().text();
            assert!(!text.contains("王建国"), "{}: {text}", paper.word());
        }
        for paper in [Paper::Broadcast, Paper::HonourBoard] {
            // Nobody agreed to be named, so there is nothing to print.
            let refused = order(&town, paper, number("1")).await.map(|sheets| sheets.text());
            assert!(matches!(refused, Err(Error::Invalid(_))), "{}: {refused:?}", paper.word());
        }
    }
}

on_both! {
    async fn papers_that_need_nothing_but_a_town_are_set(town: Town) {
        town.earn(WANG, "E08", 1).await;
        for paper in [
            Paper::RuleBook,
            Paper::NominationForm,
            Paper::ShelfLabels,
            Paper::GoodsPoster,
            Paper::Register,
            Paper::MonthSummary,
            Paper::CallBackSheet,
        ] {
            let asked = Asked { kind: Some("issue".into()).filter(|_| paper == Paper::Register), ..Asked::default() };
            let sheets = order(&town, paper, asked).await.unwrap_or_else(|error| panic!("{}: {error}", paper.word()));
            assert!(sheets.pages() >= 1);
        }
        // A consent form has a number before it is printed.
        assert!(matches!(order(&town, Paper::ConsentForm, of(LI)).await, Err(Error::Invalid(_))));
    }
}

on_both! {
    async fn a_paper_is_asked_for_at_its_door_within_ones_own_area(town: Town) {
        let path = format!("/papers/statement?household={WANG}");
        let answer = town.signed_in("grid").await.get(&path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text.starts_with("%PDF-"));
        assert_eq!(town.signed_in("far-grid").await.get(&path).await.status, 404);
        let missing = town.signed_in("grid").await.get("/papers/statement").await;
        assert_eq!(missing.status, 422);
        assert!(missing.text.contains("请写明户号"), "{}", missing.text);
    }
}

#[test]
fn papers_in_one_file_keep_their_pages_and_share_their_fonts() {
    let printer = press_with_fonts();
    let statement = || set(&printer, "statement", &sample("statement")).unwrap();
    let one = statement();
    let (pages, text, first) = (one.pages(), one.text(), one.png(0, 60).unwrap());
    let alone = one.pdf(Purpose::Printing, morning()).unwrap().len();
    let seen = || statement().only_seen();
    let four = seen().followed_by(vec![seen(), seen(), seen()]);
    assert_eq!(four.pages(), 4 * pages);
    assert_eq!(four.text(), text.repeat(4));
    assert!(four.png(pages, 60).unwrap() == first, "nothing that is seen is gone");
    let together = four.pdf(Purpose::Printing, morning()).unwrap().len();
    assert!(together < 2 * alone, "{together} bytes of four, {alone} of one");
}

// ---- Photographs of sheets -----------------------------------------------------------------------------------------

#[test]
fn photographed_sheets_are_read_and_what_is_not_clear_is_left_to_a_person() {
    use photos::Care;
    use reading::{Printed, Rate, SHEETS};
    const SEEDS: std::ops::Range<u64> = 5_001..5_003;
    let printer = press_with_fonts();
    let (mut clear, mut hard) = (Rate::default(), Rate::default());
    for name in SHEETS {
        let sheet = Printed::of(&printer, name);
        clear += sheet.photographed(Care::Easy, SEEDS);
        clear += sheet.photographed(Care::Medium, SEEDS);
        // What is hard even for eyes is tried too: it may be refused, and is not read wrongly.
        hard += sheet.photographed(Care::Hard, SEEDS);
    }
    assert!(clear.read * 10 >= clear.taken * 9, "{clear:?}");
    assert_eq!(clear.wrong_numbers + hard.wrong_numbers, 0);
    let mut all = clear;
    all += hard;
    assert!(all.right > 2 * (all.unsure + all.wrong), "{all:?}");
    assert!(all.wrong * 300 <= all.right, "{all:?}");
}

// ---- Areas ---------------------------------------------------------------------------------------------------------

on_both! {
    async fn a_short_code_of_an_area_names_one_or_is_refused(town: Town) {
        let asked = |code: &str| Order {
            asked: Asked { area: Some(code.to_owned()), ..Asked::default() },
            duties: None,
            now: town.app.now(),
        };
        let find = async |code: &str| {
            let order = asked(code);
            let found = town.app.db.read(move |conn| {
                let tree = Tree::load(conn)?;
                let found = order.area(&tree)?;
                Ok(found.map(|area| area.path.clone()))
            });
            found.await.map(Option::unwrap_or_default)
        };
        assert_eq!(find("G02").await.unwrap(), "T01/C01/G02/");
        // A second community, with a grid of its own that is called the same, and another named as one of the first's full codes.
        town.write(|conn| {
            let tree = Tree::load(conn)?;
            let community = tree.root().unwrap().part(AreaKind::Community, "C02", "南坪社区", morning());
            let grid = community.part(AreaKind::Grid, "G02", "第2网格", morning());
            let odd = community.part(AreaKind::Grid, "C01", "C01片", morning());
            area::add(conn, &[community, grid, odd])
        })
        .await
        .unwrap();
        for (code, path) in [("C01-G02", "T01/C01/G02/"), ("C02-G02", "T01/C02/G02/"), ("C01", "T01/C01/"), ("B001", "T01/C01/G01/B001/"), ("", "")] {
            assert_eq!(find(code).await.unwrap(), path, "{code}");
        }
        let refused = find("G02").await.unwrap_err().to_string();
        assert!(refused.contains("C01-G02") && refused.contains("C02-G02"), "{refused}");
        assert!(find("G09").await.unwrap_err().to_string().contains("没有这个区域代码"));
    }
}
