//! Files that people bring as proof: scans of resolutions, photographs of deeds. They lie in a folder outside the database.
//!
//! A file is named by the SHA-256 of its bytes and by what it is, which its first bytes tell and its sender does not. So
//! the same file is kept once, a name can be neither guessed nor chosen, and a file that was changed by hand is noticed
//! when it is read. Rooms keep the name in a row of theirs and decide who may see the file, and for how long. Nothing here
//! looks inside a picture: whoever shows one on a page makes it small and clean first.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::db::Location;
use crate::error::{Error, Refusal, Result};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A photograph.
    Jpeg,
    /// A picture.
    Png,
    /// A scanned document.
    Pdf,
}

impl Kind {
    /// What the first bytes say, whatever the file is called.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Kind> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Kind::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Kind::Png),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Kind::Pdf),
            _ => None,
        }
    }

    /// How its name ends.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Kind::Jpeg => "jpg",
            Kind::Png => "png",
            Kind::Pdf => "pdf",
        }
    }

    /// What a browser is told.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Jpeg => "image/jpeg",
            Kind::Png => "image/png",
            Kind::Pdf => "application/pdf",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Kind::Jpeg => "JPG 照片",
            Kind::Png => "PNG 图片",
            Kind::Pdf => "PDF 文件",
        }
    }
}

/// The name of a kept file: 64 hexadecimal digits and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    digest: String,
    kind: Kind,
}

impl FileName {
    fn of(bytes: &[u8], kind: Kind) -> FileName {
        let digest = Sha256::digest(bytes);
        FileName {
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            kind,
        }
    }

    /// Reads a name; anything else, a path for example, is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<FileName> {
        let (digest, ending) = text.split_once('.')?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let kind = [Kind::Jpeg, Kind::Png, Kind::Pdf]
            .into_iter()
            .find(|kind| kind.ending() == ending)?;
        is_digest.then(|| FileName {
            digest: digest.to_owned(),
            kind,
        })
    }

    /// What the file is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.digest, self.kind.ending())
    }
}

/// Why a file was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing was sent.
    Empty,
    /// More bytes than are taken.
    TooLarge {
        /// The most that is taken.
        most: usize,
    },
    /// It is not what is asked for, whatever its name says.
    NotThisKind {
        /// What is asked for.
        wanted: &'static [Kind],
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Empty => formatter.write_str("没有收到文件内容，请重新选择文件再传。"),
            Refused::TooLarge { most } => write!(
                formatter,
                "文件太大，没有保存。请传不超过{} MB 的文件，照片可以调小尺寸再拍。",
                most / MEGABYTE
            ),
            Refused::NotThisKind { wanted } => {
                let wanted: Vec<&str> = wanted.iter().map(|kind| kind.label()).collect();
                write!(
                    formatter,
                    "这个文件不是能识别的格式，没有保存（只看内容，不看文件名）。请传{}。",
                    wanted.join("、")
                )
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Empty => "file_empty",
            Refused::TooLarge { .. } => "file_too_large",
            Refused::NotThisKind { .. } => "file_not_this_kind",
        }
    }
}

/// A megabyte, as people count them.
pub const MEGABYTE: usize = 1024 * 1024;

/// Is this a file of a wanted kind and size?
///
/// # Errors
/// `Refused`.
pub fn check(bytes: &[u8], wanted: &'static [Kind], most: usize) -> Result<Kind, Refused> {
    if bytes.is_empty() {
        return Err(Refused::Empty);
    }
    if bytes.len() > most {
        return Err(Refused::TooLarge { most });
    }
    let kind = Kind::of(bytes).filter(|kind| wanted.contains(kind));
    kind.ok_or(Refused::NotThisKind { wanted })
}

/// The folder. Reading and writing it takes a while: never inside `write`, and from a handler through `App::slowly`.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// Tells files apart that are being written at the same moment.
static WRITING: AtomicU64 = AtomicU64::new(0);

impl Files {
    /// Files in this folder, which is made when the first one is kept.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Files {
        Files {
            folder: folder.to_owned(),
        }
    }

    /// The folder beside a programme: `files` in the data folder; for a programme on a server, one for its schema below
    /// `data` where the program was started.
    #[must_use]
    pub fn beside(location: &Location) -> Files {
        let folder = match location {
            Location::Sqlite(path) => path.parent().unwrap_or(Path::new(".")).join("files"),
            Location::Postgres { schema, .. } => Path::new("data").join(schema).join("files"),
        };
        Files { folder }
    }

    /// A folder beside this one, for what else a programme keeps outside the database.
    #[must_use]
    pub fn sibling(&self, name: &str) -> PathBuf {
        self.folder.with_file_name(name)
    }

    /// Keeps a file under its name. Keeping it again changes nothing.
    ///
    /// # Errors
    /// `Refused` for what [`check`] refuses; `Internal` when the disk fails.
    pub fn keep(&self, bytes: &[u8], wanted: &'static [Kind], most: usize) -> Result<FileName> {
        let name = FileName::of(bytes, check(bytes, wanted, most)?);
        let path = self.path(&name);
        if fs::read(&path).is_ok_and(|kept| kept == bytes) {
            return Ok(name);
        }
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(Error::internal)?;
        // Written whole beside it and then renamed, so that a power cut leaves the file or none.
        let nth = WRITING.fetch_add(1, Ordering::Relaxed);
        let unfinished = folder.join(format!("{}-{nth}.part", std::process::id()));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(folder)?.sync_all()
        });
        written.map_err(|cause| {
            let _ = fs::remove_file(&unfinished);
            Error::internal(cause)
        })?;
        Ok(name)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// `NotFound` when it is not there (any more); `Internal` when it is not what was kept.
    pub fn read(&self, name: &FileName) -> Result<Vec<u8>> {
        let bytes = fs::read(self.path(name)).map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => Error::NotFound,
            _ => Error::internal(cause),
        })?;
        match FileName::of(&bytes, name.kind) == *name {
            true => Ok(bytes),
            false => Err(Error::internal(format!("the file {name} is not what was kept"))),
        }
    }

    /// Takes a file away for good. One that is not there is no fault: it was taken away before.
    ///
    /// # Errors
    /// `Internal` when the disk fails.
    pub fn discard(&self, name: &FileName) -> Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(Error::internal(cause)),
            _ => Ok(()),
        }
    }

    /// Two digits are a folder, so that none holds too many.
    fn path(&self, name: &FileName) -> PathBuf {
        let shelf = name.digest.get(..2).unwrap_or_default();
        self.folder.join(shelf).join(name.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURES: &[Kind] = &[Kind::Jpeg, Kind::Png];

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(check(b"\xFF\xD8\xFF\xE0 photo", PICTURES, MEGABYTE), Ok(Kind::Jpeg));
        assert_eq!(check(b"", PICTURES, MEGABYTE), Err(Refused::Empty));
        assert_eq!(
            check(b"%PDF-1.7", PICTURES, MEGABYTE),
            Err(Refused::NotThisKind { wanted: PICTURES })
        );
        for other in [b"GIF89a".as_slice(), b"<svg>", b"MZ\x90", b"PK\x03\x04", b"\xFF\xD8"] {
            assert!(check(other, PICTURES, MEGABYTE).is_err(), "{other:?}");
        }
        let large = [b"%PDF-".as_slice(), &vec![0; MEGABYTE]].concat();
        assert_eq!(
            check(&large, &[Kind::Pdf], MEGABYTE),
            Err(Refused::TooLarge { most: MEGABYTE })
        );
    }

    #[test]
    fn a_name_is_no_path() {
        let name = FileName::of(b"%PDF-1", Kind::Pdf);
        assert_eq!(FileName::parse(&name.to_string()), Some(name));
        for other in [
            "",
            ".pdf",
            "../../etc/passwd",
            "a.pdf",
            &"0".repeat(64),
            &format!("{}.svg", "0".repeat(64)),
        ] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
        assert_eq!(FileName::parse(&format!("{}.pdf", "/".repeat(64))), None);
    }

    #[test]
    fn what_is_kept_is_read_until_it_is_discarded() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("jishan-files-{}", std::process::id()));
        let files = Files::in_folder(&folder);
        let name = files.keep(b"%PDF-1.7 resolution", &[Kind::Pdf], MEGABYTE)?;
        assert_eq!(files.keep(b"%PDF-1.7 resolution", &[Kind::Pdf], MEGABYTE)?, name);
        assert_eq!(files.read(&name)?, b"%PDF-1.7 resolution");
        // Changed by hand.
        fs::write(files.path(&name), b"%PDF-1.7 another").map_err(Error::internal)?;
        assert!(matches!(files.read(&name), Err(Error::Internal(..))));
        // Keeping it again mends it.
        files.keep(b"%PDF-1.7 resolution", &[Kind::Pdf], MEGABYTE)?;
        assert!(files.read(&name).is_ok());
        files.discard(&name)?;
        files.discard(&name)?;
        assert!(matches!(files.read(&name), Err(Error::NotFound)));
        fs::remove_dir_all(&folder).map_err(Error::internal)
    }
}
