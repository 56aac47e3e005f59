//! Forms that come back: their numbers, and what each leads to.
//!
//! A number is a letter for the kind, the number of what the form is about, and a check digit, so that a slip of the pen is
//! noticed before anything is keyed: `Q12-4` is the sign-in sheet of gathering 12. The rows of a form are numbered in the
//! room that made it; nothing is kept here.

use serde::{Deserialize, Serialize};

use crate::cards::number::damm;
use crate::cards::qr;
use crate::error::{Error, Result};

/// The number of a form that comes back, with its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormMark {
    /// `Q12-4`.
    pub id: String,
    /// The same as a QR code: SVG.
    pub qr: String,
}

/// The kinds of forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 签到表, by the gathering's number.
    SignIn,
    /// 入户评分表, by the six digits of the visit.
    Visit,
    /// 计票单, by the session's number.
    Tally,
    /// 盘点表, by the stocktake's number.
    Stocktake,
    /// 好事申报单, by the version of the rules that it shows.
    Nomination,
    /// 志愿签到表, by the event's number.
    Volunteering,
    /// 知情同意书, by the number of its print.
    Consent,
}

impl Form {
    const ALL: [Form; 7] = [
        Form::SignIn,
        Form::Visit,
        Form::Tally,
        Form::Stocktake,
        Form::Nomination,
        Form::Volunteering,
        Form::Consent,
    ];

    /// Its letter: said over the telephone, none is taken for another.
    fn letter(self) -> char {
        match self {
            Form::SignIn => 'Q',
            Form::Visit => 'R',
            Form::Tally => 'J',
            Form::Stocktake => 'P',
            Form::Nomination => 'S',
            Form::Volunteering => 'Z',
            Form::Consent => 'Y',
        }
    }

    /// The number of a form.
    #[must_use]
    pub fn number(self, of: i64) -> String {
        let check = damm(&self.digits(of)).unwrap_or_default();
        format!("{}{of}-{check}", self.letter())
    }

    /// What a number that was typed or scanned names.
    ///
    /// # Errors
    /// `Invalid` with what is wrong, for the person who typed it.
    pub fn read(text: &str) -> Result<(Form, i64)> {
        let wrong = || {
            Error::invalid(
                "form",
                "没有这个表单编号。编号印在表的右上角，像“Q12-4”，请照着再输一遍。",
            )
        };
        let plain: String = text
            .trim()
            .chars()
            .map(half_width)
            .filter(|one| !one.is_whitespace())
            .collect();
        let mut letters = plain.chars();
        let letter = letters.next().ok_or_else(wrong)?.to_ascii_uppercase();
        let form = Form::ALL
            .into_iter()
            .find(|form| form.letter() == letter)
            .ok_or_else(wrong)?;
        let (number, check) = letters.as_str().rsplit_once('-').ok_or_else(wrong)?;
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let whole = format!("{}{check}", form.digits(number));
        match check.len() == 1 && damm(&whole) == Some(0) {
            true => Ok((form, number)),
            false => Err(wrong()),
        }
    }

    /// Is this a number as the program prints it?
    #[must_use]
    pub fn is_number(text: &str) -> bool {
        Form::read(text).is_ok_and(|(form, of)| form.number(of) == text)
    }

    /// The digits under the check digit: the kind counts, so that one form's number is never another's.
    fn digits(self, of: i64) -> String {
        let kind = Form::ALL.iter().position(|form| *form == self).unwrap_or_default();
        format!("{kind}{of:06}")
    }
}

impl FormMark {
    /// A form's number with its code.
    ///
    /// # Errors
    /// `Internal` when the text is too long for a code.
    pub fn new(form: Form, of: i64) -> Result<FormMark> {
        let id = form.number(of);
        Ok(FormMark {
            qr: qr::svg(&id, "").map_err(Error::internal)?,
            id,
        })
    }
}

/// Full-width letters and digits as a Chinese input method types them; the long dash as a short one.
fn half_width(letter: char) -> char {
    match letter {
        '！'..='～' => char::from_u32(u32::from(letter).saturating_sub(0xFEE0)).unwrap_or(letter),
        '—' | '–' | '−' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_printed_and_as_people_type_it() {
        for form in Form::ALL {
            let number = form.number(12);
            assert_eq!(Form::read(&number).unwrap(), (form, 12));
            assert_eq!(Form::read(&format!(" {} ", number.to_lowercase())).unwrap(), (form, 12));
            assert!(Form::is_number(&number) && !Form::is_number(&number.to_lowercase()));
        }
        let full: String = Form::SignIn
            .number(12)
            .chars()
            .map(|one| char::from_u32(u32::from(one) + 0xFEE0).unwrap())
            .collect();
        assert_eq!(Form::read(&full).unwrap(), (Form::SignIn, 12));
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        let number = Form::SignIn.number(12);
        for wrong in [
            number.replace("12", "21"),
            number.replace("12", "13"),
            number.replace('Q', "R"),
            "12".into(),
            String::new(),
        ] {
            assert!(Form::read(&wrong).is_err(), "{wrong}");
        }
    }
}
