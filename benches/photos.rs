//! How well photographs of forms are read: their numbers, and which boxes are ticked.
//!
//! `bin/bench photos [--photos N]`. The sheets are printed from their samples, filled in by a hurried hand and photographed, turned,
//! tilted, bent, blurred, in shade and with noise; all of it is drawn, and the same in every run (`tests/papers/photos.rs`). Real
//! sheets before real phones are another matter.

#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement has a stop-watch, divides, and falls over when something is wrong"
)]

#[path = "../tests/papers/photos.rs"]
mod photos;
#[path = "../tests/papers/reading.rs"]
mod reading;

use std::time::Instant;

use jishan::print::Printer;
use photos::Care;
use reading::{Printed, Rate, SHEETS};

const CARES: [(&str, Care); 3] = [
    ("with care", Care::Easy),
    ("as people do", Care::Medium),
    ("in haste", Care::Hard),
];

/// Not the seeds of the test.
const FIRST_SEED: u64 = 20_001;

fn main() {
    let photos = wanted();
    let printer = Printer::plain();
    let sheets = SHEETS.map(|name| (name, Printed::of(&printer, name)));
    println!(
        "| {photos} photographs each | numbers read | sheets read | boxes right | left for a person | wrong | plain boxes right | s each |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut together = Rate::default();
    for (how, care) in CARES {
        for (name, sheet) in &sheets {
            let began = Instant::now();
            let rate = sheet.photographed(care, FIRST_SEED..FIRST_SEED + photos);
            let each = began.elapsed().as_secs_f64() / photos as f64;
            tell(&format!("{name}, {how}"), &rate, &format!("{each:.2}"));
            together += rate;
        }
    }
    tell("together", &together, "");
    println!("\nnumbers read wrongly: {}", together.wrong_numbers);
}

fn tell(what: &str, rate: &Rate, each: &str) {
    let boxes = rate.right + rate.unsure + rate.wrong;
    let part = |number: usize, of: usize| format!("{:.1} %", 100.0 * number as f64 / of.max(1) as f64);
    println!(
        "| {what} | {} | {} | {} | {} | {} of {boxes} | {} | {each} |",
        part(rate.numbers, rate.taken),
        part(rate.read, rate.taken),
        part(rate.right, boxes),
        part(rate.unsure, boxes),
        rate.wrong,
        part(rate.plain_right, rate.plain),
    );
}

/// Photographs of each kind: what follows `--photos`, or 30.
fn wanted() -> u64 {
    let mut given = std::env::args().skip_while(|one| one != "--photos").skip(1);
    given.next().map_or(30, |number| number.parse().unwrap())
}
