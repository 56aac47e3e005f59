//! The form by which the assembly's resolution is written down, with its scan.

use axum::extract::State;
use axum::response::Response;

use super::Upload;
use super::draft::draft_page;
use crate::app::{App, Staff};
use crate::clock::Day;
use crate::error::{Error, Result};
use crate::files::{Kind, MEGABYTE};
use crate::id::Id;
use crate::page::{self, Problems};
use crate::scheme::resolution::{self, Adopt, Assembly, Meeting};
use crate::scheme::version::SchemeVersion;
use crate::sent::{Multipart, Path};

/// What a scan may be.
const SCANS: &[Kind] = &[Kind::Pdf, Kind::Jpeg, Kind::Png];
/// How large: minutes of a few pages.
const MOST: usize = 12 * MEGABYTE;

/// The form, as it was filled in.
#[derive(Clone, Default)]
pub(super) struct AdoptionForm {
    pub body: String,
    pub held_on: String,
    pub place: String,
    pub entitled: String,
    pub present: String,
    pub votes_for: String,
    pub votes_against: String,
    pub votes_abstained: String,
    pub legal_basis: String,
    pub active_from: String,
}

impl AdoptionForm {
    fn of(sent: &Upload) -> AdoptionForm {
        let text = |name: &str| sent.text(name).to_owned();
        AdoptionForm {
            body: text("body"),
            held_on: text("held_on"),
            place: text("place"),
            entitled: text("entitled"),
            present: text("present"),
            votes_for: text("votes_for"),
            votes_against: text("votes_against"),
            votes_abstained: text("votes_abstained"),
            legal_basis: text("legal_basis"),
            active_from: text("active_from"),
        }
    }

    fn read(&self) -> Result<Adopt> {
        let day = |field: &'static str, text: &str, told: &str| {
            let day = text.parse::<Day>();
            day.map_err(|_| Error::invalid(field, format!("{told}没有填好，请选一个日期。")))
        };
        let number = |field: &'static str, text: &str, told: &str| {
            let number = text
                .parse::<i64>()
                .ok()
                .filter(|number| (0..=1_000_000).contains(number));
            number.ok_or_else(|| Error::invalid(field, format!("{told}没有填好，请填整数。")))
        };
        let meeting = Meeting {
            body: Assembly::from_word(&self.body).ok_or_else(|| Error::invalid("body", "请选择是什么会议。"))?,
            held_on: day("held_on", &self.held_on, "会议日期")?,
            place: self.place.clone(),
            entitled: number("entitled", &self.entitled, "应到人数")?,
            present: number("present", &self.present, "实到人数")?,
            votes_for: number("votes_for", &self.votes_for, "赞成票")?,
            votes_against: number("votes_against", &self.votes_against, "反对票")?,
            votes_abstained: number("votes_abstained", &self.votes_abstained, "弃权票")?,
        };
        Ok(Adopt {
            meeting,
            legal_basis: self.legal_basis.clone(),
            active_from: day("active_from", &self.active_from, "施行日期")?,
        })
    }
}

/// `POST /scheme/drafts/{id}/adoption`
///
/// # Errors
/// `Forbidden` for a form that is not of this session; what is wrong is shown above the form.
pub async fn adopt(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Multipart(upload): Multipart,
) -> Result<Response> {
    let sent = Upload::receive(upload, &staff.shell.csrf).await?;
    let form = AdoptionForm::of(&sent);
    match try_adopt(&app, &staff, &id, &form, sent).await {
        Ok(version) => Ok(page::go(&format!("/scheme/versions/{}", version.version))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &draft_page(&app, staff, id, problems, form).await?)
        }
    }
}

async fn try_adopt(app: &App, staff: &Staff, id: &str, form: &AdoptionForm, sent: Upload) -> Result<SchemeVersion> {
    let asked = form.read()?;
    let key = sent.text("key").to_owned();
    // The file lies there before the rows that name it; one whose rows were refused is nobody's and harms nothing.
    let files = app.files.clone();
    let scan = app.slowly(move || files.keep(&sent.file, SCANS, MOST)).await??;
    let (now, by, draft) = (app.now(), staff.user.id.clone(), Id::known(id.to_owned()));
    app.db
        .write(move |conn| resolution::adopt(conn, &draft, &asked, &scan, &by, &key, now))
        .await
}
