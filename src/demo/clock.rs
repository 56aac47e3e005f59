//! The demo's time: visitors move it, because points post only after days of public notice.
//!
//! It is the machine's clock and an offset that only grows. The offset is kept nowhere: a demo that is opened again goes on
//! where the last act of its record stands, and each move is such an act. Sessions come along, or everybody would be
//! signed out by their own button.

use chrono::{Datelike, TimeDelta};

use crate::access::session;
use crate::access::user::User;
use crate::app::App;
use crate::audit::{self, Event};
use crate::clock::{self, Clock, Day, Moment, begin_of, day_of, days_after};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::DemoStrip;
use crate::resident;

/// The day of the month on which councils meet and the supermarket is open.
const COUNCIL_DAY: u32 = 25;
/// The hour at which a day that was moved to begins.
const MORNING: TimeDelta = TimeDelta::hours(8);
/// Days that can be moved at once.
const FURTHEST: u64 = 62;

/// The clock of a demo: the machine's, but never before the last act of its record.
///
/// # Errors
/// Only when the database fails.
pub async fn resumed(db: &Db) -> Result<Clock> {
    let last = db.read(|conn| audit::events(conn, None, 1)).await?;
    let now = Clock::System.now();
    Ok(Clock::shifted(last.first().map_or(now, |event| event.recorded_at)))
}

/// The strip above the pages, for a page with this path.
#[must_use]
pub fn strip(now: Moment, back: String) -> DemoStrip {
    let today = day_of(now);
    let tomorrow = days_after(today, 1);
    let council = council_day_after(today);
    let mut moves = vec![(tomorrow, "快进一天".to_owned())];
    if council != tomorrow {
        let day = match council.month() == today.month() {
            true => format!("{COUNCIL_DAY}日"),
            false => format!("{}月{COUNCIL_DAY}日", council.month()),
        };
        moves.push((council, format!("快进到{day}")));
    }
    DemoStrip {
        today: format!("{}月{}日 {}", today.month(), today.day(), clock::weekday(today)),
        moves,
        back,
    }
}

fn council_day_after(today: Day) -> Day {
    let mut days = (1..=31).map(|days| days_after(today, days));
    days.find(|day| day.day() == COUNCIL_DAY).unwrap_or(today)
}

/// Moves the demo's time to the morning of a day, and does day by day what is due on the way. A day that has come is no
/// move: whoever presses twice moves once.
///
/// # Errors
/// `Invalid` for a day too far away.
pub async fn move_to(app: &App, day: Day, by: &Id<User>) -> Result<()> {
    let was = app.now();
    let today = day_of(was);
    if day > days_after(today, FURTHEST) {
        return Err(Error::invalid(
            "day",
            format!("一次最多快进{FURTHEST}天，请分几次快进。"),
        ));
    }
    if day <= today {
        return Ok(());
    }
    let arrival = begin_of(day) + MORNING;
    let event = Event::new(by.as_str(), "demo.moved", format!("day:{day}"), String::new(), arrival);
    app.db
        .write(move |conn| {
            session::carry_over(conn, was, arrival)?;
            resident::session::carry_over(conn, was, arrival)?;
            audit::record(conn, &[event])
        })
        .await?;
    for day in today.iter_days().skip(1).take_while(|next| *next <= day) {
        app.clock.advance_to(begin_of(day) + MORNING);
        app.run_due().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(day: &str) -> Vec<String> {
        let now = begin_of(day.parse().unwrap()) + TimeDelta::hours(20);
        strip(now, String::new())
            .moves
            .into_iter()
            .map(|(day, label)| format!("{day} {label}"))
            .collect()
    }

    #[test]
    fn the_strip_offers_tomorrow_and_the_next_council_day() {
        assert_eq!(moves("2026-11-22"), ["2026-11-23 快进一天", "2026-11-25 快进到25日"]);
        assert_eq!(moves("2026-11-24"), ["2026-11-25 快进一天"]);
        assert_eq!(moves("2026-12-25"), ["2026-12-26 快进一天", "2027-01-25 快进到1月25日"]);
    }
}
