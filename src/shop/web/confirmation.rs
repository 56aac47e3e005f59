//! How a household confirms at the counter: its PIN, tried here before anything is written, or its signature on the slip.

use crate::app::App;
use crate::cards::card::Wallet;
use crate::cards::{card, pin};
use crate::error::{Error, Result};
use crate::places::programme;
use crate::shop::redemption::Confirmation;

/// What the form or the call says about it: the PIN that was typed, and whether the slip will be signed.
///
/// # Errors
/// `Invalid` for a PIN that is wrong, tried too often, or of a household without one.
pub(in crate::shop) async fn confirmed(
    app: &App,
    card: &str,
    typed: &str,
    signs: bool,
) -> Result<Option<Confirmation>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(signs.then_some(Confirmation::Signature));
    }
    let token = card::token(card)?;
    let found = app
        .db
        .read(move |conn| {
            let programme = programme::get(conn)?;
            let wallet = Wallet::open(conn, &programme, [&token])?;
            let household = match wallet.recognise(&token) {
                Ok((card, _)) => card.household_id.clone(),
                // The redemption itself says what is wrong with the card.
                Err(_) => return Ok(None),
            };
            let hash = pin::of(conn, &household)?;
            Ok(Some((household, hash)))
        })
        .await?;
    let Some((household, hash)) = found else {
        return Ok(None);
    };
    let Some(hash) = hash else {
        return Err(Error::invalid("pin", "这一户还没有设密码，请在小票上签字。"));
    };
    let Some(attempt) = app.pins().begin(household.as_str(), None, app.now()) else {
        return Err(Error::invalid(
            "pin",
            "密码试的次数太多，请在小票上签字，或过几分钟再试。",
        ));
    };
    let typed = typed.to_owned();
    if app.slowly(move || hash.verifies(&typed)).await? {
        app.pins().succeeded(&attempt);
        return Ok(Some(Confirmation::Pin));
    }
    Err(Error::invalid("pin", "密码不对，请住户再输一次，或在小票上签字。"))
}
