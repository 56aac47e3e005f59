//! 试扫一下: what a gun or a camera sends, key by key, with codes to try it on. Nothing is looked up for a card and nothing done.
//!
//! `static/try-scan.js` measures the keys in the browser. Without scripts the page has a field: what arrives in it is sent
//! here and said back. The sample card is no household's (`CardNumber::sample`), nor are the sample goods anybody's.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Staff};
use crate::assets::decoder_folder;
use crate::cards::number::{CardNumber, CardSecret, CardToken};
use crate::cards::{bars, qr};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guard::let_decode;
use crate::page::{self, Shell};
use crate::sent::SignedForm;
use crate::shop::catalogue;

/// Goods that no shop sells: 29 begins what a shop numbers itself.
const SAMPLE_GOODS: &str = "2900000000018";

#[derive(Template)]
#[template(path = "shop/try_scan.html")]
struct TryScanPage {
    shell: Shell,
    /// What arrived without a script, and what it is.
    arrived: Option<(String, String)>,
    decoder: String,
    /// The sample card's square, its number in bars, and bars of goods.
    square: String,
    bars: String,
    goods: String,
    number: String,
}

impl TryScanPage {
    fn build(shell: Shell, address: &str, arrived: Option<(String, String)>) -> Result<TryScanPage> {
        let number = CardNumber::sample();
        let of_card = CardToken::address(address, &number, &CardSecret::from_bits(0));
        let drawn = |bars: Option<String>| bars.ok_or_else(|| Error::internal("a sample cannot be drawn"));
        Ok(TryScanPage {
            shell,
            arrived,
            decoder: decoder_folder(),
            square: qr::svg(&of_card, "样卡二维码").map_err(Error::internal)?,
            bars: drawn(bars::code_128(number.as_str(), "样卡号的条码"))?,
            goods: drawn(bars::ean_13(SAMPLE_GOODS, "样品的商品条码"))?,
            number: number.grouped(),
        })
    }
}

/// `GET /counter/try-scan`
///
/// # Errors
/// Only when the database fails.
pub async fn try_scan(State(app): State<App>, staff: Staff) -> Result<Response> {
    show(&app, staff.shell, None).await
}

/// What arrived in the field.
#[derive(Deserialize)]
pub struct Scanned {
    #[serde(default)]
    text: String,
}

/// `POST /counter/try-scan`: says what arrived. Nothing is kept.
///
/// # Errors
/// Only when the database fails.
pub async fn try_scan_text(
    State(app): State<App>,
    staff: Staff,
    SignedForm(scanned): SignedForm<Scanned>,
) -> Result<Response> {
    let text = scanned.text.trim().to_owned();
    let looked_at = text.clone();
    let words = app.db.read(move |conn| recognised(conn, &looked_at)).await?;
    show(&app, staff.shell, Some((text, words))).await
}

async fn show(app: &App, shell: Shell, arrived: Option<(String, String)>) -> Result<Response> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let page = TryScanPage::build(shell, &programme.address, arrived)?;
    Ok(let_decode(page::show(&page)?))
}

/// What a text is, by its form; whether there is such a card is not asked.
fn recognised(conn: &mut Conn, text: &str) -> Result<String> {
    let bare: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let entry = catalogue::find(conn, &bare)?.filter(|entry| entry.item.barcode.as_deref() == Some(bare.as_str()));
    let item = entry.map(|entry| entry.item).filter(|item| item.withdrawn_at.is_none());
    Ok(match (CardToken::parse(text), item) {
        (_, Some(item)) => format!("商品：{}", item.name),
        (_, None) if bare == SAMPLE_GOODS => "商品条码：样品".to_owned(),
        (Ok(CardToken::Full(number, _)), None) => format!("积分卡的二维码，卡号{}", number.grouped()),
        (Ok(CardToken::Number(number)), None) => format!("积分卡的卡号{}", number.grouped()),
        (Err(why), None) => why.to_string(),
    })
}
