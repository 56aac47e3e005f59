//! Tick boxes: where they stand on a sheet that comes back on paper, and which of them are ticked in a photograph of it.
//!
//! The printer and the reader ask the same [`Plan`] for the places, so they cannot disagree. Four codes in the corners say
//! which page of which form it is and how the camera saw it; the frame of each box is then looked for near its place, because
//! paper bends. What is inside is measured against the paper around it and the black of the codes.
//!
//! A reading is a draft that a person confirms. Therefore whatever is between a clear mark and a clear nothing is `Unsure`:
//! a dot, a box blacked out or struck through (which is how the sheet says to take a mark back), ink from next door.
//! This file does not know what a box means, keeps nothing, and takes its time: call it where blocking is allowed.

#![expect(
    clippy::float_arithmetic,
    reason = "millimetres and brightness; nothing of it is counted"
)]

mod codes;
mod ink;
mod plan;
mod plane;
#[cfg(test)]
mod tests;

use image::{GrayImage, Luma};

use self::codes::{Found, whole};
use self::ink::{Patch, percentile};
pub use self::plan::{BOXES_A_ROW, CORNERS, Corner, Layout, Plan, Row, TickBox, corner_text, corners};
use self::plane::{Place, Projection};

// ---- What is read --------------------------------------------------------------------------------------------------

/// What a box shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A clear mark.
    Ticked,
    /// Nothing but paper.
    Empty,
    /// Neither; a person has to look.
    Unsure,
}

/// One box, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The row of its box.
    pub row: u32,
    /// Its place in the row.
    pub column: u32,
    /// What it shows.
    pub verdict: Verdict,
}

/// What a photograph says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The form.
    pub form: String,
    /// The page, from 1.
    pub page: u32,
    /// Every box of the page, in the layout's order.
    pub marks: Vec<Mark>,
}

/// Why a photograph was not read, and what the person who took it can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No code of a sheet's corner.
    #[error("照片里没有找到表单四角的二维码。请把纸放平，光线亮一些，四个角都拍进画面，对清楚再拍一张。")]
    NoCode,
    /// Codes of one or two corners only.
    #[error("只认出{0}个角的二维码，至少要认出3个。请把四个角都拍进画面，不要用手遮住，对清楚再拍一张。")]
    TooFewCorners(usize),
    /// Codes of several sheets, or pages, lie in one picture.
    #[error("一张照片里有几张表。请一次只拍一张、一页。")]
    SeveralSheets,
    /// Nobody printed it here.
    #[error("没有编号为{form}的表单，或者它没有第{page}页。请检查是不是本村（社区）打印的表单。")]
    UnknownForm {
        /// What its code says.
        form: String,
        /// Its page.
        page: u32,
    },
    /// The frames of the boxes are not where they should be.
    #[error("方框看不清或者位置对不上。请把纸压平，镜头正对着纸，对清楚再拍一张；还是不行，请照着纸手工录入。")]
    Blurred,
}

/// Reads the boxes of a photographed page. `layout_of` answers which page was printed under a form's number.
///
/// # Errors
/// Why it was not read.
pub fn read(photo: &GrayImage, layout_of: impl Fn(&str, u32) -> Option<Layout>) -> Result<Reading, Unreadable> {
    Sheet::found(photo, layout_of)?.read()
}

// ---- A sheet in a photograph ---------------------------------------------------------------------------------------

/// The longer side to which a photograph is brought, in pixels: seven of them make a millimetre of a page that fills it.
const LONG_SIDE_MAX: u32 = 2_400;
/// So many corners tell how the page lies.
const CORNERS_MIN: usize = 3;
/// So many frames near by must be seen, if there are so many, for one to be believed.
const NEIGHBOURS_MIN: usize = 3;
/// How far two boxes may lie apart for the paper to be bent alike at both, in millimetres.
const NEAR: f64 = 30.0;
/// How often the frames that were not found are looked for again.
const ROUNDS: usize = 3;
/// How far a box may lie from its place, in sides of it; more than 0.7, and it could be taken for the one next door.
const SHIFT_MAX: f64 = 0.6;
/// How far a frame may be from where its neighbours say, in millimetres.
const ASTRAY: f64 = 0.6;
/// How wide the strip of a row is, in pixels.
const STRIP_WIDTH: u32 = 900;
/// Between which it shows the page, in millimetres from the left.
const STRIP_LEFT: f64 = 8.0;
const STRIP_RIGHT: f64 = 202.0;

/// A page that was found in a photograph.
pub struct Sheet {
    form: String,
    layout: Layout,
    photo: GrayImage,
    camera: Projection,
    /// How bright the blackest is, as a part of the paper's brightness.
    black: f64,
    /// How far each box lies from its place, in millimetres; `None` where its frame was not found.
    shifts: Vec<Option<Place>>,
}

impl Sheet {
    /// Finds the page, which may lie in the picture in any direction.
    ///
    /// # Errors
    /// Why there is none.
    pub fn found(photo: &GrayImage, layout_of: impl Fn(&str, u32) -> Option<Layout>) -> Result<Sheet, Unreadable> {
        let photo = at_most(photo, LONG_SIDE_MAX);
        let codes = codes::found(&photo);
        let first = codes.first().ok_or(Unreadable::NoCode)?;
        let apart = |one: &Found| codes.iter().any(|other| one.is_of_another_sheet(other));
        if codes.iter().any(apart) {
            return Err(Unreadable::SeveralSheets);
        }
        let (form, page) = (first.form.clone(), first.page);
        let Some(layout) = layout_of(&form, page) else {
            return Err(Unreadable::UnknownForm { form, page });
        };
        let pairs: Vec<_> = codes.iter().flat_map(Found::pairs).collect();
        let camera = Projection::fitted(&pairs).filter(|_| codes.len() >= CORNERS_MIN);
        let camera = camera.ok_or(Unreadable::TooFewCorners(codes.len()))?;
        let black = ink::black(&photo, &camera, &codes);
        let mut sheet = Sheet {
            form,
            layout,
            photo,
            camera,
            black,
            shifts: Vec::new(),
        };
        sheet.shifts = sheet.shifts();
        Ok(sheet)
    }

    /// Reads its boxes.
    ///
    /// # Errors
    /// `Blurred` if most frames are not to be seen.
    pub fn read(&self) -> Result<Reading, Unreadable> {
        if self.shifts.iter().flatten().count() * 2 < self.layout.boxes.len() {
            return Err(Unreadable::Blurred);
        }
        let marks = self.layout.boxes.iter().zip(&self.shifts).map(|(tick_box, shift)| {
            let ink = shift.map(|shift| self.patch(tick_box, shift).ink()).unwrap_or_default();
            Mark {
                row: tick_box.row,
                column: tick_box.column,
                verdict: ink.verdict(),
            }
        });
        Ok(Reading {
            form: self.form.clone(),
            page: self.layout.page,
            marks: marks.collect(),
        })
    }

    /// A row as a straight strip, 900 pixels wide, to be shown beside the draft; `None` if the page has no such row.
    #[must_use]
    pub fn strip(&self, row: u32) -> Option<GrayImage> {
        let band = self.layout.rows.iter().find(|band| band.number == row)?;
        let mut boxes = self.layout.boxes.iter().zip(&self.shifts);
        let shift = boxes.find(|(tick_box, _)| tick_box.row == row);
        let shift = shift.and_then(|(_, shift)| *shift).unwrap_or(Place::new(0.0, 0.0));
        let step = (STRIP_RIGHT - STRIP_LEFT) / f64::from(STRIP_WIDTH);
        let height = whole((band.height + 2.0) / step)?;
        Some(GrayImage::from_fn(STRIP_WIDTH, height, |x, y| {
            let (x, y) = (STRIP_LEFT + f64::from(x) * step, band.y - 1.0 + f64::from(y) * step);
            let light = whole(self.light(Place::new(x + shift.x, y + shift.y)).round());
            Luma([light.and_then(|light| u8::try_from(light).ok()).unwrap_or(u8::MAX)])
        }))
    }

    /// How far the boxes lie from their places, for those whose frames are seen where their neighbours' frames say. Who is
    /// not found at first is looked for again there, because bent paper is further off the further in.
    fn shifts(&self) -> Vec<Option<Place>> {
        let boxes = &self.layout.boxes;
        let unmoved = Place::new(0.0, 0.0);
        let mut own: Vec<Option<Place>> = boxes.iter().map(|one| self.frame(one, unmoved)).collect();
        for _ in 0..ROUNDS {
            let usual: Vec<Option<Place>> = boxes.iter().map(|one| self.usual(one, &own)).collect();
            let is_astray = |own: Option<Place>, usual: Place| own.is_none_or(|own| own.distance(usual) > ASTRAY);
            for ((one, own), usual) in boxes.iter().zip(&mut own).zip(usual) {
                *own = match usual {
                    Some(usual) if is_astray(*own, usual) => self.frame(one, usual),
                    Some(_) => *own,
                    None => None,
                };
                *own = own.filter(|own| usual.is_some_and(|usual| !is_astray(Some(*own), usual)));
            }
        }
        own
    }

    /// How far the frame of a box lies from its place, if it is seen about as far off as said.
    fn frame(&self, tick_box: &TickBox, about: Place) -> Option<Place> {
        let further = self.patch(tick_box, about).frame()?;
        let shift = Place::new(about.x + further.x, about.y + further.y);
        (shift.distance(Place::new(0.0, 0.0)) < SHIFT_MAX * tick_box.side).then_some(shift)
    }

    /// How far the boxes around one lie from their places, in the middle of them.
    fn usual(&self, tick_box: &TickBox, shifts: &[Option<Place>]) -> Option<Place> {
        let middle = tick_box.middle();
        let near = self.layout.boxes.iter().zip(shifts);
        let near = near.filter(|(other, _)| other.middle().distance(middle) < NEAR);
        let all = near.clone().count();
        let (across, down): (Vec<f64>, Vec<f64>) =
            near.filter_map(|(_, shift)| shift.map(|one| (one.x, one.y))).unzip();
        let place = Place::new(percentile(&across, 50)?, percentile(&down, 50)?);
        (across.len() >= NEIGHBOURS_MIN.min(all)).then_some(place)
    }

    /// The page around a box that is shifted by so many millimetres.
    fn patch(&self, tick_box: &TickBox, shift: Place) -> Patch {
        Patch::of(tick_box.side, self.black, |x, y| {
            self.light(Place::new(tick_box.x + shift.x + x, tick_box.y + shift.y + y))
        })
    }

    /// How bright the photograph is at a place of the page, 0 to 255.
    fn light(&self, page: Place) -> f64 {
        ink::light(&self.photo, self.camera.of(page))
    }
}

/// A photograph brought down to this longer side; a smaller one is left as it is.
fn at_most(photo: &GrayImage, side: u32) -> GrayImage {
    let long_side = photo.width().max(photo.height());
    if long_side <= side {
        return photo.clone();
    }
    let to = |one: u32| {
        whole(f64::from(one) * f64::from(side) / f64::from(long_side))
            .unwrap_or(1)
            .max(1)
    };
    codes::resized(photo, to(photo.width()), to(photo.height())).into_luma8()
}
