//! Words as they are meant: one form for whatever way a text was typed, so that patterns see through disguises.
//!
//! Full-width letters, compatibility characters, traditional characters, spaces, dashes and other signs strewn between
//! characters make no difference. What is left between clauses is one comma. Nothing here knows what is forbidden.

use std::collections::HashMap;
use std::sync::LazyLock;

use pinyin::ToPinyin as _;
use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

/// Traditional characters and their simplified forms, for the words that rules are made of.
const TRADITIONAL: &str = "訪访舉举報报訴诉檢检發发狀状綱纲網网絡络線线熱热電电話话撥拨問问題题級级進进縣县鄉乡鎮镇國国領领導导記记\
    評评論论議议點点讚赞贊赞轉转貼帖視视頻频選选舉举決决對对錯错標标滿满隊队巡巡動动遷迁徵征騰腾搬搬簽签協协約约補补償偿\
    舊旧屋屋還还債债貸贷錢钱賬账帳账窮穷貧贫難难殘残聾聋啞哑癱瘫癌癌癲癫藥药醫医療疗險险繳缴納纳費费養养婚婚離离結结\
    孫孙兒儿産产產产雙双懷怀燒烧廟庙墳坟殯殡喪丧禮礼靈灵佛佛親亲學学試试績绩績绩優优獎奖狀状錄录讀读勝胜訟讼權权\
    維维護护仲仲裁裁賠赔償偿違违罰罚處处監监獄狱盜盗竊窃賭赌毒毒販贩騙骗獲获鬥斗毆殴從从眾众個个們们這这裡里裏里\
    為为給给與与無无沒没來来說说講讲請请讓让誰谁幫帮鄰邻裝装參参會会員员歲岁現现場场實实際际據据視视爾尔當当與与\
    應应該该領领圍围衛卫潔洁樓楼圾圾類类務务愛爱孝孝敬敬掃扫業业勞劳貢贡獻献傳传統统組组織织長长條条項项規规範范認认\
    證证書书確确覺觉聽听從从導导幹干與与開开關关門门間间東东車车馬马體体頭头臉脸驗验陽阳陰阴節节約约";

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let letters: Vec<char> = TRADITIONAL.chars().filter(|letter| !letter.is_whitespace()).collect();
    let pairs = letters.chunks_exact(2);
    pairs
        .filter_map(|pair| match pair {
            [from, to] => Some((*from, *to)),
            _ => None,
        })
        .collect()
});

/// The characters of writing; U+2E80 and above, without the signs among them.
fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// One form of a text: letters and figures, one comma between clauses, one full stop between sentences.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.nfkc().flat_map(char::to_lowercase) {
        let letter = SIMPLIFIED.get(&letter).copied().unwrap_or(letter);
        match letter {
            '。' | ';' | '；' | '!' | '！' | '?' | '？' | '\n' => push_sign(&mut out, '。'),
            ',' | '，' | '、' | ':' | '：' | '(' | ')' | '（' | '）' | '【' | '】' | '[' | ']' | '《' | '》' =>
            {
                push_sign(&mut out, '，');
            }
            letter if is_han(letter) || letter.is_ascii_alphanumeric() || letter == '+' || letter == '%' => {
                out.push(letter)
            }
            // Everything else is strewn in between: spaces, dashes, dots, quotation marks, invisible signs, pictures.
            _ => {}
        }
    }
    out
}

fn push_sign(out: &mut String, sign: char) {
    if out.ends_with(['，', '。']) {
        if sign == '。' {
            out.pop();
            out.push(sign);
        }
    } else if !out.is_empty() {
        out.push(sign);
    }
}

/// A text without any signs, for words that were cut in two.
#[must_use]
pub(super) fn tight(text: &str) -> String {
    text.chars().filter(|letter| !matches!(letter, '，' | '。')).collect()
}

/// Words that are written with other characters of the same sound, or in Latin letters: sounds and the word meant.
const SOUNDS: [(&[&str], &str, &str); 8] = [
    (&["shàng", "fǎng"], "shangfang", "上访"),
    (&["xìn", "fǎng"], "xinfang", "信访"),
    (&["jǔ", "bào"], "jubao", "举报"),
    (&["tóu", "sù"], "tousu", "投诉"),
    (&["chāi", "qiān"], "chaiqian", "拆迁"),
    (&["zhēng", "dì"], "zhengdi", "征地"),
    (&["dī", "bǎo"], "dibao", "低保"),
    (&["jìn", "jīng"], "jinjing", "进京"),
];

/// The words that a text says by sound, however it writes them.
#[must_use]
pub(super) fn by_sound(plain: &str) -> Vec<&'static str> {
    let letters: Vec<char> = plain.chars().collect();
    let sound = |letter: &char| letter.to_pinyin().map(|sound| sound.with_tone());
    let mut found = Vec::new();
    for (sounds, latin, word) in SOUNDS {
        // The word itself is for the patterns, which know its innocent neighbours.
        let spoken = letters.windows(sounds.len()).any(|letters| {
            let written: String = letters.iter().collect();
            // 报 alone is half a dozen words; only what makes no other word counts.
            written != word
                && !HOMOPHONES.contains(&written.as_str())
                && letters
                    .iter()
                    .zip(sounds)
                    .all(|(letter, wanted)| sound(letter) == Some(*wanted))
        });
        if spoken || mixed(plain, latin, word) {
            found.push(word);
        }
    }
    found
}

/// Real words that sound the same.
const HOMOPHONES: [&str; 10] = [
    "抵保", "尽京", "近京", "晋京", "浸京", "进京", "争地", "蒸地", "征帝", "滴宝",
];

/// Latin letters for the whole word or for one of its characters: `shangfang`, `上fang`, `xin访`.
fn mixed(plain: &str, latin: &str, word: &str) -> bool {
    if plain.contains(latin) {
        return true;
    }
    let mut letters = word.chars();
    let (Some(first), Some(second)) = (letters.next(), letters.next()) else {
        return false;
    };
    let latin_of = |letter: char| letter.to_pinyin().map(|sound| sound.plain()).unwrap_or_default();
    plain.contains(&format!("{first}{}", latin_of(second))) || plain.contains(&format!("{}{second}", latin_of(first)))
}

/// Replaces what the pattern finds by a sign that no pattern matches.
#[must_use]
pub(super) fn without(text: &str, innocent: &[Regex]) -> String {
    let mut left = text.to_owned();
    for pattern in innocent {
        if pattern.is_match(&left) {
            left = pattern.replace_all(&left, "○").into_owned();
        }
    }
    left
}

/// Like [`without`], but a find that also holds a word of `guilty` stays.
#[must_use]
pub(super) fn without_unless(text: &str, innocent: &[Regex], guilty: &Regex) -> String {
    let mut left = text.to_owned();
    for pattern in innocent {
        left = pattern
            .replace_all(&left, |found: &regex::Captures<'_>| {
                let words = found.get(0).map_or("", |found| found.as_str());
                match guilty.is_match(words) {
                    true => words.to_owned(),
                    false => "○".to_owned(),
                }
            })
            .into_owned();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fall_off() {
        assert_eq!(plain("全年不上－訪（含　信·訪）！"), "全年不上访，含信访。");
        assert_eq!(tight(&plain("上、访")), "上访");
        assert_eq!(plain("１２３４５"), "12345");
        assert_eq!(by_sound(&plain("全年没有上fang")), ["上访"]);
        assert_eq!(by_sound(&plain("不去尚仿")), ["上访"]);
        assert!(by_sound(&plain("门牌挂在上方，房前屋后")).is_empty());
    }

    #[test]
    fn every_pair_of_characters_is_one() {
        let letters = TRADITIONAL.chars().filter(|letter| !letter.is_whitespace()).count();
        assert_eq!(letters % 2, 0);
        for (from, to) in ["訪访", "遷迁", "績绩", "節节"].map(|pair| {
            let letters: Vec<char> = pair.chars().collect();
            (letters.first().copied(), letters.last().copied())
        }) {
            assert_eq!(from.and_then(|from| SIMPLIFIED.get(&from).copied()), to);
        }
    }
}
