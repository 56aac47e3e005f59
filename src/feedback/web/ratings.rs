//! What came of it: the means for everybody, the sentences for those who supervise.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::Permission;
use crate::app::{App, Staff, Visitor};
use crate::clock::{Day, day_of, spoken_quarter};
use crate::db::Conn;
use crate::error::Result;
use crate::feedback::answer::{self, FEWEST, Rating, Service};
use crate::page::{self, Shell};
use crate::places::area::Tree;

/// A quarter with a line for each place.
struct Quarter {
    name: String,
    places: Vec<Place>,
}

struct Place {
    name: String,
    /// In the order of the services; nothing where nobody answered.
    ratings: Vec<Option<Rating>>,
}

#[derive(Template)]
#[template(path = "feedback/ratings.html")]
struct RatingsPage {
    shell: Shell,
    quarters: Vec<Quarter>,
    may_key_in: bool,
    may_read: bool,
}

/// `GET /feedback`: for everybody.
///
/// # Errors
/// Only when the database fails.
pub async fn ratings(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let today = day_of(app.now());
    let quarters = app.db.read(move |conn| quarters(conn, today)).await?;
    page::show(&RatingsPage {
        quarters,
        may_key_in: visitor.may(Permission::TakeObjection),
        may_read: visitor.may(Permission::ReadFeedback),
        shell: visitor.shell,
    })
}

fn quarters(conn: &mut Conn, today: Day) -> Result<Vec<Quarter>> {
    let tree = Tree::load(conn)?;
    let ratings = answer::ratings(conn, today)?;
    let mut days: Vec<Day> = ratings.iter().map(|rating| rating.quarter_from).collect();
    days.dedup();
    let of_quarter = |day: Day| {
        let rated = tree.all().iter().filter_map(|area| {
            let of = |service: &Service| {
                let found = ratings
                    .iter()
                    .find(|rating| rating.quarter_from == day && rating.area == area.id && rating.service == *service);
                found.cloned()
            };
            let ratings: Vec<Option<Rating>> = Service::ALL.iter().map(of).collect();
            ratings.iter().any(Option::is_some).then(|| Place {
                name: area.name.clone(),
                ratings,
            })
        });
        Quarter {
            name: spoken_quarter(day),
            places: rated.collect(),
        }
    };
    Ok(days.into_iter().map(of_quarter).collect())
}

#[derive(Template)]
#[template(path = "feedback/sentences.html")]
struct SentencesPage {
    shell: Shell,
    groups: Vec<Group>,
}

/// The sentences about one service in one place and quarter.
struct Group {
    title: String,
    sentences: Vec<String>,
}

/// `GET /feedback/sentences`
///
/// # Errors
/// Only when the database fails.
pub async fn sentences(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let reach = staff.duties.reach(Permission::ReadFeedback, &tree);
            let mut groups = Vec::new();
            for rating in answer::ratings(conn, today)? {
                let sentences = answer::sentences_of(conn, &rating)?;
                if sentences.is_empty() || !reach.covers(&rating.area) {
                    continue;
                }
                let place = tree
                    .get(&rating.area)
                    .map(|area| area.name.as_str())
                    .unwrap_or_default();
                let quarter = spoken_quarter(rating.quarter_from);
                groups.push(Group {
                    title: format!("{quarter}　{place}　{}", rating.service.label()),
                    sentences,
                });
            }
            Ok(SentencesPage {
                shell: staff.shell,
                groups,
            })
        })
        .await?;
    page::show(&page)
}

/// What the service at a place in the list is called, for a narrow screen.
fn label(at: &usize) -> &'static str {
    Service::ALL.get(*at).map_or("", |service| service.label())
}
