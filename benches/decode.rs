//! How many bad photographs of cards are read, by what is wrong with them, beside what is wanted; and how long it takes.
//!
//! `bin/bench decode [--photos N]`. The photographs are simulated and the same in every run (`tests/camera.rs`), so the rates
//! of two versions of the reader can be compared; the times depend on the machine and are only printed. Real laminated
//! cards before real phones are another matter: `jishan card decode IMAGE` tells what it reads in those.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement has a stop-watch, divides, and falls over when something is wrong"
)]

#[path = "../tests/camera.rs"]
mod camera;

use std::time::Instant;

use camera::{Read, take};
use jishan::cards::photo::decode_photo;

/// What can be wrong with a photograph.
const KINDS: [&str; 13] = [
    "clean",
    "turned",
    "tilted",
    "blurred",
    "badly blurred",
    "moved",
    "glare",
    "shade",
    "noise",
    "faded",
    "scratched",
    "small",
    "all at once",
];

/// What is wanted of all together, in percent.
const WANTED: f64 = 95.0;

fn main() {
    let watch = |photo: &[u8]| {
        let began = Instant::now();
        let found = decode_photo(photo);
        (found, began.elapsed().as_secs_f64() * 1_000.0)
    };
    let photos = photos();
    println!("| {photos} photographs each | read | mean ms | worst ms |\n| --- | ---: | ---: | ---: |");
    let mut all = Read {
        kind: "together",
        taken: 0,
        read: 0,
        millis: Vec::new(),
    };
    for kind in KINDS {
        let one = take(kind, photos, watch);
        tell(&one);
        all.taken += one.taken;
        all.read += one.read;
        all.millis.extend(one.millis);
    }
    tell(&all);
    let verdict = if percent(&all) >= WANTED { "reached" } else { "MISSED" };
    println!("\nwanted together: {WANTED} %; {verdict}");
}

fn percent(one: &Read) -> f64 {
    100.0 * one.read as f64 / one.taken as f64
}

fn tell(one: &Read) {
    let mean = one.millis.iter().sum::<f64>() / one.millis.len() as f64;
    let worst = one.millis.iter().copied().fold(0.0, f64::max);
    println!("| {} | {:.1} % | {mean:.0} | {worst:.0} |", one.kind, percent(one));
}

/// Photographs of each kind: what follows `--photos`, or 60.
fn photos() -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--photos");
    at.map_or(60, |at| arguments[at + 1].parse().unwrap())
}
