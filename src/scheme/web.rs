//! The page of the rules: what earns how many points, up to how many, shown by what, and who checks it. For everybody,
//! and so without anything personal.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::item::{self, Category, Item};
use super::version::{self, SchemeVersion};
use crate::access::role::Permission;
use crate::app::{App, Visitor};
use crate::clock;
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "scheme/rules.html")]
struct RulesPage {
    shell: Shell,
    scheme: Option<SchemeVersion>,
    query: String,
    groups: Vec<Group>,
    may_load: bool,
}

/// A category with those of its items that are shown.
struct Group {
    category: Category,
    items: Vec<Item>,
}

impl RulesPage {
    /// A scheme that calls itself a sample has been adopted by nobody.
    fn is_sample(&self) -> bool {
        self.scheme.as_ref().is_some_and(|scheme| scheme.name.contains("示范"))
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
    /// Who usually nominates, in the words of the field; a word of a scheme's own stands as it is.
    fn nominator<'a>(&self, item: &'a Item) -> &'a str {
        match item.nominator.as_str() {
            "resident" => "本户",
            "grid_worker" => "网格员",
            "building_head" => "楼栋长",
            "council" => "评议会",
            "community" => "社区",
            "judge_panel" => "评委",
            "shopkeeper" => "店长",
            "stock_keeper" => "库管",
            "system" => "系统",
            other => other,
        }
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
            Ok(Some((scheme, rules)))
        })
        .await?;
    let query = asked.q.trim().to_owned();
    let (scheme, groups) = match loaded {
        Some((scheme, (categories, items))) => (Some(scheme), groups(categories, &items, &query)),
        None => (None, Vec::new()),
    };
    page::show(&RulesPage {
        may_load: visitor.may(Permission::ManageProgramme),
        shell: visitor.shell,
        scheme,
        query,
        groups,
    })
}

/// The items that the words are found in, under their categories; a category without any is left out.
fn groups(categories: Vec<Category>, items: &[Item], query: &str) -> Vec<Group> {
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
