//! Errors: five meanings, and who reads each.
//!
//! * `NotFound`: no such thing, or nothing you may know of. The page says so and offers a way back.
//! * `Forbidden`: signed in, but this is another person's duty.
//! * `Refused`: a rule said no. It is data: it has a stable code for programs, a sentence for people, and is tested by value.
//! * `Invalid`: what was sent does not make sense; each field is named.
//! * `Internal`: our fault. Logged once, at the edge, with the place it came from; people see a reference number.
//!
//! Sentences say what could not be done, why, and what to do.

use std::fmt;
use std::panic::Location;

/// What a room answers when it cannot do what was asked.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A rule that said no.
pub trait Refusal: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The stable code that programs rely on, for example `not_enough_points`.
    fn code(&self) -> &'static str;

    /// The same sentence as it may be written down: without words of others, which may be a name that is deleted later.
    fn to_be_kept(&self) -> String {
        self.to_string()
    }

    /// The owner whose points tills keep for an hour without network, if that is why: they can be asked for.
    fn held_owner(&self) -> Option<&str> {
        None
    }
}

/// A field of a form or of a request that does not make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the form or in the JSON.
    pub field: &'static str,
    /// A sentence for the person who filled it in.
    pub message: String,
}

/// The five meanings.
#[derive(Debug)]
pub enum Error {
    /// No such thing, or nothing you may know of.
    NotFound,
    /// Another person's duty.
    Forbidden(&'static str),
    /// A rule said no.
    Refused(Box<dyn Refusal>),
    /// Fields that do not make sense.
    Invalid(Vec<FieldError>),
    /// Our fault: the cause and where it was met.
    Internal(String, &'static Location<'static>),
}

impl Error {
    /// A fault of ours.
    #[track_caller]
    pub fn internal(cause: impl fmt::Display) -> Error {
        Error::Internal(cause.to_string(), Location::caller())
    }

    /// One field that does not make sense.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![FieldError {
            field,
            message: message.into(),
        }])
    }

    /// The sentence as it may be written down; nothing of a fault of ours, whose cause is for the log.
    #[must_use]
    pub fn to_be_kept(&self) -> Option<String> {
        match self {
            Error::Internal(..) => None,
            Error::Refused(refusal) => Some(refusal.to_be_kept()),
            other => Some(other.to_string()),
        }
    }

    /// The stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotFound => "not_found",
            Error::Forbidden(_) => "not_permitted",
            Error::Refused(refusal) => refusal.code(),
            Error::Invalid(_) => "invalid_request",
            Error::Internal(..) => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotFound => formatter.write_str("没有找到要找的内容。"),
            Error::Forbidden(why) => formatter.write_str(why),
            Error::Refused(refusal) => refusal.fmt(formatter),
            Error::Invalid(fields) => {
                let sentences: Vec<&str> = fields.iter().map(|field| field.message.as_str()).collect();
                formatter.write_str(&sentences.join(""))
            }
            Error::Internal(cause, place) => write!(formatter, "{cause} ({place})"),
        }
    }
}

impl std::error::Error for Error {}

impl<R: Refusal> From<R> for Error {
    fn from(refusal: R) -> Error {
        Error::Refused(Box::new(refusal))
    }
}

impl From<diesel::result::Error> for Error {
    #[track_caller]
    fn from(cause: diesel::result::Error) -> Error {
        Error::internal(cause)
    }
}
