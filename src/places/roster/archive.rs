//! The archive around a workbook, looked at before anything is unpacked.
//!
//! A small file can unpack to gigabytes, or claim so many strings that making room for them ends the program. It reads
//! the directory and the opening of the shared strings; it does not unpack the rest, which the workbook reader does.

use super::RosterError;

const MOST_PARTS: usize = 5_000;
const MOST_UNPACKED: u64 = 200 * 1024 * 1024;
/// Parts that the workbook reader keeps in memory, where five bytes of file can become hundreds in memory.
const MOST_STYLES: u64 = 8 * 1024 * 1024;
const MOST_STRINGS: u64 = 64 * 1024 * 1024;

/// Refuses an archive that would unpack too large, before anything is unpacked.
///
/// The zip reader never gives more of a part than its directory declares, so the declared sizes bound what is read. That
/// holds only if it sees the same directory as we do; hence one plain layout is accepted, the one that every spreadsheet
/// program writes: parts, directory, perhaps its 64-bit end, end, nothing behind.
pub(super) fn check_archive(bytes: &[u8]) -> Result<(), RosterError> {
    let parts = directory(bytes).ok_or(RosterError::Damaged)?;
    let total = parts
        .iter()
        .try_fold(0u64, |total, part| total.checked_add(part.unpacked));
    let fits = |part: &Part| match &part.name {
        name if name.ends_with("styles.xml") => part.unpacked <= MOST_STYLES,
        name if name.ends_with("sharedstrings.xml") => part.unpacked <= MOST_STRINGS,
        _ => true,
    };
    let is_workbook = |part: &Part| part.name.contains("workbook") && part.name.ends_with(".xml");
    if !parts.iter().any(is_workbook) {
        return Err(RosterError::NotATable("压缩包或别的文档"));
    }
    if total.is_none_or(|total| total > MOST_UNPACKED) || !parts.iter().all(fits) {
        return Err(RosterError::UnpacksTooLarge);
    }
    let mut strings = parts.iter().filter(|part| part.name.ends_with("sharedstrings.xml"));
    let honest = strings.all(|part| honest_count(bytes, part).is_some());
    honest.then_some(()).ok_or(RosterError::Damaged)
}

/// One part of the archive, as the directory declares it.
pub(super) struct Part {
    /// In small letters, since the workbook reader looks parts up that way.
    pub(super) name: String,
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    pub(super) deflated: bool,
    pub(super) starts: u64,
}

/// The parts that the central directory names, or nothing when it is not laid out plainly.
pub(super) fn directory(bytes: &[u8]) -> Option<Vec<Part>> {
    let end = bytes.len().checked_sub(22)?;
    let count = number(bytes, end + 10, 2)?;
    let (size, start) = (number(bytes, end + 12, 4)?, number(bytes, end + 16, 4)?);
    let closes = whole_of(start.checked_add(size)?)?;
    let long_end = || {
        let record = number(bytes, closes, 4)? == 0x0606_4B50 && number(bytes, closes + 56, 4)? == 0x0706_4B50;
        let same = number(bytes, closes + 32, 8)? == count && number(bytes, closes + 40, 8)? == size;
        let placed = number(bytes, closes + 48, 8)? == start && number(bytes, closes + 64, 8)? == start + size;
        (record && same && placed && closes + 76 == end).then_some(())
    };
    let end_is_plain = number(bytes, end, 8)? == 0x0605_4B50 && number(bytes, end + 20, 2)? == 0;
    if !end_is_plain || number(bytes, end + 8, 2)? != count || whole_of(count)? > MOST_PARTS {
        return None;
    }
    if closes == end {
        // A 64-bit locator hidden in the last comment would send the zip reader to another directory.
        let hidden = end.checked_sub(20).and_then(|at| number(bytes, at, 4)) == Some(0x0706_4B50);
        (!hidden).then_some(())?;
    } else {
        long_end()?;
    }
    let mut at = whole_of(start).filter(|at| *at < bytes.len())?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let (part, next) = entry(bytes, at)?;
        parts.push(part);
        at = next;
    }
    (at == closes).then_some(parts)
}

/// One entry of the directory, and where the next one starts.
pub(super) fn entry(bytes: &[u8], at: usize) -> Option<(Part, usize)> {
    const SEE_EXTRA: u64 = 0xFFFF_FFFF;
    let length = |from: usize| whole_of(number(bytes, at + from, 2)?);
    let (name_starts, extra_starts) = (at + 46, at + 46 + length(28)?);
    let extra_ends = extra_starts + length(30)?;
    let next = extra_ends + length(32)?;
    let name = String::from_utf8_lossy(bytes.get(name_starts..extra_starts)?).to_ascii_lowercase();
    // In the order in which the 64-bit extra gives those that do not fit here.
    let declared = [24, 20, 42].map(|from| number(bytes, at + from, 4));
    let [Some(unpacked), Some(packed), Some(starts)] = declared else {
        return None;
    };
    let mut sizes = [unpacked, packed, starts];
    let mut extra = extra_starts;
    while extra < extra_ends {
        let kind = number(bytes, extra, 2)?;
        let mut value = extra + 4;
        extra = value + whole_of(number(bytes, extra + 2, 2)?)?;
        match kind {
            // A second name for the part: the zip reader would know it under that one.
            0x7075 => return None,
            1 => {
                for size in sizes.iter_mut().filter(|size| **size == SEE_EXTRA) {
                    *size = number(bytes, value, 8).filter(|_| value + 8 <= extra)?;
                    value += 8;
                }
            }
            _ => {}
        }
    }
    let is_entry = number(bytes, at, 4)? == 0x0201_4B50;
    let whole = extra == extra_ends && !sizes.contains(&SEE_EXTRA);
    let deflated = number(bytes, at + 10, 2)? == 8;
    let [unpacked, packed, starts] = sizes;
    let part = Part {
        name,
        unpacked,
        packed,
        deflated,
        starts,
    };
    (is_entry && whole).then_some((part, next))
}

/// A little-endian number of that many bytes.
pub(super) fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let own = bytes.get(at..at.checked_add(length)?)?;
    Some(own.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn whole_of(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Whether the shared strings say truthfully, or at least modestly, how many they are.
///
/// The workbook reader makes room for as many as they claim before it reads one, and a claim of 10¹² would end the whole
/// program for want of memory, which no caller can catch. So the opening tag is read here first.
pub(super) fn honest_count(bytes: &[u8], part: &Part) -> Option<()> {
    const ENOUGH: usize = 4096;
    let local = whole_of(part.starts).filter(|at| *at < bytes.len())?;
    let before = 30 + number(bytes, local + 26, 2)? + number(bytes, local + 28, 2)?;
    let from = local.checked_add(whole_of(before)?)?;
    let packed = bytes.get(from..from.checked_add(whole_of(part.packed)?)?)?;
    let opening = match part.deflated {
        true => inflated(packed, ENOUGH)?,
        false => packed.iter().copied().take(ENOUGH).collect(),
    };
    let opening = opening.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&opening);
    let opening = String::from_utf8_lossy(opening);
    let root = match opening.trim_start().strip_prefix("<?xml") {
        Some(declared) => declared.split_once("?>")?.1,
        None => &opening,
    };
    let (tag, _) = root.trim_start().strip_prefix('<')?.split_once('>')?;
    let name = tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next()?;
    let is_root = name == "sst" || name.ends_with(":sst");
    let plain = tag.chars().all(|c| matches!(c, ' '..='~' | '\n' | '\r' | '\t'));
    let digits = |claim: &str| {
        let start = claim.trim_start_matches(|c: char| !c.is_ascii_digit());
        start.chars().take_while(char::is_ascii_digit).count()
    };
    let modest = tag.split("uniqueCount").skip(1).all(|claim| digits(claim) <= 7);
    (is_root && plain && modest).then_some(())
}

/// The first bytes of a deflated part (RFC 1951), as many as are enough.
pub(super) fn inflated(packed: &[u8], enough: usize) -> Option<Vec<u8>> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let mut bits = Bits {
        bytes: packed.iter(),
        held: 0,
        count: 0,
    };
    let mut out = Vec::new();
    let mut last = false;
    while !last && out.len() < enough {
        last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                (bits.held, bits.count) = (0, 0);
                let length = bits.take(16)?;
                bits.take(16)?;
                out.extend(bits.bytes.by_ref().take(length));
            }
            1 => {
                let lengths: Vec<usize> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .into_iter()
                    .flat_map(|(count, length)| std::iter::repeat_n(length, count))
                    .collect();
                block(
                    &mut bits,
                    &Codes::new(&lengths),
                    &Codes::new(&[5; 30]),
                    &mut out,
                    enough,
                )?;
            }
            2 => {
                let (literals, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
                let mut own = [0; 19];
                for place in ORDER.into_iter().take(bits.take(4)? + 4) {
                    *own.get_mut(place)? = bits.take(3)?;
                }
                let codes = Codes::new(&own);
                let mut lengths: Vec<usize> = Vec::new();
                while lengths.len() < literals + distances {
                    let (length, times) = match codes.next(&mut bits)? {
                        16 => (*lengths.last()?, bits.take(2)? + 3),
                        17 => (0, bits.take(3)? + 3),
                        18 => (0, bits.take(7)? + 11),
                        length => (length, 1),
                    };
                    lengths.extend(std::iter::repeat_n(length, times));
                }
                let (literal, distance) = lengths.split_at_checked(literals)?;
                block(&mut bits, &Codes::new(literal), &Codes::new(distance), &mut out, enough)?;
            }
            _ => return None,
        }
    }
    Some(out)
}

fn block(bits: &mut Bits<'_>, literals: &Codes, distances: &Codes, out: &mut Vec<u8>, enough: usize) -> Option<()> {
    while out.len() < enough {
        let symbol = literals.next(bits)?;
        let length = match symbol {
            0..=255 => {
                out.push(u8::try_from(symbol).ok()?);
                continue;
            }
            256 => break,
            257..=264 => symbol - 254,
            265..=284 => stretched(symbol - 257, 4, bits)? + 3,
            285 => 258,
            _ => return None,
        };
        let distance = match distances.next(bits)? {
            near @ 0..=3 => near + 1,
            far @ 4..=29 => stretched(far, 2, bits)? + 1,
            _ => return None,
        };
        let from = out.len().checked_sub(distance)?;
        for at in from..from + length {
            out.push(*out.get(at)?);
        }
    }
    Some(())
}

/// Lengths and distances grow by powers of two, `steps` symbols to each power, with the rest in extra bits.
fn stretched(symbol: usize, steps: usize, bits: &mut Bits<'_>) -> Option<usize> {
    let extra = u32::try_from(symbol / steps - 1).ok()?;
    Some(((steps + symbol % steps) << extra) + bits.take(extra)?)
}

/// The bits of a deflated part, lowest first.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    held: usize,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Option<usize> {
        while self.count < wanted {
            self.held |= usize::from(*self.bytes.next()?) << self.count;
            self.count += 8;
        }
        let value = self.held & ((1 << wanted) - 1);
        self.held >>= wanted;
        self.count -= wanted;
        Some(value)
    }
}

/// A canonical Huffman code: how many codes of each length, and their symbols in order.
struct Codes {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Codes {
    fn new(lengths: &[usize]) -> Codes {
        let used = lengths.iter().copied().zip(0..).filter(|(length, _)| *length > 0);
        let mut used: Vec<(usize, usize)> = used.collect();
        used.sort_unstable();
        let mut counts = [0; 16];
        for (length, _) in &used {
            if let Some(count) = counts.get_mut(*length) {
                *count += 1;
            }
        }
        Codes {
            counts,
            symbols: used.into_iter().map(|(_, symbol)| symbol).collect(),
        }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get((index + code).checked_sub(first)?).copied();
            }
            (index, first, code) = (index + count, (first + count) << 1, code << 1);
        }
        None
    }
}
