//! The codes in the corners of a photographed sheet: what they say and where they lie.
//!
//! `cards::photo` tells what codes say; here it matters where they are, to a fraction of a pixel, so rxing's detector itself is
//! asked for the three squares of each code. Squares are still to be seen where what lies between them is blurred: one
//! code that is read tells where the other three must be, and there their squares are enough. It looks in several ways, the
//! quick ones first, until all four corners are found. Whether the places are right, the frames of the boxes will tell.

#![expect(
    clippy::float_arithmetic,
    reason = "geometry of photographs; nothing of it is counted"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage};
use rxing::common::{DetectorRXingResult as _, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR};
use rxing::{BinaryBitmap, Luma8Source};

use super::plan::{CODE_SIDE, CORNERS, Corner, QUIET_MODULES, corner_text, corners};
use super::plane::{Place, Projection};
use crate::papers::form::Form;

/// More squares than those of this many codes are not tried against each other: it would take long, and no sheet has them.
const CODES_MAX: usize = 16;
/// How far from where it must be a code may lie, as a part of its distance from the nearest known one.
const ASTRAY: f64 = 0.2;

/// The middles of a code's squares, in pixels: top left, top right, bottom left.
type Squares = [Place; 3];

/// A corner code in a photograph.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The form.
    pub(super) form: String,
    /// Its page, from 1.
    pub(super) page: u32,
    /// Which corner, from 1.
    corner: u32,
    /// Modules along a side.
    modules: u32,
    squares: Squares,
}

impl Found {
    /// Where the middles of the squares lie on the page and in the photograph.
    pub(super) fn pairs(&self) -> Vec<(Place, Place)> {
        let corner = corners().into_iter().find(|corner| corner.number == self.corner);
        corner.map_or_else(Vec::new, |corner| {
            self.on_page(&corner).into_iter().zip(self.squares).collect()
        })
    }

    /// How far from the middle of a square, to the side, its paper is white, in millimetres.
    pub(super) fn quiet(&self) -> f64 {
        5.5 * self.module()
    }

    /// Whether another code cannot be of the same sheet: it says so, or it says the same from somewhere else.
    pub(super) fn is_of_another_sheet(&self, other: &Found) -> bool {
        let ([mine, ..], [theirs, right, _]) = (self.squares, other.squares);
        let same_page = (&self.form, self.page) == (&other.form, other.page);
        !same_page || self.corner == other.corner && mine.distance(theirs) > theirs.distance(right)
    }

    /// Where the squares of such a code lie on the page, in a corner of it.
    fn on_page(&self, corner: &Corner) -> Squares {
        let near = (f64::from(QUIET_MODULES) + 3.5) * self.module();
        let (left, top) = (corner.x + near, corner.y + near);
        let (right, bottom) = (corner.x + corner.side - near, corner.y + corner.side - near);
        [Place::new(left, top), Place::new(right, top), Place::new(left, bottom)]
    }

    fn module(&self) -> f64 {
        CODE_SIDE / f64::from(self.modules + 2 * QUIET_MODULES)
    }
}

/// The ways to look at a photograph: its longer side in pixels, and how far edges are lifted before. What finds most in least
/// time comes first.
const LOOKS: [(u32, Option<f32>); 7] = [
    (1_600, None),
    (1_600, Some(2.0)),
    (1_300, None),
    (2_000, Some(3.5)),
    (2_400, None),
    (1_000, None),
    (2_400, Some(3.5)),
];

/// The corner codes in a photograph: of a sheet as many as there are, and of further sheets what comes along.
pub(super) fn found(photo: &GrayImage) -> Vec<Found> {
    let mut seen = Seen::default();
    let mut best = Vec::new();
    for (side, lift) in LOOKS {
        seen.add(looked_at(photo, side, lift));
        let all = seen.completed();
        if all.len() > best.len() {
            best = all;
        }
        if best.len() >= CORNERS {
            break;
        }
    }
    best
}

/// What was seen in one look or in several.
#[derive(Default)]
struct Seen {
    /// Codes that were read.
    codes: Vec<Found>,
    /// Three squares that may be a code's.
    squares: Vec<Squares>,
}

impl Seen {
    /// What a further look has seen; a code that is known is not taken again.
    fn add(&mut self, more: Seen) {
        let known = self.codes.clone();
        let is_new = |one: &Found| {
            let same = |other: &Found| other.corner == one.corner && !other.is_of_another_sheet(one);
            !known.iter().any(same)
        };
        self.codes.extend(more.codes.into_iter().filter(is_new));
        self.squares.extend(more.squares);
    }

    /// The codes that were read, and those of the first one's sheet of which only squares are to be seen.
    fn completed(&self) -> Vec<Found> {
        let mut all = self.codes.clone();
        let Some(first) = all.first().cloned() else {
            return all;
        };
        if all.iter().any(|one| one.is_of_another_sheet(&first)) {
            return all;
        }
        while let Some(further) = self.further(&first, &all) {
            all.push(further);
        }
        all
    }

    /// The best squares for a corner that is missing.
    fn further(&self, first: &Found, all: &[Found]) -> Option<Found> {
        let mut pairs: Vec<_> = all.iter().flat_map(Found::pairs).collect();
        if let [tl, tr, bl] = pairs.as_slice() {
            // A single code is too small to tell how the page is tilted: it is taken as not tilted at all.
            let fourth = |tl: Place, tr: Place, bl: Place| Place::new(tr.x + bl.x - tl.x, tr.y + bl.y - tl.y);
            pairs.push((fourth(tl.0, tr.0, bl.0), fourth(tl.1, tr.1, bl.1)));
        }
        let camera = Projection::fitted(&pairs)?;
        let missing = corners()
            .into_iter()
            .filter(|corner| all.iter().all(|one| one.corner != corner.number));
        let mut near: Vec<(f64, Found)> = missing
            .flat_map(|corner| {
                let expected = first.on_page(&corner).map(|place| camera.of(place));
                let known = all.iter().flat_map(|one| one.squares);
                let away = known
                    .map(|square| square.distance(expected[0]))
                    .fold(f64::MAX, f64::min);
                self.squares.iter().filter_map(move |squares| {
                    let error = astray(&expected, squares)? / away;
                    let found = Found {
                        corner: corner.number,
                        squares: *squares,
                        ..first.clone()
                    };
                    (error < ASTRAY).then_some((error, found))
                })
            })
            .collect();
        near.sort_by(|one, other| one.0.total_cmp(&other.0));
        near.into_iter().next().map(|(_, found)| found)
    }
}

/// How far squares are from where they are expected; `None` if they are turned or sized otherwise.
fn astray(expected: &Squares, squares: &Squares) -> Option<f64> {
    let side = |squares: &Squares, to: usize| {
        let ([from, ..], end) = (squares, squares.get(to)?);
        Some(Place::new(end.x - from.x, end.y - from.y))
    };
    for to in [1, 2] {
        let (wanted, seen) = (side(expected, to)?, side(squares, to)?);
        let long = wanted.x.hypot(wanted.y);
        if wanted.distance(seen) > 0.35 * long {
            return None;
        }
    }
    let ([wanted, ..], [seen, ..]) = (expected, squares);
    Some(wanted.distance(*seen))
}

/// Looks at a photograph that is brought to another size and perhaps sharpened.
fn looked_at(photo: &GrayImage, side: u32, lift: Option<f32>) -> Seen {
    let scale = f64::from(side) / f64::from(photo.width().max(photo.height()));
    let to = |side: u32| whole(f64::from(side) * scale).unwrap_or(1).max(1);
    let (width, height) = (to(photo.width()), to(photo.height()));
    let picture = resized(photo, width, height);
    let picture = lift
        .map_or_else(|| picture.clone(), |sigma| sharpened(&picture, sigma))
        .into_luma8();
    // The reader indexes and unwraps freely. Should it panic over a strange picture, it has seen nothing.
    let mut seen = catch_unwind(AssertUnwindSafe(|| detected(&picture))).unwrap_or_default();
    let (across, down) = (
        f64::from(photo.width()) / f64::from(width),
        f64::from(photo.height()) / f64::from(height),
    );
    let all = seen
        .codes
        .iter_mut()
        .map(|code| &mut code.squares)
        .chain(&mut seen.squares);
    for square in all.flatten() {
        *square = Place::new(square.x * across, square.y * down);
    }
    seen
}

/// The corner codes in a picture, and the squares that may be those of further ones.
fn detected(picture: &GrayImage) -> Seen {
    let mut seen = Seen::default();
    let Ok(source) = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()) else {
        return seen;
    };
    let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let matrix = bitmap.get_black_matrix();
    let mut squares = FindFinderPatterns(matrix, true, 0);
    if squares.len() > 3 * CODES_MAX {
        return seen;
    }
    let mut used = Vec::new();
    for set in GenerateFinderPatternSets(&mut squares) {
        let three = [set.tl, set.tr, set.bl];
        if three.iter().any(|square| used.contains(square)) || !is_small(&set) {
            continue;
        }
        let places = three.map(|square| Place::new(f64::from(square.p.x), f64::from(square.p.y)));
        seen.squares.push(places);
        let Ok(sampled) = SampleQR(matrix, &set) else { continue };
        let Some(result) = Decode(sampled.getBits()).ok().filter(|result| result.isValid()) else {
            continue;
        };
        used.extend(three);
        if let Some((form, page, corner)) = parsed(&result.text()) {
            seen.codes.push(Found {
                form,
                page,
                corner,
                modules: sampled.getBits().width(),
                squares: places,
            });
        }
    }
    seen
}

/// Whether squares can be those of one small code, and not of several corners: about two or three times their size apart.
fn is_small(set: &FinderPatternSet) -> bool {
    let apart = set.tl.distance(set.tr).max(set.tl.distance(set.bl));
    let size = set.tl.size + set.tr.size + set.bl.size;
    i16::try_from(size).is_ok_and(|size| apart < 1.2 * f32::from(size))
}

/// Form, page and corner of a corner code; `None` for every other text.
fn parsed(text: &str) -> Option<(String, u32, u32)> {
    let mut parts = text.split('/');
    let (form, page, corner) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_ours = Form::is_number(form) && corner_text(form, page, corner) == text;
    (is_ours && corners().iter().any(|one| one.number == corner)).then(|| (form.to_owned(), page, corner))
}

/// A picture brought to this size. `DynamicImage` does it with the optimised code of its own crate, tests included.
pub(super) fn resized(picture: &GrayImage, width: u32, height: u32) -> DynamicImage {
    let picture = DynamicImage::from(picture.clone());
    if width < picture.width() {
        picture.thumbnail_exact(width, height)
    } else if width > picture.width() {
        picture.resize_exact(width, height, FilterType::Triangle)
    } else {
        picture
    }
}

/// Lifts edges out of a blurred or faded picture, as `cards::photo` does.
fn sharpened(picture: &DynamicImage, sigma: f32) -> DynamicImage {
    const LIFT: i16 = 4;
    let soft = picture.fast_blur(sigma).into_luma8();
    let mut sharp = picture.to_luma8();
    for (pixel, soft) in sharp.iter_mut().zip(soft.iter()) {
        let (here, around) = (i16::from(*pixel), i16::from(*soft));
        *pixel = u8::try_from((here + LIFT * (here - around)).clamp(0, 255)).unwrap_or_default();
    }
    sharp.into()
}

/// The whole number below.
#[expect(
    clippy::as_conversions,
    reason = "no other way from a fraction; the range is looked at before"
)]
pub(super) fn whole(number: f64) -> Option<u32> {
    (0.0..f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}
