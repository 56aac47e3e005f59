//! What the loudspeaker says: a notice's script, of deeds or of titles, to read on the spot, as a text, on paper, and as a recording where this
//! machine has a voice. Each is made anew when it is asked for, by the consents of that moment; nothing is kept.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::boards::script::{self, ITEMS, Rate, Script, Source};
use crate::clock::{day_of, spoken_day};
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::sent::Query;

/// Notices that one can choose from.
const NEWEST: i64 = 24;
/// How many deeds or titles a broadcast may have.
const SIZES: [usize; 5] = [3, 4, 5, 8, 12];

/// Which broadcast; nothing chosen is the newest notice of deeds, its first five, as the news is read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// `12`, or `H3` of titles.
    notice: Option<String>,
    items: Option<usize>,
    part: Option<usize>,
    rate: Option<String>,
}

/// The same, made sense of.
#[derive(Clone, Copy)]
struct Chosen {
    source: Source,
    items: usize,
    part: usize,
    rate: Rate,
}

impl Wanted {
    fn chosen(&self, newest: Option<Source>) -> Result<Option<Chosen>> {
        let items = self.items.unwrap_or(ITEMS);
        if !SIZES.contains(&items) {
            return Err(Error::invalid("items", "一次播报的条数请从列表里选。"));
        }
        let rate = match self.rate.as_deref() {
            None => Rate::Usual,
            Some(word) => Rate::from_word(word).ok_or_else(|| Error::invalid("rate", "语速请从列表里选。"))?,
        };
        let source = match self.notice.as_deref() {
            None => newest,
            Some(word) => Some(Source::named(word).ok_or_else(|| Error::invalid("notice", "公示请从列表里选。"))?),
        };
        let part = self.part.unwrap_or(1);
        Ok(source.map(|source| Chosen {
            source,
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
    /// The notices one can choose from, and their words.
    notices: Vec<(Source, String)>,
    /// `None` before the first notice.
    shown: Option<Shown>,
    can_speak: bool,
}

struct Shown {
    chosen: Chosen,
    /// The part that was chosen; with nobody when nobody agreed.
    script: Script,
    parts: usize,
}

impl Shown {
    /// The question of an address of this part, or another.
    fn question(&self, part: &usize) -> String {
        let Chosen {
            source, items, rate, ..
        } = self.chosen;
        format!("notice={source}&items={items}&part={part}&rate={}", rate.word())
    }

    /// The question of the paper of this part, as `papers/broadcast.rs` reads it.
    fn printed(&self) -> String {
        let Chosen {
            source,
            items,
            part,
            rate,
        } = self.chosen;
        format!("id={source}-{part}&count={items}&kind={}", rate.word())
    }

    /// The question of the paper of all parts.
    fn printed_whole(&self) -> String {
        format!("id={}&kind={}", self.chosen.source, self.chosen.rate.word())
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
    let (asking, today) = (staff.clone(), day_of(app.now()));
    let (notices, shown) = app
        .db
        .read(move |conn| {
            let reach = asking.reach(conn, Permission::ReadNominations)?;
            let tree = Tree::load(conn)?;
            let notices: Vec<(Source, String)> = script::choices(conn, &reach, today, NEWEST)?
                .into_iter()
                .map(|one| {
                    let area = tree.get(&one.area).map(|area| area.name.as_str()).unwrap_or_default();
                    let (source, day) = (one.source, spoken_day(one.published_on));
                    let words = match source {
                        Source::Deeds(_) => format!("第{source}号，{area}，{day}公示"),
                        Source::Titles(_) => format!("称号：第{source}号公示，{area}，{day}"),
                    };
                    (source, words)
                })
                .collect();
            let Some(chosen) = wanted.chosen(notices.first().map(|(source, _)| *source))? else {
                return Ok((notices, None));
            };
            let whole = script::of(conn, chosen.source, &reach, today)?;
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
    let today = day_of(app.now());
    app.db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let whole = script::of(conn, chosen.source, &reach, today)?;
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
    let name = format!("broadcast-{}-{}.{ending}", chosen.source, chosen.part);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}
