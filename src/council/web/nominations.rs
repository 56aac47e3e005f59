//! The page that lists nominations: for who verifies, first what waits for that.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{badge, is_own, within};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::Day;
use crate::council::nomination::{Nomination, State as Stand};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "council/nominations.html")]
struct NominationsPage {
    shell: Shell,
    group: Group,
    state: Option<Stand>,
    rows: Vec<NominationRow>,
    /// Were there more than are shown?
    more: bool,
    may_nominate: bool,
}

struct NominationRow {
    id: Id<Nomination>,
    head: String,
    address: String,
    item: String,
    points: Points,
    occurred_on: Day,
    nominated_by: String,
    state: Stand,
    waits_for_me: bool,
}

impl NominationsPage {
    fn waiting(&self) -> usize {
        self.rows.iter().filter(|row| row.waits_for_me).count()
    }
}

/// Where a nomination stands, in the few words that a phone has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    ToVerify,
    UnderWay,
    Ended,
    All,
}

impl Group {
    const ALL: [Group; 4] = [Group::ToVerify, Group::UnderWay, Group::Ended, Group::All];

    fn word(self) -> &'static str {
        match self {
            Group::ToVerify => "submitted",
            Group::UnderWay => "under-way",
            Group::Ended => "ended",
            Group::All => "all",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Group::ToVerify => "待核实",
            Group::UnderWay => "进行中",
            Group::Ended => "已结束",
            Group::All => "全部",
        }
    }

    /// What it holds; nothing for all.
    fn states(self) -> &'static [Stand] {
        match self {
            Group::ToVerify => &[Stand::Submitted],
            Group::UnderWay => &[
                Stand::Verified,
                Stand::Approved,
                Stand::Notified,
                Stand::Suspended,
                Stand::Queued,
            ],
            Group::Ended => &[
                Stand::Posted,
                Stand::Returned,
                Stand::Declined,
                Stand::Reversed,
                Stand::Withdrawn,
            ],
            Group::All => &[],
        }
    }

    fn of(state: Stand) -> Group {
        let holds = |group: &Group| group.states().contains(&state);
        Group::ALL.into_iter().find(holds).unwrap_or(Group::All)
    }
}

/// Nominations that a list shows.
const SHOWN: usize = 200;

/// Which nominations to list.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    state: String,
}

/// `GET /nominations`: who verifies sees first what waits for that; everybody else sees all.
///
/// # Errors
/// Only when the database fails.
pub async fn nominations(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let word = wanted.state.as_str();
    let asked = Stand::from_word(word).map(|state| (Group::of(state), Some(state)));
    let asked = asked.or_else(|| {
        let group = Group::ALL.into_iter().find(|group| group.word() == word);
        group.map(|group| (group, None))
    });
    let (group, state) = asked.unwrap_or(match staff.duties.permit(Permission::Verify) {
        true => (Group::ToVerify, None),
        false => (Group::All, None),
    });
    let page = app
        .db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let states = state
                .as_ref()
                .map_or_else(|| group.states().to_vec(), |state| vec![*state]);
            let found = within(conn, &reach, &states)?;
            let mut rows = rows(conn, &staff, &found)?;
            // Stable: within each half the newest stay first.
            rows.sort_by_key(|row| !row.waits_for_me);
            let more = rows.len() > SHOWN;
            rows.truncate(SHOWN);
            Ok(NominationsPage {
                may_nominate: staff.duties.permit(Permission::Nominate),
                shell: staff.shell,
                group,
                state,
                rows,
                more,
            })
        })
        .await?;
    page::show(&page)
}

fn rows(conn: &mut Conn, staff: &Staff, found: &[(Nomination, Household)]) -> Result<Vec<NominationRow>> {
    let tree = Tree::load(conn)?;
    let verifies = staff.duties.reach(Permission::Verify, &tree);
    let item_ids: Vec<Id<Item>> = found.iter().map(|(one, _)| one.scoring_item_id.clone()).collect();
    let items = item::by_ids(conn, &item_ids)?;
    let user_ids: Vec<Id<User>> = found.iter().filter_map(|(one, _)| one.nominated_by.clone()).collect();
    let names = user::display_names(conn, &user_ids)?;
    let rows = found.iter().map(|(one, household)| {
        let item = items.iter().find(|item| item.id == one.scoring_item_id);
        let times = if one.count > 1 {
            format!(" × {}", one.count)
        } else {
            String::new()
        };
        NominationRow {
            id: one.id.clone(),
            head: household.head_name.clone(),
            address: household.address(&tree),
            item: item
                .map(|item| format!("{} {}{times}", item.code, item.name))
                .unwrap_or_default(),
            points: one.points,
            occurred_on: one.occurred_on,
            nominated_by: one
                .nominated_by
                .as_ref()
                .map_or_else(|| "居民".to_owned(), |id| names.get(id).cloned().unwrap_or_default()),
            state: one.state,
            waits_for_me: one.state == Stand::Submitted
                && verifies.covers(&household.building_id)
                && !is_own(staff, one, household),
        }
    });
    Ok(rows.collect())
}
