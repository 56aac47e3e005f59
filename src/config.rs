//! Settings: one command line, every setting with its environment variable and its default.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::db::Location;
use crate::files::Files;
use crate::papers::order::Asked;
use crate::retention::schedule::LEDGER_YEARS;

/// 积善 Jishan: civility points and points supermarkets.
#[derive(Debug, Parser)]
#[command(name = "jishan", version, about)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a demo programme (unless the data folder holds one) and serve it.
    Demo {
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
        /// Where to listen.
        #[arg(long, env = "JISHAN_LISTEN", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// How many households: 272 is the medium town, 8322 the large one with its real tree.
        #[arg(long, default_value_t = 272, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        households: u32,
    },
    /// Serve a programme; an empty database is greeted by the first-run page.
    Serve {
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
        /// Where to listen.
        #[arg(long, env = "JISHAN_LISTEN", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// For how many years after it left a household's books keep its name; ten is what account books are kept for.
        #[arg(long, env = "JISHAN_LEDGER_YEARS", default_value_t = LEDGER_YEARS, value_parser = clap::value_parser!(u32).range(10..=100))]
        ledger_years: u32,
    },
    /// Bring the tables up to date. `serve` and `demo` do it too.
    Migrate {
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
    },
    /// Bring in what a community has in files.
    Import {
        /// What to bring in.
        #[command(subcommand)]
        what: Import,
    },
    /// The rules: look at a file of them, or write a version back into one.
    Scheme {
        /// What to do with them.
        #[command(subcommand)]
        what: Scheme,
    },
    /// Household cards.
    Card {
        /// What to do with them.
        #[command(subcommand)]
        what: Card,
    },
    /// Print a paper: PDF, PNG or dots for a receipt printer, by the ending of the file. `cards` and `statements` print
    /// many into a folder, and go on where they were stopped.
    Print(Box<Print>),
    /// Tokens for programs.
    Token {
        /// What to do with them.
        #[command(subcommand)]
        what: Token,
    },
    /// Prove every law of the books again; exit 1 names the first broken row.
    CheckBooks {
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
    },
}

/// What to bring in.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// A roster of households, as CSV or XLSX.
    Households {
        /// The file.
        file: PathBuf,
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// A version of the rules, as in samples/scheme.json.
    Scheme {
        /// The file.
        file: PathBuf,
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
        /// The first day on which it is in force, as 2026-11-21; today without it.
        #[arg(long)]
        active_from: Option<chrono::NaiveDate>,
    },
    /// Goods, as in samples/goods.csv.
    Goods {
        /// The file.
        file: PathBuf,
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
    },
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum Scheme {
    /// Name everything that is wrong in a file; exit 1 when there is anything. Needs no programme.
    Validate {
        /// The file.
        file: PathBuf,
    },
    /// Write a version as the readable file that it came from.
    Export {
        /// Which version; the one in force today without it.
        #[arg(long)]
        version: Option<i64>,
        /// Where to write it; to the screen without it.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
    },
}

/// What to print.
#[derive(Debug, Args)]
pub struct Print {
    /// Which paper, as `statement`, `notice`, `board`; `cards`, `statements`, `certificates` and `plaques` for many.
    pub paper: String,
    /// Where to write it: `.pdf`, `.png` (each further page beside it) or `.escpos`; a folder for many.
    #[arg(long)]
    pub out: PathBuf,
    /// Which one.
    #[command(flatten)]
    pub which: Which,
    /// Print this file of data, as in printables/samples, instead of a programme's.
    #[arg(long)]
    pub data_file: Option<PathBuf>,
    /// Print the sample with made-up people instead of a programme's data.
    #[arg(long, conflicts_with = "data_file")]
    pub sample: bool,
    /// The folder of changed templates and further fonts; without it, `printables` in the data folder.
    #[arg(long, env = "JISHAN_PRINTABLES")]
    pub printables: Option<PathBuf>,
    /// Dots per inch of a PNG.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(36..=600))]
    pub dpi: u32,
    /// Where the programme lives.
    #[command(flatten)]
    pub place: Place,
}

/// Which one of its kind a paper is about.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// A household's code.
    #[arg(long)]
    pub household: Option<String>,
    /// The number, or the id, of a notice, session, shift, receipt, redemption …
    #[arg(long)]
    pub id: Option<String>,
    /// A month, as 2026-11.
    #[arg(long)]
    pub month: Option<String>,
    /// The code of an area; the whole programme without it.
    #[arg(long)]
    pub area: Option<String>,
    /// The name of a store; the only one without it.
    #[arg(long)]
    pub store: Option<String>,
    /// The size of the paper where there is a choice: a2, a3, a4, a5, 58, 80.
    #[arg(long)]
    pub size: Option<String>,
    /// How many: cards, ballots, days ahead.
    #[arg(long, alias = "households")]
    pub count: Option<u32>,
    /// Large type.
    #[arg(long)]
    pub large: bool,
    /// Which register, title or duty, where there is a choice.
    #[arg(long)]
    pub kind: Option<String>,
    /// Words to print, where a paper has room for them.
    #[arg(long)]
    pub text: Option<String>,
    /// Over which edge the printer turns a sheet of cards.
    #[arg(long, value_parser = ["long", "short"])]
    pub flip: Option<String>,
    /// A year of titles, as 2026; this year without it.
    #[arg(long)]
    pub year: Option<String>,
    /// One quarter of it alone.
    #[arg(long, value_parser = ["1", "2", "3", "4"])]
    pub quarter: Option<String>,
    /// Where the ceremony is.
    #[arg(long)]
    pub place: Option<String>,
    /// When the ceremony is, in words.
    #[arg(long)]
    pub at: Option<String>,
}

impl From<Which> for Asked {
    fn from(which: Which) -> Asked {
        let Which {
            household,
            id,
            month,
            area,
            store,
            size,
            count,
            large,
            kind,
            text,
            flip,
            year,
            quarter,
            place,
            at,
        } = which;
        Asked {
            household,
            id,
            month,
            area,
            store,
            size,
            count,
            large,
            kind,
            text,
            flip,
            year,
            quarter,
            place,
            at,
        }
    }
}

/// What to do with cards.
#[derive(Debug, Subcommand)]
pub enum Card {
    /// Print what the codes in a photograph say, one on a line; exit 1 when none is read. Needs no programme.
    Decode {
        /// The photograph, JPEG or PNG.
        image: PathBuf,
    },
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make one that acts as a user, and print it. It is shown once.
    Create {
        /// The user's name.
        #[arg(long)]
        user: String,
        /// Where the programme lives.
        #[command(flatten)]
        place: Place,
    },
}

/// Where the programme lives.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The data folder; the programme is the file `programme.sqlite` in it.
    #[arg(long, env = "JISHAN_DATA", conflicts_with = "database")]
    pub data: Option<PathBuf>,
    /// A database address instead: postgres://USER@HOST/DATABASE#SCHEMA or sqlite://PATH.
    #[arg(long, env = "JISHAN_DATABASE")]
    pub database: Option<Location>,
    /// The folder of scans and photographs; without it, `files` in the data folder.
    #[arg(long, env = "JISHAN_FILES")]
    pub files: Option<PathBuf>,
}

/// The programme's file in the data folder.
const FILE: &str = "programme.sqlite";

impl Place {
    /// Was any place given?
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.database.is_some() || self.data.is_some()
    }

    /// The folder of scans and photographs.
    #[must_use]
    pub fn files(&self) -> Files {
        match &self.files {
            Some(folder) => Files::in_folder(folder),
            None => Files::beside(&self.location()),
        }
    }

    /// The database; without any setting, the folder `data` here.
    #[must_use]
    pub fn location(&self) -> Location {
        match (&self.database, &self.data) {
            (Some(location), _) => location.clone(),
            (None, Some(folder)) => Location::Sqlite(folder.join(FILE)),
            (None, None) => Location::Sqlite(PathBuf::from("data").join(FILE)),
        }
    }
}
