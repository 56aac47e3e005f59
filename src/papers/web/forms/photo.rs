//! A photograph of a form: found by the codes in its corners, read into a draft, and thrown away.

use std::collections::HashMap;

use axum::http::StatusCode;
use axum::response::Response;
use base64ct::{Base64, Encoding as _};
use image::{GrayImage, ImageFormat};

use super::{Problems, Sent, Table, show, table, visit};
use crate::app::{App, Staff};
use crate::cards::photo;
use crate::council::gathering;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::papers::form::Form;
use crate::papers::marks::{Layout, Mark, Sheet, Unreadable, Verdict};
use crate::papers::sheet;

/// The longer side of a photograph of a whole page, in pixels: seven of them make a millimetre.
const PHOTO_SIDE: u32 = 2_400;

pub(super) async fn read(app: &App, staff: &Staff, bytes: Vec<u8>) -> Result<Response> {
    let wrong = |why: &dyn std::fmt::Display| Error::invalid("photo", why.to_string());
    let picture = app.slowly(move || photo::grey(&bytes, PHOTO_SIDE)).await?;
    let picture = picture.map_err(|why| wrong(&format!("{why}也可以照表单编号手工录入。")))?;
    // Which form it is, the codes say; where its boxes are, only the form.
    let (asked, picture) = app
        .slowly(move || (Sheet::found(&picture, |_, _| None).err(), picture))
        .await?;
    let (number, page_number) = match asked {
        Some(Unreadable::UnknownForm { form, page }) => (form, page),
        Some(why) => return Err(wrong(&why)),
        None => return Err(Error::internal("a sheet that nobody planned was found")),
    };
    let (form, of) = Form::read(&number)?;
    let (asking, now) = (staff.clone(), app.now());
    let (layout, mut table) = app
        .db
        .read(move |conn| {
            Ok((
                layout(conn, &asking, form, of, page_number)?,
                table(conn, &asking, (form, of), &Sent::default(), now)?,
            ))
        })
        .await?;
    let read = app
        .slowly(move || {
            let found = Sheet::found(&picture, |_, _| layout.clone())?;
            let reading = found.read()?;
            let rows: Vec<u32> = reading.marks.iter().map(|mark| mark.row).collect();
            let strips: HashMap<u32, GrayImage> = rows
                .into_iter()
                .filter_map(|row| Some((row, found.strip(row)?)))
                .collect();
            Ok::<_, Unreadable>((reading, strips))
        })
        .await?;
    let (reading, strips) = read.map_err(|why| wrong(&why))?;
    fill_in(&mut table, &reading.marks, &strips)?;
    let unsure = table.rows.iter().filter(|row| row.is_unsure).count();
    table.photo = Some((reading.page, unsure));
    show(app, staff, StatusCode::OK, (Problems::default(), 0), table).await
}

/// Where the boxes of a form's page are; `None` for a page that it has not.
fn layout(conn: &mut Conn, staff: &Staff, form: Form, of: i64, page: u32) -> Result<Option<Layout>> {
    let plan = match form {
        Form::SignIn => {
            let gathering = gathering::by_number(conn, of)?;
            sheet::plan_of_gathering(conn, &gathering)?
        }
        Form::Visit => sheet::plan_of_visit(&visit::judged(conn, staff, of)?.0)?,
        Form::Stocktake | Form::Tally | Form::Nomination | Form::Volunteering | Form::Consent => {
            return Err(Error::invalid(
                "photo",
                "这种表单不能拍照录入，请照着表单编号手工录入。",
            ));
        }
    };
    Ok(plan.pages().into_iter().find(|layout| layout.page == page))
}

/// Puts what a photograph says into the rows of its page; the rows of other pages are left out of the draft.
fn fill_in(table: &mut Table, marks: &[Mark], strips: &HashMap<u32, GrayImage>) -> Result<()> {
    let is_ticked = table.is_ticked();
    let all = std::mem::take(&mut table.rows);
    for (place, mut row) in (1u32..).zip(all) {
        let here: Vec<&Mark> = marks.iter().filter(|mark| mark.row == place).collect();
        if here.is_empty() {
            continue;
        }
        let ticked: Vec<u32> = here
            .iter()
            .filter(|mark| mark.verdict == Verdict::Ticked)
            .map(|mark| mark.column)
            .collect();
        row.is_unsure = here.iter().any(|mark| mark.verdict == Verdict::Unsure);
        match (is_ticked, sheet::mark_of(&ticked)) {
            _ if ticked.is_empty() => {}
            (true, _) => row.values = vec!["1".to_owned()],
            (false, Some(mark)) => row.values = vec![mark.to_string()],
            (false, None) => row.is_unsure = true,
        }
        row.strip = strips.get(&place).map(as_data).transpose()?;
        table.rows.push(row);
    }
    Ok(())
}

/// A strip as an address that holds the picture itself: it is kept nowhere.
fn as_data(strip: &GrayImage) -> Result<String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    strip.write_to(&mut bytes, ImageFormat::Jpeg).map_err(Error::internal)?;
    Ok(format!(
        "data:image/jpeg;base64,{}",
        Base64::encode_string(bytes.get_ref())
    ))
}
