//! The commands.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use jishan::access::{session, user};
use jishan::app::App;
use jishan::boards::speech::Voice;
use jishan::cards::photo::decode_photo;
use jishan::clock::{Clock, Moment, day_of, spoken};
use jishan::config::{Card, Command, Config, Import, Place, Print, Scheme, Token};
use jishan::db::{Db, Location, migrate};
use jishan::error::{Error, Result};
use jishan::files::Files;
use jishan::id::Id;
use jishan::papers::card::CardPaper;
use jishan::papers::household;
use jishan::papers::job::{self, Kind, PrintJob, State};
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::import;
use jishan::print::thread::PressThread;
use jishan::print::{Printer, Purpose};
use jishan::scheme::{validator, version};
use jishan::shop::goods;
use jishan::{books, demo, press, routes};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let config = Config::parse();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return fail(&Error::internal(cause)),
    };
    match runtime.block_on(run(config.command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    eprintln!("jishan: {error}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo {
            place,
            listen,
            households,
        } => demo(&place, listen, households).await,
        Command::Serve {
            place,
            listen,
            ledger_years,
        } => {
            let app = App::new(open(&place.location())?, Clock::System)
                .with_files(place.files())
                .with_ledger_years(ledger_years);
            serve(app, listener(listen).await?, None).await
        }
        Command::Migrate { place } => migrate(&place.location()),
        Command::Import { what } => import(what).await,
        Command::Scheme {
            what: Scheme::Validate { file },
        } => validate_scheme(&file),
        Command::Scheme {
            what: Scheme::Export { version, out, place },
        } => export_scheme(&place, version, out).await,
        Command::Card {
            what: Card::Decode { image },
        } => decode_card(&image),
        Command::Print(what) => print(*what).await,
        Command::Token {
            what: Token::Create { user, place },
        } => create_token(&place, user).await,
        Command::CheckBooks { place } => check_books(&place).await,
    }
}

/// Brings the tables up to date and opens the programme.
fn open(location: &Location) -> Result<Db> {
    migrate::run(location, Clock::System.now())?;
    Db::open(location)
}

async fn demo(place: &Place, listen: SocketAddr, households: u32) -> Result<ExitCode> {
    let location = match place.is_given() {
        true => place.location(),
        // Without a folder each demo is a fresh one, which the system clears away with its other temporary files.
        false => {
            let folder = std::env::temp_dir().join(format!("jishan-demo-{}", std::process::id()));
            Location::Sqlite(folder.join("programme.sqlite"))
        }
    };
    let db = open(&location)?;
    // The port first: the cards carry the address.
    let listener = listener(listen).await?;
    let address = format!("http://{}", listener.local_addr().map_err(Error::internal)?);
    let bar = progress_bar();
    demo::make(
        &db,
        demo::Year::of(households),
        &address,
        Clock::System.now(),
        Arc::new({
            let bar = bar.clone();
            move |done, total, what| {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(what);
            }
        }),
    )
    .await?;
    bar.finish_and_clear();
    let files = match (&place.files, place.is_given()) {
        (None, false) => Files::beside(&location),
        _ => place.files(),
    };
    let help = format!("{}\n{}", demo::SIGN_IN_HELP, demo::resident_help(&db).await?);
    let clock = demo::clock::resumed(&db).await?;
    let app = App::demo(db, clock).with_files(files);
    serve(app, listener, Some(help.trim())).await
}

async fn listener(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .map_err(|cause| Error::internal(format!("could not listen on {listen}: {cause}")))
}

async fn serve(app: App, listener: TcpListener, help: Option<&str>) -> Result<ExitCode> {
    let app = app.with_voice(Voice::look());
    let address = listener.local_addr().map_err(Error::internal)?;
    let mut say = std::io::stdout();
    // Whoever reads our output may have gone away; the server runs all the same.
    let _ = writeln!(say, "积善已启动：http://{address}");
    if let Some(help) = help {
        let _ = writeln!(say, "{help}");
    } else if app.programme().await?.is_none() {
        let code = app.setup_code();
        let _ = writeln!(say, "数据库是空的。请打开上面的网址完成首次设置，设置码：{code}");
    }
    let _ = say.flush();
    app.resume_jobs().await?;
    let due = tokio::spawn(app.clone().keep_running_due());
    let service = routes::router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(asked_to_stop())
        .await
        .map_err(Error::internal)?;
    due.abort();
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or SIGTERM from a service manager.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    } else {
        std::future::pending::<()>().await;
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

fn migrate(location: &Location) -> Result<ExitCode> {
    let ran = migrate::run(location, Clock::System.now())?;
    match ran.as_slice() {
        [] => println!("up to date: {location:?}"),
        ran => println!("migrated {location:?}: {}", ran.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(what: Import) -> Result<ExitCode> {
    let now = Clock::System.now();
    let read =
        |file: &Path| std::fs::read(file).map_err(|cause| Error::internal(format!("{}: {cause}", file.display())));
    let said = match what {
        Import::Households { file, place, dry_run } => {
            let roster = import::read(&read(&file)?)?;
            let db = open(&place.location())?;
            let report = match dry_run {
                true => db.read(move |conn| import::try_out(conn, roster, now)).await?,
                false => {
                    db.write(move |conn| import::register(conn, roster, "system", now))
                        .await?
                }
            };
            report.in_words(dry_run)
        }
        Import::Scheme {
            file,
            place,
            active_from,
        } => {
            let text = scheme_text(&file)?;
            let from = active_from.unwrap_or_else(|| day_of(now));
            let db = open(&place.location())?;
            let version = db
                .write(move |conn| version::load(conn, &text, from, "system", now))
                .await?;
            format!("已载入：{}第{}版，{from}起施行\n", version.name, version.version)
        }
        Import::Goods { file, place } => {
            let goods = goods::read(&read(&file)?, now)?;
            let db = open(&place.location())?;
            let count = goods.len();
            db.write(move |conn| goods::add_new(conn, &goods)).await?;
            format!("已登记商品{count}种\n")
        }
    };
    print!("{said}");
    Ok(ExitCode::SUCCESS)
}

fn validate_scheme(file: &Path) -> Result<ExitCode> {
    let found = validator::validate(&scheme_text(file)?);
    let mut say = std::io::stdout().lock();
    // Whoever reads our output may have gone away.
    if found.is_empty() {
        let _ = writeln!(say, "{}：没有发现问题。", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &found {
        let _ = writeln!(say, "{finding}");
    }
    let _ = writeln!(say, "共{}处。改好以前不能通过。", found.len());
    Ok(ExitCode::FAILURE)
}

/// A file of rules as text; not more of it than the validator looks at.
fn scheme_text(file: &Path) -> Result<String> {
    use std::io::Read as _;
    let fail = |cause: std::io::Error| Error::internal(format!("{}: {cause}", file.display()));
    let most = u64::try_from(validator::MOST_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(fail)?;
    opened.take(most).read_to_end(&mut bytes).map_err(fail)?;
    match bytes.len() > validator::MOST_BYTES {
        // Cut where it may be in the middle of a character; it is refused for its size alone.
        true => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        false => String::from_utf8(bytes).map_err(|_| Error::invalid("file", "方案文件应为 UTF-8 编码的 JSON。")),
    }
}

async fn export_scheme(place: &Place, number: Option<i64>, out: Option<PathBuf>) -> Result<ExitCode> {
    let db = open(&place.location())?;
    let today = day_of(Clock::System.now());
    let text = db.read(move |conn| version::export(conn, number, today)).await?;
    match out {
        Some(file) => {
            std::fs::write(&file, text).map_err(|cause| Error::internal(format!("{}: {cause}", file.display())))?
        }
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn print(what: Print) -> Result<ExitCode> {
    if let Some(kind) = bulk(&what) {
        return print_many(what, kind).await;
    }
    let now = Clock::System.now();
    let printables = what
        .printables
        .unwrap_or_else(|| what.place.files().sibling("printables"));
    let printer = Printer::with_folder(printables);
    let name = if what.paper == "board" {
        "honour-board"
    } else {
        &what.paper
    };
    let data = match (&what.data_file, what.sample, Paper::from_word(name)) {
        (Some(file), ..) => std::fs::read(file).map_err(Error::internal)?,
        (None, true, _) => match Printer::original(&format!("samples/{name}.json")) {
            Some(sample) => sample.into_bytes(),
            None => return Ok(unknown_paper(name)),
        },
        (None, false, None) => return Ok(unknown_paper(name)),
        (None, false, Some(paper)) => {
            let mut order = Order {
                asked: what.which.into(),
                duties: None,
                now,
            };
            let db = open(&what.place.location())?;
            if paper.numbered_at().is_some() && order.asked.id.is_none() {
                let (key, unnumbered) = (Id::<Paper>::new(now).to_string(), order.clone());
                order.asked = db
                    .write(move |conn| household::number_consent_form(conn, &unnumbered, None, &key))
                    .await?;
            }
            let data = db.read(move |conn| paper.load(conn, &order)).await?;
            paper.illustrated(data, &what.place.files())?
        }
    };
    let (name, out, dpi) = (name.to_owned(), what.out, what.dpi);
    let setting = move || set_into(&printer, &name, data, &out, dpi, now);
    PressThread::default().run(setting).await
}

/// Sets a paper and writes it into a file, as its ending says.
fn set_into(printer: &Printer, name: &str, data: Vec<u8>, out: &Path, dpi: u32, now: Moment) -> Result<ExitCode> {
    let sheets = printer.set_json(&format!("{name}.typ"), data)?;
    let write = |file: &Path, bytes: Vec<u8>| std::fs::write(file, bytes).map_err(Error::internal);
    match out.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "png" => {
            for page in 0..sheets.pages() {
                let file = match page {
                    0 => out.to_owned(),
                    page => out.with_extension(format!("{}.png", page.saturating_add(1))),
                };
                write(&file, sheets.png(page, dpi)?.unwrap_or_default())?;
            }
        }
        "escpos" => write(out, sheets.escpos()?)?,
        // A sheet of cards is cut up; every other paper is read on a screen too.
        "pdf" => {
            let purpose = match name == CardPaper::Sheet.word() {
                true => Purpose::Printing,
                false => Purpose::Reading,
            };
            write(out, sheets.pdf(purpose, now)?)?;
        }
        _ => {
            eprintln!("{}：文件名要以.pdf、.png或.escpos结尾。", out.display());
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("{}：{}页", out.display(), sheets.pages());
    Ok(ExitCode::SUCCESS)
}

fn unknown_paper(name: &str) -> ExitCode {
    if name == "card" {
        eprintln!("发卡会登记新卡：请用 cards --household 户号，--out写一个文件夹。补卡请到住户页办理。");
        return ExitCode::FAILURE;
    }
    if Kind::from_word(name).is_some() {
        eprintln!(
            "{name}按数据一次打印许多份，没有样张。看样张请写单份的名称，例如card-sheet、statement、certificate。"
        );
        return ExitCode::FAILURE;
    }
    let many = Kind::ALL.iter().map(|kind| kind.word());
    let names: Vec<&str> = many.chain(Paper::ALL.iter().map(|paper| paper.word())).collect();
    eprintln!("没有“{name}”这种打印件。可以打印：{}。", names.join("、"));
    ExitCode::FAILURE
}

/// Which job is asked for, if it is one of a programme's.
fn bulk(what: &Print) -> Option<Kind> {
    Kind::from_word(&what.paper).filter(|_| what.data_file.is_none() && !what.sample)
}

/// Prints many into a folder. The job's id lies in it, so that the same command goes on where it was stopped.
async fn print_many(what: Print, kind: Kind) -> Result<ExitCode> {
    let mut app = App::new(open(&what.place.location())?, Clock::System).with_files(what.place.files());
    app.db.remember_little().await?;
    if let Some(printables) = what.printables {
        app = app.with_printer(Printer::with_folder(printables));
    }
    let (folder, asked) = (what.out, Asked::from(what.which));
    let note = folder.join("job");
    let job = match std::fs::read_to_string(&note) {
        Ok(id) => {
            let known: Id<PrintJob> = Id::known(id.trim());
            let job = app.db.read(move |conn| job::by_id(conn, &known)).await;
            let ours = job.map_err(|error| match error {
                Error::NotFound => other_folder(&folder),
                other => other,
            })?;
            if ours.kind != kind || ours.asked()? != asked {
                return Err(other_folder(&folder));
            }
            ours
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let order = Order {
                asked,
                duties: None,
                now: app.now(),
            };
            let now = order.now;
            app.expect_printable(kind).await?;
            let plan = app.db.read(move |conn| job::plan(conn, kind, order)).await?;
            std::fs::create_dir_all(&folder).map_err(Error::internal)?;
            let job = app
                .db
                .write(move |conn| job::ask(conn, &plan, job::COMMAND_LINE, now))
                .await?;
            std::fs::write(&note, job.id.as_str()).map_err(Error::internal)?;
            job
        }
        Err(cause) => return Err(Error::internal(format!("{}: {cause}", note.display()))),
    };
    if let (State::Done, Some(at)) = (job.state, job.ended_at) {
        eprintln!(
            "{}里的打印件{}已经打好，没有再打印。要按现在的数据打印，请换一个文件夹。",
            folder.display(),
            spoken(at)
        );
    }
    let id = job.id;
    let bar = progress_bar();
    bar.set_message(kind.label());
    let done = tokio::select! {
        done = press::run(&app, &id, &folder, |progress| {
            bar.set_length(progress.papers.unsigned_abs());
            bar.set_position(progress.done.unsigned_abs());
        }) => Some(done?),
        () = asked_to_stop() => None,
    };
    bar.finish_and_clear();
    let parts = app.db.read(move |conn| job::parts(conn, &id)).await?;
    let progress = job::progress(&parts);
    for problem in parts.iter().flat_map(|part| part.problems.lines()) {
        eprintln!("{problem}");
    }
    if done.is_none() {
        println!(
            "已停止：打印了{}份，共{}份。再运行同一条命令就接着打印。",
            progress.printed, progress.papers
        );
        return Ok(ExitCode::FAILURE);
    }
    if progress.refused() > 0 {
        println!(
            "{}：打印了{}份{}，{}份没有打印，原因写在上面。",
            folder.display(),
            progress.printed,
            kind.label(),
            progress.refused()
        );
        return Ok(ExitCode::FAILURE);
    }
    println!("{}：{}份{}", folder.display(), progress.printed, kind.label());
    Ok(ExitCode::SUCCESS)
}

/// What lies in a folder is not of the job that is asked for.
fn other_folder(folder: &Path) -> Error {
    let why = format!("{}里是另一批打印件，请换一个文件夹。", folder.display());
    Error::invalid("out", why)
}

fn decode_card(image: &Path) -> Result<ExitCode> {
    let photo = std::fs::read(image).map_err(|cause| Error::internal(format!("{}: {cause}", image.display())))?;
    let texts = decode_photo(&photo).map_err(|why| Error::invalid("image", why.to_string()))?;
    let mut say = std::io::stdout().lock();
    for text in texts {
        // Whoever reads our output may have gone away.
        let _ = writeln!(say, "{text}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn create_token(place: &Place, name: String) -> Result<ExitCode> {
    let db = open(&place.location())?;
    let now = Clock::System.now();
    let secret = db
        .write(move |conn| {
            let user = user::by_name(conn, &name)?
                .filter(|user| user.disabled_at.is_none())
                .ok_or_else(|| Error::invalid("user", format!("没有在用的用户{name}。")))?;
            session::create_token(conn, &user.id, now)
        })
        .await?;
    println!("{}", secret.reveal());
    Ok(ExitCode::SUCCESS)
}

async fn check_books(place: &Place) -> Result<ExitCode> {
    let db = open(&place.location())?;
    let bar = progress_bar();
    let shown = bar.clone();
    let verdict = db
        .read(move |conn| {
            books::check(conn, &mut |done, total| {
                shown.set_length(u64::try_from(total).unwrap_or(0));
                shown.set_position(u64::try_from(done).unwrap_or(0));
            })
        })
        .await?;
    bar.finish_and_clear();
    match verdict {
        Ok(proved) => {
            println!(
                "the books hold: {} transactions, {} entries, {} accounts",
                proved.transactions, proved.entries, proved.accounts
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("the books are broken: {}", broken.0);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A bar on a terminal; nothing at all elsewhere.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}
