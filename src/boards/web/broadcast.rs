//! What the loudspeaker says: a notice's script to read on the spot, as a text, on paper, and as a recording where this
//! machine has a voice. Each is made anew when it is asked for, by the consents of that moment; nothing is kept.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::boards::script::{self, ITEMS, Rate, Script};
use crate::clock::{day_of, spoken_day};
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::sent::Query;

/// Notices that one can choose from.
const NEWEST: i64 = 24;
/// How many deeds a broadcast may have.
const SIZES: [usize; 5] = [3, 4, 5, 8, 12];

/// Which broadcast; nothing chosen is the newest notice, its first five deeds, as the news is read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    notice: Option<i64>,
    items: Option<usize>,
    part: Option<usize>,
    rate: Option<String>,
}

/// The same, made sense of.
#[derive(Clone, Copy)]
struct Chosen {
    notice: i64,
    items: usize,
    part: usize,
    rate: Rate,
}

impl Wanted {
    fn chosen(&self, newest: Option<i64>) -> Result<Option<Chosen>> {
        let items = self.items.unwrap_or(ITEMS);
        if !SIZES.contains(&items) {
            return Err(Error::invalid("items", "一次播报的条数请从列表里选。"));
        }
        let rate = match self.rate.as_deref() {
            None => Rate::Usual,
            Some(word) => Rate::from_word(word).ok_or_else(|| Error::invalid("rate", "语速请从列表里选。"))?,
        };
        let part = self.part.unwrap_or(1);
        Ok(self.notice.or(newest).map(|notice| Chosen {
            notice,
            items,
            part,
            rate,
        }))
    }

    /// A file is of a notice that was chosen.
    fn expect_chosen(&self) -> Result<Chosen> {
        self.chosen(None)?
            .ok_or_else(|| Error::invalid("notice", "请先在播报稿页面上选一次公示。"))
    }
}

#[derive(Template)]
#[template(path = "boards/broadcast.html")]
struct BroadcastPage {
    shell: Shell,
    /// Number and words of the notices one can choose from.
    notices: Vec<(i64, String)>,
    /// `None` before the first notice.
    shown: Option<Shown>,
    can_speak: bool,
}

struct Shown {
    chosen: Chosen,
    /// The part that was chosen; without a deed when nobody agreed.
    script: Script,
    parts: usize,
}

impl Shown {
    /// The question of an address of this part, or another.
    fn question(&self, part: &usize) -> String {
        let Chosen {
            notice, items, rate, ..
        } = self.chosen;
        format!("notice={notice}&items={items}&part={part}&rate={}", rate.word())
    }

    /// `约1分10秒`.
    fn duration(&self) -> String {
        let seconds = self.script.seconds(self.chosen.rate);
        match (seconds / 60, seconds % 60) {
            (0, seconds) => format!("约{seconds}秒"),
            (minutes, 0) => format!("约{minutes}分钟"),
            (minutes, seconds) => format!("约{minutes}分{seconds}秒"),
        }
    }
}

/// `GET /broadcast`
///
/// # Errors
/// `NotFound` for a notice of places outside the visitor's area, and for a part that there is not.
pub async fn broadcast(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let asking = staff.clone();
    let (notices, shown) = app
        .db
        .read(move |conn| {
            let reach = asking.reach(conn, Permission::ReadNominations)?;
            let tree = Tree::load(conn)?;
            let notices: Vec<(i64, String)> = script::notices(conn, &reach, NEWEST)?
                .into_iter()
                .map(|one| {
                    let area = tree
                        .get(&one.area_id)
                        .map(|area| area.name.as_str())
                        .unwrap_or_default();
                    let day = spoken_day(day_of(one.published_at));
                    (one.number, format!("第{}号，{area}，{day}公示", one.number))
                })
                .collect();
            let Some(chosen) = wanted.chosen(notices.first().map(|(number, _)| *number))? else {
                return Ok((notices, None));
            };
            let whole = script::of_notice(conn, chosen.notice, &reach)?;
            let parts = whole.parts(chosen.items);
            let script = match parts {
                0 => whole,
                _ => whole.part(chosen.part, chosen.items)?,
            };
            let shown = Shown { chosen, script, parts };
            Ok((notices, Some(shown)))
        })
        .await?;
    page::show(&BroadcastPage {
        shell: staff.shell,
        notices,
        shown,
        can_speak: app.voice.is_there(),
    })
}

/// The part that was chosen, for a file.
async fn chosen_part(app: &App, staff: Staff, chosen: Chosen) -> Result<Script> {
    app.db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let whole = script::of_notice(conn, chosen.notice, &reach)?;
            whole.expect_something()?;
            whole.part(chosen.part, chosen.items)
        })
        .await
}

/// `GET /broadcast/script.txt`: a sentence on each line, for a loudspeaker that reads files by itself.
///
/// # Errors
/// `Invalid` without a notice, and when nobody agreed; `NotFound`.
pub async fn script(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let chosen = wanted.expect_chosen()?;
    let mut text = chosen_part(&app, staff, chosen).await?.lines().join("\n");
    text.push('\n');
    Ok(as_file(chosen, "txt", "text/plain; charset=utf-8", text.into_bytes()))
}

/// `GET /broadcast/speech.wav`: the same, read aloud.
///
/// # Errors
/// As [`script()`]; [`crate::boards::refused::Refused`] where there is no voice, or it fails.
pub async fn speech(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let chosen = wanted.expect_chosen()?;
    let text = chosen_part(&app, staff, chosen).await?.lines().join("\n");
    let recording = app.speak(text, chosen.rate).await?;
    Ok(as_file(chosen, "wav", "audio/wav", recording))
}

/// A file to take along.
fn as_file(chosen: Chosen, ending: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let name = format!("broadcast-{}-{}.{ending}", chosen.notice, chosen.part);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}
