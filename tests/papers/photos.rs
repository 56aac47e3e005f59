//! Sheets filled in by hand and photographed by a hurried person; drawn, and the same in every run.
//!
//! `fill` puts marks of many kinds into the boxes of a printed page and tells what each means; `photograph` looks at the page
//! through a bad camera. Neither knows how marks are read.

#![expect(
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "optics is reckoned in fractions, and this is a test"
)]

use std::f32::consts::PI;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, Luma};

use jishan::papers::marks::{Layout, TickBox};

/// Marsaglia's xorshift: the same bits in every run.
pub struct Bits(pub u64);

impl Bits {
    /// Mixes a small seed.
    pub fn new(seed: u64) -> Bits {
        let mut bits = Bits(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| _ = bits.next());
        bits
    }

    /// More bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    /// Somewhere between.
    pub fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 32) as f32 / (1_u64 << 24) as f32
    }

    /// About this often.
    pub fn often(&mut self, chance: f32) -> bool {
        self.within(0.0, 1.0) < chance
    }

    /// Around nought, like noise.
    fn noise(&mut self) -> f32 {
        (0..4).map(|_| self.within(-1.0, 1.0)).sum::<f32>() * 0.866
    }
}

// ---- Marks by hand -------------------------------------------------------------------------------------------------

/// What somebody did to a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing.
    Nothing,
    /// 勾.
    Tick,
    /// 叉.
    Cross,
    /// A tick that is far too large, or beside the middle.
    Sloppy,
    /// A scribble over the frame: a zigzag through the box.
    Scribble,
    /// A tick or a cross by pencil.
    Pencil,
    /// A single stroke.
    Stroke,
    /// A circle inside.
    Circle,
    /// All black: taken back.
    Filled,
    /// A tick that is scribbled over: taken back.
    CrossedOut,
    /// A tick struck through: taken back.
    Struck,
    /// A dot of ink, where somebody rested the pen.
    Dot,
    /// The tail of next door's mark.
    Touched,
    /// A smear or a crease.
    Smear,
}

/// What the box means to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Ticked.
    Ticked,
    /// Not ticked.
    Empty,
    /// A person has to look.
    Doubtful,
}

impl Kind {
    /// Is it what nearly all boxes have in life: nothing, or a tick or cross in its place?
    #[must_use]
    pub fn is_plain(self) -> bool {
        matches!(self, Kind::Nothing | Kind::Tick | Kind::Cross)
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Kind::Tick | Kind::Cross | Kind::Sloppy | Kind::Scribble | Kind::Pencil | Kind::Stroke | Kind::Circle => {
                Meaning::Ticked
            }
            Kind::Nothing | Kind::Dot | Kind::Touched | Kind::Smear => Meaning::Empty,
            Kind::Filled | Kind::CrossedOut | Kind::Struck => Meaning::Doubtful,
        }
    }
}

/// A pen: half its width in millimetres, and how dark it writes.
#[derive(Clone, Copy)]
struct Pen {
    half: f32,
    dark: f32,
    grain: f32,
}

impl Pen {
    fn any(bits: &mut Bits) -> Pen {
        match bits.next() % 4 {
            // Gel pen, ballpoint in black and in blue, felt pen.
            0 => Pen {
                half: bits.within(0.22, 0.32),
                dark: bits.within(0.82, 0.92),
                grain: 0.0,
            },
            1 => Pen {
                half: bits.within(0.15, 0.25),
                dark: bits.within(0.6, 0.8),
                grain: 0.1,
            },
            2 => Pen {
                half: bits.within(0.15, 0.25),
                dark: bits.within(0.5, 0.7),
                grain: 0.1,
            },
            _ => Pen {
                half: bits.within(0.35, 0.6),
                dark: bits.within(0.75, 0.9),
                grain: 0.0,
            },
        }
    }

    fn pencil(bits: &mut Bits) -> Pen {
        Pen {
            half: bits.within(0.18, 0.3),
            dark: bits.within(0.3, 0.5),
            grain: 0.25,
        }
    }
}

/// A page to write on.
struct Desk<'a> {
    page: &'a mut GrayImage,
    /// Pixels of a millimetre.
    scale: f32,
}

impl Desk<'_> {
    /// A line through these places, in millimetres, as an unsteady hand draws it.
    fn draw(&mut self, places: &[(f32, f32)], pen: Pen, bits: &mut Bits) {
        let shake = 0.12;
        for pair in places.windows(2) {
            let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
            let length = (to_x - x).hypot(to_y - y);
            let bow = bits.within(-0.06, 0.06) * length;
            let steps = (length * 12.0).ceil().max(1.0) as u32;
            let (across, down) = ((to_y - y) / length.max(0.01), -(to_x - x) / length.max(0.01));
            let (mut jitter_x, mut jitter_y) = (0.0, 0.0);
            for step in 0..=steps {
                let part = step as f32 / steps as f32;
                jitter_x += bits.within(-shake, shake) * 0.12;
                jitter_y += bits.within(-shake, shake) * 0.12;
                let aside = bow * (part * PI).sin();
                let at = (
                    x + (to_x - x) * part + across * aside + jitter_x,
                    y + (to_y - y) * part + down * aside + jitter_y,
                );
                let half = pen.half * (1.0 - 0.25 * (part - 0.5).abs());
                self.dab(at, Pen { half, ..pen }, bits);
            }
        }
    }

    /// A round spot of ink.
    fn dab(&mut self, at: (f32, f32), pen: Pen, bits: &mut Bits) {
        let (x, y, radius) = (at.0 * self.scale, at.1 * self.scale, pen.half * self.scale);
        let reach = radius.ceil() as i32 + 1;
        for down in -reach..=reach {
            for across in -reach..=reach {
                let (column, row) = (x.floor() as i32 + across, y.floor() as i32 + down);
                if column < 0 || row < 0 || column as u32 >= self.page.width() || row as u32 >= self.page.height() {
                    continue;
                }
                let away = (column as f32 + 0.5 - x).hypot(row as f32 + 0.5 - y);
                let cover = (radius + 0.5 - away).clamp(0.0, 1.0);
                let grain = 1.0 - pen.grain * bits.within(0.0, 1.6);
                let ink = 255.0 * (1.0 - (pen.dark * grain).clamp(0.0, 1.0) * cover);
                let pixel = self.page.get_pixel_mut(column as u32, row as u32);
                pixel.0[0] = pixel.0[0].min(ink as u8);
            }
        }
    }
}

/// Marks all boxes of a page that was printed at so many dots per inch, and tells what was done to each. One box in `rare` has
/// something else than a plain mark or nothing.
pub fn fill(page: &mut GrayImage, layout: &Layout, dpi: f32, rare: f32, bits: &mut Bits) -> Vec<Kind> {
    let mut desk = Desk {
        page,
        scale: dpi / 25.4,
    };
    let pen = Pen::any(bits);
    let mut kinds = Vec::new();
    let ticked = if layout.boxes.len() > layout.rows.len() {
        0.3
    } else {
        0.6
    };
    for one in &layout.boxes {
        let kind = kind(ticked, rare, bits);
        let own_pen = if bits.often(0.3) { Pen::any(bits) } else { pen };
        mark(&mut desk, one, kind, own_pen, bits);
        kinds.push(kind);
    }
    if layout.boxes.len() == layout.rows.len() {
        sign(&mut desk, layout, bits);
    }
    kinds
}

fn kind(ticked: f32, rare: f32, bits: &mut Bits) -> Kind {
    use Kind::{
        Circle, Cross, CrossedOut, Dot, Filled, Nothing, Pencil, Scribble, Sloppy, Smear, Stroke, Struck, Tick, Touched,
    };
    if bits.often(rare) {
        let odd = [
            Sloppy, Sloppy, Scribble, Pencil, Pencil, Stroke, Circle, Filled, CrossedOut, Struck, Dot, Dot, Touched,
            Touched, Smear,
        ];
        odd[(bits.next() % odd.len() as u64) as usize]
    } else if bits.often(ticked) {
        if bits.often(0.7) { Tick } else { Cross }
    } else {
        Nothing
    }
}

fn mark(desk: &mut Desk<'_>, one: &TickBox, kind: Kind, pen: Pen, bits: &mut Bits) {
    let (left, top, side) = (one.x as f32, one.y as f32, one.side as f32);
    let at = |x: f32, y: f32, bits: &mut Bits| {
        (
            left + side * (x + bits.within(-0.06, 0.06)),
            top + side * (y + bits.within(-0.06, 0.06)),
        )
    };
    let tick = [(0.15, 0.5), (0.42, 0.82), (0.9, 0.12)];
    let line = |places: &[(f32, f32)], bits: &mut Bits| -> Vec<(f32, f32)> {
        places.iter().map(|(x, y)| at(*x, *y, bits)).collect()
    };
    match kind {
        Kind::Nothing => {}
        Kind::Tick => {
            let places = line(&tick, bits);
            desk.draw(&places, pen, bits);
        }
        Kind::Cross => {
            for places in [[(0.12, 0.12), (0.88, 0.88)], [(0.88, 0.12), (0.12, 0.88)]] {
                let places = line(&places, bits);
                desk.draw(&places, pen, bits);
            }
        }
        Kind::Sloppy => {
            let (x, y, size) = (bits.within(-0.25, 0.2), bits.within(-0.25, 0.2), bits.within(0.9, 1.6));
            let places: Vec<_> = tick
                .iter()
                .map(|place| (place.0 * size + x, place.1 * size + y))
                .collect();
            let places = line(&places, bits);
            desk.draw(&places, pen, bits);
        }
        Kind::Scribble => {
            let turns = 3 + bits.next() % 3;
            let places: Vec<_> = (0..=turns)
                .map(|turn| {
                    (
                        if turn % 2 == 0 { -0.1 } else { 1.1 },
                        0.15 + 0.7 * turn as f32 / turns as f32,
                    )
                })
                .collect();
            let places = line(&places, bits);
            desk.draw(
                &places,
                Pen {
                    half: pen.half.min(0.25),
                    ..pen
                },
                bits,
            );
        }
        Kind::Pencil => {
            let pencil = Pen::pencil(bits);
            mark(
                desk,
                one,
                if bits.often(0.7) { Kind::Tick } else { Kind::Cross },
                pencil,
                bits,
            );
        }
        Kind::Stroke => {
            let places = line(&[(0.15, 0.85), (0.85, 0.15)], bits);
            desk.draw(&places, pen, bits);
        }
        Kind::Circle => {
            let places: Vec<_> = (0..=12)
                .map(|step| {
                    let angle = step as f32 / 12.0 * 2.0 * PI;
                    (
                        left + side * (0.5 + 0.3 * angle.cos()),
                        top + side * (0.5 + 0.3 * angle.sin()),
                    )
                })
                .collect();
            desk.draw(&places, pen, bits);
        }
        Kind::Filled | Kind::CrossedOut => {
            let rounds = if kind == Kind::Filled { 2 } else { 1 };
            if kind == Kind::CrossedOut {
                mark(desk, one, Kind::Tick, pen, bits);
            }
            for round in 0..rounds {
                let gap = pen.half
                    * if kind == Kind::Filled {
                        1.7
                    } else {
                        bits.within(2.0, 2.9)
                    }
                    / side;
                let turns = (0.96 / gap) as u32;
                let places: Vec<_> = (0..=turns)
                    .map(|turn| {
                        (
                            if turn % 2 == 0 { 0.03 } else { 0.97 },
                            0.02 + 0.96 * turn as f32 / turns as f32,
                        )
                    })
                    .map(|(x, y)| if round == 0 { (x, y) } else { (y, x) })
                    .map(|(x, y)| (left + side * x, top + side * y))
                    .collect();
                desk.draw(&places, pen, bits);
            }
        }
        Kind::Struck => {
            mark(desk, one, Kind::Tick, pen, bits);
            for y in [0.42, 0.58] {
                let places = line(&[(-0.3, y), (1.3, y)], bits);
                desk.draw(&places, pen, bits);
            }
        }
        Kind::Dot => {
            let spot = (
                left + side * bits.within(0.15, 0.85),
                top + side * bits.within(0.15, 0.85),
            );
            desk.dab(
                spot,
                Pen {
                    half: bits.within(0.2, 0.6),
                    ..pen
                },
                bits,
            );
        }
        Kind::Touched => {
            let from_left = bits.often(0.6);
            let reach = bits.within(0.1, 0.45);
            let places = if from_left {
                [(-0.45, 0.9), (reach, 0.25)]
            } else {
                [(1.45, 0.2), (1.0 - reach, 0.75)]
            };
            let places = line(&places, bits);
            desk.draw(&places, pen, bits);
        }
        Kind::Smear => {
            let smear = Pen {
                half: bits.within(0.5, 1.0),
                dark: bits.within(0.06, 0.16),
                grain: 0.3,
            };
            let places = line(&[(-0.3, bits.within(0.0, 1.0)), (1.3, bits.within(0.0, 1.0))], bits);
            desk.draw(&places, smear, bits);
        }
    }
}

/// Signatures, some of which begin too near to the box.
fn sign(desk: &mut Desk<'_>, layout: &Layout, bits: &mut Bits) {
    for (row, one) in layout.rows.iter().zip(&layout.boxes) {
        let pen = Pen::any(bits);
        let mut x = if bits.often(0.1) {
            (one.x + one.side) as f32 + bits.within(0.5, 3.0)
        } else {
            bits.within(104.0, 110.0)
        };
        let y = row.y as f32;
        for _ in 0..2 + bits.next() % 2 {
            for _ in 0..4 + bits.next() % 5 {
                let place = |bits: &mut Bits| (x + bits.within(0.0, 7.0), y + bits.within(1.0, 9.0));
                let places = [place(bits), place(bits), place(bits)];
                desk.draw(&places, pen, bits);
            }
            x += 8.5;
        }
    }
}

// ---- The photograph ------------------------------------------------------------------------------------------------

/// How hard a photograph is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Taken with care, from above, in good light.
    Easy,
    /// Taken as people take them.
    Medium,
    /// Taken in haste, in the dark, of bent paper.
    Hard,
}

/// How a photograph is taken. Angles are in degrees, lengths in pixels of the photograph or in millimetres of the page.
#[derive(Clone, Debug)]
pub struct Scene {
    width: u32,
    height: u32,
    turned: f32,
    tilted: (f32, f32),
    fills: f32,
    bent: f32,
    blurred: f32,
    moved: f32,
    shade: f32,
    shadow: f32,
    faded: f32,
    noise: f32,
    quality: u8,
    cut: bool,
}

impl Scene {
    /// One of these.
    pub fn of(care: Care, bits: &mut Bits) -> Scene {
        // Phones send 3, 5, 8 or 12 million pixels; chat programs 1,440 or so a side.
        let long_side = match bits.next() % 6 {
            0 => 1_600,
            1 | 2 => 2_000,
            3 | 4 => 2_600,
            _ => 4_000,
        };
        let plain = Scene {
            width: long_side * 3 / 4,
            height: long_side,
            turned: bits.within(-4.0, 4.0),
            tilted: (bits.within(-6.0, 6.0), bits.within(-6.0, 6.0)),
            fills: bits.within(0.88, 0.96),
            bent: bits.within(-0.4, 0.4),
            blurred: 0.0,
            moved: 0.0,
            shade: bits.within(0.0, 0.2),
            shadow: 0.0,
            faded: bits.within(0.0, 0.2),
            noise: bits.within(1.0, 4.0),
            quality: 80,
            cut: false,
        };
        let finer = long_side as f32 / 2_000.0;
        match care {
            Care::Easy => Scene {
                blurred: bits.within(0.3, 0.7) * finer,
                ..plain
            },
            Care::Medium => Scene {
                turned: bits.within(-15.0, 15.0),
                tilted: (bits.within(-14.0, 14.0), bits.within(-14.0, 14.0)),
                fills: bits.within(0.82, 0.94),
                bent: bits.within(-1.2, 1.2),
                blurred: bits.within(0.5, 1.2) * finer,
                moved: bits.within(0.0, 1.5) * finer,
                shade: bits.within(0.1, 0.5),
                shadow: if bits.often(0.5) { bits.within(0.1, 0.35) } else { 0.0 },
                faded: bits.within(0.0, 0.4),
                noise: bits.within(3.0, 8.0),
                quality: 60,
                ..plain
            },
            Care::Hard => Scene {
                turned: bits.within(-15.0, 15.0),
                tilted: (bits.within(-20.0, 20.0), bits.within(-20.0, 20.0)),
                fills: bits.within(0.75, 0.93),
                bent: bits.within(-2.0, 2.0),
                blurred: bits.within(0.7, 1.4) * finer,
                moved: bits.within(0.0, 2.2) * finer,
                shade: bits.within(0.2, 0.6),
                shadow: if bits.often(0.7) { bits.within(0.2, 0.45) } else { 0.0 },
                faded: bits.within(0.1, 0.5),
                noise: bits.within(4.0, 11.0),
                quality: 60,
                cut: bits.often(0.2),
                ..plain
            },
        }
    }
}

/// Takes a photograph of a page that was printed at so many dots per inch, as JPEG.
pub fn photograph(page: &GrayImage, dpi: f32, scene: &Scene, bits: &mut Bits) -> Vec<u8> {
    let mut photo = through_the_lens(page, dpi / 25.4, scene, bits);
    if scene.moved > 0.5 {
        photo = moved(&photo, scene.moved, bits.within(0.0, PI));
    }
    let photo = lit(image::imageops::fast_blur(&photo, scene.blurred.max(0.3)), scene, bits);
    let mut jpeg = Vec::new();
    photo
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, scene.quality))
        .unwrap();
    jpeg
}

/// The page on a table under a pinhole camera 400 mm away.
fn through_the_lens(page: &GrayImage, scale: f32, scene: &Scene, bits: &mut Bits) -> GrayImage {
    const DISTANCE: f32 = 400.0;
    let (sine, cosine) = scene.turned.to_radians().sin_cos();
    let (pitch, yaw) = (
        scene.tilted.0.to_radians().sin_cos(),
        scene.tilted.1.to_radians().sin_cos(),
    );
    // Where one step to the right and one step down on the page lead in front of the camera.
    let turned = |x: f32, y: f32| {
        let z = -x * yaw.0;
        (x * yaw.1, y * pitch.1 - z * pitch.0, y * pitch.0 + z * pitch.1)
    };
    let (right, down) = (turned(cosine, sine), turned(-sine, cosine));
    let corners = [(-105.0, -148.5), (105.0, -148.5), (-105.0, 148.5), (105.0, 148.5)].map(|(x, y): (f32, f32)| {
        let depth = DISTANCE + x * right.2 + y * down.2;
        ((x * right.0 + y * down.0) / depth, (x * right.1 + y * down.1) / depth)
    });
    let span = |of: fn(&(f32, f32)) -> f32| {
        let all = corners.iter().map(of);
        (all.clone().fold(f32::MAX, f32::min), all.fold(f32::MIN, f32::max))
    };
    let (across, tall) = (span(|corner| corner.0), span(|corner| corner.1));
    let (width, height) = (scene.width as f32, scene.height as f32);
    let focal = scene.fills * (width / (across.1 - across.0)).min(height / (tall.1 - tall.0));
    let aside = if scene.cut { 0.16 } else { 0.0 };
    let middle = (
        width * (0.5 + aside) - focal * (across.0 + across.1) / 2.0,
        height * (0.5 - aside) - focal * (tall.0 + tall.1) / 2.0,
    );
    let (first, second) = (bits.within(0.0, 2.0 * PI), bits.within(0.0, 2.0 * PI));
    let seen = |x: f32, y: f32| {
        let (x, y) = ((x - middle.0) / focal, (y - middle.1) / focal);
        let (a, b) = (right.0 - x * right.2, down.0 - x * down.2);
        let (c, d) = (right.1 - y * right.2, down.1 - y * down.2);
        let depth = DISTANCE / (a * d - b * c);
        let (along, across) = ((x * d - y * b) * depth + 105.0, (y * a - x * c) * depth + 148.5);
        let along_bent = along + 0.6 * scene.bent * (across * PI / 148.5 + first).sin();
        let across_bent = across + scene.bent * (along * PI / 140.0 + second).sin();
        let (left, top) = (along_bent * scale, across_bent * scale);
        let table = || 110.0 + 30.0 * (along * 0.05).sin() * (across * 0.07).cos();
        if left < 0.0 || top < 0.0 {
            return table();
        }
        page.get_pixel_checked(left as u32, top as u32)
            .map_or_else(table, |pixel| f32::from(pixel.0[0]))
    };
    GrayImage::from_fn(scene.width, scene.height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let four =
            seen(x + 0.25, y + 0.25) + seen(x + 0.75, y + 0.25) + seen(x + 0.25, y + 0.75) + seen(x + 0.75, y + 0.75);
        Luma([(four / 4.0) as u8])
    })
}

/// The mean of the picture and its copies along a short way.
fn moved(photo: &GrayImage, length: f32, angle: f32) -> GrayImage {
    let (sine, cosine) = angle.sin_cos();
    let (width, height) = photo.dimensions();
    let steps: Vec<(i32, i32)> = (-2..=2)
        .map(|step| step as f32 / 4.0 * length)
        .map(|way| ((way * cosine).round() as i32, (way * sine).round() as i32))
        .collect();
    GrayImage::from_fn(width, height, |x, y| {
        let lights = steps.iter().map(|(across, down)| {
            let (x, y) = (
                x.saturating_add_signed(*across).min(width - 1),
                y.saturating_add_signed(*down).min(height - 1),
            );
            u32::from(photo.get_pixel(x, y).0[0])
        });
        Luma([(lights.sum::<u32>() / 5) as u8])
    })
}

/// Light, somebody's shadow, haze and the noise of a cheap sensor.
fn lit(mut photo: GrayImage, scene: &Scene, bits: &mut Bits) -> GrayImage {
    let (width, height) = (scene.width as f32, scene.height as f32);
    let toward = bits.within(0.0, 2.0 * PI).sin_cos();
    let edge = (
        bits.within(0.0, 2.0 * PI).sin_cos(),
        bits.within(-0.25, 0.25),
        bits.within(0.004, 0.06),
    );
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let (across, down) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
        let shade = 1.0 - scene.shade * (0.5 + (across * toward.0 + down * toward.1) / 1.42);
        let inside = (across * edge.0.0 + down * edge.0.1 - edge.1) / edge.2;
        let shadow = 1.0 - scene.shadow / (1.0 + (-4.0 * inside).exp());
        let contrast = 25.0 + f32::from(pixel.0[0]) * 0.82;
        let faded = contrast + scene.faded * (150.0 - contrast);
        pixel.0 = [(faded * shade * shadow + bits.noise() * scene.noise).clamp(0.0, 255.0) as u8];
    }
    photo
}
