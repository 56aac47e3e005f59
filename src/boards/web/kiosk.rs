//! The kiosk: the boards on a television, one screen after the other, without a menu.
//!
//! The screens are counted anew each time one is shown, and a number beyond the last begins again, so that a television
//! that stands there for a year needs nobody. It turns by script without a white moment, and by the browser's own clock
//! where no script runs; the link below a screen stops it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Visitor};
use crate::boards::board::{self, Scope};
use crate::boards::comparison;
use crate::boards::picture::Shown;
use crate::clock::{Day, Moment, day_of, spoken_day, spoken_quarter, weekday};
use crate::council::{nomination, notice};
use crate::db::Conn;
use crate::error::Result;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::programme;
use crate::registers::coming::{self, Open};
use crate::registers::month;
use crate::registers::open_book::{self, Figure};
use crate::sent::Query;

/// How long a screen stands, in seconds.
const SECONDS: u64 = 15;
/// Households on a screen of the board of honour, each with two lines of what it did.
const LINES: usize = 5;
/// Sentences on a screen of the wall of good deeds.
const TOLD: usize = 3;
/// Buildings on a screen of the comparison.
const BUILDINGS: usize = 9;
/// Notices on their screen, and stores on theirs.
const LISTED: usize = 6;
/// Screens of one board at most, the latest: a round takes a few minutes.
const SCREENS: usize = 5;
/// Notices that are looked through for those in force.
const NEWEST: i64 = 50;

/// What a screen shows.
enum Screen {
    /// Households with a title, or with what they did.
    Honours { about: String, rows: Vec<Row> },
    /// Good deeds in sentences.
    GoodDeeds { rows: Vec<Row> },
    /// Counts of buildings.
    Comparison {
        period: String,
        evaluations: Vec<String>,
        rows: Vec<comparison::Row>,
    },
    /// Public notices in force.
    Notices { rows: Vec<Listed> },
    /// The open book of the last month, in a few numbers.
    Totals { month: String, figures: Vec<Figure> },
    /// When stores are open, and where to ask.
    Opening {
        stores: Vec<Open>,
        office: String,
        phone: String,
    },
}

impl Screen {
    fn title(&self) -> &'static str {
        match self {
            Screen::Honours { .. } => "光荣榜",
            Screen::GoodDeeds { .. } => "好人墙",
            Screen::Comparison { .. } => "评比栏",
            Screen::Notices { .. } => "正在公示",
            Screen::Totals { .. } => "积分公开",
            Screen::Opening { .. } => "开放时间",
        }
    }
}

struct Row {
    name: String,
    building: String,
    text: String,
    picture: Option<Shown>,
}

struct Listed {
    number: i64,
    area: String,
    last_day: Day,
    rows: usize,
}

#[derive(Template)]
#[template(path = "boards/kiosk.html")]
struct KioskPage {
    shell: Shell,
    screen: Screen,
    /// The first is 1.
    number: usize,
    of: usize,
    is_paused: bool,
    today: Day,
    /// The community that the television stands in, when it shows just that.
    scope: Scope,
}

impl KioskPage {
    fn after(&self) -> usize {
        self.number.checked_rem(self.of).unwrap_or(0).saturating_add(1)
    }

    fn before(&self) -> usize {
        match self.number {
            0 | 1 => self.of,
            number => number.saturating_sub(1),
        }
    }

    /// What an address of a screen ends with, so that the next one is of the same community.
    fn here(&self) -> String {
        match self.scope.word.as_str() {
            "" => String::new(),
            word => format!("&community={word}"),
        }
    }

    /// The board behind the kiosk.
    fn board(&self) -> String {
        match self.scope.word.as_str() {
            "" => "/board".to_owned(),
            word => format!("/board?community={word}"),
        }
    }

    fn day(&self) -> String {
        format!("{}　{}", spoken_day(self.today), weekday(self.today))
    }
}

/// Which screen.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    screen: Option<usize>,
    #[serde(default)]
    pause: Option<String>,
    #[serde(default)]
    community: String,
}

/// `GET /board/kiosk`: for everybody.
///
/// # Errors
/// `NotFound` for a community that is not there.
pub async fn kiosk(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let (scope, mut screens) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let scope = Scope::named(&tree, &wanted.community)?;
            let screens = screens(conn, &tree, &scope, now)?;
            Ok((scope, screens))
        })
        .await?;
    let of = screens.len();
    let at = wanted.screen.unwrap_or(1).max(1).saturating_sub(1);
    let at = at.checked_rem(of).unwrap_or(0);
    page::show(&KioskPage {
        screen: screens.swap_remove(at),
        number: at.saturating_add(1),
        of,
        is_paused: wanted.pause.is_some(),
        today: day_of(now),
        scope,
        shell: visitor.shell,
    })
}

/// All screens there are now; the last is always there.
fn screens(conn: &mut Conn, tree: &Tree, scope: &Scope, now: Moment) -> Result<Vec<Screen>> {
    let today = day_of(now);
    let buildings = scope.buildings(tree);
    let (mut honours, mut deeds, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for quarter in board::standing(today) {
        let board = board::of_quarter(conn, quarter, &buildings, today)?;
        let period = spoken_quarter(quarter.from);
        told.extend(board.told().rev().map(|deed| Row {
            name: deed.name.clone(),
            building: deed.building.clone(),
            text: deed.told().to_owned(),
            picture: deed.picture.clone(),
        }));
        deeds.push((
            period.clone(),
            board
                .lines()
                .into_iter()
                .rev()
                .map(|line| Row {
                    name: line.name,
                    building: line.building,
                    text: line.rules.join("；"),
                    picture: None,
                })
                .collect::<Vec<Row>>(),
        ));
        for group in board.titles {
            let rows = group.winners.into_iter().map(|winner| Row {
                name: winner.name,
                building: winner.building,
                text: winner.reason,
                picture: winner.picture,
            });
            let about = format!("{period}　{}", group.title);
            honours.extend(cut(rows.collect(), LINES, |rows| Screen::Honours {
                about: about.clone(),
                rows,
            }));
        }
    }
    for (period, rows) in deeds {
        honours.extend(cut(rows, LINES, |rows| Screen::Honours {
            about: period.clone(),
            rows,
        }));
    }
    let mut screens = honours;
    screens.extend(cut(told, TOLD, |rows| Screen::GoodDeeds { rows }));
    let [running, _] = board::standing(today);
    let compared = comparison::of_quarter(conn, running, &buildings, today)?;
    screens.extend(cut(compared.rows, BUILDINGS, |rows| Screen::Comparison {
        period: spoken_quarter(running.from),
        evaluations: compared.evaluations.clone(),
        rows,
    }));
    let rows = running_notices(conn, tree, scope, now)?;
    if !rows.is_empty() {
        screens.push(Screen::Notices { rows });
    }
    if let Some((month, figures)) = open_book::latest_figures(conn, today)? {
        let month = month::spoken(month);
        screens.push(Screen::Totals { month, figures });
    }
    screens.push(opening_screen(conn, tree, scope, today)?);
    Ok(screens)
}

/// Rows as screens of so many rows, as many screens as a board may have.
fn cut<T>(rows: Vec<T>, size: usize, screen: impl Fn(Vec<T>) -> Screen) -> Vec<Screen> {
    let mut rows = rows.into_iter();
    let pages = std::iter::from_fn(|| {
        let page: Vec<T> = rows.by_ref().take(size).collect();
        (!page.is_empty()).then_some(page)
    });
    pages.take(SCREENS).map(screen).collect()
}

fn running_notices(conn: &mut Conn, tree: &Tree, scope: &Scope, now: Moment) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let running = notice::list(conn, NEWEST)?
        .into_iter()
        .filter(|one| one.runs_at(now) && tree.concerns(scope.community.as_ref(), &one.area_id));
    for one in running.take(LISTED) {
        let ends_on = day_of(one.ends_at);
        listed.push(Listed {
            number: one.number,
            area: tree.get(&one.area_id).map(|area| area.name.clone()).unwrap_or_default(),
            last_day: ends_on.pred_opt().unwrap_or(ends_on),
            rows: nomination::of_notice(conn, &one.id)?.len(),
        });
    }
    Ok(listed)
}

fn opening_screen(conn: &mut Conn, tree: &Tree, scope: &Scope, today: Day) -> Result<Screen> {
    let mut stores = coming::stores(conn, tree, scope.community.as_ref(), today)?;
    stores.truncate(LISTED);
    let (office, phone) = programme::find(conn)?
        .map(|programme| (programme.office, programme.phone))
        .unwrap_or_default();
    Ok(Screen::Opening { stores, office, phone })
}

/// `11月25日`; a template hands in a reference.
fn short(day: &Day) -> String {
    day.format("%-m月%-d日").to_string()
}
