//! Pages of the scheme: the rules in plain words, their versions and what differs between them, and drafts on their way.
//!
//! One file a page. The rules are for everybody and hold nothing personal; drafts are for those who write and review them.

mod adoption;
mod draft;
mod item_form;
mod rules;
mod versions;

pub use adoption::adopt;
pub use draft::{begin, change_terms, confirm_override, draft, import, override_finding, put_category, review, submit};
pub use item_form::{item_form, new_item_form, put_item};
pub use rules::rules;
pub use versions::{difference, export, scan, suspend, version, versions};

use axum::extract::multipart::MultipartError;
use axum::http::StatusCode;

use super::resolution::{self, Resolution, Suspension};
use super::version::SchemeVersion;
use crate::clock::{self, Day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::sent::STALE_FORM;

/// Where a version stands: told by the days, and by whether somebody stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Adopted for a later day.
    Coming,
    /// In force.
    Active,
    /// In force, and stopped.
    Suspended,
    /// A later one has begun.
    Superseded,
}

impl Standing {
    fn label(self) -> &'static str {
        match self {
            Standing::Coming => "已通过，待施行",
            Standing::Active => "现行",
            Standing::Suspended => "暂停执行",
            Standing::Superseded => "已被新版替代",
        }
    }

    fn badge(self) -> &'static str {
        match self {
            Standing::Coming => " info",
            Standing::Active => " ok",
            Standing::Suspended => " bad",
            Standing::Superseded => "",
        }
    }
}

/// Where a version stands on a day, and since when it is stopped.
fn standing(
    conn: &mut Conn,
    version: &SchemeVersion,
    in_force: Option<&Id<SchemeVersion>>,
    today: Day,
) -> Result<(Standing, Option<Suspension>)> {
    if version.active_from > today {
        return Ok((Standing::Coming, None));
    }
    if in_force != Some(&version.id) {
        return Ok((Standing::Superseded, None));
    }
    let stopped = resolution::suspended(conn, &version.id)?;
    let standing = if stopped.is_some() {
        Standing::Suspended
    } else {
        Standing::Active
    };
    Ok((standing, stopped))
}

/// How a version was adopted, in a sentence.
fn adopted_in_words(resolution: &Resolution) -> String {
    format!(
        "{}在{}召开{}，应到{}人，实到{}人，赞成{}票、反对{}票、弃权{}票，通过。依据：{}。",
        clock::spoken_day(resolution.held_on),
        resolution.place,
        resolution.body.label(),
        resolution.entitled,
        resolution.present,
        resolution.votes_for,
        resolution.votes_against,
        resolution.votes_abstained,
        resolution.legal_basis
    )
}

/// A form with a file: its fields and the file's bytes. The token is checked before the file is read.
struct Upload {
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

impl Upload {
    async fn receive(mut upload: axum::extract::Multipart, csrf: &str) -> Result<Upload> {
        let (mut fields, mut file, mut is_ours) = (Vec::new(), Vec::new(), false);
        while let Some(field) = upload.next_field().await.map_err(|cause| not_whole(&cause))? {
            let name = field.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "csrf" => is_ours = field.text().await.map_err(|cause| not_whole(&cause))? == csrf,
                _ if !is_ours => return Err(STALE_FORM),
                "file" => file = field.bytes().await.map_err(|cause| not_whole(&cause))?.to_vec(),
                _ => fields.push((name, field.text().await.map_err(|cause| not_whole(&cause))?)),
            }
        }
        match is_ours {
            true => Ok(Upload { fields, file }),
            false => Err(STALE_FORM),
        }
    }

    fn text(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

fn not_whole(cause: &MultipartError) -> Error {
    match cause.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::invalid("file", "文件太大，没有收下。请传小一些的文件。"),
        _ => Error::invalid("file", "文件没有传完，请再选一次文件重试。"),
    }
}
