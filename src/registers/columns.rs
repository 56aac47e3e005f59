//! Columns, cells and lines: the one form that every register has, on screen, on paper and in a workbook.

use crate::clock::Day;
use crate::money::Fen;
use crate::points::Points;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Words.
    Text,
    /// A day.
    Day,
    /// A whole number that is not added up.
    Number,
    /// Whole numbers with a total at the foot.
    Sum,
    /// Yuan with a total at the foot.
    YuanSum,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading, in the words of the field.
    pub heading: &'static str,
    /// What it holds.
    pub measure: Measure,
    /// How wide it is on paper, in Latin letters.
    pub width: u16,
}

impl Column {
    /// A column.
    #[must_use]
    pub const fn new(heading: &'static str, measure: Measure, width: u16) -> Column {
        Column {
            heading,
            measure,
            width,
        }
    }

    /// Has it a total at the foot?
    #[must_use]
    pub fn is_added_up(&self) -> bool {
        matches!(self.measure, Measure::Sum | Measure::YuanSum)
    }

    /// Do its cells stand to the right?
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self.measure, Measure::Text | Measure::Day)
    }
}

/// One field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing to say.
    Nothing,
    /// Words.
    Text(String),
    /// A day.
    Day(Day),
    /// A whole number: points, units.
    Number(i64),
    /// Money.
    Yuan(Fen),
}

impl Cell {
    /// Words, or nothing where there are none.
    pub fn text(words: impl Into<String>) -> Cell {
        match words.into() {
            words if words.is_empty() => Cell::Nothing,
            words => Cell::Text(words),
        }
    }

    /// Points; none are shown as nothing.
    #[must_use]
    pub fn points(points: Points) -> Cell {
        Cell::count(points.0)
    }

    /// A number; 0 is shown as nothing.
    #[must_use]
    pub fn count(number: i64) -> Cell {
        match number {
            0 => Cell::Nothing,
            number => Cell::Number(number),
        }
    }

    /// Money; none is shown as nothing.
    #[must_use]
    pub fn yuan(fen: Fen) -> Cell {
        match fen.0 {
            0 => Cell::Nothing,
            _ => Cell::Yuan(fen),
        }
    }

    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Cell::Nothing => String::new(),
            Cell::Text(words) => words.clone(),
            Cell::Day(day) => day.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Yuan(fen) => fen.to_string(),
        }
    }
}

/// A line of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// One cell for each column.
    pub cells: Vec<Cell>,
    /// Where the first cell leads; empty for nowhere.
    pub href: String,
}

/// What a column adds up to over these lines; `None` for columns without a total.
#[must_use]
pub fn total(column: &Column, position: usize, lines: &[Line]) -> Option<Cell> {
    let cells = lines.iter().filter_map(|line| line.cells.get(position));
    let sum = cells.fold(0i64, |sum, cell| match cell {
        Cell::Number(number) | Cell::Yuan(Fen(number)) => sum.saturating_add(*number),
        Cell::Nothing | Cell::Text(_) | Cell::Day(_) => sum,
    });
    match column.measure {
        Measure::Sum => Some(Cell::Number(sum)),
        Measure::YuanSum => Some(Cell::Yuan(Fen(sum))),
        Measure::Text | Measure::Day | Measure::Number => None,
    }
}
