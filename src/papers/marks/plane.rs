//! Flat paper seen by a camera: where a place on the page lies in the photograph.
//!
//! A photograph of something flat is a projective map, found here by least squares from places known on both sides
//! (R. Hartley and A. Zisserman, *Multiple View Geometry*, 4.1 and 4.4: the direct linear transformation, both sides brought
//! to a mean of nought and a spread of one before, so that no number drowns another). Knows neither codes nor boxes.

#![expect(
    clippy::float_arithmetic,
    reason = "geometry of photographs; nothing of it is counted"
)]

/// A place: on a page in millimetres from its top left, or in a photograph in pixels from its top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl Place {
    /// This far from the top left.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Place {
        Place { x, y }
    }

    /// The distance to another place.
    #[must_use]
    pub fn distance(self, other: Place) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A projective map of the plane: three rows of three, the last number one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection([[f64; 3]; 3]);

impl Projection {
    /// The map that best brings each first place to its second; at least four pairs, not all on one line.
    pub(super) fn fitted(pairs: &[(Place, Place)]) -> Option<Projection> {
        let from = Even::of(pairs.iter().map(|pair| pair.0))?;
        let to = Even::of(pairs.iter().map(|pair| pair.1))?;
        let mut normal = vec![vec![0.0; 9]; 8];
        for (page, photo) in pairs {
            let (p, q) = (from.evened(*page), to.evened(*photo));
            let equations = [
                [p.x, p.y, 1.0, 0.0, 0.0, 0.0, -q.x * p.x, -q.x * p.y, q.x],
                [0.0, 0.0, 0.0, p.x, p.y, 1.0, -q.y * p.x, -q.y * p.y, q.y],
            ];
            for equation in equations {
                for (sums, left) in normal.iter_mut().zip(equation) {
                    for (sum, right) in sums.iter_mut().zip(equation) {
                        *sum += left * right;
                    }
                }
            }
        }
        let [a, b, c, d, e, f, g, h] = <[f64; 8]>::try_from(solved(normal)?).ok()?;
        let evened = Projection([[a, b, c], [d, e, f], [g, h, 1.0]]);
        Some(to.back().after(&evened).after(&from.there()))
    }

    /// Where a place goes.
    pub(super) fn of(&self, place: Place) -> Place {
        let [x, y, w] = self.0.map(|[a, b, c]| a * place.x + b * place.y + c);
        Place::new(x / w, y / w)
    }

    /// This map after another one.
    fn after(&self, first: &Projection) -> Projection {
        let [above, middle, below] = first.0;
        Projection(self.0.map(|[a, b, c]| {
            let sum = |x: f64, y: f64, z: f64| a * x + b * y + c * z;
            [
                sum(above[0], middle[0], below[0]),
                sum(above[1], middle[1], below[1]),
                sum(above[2], middle[2], below[2]),
            ]
        }))
    }
}

/// Places are moved by their mean and measured by their spread.
struct Even {
    mean: Place,
    spread: f64,
}

impl Even {
    fn of(places: impl Iterator<Item = Place> + Clone) -> Option<Even> {
        let count = f64::from(u32::try_from(places.clone().count()).ok()?);
        let sum = places.clone().fold(Place::new(0.0, 0.0), |sum, one| {
            Place::new(sum.x + one.x, sum.y + one.y)
        });
        let mean = Place::new(sum.x / count, sum.y / count);
        let spread = places.map(|one| one.distance(mean)).sum::<f64>() / count;
        (spread > 1e-6).then_some(Even { mean, spread })
    }

    fn evened(&self, place: Place) -> Place {
        Place::new(
            (place.x - self.mean.x) / self.spread,
            (place.y - self.mean.y) / self.spread,
        )
    }

    fn there(&self) -> Projection {
        let (scale, mean) = (1.0 / self.spread, self.mean);
        Projection([
            [scale, 0.0, -mean.x * scale],
            [0.0, scale, -mean.y * scale],
            [0.0, 0.0, 1.0],
        ])
    }

    fn back(&self) -> Projection {
        Projection([
            [self.spread, 0.0, self.mean.x],
            [0.0, self.spread, self.mean.y],
            [0.0, 0.0, 1.0],
        ])
    }
}

/// Solves linear equations, each a row of factors and what they come to: the largest factor of the first unknown leads, is
/// taken out of all others, and the rest is a smaller problem (Gauss).
fn solved(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let lead = |row: &Vec<f64>| row.first().copied().unwrap_or_default();
    let largest =
        |one: &(usize, &Vec<f64>), other: &(usize, &Vec<f64>)| lead(one.1).abs().total_cmp(&lead(other.1).abs());
    let Some((at, _)) = rows.iter().enumerate().max_by(largest) else {
        return Some(Vec::new());
    };
    let leader = rows.swap_remove(at);
    let first = lead(&leader);
    if first.abs() < 1e-12 {
        return None;
    }
    let without = |row: &Vec<f64>| {
        let share = lead(row) / first;
        row.iter()
            .zip(&leader)
            .skip(1)
            .map(|(one, taken)| one - share * taken)
            .collect()
    };
    let mut rest = solved(rows.iter().map(without).collect())?;
    let known: f64 = leader
        .iter()
        .skip(1)
        .zip(&rest)
        .map(|(factor, value)| factor * value)
        .sum();
    rest.insert(0, (leader.last()? - known) / first);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_is_found_again_from_four_places_and_from_nine() {
        let true_one = Projection([[7.1, 0.4, 120.0], [-0.3, 6.6, 80.0], [1e-4, -4e-4, 1.0]]);
        let pages: Vec<Place> = [
            (10.0, 10.0),
            (200.0, 11.0),
            (9.0, 280.0),
            (199.0, 281.0),
            (100.0, 150.0),
            (30.0, 60.0),
        ]
        .map(|(x, y)| Place::new(x, y))
        .into();
        for count in [4, 6] {
            let pairs: Vec<_> = pages
                .iter()
                .take(count)
                .map(|page| (*page, true_one.of(*page)))
                .collect();
            let found = Projection::fitted(&pairs).unwrap();
            for page in &pages {
                assert!(found.of(*page).distance(true_one.of(*page)) < 1e-6);
            }
        }
    }

    #[test]
    fn places_on_one_line_give_no_projection() {
        let line: Vec<_> = (0..6)
            .map(|x| (Place::new(f64::from(x), 0.0), Place::new(f64::from(x), 1.0)))
            .collect();
        assert!(Projection::fitted(&line).is_none());
        assert!(Projection::fitted(&[]).is_none());
    }
}
