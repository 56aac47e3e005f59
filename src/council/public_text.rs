//! Public text: reads what is to be shown to everybody, and names what may not be there.
//!
//! Identity numbers, telephone numbers, full names, children, health, poverty, and what the law protects besides (SG8–SG10).
//! It is strict: a sentence about a good deed can always be written without them. It reads what people see: full-width and
//! Chinese digits, digits in circles, letters that look like digits, and digits with marks between them are digits too; a
//! date and a list of buildings are not a number. `tests/public_text` has the sentences that it is held against.

mod names;
mod numbers;
mod words;

use names::full_name;
use numbers::{has_address, has_identifier, has_young_age, numbers, telling};
use words::KINDS;

/// What in the text may not be shown to everybody; `head_name` is the household's, which a notice masks.
#[must_use]
pub fn findings(text: &str, head_name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let plain: String = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
    for kind in KINDS {
        let mut left = plain.clone();
        for word in kind.harmless {
            left = left.replace(word, "　");
        }
        if let Some(word) = kind.words.iter().find(|word| left.contains(**word)) {
            found.push(format!("{}（{word}）", kind.tells));
        }
    }
    if head_name.chars().count() > 1 && plain.contains(head_name) {
        found.push("写了户主全名".to_owned());
    } else if let Some(name) = full_name(text) {
        found.push(format!("像是写了全名（{name}），请写“邻居”“老人”"));
    }
    let letters: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    found.extend(
        numbers(text)
            .iter()
            .filter_map(|groups| telling(groups))
            .next()
            .map(str::to_owned),
    );
    if has_identifier(text) {
        found.push("像是账号、车牌或编号".to_owned());
    }
    if has_address(&letters) {
        found.push("写了详细地址".to_owned());
    }
    if has_young_age(&plain) {
        found.push("写了未成年人的年龄".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_business_is_found() {
        let bad = [
            "帮助身份证51302219900101123X的老人",
            "联系138 0013 8000领取",
            "电 话一三八〇〇一三八〇〇〇",
            "１３８００１３８０００",
            "照看邻居家孩子三天",
            "送高血压老人去看病",
            "给低保户挑水",
            "帮助离异妇女搬家",
            "劝阻刑满释放人员",
            "接送九岁女童",
            "陪十二岁的小明写字",
            "王建国主动清扫楼道",
            "住3单元的老人",
        ];
        for text in bad {
            assert!(!findings(text, "王建国").is_empty(), "{text}");
        }
    }

    #[test]
    fn good_deeds_can_be_told() {
        let good = [
            "主动清扫楼道三次，带动邻居一起打扫",
            "为独居老人送饭一周",
            "捡到钱包交还失主",
            "参加11月25日集中整治，清理单车20辆",
            "婚事简办，把省下的钱捐给村图书室",
            "照顾八十二岁老人",
            "及时报修路灯，方便了整栋楼",
        ];
        for text in good {
            assert_eq!(findings(text, "王建国"), Vec::<String>::new(), "{text}");
        }
    }
}
