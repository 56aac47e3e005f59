//! What a household agrees to: off until it says yes, and off again as easily. It takes effect at the next publication. The
//! photographs that are kept of it are shown beside the consent that they hang on, with who may see them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Resident};
use crate::boards::picture::{self, Picture, State as Stand};
use crate::boards::refused::Hidden;
use crate::clock::{self, Day, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "resident/consents.html")]
struct ConsentsPage {
    shell: Shell,
    is_done: bool,
    consents: Vec<Shown>,
    pictures: Vec<Own>,
}

/// A photograph of the household, and who sees it.
struct Own {
    picture: Picture,
    hidden: Option<Hidden>,
    due_on: Option<Day>,
}

impl Own {
    fn all(conn: &mut Conn, household: &Id<Household>, today: Day) -> Result<Vec<Own>> {
        let mut all = Vec::new();
        for picture in picture::of_household(conn, household)? {
            if let Some(beside) = picture.beside() {
                all.push(Own {
                    hidden: picture::hidden(conn, &beside, today)?,
                    due_on: picture::over::due_on(conn, &beside, today)?,
                    picture,
                });
            }
        }
        Ok(all)
    }

    /// Who sees it now, in a sentence.
    fn who_sees_it(&self) -> &'static str {
        match (self.picture.state, self.hidden) {
            (Stand::Approved, None) => "正在榜上：谁打开光荣榜网页、看社区电视，都看得到。",
            (Stand::Approved, Some(_)) => "现在没有放出来：只有您自己和办公室看得到。",
            _ => "还没有上榜，等第二个人看过：只有您自己和办公室看得到。",
        }
    }

    fn due(&self) -> String {
        self.due_on.map(clock::spoken_day).unwrap_or_default()
    }
}

/// A purpose, and how the household decided.
struct Shown {
    purpose: Purpose,
    given: bool,
    /// Since when, and who took it down; empty before any decision.
    since: String,
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /my/consents`
///
/// # Errors
/// Only when the database fails.
pub async fn consents(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let (household, today) = (resident.household.id, day_of(app.now()));
    let (stands, pictures) = app
        .db
        .read(move |conn| Ok((consent::of(conn, &household)?, Own::all(conn, &household, today)?)))
        .await?;
    let consents = Purpose::ALL.iter().map(|purpose| {
        let last = stands.get(purpose);
        Shown {
            purpose: *purpose,
            given: last.is_some_and(|consent| consent.given),
            since: last.map_or_else(String::new, |consent| {
                let by = match consent.recorded_by {
                    Some(_) => "办公室登记",
                    None => "自己办的",
                };
                format!("{}，{by}", clock::spoken_day(consent.decided_on))
            }),
        }
    });
    page::show(&ConsentsPage {
        shell: resident.shell,
        is_done: done.done,
        consents: consents.collect(),
        pictures,
    })
}

#[derive(Template)]
#[template(path = "resident/consent.html")]
struct ConsentPage {
    shell: Shell,
    purpose: Purpose,
    given: bool,
}

/// `GET /my/consents/{purpose}`: asks once more before anything changes.
///
/// # Errors
/// `NotFound` for a purpose that is none.
pub async fn consent(State(app): State<App>, resident: Resident, Path(word): Path<String>) -> Result<Response> {
    let purpose = Purpose::from_word(&word).ok_or(Error::NotFound)?;
    let household = resident.household.id;
    let given = app
        .db
        .read(move |conn| {
            Ok(consent::of(conn, &household)?
                .get(&purpose)
                .is_some_and(|one| one.given))
        })
        .await?;
    page::show(&ConsentPage {
        shell: resident.shell,
        purpose,
        given,
    })
}

/// What the household says. Sent twice, it changes nothing.
#[derive(Deserialize)]
pub struct Decision {
    #[serde(default)]
    given: String,
}

/// `POST /my/consents/{purpose}`
///
/// # Errors
/// `NotFound` for a purpose that is none; `Invalid` without a yes or no.
pub async fn decide(
    State(app): State<App>,
    resident: Resident,
    Path(word): Path<String>,
    SignedForm(decision): SignedForm<Decision>,
) -> Result<Response> {
    let purpose = Purpose::from_word(&word).ok_or(Error::NotFound)?;
    let given = match decision.given.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Error::invalid("given", "请选同意或不同意。")),
    };
    let (household, now) = (resident.household.id, app.now());
    app.db
        .write(move |conn| consent::decide_itself(conn, &household, purpose, given, now))
        .await?;
    Ok(page::go("/my/consents?done=true"))
}
