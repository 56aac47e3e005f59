//! The first step of a nomination: which household. By the doors of a building, by name, initials or house number, or by
//! its card; nothing has to be typed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::{Permission, Reach};
use crate::app::{App, Staff};
use crate::cards::card::Wallet;
use crate::cards::number::CardToken;
use crate::cards::photo::decode_photo;
use crate::council::nomination::{self, Filter};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household, Search};
use crate::places::programme;
use crate::sent::SignedUpload;

#[derive(Template)]
#[template(path = "council/whom.html")]
pub(super) struct WhomPage {
    shell: Shell,
    problems: Problems,
    query: String,
    /// The item that was chosen before, when the same deed is nominated for another household.
    item: String,
    found: Vec<Choice>,
    /// Were there more than are shown?
    more: bool,
    building: Option<Building>,
    places: Vec<Place>,
}

struct Choice {
    code: String,
    head: String,
    address: String,
}

/// The doors of a building, as one walks past them.
pub(super) struct Building {
    pub(super) id: Id<Area>,
    pub(super) address: String,
    pub(super) floors: Vec<Floor>,
}

/// The doors of one floor of one stairwell.
pub(super) struct Floor {
    pub(super) label: String,
    pub(super) homes: Vec<Household>,
}

/// The buildings of one grid.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) buildings: Vec<Area>,
}

impl WhomPage {
    /// What goes along to the next step.
    fn along(&self) -> String {
        match self.item.is_empty() {
            true => String::new(),
            false => format!("&item={}", self.item),
        }
    }

    /// Is there more than one building?
    fn has_choice(&self) -> bool {
        self.places.iter().map(|place| place.buildings.len()).sum::<usize>() > 1
    }

    fn is_here(&self, building: &Area) -> bool {
        self.building.as_ref().is_some_and(|here| here.id == building.id)
    }
}

/// Households that a search shows.
const FOUND: usize = 12;
/// Doors of a building at most.
const DOORS: i64 = 1_000;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) query: String,
    pub(super) building: String,
    pub(super) item: String,
}

pub(super) fn whom_page(conn: &mut Conn, staff: &Staff, problems: Problems, asked: Asked) -> Result<WhomPage> {
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::Nominate, &tree);
    let mut found = match asked.query.is_empty() {
        true => Vec::new(),
        false => household::search(
            conn,
            &Search {
                query: asked.query.clone(),
                buildings: reach.buildings(),
                limit: i64::try_from(FOUND.saturating_add(1)).unwrap_or(i64::MAX),
                ..Search::default()
            },
        )?,
    };
    let more = found.len() > FOUND;
    found.truncate(FOUND);
    let places = places(&tree, &reach);
    let building = match asked.query.is_empty() {
        true => Some(usual_building(conn, staff, &reach, &places, &asked.building)?),
        false => None,
    };
    Ok(WhomPage {
        shell: staff.shell.clone(),
        problems,
        query: asked.query,
        item: asked.item,
        found: found
            .into_iter()
            .map(|one| Choice {
                address: one.address(&tree),
                code: one.code,
                head: one.head_name,
            })
            .collect(),
        more,
        building: match building.flatten() {
            Some(id) => Some(doors(conn, &tree, id)?),
            None => None,
        },
        places,
    })
}

/// The buildings within a reach, by grid.
pub(super) fn places(tree: &Tree, reach: &Reach) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let buildings = tree.all().iter().filter(|area| area.kind == AreaKind::Building);
    for building in buildings.filter(|building| reach.covers(&building.id)) {
        let name = building
            .parent_id
            .as_ref()
            .map(|grid| tree.address(grid))
            .unwrap_or_default();
        match places.last_mut().filter(|place| place.name == name) {
            Some(place) => place.buildings.push(building.clone()),
            None => places.push(Place {
                name,
                buildings: vec![building.clone()],
            }),
        }
    }
    places
}

/// The building whose doors are shown first: the one that was asked for, the person's own, the only one, or the one where
/// the person nominated last.
fn usual_building(
    conn: &mut Conn,
    staff: &Staff,
    reach: &Reach,
    places: &[Place],
    asked: &str,
) -> Result<Option<Id<Area>>> {
    let all: Vec<&Area> = places.iter().flat_map(|place| &place.buildings).collect();
    if !asked.is_empty() {
        let asked: Id<Area> = Id::known(asked);
        return match all.iter().any(|area| area.id == asked) {
            true => Ok(Some(asked)),
            false => Err(Error::NotFound),
        };
    }
    let mut usual = match all.as_slice() {
        [only] => Some(only.id.clone()),
        _ => None,
    };
    if let (None, Some(own)) = (&usual, &staff.user.household_id) {
        usual = Some(household::by_id(conn, own)?.building_id);
    }
    if usual.is_none() {
        let mine = Filter {
            nominated_by: Some(staff.user.id.clone()),
            ..Filter::default()
        };
        if let Some(last) = nomination::list(conn, &mine, 1)?.first() {
            usual = Some(household::by_id(conn, &last.household_id)?.building_id);
        }
    }
    Ok(usual.filter(|building| reach.covers(building)))
}

/// The doors of a building.
pub(super) fn doors(conn: &mut Conn, tree: &Tree, id: Id<Area>) -> Result<Building> {
    let search = Search {
        buildings: Some(vec![id.clone()]),
        limit: DOORS,
        ..Search::default()
    };
    let mut homes = household::search(conn, &search)?;
    let number = |text: &str| (text.parse::<u64>().unwrap_or(u64::MAX), text.to_owned());
    homes.sort_by_cached_key(|home| {
        (
            number(home.stairwell.as_deref().unwrap_or_default()),
            number(&home.room),
        )
    });
    let mut floors: Vec<Floor> = Vec::new();
    for home in homes {
        let label = floor_label(&home);
        match floors.last_mut().filter(|floor| floor.label == label) {
            Some(floor) => floor.homes.push(home),
            None => floors.push(Floor {
                label,
                homes: vec![home],
            }),
        }
    }
    Ok(Building {
        address: tree.address(&id),
        id,
        floors,
    })
}

/// `2单元 11楼`, from room 1103; a house without floors has none.
fn floor_label(home: &Household) -> String {
    let stairwell = home.stairwell.as_ref().map(|stairwell| format!("{stairwell}单元"));
    let is_number = home.room.len() >= 3 && home.room.bytes().all(|byte| byte.is_ascii_digit());
    let floor = home
        .room
        .split_at_checked(home.room.len().saturating_sub(2))
        .filter(|_| is_number)
        .map(|(floor, _)| format!("{floor}楼"));
    let parts: Vec<String> = stairwell.into_iter().chain(floor).collect();
    parts.join(" ")
}

/// `POST /nominations/household`: finds the household by its card, scanned, typed or photographed, or by what else was
/// written into the same box. A card's secret goes no further than this: the next address holds the household's code.
///
/// # Errors
/// `Forbidden` for a form that is not ours; what is wrong with the card is shown on the page.
pub async fn find_household(
    State(app): State<App>,
    staff: Staff,
    SignedUpload(sent): SignedUpload,
) -> Result<Response> {
    let asked = Asked {
        query: sent.one("query").trim().to_owned(),
        item: sent.one("item").to_owned(),
        ..Asked::default()
    };
    let item = match asked.item.is_empty() {
        true => String::new(),
        false => format!("&item={}", in_path(&asked.item)),
    };
    let photo = sent.files("photo").next().cloned();
    let card = match (photo, asked.query.is_empty()) {
        (Some(photo), _) => app.slowly(move || card_in(&photo)).await?.map(Some),
        (None, true) => Err(Error::invalid(
            "query",
            "请先写户号、姓名或拼音首字母，也可以扫积分卡。",
        )),
        (None, false) => Ok(CardToken::parse(&asked.query).ok()),
    };
    let found = match card {
        Ok(None) => {
            return Ok(page::go(&format!(
                "/nominations/new?query={}{item}",
                in_path(&asked.query)
            )));
        }
        Ok(Some(card)) => {
            let staff = staff.clone();
            app.db.read(move |conn| household_of(conn, &staff, &card)).await
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(household) => Ok(page::go(&format!(
            "/nominations/new?household={}{item}",
            in_path(&household.code)
        ))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let asked = Asked {
                query: String::new(),
                ..asked
            };
            let page = app
                .db
                .read(move |conn| whom_page(conn, &staff, problems, asked))
                .await?;
            page::show_with(status, &page)
        }
    }
}

/// The first card in a photograph.
pub(super) fn card_in(photo: &[u8]) -> Result<CardToken> {
    let texts = decode_photo(photo).map_err(|why| Error::invalid("photo", format!("{why}也可以直接输入卡号。")))?;
    let mut cards = texts.iter().filter_map(|text| CardToken::parse(text).ok());
    cards.next().ok_or_else(|| {
        Error::invalid(
            "photo",
            "照片里的二维码不是积分卡，请拍卡面上的二维码，或直接输入卡号。",
        )
    })
}

/// The household of a card, within the area of whoever asks.
pub(super) fn household_of(conn: &mut Conn, staff: &Staff, card: &CardToken) -> Result<Household> {
    let programme = programme::get(conn)?;
    let wallet = Wallet::open(conn, &programme, [card])?;
    let (card, _) = wallet.recognise(card)?;
    let household = household::by_id(conn, &card.household_id)?;
    match staff.reach(conn, Permission::Nominate)?.covers(&household.building_id) {
        true => Ok(household),
        false => Err(Error::invalid(
            "query",
            "这张卡的住户不在您负责的范围，请告诉那边的楼栋长或网格员。",
        )),
    }
}

/// Text as a part of an address.
pub(super) fn in_path(text: &str) -> String {
    let Ok(encoded) = askama::filters::urlencode_strict(text);
    encoded.to_string()
}
