//! Rust as the rules read it: code apart from what is in quotes, the paths in it, and the room of a file.

/// A file's code without comments and without what is in quotes; and what is in quotes, each with its line.
pub(super) struct Read {
    pub(super) code: String,
    pub(super) quoted: Vec<(usize, String)>,
}

pub(super) fn read(text: &str) -> Read {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let (mut code, mut quoted, mut place, mut line) = (String::new(), Vec::new(), 0, 1);
    while place < letters.len() {
        let begin = place;
        let hashes = (place + 1..).take_while(|next| at(*next) == '#').count();
        let in_a_word = place > 0 && (at(place - 1).is_alphanumeric() || at(place - 1) == '_');
        match at(place) {
            '/' if at(place + 1) == '/' => {
                while place < letters.len() && at(place) != '\n' {
                    place += 1;
                }
            }
            'r' if !in_a_word && at(place + 1 + hashes) == '"' => {
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                place += hashes + 2;
                let inside = place;
                while place < letters.len() && !letters[place..].starts_with(&end) {
                    place += 1;
                }
                quoted.push((line, letters[inside..place].iter().collect()));
                place += end.len();
            }
            '"' => {
                place += 1;
                let inside = place;
                while place < letters.len() && at(place) != '"' {
                    place += if at(place) == '\\' { 2 } else { 1 };
                }
                quoted.push((line, letters[inside..place.min(letters.len())].iter().collect()));
                place += 1;
            }
            // A letter in quotes; anything else that begins so is a lifetime.
            '\'' if at(place + 1) == '\\' => {
                place += 3;
                while at(place) != '\'' {
                    place += 1;
                }
                place += 1;
            }
            '\'' if at(place + 2) == '\'' => place += 3,
            letter => {
                code.push(letter);
                place += 1;
            }
        }
        line += letters[begin..place.min(letters.len())]
            .iter()
            .filter(|letter| **letter == '\n')
            .count();
        if place > begin + 1 {
            code.push(' ');
        }
    }
    Read { code, quoted }
}

/// Does the code name this, as a whole word?
pub(super) fn names(code: &str, name: &str) -> bool {
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    code.match_indices(name)
        .any(|(at, _)| !is_word(code[..at].chars().next_back()) && !is_word(code[at + name.len()..].chars().next()))
}

/// Every path that starts in one of our own modules, whole: `crate::db::{Conn, schema::cards}` is two.
pub(super) fn own_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "jishan::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                grow(&mut code[at + start.len()..].chars().peekable(), "", &mut paths);
            }
        }
    }
    paths
}

/// Reads a use tree and adds its leaves.
fn grow(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, stem: &str, paths: &mut Vec<String>) {
    let mut path = stem.to_owned();
    while let Some(letter) = letters.peek().copied() {
        match letter {
            '{' => {
                letters.next();
                loop {
                    while letters
                        .next_if(|letter| letter.is_whitespace() || *letter == ',')
                        .is_some()
                    {}
                    if letters.next_if_eq(&'}').is_some() || letters.peek().is_none() {
                        return;
                    }
                    let before = paths.len();
                    grow(letters, &path, paths);
                    if paths.len() == before {
                        return;
                    }
                    // An `as` and what follows it.
                    while letters.next_if(|letter| *letter != ',' && *letter != '}').is_some() {}
                }
            }
            ':' => {
                letters.next();
                if letters.next_if_eq(&':').is_none() {
                    break;
                }
                path.push_str("::");
            }
            letter if letter.is_alphanumeric() || letter == '_' || letter == '*' => {
                path.push(letter);
                letters.next();
            }
            _ => break,
        }
    }
    if path != stem {
        paths.push(path);
    }
}

/// `shop` of `src/shop/web/basket.rs`, `db` of `src/db.rs`.
pub(super) fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}
