//! In which group a paper stands on the page of all of them, and what it needs to be asked for.

use super::paper::Paper;
use crate::db::text_enum;

text_enum! {
    /// The groups, in the order of the page.
    pub enum Group {
        /// For the doors.
        Homes = "homes", "给住户";
        /// For the council.
        Council = "council", "评议会";
        /// For the store.
        Shop = "shop", "积分超市";
        /// For the wall and the loudspeaker.
        Honours = "honours", "荣誉与播报";
        /// For the archive and those who look after it.
        Registers = "registers", "台账与监督";
    }
}

/// What a paper needs, or can take, to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A household's code.
    Household,
    /// A household's code, or none for a paper on which whoever it is writes it.
    AnyHousehold,
    /// A number; what people call it.
    Id(&'static str),
    /// A month.
    Month,
    /// A month that is over.
    MonthOver,
    /// An area.
    Area,
    /// A store.
    Store,
    /// One of these sizes: word and label.
    Size(&'static [(&'static str, &'static str)]),
    /// Large type.
    Large,
    /// How many; what people call it.
    Count(&'static str),
    /// One of the registers.
    Register,
    /// A title of the scheme.
    Title,
    /// Words; what people call them.
    Text(&'static str),
    /// A year, or one of its quarters.
    Season,
    /// Where and when people meet.
    Occasion,
}

const A4_OR_A3: Need = Need::Size(&[("a4", "A4"), ("a3", "A3")]);

impl Paper {
    /// Where it stands.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Paper::Statement
            | Paper::Slip
            | Paper::RuleBook
            | Paper::ConsentForm
            | Paper::NominationForm
            | Paper::VolunteerSheet
            | Paper::ExpiryReminders => Group::Homes,
            Paper::Notice
            | Paper::TitleNotice
            | Paper::Agenda
            | Paper::Ballot
            | Paper::TallySheet
            | Paper::Minutes
            | Paper::Letter
            | Paper::SignInSheet
            | Paper::ScoreSheet
            | Paper::VisitRecord => Group::Council,
            Paper::Receipt
            | Paper::ShelfLabels
            | Paper::GoodsPoster
            | Paper::Handover
            | Paper::StocktakeSheet
            | Paper::DonationReceipt
            | Paper::ThankYou
            | Paper::Settlement => Group::Shop,
            Paper::Broadcast
            | Paper::HonourBoard
            | Paper::Certificate
            | Paper::Plaque
            | Paper::AwardList
            | Paper::Ceremony => Group::Honours,
            Paper::Register
            | Paper::MonthSummary
            | Paper::OpenBook
            | Paper::CallBackSheet
            | Paper::DividendRegister => Group::Registers,
        }
    }

    /// What it needs.
    #[must_use]
    pub fn needs(self) -> &'static [Need] {
        match self {
            Paper::Statement => &[
                Need::Household,
                Need::Month,
                Need::Size(&[("a4", "A4"), ("a5", "A5")]),
                Need::Large,
            ],
            Paper::ConsentForm => &[Need::AnyHousehold],
            Paper::Slip => &[Need::Id("公示号")],
            Paper::Notice => &[Need::Id("公示号"), A4_OR_A3],
            Paper::TitleNotice => &[Need::Id("称号公示号"), A4_OR_A3],
            Paper::RuleBook | Paper::NominationForm => &[],
            Paper::ExpiryReminders => &[Need::Area, Need::Count("提前几天（不填就是60天）")],
            Paper::Agenda | Paper::TallySheet | Paper::Minutes => &[Need::Id("第几次评议会")],
            Paper::Ballot => &[Need::Id("第几次评议会"), Need::Count("印几份（不填就按人数）")],
            Paper::Letter => &[Need::Id("成员编号（成员页的网址里）")],
            Paper::SignInSheet => &[Need::Id("签到表号")],
            Paper::VolunteerSheet => &[Need::Id("第几次志愿活动")],
            Paper::ScoreSheet => &[Need::Id("入户评分表号（六位数）"), Need::Count("第几位评委（1、2、3）")],
            Paper::VisitRecord => &[Need::Id("入户评分表号（六位数）")],
            Paper::Receipt => &[Need::Id("凭条号"), Need::Size(&[("58", "58毫米"), ("80", "80毫米")])],
            Paper::ShelfLabels => &[Need::Text("商品名称里的字（不填就是全部）")],
            Paper::GoodsPoster => &[Need::Store, Need::Text("附一句话（可不填）")],
            Paper::Handover => &[Need::Id("班次号")],
            Paper::StocktakeSheet => &[Need::Id("盘点编号")],
            Paper::DonationReceipt => &[Need::Id("入库单号")],
            Paper::ThankYou => &[Need::Id("入库单号"), Need::Text("信里的一句话（可不填）")],
            Paper::Settlement => &[Need::Id("结算单号")],
            Paper::Broadcast => &[Need::Id("公示号，称号公示写H3"), Need::Text("几点播（可不填）")],
            Paper::HonourBoard => &[
                Need::Month,
                Need::Size(&[("a3", "A3"), ("a2", "A2"), ("a2-tiles", "A2，分四张A4拼")]),
            ],
            Paper::Certificate => &[Need::Household, Need::Title, Need::Text("授予的理由")],
            Paper::Plaque => &[Need::Household, Need::Title],
            Paper::Register => &[Need::Register, Need::Month, Need::Store],
            Paper::MonthSummary => &[Need::Month, Need::Store],
            Paper::OpenBook => &[Need::MonthOver],
            Paper::CallBackSheet => &[Need::Month, Need::Text("抽签字样（不填就用账本核对码）")],
            Paper::DividendRegister => &[Need::Id("第几次分红")],
            Paper::AwardList => &[Need::Season, Need::Area],
            Paper::Ceremony => &[Need::Season, Need::Occasion, Need::Area],
        }
    }

    /// Where it gets a number first, under which each of its prints comes back alone.
    #[must_use]
    pub fn numbered_at(self) -> Option<&'static str> {
        (self == Paper::ConsentForm).then_some("/consent-forms")
    }

    /// The file of its sample.
    #[must_use]
    pub fn sample(self) -> String {
        format!("samples/{}.json", self.word())
    }
}
