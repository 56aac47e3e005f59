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
const TRADITIONAL: &str = "訪访舉举報报訴诉檢检發发狀状綱纲網网絡络線线熱热電电話话撥拨問问題题級级進进縣县鄉乡鎮镇國国領领導导記记評评論论議议\
    點点讚赞贊赞轉转貼帖視视頻频選选決决對对錯错標标滿满隊队動动遷迁徵征騰腾簽签協协約约補补償偿舊旧還还債债貸贷錢钱賬账\
    帳账窮穷貧贫難难殘残聾聋啞哑癱瘫癲癫藥药醫医療疗險险繳缴納纳費费養养離离結结孫孙兒儿産产產产雙双懷怀燒烧廟庙墳坟殯殡\
    喪丧禮礼靈灵親亲學学試试績绩優优獎奖錄录讀读勝胜訟讼權权維维護护賠赔違违罰罚處处監监獄狱盜盗竊窃賭赌販贩騙骗獲获鬥斗\
    毆殴從从眾众個个們们這这裡里裏里為为給给與与無无沒没來来說说講讲請请讓让誰谁幫帮鄰邻裝装參参會会員员歲岁現现場场實实\
    際际據据爾尔當当應应該该圍围衛卫潔洁樓楼類类務务愛爱掃扫業业勞劳貢贡獻献傳传統统組组織织長长條条項项規规範范認认證证\
    書书確确覺觉聽听幹干開开關关門门間间東东車车馬马體体頭头臉脸驗验陽阳陰阴節节丟丢並并乾干亂乱佈布佔占併并侷局係系傘伞\
    備备傚效傢家傷伤傾倾價价儀仪儉俭儘尽儲储兌兑內内兩两冊册別别刪删則则剋克剝剥劃划勵励勸劝區区卹恤厭厌厲厉吶呐唸念喚唤\
    喫吃單单噴喷噹当嚮向囌苏園园圖图團团執执墊垫墾垦壇坛壓压壞坏壯壮壽寿夥伙奪夺妝妆婁娄婦妇孃娘宮宫審审寫写寬宽寶宝將将\
    專专尋寻屆届屬属崗岗師师帶带庫库廁厕廚厨廠厂廢废廣广弔吊張张強强彆别彈弹彌弥彿佛後后徑径復复惡恶態态慮虑慶庆慼戚憂忧\
    憑凭懺忏戀恋戶户捨舍捲卷掙挣掛挂採采揀拣揚扬換换揮挥揹背損损搶抢摺折撈捞撓挠撫抚撲扑撿捡擁拥擊击擋挡擔担擴扩攔拦攙搀\
    攝摄數数斷断於于昇升時时暢畅暫暂曆历曉晓曠旷曬晒朮术枴拐棄弃棟栋極极榦干榮荣槓杠樣样樸朴樹树機机橫横檔档檯台櫃柜歷历\
    歸归毀毁毬球氣气汙污況况洩泄涼凉減减測测準准溝沟溼湿滅灭漢汉漲涨潤润澆浇濕湿濟济濫滥瀰弥災灾煙烟煩烦燈灯營营燬毁燭烛\
    爭争爲为爺爷牀床牆墙牠它牴抵獨独環环甦苏畫画異异痠酸瘋疯癡痴癥症盡尽眞真睏困瞭了矯矫砲炮碩硕碼码磚砖礙碍禱祷稅税種种\
    稱称穌稣積积穩稳穫获窩窝競竞箇个築筑簡简籌筹籤签糧粮糰团糾纠紀纪紅红紋纹純纯紙纸紛纷紮扎細细紹绍終终絃弦絕绝絲丝經经\
    綜综綠绿綵彩緊紧緝缉緣缘編编緩缓練练緻致縫缝縱纵總总繕缮繙翻繡绣繩绳繫系續续纏缠罈坛罵骂罷罢羣群義义習习聖圣聞闻聯联\
    聲声職职脩修脫脱腎肾腦脑腫肿臟脏臥卧臨临臺台莊庄華华菸烟萬万蓋盖蔔卜薦荐薩萨藝艺蘇苏蘭兰號号虧亏蟲虫蠟蜡衆众術术製制\
    複复見见觀观觸触訂订計计討讨訓训託托設设許许診诊註注証证詆诋詐诈詞词詠咏詢询詬诟詳详誇夸誌志誠诚誦诵課课調调談谈諧谐\
    諮咨諸诸謝谢謠谣謹谨識识譯译變变豬猪負负財财貨货貫贯責责買买資资賒赊賢贤賣卖賦赋質质賴赖賺赚購购賽赛贅赘贈赠贍赡贏赢\
    跡迹踐践蹟迹軍军較较載载輔辅輕轻輟辍輩辈輪轮輸输輿舆轎轿辦办辭辞農农迴回連连週周運运過过達达遞递適适遺遗邊边邏逻郵邮\
    醜丑醣糖釁衅釋释釘钉釦扣鉤钩銀银銲焊銷销鋪铺錶表鍋锅鏈链鐵铁鑰钥閃闪閉闭閑闲閒闲閣阁閤合閨闺闆板闖闯陞升陳陈隨随隱隐\
    隻只雞鸡靜静響响頂顶順顺須须頌颂預预額额願愿顧顾顯显風风颱台飛飞飢饥飯饭餘余饑饥馳驰駕驾駛驶騎骑騷骚驅驱髒脏髮发鬚须\
    鬧闹鬨哄鬱郁魚鱼鮮鲜鰥鳏鳴鸣麵面麼么黃黄黨党鼕冬齋斋齡龄齣出龍龙";

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
    found.extend(
        LATIN
            .iter()
            .filter(|(latin, word)| mixed(plain, latin, word))
            .map(|(_, word)| *word),
    );
    found
}

/// Words that are written in Latin letters, wholly or by half: the letters and the word meant. Their sounds make too many
/// other words to look for in characters.
const LATIN: [(&str, &str); 34] = [
    ("weixin", "微信群发言"),
    ("douyin", "抖音发言"),
    ("pengyouquan", "朋友圈发言"),
    ("dianzan", "点赞视频"),
    ("zhuanfa", "转发视频"),
    ("yibao", "医保"),
    ("shebao", "社保"),
    ("wubao", "五保"),
    ("butie", "补贴"),
    ("lihun", "离婚"),
    ("jiehun", "结婚"),
    ("ertai", "二胎"),
    ("shengyu", "生育"),
    ("huozang", "火葬"),
    ("tuzang", "土葬"),
    ("huohua", "火化"),
    ("xinjiao", "信教"),
    ("shangfen", "上坟"),
    ("gaokao", "高考"),
    ("zhongkao", "中考"),
    ("chengji", "成绩单"),
    ("guansi", "官司"),
    ("susong", "诉讼"),
    ("zhongcai", "仲裁"),
    ("juliu", "拘留"),
    ("zuolao", "坐牢"),
    ("xidu", "吸毒"),
    ("jiujia", "酒驾"),
    ("shouru", "收入"),
    ("canji", "残疾"),
    ("pinkun", "贫困"),
    ("qianzhai", "欠债"),
    ("qita", "其他"),
    ("zhuoqing", "酌情"),
];

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
