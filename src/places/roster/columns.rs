//! The columns of a roster: which names mean what we need, and which names a roster must not have (SG10).
//!
//! Only names are judged here, never cells: a column is refused for what it would say about people, whatever it holds.
//! It does not correct names or guess near ones.

use std::collections::BTreeMap;

use super::words::{half_width, is_invisible, shown};
use super::{Cell, RosterError, SensitiveColumn};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Code,
    Community,
    Grid,
    Building,
    Stairwell,
    Room,
    Head,
    People,
}

/// Each field: what we call it, and the column names that mean it once `squeezed`.
pub(super) const FIELDS: [(Field, &str, &str); 8] = [
    (Field::Code, "户号", "户号|户编号|code|householdcode"),
    (Field::Community, "社区", "社区|社区名称|所属社区|community"),
    (Field::Grid, "网格", "网格|网格名称|所属网格|grid"),
    (Field::Building, "楼栋", "楼栋|楼栋号|building"),
    (Field::Stairwell, "单元", "单元|单元号|stairwell"),
    (Field::Room, "房号", "房号|房间号|room"),
    (Field::Head, "户主", "户主|户主姓名|head|householdhead"),
    (Field::People, "人口", "人口|人数|人口数|家庭人口|家庭人数|people"),
];

impl Field {
    /// The field that a column name means.
    pub(super) fn named(name: &str) -> Option<Field> {
        let squeezed = squeezed(name);
        // A unit or a hint in brackets does not change which column it is: 人口（人）, 房号(必填).
        let bare = squeezed.split(['(', '[', '【']).next();
        let means = |names: &str| names.split('|').any(|own| Some(own) == bare);
        let found = FIELDS.iter().find(|(_, _, names)| means(names));
        found.map(|(field, ..)| *field)
    }

    pub(super) fn is_needed(self) -> bool {
        !matches!(self, Field::Code | Field::Stairwell)
    }

    pub(super) fn label(self) -> &'static str {
        let own = FIELDS.iter().find(|(field, ..)| *field == self);
        own.map_or("", |(_, label, _)| label)
    }
}

/// What a column may not be about (SG10, and SG4's criteria that would label a household), and the signs of it in a
/// squeezed column name. A sign that starts with a space is the start of an English word, so that «archive» is not HIV
/// and «grid no» is not an ID number.
const SENSITIVE: [(&str, &str); 12] = [
    (
        "身份证件号码",
        "身份证|证件|身份号|公民身份|护照| id num| id no| id card| idnum| idno| idcard| identity| passport| national id",
    ),
    ("艾滋病信息", "艾滋| hiv| aids"),
    (
        "健康和疾病信息",
        "健康|病|患者|体检|癌|肿瘤|肝炎|肺结核|血压|血糖|孕|失能| health| disease| illness| sick| medical| diagnos| patient| pregnan",
    ),
    ("精神状况", "精神|心理|智力|智障| mental| psych"),
    ("残疾信息", "残疾|残障|伤残|致残|残联|是否残| disab| handicap"),
    ("涉毒经历", "毒| drug| addict| narcotic| rehab"),
    (
        "违法犯罪经历",
        "刑|矫正|前科|犯罪|违法|涉案|涉黑|涉恶|拘留| crim| convict| prison| parole| probation| offence| offense| community correction",
    ),
    (
        "困难和救助标签",
        "贫困|建档立卡|脱贫|返贫|低保|特困|五保|监测户|监测对象|边缘户|困难|救助|扶贫户|扶贫对象| poverty| poor| welfare| dibao| subsist",
    ),
    ("信访情况", "信访|上访|访民|维稳| petition"),
    (
        "民族和宗教",
        "民族|族别|宗教|信教|信仰|教派| ethnic| race| nationality| minority| religi| faith",
    ),
    (
        "人员标签",
        "重点|特殊群|特殊人|特殊对象|特殊家庭|标签|黑名单|失信|政审| label| tag| blacklist| suspect| key person| key people| special group",
    ),
    (
        "银行账户和收入",
        "银行|账号|帐号|账户|帐户|开户行|一卡通|存折|收入|欠债|欠款|负债|债务|贷款| bank| account n| income| salary| wage| debt| loan",
    ),
];

/// Words that contain a sign and mean nothing of the kind; spiritual civilisation (精神文明) is what this programme is for.
const HARMLESS: [&str; 7] = [
    "精神文明",
    "精神面貌",
    "民族团结",
    "积分账户",
    "积分账号",
    "消毒",
    "收入住",
];

/// A column name without what people vary: width, case, spaces, line breaks, stars and dashes.
fn squeezed(name: &str) -> String {
    let plain = |c: &char| !c.is_whitespace() && !is_invisible(*c) && !"_-*:".contains(*c);
    let folded = name.chars().map(half_width).filter(plain);
    folded.flat_map(char::to_lowercase).collect()
}

/// The English words of a column name, each after a space; `idNumber`, `ID_NUMBER` and `id number` give the same.
fn english_words(name: &str) -> String {
    let mut words = String::from(" ");
    let mut after_small = false;
    for c in name.chars().map(half_width) {
        if (!c.is_ascii_alphanumeric() || (after_small && c.is_ascii_uppercase())) && !words.ends_with(' ') {
            words.push(' ');
        }
        if c.is_ascii_alphanumeric() {
            words.push(c.to_ascii_lowercase());
        }
        after_small = c.is_ascii_lowercase();
    }
    words
}

fn sensitive_about(name: &str) -> Option<&'static str> {
    let words = english_words(name);
    let chinese = HARMLESS
        .iter()
        .fold(squeezed(name), |name, word| name.replace(word, ""));
    let shows = |sign: &str| match sign {
        sign if sign.starts_with(' ') => words.contains(sign),
        sign => chinese.contains(sign),
    };
    let found = SENSITIVE.iter().find(|(_, signs)| signs.split('|').any(shows));
    found.map(|(about, _)| *about)
}

/// The header line: where each field stands, and what else there is.
#[derive(Debug, Default)]
pub(super) struct Heading {
    line: usize,
    pub(super) fields: Vec<(Field, usize)>,
    pub(super) names: BTreeMap<usize, String>,
    pub(super) sensitive: Vec<SensitiveColumn>,
}

impl Heading {
    pub(super) fn of(line: usize, cells: &[(usize, Cell<'_>)]) -> Heading {
        let mut heading = Heading {
            line,
            ..Heading::default()
        };
        for (column, cell) in cells {
            let Cell::Text(name) = cell else { continue };
            if let Some(about) = sensitive_about(name) {
                let name = shown(name);
                heading.sensitive.push(SensitiveColumn { name, about });
            } else if let Some(field) = Field::named(name) {
                heading.fields.push((field, *column));
            }
            heading.names.insert(*column, shown(name));
        }
        heading
    }

    pub(super) fn column(&self, wanted: Field) -> Option<usize> {
        let found = self.fields.iter().find(|(field, _)| *field == wanted);
        found.map(|(_, column)| *column)
    }

    /// Whether this line is the header and not the title or the groups above it.
    pub(super) fn is_header(&self) -> bool {
        self.column(Field::Head).is_some() && self.column(Field::Building).is_some()
    }

    pub(super) fn checked(self) -> Result<Heading, RosterError> {
        if !self.sensitive.is_empty() {
            return Err(RosterError::SensitiveColumns(self.sensitive));
        }
        let count = |field| self.fields.iter().filter(|(own, _)| *own == field).count();
        let needed = FIELDS.iter().filter(|(field, ..)| field.is_needed());
        let missing = needed.filter(|(field, ..)| count(*field) == 0);
        let columns: Vec<&str> = missing.map(|(_, label, _)| *label).collect();
        if !columns.is_empty() {
            let line = self.line;
            return Err(RosterError::MissingColumns { line, columns });
        }
        match FIELDS.iter().find(|(field, ..)| count(*field) > 1) {
            Some((_, label, _)) => Err(RosterError::RepeatedColumn(label)),
            None => Ok(self),
        }
    }
}
