//! Public text: reads what is to be shown to everybody, and names what may not be there.
//!
//! Identity numbers, telephone numbers, full names, children, health, poverty, and what the law protects besides (SG8–SG10).
//! It is strict: a sentence about a good deed can always be written without them. It reads what people see: full-width and
//! Chinese digits, digits in circles, letters that look like digits, and digits with marks between them are digits too; a
//! date and a list of buildings are not a number. `tests/public_text` has the sentences that it is held against.

/// What a sentence may not tell, the words that tell it, and words in which these letters mean something else.
struct Kind {
    tells: &'static str,
    words: &'static [&'static str],
    harmless: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        tells: "提到了未成年人",
        words: &[
            "丫头",
            "伢",
            "放暑假",
            "放寒假",
            "孩子",
            "小孩",
            "孩童",
            "女孩",
            "男孩",
            "儿童",
            "女童",
            "男童",
            "学童",
            "婴",
            "幼儿",
            "宝宝",
            "娃",
            "儿子",
            "女儿",
            "闺女",
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
            "小朋友",
            "小姑娘",
            "双胞胎",
            "放学",
            "上学",
            "中考",
            "高考",
            "留守儿",
            "孤儿",
            "托管班",
            "辅导作业",
            "写作业",
            "月嫂",
            "个月大",
            "刚满月",
            "奶粉",
        ],
        harmless: &["大学生", "研究生", "娃娃鱼", "小学旧址", "婴儿床捐", "老年大学学生"],
    },
    Kind {
        tells: "提到了健康状况",
        words: &[
            "摔坏",
            "胯骨",
            "眼神不",
            "病",
            "癌",
            "瘤",
            "残",
            "瘫",
            "聋",
            "哑",
            "盲",
            "瞎",
            "瘸",
            "跛",
            "失明",
            "看不见",
            "听不见",
            "耳背",
            "住院",
            "手术",
            "化疗",
            "透析",
            "尿毒",
            "糖尿",
            "中风",
            "中过风",
            "脑梗",
            "血栓",
            "偏瘫",
            "骨折",
            "摔断",
            "摔伤",
            "卧床",
            "下不了床",
            "起不来床",
            "精神",
            "抑郁",
            "痴呆",
            "糊涂症",
            "失能",
            "失智",
            "智障",
            "智力",
            "弱智",
            "自闭",
            "癫痫",
            "帕金森",
            "艾滋",
            "梅毒",
            "乙肝",
            "肝炎",
            "结核",
            "尘肺",
            "肾",
            "心脏",
            "心梗",
            "搭过桥",
            "支架",
            "怀孕",
            "孕妇",
            "孕期",
            "流产",
            "坐月子",
            "高血压",
            "血糖",
            "康复",
            "轮椅",
            "拐杖",
            "假肢",
            "吃药",
            "喂药",
            "打针",
            "输液",
            "看病",
            "就医",
            "送医",
            "医院",
            "卫生院",
            "诊所",
            "发烧",
            "昏迷",
            "植物人",
            "身体不好",
            "身体差",
            "体弱",
            "行动不便",
            "腿脚不",
            "行走不便",
            "不能自理",
            "无法自理",
            "端屎",
            "大小便",
            "褥疮",
            "后遗症",
            "传染",
            "阳性",
            "新冠",
        ],
        harmless: &[
            "病虫害",
            "病害",
            "病树",
            "病株",
            "病枝",
            "病死猪",
            "病死鸡",
            "病死畜",
            "毛病",
            "语病",
            "残枝",
            "残叶",
            "残渣",
            "残膜",
            "残垣",
            "精神文明",
            "精神面貌",
            "精神食粮",
            "文明精神",
            "奉献精神",
            "精神可嘉",
            "的精神",
            "精神抖擞",
            "精神饱满",
            "有精神",
            "盲道",
            "扫盲",
            "盲区",
            "盲目",
            "哑铃",
            "哑巴亏",
            "脚手支架",
            "支架搭",
            "搭支架",
            "传染力",
            "志愿精神",
            "雷锋精神",
            "精神振",
        ],
    },
    Kind {
        tells: "提到了困难或待遇",
        words: &[
            "家底薄",
            "底子薄",
            "低保",
            "特困",
            "贫",
            "五保",
            "建档立卡",
            "困难户",
            "困难家庭",
            "困难群众",
            "困难老人",
            "家庭困难",
            "家里困难",
            "家境",
            "经济困难",
            "生活困难",
            "手头紧",
            "拮据",
            "穷",
            "吃不上",
            "揭不开锅",
            "无依无靠",
            "孤寡",
            "三无人员",
            "困难救助",
            "临时救助",
            "医疗救助",
            "社会救助",
            "申请救助",
            "救助金",
            "救助款",
            "救助对象",
            "救济",
            "补贴",
            "补助",
            "津贴",
            "抚恤",
            "粮补",
            "养老金",
            "养老保险",
            "退休金",
            "债",
            "欠款",
            "欠钱",
            "贷款",
            "失业",
            "下岗",
            "扶贫",
            "社保",
            "医保",
            "合作医疗",
            "残联",
            "低收入",
            "监测户",
            "边缘户",
            "监测对象",
            "帮扶对象",
            "帮扶户",
            "兜底",
            "公租房",
            "廉租房",
            "危房",
            "领取待遇",
        ],
        harmless: &["无穷", "穷尽", "贫瘠", "其乐无穷", "债券"],
    },
    Kind {
        tells: "提到了婚姻家庭隐私",
        words: &[
            "媳妇跑",
            "老婆跑",
            "老公跑",
            "丈夫跑",
            "离婚",
            "离异",
            "离过婚",
            "丧偶",
            "丧夫",
            "丧妻",
            "守寡",
            "寡妇",
            "寡居",
            "单身",
            "单亲",
            "光棍",
            "再婚",
            "改嫁",
            "前夫",
            "前妻",
            "前公婆",
            "家暴",
            "家庭暴力",
            "打老婆",
            "打媳妇",
            "打骂",
            "外遇",
            "出轨",
            "婚外",
            "超生",
            "二胎",
            "三胎",
            "私生",
            "没人要",
            "婆媳不和",
            "婆媳吵",
            "分居",
            "抛弃",
            "不赡养",
            "不养老",
        ],
        harmless: &["单身公寓", "单身宿舍"],
    },
    Kind {
        tells: "提到了违法或矫正",
        words: &[
            "蹲过",
            "吸毒",
            "戒毒",
            "贩毒",
            "刑满",
            "坐牢",
            "坐过牢",
            "蹲监",
            "监狱",
            "出狱",
            "劳改",
            "服刑",
            "缓刑",
            "矫正",
            "拘留",
            "判刑",
            "判了刑",
            "案底",
            "赌",
            "酗酒",
            "酒鬼",
            "醉驾",
            "酒驾",
            "诈骗犯",
            "前科",
            "犯过罪",
            "犯过事",
            "进过局子",
            "嫖",
            "涉黑",
            "失信",
            "老赖",
            "黑名单",
        ],
        harmless: &["禁赌", "反赌", "拒赌", "防赌", "不赌"],
    },
    Kind {
        tells: "提到了信仰或上访",
        words: &[
            "信教",
            "教徒",
            "宗教",
            "信佛",
            "信主",
            "基督",
            "教堂",
            "礼拜堂",
            "做礼拜",
            "念经",
            "上访",
            "信访",
            "闹访",
            "缠访",
            "告状",
            "打官司",
            "起诉",
            "拆迁户",
            "钉子户",
        ],
        harmless: &[],
    },
    Kind {
        tells: "写了详细地址或账号",
        words: &[
            "银行卡",
            "卡号",
            "账号",
            "账户",
            "身份证",
            "户口本",
            "手机号",
            "电话号",
            "微信号",
            "微信同号",
            "扣扣",
            "邮箱",
            "门牌",
            "户号",
            "房号",
        ],
        harmless: &[],
    },
];

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

// ---- Numbers -------------------------------------------------------------------------------------------------------

/// The most marks between two digits of one number.
const MOST_MARKS: usize = 3;

/// Digits that follow each other, whatever way they are written, in groups with marks between them.
fn numbers(text: &str) -> Vec<Vec<String>> {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or(' ');
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut marks = MOST_MARKS.saturating_add(1);
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map_or(' ', at);
        let near = |other: char| digit(other).is_some() || look_alike(other).is_some();
        let ends_identity = matches!(letter, 'X' | 'x' | 'Ｘ' | 'ｘ') && groups.concat().len() == 17;
        let value = digit(*letter)
            .or_else(|| look_alike(*letter).filter(|_| near(before) || near(at(place.saturating_add(1)))))
            .or(if ends_identity { Some('X') } else { None });
        match value {
            Some(value) if marks == 0 => match groups.last_mut() {
                Some(group) => group.push(value),
                None => groups.push(value.to_string()),
            },
            Some(value) => {
                if marks > MOST_MARKS {
                    all.push(std::mem::take(&mut groups));
                }
                groups.push(value.to_string());
            }
            None if letter.is_alphanumeric() => marks = MOST_MARKS,
            None => {}
        }
        marks = match value {
            Some(_) => 0,
            None => marks.saturating_add(1),
        };
    }
    all.push(groups);
    all.retain(|groups| !groups.is_empty());
    all
}

/// What such digits look like, unless they are a date, times of the day, amounts or a list of buildings.
fn telling(groups: &[String]) -> Option<&'static str> {
    let groups = match groups {
        [year, month, day, rest @ ..] if is_date(year, month, day) => rest,
        [one] if is_date_in_one(one) => return None,
        all => all,
    };
    let joined = groups.concat();
    let longest = groups.iter().map(String::len).max().unwrap_or(0);
    let values: Vec<u32> = groups.iter().filter_map(|group| group.parse().ok()).collect();
    let is_list = groups.len() > 2 && longest < 3 && values.is_sorted();
    match joined.len() {
        15.. if !is_list => Some("像是证件号或银行卡号"),
        _ if is_list => None,
        11.. => Some("像是电话号码或其他编号"),
        7..=10 if longest > 2 => Some("像是电话号码或其他编号"),
        _ => None,
    }
}

fn is_date(year: &str, month: &str, day: &str) -> bool {
    let inside =
        |text: &str, most: u32| text.len() < 3 && text.parse().is_ok_and(|value: u32| (1..=most).contains(&value));
    is_year(year) && inside(month, 12) && inside(day, 31)
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

fn is_date_in_one(text: &str) -> bool {
    let part = |from: usize, until: usize| text.get(from..until).unwrap_or_default();
    text.len() == 8 && is_date(part(0, 4), part(4, 6), part(6, 8))
}

/// The digit that a letter stands for, in the many ways in which digits are written.
fn digit(letter: char) -> Option<char> {
    /// The first of ten or nine signs in a row, and the digit it stands for.
    const ROWS: &[(char, u32)] = &[
        ('0', 0),
        ('０', 0),
        ('⁰', 0),
        ('₀', 0),
        ('①', 1),
        ('⑴', 1),
        ('⒈', 1),
        ('❶', 1),
        ('➀', 1),
        ('➊', 1),
        ('㈠', 1),
        ('㊀', 1),
        ('⓵', 1),
    ];
    let value = match letter {
        '〇' | '零' | '○' | '⓪' | '⓿' | '洞' => 0,
        '一' | '壹' | '幺' | '¹' => 1,
        '二' | '贰' | '²' => 2,
        '三' | '叁' | '³' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        // Mathematical digits: five rows of ten.
        '\u{1D7CE}'..='\u{1D7FF}' => u32::from(letter).checked_sub(0x1D7CE)? % 10,
        _ => ROWS.iter().find_map(|(first, stands_for)| {
            let nth = u32::from(letter).checked_sub(u32::from(*first))?;
            (nth.saturating_add(*stands_for) < 10).then(|| nth.saturating_add(*stands_for))
        })?,
    };
    char::from_digit(value, 10)
}

/// Letters that people write for digits, to get past a reader like this one; only beside digits.
fn look_alike(letter: char) -> Option<char> {
    match letter {
        'o' | 'O' | 'Ｏ' | 'ｏ' => Some('0'),
        'l' | 'I' | 'Ｉ' | 'ｌ' | '|' => Some('1'),
        _ => None,
    }
}

/// A name of an account, a number plate: six and more Latin letters and digits together, or anything with an at sign.
fn has_identifier(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_part(letter));
    let mixed = |word: &str| {
        word.len() > 5
            && word.contains(|letter: char| letter.is_ascii_alphabetic())
            && word.contains(|letter: char| letter.is_ascii_digit() || letter == '_')
    };
    let chat = ["QQ", "qq", "Qq"].iter().any(|word| text.contains(word)) && !text.contains("QQ群");
    words.into_iter().any(mixed) || text.contains('@') || chat
}

/// A door: `2单元`, `1102室`, `3栋401`, `建设路12号`.
fn has_address(letters: &[char]) -> bool {
    let text: String = letters.iter().map(|letter| digit(*letter).unwrap_or(*letter)).collect();
    let after_digits = |word: &str, least: usize| {
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            before
                .chars()
                .rev()
                .take_while(|letter| letter.is_ascii_digit() || *letter == '十')
                .count()
                >= least
        })
    };
    let before_digits = |word: &str, least: usize| {
        text.match_indices(word).any(|(at, _)| {
            let after = text.get(at.saturating_add(word.len())..).unwrap_or_default();
            let after = after.strip_prefix('第').unwrap_or(after);
            after.chars().take_while(char::is_ascii_digit).count() >= least
        })
    };
    let on_a_street = ["路", "街", "巷", "弄", "组"].iter().any(|street| {
        text.match_indices(street).any(|(at, _)| {
            let after = text.get(at.saturating_add(street.len())..).unwrap_or_default();
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            digits > 0
                && after
                    .get(digits..)
                    .is_some_and(|rest| rest.starts_with('号') && !rest.starts_with("号楼"))
        })
    });
    after_digits("单元", 1)
        || after_digits("室", 3)
        || after_digits("号房", 1)
        || ["栋", "幢", "号楼", "单元", "座"]
            .iter()
            .any(|word| before_digits(word, 3))
        || on_a_street
}

// ---- Names ---------------------------------------------------------------------------------------------------------

/// The hundred or so commonest family names.
const FAMILY: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文向冉牟覃";
/// What given names are made of, in villages.
const GIVEN: &str = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂玉萍红鹏华飞玲辉建国志文云海波东峰宁林梅春花凤珍香翠莲荣琴菊淑惠慧素贵福德富才财发全有金银宝成永长寿生根树柏松义仁礼智信忠孝清国庆祥瑞昌盛兴旺康安邦民学书良善美琼芝芬芹蓉菲蕾雪晶莹冬秋夏光亮阳晓小大天顺利元开朝先正立世继绍廷维克俊豪健斌彬武威龙虎彪雄江河山川石岩峻毅坚雅欣怡佳嘉思雨婷倩琳";
/// What stands before a name.
const BEFORE: [&str; 30] = [
    "帮", "帮助", "给", "为", "替", "陪", "由", "与", "和", "跟", "同", "向", "对", "让", "请", "看望", "照顾", "邻居",
    "村民", "居民", "户主", "老人", "党员", "队员", "是", "叫", "带", "送", "扶", "救",
];
/// What stands after one.
const AFTER: [&str; 40] = [
    "老人", "大爷", "大娘", "大妈", "奶奶", "爷爷", "同志", "先生", "女士", "老师", "师傅", "大姐", "大哥", "婆婆",
    "嫂", "叔", "伯", "阿姨", "家", "户", "夫妇", "夫妻", "一家", "一起", "主动", "带头", "的", "和", "与", "等", "说",
    "夸", "自愿", "坚持", "热心", "积极", "每天", "长期", "收", "搬",
];

/// A full name, by what it is made of and what stands around it.
fn full_name(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    (0..letters.len()).find_map(|at| {
        let given = |place: usize| letters.get(place).is_some_and(|letter| GIVEN.contains(*letter));
        if !letters.get(at).is_some_and(|letter| FAMILY.contains(*letter)) || !given(at.saturating_add(1)) {
            return None;
        }
        let text_of = |from: usize, until: usize| -> String { letters.iter().take(until).skip(from).collect() };
        let before = text_of(0, at);
        let begins = before.chars().last().is_none_or(|letter| !letter.is_alphanumeric())
            || BEFORE.iter().any(|word| before.ends_with(word));
        let ends = |until: usize| {
            let after = text_of(until, letters.len());
            after.chars().next().is_none_or(|letter| !letter.is_alphanumeric())
                || AFTER.iter().any(|word| after.starts_with(word))
        };
        let (two, three) = (at.saturating_add(2), at.saturating_add(3));
        if begins && given(two) && ends(three) {
            return Some(text_of(at, three));
        }
        // Two letters are a word of the language too often: only before a title.
        let is_titled = AFTER
            .iter()
            .take(18)
            .any(|title| text_of(two, letters.len()).starts_with(title));
        (begins && is_titled && !NO_NAMES.contains(&text_of(at, two).as_str())).then(|| text_of(at, two))
    })
}

/// Words of the language that look like a name of two letters.
const NO_NAMES: [&str; 12] = [
    "文明", "和平", "安全", "高大", "高龄", "常年", "金山", "万全", "平安", "向阳", "高山", "方正",
];

/// An age below eighteen: `9岁`, `十二岁`; not `八十二岁`.
fn has_young_age(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let places = letters.iter().enumerate().filter(|(_, letter)| **letter == '岁');
    places.into_iter().any(|(at, _)| {
        // 周岁, 虚岁.
        let before = letters
            .iter()
            .take(at)
            .rev()
            .copied()
            .skip_while(|letter| matches!(letter, '周' | '虚'));
        let before: Vec<char> = before.collect();
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
