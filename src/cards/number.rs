//! What a card says: its number, its secret, and every form in which the two reach the counter.
//!
//! A number is for people: ten digits that can be read aloud over the village loudspeaker or a bad telephone line. The
//! first is 1–9, so that no spreadsheet loses it; the last is a check digit; and ten is the length of no goods barcode
//! (8, 12, 13, 14), so that the counter tells a card from a bag of rice by length alone. The secret is for the scanner:
//! number and secret together show that the card was present, and the server keeps only a keyed digest of the secret,
//! so a stolen database prints no cards.
//!
//! This file does not know whether a card was ever issued, whose it is, or whether it was stopped, and it asks nobody
//! for random bits: they are handed in. A card holds no name and no balance.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The longest text that is looked at; a scanner that sends more is not reading one of our cards.
const TEXT_CHARS_MAX: usize = 512;

/// Digits of a card number, the check digit included.
const NUMBER_DIGITS: usize = 10;

/// Characters of a card secret: 12 × 5 = 60 bits.
const SECRET_CHARS: usize = 12;

/// The sign that precedes number and secret in a card's address; short, because every letter makes the modules smaller.
const ADDRESS_MARK: &str = "/K/";

/// The sample's number without its check digit.
const SAMPLE_BODY: u64 = 123_456_789;

/// A card number that could have been issued: ten digits, the first 1–9, the last the check digit of the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardNumber(String);

impl CardNumber {
    /// Reads a number as people type and dictate it: in groups with spaces or hyphens, and in full-width digits.
    ///
    /// # Errors
    /// What is wrong with the number, as a sentence.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let digits: String = text.chars().map(half_width).filter(|c| !is_separator(*c)).collect();
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(NumberError::NotDigits);
        }
        if digits.len() != NUMBER_DIGITS {
            return Err(NumberError::WrongLength(digits.len()));
        }
        if digits.starts_with('0') {
            return Err(NumberError::LeadingZero);
        }
        if damm(&digits) != Some(0) {
            return Err(NumberError::CheckDigit);
        }
        Ok(Self(digits))
    }

    /// The number of the sample card, with which a gun or a camera is tried: well-formed, and no household's.
    #[must_use]
    pub fn sample() -> Self {
        let check = damm(&SAMPLE_BODY.to_string()).unwrap_or_default();
        Self(format!("{SAMPLE_BODY}{check}"))
    }

    /// Makes a number from 64 random bits; the same bits make the same number.
    ///
    /// There are 900 million numbers, so the remainder favours the smaller ones by less than one part in 10¹⁰. The
    /// caller draws again if the number is taken. Numbers are random and not counted up, so that nobody finds a
    /// neighbour's by adding one. The sample's number is never made: its bits make the next one.
    pub fn from_random(bits: u64) -> Self {
        let body = 100_000_000 + bits % 900_000_000;
        let body = if body == SAMPLE_BODY { body + 1 } else { body }.to_string();
        let check = damm(&body).unwrap_or_default();
        Self(format!("{body}{check}"))
    }

    /// The ten digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number in the groups in which it is printed and read aloud: `402 817 3654`.
    pub fn grouped(&self) -> String {
        let mut grouped = String::with_capacity(NUMBER_DIGITS + 2);
        for (place, digit) in self.0.chars().enumerate() {
            if matches!(place, 3 | 6) {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    }
}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no card number, in words for the person at the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// So many digits instead of ten.
    #[error("卡号应为10位数字，收到的是{0}位，请核对后重新输入。")]
    WrongLength(usize),
    /// Something other than digits, spaces and hyphens.
    #[error("卡号应为10位数字，不含字母和其他符号，请核对后重新输入。")]
    NotDigits,
    /// No number starts with 0.
    #[error("卡号的第一位不会是0，请对照卡面重新输入。")]
    LeadingZero,
    /// Ten digits whose last does not fit the others.
    #[error("卡号的校验位对不上，可能输错了一位，或相邻两位颠倒了，请对照卡面重新输入。")]
    CheckDigit,
}

/// The 60-bit secret that only the card's QR code carries, as twelve Crockford base-32 characters.
///
/// It has no `Display`, and `Debug` hides it, so that it reaches no log; `reveal` is the one way out. Equality is for
/// tests and for forms sent twice: whether a card is genuine is decided by `matches`, against the stored digest.
#[derive(Clone, PartialEq, Eq)]
pub struct CardSecret(String);

impl CardSecret {
    /// Makes a secret from the lower 60 of 64 random bits.
    pub fn from_bits(bits: u64) -> Self {
        let places = (0..SECRET_CHARS).rev();
        let secret = places.filter_map(|place| CROCKFORD.chars().nth(five_bits(bits, place)));
        Self(secret.collect())
    }

    /// Reads a secret in either case, with or without hyphens; O is read as 0, I and L as 1.
    ///
    /// # Errors
    /// Not twelve characters, or not of the alphabet.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let mut secret = String::with_capacity(SECRET_CHARS);
        for letter in text.chars().filter(|c| *c != '-') {
            secret.push(crockford(letter).ok_or(SecretError::NotALetterOfOurs)?);
            if secret.len() > SECRET_CHARS {
                return Err(SecretError::WrongLength);
            }
        }
        if secret.len() < SECRET_CHARS {
            return Err(SecretError::WrongLength);
        }
        Ok(Self(secret))
    }

    /// The secret in clear, for printing the card it belongs to and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the server stores: hex HMAC-SHA256 over "card secret", the number and the secret.
    ///
    /// The number is part of it, so that a digest copied to another card's row proves nothing. All parts have a fixed
    /// length, so no two pairs run together into the same bytes. The key must be secret too: 60 bits alone could be
    /// tried out offline.
    pub fn digest(&self, key: &[u8], number: &CardNumber) -> String {
        let bytes = self.mac(key, number).finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this secret is the one behind a stored digest; takes the same time wherever they differ.
    pub fn matches(&self, key: &[u8], number: &CardNumber, stored_digest: &str) -> bool {
        match bytes_of_hex(stored_digest) {
            Some(stored) => self.mac(key, number).verify_slice(&stored).is_ok(),
            None => false,
        }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length: RFC 2104, section 3")]
    fn mac(&self, key: &[u8], number: &CardNumber) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(b"card secret");
        mac.update(number.as_str().as_bytes());
        mac.update(self.0.as_bytes());
        mac
    }
}

impl fmt::Debug for CardSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardSecret(…)")
    }
}

/// Why a text is no card secret. People never type a secret, so both sentences send them back to the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not twelve characters: most often a code that was cut off.
    #[error("卡上的二维码没有读完整，请再扫一次，或直接输入10位卡号。")]
    WrongLength,
    /// A character outside Crockford's alphabet, such as U.
    #[error("卡上的二维码含有不认识的字符，请再扫一次，或直接输入10位卡号。")]
    NotALetterOfOurs,
}

/// What arrived at the counter: a number that somebody typed or a 1-D code carried, or all that a card's QR code holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardToken {
    /// The number alone: says which card is meant.
    Number(CardNumber),
    /// Number and secret: says that the card, or a good copy of it, was there. The secret is not checked yet.
    Full(CardNumber, CardSecret),
}

impl CardToken {
    /// Understands what a scanner or a keyboard sends: ten digits, `NUMBER-SECRET`, or the QR code's whole address.
    ///
    /// The host is not compared: cards outlive a change of host name, and a stranger's secret fails against our digest
    /// anyway. Scanners wrap the text in control characters, an AIM identifier (`]Q1`) or an ECI echo (`\000026`), and
    /// a Chinese input method turns it full-width; all of that is taken off first.
    ///
    /// # Errors
    /// What the text is instead, or what is wrong with the number or secret in it.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(TokenError::TooLong);
        }
        let folded: String = text.chars().map(half_width).collect();
        let bare = without_wrapping(&folded);
        if bare.is_empty() {
            return Err(TokenError::Empty);
        }
        match after_address_mark(bare) {
            Some(token) => Self::parse_bare(token),
            None if bare.contains("://") => Err(TokenError::OtherAddress),
            None => Self::parse_bare(bare),
        }
    }

    /// The text of a card's QR code, upper-case throughout so that it fits the dense alphanumeric mode.
    ///
    /// `base` is the service's own address, such as `https://points.example.cn`. Scheme and host do not care about
    /// case; a path in `base` must not either.
    pub fn address(base: &str, number: &CardNumber, secret: &CardSecret) -> String {
        let base = base.trim_end_matches('/').to_ascii_uppercase();
        format!("{base}{ADDRESS_MARK}{number}-{}", secret.reveal())
    }

    /// The card's number, which both forms have.
    pub fn number(&self) -> &CardNumber {
        match self {
            Self::Number(number) | Self::Full(number, _) => number,
        }
    }

    /// The card's secret, if a code was scanned that carries it.
    pub fn secret(&self) -> Option<&CardSecret> {
        match self {
            Self::Number(_) => None,
            Self::Full(_, secret) => Some(secret),
        }
    }

    /// Tells the forms apart by what is left without separators: digits only, or ten digits and then the secret.
    fn parse_bare(token: &str) -> Result<Self, TokenError> {
        let compact: String = token.chars().filter(|c| !is_separator(*c)).collect();
        let (number, secret) = compact.split_at_checked(NUMBER_DIGITS).unwrap_or((&compact, ""));
        let is_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if is_digits(&compact) && compact.len() != NUMBER_DIGITS + SECRET_CHARS {
            return Ok(Self::Number(CardNumber::parse(&compact)?));
        }
        if !is_digits(number) || secret.is_empty() {
            let mistyped = number.starts_with(|c: char| c.is_ascii_digit()) && secret.is_empty();
            return Err(if mistyped {
                NumberError::NotDigits.into()
            } else {
                TokenError::NotACard
            });
        }
        Ok(Self::Full(CardNumber::parse(number)?, CardSecret::parse(secret)?))
    }
}

/// Why a text names no card, in words for the person at the counter. None of them repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing but wrapping.
    #[error("没有收到内容，请再扫一次，或直接输入10位卡号。")]
    Empty,
    /// More than any card holds.
    #[error("内容太长，不是积分卡，请扫卡面上的二维码，或直接输入10位卡号。")]
    TooLong,
    /// A web address, but not of a card.
    #[error("这是一个网址，不是积分卡的二维码，请扫卡面上的二维码，或直接输入10位卡号。")]
    OtherAddress,
    /// Neither a number nor an address.
    #[error("没认出来，这不像积分卡，请扫卡面上的二维码，或直接输入10位卡号。")]
    NotACard,
    /// The number in it is not one.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The number is good, the rest is not.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Crockford's base-32 digits: no I, L, O (mistaken for 1 and 0) and no U.
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The five bits that the `place`-th character from the right stands for.
fn five_bits(bits: u64, place: usize) -> usize {
    let shift = 5 * u32::try_from(place).unwrap_or_default();
    usize::try_from((bits >> shift) & 31).unwrap_or_default()
}

/// The Crockford digit that a letter stands for, if it stands for one.
fn crockford(letter: char) -> Option<char> {
    match letter.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        upper if CROCKFORD.contains(upper) => Some(upper),
        _ => None,
    }
}

/// The quasigroup of order ten that makes the check digit.
///
/// It is totally anti-symmetric with zeros on the diagonal, so it catches every single wrong digit and every swap of
/// neighbours, which is what people make when they read aloud. H. M. Damm, *Total anti-symmetrische Quasigruppen*,
/// dissertation, Philipps-Universität Marburg, 2004.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The check digit of these digits; 0 if the last of them is their check digit already, nothing if one is no digit.
pub(crate) fn damm(digits: &str) -> Option<u8> {
    digits.chars().try_fold(0_u8, |interim, digit| {
        let column = usize::try_from(digit.to_digit(10)?).ok()?;
        DAMM.get(usize::from(interim))?.get(column).copied()
    })
}

/// Full-width and Chinese forms of what stands in a number or an address become ASCII; everything else stays.
///
/// A scanner is a keyboard to the computer, so its keys go through the input method: in Chinese punctuation `/` comes
/// out as `、` and `.` as `。`.
fn half_width(c: char) -> char {
    const FULL_TO_HALF: u32 = 0xFEE0;
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - FULL_TO_HALF).unwrap_or(c),
        '。' => '.',
        '、' => '/',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

/// What may stand between the groups of a number.
fn is_separator(c: char) -> bool {
    c == '-' || c.is_whitespace()
}

/// Takes off what a scanner puts around the text: control characters, an AIM identifier, an ECI echo.
fn without_wrapping(text: &str) -> &str {
    let is_edge = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{FEFF}');
    let mut bare = text.trim_matches(is_edge);
    while let Some(rest) = after_aim_identifier(bare).or_else(|| after_eci_echo(bare)) {
        bare = rest.trim_start_matches(is_edge);
    }
    bare
}

/// The text after an AIM symbology identifier (ISO/IEC 15424): `]`, a letter for the kind of code, a modifier.
fn after_aim_identifier(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(']')?;
    let rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic())?;
    rest.strip_prefix(|c: char| c.is_ascii_alphanumeric())
}

/// The text after the echo of an extended channel interpretation: a backslash and six digits.
fn after_eci_echo(text: &str) -> Option<&str> {
    let (digits, rest) = text.strip_prefix('\\')?.split_at_checked(6)?;
    digits.chars().all(|c| c.is_ascii_digit()).then_some(rest)
}

/// Number and secret from an address, whatever its host and case; a query that an app hung on it is dropped.
fn after_address_mark(text: &str) -> Option<&str> {
    let path = text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/');
    let mark = path.to_ascii_uppercase().rfind(ADDRESS_MARK)?;
    path.get(mark + ADDRESS_MARK.len()..)
}

/// The bytes behind hex digits, if there are only such, in pairs.
fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let nibbles: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
    let pairs = nibbles?;
    let pairs = pairs.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "4028173654";
    const SECRET: &str = "7K3M9QX2ABCD";
    const KEY: &[u8] = b"key of the test";

    /// Marsaglia's xorshift: the same bits in every run.
    struct Bits(u64);

    impl Bits {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }
    }

    fn number() -> CardNumber {
        CardNumber::parse(NUMBER).unwrap()
    }

    fn secret() -> CardSecret {
        CardSecret::parse(SECRET).unwrap()
    }

    #[test]
    fn a_number_is_read_in_the_forms_people_write() {
        for text in [
            "4028173654",
            " 402 817 365 4\r\n",
            "402-817-365-4",
            "４０２８１７３６５４",
            "402　817　365　4",
            "402–817－365‐4",
        ] {
            assert_eq!(
                CardNumber::parse(text).as_ref().map(CardNumber::as_str),
                Ok(NUMBER),
                "{text:?}"
            );
        }
        assert_eq!(number().grouped(), "402 817 3654");
        assert_eq!(number().to_string(), NUMBER);
    }

    #[test]
    fn each_mistake_in_a_number_has_its_own_sentence() {
        assert_eq!(CardNumber::parse("402817365"), Err(NumberError::WrongLength(9)));
        assert_eq!(CardNumber::parse("6901234567892"), Err(NumberError::WrongLength(13)));
        assert_eq!(CardNumber::parse(""), Err(NumberError::WrongLength(0)));
        assert_eq!(CardNumber::parse("402817365A"), Err(NumberError::NotDigits));
        assert_eq!(CardNumber::parse("٤٠٢٨١٧٣٦٥٤"), Err(NumberError::NotDigits));
        assert_eq!(CardNumber::parse("0028173654"), Err(NumberError::LeadingZero));
        assert_eq!(CardNumber::parse("4028173655"), Err(NumberError::CheckDigit));
        assert!(NumberError::WrongLength(9).to_string().starts_with("卡号应为10位数字"));
    }

    #[test]
    fn the_check_digit_is_the_one_in_the_literature() {
        assert_eq!(damm("572"), Some(4));
        assert_eq!(damm("5724"), Some(0));
        assert_eq!(damm("57a4"), None);
    }

    #[test]
    fn random_bits_make_good_numbers_spread_evenly() {
        let mut bits = Bits(1);
        let mut first_digits = [0_u32; 10];
        for _ in 0..90_000 {
            let number = CardNumber::from_random(bits.next());
            assert_eq!(CardNumber::parse(number.as_str()), Ok(number.clone()));
            let first = number.as_str().chars().next().and_then(|c| c.to_digit(10)).unwrap();
            first_digits[usize::try_from(first).unwrap()] += 1;
        }
        assert_eq!(first_digits[0], 0);
        assert!(
            first_digits[1..].iter().all(|count| (9_500..10_500).contains(count)),
            "{first_digits:?}"
        );
        assert!(CardNumber::from_random(0).as_str().starts_with("100000000"));
        let sample = CardNumber::sample();
        assert_eq!(CardNumber::parse("123 456 789 4"), Ok(sample.clone()));
        assert_ne!(
            CardNumber::from_random(23_456_789),
            sample,
            "no household gets the sample"
        );
        assert!(CardNumber::from_random(899_999_999).as_str().starts_with("999999999"));
    }

    #[test]
    fn every_wrong_digit_and_every_swap_of_neighbours_is_caught() {
        let mut bits = Bits(2);
        for _ in 0..5_000 {
            let number = CardNumber::from_random(bits.next());
            let digits: Vec<char> = number.as_str().chars().collect();
            for place in 0..NUMBER_DIGITS {
                for digit in ('0'..='9').filter(|digit| *digit != digits[place]) {
                    let mut wrong = digits.clone();
                    wrong[place] = digit;
                    assert!(CardNumber::parse(&String::from_iter(&wrong)).is_err(), "{wrong:?}");
                }
            }
            for place in 1..NUMBER_DIGITS {
                let mut swapped = digits.clone();
                swapped.swap(place - 1, place);
                let read = CardNumber::parse(&String::from_iter(&swapped));
                assert_eq!(read.is_ok(), swapped == digits, "{swapped:?}");
            }
        }
    }

    #[test]
    fn a_secret_is_read_as_crockford_meant_it() {
        for text in ["7k3m9qx2abcd", "7K3M-9QX2-ABCD", SECRET] {
            assert_eq!(CardSecret::parse(text).unwrap().reveal(), SECRET);
        }
        assert_eq!(CardSecret::parse("oOiIlL000000").unwrap().reveal(), "001111000000");
        assert_eq!(CardSecret::parse("7K3M9QX2ABC"), Err(SecretError::WrongLength));
        assert_eq!(CardSecret::parse("7K3M9QX2ABCDE"), Err(SecretError::WrongLength));
        assert_eq!(CardSecret::parse("7K3M9QX2ABCU"), Err(SecretError::NotALetterOfOurs));
        assert_eq!(CardSecret::parse("７K3M9QX2ABCD"), Err(SecretError::NotALetterOfOurs));
    }

    #[test]
    fn a_secret_holds_sixty_bits() {
        assert_eq!(CardSecret::from_bits(0).reveal(), "000000000000");
        assert_eq!(CardSecret::from_bits(u64::MAX).reveal(), "ZZZZZZZZZZZZ");
        assert_eq!(CardSecret::from_bits(1 << 59).reveal(), "G00000000000");
        assert_eq!(CardSecret::from_bits(33).reveal(), "000000000011");
        assert_eq!(CardSecret::from_bits(0xF << 60).reveal(), "000000000000");
    }

    #[test]
    fn a_digest_is_bound_to_key_number_and_secret() {
        let digest = secret().digest(KEY, &number());
        // Computed with Python's hmac module over b"card secret40281736547K3M9QX2ABCD".
        assert_eq!(
            digest,
            "8bc3d357d90dd6edb1d1963d6632a6ae74a3fff15b4fa276f6a3b22acbda6e54"
        );
        assert!(secret().matches(KEY, &number(), &digest));
        assert!(!secret().matches(b"another key", &number(), &digest));
        assert!(!secret().matches(KEY, &CardNumber::from_random(7), &digest));
        assert!(!CardSecret::from_bits(7).matches(KEY, &number(), &digest));
        for stored in ["", "0", "zz", "卡", &digest[1..], &digest[2..], &format!("{digest}00")] {
            assert!(!secret().matches(KEY, &number(), stored), "{stored:?}");
        }
    }

    #[test]
    fn no_secret_is_written_by_debug() {
        let written = format!("{:?} {:?}", secret(), CardToken::Full(number(), secret()));
        assert!(!written.contains(SECRET), "{written}");
        assert!(written.starts_with("CardSecret(…) "));
    }

    #[test]
    fn a_token_is_understood_as_scanners_and_keyboards_send_it() {
        for text in [
            "4028173654",
            "402 817 365 4",
            "４０２ ８１７ ３６５ ４",
            "]C04028173654\r\n",
            "\u{2}4028173654\u{3}",
            "HTTPS://POINTS.EXAMPLE.CN/K/4028173654",
        ] {
            assert_eq!(CardToken::parse(text), Ok(CardToken::Number(number())), "{text:?}");
        }
        for text in [
            "4028173654-7K3M9QX2ABCD",
            "4028173654-7k3m-9qx2-abcd ",
            "402 817 365 4 7K3M9QX2ABCD",
            "HTTPS://POINTS.EXAMPLE.CN/K/4028173654-7K3M9QX2ABCD",
            "https://points.example.cn/k/4028173654-7k3m9qx2abcd\r",
            "http://127.0.0.1:8080/K/4028173654-7K3M9QX2ABCD/",
            "HTTPS://A.CN/P/GANZHOU/K/4028173654-7K3M9QX2ABCD?from=scan#top",
            "]Q1HTTPS://A.CN/K/4028173654-7K3M9QX2ABCD",
            "]Q2\\000026HTTPS://A.CN/K/4028173654-7K3M9QX2ABCD\t",
            "\u{2}]Q1\u{1d}\\000026HTTPS://A.CN/K/4028173654-7K3M9QX2ABCD\u{3}\r\n",
            "\u{feff}ＨＴＴＰＳ：／／Ａ．ＣＮ／Ｋ／４０２８１７３６５４－７Ｋ３Ｍ９ＱＸ２ＡＢＣＤ",
            "HTTPS：、、A。CN、K、4028173654-7K3M9QX2ABCD",
            "A.CN/K/4028173654-7K3M9QX2ABCD",
        ] {
            assert_eq!(
                CardToken::parse(text),
                Ok(CardToken::Full(number(), secret())),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_secret_of_digits_only_is_still_a_secret() {
        let secret = CardSecret::from_bits(0);
        let token = CardToken::parse("4028173654-000000000000");
        assert_eq!(token, Ok(CardToken::Full(number(), secret)));
    }

    #[test]
    fn what_is_no_card_is_refused_with_the_reason() {
        let refused = |text: &str| CardToken::parse(text).unwrap_err();
        for text in ["", " \r\n", "\u{2}\u{3}", "]Q1", "]Q1\\000026"] {
            assert_eq!(refused(text), TokenError::Empty, "{text:?}");
        }
        assert_eq!(
            refused("https://example.cn/pay?id=4028173654"),
            TokenError::OtherAddress
        );
        assert_eq!(refused("weixin://4028173654"), TokenError::OtherAddress);
        assert_eq!(refused("https://a.cn/K/"), TokenError::OtherAddress);
        for text in [
            "王小明",
            "N卡",
            "]",
            "\\00002",
            "WIFI:S:x;;",
            "/K/",
            "\u{202e}4028173654",
            "-",
        ] {
            let error = refused(text);
            assert!(
                matches!(error, TokenError::NotACard | TokenError::Number(_)),
                "{text:?} {error:?}"
            );
        }
        assert_eq!(refused("40281736S4"), NumberError::NotDigits.into());
        assert_eq!(refused("6901234567892"), NumberError::WrongLength(13).into());
        assert_eq!(refused("4028173655-7K3M9QX2ABCD"), NumberError::CheckDigit.into());
        assert_eq!(refused("4028173654-7K3M9QX2ABC"), SecretError::WrongLength.into());
        assert_eq!(
            refused("HTTPS://A.CN/K/4028173654-7K3M"),
            SecretError::WrongLength.into()
        );
        assert_eq!(
            refused("4028173654-7K3M9QX2ABC卡"),
            SecretError::NotALetterOfOurs.into()
        );
        assert_eq!(refused("4028173654\r\n4028173654"), NumberError::WrongLength(20).into());
    }

    #[test]
    fn hostile_texts_are_refused_without_a_panic() {
        assert_eq!(CardToken::parse(&"4".repeat(513)), Err(TokenError::TooLong));
        assert_eq!(CardToken::parse(&"卡".repeat(1 << 20)), Err(TokenError::TooLong));
        assert!(CardToken::parse(&format!("{}4028173654", " ".repeat(502))).is_ok());
        let alphabet: Vec<char> = "0123456789-/K:?#]Q1\\ \u{2}\u{0}\u{feff}卡４Ｋ。、\u{10ffff}"
            .chars()
            .collect();
        let mut bits = Bits(3);
        for _ in 0..50_000 {
            let length = bits.next() % 40;
            let letter = |_| alphabet[usize::try_from(bits.next() % 40).unwrap() % alphabet.len()];
            let text: String = (0..length).map(letter).collect();
            let _ = CardToken::parse(&text);
            let _ = CardNumber::parse(&text);
            let _ = CardSecret::parse(&text);
            let _ = secret().matches(KEY, &number(), &text);
        }
    }

    #[test]
    fn an_address_is_upper_case_and_reads_back() {
        let address = CardToken::address("https://points.example.cn/", &number(), &secret());
        assert_eq!(address, "HTTPS://POINTS.EXAMPLE.CN/K/4028173654-7K3M9QX2ABCD");
        let local = CardToken::address("http://127.0.0.1:8080", &number(), &secret());
        assert_eq!(local, "HTTP://127.0.0.1:8080/K/4028173654-7K3M9QX2ABCD");
        for address in [address, local] {
            let token = CardToken::parse(&address).unwrap();
            assert_eq!((token.number(), token.secret()), (&number(), Some(&secret())));
        }
    }
}
