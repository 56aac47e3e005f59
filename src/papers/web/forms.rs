//! Forms that come back: found by their number, keyed row by row; or read from a photograph into a draft that a person
//! looks at, puts right and confirms. Nothing of a photograph is kept.
//!
//! Who may key a form is who may do the same on its own page; the room's own function writes it down.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64ct::{Base64, Encoding as _};
use image::{GrayImage, ImageFormat};

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::cards::photo;
use crate::clock::Moment;
use crate::council::gathering;
use crate::council::visit::writing::{self, Write};
use crate::council::visit::{self, Entry, Visit};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::form::Form;
use crate::papers::marks::{Layout, Mark, Sheet, Unreadable, Verdict};
use crate::papers::{sheet, stocktake as stocktake_paper};
use crate::places::household;
use crate::sent::{Path, SignedForm, SignedUpload};
use crate::shop::act::Act;
use crate::shop::{stocktake, store};

/// The longer side of a photograph of a whole page, in pixels: seven of them make a millimetre.
const PHOTO_SIDE: u32 = 2_400;

#[derive(Template)]
#[template(path = "papers/forms.html")]
struct FormsPage {
    shell: Shell,
    problems: Problems,
    number: String,
}

/// `GET /forms`
///
/// # Errors
/// Only when the template fails.
pub async fn forms(staff: Staff) -> Result<Response> {
    page::show(&FormsPage {
        shell: staff.shell,
        problems: Problems::default(),
        number: String::new(),
    })
}

/// `POST /forms`: a number leads to its form; a photograph is read into a draft.
///
/// # Errors
/// `Internal`; what is wrong with number or photograph is shown beside them.
pub async fn find(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let number = sent.one("number").to_owned();
    let found = match sent.files("photo").next().cloned() {
        Some(bytes) => read_photo(&app, &staff, bytes.to_vec()).await,
        None => Form::read(&number).map(|(form, of)| page::go(&address(form, of))),
    };
    match found {
        Ok(response) => Ok(response),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = FormsPage {
                shell: staff.shell,
                problems,
                number,
            };
            page::show_with(status, &page)
        }
    }
}

/// Where a form is keyed: here, or on the page that its room has for it.
fn address(form: Form, of: i64) -> String {
    match form {
        Form::Tally => format!("/sessions/{of}"),
        Form::Nomination => "/nominations/new".to_owned(),
        Form::SignIn | Form::Visit | Form::Stocktake => format!("/forms/{}", form.number(of)),
    }
}

/// A form with its rows, as they stand or as a photograph says.
#[derive(Clone, Debug)]
struct Table {
    form: Form,
    number: String,
    title: String,
    about: String,
    /// Where its room shows it.
    back: String,
    /// What a row is asked for.
    asks: &'static str,
    rows: Vec<Row>,
    /// Which page a photograph showed, and of how many rows it is not sure.
    photo: Option<(u32, usize)>,
}

#[derive(Clone, Debug)]
struct Row {
    row: i64,
    code: String,
    label: String,
    name: String,
    /// A number, or whether it is ticked.
    value: String,
    is_ticked: bool,
    /// Signed in before: cannot be taken back here.
    is_fixed: bool,
    is_unsure: bool,
    /// What the photograph shows of it.
    strip: Option<String>,
}

impl Table {
    fn is_ticked(&self) -> bool {
        self.form == Form::SignIn
    }
}

fn table(conn: &mut Conn, staff: &Staff, form: Form, of: i64) -> Result<Table> {
    match form {
        Form::SignIn => sign_in_table(conn, staff, of),
        Form::Visit => visit_table(conn, staff, of),
        Form::Stocktake => stocktake_table(conn, staff, of),
        Form::Tally | Form::Nomination => Err(Error::NotFound),
    }
}

fn expect(staff: &Staff, permission: Permission) -> Result<()> {
    match staff.duties.permit(permission) {
        true => Ok(()),
        false => Err(Error::Forbidden("您的职责不包含录入这种表单。")),
    }
}

fn sign_in_table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    expect(staff, Permission::Nominate)?;
    let gathering = gathering::by_number(conn, of)?;
    staff.expect_within(conn, Permission::Nominate, &gathering.area_id)?;
    let rows = gathering::rows(conn, &gathering.id)?;
    let ids: Vec<_> = rows.iter().map(|row| row.household_id.clone()).collect();
    let households: HashMap<_, _> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let rows = rows.iter().filter_map(|row| {
        let household = households.get(&row.household_id)?;
        Some(Row {
            row: row.row_number,
            code: gathering.row_code(row.row_number),
            label: household.code.clone(),
            name: household.head_name.clone(),
            value: String::new(),
            is_ticked: row.signed_at.is_some(),
            is_fixed: row.signed_at.is_some(),
            is_unsure: false,
            strip: None,
        })
    });
    Ok(Table {
        rows: rows.collect(),
        form: Form::SignIn,
        number: Form::SignIn.number(of),
        title: "签到表".to_owned(),
        about: gathering.name,
        back: format!("/gatherings/{}", gathering.id),
        asks: "到场",
        photo: None,
    })
}

/// The visit and the judge's place that a form's number names.
fn judged(conn: &mut Conn, staff: &Staff, of: i64) -> Result<(Visit, i64)> {
    expect(staff, Permission::MarkVisits)?;
    let (code, judge) = sheet::visit_and_judge(of);
    let found = visit::by_code(conn, &code)?;
    staff.expect_within(conn, Permission::MarkVisits, &found.building_id)?;
    Ok((visit::load(conn, &found.id)?, judge))
}

fn visit_table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    let (visit, place) = judged(conn, staff, of)?;
    let judge = visit.judges.iter().find(|judge| judge.position == place);
    // The record of all three judges is keyed on the visit's own page.
    let judge = judge.ok_or(Error::NotFound)?;
    let rows = visit.homes.iter().map(|home| {
        let cell = visit
            .judges
            .iter()
            .zip(&home.cells)
            .find(|(one, _)| one.position == place);
        let mark = cell.and_then(|(_, cell)| cell.mark.as_ref());
        Row {
            row: home.row.position,
            code: format!("{:02}", home.row.position),
            label: home.household.code.clone(),
            name: home.household.head_name.clone(),
            value: mark.map(|mark| mark.mark.to_string()).unwrap_or_default(),
            is_ticked: false,
            is_fixed: cell.is_some_and(|(_, cell)| cell.steps_back.is_some()),
            is_unsure: false,
            strip: None,
        }
    });
    Ok(Table {
        rows: rows.collect(),
        form: Form::Visit,
        number: Form::Visit.number(of),
        title: "入户评分表".to_owned(),
        about: format!("评委：{}", judge.name),
        back: format!("/visits/{}", visit.sheet.id),
        asks: "评分",
        photo: None,
    })
}

fn stocktake_table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    expect(staff, Permission::CountStock)?;
    let found = stocktake::by_number(conn, of)?;
    let within = store::all_of_duties(conn, &staff.duties, Permission::CountStock)?;
    let store = within
        .into_iter()
        .find(|store| store.id == found.store_id)
        .ok_or(Error::NotFound)?;
    let counts = stocktake::last_counts(conn, &found.id)?;
    let rows = stocktake_paper::rows(conn, &found)?.into_iter().map(|(row, item)| Row {
        row,
        code: row.to_string(),
        label: item.sku.clone(),
        value: counts
            .get(&item.id)
            .map(|count| count.counted.to_string())
            .unwrap_or_default(),
        name: item.name,
        is_ticked: false,
        is_fixed: false,
        is_unsure: false,
        strip: None,
    });
    Ok(Table {
        rows: rows.collect(),
        form: Form::Stocktake,
        number: Form::Stocktake.number(of),
        title: "盘点表".to_owned(),
        about: store.name,
        back: format!("/stocktakes/{}", found.id),
        asks: "实点数量",
        photo: None,
    })
}

#[derive(Template)]
#[template(path = "papers/form.html")]
struct FormPage {
    shell: Shell,
    problems: Problems,
    key: String,
    table: Table,
}

async fn show(app: &App, staff: &Staff, status: StatusCode, problems: Problems, table: Table) -> Result<Response> {
    let page = FormPage {
        shell: staff.shell.clone(),
        problems,
        key: Id::<Table>::new(app.now()).to_string(),
        table,
    };
    page::show_with(status, &page)
}

/// `GET /forms/{number}`: the rows of a form as they stand.
///
/// # Errors
/// `NotFound`, also outside the visitor's area; `Forbidden`; `Invalid` for a number with a slip of the pen.
pub async fn form(State(app): State<App>, staff: Staff, Path(number): Path<String>) -> Result<Response> {
    let (form, of) = Form::read(&number)?;
    if matches!(form, Form::Tally | Form::Nomination) {
        return Ok(page::go(&address(form, of)));
    }
    let asking = staff.clone();
    let table = app.db.read(move |conn| table(conn, &asking, form, of)).await?;
    show(&app, &staff, StatusCode::OK, Problems::default(), table).await
}

/// `POST /forms/{number}`: writes the rows down.
///
/// # Errors
/// As [`form`]; what is wrong in the rows is shown with them, and nothing of them is lost.
pub async fn key_in(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Vec<(String, String)>>,
) -> Result<Response> {
    let (form, of) = Form::read(&number)?;
    let values: HashMap<i64, String> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("row-")?.parse().ok()?, value.trim().to_owned())))
        .collect();
    let key = fields
        .iter()
        .find(|(name, _)| name == "key")
        .map(|(_, key)| key.clone())
        .unwrap_or_default();
    let (asking, asked, now) = (staff.clone(), values.clone(), app.now());
    let written = app
        .db
        .write(move |conn| match form {
            Form::SignIn => write_sign_ins(conn, &asking, of, &asked, now),
            Form::Visit => write_marks(conn, &asking, of, &asked, &key, now),
            Form::Stocktake => write_counts(conn, &asking, of, &asked, &key, now),
            Form::Tally | Form::Nomination => Err(Error::NotFound),
        })
        .await;
    match written {
        Ok(back) => Ok(page::go(&back)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let asking = staff.clone();
            let mut table = app.db.read(move |conn| table(conn, &asking, form, of)).await?;
            for row in &mut table.rows {
                row.is_ticked |= values.contains_key(&row.row);
                if let Some(value) = values.get(&row.row) {
                    row.value.clone_from(value);
                }
            }
            show(&app, &staff, status, problems, table).await
        }
    }
}

fn write_sign_ins(
    conn: &mut Conn,
    staff: &Staff,
    of: i64,
    ticked: &HashMap<i64, String>,
    now: Moment,
) -> Result<String> {
    let table = sign_in_table(conn, staff, of)?;
    let gathering = gathering::by_number(conn, of)?;
    let new = table
        .rows
        .iter()
        .filter(|row| !row.is_fixed && ticked.contains_key(&row.row));
    let codes: Vec<&str> = new.map(|row| row.code.as_str()).collect();
    let keyed = gathering::key_in(conn, &gathering, &codes.join(" "), &staff.user.id, now)?;
    Ok(format!(
        "{}?keyed={}&known={}#paper",
        table.back, keyed.signed, keyed.before
    ))
}

fn write_marks(
    conn: &mut Conn,
    staff: &Staff,
    of: i64,
    marks: &HashMap<i64, String>,
    key: &str,
    now: Moment,
) -> Result<String> {
    let (visit, judge) = judged(conn, staff, of)?;
    for home in &visit.homes {
        let Some(text) = marks.get(&home.row.position).filter(|text| !text.is_empty()) else {
            continue;
        };
        let mark: i64 = text
            .parse()
            .map_err(|_| Error::invalid("mark", format!("第{}行的评分应为整数，例如86。", home.row.position)))?;
        let asked = Write {
            sheet: visit.sheet.id.clone(),
            row: home.row.position,
            entry: Entry::AtHome,
            marks: vec![(judge, Some(mark), String::new())],
            by: staff.user.clone(),
            key: format!("{key}-{}", home.row.position),
        };
        writing::write(conn, &asked, now)?;
    }
    Ok(format!("/visits/{}", visit.sheet.id))
}

fn write_counts(
    conn: &mut Conn,
    staff: &Staff,
    of: i64,
    counted: &HashMap<i64, String>,
    key: &str,
    now: Moment,
) -> Result<String> {
    let table = stocktake_table(conn, staff, of)?;
    let found = stocktake::by_number(conn, of)?;
    let mut counts: Vec<(String, i64)> = Vec::new();
    for row in &table.rows {
        let Some(text) = counted.get(&row.row).filter(|text| !text.is_empty()) else {
            continue;
        };
        let number = text
            .parse()
            .map_err(|_| Error::invalid("counts", format!("第{}行的数量应为0以上的整数。", row.row)))?;
        counts.push((row.label.clone(), number));
    }
    let act = Act::new("stocktake.counted", key, &staff.user.id, now);
    stocktake::count(conn, &found.id, &counts, &act)?;
    Ok(table.back)
}

// ---- Photographs ---------------------------------------------------------------------------------------------------

async fn read_photo(app: &App, staff: &Staff, bytes: Vec<u8>) -> Result<Response> {
    let wrong = |why: &dyn std::fmt::Display| Error::invalid("photo", why.to_string());
    let picture = app.slowly(move || photo::grey(&bytes, PHOTO_SIDE)).await?;
    let picture = picture.map_err(|why| wrong(&why))?;
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
    let asking = staff.clone();
    let (layout, mut table) = app
        .db
        .read(move |conn| {
            Ok((
                layout(conn, &asking, form, of, page_number)?,
                table(conn, &asking, form, of)?,
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
    show(app, staff, StatusCode::OK, Problems::default(), table).await
}

/// Where the boxes of a form's page are; `None` for a page that it has not.
fn layout(conn: &mut Conn, staff: &Staff, form: Form, of: i64, page: u32) -> Result<Option<Layout>> {
    let plan = match form {
        Form::SignIn => {
            let gathering = gathering::by_number(conn, of)?;
            sheet::plan_of_gathering(conn, &gathering)?
        }
        Form::Visit => sheet::plan_of_visit(&judged(conn, staff, of)?.0)?,
        Form::Stocktake | Form::Tally | Form::Nomination => {
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
        match is_ticked {
            true => row.is_ticked |= !ticked.is_empty(),
            false => match sheet::mark_of(&ticked) {
                Some(mark) => row.value = mark.to_string(),
                None => row.is_unsure |= !ticked.is_empty(),
            },
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
