//! Papers asked for from a town, as whoever stands at the machine gets them: for every story that looks at one.

use jishan::error::Error;
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::print::Sheets;

use crate::town::Town;

/// A paper's data, which is read without a field missing or to spare.
pub async fn data(town: &Town, paper: Paper, asked: Asked) -> Result<Vec<u8>, Error> {
    let order = Order {
        asked,
        duties: None,
        now: town.app.now(),
    };
    let data = town.app.db.read(move |conn| paper.load(conn, &order)).await?;
    let data = paper.illustrated(data, &town.app.files)?;
    paper
        .read(&data)
        .unwrap_or_else(|why| panic!("{}: {why}", paper.word()));
    Ok(data)
}

/// A paper as it is set.
pub async fn order(town: &Town, paper: Paper, asked: Asked) -> Result<Sheets, Error> {
    super::press_with_fonts().set_json(&paper.template(), data(town, paper, asked).await?)
}

/// What a paper says, without the spaces and the ends of its lines.
pub async fn said(town: &Town, paper: Paper, asked: Asked) -> String {
    let sheets = order(town, paper, asked).await;
    let sheets = sheets.unwrap_or_else(|error| panic!("{}: {error}", paper.word()));
    sheets.text().split_whitespace().collect()
}

/// The one with this number or id.
pub fn number(id: &str) -> Asked {
    Asked {
        id: Some(id.to_owned()),
        ..Asked::default()
    }
}

/// The one of this household.
pub fn of(household: &str) -> Asked {
    Asked {
        household: Some(household.to_owned()),
        ..Asked::default()
    }
}
