//! The public boards: the board of honour, the wall of good deeds, the comparison. No code, no point, no balance.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Visitor};
use crate::boards::board::{self, Board, Deed, Line, Scope};
use crate::boards::comparison::{self, Comparison, FEWEST};
use crate::clock::{day_of, spoken_quarter};
use crate::error::Result;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::sent::Query;

/// Households that the page shows of a quarter, the latest.
const LINES: usize = 200;
/// Good deeds that the wall shows of a quarter, the latest.
const TOLD: usize = 60;

#[derive(Template)]
#[template(path = "boards/board.html")]
struct BoardPage {
    shell: Shell,
    /// The running quarter and the last.
    quarters: Vec<Shown>,
    /// What the board is about, and what else there is.
    scope: Scope,
    communities: Vec<Scope>,
    is_staff: bool,
    keeps_pictures: bool,
}

/// Which community.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    community: String,
}

struct Shown {
    board: Board,
    /// Those that are on the page, the latest first.
    lines: Vec<Line>,
    comparison: Comparison,
}

impl Shown {
    fn period(&self) -> String {
        spoken_quarter(self.board.quarter.from)
    }

    /// The deeds that are told in a sentence, the latest first.
    fn told(&self) -> Vec<&Deed> {
        let mut told: Vec<&Deed> = self.board.told().collect();
        told.reverse();
        told.truncate(TOLD);
        told
    }
}

impl BoardPage {
    fn is_anything_told(&self) -> bool {
        self.quarters
            .iter()
            .any(|quarter| quarter.board.told().next().is_some())
    }

    fn is_anything_pictured(&self) -> bool {
        self.quarters.iter().any(|quarter| {
            let mut winners = quarter.board.titles.iter().flat_map(|group| &group.winners);
            winners.any(|winner| winner.picture.is_some()) || quarter.told().iter().any(|deed| deed.picture.is_some())
        })
    }

    fn is_anybody_on(&self) -> bool {
        self.quarters.iter().any(|quarter| !quarter.board.is_empty())
    }

    fn is_anything_compared(&self) -> bool {
        self.quarters.iter().any(|quarter| !quarter.comparison.rows.is_empty())
    }
}

/// `GET /board`: for everybody.
///
/// # Errors
/// `NotFound` for a community that is not there.
pub async fn board(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let scope = Scope::named(&tree, &wanted.community)?;
            let buildings = scope.buildings(&tree);
            let mut quarters = Vec::new();
            for quarter in board::standing(today) {
                let board = board::of_quarter(conn, quarter, &buildings, today)?;
                let mut lines = board.lines();
                lines.reverse();
                lines.truncate(LINES);
                quarters.push(Shown {
                    lines,
                    board,
                    comparison: comparison::of_quarter(conn, quarter, &buildings, today)?,
                });
            }
            Ok(BoardPage {
                quarters,
                scope,
                communities: Scope::communities(&tree),
                is_staff: visitor.may(Permission::ReadNominations),
                keeps_pictures: visitor.may(Permission::KeepSession),
                shell: visitor.shell,
            })
        })
        .await?;
    page::show(&page)
}
