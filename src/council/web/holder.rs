//! How a household is known that reports a deed or appeals: by the card that it scanned, or because it signed in.

use super::whom::in_path;
use crate::cards::card::{self, Presented, Wallet};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::programme::Programme;

/// The household behind a form.
#[derive(Clone)]
pub(super) enum Holder {
    /// Whose card this is: its address, as it was scanned.
    Card(String),
    /// Who signed in with card and PIN.
    SignedIn(Id<Household>),
}

impl Holder {
    /// Where its form stands: `/K/…/deed`, `/my/deed`.
    pub(super) fn page(&self, form: &str) -> String {
        match self {
            Holder::Card(token) => format!("/K/{}/{form}", in_path(token)),
            Holder::SignedIn(_) => format!("/my/{form}"),
        }
    }

    /// Where it came from.
    pub(super) fn home(&self) -> String {
        match self {
            Holder::Card(token) => format!("/K/{}", in_path(token)),
            Holder::SignedIn(_) => "/my/points".to_owned(),
        }
    }

    /// What tells it from others who send too much. The card's secret is part of it, so that nobody uses up another's tries
    /// by knowing a number.
    pub(super) fn counted_as(&self) -> String {
        match self {
            Holder::Card(token) => token.chars().take(40).collect(),
            Holder::SignedIn(household) => household.to_string(),
        }
    }

    /// The household, where the card's secret is right and the card is in use.
    ///
    /// # Errors
    /// `NotFound` without the card's secret; what the card refuses.
    pub(super) fn household(&self, conn: &mut Conn, programme: &Programme) -> Result<Id<Household>> {
        let text = match self {
            Holder::SignedIn(household) => return Ok(household.clone()),
            Holder::Card(text) => text,
        };
        let token = card::token(text).map_err(|_| Error::NotFound)?;
        let wallet = Wallet::open(conn, programme, [&token])?;
        match wallet.recognise(&token) {
            Ok((card, Presented::Scanned)) => Ok(card.household_id.clone()),
            Ok((_, Presented::Typed)) => Err(Error::NotFound),
            Err(refused) => match refused {
                card::Refused::CardStopped | card::Refused::HouseholdMerged | card::Refused::HouseholdLeft => {
                    Err(refused.into())
                }
                card::Refused::UnknownCard => Err(Error::NotFound),
            },
        }
    }
}
