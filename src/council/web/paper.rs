//! What a session has on the wall, and what is kept of it: the projector's view, the minutes.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::hall::{Hall, Names, Put};
use crate::app::{App, Staff};
use crate::clock;
use crate::council::motion::Choice;
use crate::council::session::{BallotForm, State as Stand};
use crate::error::Result;
use crate::page::{self, Shell};
use crate::sent::Path;

#[derive(Template)]
#[template(path = "council/screen.html")]
struct ScreenPage {
    shell: Shell,
    hall: Hall,
}

impl ScreenPage {
    /// The result that was reached last.
    fn last(&self) -> Option<&Put> {
        let decided = self.hall.motions.iter().filter(|put| !put.is_waiting());
        decided.max_by_key(|put| (put.motion.decided_at, put.motion.position))
    }

    fn is_open(&self) -> bool {
        self.hall.session.state == Stand::Open
    }

    fn is_convened(&self) -> bool {
        self.hall.session.state == Stand::Convened
    }
}

/// Rows of a batch that fit on a wall.
const ON_THE_WALL: usize = 8;

/// `GET /sessions/{number}/screen`
///
/// # Errors
/// `NotFound`, also for a session that does not concern the visitor.
pub async fn screen(State(app): State<App>, staff: Staff, Path(number): Path<i64>) -> Result<Response> {
    let shell = staff.shell.clone();
    let hall = hall(&app, staff, number, Names::Masked).await?;
    page::show(&ScreenPage { shell, hall })
}

async fn hall(app: &App, staff: Staff, number: i64, names: Names) -> Result<Hall> {
    let now = app.now();
    app.db
        .read(move |conn| Hall::load(conn, &staff, number, names, now))
        .await
}

#[derive(Template)]
#[template(path = "council/minutes.html")]
struct MinutesPage {
    shell: Shell,
    hall: Hall,
}

impl MinutesPage {
    fn opened_at(&self) -> String {
        self.hall.session.opened_at.map(clock::spoken).unwrap_or_default()
    }

    fn closed_at(&self) -> String {
        self.hall.session.closed_at.map(clock::spoken).unwrap_or_default()
    }

    /// In an open ballot the minutes say who voted how.
    fn is_open_ballot(&self) -> bool {
        self.hall.session.ballot == BallotForm::Open
    }

    fn paragraphs(&self) -> Vec<&str> {
        let lines = self.hall.session.minutes.lines();
        lines.filter(|line| !line.trim().is_empty()).collect()
    }
}

/// `GET /sessions/{number}/minutes`
///
/// # Errors
/// `NotFound`, also for a session that does not concern the visitor.
pub async fn minutes(State(app): State<App>, staff: Staff, Path(number): Path<i64>) -> Result<Response> {
    let shell = staff.shell.clone();
    let hall = hall(&app, staff, number, Names::AsPermitted).await?;
    page::show(&MinutesPage { shell, hall })
}
