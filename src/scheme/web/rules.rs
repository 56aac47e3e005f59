//! The page of the rules: what earns how many points, up to how many, shown by what, and who checks it. For everybody,
//! and so without anything personal.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Standing, adopted_in_words, standing};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Visitor};
use crate::clock;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::scheme::item::{self, Category, Item, nominator_in_words};
use crate::scheme::version::{self, SchemeVersion};
use crate::scheme::{draft, overrule, resolution, terms};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "scheme/rules.html")]
struct RulesPage {
    shell: Shell,
    scheme: Option<SchemeVersion>,
    facts: Facts,
    query: String,
    groups: Vec<Group>,
    may_load: bool,
}

/// What is told of a version besides its items.
#[derive(Default)]
pub(super) struct Facts {
    pub standing: Option<Standing>,
    pub stopped: Option<String>,
    pub adopted: Option<String>,
    pub overrides: Vec<Stands>,
    /// How a dividend is shared out, where the version says so.
    pub dividend: Option<String>,
}

/// A find that two people let stand, printed with the rules.
pub(super) struct Stands {
    pub place: String,
    pub finding: String,
    pub reason: String,
    pub people: String,
}

/// A category with those of its items that are shown.
pub(super) struct Group {
    pub category: Category,
    pub items: Vec<Item>,
}

impl RulesPage {
    /// A scheme that calls itself a sample has been adopted by nobody.
    fn is_sample(&self) -> bool {
        self.facts.adopted.is_none() && self.scheme.as_ref().is_some_and(|scheme| scheme.name.contains("示范"))
    }

    fn in_force_from(&self) -> String {
        self.scheme
            .as_ref()
            .map(|scheme| clock::spoken_day(scheme.active_from))
            .unwrap_or_default()
    }

    fn found(&self) -> usize {
        self.groups.iter().map(|group| group.items.len()).sum()
    }
}

impl Group {
    pub fn nominator<'a>(&self, item: &'a Item) -> &'a str {
        nominator_in_words(&item.nominator)
    }
}

/// Which rules to look for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

/// `GET /scheme`
///
/// # Errors
/// Only when the database fails.
pub async fn rules(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let today = clock::day_of(app.now());
    let loaded = app
        .db
        .read(move |conn| {
            let scheme = match version::in_force(conn, today) {
                Ok(scheme) => scheme,
                Err(Error::NotFound) => return Ok(None),
                Err(error) => return Err(error),
            };
            let rules = item::of_version(conn, &scheme.id)?;
            let facts = facts(conn, &scheme, today)?;
            Ok(Some((scheme, rules, facts)))
        })
        .await?;
    let query = asked.q.trim().to_owned();
    let (scheme, groups, facts) = match loaded {
        Some((scheme, (categories, items), facts)) => (Some(scheme), groups(categories, &items, &query), facts),
        None => (None, Vec::new(), Facts::default()),
    };
    page::show(&RulesPage {
        may_load: visitor.may(Permission::ManageProgramme),
        shell: visitor.shell,
        scheme,
        facts,
        query,
        groups,
    })
}

/// Where a version stands, how it was adopted and what was let stand in it.
pub(super) fn facts(conn: &mut Conn, scheme: &SchemeVersion, today: clock::Day) -> Result<Facts> {
    let in_force = match version::in_force(conn, today) {
        Ok(version) => Some(version.id),
        Err(Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    let (standing, stopped) = standing(conn, scheme, in_force.as_ref(), today)?;
    let adopted = resolution::of_version(conn, &scheme.id)?;
    let mut overrides = Vec::new();
    if let Some(draft) = draft::of_version(conn, &scheme.id)? {
        let findings = draft.findings();
        for known in overrule::of_draft(conn, &draft.id)? {
            let Some((confirmed_by, _)) = &known.confirmed else {
                continue;
            };
            // What was mended after all is not told.
            if !findings.iter().any(|finding| finding.mark() == known.proposal.mark) {
                continue;
            }
            let names = user::display_names(conn, &[known.proposal.proposed_by.clone(), confirmed_by.clone()])?;
            let name = |id| names.get(id).cloned().unwrap_or_default();
            overrides.push(Stands {
                people: format!("{}提出，{}确认", name(&known.proposal.proposed_by), name(confirmed_by)),
                place: known.proposal.place,
                finding: known.proposal.finding,
                reason: known.proposal.reason,
            });
        }
    }
    Ok(Facts {
        standing: Some(standing),
        stopped: stopped.map(|event| format!("{}：{}", clock::spoken(event.recorded_at), event.reason)),
        adopted: adopted.as_ref().map(adopted_in_words),
        overrides,
        dividend: terms::of(conn, &scheme.id)?.dividend.map(|terms| terms.in_words()),
    })
}

/// The items that the words are found in, under their categories; a category without any is left out.
pub(super) fn groups(categories: Vec<Category>, items: &[Item], query: &str) -> Vec<Group> {
    let words = query.to_lowercase();
    let matches = |category: &Category, item: &Item| {
        let texts = [&category.name, &item.code, &item.name, &item.evidence];
        item.category_code == category.code && texts.iter().any(|text| text.to_lowercase().contains(&words))
    };
    let groups = categories.into_iter().map(|category| Group {
        items: items.iter().filter(|item| matches(&category, item)).cloned().collect(),
        category,
    });
    groups.filter(|group| !group.items.is_empty()).collect()
}
