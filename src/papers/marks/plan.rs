//! The plan of a sheet that comes back on paper: where its codes, rows and boxes stand.
//!
//! The one source for both sides: the printer sets what stands here, the reader looks for it here. A plan follows from a few
//! numbers that are kept with the form (how many rows, which groups of boxes), so the places themselves are not. A change
//! here makes sheets unreadable that were printed before: add another plan instead.

#![expect(clippy::float_arithmetic, reason = "millimetres; nothing of it is counted")]

use super::plane::Place;

/// Codes on a page.
pub const CORNERS: usize = 4;
/// The most boxes of a row.
pub const BOXES_A_ROW: u32 = 20;

/// Light modules around a code, which belong to its drawing.
pub(super) const QUIET_MODULES: u32 = 4;
/// The side of a code's drawing; its modules are then 0.83 mm, and its ink begins 3.3 mm further in.
pub(super) const CODE_SIDE: f64 = 24.0;
/// Where the codes at the left, at the top, at the right and at the bottom begin, on A4 upright.
const CODES_AT: [f64; 4] = [5.0, 5.0, 181.0, 268.0];
/// Where the first row begins, in millimetres from the page's top.
const ROWS_TOP: f64 = 48.0;
/// How high all rows of a full page are, in millimetres.
const ROWS_HEIGHT: f64 = 220.0;
/// Between which the boxes of a score sheet stand, in millimetres from the page's left.
const SCORE_LEFT: f64 = 62.0;
const SCORE_RIGHT: f64 = 198.0;
/// The least space between two groups, and the most from box to box, in millimetres.
const BETWEEN_GROUPS: f64 = 3.0;
const PITCH_MAX: f64 = 9.0;

/// Where a corner code is drawn, in millimetres from the page's top left, its quiet zone of four modules included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corner {
    /// Which one, from 1: top left, top right, bottom left, bottom right.
    pub number: u32,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Its width and height.
    pub side: f64,
}

/// The corners of every page.
#[must_use]
pub fn corners() -> [Corner; CORNERS] {
    let [left, top, right, bottom] = CODES_AT;
    [(1, left, top), (2, right, top), (3, left, bottom), (4, right, bottom)].map(|(number, x, y)| Corner {
        number,
        x,
        y,
        side: CODE_SIDE,
    })
}

/// What the code in a corner of a page says, as `Q2317-3/2/3`: form, page, corner. Up to 16 characters fit the smallest code.
#[must_use]
pub fn corner_text(form: &str, page: u32, corner: u32) -> String {
    format!("{form}/{page}/{corner}")
}

/// A box to tick, in millimetres from the page's top left to the middle of its frame's line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TickBox {
    /// Its row, from 1 over all pages.
    pub row: u32,
    /// Its place in the row, from 1.
    pub column: u32,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Its width and height.
    pub side: f64,
}

/// A row of a page: everything between two of its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Which one, from 1 over all pages.
    pub number: u32,
    /// Its upper line, in millimetres from the page's top.
    pub y: f64,
    /// Its height, in millimetres.
    pub height: f64,
}

/// One page of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Which one, from 1.
    pub page: u32,
    /// Its codes.
    pub corners: [Corner; CORNERS],
    /// Its rows, from above.
    pub rows: Vec<Row>,
    /// Its boxes, row by row.
    pub boxes: Vec<TickBox>,
}

/// What a sheet has to ask.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    rows: u32,
    rows_a_page: u32,
    /// Where the boxes of a row begin, from the left and below the row's upper line.
    lefts: Vec<f64>,
    below: f64,
    side: f64,
}

impl Plan {
    /// A sign-in sheet: one box a row.
    #[must_use]
    pub fn sign_in(rows: u32) -> Plan {
        Plan {
            rows,
            rows_a_page: 22,
            lefts: vec![89.5],
            below: 2.5,
            side: 5.0,
        }
    }

    /// A score sheet: for each criterion a group of so many boxes, one for each mark. `None` for more than `BOXES_A_ROW`.
    #[must_use]
    pub fn score(rows: u32, marks: &[u32]) -> Option<Plan> {
        let boxes = marks.iter().try_fold(0, |sum: u32, marks| sum.checked_add(*marks))?;
        let groups = f64::from(u32::try_from(marks.len()).ok()?);
        if !(1..=BOXES_A_ROW).contains(&boxes) {
            return None;
        }
        let pitch = ((SCORE_RIGHT - SCORE_LEFT - groups * BETWEEN_GROUPS) / f64::from(boxes)).min(PITCH_MAX);
        let side = (0.66 * pitch).min(4.8);
        // What is left over goes between the groups.
        let between = (SCORE_RIGHT - SCORE_LEFT - f64::from(boxes) * pitch) / groups;
        let mut left = SCORE_LEFT + between / 2.0;
        let mut lefts = Vec::new();
        for marks in marks {
            for _ in 0..*marks {
                lefts.push(rounded(left + (pitch - side) / 2.0));
                left += pitch;
            }
            left += between;
        }
        Some(Plan {
            rows,
            rows_a_page: 20,
            lefts,
            below: rounded(9.8 - side),
            side: rounded(side),
        })
    }

    /// The pages, the same for the same plan.
    #[must_use]
    pub fn pages(&self) -> Vec<Layout> {
        (0..self.rows.div_ceil(self.rows_a_page))
            .map(|page| self.page(page))
            .collect()
    }

    fn page(&self, page: u32) -> Layout {
        let (first, height) = (page * self.rows_a_page, ROWS_HEIGHT / f64::from(self.rows_a_page));
        let rows = (0..self.rows_a_page.min(self.rows - first)).map(|place| Row {
            number: first + place + 1,
            y: ROWS_TOP + f64::from(place) * height,
            height,
        });
        let rows: Vec<Row> = rows.collect();
        let of_row = |row: &Row| {
            let (number, y) = (row.number, row.y + self.below);
            let boxes = (1..).zip(&self.lefts);
            boxes
                .map(move |(column, x)| TickBox {
                    row: number,
                    column,
                    x: *x,
                    y,
                    side: self.side,
                })
                .collect::<Vec<_>>()
        };
        let boxes = rows.iter().flat_map(of_row).collect();
        Layout {
            page: page + 1,
            corners: corners(),
            rows,
            boxes,
        }
    }
}

/// To hundredths of a millimetre.
fn rounded(millimetres: f64) -> f64 {
    (millimetres * 100.0).round() / 100.0
}

impl TickBox {
    /// Its middle, in millimetres from the page's top left.
    pub(super) fn middle(&self) -> Place {
        Place::new(self.x + self.side / 2.0, self.y + self.side / 2.0)
    }
}
