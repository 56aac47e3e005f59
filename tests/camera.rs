//! Photographs of a card as a hurried person takes them; simulated, and the same in every run.
//!
//! One test reads a few of them; `benches/decode.rs` takes this file in too, reads many, and prints what became of them.

#![expect(
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "optics is reckoned in fractions"
)]

use std::f32::consts::PI;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, Luma};
use jishan::cards::number::{CardNumber, CardSecret, CardToken};
use jishan::cards::photo::PhotoError;
use jishan::cards::qr::png;

/// Marsaglia's xorshift: the same bits in every run.
pub struct Bits(pub u64);

impl Bits {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 32) as f32 / (1_u64 << 24) as f32
    }
}

/// What became of the photographs of one kind.
pub struct Read {
    /// What was wrong with them.
    pub kind: &'static str,
    /// How many were taken, each of another card.
    pub taken: u64,
    /// How many were read.
    pub read: u64,
    /// How long each look took, as the caller's watch says.
    pub millis: Vec<f64>,
}

/// Takes so many photographs of a kind and has each read by `decode`, which is timed by `watch`; every fourth has three
/// times the pixels a side, as a phone sends it. A text that is not the card's is a failure of the test.
pub fn take(kind: &'static str, count: u64, watch: impl Fn(&[u8]) -> (Result<Vec<String>, PhotoError>, f64)) -> Read {
    let mut all = Read {
        kind,
        taken: count,
        read: 0,
        millis: Vec::new(),
    };
    for round in 1..=count {
        let mut bits = Bits(0x9E37_79B9_7F4A_7C15 ^ round << 20 ^ kind.bytes().map(u64::from).sum::<u64>());
        let text = address(bits.next());
        let photo = photograph(
            &text,
            &Scene::of(kind, if round % 4 == 0 { 3 } else { 1 }, &mut bits),
            &mut bits,
        );
        let (found, millis) = watch(&photo);
        all.millis.push(millis);
        match found {
            Ok(texts) => assert_eq!(texts, [text], "{kind} {round}"),
            Err(PhotoError::NothingFound) => continue,
            Err(error) => panic!("{kind} {round}: {error:?}"),
        }
        all.read += 1;
    }
    all
}

fn address(bits: u64) -> String {
    let (number, secret) = (CardNumber::from_random(bits), CardSecret::from_bits(bits));
    CardToken::address("https://points.example.cn", &number, &secret)
}

/// The smaller photographs, in pixels.
const WIDTH: u32 = 400;
const HEIGHT: u32 = 300;

/// What is wrong with a photograph. Lengths are in modules of the code, angles in degrees, light in parts of
/// one.
#[derive(Default)]
struct Scene {
    width: u32,
    height: u32,
    module_pixels: f32,
    turned: f32,
    tilted: (f32, f32),
    blurred: f32,
    moved: f32,
    glare: f32,
    shade: f32,
    faded: f32,
    noise: f32,
    scratches: u32,
}

impl Scene {
    fn of(kind: &str, enlarged: u32, bits: &mut Bits) -> Self {
        let small = Self::small(kind, bits);
        Self {
            width: WIDTH * enlarged,
            height: HEIGHT * enlarged,
            module_pixels: small.module_pixels * enlarged as f32,
            ..small
        }
    }

    fn small(kind: &str, bits: &mut Bits) -> Self {
        let plain = Self {
            module_pixels: bits.within(4.0, 5.5),
            turned: bits.within(-6.0, 6.0),
            blurred: 0.1,
            shade: 0.1,
            noise: 3.0,
            ..Self::default()
        };
        match kind {
            "turned" => Self {
                turned: bits.within(-180.0, 180.0),
                ..plain
            },
            "tilted" => Self {
                tilted: (bits.within(-45.0, 45.0), bits.within(-45.0, 45.0)),
                ..plain
            },
            "blurred" => Self {
                blurred: bits.within(0.3, 0.55),
                ..plain
            },
            "badly blurred" => Self {
                blurred: bits.within(0.55, 0.75),
                ..plain
            },
            "moved" => Self {
                moved: bits.within(0.8, 1.8),
                ..plain
            },
            "glare" => Self {
                glare: bits.within(4.0, 8.5),
                ..plain
            },
            "shade" => Self {
                shade: bits.within(0.6, 0.85),
                ..plain
            },
            "noise" => Self {
                noise: bits.within(15.0, 35.0),
                ..plain
            },
            "faded" => Self {
                faded: bits.within(0.6, 0.8),
                noise: 5.0,
                ..plain
            },
            "scratched" => Self { scratches: 3, ..plain },
            "small" => Self {
                module_pixels: bits.within(2.2, 3.2),
                ..plain
            },
            "all at once" => Self {
                module_pixels: bits.within(3.2, 4.5),
                turned: bits.within(-180.0, 180.0),
                tilted: (bits.within(-30.0, 30.0), bits.within(-30.0, 30.0)),
                blurred: bits.within(0.2, 0.4),
                moved: bits.within(0.0, 0.7),
                shade: bits.within(0.2, 0.6),
                faded: bits.within(0.1, 0.5),
                noise: bits.within(5.0, 12.0),
                ..plain
            },
            _ => plain,
        }
    }
}

fn photograph(text: &str, scene: &Scene, bits: &mut Bits) -> Vec<u8> {
    let seen = through_the_lens(&card(text, scene.scratches, bits), scene, bits);
    let mut photo = seen.resize_exact(scene.width, scene.height, FilterType::Triangle);
    if scene.moved > 0.0 {
        photo = moved(photo, scene.moved * scene.module_pixels, bits.within(0.0, PI));
    }
    let photo = lit(
        photo.blur(scene.blurred * scene.module_pixels).into_luma8(),
        scene,
        bits,
    );
    let mut jpeg = Vec::new();
    photo
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 75))
        .unwrap();
    jpeg
}

/// Pixels of the card's own picture for a module.
const CARD_PIXELS: u32 = 6;

/// A card: the code, bars in place of print, and perhaps scratches across the code.
fn card(text: &str, scratches: u32, bits: &mut Bits) -> GrayImage {
    let code = image::load_from_memory(&png(text, CARD_PIXELS).unwrap())
        .unwrap()
        .into_luma8();
    let side = code.height();
    let mut card = GrayImage::from_pixel(2 * side, side, Luma([u8::MAX]));
    image::imageops::overlay(&mut card, &code, 0, 0);
    for line in 0..6 {
        let (top, length) = (20 + line * 36, 40 + bits.next() as u32 % 160);
        (0..length * 14).for_each(|at| card.put_pixel(side + at % length, top + at / length, Luma([40])));
    }
    for _ in 0..scratches {
        let (angle, middle) = (bits.within(0.0, PI), side as f32 * bits.within(0.3, 0.7));
        let (half, (sine, cosine)) = (bits.within(0.1, 0.4) * CARD_PIXELS as f32, angle.sin_cos());
        for (x, y, pixel) in card.enumerate_pixels_mut() {
            let aside = (x as f32 - side as f32 / 2.0) * cosine + (y as f32 - middle) * sine;
            pixel.0 = if aside.abs() < half { [u8::MAX] } else { pixel.0 };
        }
    }
    card
}

/// The card on a table under a pinhole camera, at one and a half times the photograph's size.
fn through_the_lens(card: &GrayImage, scene: &Scene, bits: &mut Bits) -> DynamicImage {
    const DISTANCE_MODULES: f32 = 140.0;
    let focal = 1.5 * scene.module_pixels * DISTANCE_MODULES;
    let middle = (
        scene.width as f32 * bits.within(0.68, 0.82),
        scene.height as f32 * bits.within(0.68, 0.82),
    );
    let (sine, cosine) = scene.turned.to_radians().sin_cos();
    let (pitch, yaw) = (
        scene.tilted.0.to_radians().sin_cos(),
        scene.tilted.1.to_radians().sin_cos(),
    );
    // Where one step to the right and one step down on the card lead in front of the camera.
    let turned = |x: f32, y: f32| {
        let z = -x * yaw.0;
        (x * yaw.1, y * pitch.1 - z * pitch.0, y * pitch.0 + z * pitch.1)
    };
    let (right, down) = (turned(cosine, sine), turned(-sine, cosine));
    let seen = GrayImage::from_fn(scene.width * 3 / 2, scene.height * 3 / 2, |x, y| {
        let (x, y) = ((x as f32 - middle.0) / focal, (y as f32 - middle.1) / focal);
        let (a, b) = (right.0 - x * right.2, down.0 - x * down.2);
        let (c, d) = (right.1 - y * right.2, down.1 - y * down.2);
        let scale = DISTANCE_MODULES / (a * d - b * c);
        let (along, across) = ((x * d - y * b) * scale + 20.5, (y * a - x * c) * scale + 20.5);
        let (left, top) = (along * CARD_PIXELS as f32, across * CARD_PIXELS as f32);
        let table = || Luma([(110.0 + 30.0 * (along * 0.2).sin() * (across * 0.3).cos()) as u8]);
        if left < 0.0 || top < 0.0 {
            return table();
        }
        card.get_pixel_checked(left as u32, top as u32)
            .copied()
            .unwrap_or_else(table)
    });
    seen.into()
}

/// The mean of the picture and its copies along a short way.
fn moved(photo: DynamicImage, length: f32, angle: f32) -> DynamicImage {
    let photo = photo.into_luma8();
    let (sine, cosine) = angle.sin_cos();
    let (width, height) = photo.dimensions();
    let blurred = GrayImage::from_fn(width, height, |x, y| {
        let brightness = (-4..=4).map(|step| {
            let way = step as f32 / 8.0 * length;
            let (x, y) = (x as f32 + cosine * way, y as f32 + sine * way);
            let (x, y) = (x.clamp(0.0, width as f32 - 1.0), y.clamp(0.0, height as f32 - 1.0));
            u32::from(photo.get_pixel(x.round() as u32, y.round() as u32).0[0])
        });
        Luma([(brightness.sum::<u32>() / 9) as u8])
    });
    blurred.into()
}

/// Light, reflections and the noise of a cheap sensor.
fn lit(mut photo: GrayImage, scene: &Scene, bits: &mut Bits) -> GrayImage {
    let reach = 16.0 * scene.module_pixels;
    let spot_x = scene.width as f32 / 2.0 + bits.within(-0.5, 0.5) * reach;
    let spot_y = scene.height as f32 / 2.0 + bits.within(-0.5, 0.5) * reach;
    let spot = (scene.glare * scene.module_pixels).max(0.01);
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let distance = ((x as f32 - spot_x).powi(2) + (y as f32 - spot_y).powi(2)) / (spot * spot);
        let glare = if distance < 4.0 {
            330.0 * (-distance * distance).exp()
        } else {
            0.0
        };
        let contrast = 128.0 + (f32::from(pixel.0[0]) * 0.8 + 25.0 - 128.0) * (1.0 - scene.faded);
        let shade = 1.0 - scene.shade * x as f32 / scene.width as f32;
        let noise = bits.within(-1.7, 1.7);
        pixel.0 = [(contrast * shade + glare + noise * scene.noise).clamp(0.0, 255.0) as u8];
    }
    photo
}
