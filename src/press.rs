//! The press: sets papers, one at a time, and runs print jobs part by part. The same for a page and for the command line.
//!
//! One part is in memory at a time, whatever a job's size: its papers are set one after the other and written as one PDF,
//! which has each font once. A file is written whole beside its place and renamed, then its part is written off; so a power cut
//! leaves a file or none, and the job goes on where it stood. Files are deleted before that is noted.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::access::user::{self, User};
use crate::app::App;
use crate::cards::card::{self, Issue, Issued};
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::TitleAward;
use crate::id::Id;
use crate::papers::card::{self as card_paper, CardPaper, Face, Flip};
use crate::papers::certificate;
use crate::papers::job::{self, Kind, PrintJob, PrintPart, Progress, State};
use crate::papers::order::Order;
use crate::papers::paper::Paper;
use crate::papers::statement;
use crate::places::area::Tree;
use crate::places::consent;
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::print::{Printer, Purpose};

/// How long the files of a job lie there before they are thrown away; cards are as good as money.
const KEPT_HOURS: i64 = 24;

/// What a page says of a job that stopped through our fault; the cause is in the log.
const OUR_FAULT: &str = "服务器出错，没有打完。请继续打印；还是不行，请告诉管理服务器的人，原因在服务器的日志里。";

/// Why a card is issued by a job, as its record says.
const FIRST_CARD: &str = "首次发卡（批量打印）";

impl App {
    /// Sets papers while nobody else does: typst's memory is the server's largest.
    ///
    /// # Errors
    /// As [`PressThread::run`](crate::print::thread::PressThread::run).
    pub async fn at_press<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Printer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let printer = self.printer.clone();
        self.press_thread().run(move || work(&printer)).await
    }

    /// Sets the sample of what a job prints: a mistake in a template is found before anything is asked for or issued.
    ///
    /// # Errors
    /// As [`Printer::set_json`].
    pub async fn expect_printable(&self, kind: Kind) -> Result<()> {
        self.at_press(move |printer| match kind {
            Kind::Statements => Paper::Statement.prove(printer),
            Kind::Cards => CardPaper::Sheet.prove(printer),
            Kind::Certificates => Paper::Certificate.prove(printer),
            Kind::Plaques => Paper::Plaque.prove(printer),
        })
        .await
    }

    /// Where the files of all jobs lie.
    fn jobs_folder(&self) -> PathBuf {
        self.files.sibling("prints")
    }

    /// Where the files of a job lie.
    #[must_use]
    pub fn job_folder(&self, job: &Id<PrintJob>) -> PathBuf {
        self.jobs_folder().join(job.as_str())
    }

    /// Runs a job in the background, one after the other. One that cannot go on is stopped and says why, until somebody puts
    /// that right and lets it go on.
    pub fn start_job(&self, job: Id<PrintJob>) {
        let app = self.clone();
        tokio::spawn(async move {
            // Two runners of one job would print the same part twice; whoever comes second finds nothing left to do.
            let running = app.job_turn().await;
            let folder = app.job_folder(&job);
            if let Err(error) = run(&app, &job, &folder, |_| ()).await {
                let why = error.to_be_kept().unwrap_or_else(|| OUR_FAULT.to_owned());
                match error {
                    Error::Internal(cause, place) => tracing::error!(%job, %place, "a print job stopped: {cause}"),
                    other => tracing::warn!(%job, code = other.code(), "a print job stopped"),
                }
                if let Err(error) = app.db.write(move |conn| job::stop(conn, &job, &why)).await {
                    tracing::error!("a print job was not stopped: {error}");
                }
            }
            drop(running);
        });
    }

    /// Lets go on what a stop of the server interrupted.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn resume_jobs(&self) -> Result<()> {
        for job in self.db.read(job::waiting).await? {
            self.start_job(job.id);
        }
        Ok(())
    }

    /// Throws away the files of jobs that were asked for more than a day ago, and what a power cut left of others. What cannot
    /// be thrown away stops nothing else, and is tried again.
    ///
    /// # Errors
    /// Only when the database or the disk fails.
    pub async fn discard_old_jobs(&self) -> Result<()> {
        let now = self.now();
        let before = now
            .checked_sub_signed(chrono::TimeDelta::hours(KEPT_HOURS))
            .unwrap_or(now);
        let mut done = Ok(());
        for job in self.db.read(move |conn| job::older_than(conn, before)).await? {
            let discarded = self.discard_job(job.id, job::COMMAND_LINE.to_owned()).await;
            done = done.and(discarded);
        }
        self.clear_what_was_left(before).await.and(done)
    }

    /// Deletes folders of jobs that are noted as thrown away, and old ones of jobs that nobody knows of, as after a database
    /// was brought back from a copy.
    async fn clear_what_was_left(&self, before: Moment) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.jobs_folder()) else {
            // Nothing was printed yet.
            return Ok(());
        };
        let mut done = Ok(());
        for entry in entries.filter_map(std::io::Result::ok) {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if uuid::Uuid::try_parse(&name).is_err() {
                continue;
            }
            let id = Id::known(name);
            let is_left = match self.db.read(move |conn| job::by_id(conn, &id)).await {
                Ok(job) => job.state == State::Discarded,
                Err(Error::NotFound) => changed_at(&entry).is_some_and(|changed| changed < before),
                Err(error) => return Err(error),
            };
            if is_left {
                let _files = self.job_files_turn().await;
                done = done.and(remove(&entry.path()));
            }
        }
        done
    }

    /// Throws away a job's files. They go first and are noted as gone afterwards: what cannot be deleted is tried again.
    ///
    /// # Errors
    /// `NotFound`; `Internal` when the disk fails.
    pub async fn discard_job(&self, id: Id<PrintJob>, by: String) -> Result<()> {
        let asked = id.clone();
        self.db.read(move |conn| job::by_id(conn, &asked)).await?;
        let _files = self.job_files_turn().await;
        remove(&self.job_folder(&id))?;
        let now = self.now();
        self.db.write(move |conn| job::discard(conn, &id, &by, now)).await
    }
}

/// Removes a folder with what is in it; one that is not there is gone already.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(cause)),
        _ => Ok(()),
    }
}

fn changed_at(entry: &fs::DirEntry) -> Option<Moment> {
    let changed = entry.metadata().and_then(|about| about.modified()).ok()?;
    Some(chrono::DateTime::<chrono::Utc>::from(changed).naive_utc())
}

/// Runs what waits of a job, part by part, into a folder; `see` is told after each paper. A job that somebody stops meanwhile
/// ends after the part in hand; one that somebody throws away leaves no file behind.
///
/// # Errors
/// When the database or the disk fails; before anything is printed or issued, for a template with a mistake and when the
/// person who asked may not have these papers any more. What a single household lacks is noted with its part instead.
pub async fn run(app: &App, id: &Id<PrintJob>, folder: &Path, see: impl Fn(Progress)) -> Result<PrintJob> {
    let mut is_proved = false;
    loop {
        let asked = id.clone();
        let (found, progress) = app
            .db
            .read(move |conn| Ok((job::next(conn, &asked)?, job::progress(&job::parts(conn, &asked)?))))
            .await?;
        let Some((job, part)) = found else {
            let id = id.clone();
            return app.db.read(move |conn| job::by_id(conn, &id)).await;
        };
        let whose = job.clone();
        app.db.read(move |conn| expect_duties(conn, &whose)).await?;
        if !is_proved {
            app.expect_printable(job.kind).await?;
            is_proved = true;
        }
        let printed = print(app, &job, &part, |here| {
            see(Progress {
                done: progress.done.saturating_add(here),
                ..progress
            });
        })
        .await?;
        keep(app, &part, folder, id, printed).await?;
        // A person at a page comes first.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Refuses to go on for somebody whose duties were taken away since the job was asked for.
fn expect_duties(conn: &mut Conn, job: &PrintJob) -> Result<()> {
    if job.asked_by == job::COMMAND_LINE {
        return Ok(());
    }
    match job.kind.is_for(&user::duties(conn, &Id::known(job.asked_by.as_str()))?) {
        true => Ok(()),
        false => Err(Error::Forbidden("要打印的人，现在的职责不包含这种打印件。")),
    }
}

/// Writes a part's file and notes it, unless the job was thrown away while it was printed.
async fn keep(app: &App, part: &PrintPart, folder: &Path, id: &Id<PrintJob>, printed: Printed) -> Result<()> {
    let _files = app.job_files_turn().await;
    let asked = id.clone();
    if app.db.read(move |conn| job::by_id(conn, &asked)).await?.state == State::Discarded {
        return Ok(());
    }
    if let Some(pdf) = printed.pdf {
        write_whole(folder, &part.file_name(), &pdf).map_err(Error::internal)?;
    }
    let (id, position, now) = (id.clone(), part.position, app.now());
    let (papers, problems) = (printed.papers, printed.problems.join("\n"));
    app.db
        .write(move |conn| job::part_done(conn, &id, position, (papers, &problems), now))
        .await
}

/// Written beside its place and then renamed, so that a power cut leaves the file or none.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(name))
}

/// What became of a part.
struct Printed {
    /// Nothing when no paper of it could be printed.
    pdf: Option<Vec<u8>>,
    /// How many papers are in it.
    papers: i64,
    /// Who could not be printed, and why.
    problems: Vec<String>,
}

impl Printed {
    fn nothing(problems: Vec<String>) -> Printed {
        Printed {
            pdf: None,
            papers: 0,
            problems,
        }
    }
}

/// A household's line among the problems.
fn problem(code: &str, error: &Error) -> String {
    format!("{code}：{}", error.to_be_kept().unwrap_or_default())
}

async fn print(app: &App, job: &PrintJob, part: &PrintPart, see: impl Fn(i64)) -> Result<Printed> {
    match job.kind {
        Kind::Statements => print_each(app, job, part, Paper::Statement, look_up_statement, see).await,
        Kind::Certificates => print_each(app, job, part, Paper::Certificate, look_up_certificate, see).await,
        Kind::Plaques => print_each(app, job, part, Paper::Plaque, look_up_plaque, see).await,
        Kind::Cards => print_cards(app, job, part, see).await,
    }
}

/// Finds the data of a paper: the household's code, and what stands on it, or nothing that is to be printed any more.
type LookUp<Of> = fn(&mut Conn, &Order, &Id<Of>) -> Result<(String, Option<Vec<u8>>)>;

fn look_up_statement(conn: &mut Conn, order: &Order, id: &Id<Household>) -> Result<(String, Option<Vec<u8>>)> {
    let household = household::by_id(conn, id)?;
    let data = json(&statement::of(conn, order, &household)?)?;
    Ok((household.code, Some(data)))
}

fn look_up_certificate(conn: &mut Conn, order: &Order, id: &Id<TitleAward>) -> Result<(String, Option<Vec<u8>>)> {
    let (code, held) = certificate::among_many(conn, order, id)?;
    let data = held.map(|held| json(&held.certificate(conn, order)?));
    Ok((code, data.transpose()?))
}

fn look_up_plaque(conn: &mut Conn, order: &Order, id: &Id<TitleAward>) -> Result<(String, Option<Vec<u8>>)> {
    let (code, held) = certificate::among_many(conn, order, id)?;
    let data = held.map(|held| json(&held.plaque(conn, order)?));
    Ok((code, data.transpose()?))
}

fn json(data: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(data).map_err(Error::internal)
}

/// Prints a part of which each paper is one household's own.
async fn print_each<Of: 'static>(
    app: &App,
    job: &PrintJob,
    part: &PrintPart,
    paper: Paper,
    look_up: LookUp<Of>,
    see: impl Fn(i64),
) -> Result<Printed> {
    let (mut papers, mut problems) = (Vec::new(), Vec::new());
    let order = Order {
        asked: job.asked()?,
        // Whose papers these are was decided, by the asker's duties, when the job was asked for.
        duties: None,
        now: app.now(),
    };
    for (done, id) in (1i64..).zip(part.ids::<Of>()?) {
        let order = order.clone();
        let (code, data) = app.db.read(move |conn| look_up(conn, &order, &id)).await?;
        let Some(data) = data else {
            problems.push(format!("{code}：已经不持有这个称号，或者已经迁出，没有打印。"));
            see(done);
            continue;
        };
        let set = app.at_press(move |printer| Ok(printer.set_json(&paper.template(), data)?.only_seen()));
        match set.await {
            Ok(sheets) => papers.push(sheets),
            Err(error @ Error::Refused(_)) => problems.push(problem(&code, &error)),
            Err(error) => return Err(error),
        }
        see(done);
    }
    let count = i64::try_from(papers.len()).map_err(Error::internal)?;
    let mut papers = papers.into_iter();
    let Some(first) = papers.next() else {
        return Ok(Printed::nothing(problems));
    };
    let pdf = app
        .at_press(move |_| first.followed_by(papers.collect()).pdf(Purpose::Printing, order.now))
        .await?;
    Ok(Printed {
        pdf: Some(pdf),
        papers: count,
        problems,
    })
}

async fn print_cards(app: &App, job: &PrintJob, part: &PrintPart, see: impl Fn(i64)) -> Result<Printed> {
    let (ids, now, job) = (part.ids::<Household>()?, app.now(), job.clone());
    let order = Order {
        asked: job.asked()?,
        duties: None,
        now,
    };
    let flip = Flip::asked(order.asked.flip.as_deref())?;
    let (issued, problems) = app.db.write(move |conn| issue_all(conn, &job, &ids, now)).await?;
    see(part.papers);
    if issued.is_empty() {
        return Ok(Printed::nothing(problems));
    }
    let count = i64::try_from(issued.len()).map_err(Error::internal)?;
    let whose: Vec<Id<Household>> = issued.iter().map(|(_, household)| household.id.clone()).collect();
    let (programme, back, named) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            Ok((
                programme::get(conn)?,
                card_paper::back(conn, &order, &tree, None)?,
                consent::given_by(conn, &whose, consent::Purpose::NameOnCard)?,
            ))
        })
        .await?;
    let pdf = app
        .at_press(move |printer| {
            let faces = issued
                .iter()
                .map(|(issued, household)| Face::of(&programme, issued, household, named.contains(&household.id)));
            let sheet = card_paper::sheet(back, faces.collect::<Result<_>>()?, flip);
            printer.set("card-sheet.typ", &sheet)?.pdf(Purpose::Printing, now)
        })
        .await?;
    Ok(Printed {
        pdf: Some(pdf),
        papers: count,
        problems,
    })
}

/// A card of a part, and whose it is.
type Dealt = (Issued, Household);

/// Issues the cards of a part. Whoever got a card at the desk since the job was asked for keeps it and is named; a card that
/// the job issued before is the same again.
fn issue_all(conn: &mut Conn, job: &PrintJob, ids: &[Id<Household>], now: Moment) -> Result<(Vec<Dealt>, Vec<String>)> {
    let programme = programme::get(conn)?;
    let households = household::by_ids(conn, ids)?;
    let in_use = card::numbers_in_use(conn, ids)?;
    let (mut issued, mut problems) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        let household = of(&households, id)?;
        let asked = Issue {
            household: household.id.clone(),
            reason: FIRST_CARD.to_owned(),
            by: Id::<User>::known(job.asked_by.as_str()),
            key: job.card_key(id),
        };
        let number = in_use.get(id);
        if number.is_some() && !card::was_issued(conn, &asked)? {
            problems.push(format!("{}：已经有卡了，没有再发。", household.code));
            continue;
        }
        match card::issue(conn, &programme, &asked, now) {
            Ok(one) if one.replayed && number.is_none_or(|number| number != one.number.as_str()) => {
                problems.push(format!("{}：这次印的卡已经停用，没有再印。", household.code));
            }
            Ok(one) => issued.push((one, household.clone())),
            Err(error @ Error::Refused(_)) => problems.push(problem(&household.code, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok((issued, problems))
}

fn of<'a>(households: &'a [Household], id: &Id<Household>) -> Result<&'a Household> {
    households.iter().find(|one| &one.id == id).ok_or(Error::NotFound)
}
