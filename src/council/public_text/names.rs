//! The names in public text: what looks like somebody's full name.

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
pub(super) fn full_name(text: &str) -> Option<String> {
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
