//! A box under the glass: where its frame is, and how much ink is in it.
//!
//! The surroundings of a box are brought to a grid of which 24 steps make the box's side, whatever the camera did. All
//! brightness is taken relative to the paper beside the frame and to the black of the corner codes, so that neither shade nor
//! haze nor a pale print matters, and what is ink is told from the grain of the photograph by how grainy the paper is. The
//! limits were chosen with drawn marks on simulated photographs; measure again before you change them.

#![expect(clippy::float_arithmetic, reason = "brightness and places; nothing of it is counted")]

use std::ops::RangeInclusive;

use image::GrayImage;

use super::Verdict;
use super::codes::{Found, whole};
use super::plane::{Place, Projection};

/// Steps of the grid along a box's side.
const SIDE: i32 = 24;
/// Steps of the grid beyond the frame on every side.
const MARGIN: i32 = 18;
/// How far from its place a frame is looked for, in steps.
const REACH: i32 = 9;
/// How far beside a line there is paper again, in steps.
const BESIDE: i32 = 3;
/// How far inside the frame ink begins to count, in steps: the line's own blur ends there.
const INSET: i32 = 4;
/// The steps of the inside.
const INSIDE: RangeInclusive<i32> = INSET..=SIDE - INSET;
/// How dark the faintest line of a frame must be, of 1.
const FRAME_MIN: f64 = 0.08;

/// The surroundings of a box on a grid.
pub(super) struct Patch {
    /// Brightness from 0 to 255, row by row.
    rows: Vec<Vec<f64>>,
    /// Steps of the grid beyond the frame.
    margin: i32,
    /// Millimetres of a step.
    step: f64,
    /// How bright the blackest is, as a part of the paper's brightness.
    black: f64,
}

/// One of the two directions in which a frame is looked for.
#[derive(Clone, Copy)]
enum Along {
    X,
    Y,
}

impl Patch {
    /// Takes the surroundings of a box of this side from the brightness at places that are measured from its top left; all in
    /// millimetres.
    pub(super) fn of(side: f64, black: f64, light: impl Fn(f64, f64) -> f64) -> Patch {
        let step = side / f64::from(SIDE);
        let places = || (-MARGIN..=SIDE + MARGIN).map(|place| f64::from(place) * step);
        let rows = places().map(|y| places().map(|x| light(x, y)).collect()).collect();
        Patch {
            rows,
            margin: MARGIN,
            step,
            black,
        }
    }

    fn at(&self, x: i32, y: i32) -> f64 {
        let place = |steps: i32| usize::try_from(steps + self.margin).ok();
        let row = place(y).and_then(|y| self.rows.get(y));
        row.and_then(|row| row.get(place(x)?)).copied().unwrap_or_default()
    }

    fn region(&self, across: RangeInclusive<i32>, down: RangeInclusive<i32>) -> Vec<f64> {
        steps(across, down).map(|(x, y)| self.at(x, y)).collect()
    }

    /// How bright the paper of a region is: somewhat brighter than its middle, because there may be some ink.
    fn paper(&self, across: RangeInclusive<i32>, down: RangeInclusive<i32>) -> f64 {
        percentile(&self.region(across, down), 55).unwrap_or_default()
    }

    /// The same with the mean of nine steps for each, which takes the grain out and leaves strokes.
    fn softened(&self) -> Patch {
        let across = |row: &Vec<f64>| row.windows(3).map(mean).collect::<Vec<f64>>();
        let softer: Vec<Vec<f64>> = self.rows.iter().map(across).collect();
        let down = |three: &[Vec<f64>]| match three {
            [above, here, below] => above
                .iter()
                .zip(here)
                .zip(below)
                .map(|((one, other), last)| (one + other + last) / 3.0)
                .collect(),
            _ => Vec::new(),
        };
        Patch {
            rows: softer.windows(3).map(down).collect(),
            margin: self.margin - 1,
            ..*self
        }
    }

    // ---- The frame -------------------------------------------------------------------------------------------------

    /// How far the frame lies from its place, in millimetres; `None` if there is none.
    pub(super) fn frame(&self) -> Option<Place> {
        let (x, _) = self.lines(Along::X, 0)?;
        let (y, down) = self.lines(Along::Y, x)?;
        let (x, across) = self.lines(Along::X, y)?;
        let shift = Place::new(f64::from(x) * self.step, f64::from(y) * self.step);
        (down.min(across) > FRAME_MIN).then_some(shift)
    }

    /// The two lines across this direction that are a side apart and darkest: how far from their place, and how dark the
    /// fainter one is. The frame's place in the other direction is known or guessed.
    fn lines(&self, along: Along, aside: i32) -> Option<(i32, f64)> {
        let light = |place: i32| {
            let band = aside + SIDE / 5..=aside + SIDE - SIDE / 5;
            mean(&match along {
                Along::X => self.region(place..=place, band),
                Along::Y => self.region(band, place..=place),
            })
        };
        let lights: Vec<f64> = (-REACH - BESIDE..=SIDE + REACH + BESIDE).map(light).collect();
        let paper = percentile(&lights, 80)?.max(1.0) * (1.0 - self.black);
        let (lines, afters) = (lights.iter().skip(3), lights.iter().skip(6));
        let around = lights.iter().zip(afters).map(|(before, after)| (before + after) / 2.0);
        let darkness: Vec<f64> = around
            .zip(lines)
            .map(|(around, line)| (around - line) / paper)
            .collect();
        let pairs = darkness
            .iter()
            .zip(darkness.iter().skip(24))
            .map(|(one, other)| one.min(*other));
        (-REACH..).zip(pairs).max_by(|one, other| one.1.total_cmp(&other.1))
    }

    // ---- The ink ---------------------------------------------------------------------------------------------------

    /// What is in the box, if its frame is at its place.
    pub(super) fn ink(&self) -> Ink {
        let soft = self.softened();
        let (near, far) = (-7..=-4, SIDE + 4..=SIDE + 7);
        let (left, right) = (soft.paper(near.clone(), 0..=SIDE), soft.paper(far.clone(), 0..=SIDE));
        let (above, below) = (soft.paper(0..=SIDE, near.clone()), soft.paper(0..=SIDE, far.clone()));
        let middle = ((left + right + above + below) / 4.0).max(1.0);
        let spreads: Vec<f64> = near.chain(far).map(|x| spread(&soft.region(x..=x, 0..=SIDE))).collect();
        let grain = percentile(&spreads, 25).unwrap_or_default() / middle / (1.0 - self.black);
        // Paper inside a box lies in nearly the same light as around it. The brightest part of it is free of ink, and brighter
        // than paper is by the grain.
        let brightest = percentile(&soft.region(INSIDE, INSIDE), 85).unwrap_or_default();
        let shade = (brightest / middle - grain * (1.0 - self.black)).clamp(0.88, 1.03);
        let darkness = |x: i32, y: i32| {
            let part = |place: i32| f64::from(place) / f64::from(SIDE) - 0.5;
            let paper = (middle + (right - left) * part(x) + (below - above) * part(y)) * shade;
            (1.0 - soft.at(x, y) / paper.max(1.0)) / (1.0 - self.black)
        };
        let least = (0.05 + 2.5 * grain).clamp(INKED_MIN, INKED_MAX);
        let spots = steps(INSIDE, INSIDE)
            .map(|(x, y)| Spot {
                x,
                y,
                darkness: darkness(x, y),
            })
            .collect();
        let ink = Ink::of(&Inside { spots, least });
        // A stroke that goes on outside is to be seen between the frame and the next thing.
        let strong = (0.75 * least).max(0.3 * ink.strength);
        let leaves = |x: i32| (2..=SIDE - 2).any(|y| mean(&[x - 1, x, x + 1].map(|x| darkness(x, y))) > strong);
        let around = beside()
            .filter(|(x, y)| darkness(*x, *y) > (2.0 * least).max(0.2))
            .count();
        Ink {
            grain,
            leaves_left: leaves(-4),
            leaves_right: leaves(SIDE + 4),
            around,
            ..ink
        }
    }
}

/// All steps of a region, row by row.
fn steps(across: RangeInclusive<i32>, down: RangeInclusive<i32>) -> impl Iterator<Item = (i32, i32)> {
    down.flat_map(move |y| across.clone().map(move |x| (x, y)))
}

/// The steps close to the frame, but for the middle above it, where a number may be printed.
fn beside() -> impl Iterator<Item = (i32, i32)> {
    let (near, far) = (-4..=-3, SIDE + 3..=SIDE + 4);
    let sides = steps(near.clone(), 0..=SIDE)
        .chain(steps(far.clone(), 0..=SIDE))
        .chain(steps(0..=SIDE, far));
    sides
        .chain(steps(0..=6, near.clone()))
        .chain(steps(SIDE - 6..=SIDE, near))
}

// ---- What the ink says ---------------------------------------------------------------------------------------------

/// Between these, of 1, lies the darkness from which on something is ink and not grain; the grain decides.
const INKED_MIN: f64 = 0.08;
const INKED_MAX: f64 = 0.25;
/// An empty box is not darker than this all in all, of 1; the palest pencil is darker.
const EMPTY_MEAN_MAX: f64 = 0.025;
/// And not more of it is inked, nor of its middle: specks of grain, or the tip of a tail from next door.
const EMPTY_SHARE_MAX: f64 = 0.12;
const EMPTY_CORE_MAX: f64 = 0.03;
/// And not more steps beside it are: somebody may have missed it.
const EMPTY_AROUND_MAX: usize = 8;
/// And the paper around it is not grainier than this, of 1.
const EMPTY_GRAIN_MAX: f64 = 0.03;
/// A mark is at least so dark all in all, inks so much of the box and of its middle, and is so long, all of 1: a dot is not.
const MARK_MEAN_MIN: f64 = 0.045;
const MARK_SHARE_MIN: f64 = 0.12;
const MARK_CORE_MIN: f64 = 0.1;
const MARK_LENGTH_MIN: f64 = 0.7;
/// A mark leaves so much of the box free: a box that is blacked out does not.
const MARK_COVER_MAX: f64 = 0.52;
const MARK_FREE_MIN: usize = 1;
/// A mark that goes out on one side must all the same go through the middle, and through the whole box: a tail does not.
const TAIL_CORE_MAX: f64 = 0.4;
const TAIL_LENGTH_MAX: f64 = 0.85;

/// The ink in a box; all parts are of 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ink {
    /// Whether the box was seen at all.
    is_seen: bool,
    /// How dark the inside is all in all.
    mean: f64,
    /// The same, if the ink were black.
    cover: f64,
    /// How much the paper seems to vary in darkness; in such grain a pale stroke is lost.
    grain: f64,
    /// How much of the inside is inked.
    share: f64,
    /// How much of the middle is.
    core: f64,
    /// How dark the ink is.
    strength: f64,
    /// How far it reaches, in its longer direction.
    length: f64,
    /// How many of the sixteen cells of the inside have hardly any ink.
    free: usize,
    /// Whether it goes out to the left, and to the right.
    leaves_left: bool,
    leaves_right: bool,
    /// How many of the steps beside the frame are inked.
    around: usize,
}

/// A step of the inside.
struct Spot {
    x: i32,
    y: i32,
    darkness: f64,
}

/// The inside, and the darkness from which on something is ink.
struct Inside {
    spots: Vec<Spot>,
    least: f64,
}

impl Inside {
    /// How far what is darker than this reaches, in its longer direction, of the inside's side.
    fn length(&self, least: f64) -> f64 {
        let reach = |of: fn(&Spot) -> i32| {
            let dark = self.spots.iter().filter(|spot| spot.darkness > least);
            let places: Vec<f64> = dark.map(|spot| f64::from(of(spot))).collect();
            let ends = percentile(&places, 95).zip(percentile(&places, 5));
            ends.map_or(0.0, |(last, first)| {
                (last - first + 1.0) / f64::from(SIDE - 2 * INSET + 1)
            })
        };
        reach(|spot| spot.x).max(reach(|spot| spot.y))
    }

    /// How many of four times four cells are on the mean less dark than this.
    fn free(&self, least: f64) -> usize {
        let cells = steps(0..=3, 0..=3).map(|(x, y)| (INSET + 4 * x, INSET + 4 * y));
        let darkness = |(x, y): (i32, i32)| {
            let of_cell = |spot: &&Spot| (x..x + 4).contains(&spot.x) && (y..y + 4).contains(&spot.y);
            mean(
                &self
                    .spots
                    .iter()
                    .filter(of_cell)
                    .map(|spot| spot.darkness)
                    .collect::<Vec<f64>>(),
            )
        };
        cells.filter(|cell| darkness(*cell) < least).count()
    }

    /// How many of some spots are inked, of 1.
    fn share(&self, of: fn(&Spot) -> bool) -> f64 {
        let all = self.spots.iter().filter(|spot| of(spot));
        let inked = all.clone().filter(|spot| spot.darkness > self.least);
        ratio(inked.count()) / ratio(all.count().max(1))
    }
}

impl Ink {
    fn of(inside: &Inside) -> Ink {
        let all: Vec<f64> = inside.spots.iter().map(|spot| spot.darkness).collect();
        let inked: Vec<f64> = all
            .iter()
            .copied()
            .filter(|darkness| *darkness > inside.least)
            .collect();
        let strength = percentile(&inked, 75).unwrap_or_default();
        let mean = mean(&all).clamp(0.0, 1.0);
        Ink {
            is_seen: true,
            mean,
            cover: mean / percentile(&all, 97).unwrap_or_default().max(0.1),
            share: inside.share(|_| true),
            core: inside.share(|spot| (8..=16).contains(&spot.x) && (8..=16).contains(&spot.y)),
            strength,
            // Specks of grain do not make a dot a stroke.
            length: inside.length(inside.least.max(0.4 * strength)),
            free: inside.free(0.3 * strength),
            ..Ink::default()
        }
    }

    /// What it says.
    pub(super) fn verdict(&self) -> Verdict {
        if !self.is_seen {
            Verdict::Unsure
        } else if self.is_nothing() {
            Verdict::Empty
        } else if self.is_mark() && !self.is_struck() && !self.is_tail() {
            Verdict::Ticked
        } else {
            Verdict::Unsure
        }
    }

    fn is_nothing(&self) -> bool {
        let is_clean = self.grain < EMPTY_GRAIN_MAX && self.around <= EMPTY_AROUND_MAX;
        is_clean && self.mean < EMPTY_MEAN_MAX && self.share < EMPTY_SHARE_MAX && self.core < EMPTY_CORE_MAX
    }

    fn is_mark(&self) -> bool {
        let is_stroke = self.mean >= MARK_MEAN_MIN && self.share >= MARK_SHARE_MIN && self.length >= MARK_LENGTH_MIN;
        is_stroke && self.core >= MARK_CORE_MIN && self.cover <= MARK_COVER_MAX && self.free >= MARK_FREE_MIN
    }

    /// Struck through: the ink goes out at both sides.
    fn is_struck(&self) -> bool {
        self.leaves_left && self.leaves_right
    }

    /// The end of something next door.
    fn is_tail(&self) -> bool {
        (self.leaves_left || self.leaves_right) && (self.core < TAIL_CORE_MAX || self.length < TAIL_LENGTH_MAX)
    }
}

// ---- Brightness ----------------------------------------------------------------------------------------------------

/// How bright a photograph is at a place, 0 to 255, between the middles of its pixels; outside it is black.
pub(super) fn light(photo: &GrayImage, place: Place) -> f64 {
    let (x, y) = (place.x - 0.5, place.y - 0.5);
    let (Some(left), Some(top)) = (whole(x), whole(y)) else {
        return 0.0;
    };
    let pixel = |x: u32, y: u32| photo.get_pixel_checked(x, y).map_or(0.0, |pixel| f64::from(pixel.0[0]));
    let (across, down) = (x.fract(), y.fract());
    let upper = pixel(left, top) * (1.0 - across) + pixel(left + 1, top) * across;
    let lower = pixel(left, top + 1) * (1.0 - across) + pixel(left + 1, top + 1) * across;
    upper * (1.0 - down) + lower * down
}

/// How bright the blackest is as a part of the paper's brightness: as the squares of the codes say.
pub(super) fn black(photo: &GrayImage, camera: &Projection, codes: &[Found]) -> f64 {
    let part = |square: Place, quiet: f64| {
        let at = |x: f64, y: f64| light(photo, camera.of(Place::new(square.x + x, square.y + y)));
        let paper = [at(quiet, 0.0), at(-quiet, 0.0), at(0.0, quiet), at(0.0, -quiet)];
        let ink = [at(0.0, 0.0), at(0.2, 0.0), at(-0.2, 0.0), at(0.0, 0.2), at(0.0, -0.2)];
        mean(&ink) / paper.into_iter().fold(1.0, f64::max)
    };
    let squares = codes
        .iter()
        .flat_map(|code| code.pairs().into_iter().map(|(page, _)| (page, code.quiet())));
    let parts: Vec<f64> = squares.map(|(square, quiet)| part(square, quiet)).collect();
    percentile(&parts, 50).unwrap_or_default().clamp(0.0, 0.85)
}

/// The value below which so many of a hundred lie.
pub(super) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut values = values.to_vec();
    let place = values.len().checked_sub(1)? * percent / 100;
    let (_, value, _) = values.select_nth_unstable_by(place, f64::total_cmp);
    Some(*value)
}

/// How far values lie from their middle, as the standard deviation would be if it were not for strays.
fn spread(values: &[f64]) -> f64 {
    let middle = percentile(values, 50).unwrap_or_default();
    let away: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    1.48 * percentile(&away, 50).unwrap_or_default()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / ratio(values.len().max(1))
}

fn ratio(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
