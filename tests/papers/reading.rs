//! How well photographed sheets are read: the sample sheets are printed, filled in and photographed by `photos`, and what is read is
//! compared with what was meant. For the test, and for `bin/bench photos`.

#![expect(clippy::as_conversions, clippy::unwrap_used, reason = "a scale, in a test")]

use std::ops::{AddAssign, Range};

use image::GrayImage;
use serde_json::Value;

use jishan::cards::photo;
use jishan::papers::marks::{self, Layout, Plan, Sheet, Unreadable, Verdict};
use jishan::print::Printer;

use super::photos::{Bits, Care, Meaning, Scene, fill, photograph};

/// The sheets that are read from photographs.
pub const SHEETS: [&str; 2] = ["sign-in-sheet", "score-sheet"];

const DPI: u32 = 200;
/// How many boxes somebody did something to.
const FILLED: f32 = 0.25;
/// What the program makes of a photograph's longer side before it reads a form.
const PHOTO_SIDE: u32 = 2_400;

/// What came of photographs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// Photographs.
    pub taken: usize,
    /// Of which the form's number was read.
    pub numbers: usize,
    /// Of which another number was read.
    pub wrong_numbers: usize,
    /// Of which the boxes were read.
    pub read: usize,
    /// Boxes read as they were meant; a doubtful one is meant for a person.
    pub right: usize,
    /// Boxes that are left for a person and would not have had to be.
    pub unsure: usize,
    /// Boxes read as something else.
    pub wrong: usize,
    /// Boxes with nothing or with a plain tick or cross, as nearly all are in life.
    pub plain: usize,
    /// Of which read as they were meant.
    pub plain_right: usize,
}

impl AddAssign for Rate {
    fn add_assign(&mut self, other: Rate) {
        self.taken += other.taken;
        self.numbers += other.numbers;
        self.wrong_numbers += other.wrong_numbers;
        self.read += other.read;
        self.right += other.right;
        self.unsure += other.unsure;
        self.wrong += other.wrong;
        self.plain += other.plain;
        self.plain_right += other.plain_right;
    }
}

/// The first page of a sample sheet, printed.
pub struct Printed {
    number: String,
    layout: Layout,
    page: GrayImage,
}

impl Printed {
    /// Prints one.
    pub fn of(printer: &Printer, name: &str) -> Printed {
        let sample = Printer::original(&format!("samples/{name}.json")).unwrap();
        let data: Value = serde_json::from_str(&sample).unwrap();
        let sheets = printer.set_json(&format!("{name}.typ"), sample.into_bytes()).unwrap();
        Printed {
            number: data.pointer("/paper/form/id").unwrap().as_str().unwrap().to_owned(),
            layout: plan_of(&data).pages().remove(0),
            page: sheets.grey(0, DPI).unwrap().unwrap(),
        }
    }

    /// Fills it in and photographs it once for each seed.
    pub fn photographed(&self, care: Care, seeds: Range<u64>) -> Rate {
        let mut rate = Rate::default();
        for seed in seeds {
            let (mut page, mut bits) = (self.page.clone(), Bits::new(seed));
            let kinds = fill(&mut page, &self.layout, DPI as f32, FILLED, &mut bits);
            let scene = Scene::of(care, &mut bits);
            let jpeg = photograph(&page, DPI as f32, &scene, &mut bits);
            let photo = photo::grey(&jpeg, PHOTO_SIDE).unwrap();
            rate.taken += 1;
            let number = number_on(&photo);
            rate.numbers += usize::from(number.as_ref() == Some(&self.number));
            rate.wrong_numbers += usize::from(number.is_some_and(|number| number != self.number));
            let Ok(reading) = marks::read(&photo, |_, _| Some(self.layout.clone())) else {
                continue;
            };
            rate.read += 1;
            for (mark, kind) in reading.marks.iter().zip(&kinds) {
                let is_right = matches!(
                    (kind.meaning(), mark.verdict),
                    (Meaning::Ticked, Verdict::Ticked)
                        | (Meaning::Empty, Verdict::Empty)
                        | (Meaning::Doubtful, Verdict::Unsure)
                );
                match mark.verdict {
                    _ if is_right => rate.right += 1,
                    Verdict::Unsure => rate.unsure += 1,
                    _ => rate.wrong += 1,
                }
                rate.plain += usize::from(kind.is_plain());
                rate.plain_right += usize::from(kind.is_plain() && is_right);
            }
        }
        rate
    }
}

/// The number of the form in a photograph.
fn number_on(photo: &GrayImage) -> Option<String> {
    match Sheet::found(photo, |_, _| None) {
        Err(Unreadable::UnknownForm { form, .. }) => Some(form),
        _ => None,
    }
}

/// The plan of a sample's rows and boxes.
fn plan_of(data: &Value) -> Plan {
    let pages = data["pages"].as_array().unwrap().iter();
    let rows = pages.map(|page| page["rows"].as_array().unwrap().len()).sum::<usize>();
    let rows = u32::try_from(rows).unwrap();
    match data["criteria"].as_array() {
        None => Plan::sign_in(rows),
        Some(criteria) => {
            let marks = criteria
                .iter()
                .map(|one| u32::try_from(one["marks"].as_array().unwrap().len()).unwrap());
            Plan::score(rows, &marks.collect::<Vec<u32>>()).unwrap()
        }
    }
}
