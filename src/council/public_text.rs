//! Public text: reads what is to be shown to everybody, and names what may not be there.
//!
//! Identity numbers, telephone numbers, full names, children, health, poverty, and what the law protects besides (SG8–SG10).
//! It is strict: a sentence about a good deed can always be written without them. It reads what people see, so full-width
//! digits, Chinese digits and digits with spaces or strokes between them are digits too.

/// Words that tell something that is nobody's business, with what they tell.
const WORDS: &[(&str, &[&str])] = &[
    (
        "提到了未成年人",
        &[
            "孩子",
            "小孩",
            "儿童",
            "婴儿",
            "幼儿",
            "宝宝",
            "娃",
            "儿子",
            "女儿",
            "孙子",
            "孙女",
            "外孙",
            "学生",
            "小学",
            "初中",
            "中学",
            "高中",
            "年级",
            "班主任",
            "家长会",
            "未成年",
            "少年",
            "留守儿",
            "孤儿",
            "托管班",
            "辅导作业",
        ],
    ),
    (
        "提到了健康状况",
        &[
            "病",
            "癌",
            "瘤",
            "残",
            "瘫",
            "聋",
            "哑",
            "盲",
            "瘸",
            "住院",
            "手术",
            "化疗",
            "透析",
            "中风",
            "卧床",
            "精神",
            "抑郁",
            "痴呆",
            "失能",
            "智障",
            "感染",
            "艾滋",
            "孕",
            "流产",
            "高血压",
            "血糖",
            "康复",
            "轮椅",
            "吃药",
            "医院",
            "身体不好",
            "行动不便",
            "生活不能自理",
        ],
    ),
    (
        "提到了困难或待遇",
        &[
            "低保",
            "特困",
            "贫困",
            "五保",
            "建档立卡",
            "困难户",
            "困难家庭",
            "家庭困难",
            "生活困难",
            "穷",
            "救助",
            "补贴",
            "欠债",
            "欠款",
            "负债",
            "贷款",
            "失业",
            "脱贫",
            "扶贫",
            "社保",
            "医保",
            "残联",
            "低收入",
            "监测户",
            "边缘户",
        ],
    ),
    (
        "提到了婚姻家庭隐私",
        &[
            "离婚", "离异", "丧偶", "寡", "单身", "光棍", "再婚", "家暴", "外遇", "超生", "二胎", "三胎", "私生",
        ],
    ),
    (
        "提到了违法或矫正",
        &[
            "吸毒",
            "戒毒",
            "刑满",
            "坐牢",
            "服刑",
            "矫正",
            "拘留",
            "判刑",
            "案底",
            "赌博",
            "酗酒",
            "诈骗犯",
            "前科",
        ],
    ),
    ("提到了信仰或上访", &["信教", "教徒", "宗教", "上访", "信访", "告状"]),
    (
        "写了详细地址或账号",
        &[
            "银行卡",
            "卡号",
            "账号",
            "身份证",
            "户口本",
            "手机号",
            "电话",
            "微信号",
            "门牌",
            "单元",
        ],
    ),
];

/// What in the text may not be shown to everybody; `head_name` is the household's, which a notice masks.
#[must_use]
pub fn findings(text: &str, head_name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    for (what, words) in WORDS {
        if let Some(word) = words.iter().find(|word| plain.contains(**word)) {
            found.push(format!("{what}（{word}）"));
        }
    }
    if head_name.chars().count() > 1 && plain.contains(head_name) {
        found.push("写了户主全名".to_owned());
    }
    let longest = digit_runs(text).into_iter().map(|run| run.len()).max().unwrap_or(0);
    match longest {
        15.. => found.push("像是证件号或银行卡号".to_owned()),
        7..=14 => found.push("像是电话号码或其他编号".to_owned()),
        _ => {}
    }
    if has_young_age(&plain) {
        found.push("写了未成年人的年龄".to_owned());
    }
    found
}

/// Digits that follow each other, whatever way they are written; marks between them do not part them.
fn digit_runs(text: &str) -> Vec<String> {
    let mut runs = vec![String::new()];
    for letter in text.chars() {
        match (digit(letter), letter) {
            (Some(digit), _) => {
                if let Some(run) = runs.last_mut() {
                    run.push(digit);
                }
            }
            // The last place of an identity number may be an X.
            (None, 'X' | 'x' | 'Ｘ' | 'ｘ') if runs.last().is_some_and(|run| run.len() == 17) => {
                if let Some(run) = runs.last_mut() {
                    run.push('X');
                }
            }
            (None, ' ' | '\u{3000}' | '-' | '－' | '—' | '·' | '.' | '、' | '*' | '_' | '/') => {}
            (None, _) => runs.push(String::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn digit(letter: char) -> Option<char> {
    let value = match letter {
        '0'..='9' => return Some(letter),
        '０'..='９' => u32::from(letter).checked_sub(u32::from('０'))?,
        '〇' | '零' | '○' => 0,
        '一' | '壹' | '幺' => 1,
        '二' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// An age below eighteen: `9岁`, `十二岁`; not `八十二岁`.
fn has_young_age(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let places = letters.iter().enumerate().filter(|(_, letter)| **letter == '岁');
    places.into_iter().any(|(at, _)| {
        let before: Vec<char> = letters.iter().take(at).rev().copied().collect();
        let number: Vec<char> = before
            .into_iter()
            .take_while(|letter| digit(*letter).is_some() || *letter == '十' || *letter == '百')
            .collect();
        let value = |letter: Option<&char>| letter.and_then(|letter| digit(*letter)?.to_digit(10));
        match number.iter().position(|letter| *letter == '十') {
            _ if number.is_empty() || number.contains(&'百') => false,
            // Tens stand before the sign, ones after it; here the number is read backwards.
            Some(ten) => {
                let tens = value(number.get(ten.saturating_add(1))).unwrap_or(1);
                let ones = if ten == 0 {
                    0
                } else {
                    value(number.first()).unwrap_or(0)
                };
                tens.saturating_mul(10).saturating_add(ones) < 18
            }
            None => {
                let plain: String = number.iter().rev().filter_map(|letter| digit(*letter)).collect();
                plain.parse::<u32>().is_ok_and(|age| age < 18)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_business_is_found() {
        let bad = [
            "帮助身份证51302219900101123X的老人",
            "联系 138 0013 8000 领取",
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
