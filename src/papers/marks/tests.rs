//! Small sheets drawn here, read back. How well photographs are read is measured with the printed sheets in `tests/papers`.

#![expect(clippy::as_conversions, clippy::float_arithmetic, reason = "drawing by millimetres")]

use image::imageops::{overlay, rotate90, rotate180};
use image::{GrayImage, Luma};
use qrcode::{Color, EcLevel, QrCode};

use super::*;

/// Pixels of a millimetre.
const SCALE: f64 = 6.0;

fn pixels(millimetres: f64) -> i64 {
    (millimetres * SCALE).round() as i64
}

/// Blackens what lies between these places, in millimetres.
fn blacken(page: &mut GrayImage, (left, top): (f64, f64), (right, bottom): (f64, f64)) {
    for y in pixels(top)..pixels(bottom) {
        for x in pixels(left)..pixels(right) {
            page.put_pixel(x as u32, y as u32, Luma([30]));
        }
    }
}

/// A page with its codes and frames, printed a little pale.
fn printed(form: &str, layout: &Layout) -> GrayImage {
    let mut page = GrayImage::from_pixel(1_260, 1_782, Luma([225]));
    for corner in layout.corners {
        let text = corner_text(form, layout.page, corner.number);
        let code = QrCode::with_error_correction_level(text, EcLevel::Q).unwrap();
        let module = corner.side / (code.width() + 8) as f64;
        for (place, _) in code.to_colors().iter().enumerate().filter(|one| *one.1 == Color::Dark) {
            let (x, y) = ((place % code.width() + 4) as f64, (place / code.width() + 4) as f64);
            let (left, top) = (corner.x + x * module, corner.y + y * module);
            blacken(&mut page, (left, top), (left + module, top + module));
        }
    }
    for one in &layout.boxes {
        let (left, top, right, bottom) = (one.x, one.y, one.x + one.side, one.y + one.side);
        for (from, to) in [
            ((left, top), (right, top)),
            ((left, bottom), (right, bottom)),
            ((left, top), (left, bottom)),
            ((right, top), (right, bottom)),
        ] {
            blacken(&mut page, (from.0 - 0.17, from.1 - 0.17), (to.0 + 0.17, to.1 + 0.17));
        }
    }
    page
}

/// A stroke through the box of a row, between two places of it, of 1, half a millimetre wide.
fn stroke(page: &mut GrayImage, layout: &Layout, row: u32, from: (f64, f64), to: (f64, f64)) {
    let one = layout.boxes.iter().find(|one| one.row == row).unwrap();
    for step in 0..=60 {
        let part = f64::from(step) / 60.0;
        let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
        let (x, y) = (one.x + one.side * x, one.y + one.side * y);
        blacken(page, (x - 0.25, y - 0.25), (x + 0.25, y + 0.25));
    }
}

fn sign_in() -> Layout {
    Plan::sign_in(22).pages().remove(0)
}

/// A sheet on which row 1 has a cross, 2 a tick, 3 is blacked out, 4 has a tick struck through, 5 a tail from next door.
fn filled_in(form: &str) -> GrayImage {
    let layout = sign_in();
    let mut page = printed(form, &layout);
    stroke(&mut page, &layout, 1, (0.1, 0.1), (0.9, 0.9));
    stroke(&mut page, &layout, 1, (0.9, 0.1), (0.1, 0.9));
    for row in [2, 4] {
        stroke(&mut page, &layout, row, (0.15, 0.5), (0.4, 0.85));
        stroke(&mut page, &layout, row, (0.4, 0.85), (0.9, 0.15));
    }
    for line in 0..=10 {
        stroke(
            &mut page,
            &layout,
            3,
            (0.05, f64::from(line) / 10.0),
            (0.95, f64::from(line) / 10.0),
        );
    }
    stroke(&mut page, &layout, 4, (-0.4, 0.5), (1.4, 0.5));
    stroke(&mut page, &layout, 5, (-0.6, 0.9), (0.3, 0.4));
    page
}

fn verdicts(photo: &GrayImage) -> Result<Vec<Verdict>, Unreadable> {
    let reading = read(photo, |form, page| (form == "Q2317-3" && page == 1).then(sign_in))?;
    assert_eq!(
        (reading.form.as_str(), reading.page, reading.marks.len()),
        ("Q2317-3", 1, 22)
    );
    let rows: Vec<u32> = reading.marks.iter().map(|mark| mark.row).collect();
    assert_eq!(rows, (1..=22).collect::<Vec<u32>>());
    Ok(reading.marks.iter().map(|mark| mark.verdict).collect())
}

fn expected() -> Vec<Verdict> {
    let mut all = vec![
        Verdict::Ticked,
        Verdict::Ticked,
        Verdict::Unsure,
        Verdict::Unsure,
        Verdict::Unsure,
    ];
    all.resize(22, Verdict::Empty);
    all
}

#[test]
fn marks_are_read_however_the_sheet_lies() {
    let page = filled_in("Q2317-3");
    assert_eq!(verdicts(&page), Ok(expected()));
    assert_eq!(verdicts(&rotate90(&page)), Ok(expected()));
    assert_eq!(verdicts(&rotate180(&page)), Ok(expected()));
}

#[test]
fn three_corners_are_enough_and_two_are_not() {
    let mut page = filled_in("Q2317-3");
    let hand = GrayImage::from_pixel(180, 180, Luma([140]));
    overlay(&mut page, &hand, pixels(181.0), pixels(5.0));
    assert_eq!(verdicts(&page), Ok(expected()));
    overlay(&mut page, &hand, pixels(5.0), pixels(268.0));
    let refused = verdicts(&page).unwrap_err();
    assert_eq!(refused, Unreadable::TooFewCorners(2));
    assert!(refused.to_string().starts_with("只认出2个角的二维码"), "{refused}");
}

#[test]
fn a_code_is_found_by_its_squares_where_it_is_smudged() {
    let mut page = filled_in("Q2317-3");
    // Between the squares, where the text is.
    blacken(&mut page, (190.5, 10.5), (195.5, 25.5));
    assert_eq!(verdicts(&page), Ok(expected()));
}

#[test]
fn what_is_not_one_sheet_of_ours_is_told_so() {
    let blank = GrayImage::from_pixel(900, 1_200, Luma([200]));
    assert_eq!(verdicts(&blank), Err(Unreadable::NoCode));
    let unknown = Unreadable::UnknownForm {
        form: "Q9999-2".to_owned(),
        page: 1,
    };
    assert_eq!(verdicts(&filled_in("Q9999-2")), Err(unknown));
    for other in ["Q2317-3", "Q2318-5"] {
        let mut two = GrayImage::from_pixel(2_520, 1_782, Luma([225]));
        overlay(&mut two, &filled_in("Q2317-3"), 0, 0);
        overlay(&mut two, &filled_in(other), 1_260, 0);
        assert_eq!(verdicts(&two), Err(Unreadable::SeveralSheets), "{other}");
    }
    let mut wiped = filled_in("Q2317-3");
    overlay(
        &mut wiped,
        &GrayImage::from_pixel(300, 1_290, Luma([225])),
        pixels(70.0),
        pixels(48.0),
    );
    assert_eq!(verdicts(&wiped), Err(Unreadable::Blurred));
}

#[test]
fn a_row_is_cut_out_straight() {
    let sheet = Sheet::found(&rotate180(&filled_in("Q2317-3")), |_, _| Some(sign_in())).unwrap();
    let strip = sheet.strip(3).unwrap();
    assert_eq!(strip.dimensions(), (900, 55));
    // The blacked out box of the row, and paper beside it.
    let at = |x: f64| strip.get_pixel(((x - 8.0) * 900.0 / 194.0) as u32, 27).0[0];
    assert!(at(92.0) < 90, "{}", at(92.0));
    assert!(at(120.0) > 200, "{}", at(120.0));
    assert!(sheet.strip(23).is_none());
}

#[test]
fn plans_stay_on_the_page_and_off_the_codes() {
    let plans = [
        Plan::sign_in(45),
        Plan::score(45, &[4, 4, 4, 4]).unwrap(),
        Plan::score(1, &[6, 6, 6]).unwrap(),
        Plan::score(20, &[20]).unwrap(),
    ];
    for plan in plans {
        let pages = plan.pages();
        assert_eq!(pages, plan.pages());
        let mut rows = 0;
        for (number, page) in (1..).zip(&pages) {
            assert_eq!(page.page, number);
            for row in &page.rows {
                rows += 1;
                assert_eq!(row.number, rows);
                assert!(row.y >= 48.0 && row.y + row.height <= 268.1);
            }
            for pair in page.boxes.windows(2) {
                let (one, next) = (&pair[0], &pair[1]);
                assert!(one.row < next.row || next.x - one.x > 1.4 * one.side, "{pair:?}");
            }
            for one in &page.boxes {
                let row = page.rows.iter().find(|row| row.number == one.row).unwrap();
                assert!(one.y > row.y && one.y + one.side < row.y + row.height);
                assert!(one.x > 60.0 && one.x + one.side < 198.0 && one.side > 3.9);
            }
        }
    }
    assert_eq!(Plan::score(10, &[6, 6, 6, 6]), None);
    assert_eq!(Plan::score(10, &[]), None);
    assert_eq!(Plan::sign_in(0).pages(), Vec::new());
    assert_eq!(corner_text("Q2317-3", 2, 3), "Q2317-3/2/3");
}
