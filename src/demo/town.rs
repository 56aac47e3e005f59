//! The plan of the demo town: blocks, families and names, the same each time.

/// A building with its place in the tree.
pub(super) struct Block {
    pub community: i64,
    pub community_name: String,
    pub grid: i64,
    pub building: i64,
    pub households: i64,
    pub people: i64,
}

/// A town.
pub(super) struct Town {
    pub name: &'static str,
    pub township: &'static str,
    pub office: &'static str,
    pub issuer: &'static str,
    pub store: &'static str,
    pub blocks: Vec<Block>,
}

/// 6 communities, 36 grids, 76 buildings, 8,322 households, 35,585 people.
const LARGE: &str = include_str!("../../samples/org_large.csv");
const LARGE_HOUSEHOLDS: u32 = 8_322;

/// The four communities of the medium town (`domain.md` §9.6) with households and people: 272 and 1,094.
const MEDIUM: [(&str, i64, i64); 4] = [
    ("北召店河西", 80, 322),
    ("北召店河东", 70, 281),
    ("玉兰", 64, 258),
    ("阳光", 58, 233),
];
const MEDIUM_HOUSEHOLDS: i64 = 272;

/// Households in a building of the medium town, at most.
const IN_A_BLOCK: i64 = 20;

impl Town {
    /// The town of this many households: the large one exactly, any other in the shape of the medium one.
    pub(super) fn of(households: u32) -> Town {
        if households == LARGE_HOUSEHOLDS {
            return Town {
                name: "新城安置区",
                township: "示范街道",
                office: "新城安置区党群服务中心一楼",
                issuer: "新城安置区社区居民委员会",
                store: "新城积分超市",
                blocks: large_blocks(),
            };
        }
        Town {
            name: "示范乡",
            township: "示范乡",
            office: "示范乡便民服务中心一楼",
            issuer: "示范乡人民政府",
            store: "示范乡积分超市",
            blocks: medium_blocks(i64::from(households)),
        }
    }
}

fn large_blocks() -> Vec<Block> {
    #[derive(serde::Deserialize)]
    struct Row {
        community_no: i64,
        community: String,
        grid_no: i64,
        building_no: i64,
        households: i64,
        people: i64,
    }
    let mut reader = csv::Reader::from_reader(LARGE.as_bytes());
    let rows = reader.deserialize::<Row>().filter_map(Result::ok);
    rows.map(|row| Block {
        community: row.community_no,
        community_name: row.community,
        grid: row.grid_no,
        building: row.building_no,
        households: row.households,
        people: row.people,
    })
    .collect()
}

/// The medium town, or one of its shape: each community takes its share, the last one what is left.
fn medium_blocks(households: i64) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut left, mut building) = (households, 0i64);
    for (number, (name, share, people)) in (1i64..).zip(MEDIUM) {
        let own = match number {
            4 => left,
            _ => (share.saturating_mul(households) / MEDIUM_HOUSEHOLDS).min(left),
        };
        left = left.saturating_sub(own);
        let mut people_left = match households == MEDIUM_HOUSEHOLDS {
            true => people,
            false => own.saturating_mul(4),
        };
        let mut to_place = own;
        while to_place > 0 {
            let here = to_place.min(IN_A_BLOCK);
            let people_here = match here == to_place {
                true => people_left,
                false => people_left.saturating_mul(here) / to_place,
            };
            building = building.saturating_add(1);
            blocks.push(Block {
                community: number,
                community_name: name.to_owned(),
                grid: number,
                building,
                households: here,
                people: people_here,
            });
            to_place = to_place.saturating_sub(here);
            people_left = people_left.saturating_sub(people_here);
        }
    }
    blocks
}

impl Block {
    /// How many people live in each household: all of the block's, between one and nine in a home.
    pub(super) fn family_sizes(&self) -> Vec<i64> {
        let count = usize::try_from(self.households).unwrap_or(0);
        let base = self.people.checked_div(self.households).unwrap_or(0);
        let larger = self.people.saturating_sub(base.saturating_mul(self.households));
        let mut sizes: Vec<i64> = (0..self.households)
            .map(|home| base.saturating_add(i64::from(home < larger)))
            .collect();
        // People move between homes; nobody is lost.
        let mut dice = Dice(u64::try_from(self.building).unwrap_or(0));
        for _ in 0..count.saturating_mul(3) {
            let (from, to) = (dice.below(count), dice.below(count));
            let may_leave = sizes.get(from).is_some_and(|size| *size > 1);
            let may_come = sizes.get(to).is_some_and(|size| *size < 9);
            if from == to || !may_leave || !may_come {
                continue;
            }
            if let Some(size) = sizes.get_mut(from) {
                *size = size.saturating_sub(1);
            }
            if let Some(size) = sizes.get_mut(to) {
                *size = size.saturating_add(1);
            }
        }
        sizes
    }

    /// Stairwell and room of the nth home: two stairwells, five doors on a floor.
    pub(super) fn door(&self, home: i64) -> (i64, i64) {
        let in_stairwell = self.households.saturating_add(1) / 2;
        let (stairwell, nth) = match home < in_stairwell {
            true => (1, home),
            false => (2, home.saturating_sub(in_stairwell)),
        };
        let (floor, door) = (nth / 5, nth % 5);
        let room = floor
            .saturating_add(1)
            .saturating_mul(100)
            .saturating_add(door)
            .saturating_add(1);
        (stairwell, room)
    }
}

/// Numbers that look thrown and are the same each time (SplitMix64).
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from zero up to, not including, `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from(self.throw() % end).unwrap_or(0)
    }
}

/// Made-up names, and ids that are the same each time.
pub(super) struct Names {
    dice: Dice,
    count: usize,
}

const FAMILY: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文";
const GIVEN: &str = "秀桂玉春建国明华德文志英兰芳梅珍凤兴福荣贵祥瑞喜乐安康宁静和平光辉永庆长青松柏林森山川海江河云霞晓晨阳星月雪冬雨露洁清莲菊香君正义仁智信忠孝善美丽娟娥媛慧敏勤俭诚实厚朴远达通顺昌盛茂繁荣立新民生";
/// Rare characters as they stand in real rosters: beyond the basic plane, and beyond GBK.
const RARE: [&str; 8] = ["𠮷永安", "李㛃", "王䶮", "张𬭎", "刘喆", "陈犇", "杨堃", "赵龘"];
/// One name in so many has a rare character.
const RARE_EVERY: usize = 61;

impl Names {
    pub(super) fn new() -> Names {
        Names {
            dice: Dice(20_261_121),
            count: 0,
        }
    }

    pub(super) fn next(&mut self) -> String {
        self.count = self.count.saturating_add(1);
        if self.count.is_multiple_of(RARE_EVERY) {
            let nth = (self.count / RARE_EVERY) % RARE.len();
            return RARE.get(nth).copied().unwrap_or("王安").to_owned();
        }
        let mut name = String::new();
        name.extend(self.pick(FAMILY));
        name.extend(self.pick(GIVEN));
        if self.dice.below(5) > 0 {
            name.extend(self.pick(GIVEN));
        }
        name
    }

    /// A UUID that is the same each time.
    pub(super) fn household_id(&mut self) -> String {
        let (high, low) = (self.dice.throw(), self.dice.throw());
        uuid::Uuid::from_u64_pair(high, low).to_string()
    }

    fn pick(&mut self, letters: &str) -> Option<char> {
        let count = letters.chars().count();
        letters.chars().nth(self.dice.below(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(town: &Town) -> (usize, i64, i64) {
        let people: i64 = town.blocks.iter().flat_map(Block::family_sizes).sum();
        let households = town.blocks.iter().map(|block| block.households).sum();
        (town.blocks.len(), households, people)
    }

    #[test]
    fn the_large_town_is_exact() {
        let town = Town::of(8_322);
        assert_eq!(totals(&town), (76, 8_322, 35_585));
        let grids: std::collections::BTreeSet<i64> = town.blocks.iter().map(|block| block.grid).collect();
        let communities: std::collections::BTreeSet<i64> = town.blocks.iter().map(|block| block.community).collect();
        assert_eq!((communities.len(), grids.len()), (6, 36));
    }

    #[test]
    fn the_medium_town_is_exact_and_any_other_has_its_size() {
        let town = Town::of(272);
        let (_, households, people) = totals(&town);
        assert_eq!((households, people), (272, 1_094));
        for size in [1, 2, 5, 1_000] {
            assert_eq!(totals(&Town::of(size)).1, i64::from(size));
        }
    }

    #[test]
    fn no_two_homes_have_the_same_door() {
        for block in &Town::of(8_322).blocks {
            let doors: std::collections::BTreeSet<(i64, i64)> =
                (0..block.households).map(|home| block.door(home)).collect();
            assert_eq!(doors.len(), usize::try_from(block.households).unwrap());
            assert!(block.family_sizes().iter().all(|size| (1..=9).contains(size)));
        }
    }
}
