//! Paper: templates of `printables/` and data become PDF, pictures and dots for receipt printers. The only file that knows typst.
//!
//! A template reads its data as `/data.json` and everything around it from `lib.typ`. Texts arrive as texts, never as markup.
//! A township may put a file of the same name into the folder `printables` beside its files, and pictures that it shows; that
//! one is taken then, and a mistake in it is answered with its line and column. A character that no font has is an error that
//! names it: paper with a box in a name is worse than no paper.
//!
//! This file knows neither papers nor people; `papers/` says what stands on which.

mod fonts;
pub mod thread;
mod unprintable;

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use image::{DynamicImage, GrayImage, ImageFormat, RgbaImage};
use rust_embed::RustEmbed;
use serde::Serialize;
use typst::comemo;
use typst::diag::{FileError, FileResult, Severity, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::layout::{Frame, FrameItem, PageRanges};
use typst::model::{Destination, Document as _};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, is_default_ignorable};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World, WorldExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};
use typst_render::RenderOptions;

use self::fonts::Fonts;
pub use self::unprintable::{MissingCharacter, Unprintable};
use crate::clock::{Moment, local};
use crate::error::{Error, Result};
use crate::text;

/// Dots per inch of a page that is looked at on a screen.
pub const SCREEN_DPI: u32 = 96;
/// Dots per inch of receipt printers: eight dots a millimetre.
pub const RECEIPT_DPI: u32 = 203;

/// Points per inch, typst's measure.
const POINTS_PER_INCH: f64 = 72.0;

/// How light a dot is that a receipt printer leaves white, of 255.
const WHITE_FROM: u8 = 160;

/// The name under which a template finds its data.
const DATA: &str = "data.json";

/// The name under which a template finds a regular expression of the characters that no bold font has.
const LIGHT: &str = "light-characters.txt";

/// Endings of pictures that a township may lay beside its templates, as its emblem.
const PICTURES: [&str; 3] = [".png", ".jpg", ".jpeg"];

#[derive(RustEmbed)]
#[folder = "printables/"]
struct Printables;

/// What a PDF is for. Both are PDF/A-2b, unless something is in them that it does not allow: a drawing, a print shop's colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be read: with the reading order for screen readers.
    Reading,
    /// To be printed in numbers: without, which is a third as large.
    Printing,
}

/// The printing press: fonts, templates and the folder in which a township has its own.
#[derive(Clone)]
pub struct Printer {
    shared: Arc<Shared>,
}

struct Shared {
    folder: Option<PathBuf>,
    fonts: OnceLock<Fonts>,
    library: OnceLock<LazyHash<Library>>,
}

impl Printer {
    /// A press with the templates and fonts of the program alone.
    #[must_use]
    pub fn plain() -> Printer {
        Printer::over(None)
    }

    /// A press that takes templates from this folder first, and fonts from `fonts` in it too. It need not exist.
    #[must_use]
    pub fn with_folder(folder: PathBuf) -> Printer {
        Printer::over(Some(folder))
    }

    fn over(folder: Option<PathBuf>) -> Printer {
        Printer {
            shared: Arc::new(Shared {
                folder,
                fonts: OnceLock::new(),
                library: OnceLock::new(),
            }),
        }
    }

    /// Where a township's own templates lie.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.shared.folder.as_deref()
    }

    /// A template of the program, as it came.
    #[must_use]
    pub fn original(template: &str) -> Option<String> {
        let file = Printables::get(template)?;
        String::from_utf8(file.data.into_owned()).ok()
    }

    /// The township's own template of this name, if it has one; refused when it cannot be read, and never passed over.
    fn own(&self, template: &str) -> Option<Result<String, Unprintable>> {
        let file = self.shared.folder.as_ref()?.join(template);
        let text = match std::fs::read(file) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return None,
            read => read.ok().and_then(|bytes| text::decoded(&bytes)),
        };
        Some(text.ok_or_else(|| Unprintable::Unreadable(template.to_owned())))
    }

    /// Whether the township has its own template of this name.
    #[must_use]
    pub fn has_own(&self, template: &str) -> bool {
        self.own(template).is_some()
    }

    /// A template and those that it is made of: what they import, and what they show as drawings.
    #[must_use]
    pub fn parts(&self, template: &str) -> Vec<String> {
        let mut parts = vec![template.to_owned()];
        let mut read = 0;
        while let Some(part) = parts.get(read) {
            let own = self.own(part).and_then(Result::ok);
            let text = own.or_else(|| Printer::original(part)).unwrap_or_default();
            for quoted in text.split('"') {
                // `"/lib.typ"` is imported, `"card-ground"` is drawn.
                let name = quoted.trim_start_matches('/');
                let file = format!("{}.typ", name.strip_suffix(".typ").unwrap_or(name));
                let is_there = || self.has_own(&file) || Printer::original(&file).is_some();
                if is_file_name(name) && !parts.contains(&file) && is_there() {
                    parts.push(file);
                }
            }
            read += 1;
        }
        parts
    }

    /// A picture that lies beside the township's own templates.
    fn own_picture(&self, name: &str) -> Option<Bytes> {
        let is_picture = PICTURES.iter().any(|ending| name.to_lowercase().ends_with(ending));
        let folder = self.shared.folder.as_ref().filter(|_| is_picture)?;
        std::fs::read(folder.join(name)).ok().map(Bytes::new)
    }

    /// Names of the fonts that are there, in the order in which they are asked.
    #[must_use]
    pub fn font_families(&self) -> Vec<String> {
        self.fonts().families()
    }

    fn fonts(&self) -> &Fonts {
        self.shared
            .fonts
            .get_or_init(|| Fonts::load(self.shared.folder.as_deref().map(|folder| folder.join("fonts"))))
    }

    /// Sets a template with its data.
    ///
    /// # Errors
    /// `Refused(Unprintable)` for characters that no font has, and for mistakes in a template of the township's own;
    /// `Internal` for one in ours.
    pub fn set(&self, template: &str, data: &impl Serialize) -> Result<Sheets> {
        let data = serde_json::to_vec(data).map_err(Error::internal)?;
        self.set_json(template, data)
    }

    /// Sets a template with data that is JSON already.
    ///
    /// # Errors
    /// As [`Printer::set`].
    pub fn set_json(&self, template: &str, data: Vec<u8>) -> Result<Sheets> {
        let answer = self.lay_out_with_drawings(template, Bytes::from_string(without_direction(data)?));
        // What typst remembers is remembered for all and for ever, so it is forgotten after each piece, also after a failed one.
        comemo::evict(0);
        answer
    }

    /// What is the same on many pages is set once: a template finds another one of the same data as a drawing,
    /// `/card-ground.pdf`. The first try tells which drawings it looks for, the last one finds them all. They are set between
    /// the tries and never within one: typst works with a few threads, and one that waits for a drawing may be the one that
    /// has to set it.
    fn lay_out_with_drawings(&self, template: &str, data: Bytes) -> Result<Sheets> {
        let mut drawings = HashMap::new();
        loop {
            let missing = match self.lay_out(template, data.clone(), &drawings, true)? {
                Tried::Set(sheets) => return Ok(sheets),
                Tried::Lacks(missing) => missing,
            };
            for template in missing {
                // A drawing shows no other one, or it might show itself.
                let drawing = match self.lay_out(&template, data.clone(), &HashMap::new(), false)? {
                    Tried::Set(sheets) => sheets.drawn(PdfStandards::default(), Purpose::Printing, None)?,
                    Tried::Lacks(_) => return Err(Error::internal("a drawing lacks a drawing")),
                };
                drawings.insert(template, Bytes::new(drawing));
            }
        }
    }

    fn lay_out(&self, template: &str, data: Bytes, drawings: &HashMap<String, Bytes>, may_ask: bool) -> Result<Tried> {
        let sheet = Sheet {
            printer: self,
            fonts: self.fonts(),
            library: self.shared.library.get_or_init(|| LazyHash::new(Library::default())),
            main: file_id(template).map_err(Error::internal)?,
            data,
            sources: Mutex::default(),
            unreadable: Mutex::default(),
            drawings,
            asked: may_ask.then(Mutex::default),
        };
        match typst::compile::<PagedDocument>(&sheet).output {
            Ok(document) => {
                unprintable::missing_of(&document)?;
                let has_drawings = !drawings.is_empty();
                Ok(Tried::Set(Sheets { document, has_drawings }))
            }
            Err(problems) => match sheet.asked() {
                missing if missing.is_empty() => Err(sheet.explained(&problems)),
                missing => Ok(Tried::Lacks(missing)),
            },
        }
    }
}

fn keep_only_seen(frame: &mut Frame) {
    frame.retain(|item| match item {
        FrameItem::Tag(_) | FrameItem::Link(Destination::Location(_), _) => false,
        FrameItem::Group(group) => {
            keep_only_seen(&mut group.frame);
            true
        }
        FrameItem::Text(_) | FrameItem::Shape(..) | FrameItem::Image(..) | FrameItem::Link(..) => true,
    });
}

/// What was set: pages in memory.
pub struct Sheets {
    document: PagedDocument,
    has_drawings: bool,
}

impl Sheets {
    /// Only what is seen: without what typst remembers of every paragraph and cell for the reading order, the outline and
    /// links to other pages, which is several times as much. For the many that wait in memory to be one file.
    #[must_use]
    pub fn only_seen(self) -> Sheets {
        let info = self.document.info().clone();
        let mut pages = self.document.pages().to_vec();
        drop(self.document);
        for page in &mut pages {
            keep_only_seen(&mut page.frame);
        }
        Sheets {
            document: PagedDocument::new(pages.into(), info),
            ..self
        }
    }

    /// These and others behind them, to be one file: what they share, above all fonts, is then in it once. Each keeps the
    /// numbers of its own pages.
    #[must_use]
    pub fn followed_by(self, others: Vec<Sheets>) -> Sheets {
        let info = self.document.info().clone();
        let has_drawings = self.has_drawings || others.iter().any(|sheets| sheets.has_drawings);
        let all = std::iter::once(self).chain(others);
        let pages = all.flat_map(|sheets| sheets.document.pages().to_vec()).collect();
        Sheets {
            document: PagedDocument::new(pages, info),
            has_drawings,
        }
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.document.pages().len()
    }

    /// As PDF, dated with a moment.
    ///
    /// # Errors
    /// `Internal` when typst cannot write it.
    pub fn pdf(&self, purpose: Purpose, at: Moment) -> Result<Vec<u8>> {
        let plain = || self.drawn(PdfStandards::default(), purpose, Some(at));
        let kept = PdfStandards::new(&[PdfStandard::A_2b]).map_err(|cause| Error::internal(cause.message()))?;
        let answer = match self.has_drawings {
            true => plain(),
            // A township's own template may hold what PDF/A does not allow, as a print shop's colours; it is printed all the same.
            false => self.drawn(kept, purpose, Some(at)).or_else(|_| plain()),
        };
        comemo::evict(0);
        answer
    }

    fn drawn(&self, standards: PdfStandards, purpose: Purpose, at: Option<Moment>) -> Result<Vec<u8>> {
        let options = PdfOptions {
            ident: Smart::Auto,
            creator: Smart::Custom(Some("积善 Jishan".to_owned())),
            timestamp: at.and_then(timestamp),
            page_ranges: None::<PageRanges>,
            standards,
            tagged: purpose == Purpose::Reading,
            pretty: false,
        };
        typst_pdf::pdf(&self.document, &options).map_err(|problems| Error::internal(first_words(&problems)))
    }

    /// A page as a PNG of so many dots per inch; `None` behind the last page.
    ///
    /// # Errors
    /// `Internal` when the picture cannot be written.
    pub fn png(&self, page: usize, dpi: u32) -> Result<Option<Vec<u8>>> {
        let Some(picture) = self.picture(page, dpi)? else {
            return Ok(None);
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(picture)
            .to_rgb8()
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(Error::internal)?;
        Ok(Some(bytes.into_inner()))
    }

    /// A page in grey.
    ///
    /// # Errors
    /// As [`Sheets::png`].
    pub fn grey(&self, page: usize, dpi: u32) -> Result<Option<GrayImage>> {
        Ok(self
            .picture(page, dpi)?
            .map(|picture| DynamicImage::ImageRgba8(picture).to_luma8()))
    }

    fn picture(&self, page: usize, dpi: u32) -> Result<Option<RgbaImage>> {
        let Some(page) = self.document.pages().get(page) else {
            return Ok(None);
        };
        #[expect(clippy::float_arithmetic, reason = "a picture's scale")]
        let pixel_per_point = f64::from(dpi) / POINTS_PER_INCH;
        let options = RenderOptions {
            pixel_per_pt: pixel_per_point.into(),
            ..RenderOptions::default()
        };
        let pixels = typst_render::render(page, &options);
        comemo::evict(0);
        let (width, height) = (pixels.width(), pixels.height());
        RgbaImage::from_raw(width, height, pixels.take())
            .map(Some)
            .ok_or_else(|| Error::internal("a picture without its pixels"))
    }

    /// All pages as what an ESC/POS printer draws (`GS v 0`), each followed by a feed and a cut.
    ///
    /// # Errors
    /// As [`Sheets::png`].
    pub fn escpos(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0x1B, b'@'];
        for page in 0..self.pages() {
            if let Some(picture) = self.grey(page, RECEIPT_DPI)? {
                bytes.extend(raster(&picture));
            }
            // Three lines of paper, then a partial cut: printers without a knife ignore it.
            bytes.extend([0x1B, b'd', 3, 0x1D, b'V', 1]);
        }
        Ok(bytes)
    }

    /// The text of every page, a page after another, as it is set: tests read it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for page in self.document.pages() {
            walk(&page.frame, &mut |item| {
                text.push_str(&item.text);
                text.push('\n');
            });
        }
        text
    }
}

/// Bands of 256 lines, because small printers keep no more in memory.
fn raster(picture: &GrayImage) -> Vec<u8> {
    let bytes_a_line = picture.width().div_ceil(8);
    let mut out = Vec::new();
    for top in (0..picture.height()).step_by(256) {
        let lines = (picture.height() - top).min(256);
        out.extend([0x1D, b'v', b'0', 0]);
        for measure in [bytes_a_line, lines] {
            let [low, high, ..] = measure.to_le_bytes();
            out.extend([low, high]);
        }
        for y in top..top + lines {
            for byte in 0..bytes_a_line {
                out.push((0..8).fold(0, |bits, bit| {
                    let x = byte * 8 + bit;
                    let is_dark = x < picture.width() && picture.get_pixel(x, y).0 < [WHITE_FROM];
                    bits << 1 | u8::from(is_dark)
                }));
            }
        }
    }
    out
}

/// What came of a try to set a paper.
enum Tried {
    Set(Sheets),
    /// It looks for these templates as drawings.
    Lacks(BTreeSet<String>),
}

/// One paper on its way: what typst asks for.
struct Sheet<'a> {
    printer: &'a Printer,
    fonts: &'a Fonts,
    library: &'a LazyHash<Library>,
    main: FileId,
    data: Bytes,
    sources: Mutex<HashMap<FileId, Source>>,
    /// The first of the township's own templates that could not be read.
    unreadable: Mutex<Option<Unprintable>>,
    /// By the names of their templates.
    drawings: &'a HashMap<String, Bytes>,
    /// What it looked for besides; nothing may be asked for by what is a drawing itself.
    asked: Option<Mutex<BTreeSet<String>>>,
}

impl Sheet<'_> {
    /// The drawings that it looked for in vain.
    fn asked(&self) -> BTreeSet<String> {
        let asked = self.asked.as_ref();
        asked.map(|asked| locked(asked).clone()).unwrap_or_default()
    }

    fn drawing(&self, template: String) -> FileResult<Bytes> {
        if let Some(drawing) = self.drawings.get(&template) {
            return Ok(drawing.clone());
        }
        let is_there = self.printer.has_own(&template) || Printables::get(&template).is_some();
        if let (true, Some(asked)) = (is_there, &self.asked) {
            locked(asked).insert(template.clone());
        }
        Err(FileError::NotFound(PathBuf::from(template)))
    }

    fn explained(&self, problems: &[SourceDiagnostic]) -> Error {
        if let Some(unreadable) = locked(&self.unreadable).take() {
            return unreadable.into();
        }
        let Some(problem) = problems.iter().find(|problem| problem.severity == Severity::Error) else {
            return Error::internal("typst failed and did not say why");
        };
        // A mistake inside lib.typ that the township's own template provoked is shown where the township wrote it.
        let spans = std::iter::once(problem.span.id())
            .chain(problem.trace.iter().map(|trace| trace.span.id()))
            .zip(
                std::iter::once(self.range(problem.span))
                    .chain(problem.trace.iter().map(|trace| self.range(trace.span))),
            );
        for (id, range) in spans {
            let (Some(id), Some(range)) = (id, range) else { continue };
            let file = id.get().vpath().get_without_slash().to_owned();
            let (true, Ok(source)) = (self.printer.has_own(&file), self.source(id)) else {
                continue;
            };
            let (line, column) = source.lines().byte_to_line_column(range.start).unwrap_or_default();
            return Unprintable::Template {
                file,
                line: line + 1,
                column: column + 1,
                message: words(problem),
            }
            .into();
        }
        let place = problem
            .span
            .id()
            .map(|id| id.get().vpath().get_without_slash().to_owned());
        let line = problem.span.id().zip(self.range(problem.span)).and_then(|(id, range)| {
            let source = self.source(id).ok()?;
            source.lines().byte_to_line(range.start)
        });
        Error::internal(format!(
            "{}:{}: {}",
            place.unwrap_or_default(),
            line.unwrap_or_default() + 1,
            words(problem)
        ))
    }
}

impl World for Sheet<'_> {
    fn library(&self) -> &LazyHash<Library> {
        self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let mut sources = locked(&self.sources);
        if let Some(source) = sources.get(&id) {
            return Ok(source.clone());
        }
        let name = id.get().vpath().get_without_slash();
        let text = match self.printer.own(name) {
            Some(Ok(own)) => Some(own),
            Some(Err(problem)) => {
                locked(&self.unreadable).get_or_insert(problem);
                None
            }
            None => Printer::original(name),
        };
        let text = text.ok_or_else(|| FileError::NotFound(PathBuf::from(name)))?;
        let source = Source::new(id, text);
        sources.insert(id, source.clone());
        Ok(source)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let name = id.get().vpath().get_without_slash();
        match name.strip_suffix(".pdf") {
            _ if name == DATA => Ok(self.data.clone()),
            _ if name == LIGHT => Ok(Bytes::from_string(fonts::LIGHT)),
            Some(template) => self.drawing(format!("{template}.typ")),
            None => (self.printer.own_picture(name)).ok_or_else(|| FileError::NotFound(PathBuf::from(name))),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.font(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        // Days are data: a paper says the day on which it was asked for, not the one on which it was set.
        None
    }
}

/// What another thread left behind is as good as what this one would have.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks that turn the direction of a line have no place in a name; a line of the books is read from left to right.
fn without_direction(data: Vec<u8>) -> Result<String> {
    let mut text = String::from_utf8(data).map_err(Error::internal)?;
    text.retain(
        |letter| !matches!(letter, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'),
    );
    Ok(text)
}

fn file_id(name: &str) -> Result<FileId, String> {
    let path = VirtualPath::new(name).map_err(|cause| cause.to_string())?;
    Ok(FileId::new(RootedPath::new(VirtualRoot::Project, path)))
}

fn is_file_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(is_plain)
}

fn words(problem: &SourceDiagnostic) -> String {
    let hints = problem.hints.iter().map(|hint| format!("；{}", hint.v));
    format!("{}{}", problem.message, hints.collect::<String>())
}

fn first_words(problems: &[SourceDiagnostic]) -> String {
    problems
        .first()
        .map_or_else(|| "typst failed and did not say why".to_owned(), words)
}

fn timestamp(at: Moment) -> Option<Timestamp> {
    use chrono::{Datelike as _, Timelike as _};
    let at = local(at);
    let small = |number: u32| u8::try_from(number).ok();
    let datetime = Datetime::from_ymd_hms(
        at.year(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Timestamp::new_local(datetime, 8 * 60)
}

fn is_visible(character: char) -> bool {
    !character.is_whitespace() && !is_default_ignorable(character)
}

fn walk(frame: &Frame, see: &mut impl FnMut(&typst::text::TextItem)) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => walk(&group.frame, see),
            FrameItem::Text(text) => see(text),
            FrameItem::Shape(..) | FrameItem::Image(..) | FrameItem::Link(..) | FrameItem::Tag(_) => {}
        }
    }
}
