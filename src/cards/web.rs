//! Pages of cards: a new card to print, stopping a card, and what a stranger sees who scans one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::card::{self, Issue, Issued, Refused, Wallet};
use super::number::{CardNumber, CardToken};
use super::{bars, qr};
use crate::access::role::Permission;
use crate::app::{App, Staff, Visitor};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::papers;
use crate::papers::card::{self as paper, CardPaper, Face};
use crate::papers::order::{Asked, Order};
use crate::places::area::Tree;
use crate::places::consent;
use crate::places::household::{self, Household};
use crate::places::programme::{self, Programme};
use crate::print::Purpose;
use crate::sent::{Path, SignedForm};
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "cards/issued.html")]
struct IssuedPage {
    shell: Shell,
    code: String,
    head: String,
    /// The card's address as a drawing; the secret is in it and nowhere else on the page.
    drawing: String,
    /// The number as bars, for guns that read no squares.
    bars: String,
    number: String,
    office: String,
    phone: String,
    /// The request, to be sent again for the same card as PDF.
    asked: NewCard,
}

/// Asks for a card.
#[derive(Clone, Deserialize)]
pub struct NewCard {
    key: String,
    #[serde(flatten)]
    why: Why,
    /// `pdf` for the card as it is printed; otherwise it is shown on a page.
    #[serde(default)]
    format: String,
}

/// Why a card is issued or stopped: a reason that was chosen, and what was added to it.
#[derive(Clone, Deserialize)]
pub struct Why {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    detail: String,
}

impl Why {
    fn in_words(&self) -> String {
        match (self.reason.trim(), self.detail.trim()) {
            (reason, "") => reason.to_owned(),
            ("", detail) => detail.to_owned(),
            (reason, detail) => format!("{reason}：{detail}"),
        }
    }
}

/// `POST /households/{code}/cards`: answers the card itself, because its secret is shown now and never again. Sent twice,
/// the same form shows the same card.
///
/// # Errors
/// `NotFound`, also outside the visitor's area; `Invalid` for a missing reason; `idempotency_conflict`; `template_error` when the
/// card could not be printed: it is not issued then.
pub async fn issue(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<NewCard>,
) -> Result<Response> {
    let (now, shell, sent) = (app.now(), staff.shell.clone(), form.clone());
    // Without any font nothing is printed here anyway, and the page shows the card.
    if !app.printer.font_families().is_empty() {
        app.at_press(|printer| CardPaper::Single.prove(printer)).await?;
    }
    let (issued, household, programme) = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::IssueCards, &household.building_id)?;
            let programme = programme::get(conn)?;
            let asked = Issue {
                household: household.id.clone(),
                reason: form.why.in_words(),
                by: staff.user.id,
                key: form.key,
            };
            Ok((card::issue(conn, &programme, &asked, now)?, household, programme))
        })
        .await?;
    if sent.format == "pdf" {
        return as_pdf(&app, issued, household, programme).await;
    }
    let address = CardToken::address(&programme.address, &issued.number, &issued.secret);
    page::show(&IssuedPage {
        shell,
        code: household.code,
        head: household.head_name,
        drawing: qr::svg(&address, "积分卡二维码").map_err(Error::internal)?,
        bars: bars::code_128(issued.number.as_str(), "卡号的条码").unwrap_or_default(),
        number: issued.number.grouped(),
        office: programme.office,
        phone: programme.phone,
        asked: sent,
    })
}

/// The card alone, front and back, of the size of a bank card.
async fn as_pdf(app: &App, issued: Issued, household: Household, programme: Programme) -> Result<Response> {
    let order = Order {
        asked: Asked::default(),
        duties: None,
        now: app.now(),
    };
    let (now, of) = (order.now, household.clone());
    let (back, is_named) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let named = consent::given_by(conn, std::slice::from_ref(&of.id), consent::Purpose::NameOnCard)?;
            Ok((paper::back(conn, &order, &tree, Some(&of))?, named.contains(&of.id)))
        })
        .await?;
    let pdf = app
        .at_press(move |printer| {
            let card = paper::single(back, Face::of(&programme, &issued, &household, is_named)?);
            printer.set("card.typ", &card)?.pdf(Purpose::Reading, now)
        })
        .await?;
    Ok(papers::web::as_pdf("card.pdf", pdf))
}

/// `POST /households/{code}/card-stop`
///
/// # Errors
/// `NotFound`, also outside the visitor's area; `Invalid` for a missing reason.
pub async fn stop(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(why): SignedForm<Why>,
) -> Result<Response> {
    let now = app.now();
    let Ok(in_path) = askama::filters::urlencode_strict(&code);
    let back = format!("/households/{in_path}");
    let stopped = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::IssueCards, &household.building_id)?;
            card::stop(conn, &household.id, &why.in_words(), &staff.user.id, now)
        })
        .await?;
    let done = if stopped > 0 { "card-stopped" } else { "no-card" };
    Ok(page::go(&format!("{back}?done={done}")))
}

#[derive(Template)]
#[template(path = "cards/found.html")]
struct FoundPage {
    shell: Shell,
    /// The card's own address again, when it has a secret in it: not looked at here, so that it tells nothing.
    token: Option<String>,
    stopped: bool,
    stores: Vec<PointsStore>,
    office: String,
    phone: String,
}

/// `GET /K/{token}`: what the phone of whoever found or bought a card shows. Nothing of the household; the same page
/// whether there is such a card or not; only a card that was stopped says so, so that it comes back.
///
/// # Errors
/// Only when the database fails.
pub async fn found(State(app): State<App>, visitor: Visitor, Path(text): Path<String>) -> Result<Response> {
    let Some(programme) = app.programme().await? else {
        return Ok(page::go("/first-run"));
    };
    let (office, phone) = (programme.office.clone(), programme.phone.clone());
    let token = matches!(CardToken::parse(&text), Ok(CardToken::Full(..))).then(|| text.clone());
    let (stopped, stores) = app
        .db
        .read(move |conn| Ok((is_stopped(conn, &programme, &text)?, store::all(conn)?)))
        .await?;
    page::show(&FoundPage {
        shell: visitor.shell,
        token,
        stopped,
        stores,
        office,
        phone,
    })
}

/// Was the card of this number stopped? The secret after the number is not looked at: any is answered alike.
fn is_stopped(conn: &mut Conn, programme: &Programme, text: &str) -> Result<bool> {
    let before_secret = text.split('-').next().unwrap_or_default();
    let Ok(number) = CardNumber::parse(before_secret) else {
        return Ok(false);
    };
    let number = CardToken::Number(number);
    let wallet = Wallet::open(conn, programme, [&number])?;
    Ok(wallet.recognise(&number).is_err_and(|why| why != Refused::UnknownCard))
}
