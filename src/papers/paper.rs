//! The table of papers: what there is, who may have it, and how its data is found.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::goods::Illustrated;
use super::order::Order;
use super::{
    award_list, broadcast, call_back, ceremony, certificate, dividend, donation, goods, handover, honour_board,
    household, letter, notice, open_book, receipt, register, rules, session, settlement, sheet, statement, stocktake,
    title_notice, volunteer_sheet,
};
use crate::access::role::Permission;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::honours::award;
use crate::id::Id;
use crate::places::{self, consent_form};
use crate::print::Printer;

text_enum! {
    /// Everything that is printed.
    pub enum Paper {
        /// A household's points and where they came from.
        Statement = "statement", "对账单";
        /// What tells a household of a posted award.
        Slip = "slip", "入账告知单";
        /// The public notice.
        Notice = "notice", "公示";
        /// The public notice of titles.
        TitleNotice = "title-notice", "称号公示";
        /// The rules for every household.
        RuleBook = "rule-book", "积分办法";
        /// On which somebody writes down a good deed.
        NominationForm = "nomination-form", "好事申报单";
        /// What a household agrees to.
        ConsentForm = "consent-form", "知情同意书";
        /// Whose points end soon.
        ExpiryReminders = "expiry-reminders", "到期提醒名单";
        /// On which households sign in.
        SignInSheet = "sign-in-sheet", "签到表";
        /// On which households sign in at a volunteer event.
        VolunteerSheet = "volunteer-sheet", "志愿签到表";
        /// On which a judge ticks marks.
        ScoreSheet = "score-sheet", "入户评分表（打勾）";
        /// On which three judges' marks are written.
        VisitRecord = "visit-record", "入户评分表（手写）";
        /// What a session of the council has before it.
        Agenda = "agenda", "议程";
        /// What members vote on in secret.
        Ballot = "ballot", "选票";
        /// On which two people count a vote.
        TallySheet = "tally-sheet", "计票单";
        /// What a session decided.
        Minutes = "minutes", "会议记录";
        /// What appoints a member of the council.
        Letter = "letter", "聘书";
        /// What a household takes home from the counter.
        Receipt = "receipt", "兑换小票";
        /// Names, points and bars for the shelf.
        ShelfLabels = "shelf-labels", "货架标签";
        /// What a store gives for points.
        GoodsPoster = "goods-poster", "兑换海报";
        /// What a shift hands on.
        Handover = "handover", "交接单";
        /// On which a shelf is counted blind.
        StocktakeSheet = "stocktake-sheet", "盘点表";
        /// What a donor gets at once.
        DonationReceipt = "donation-receipt", "捐赠收据";
        /// What a donor gets later.
        ThankYou = "thank-you", "感谢信";
        /// What is owed to a partner for a month.
        Settlement = "settlement", "定点商户结算单";
        /// An account book of a month.
        Register = "register", "台账";
        /// The sums of a month with their proof.
        MonthSummary = "month-summary", "月度汇总";
        /// The numbers of a month for everybody, on the wall.
        OpenBook = "open-book", "积分公开";
        /// A drawn sample to be asked at the door.
        CallBackSheet = "call-back-sheet", "抽查回访表";
        /// What is read over the loudspeaker.
        Broadcast = "broadcast", "播报稿";
        /// Good deeds of a quarter, on the wall.
        HonourBoard = "honour-board", "光荣榜";
        /// What a household gets for a title.
        Certificate = "certificate", "奖状";
        /// What hangs at the door of a household with a title.
        Plaque = "plaque", "荣誉牌";
        /// How a sum is shared out by honour scores.
        DividendRegister = "dividend-register", "分红发放册";
        /// Who got which title of a year.
        AwardList = "award-list", "表彰名单";
        /// What is read out when titles are handed over.
        Ceremony = "ceremony", "表彰会议程";
    }
}

impl Paper {
    /// The file of its template.
    #[must_use]
    pub fn template(self) -> String {
        format!("{}.typ", self.word())
    }

    /// Sets the sample with the templates in force, before many are asked for.
    ///
    /// # Errors
    /// As [`Printer::set_json`].
    pub fn prove(self, printer: &Printer) -> Result<()> {
        let sample = Printer::original(&self.sample()).ok_or(Error::NotFound)?;
        printer.set_json(&self.template(), sample.into_bytes()).map(drop)
    }

    /// Its door.
    #[must_use]
    pub fn path(self) -> &'static str {
        static PATHS: LazyLock<HashMap<Paper, String>> = LazyLock::new(|| {
            let path = |paper: &Paper| (*paper, format!("/papers/{}", paper.word()));
            Paper::ALL.iter().map(path).collect()
        });
        PATHS.get(&self).map(String::as_str).unwrap_or_default()
    }

    /// What it is for, in a sentence for the page of all papers.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Paper::Statement => "一户的积分从哪里来、用在哪里、哪天到期，以及怎样提出异议。可打A4、A5或大字版。",
            Paper::Slip => "公示期满入账以后，送到每户的告知单，一页四张。",
            Paper::Notice => "评议结果的公示，张贴用，A4或A3。",
            Paper::TitleNotice => "票决通过的称号，授予以前张贴7天，A4或A3。",
            Paper::RuleBook => "现行积分办法，大字，每户一本或张贴。",
            Paper::NominationForm => "手写申报好事的空白表，交回后录入。",
            Paper::ConsentForm => "一户同意什么、不同意什么，打勾签字，交回后照表单编号录入。不填户号就是空白的。",
            Paper::ExpiryReminders => "积分快到期的人家，按楼栋分页，楼栋长上门提醒用。",
            Paper::SignInSheet => "一次活动的签到表，每户一行，交回后拍照或照行号录入。",
            Paper::VolunteerSheet => "一次志愿活动的签到表，来几人、几点来、几点走，交回后照行号录入。",
            Paper::ScoreSheet => "一位评委一份，在方框里打勾，拍照就能录入。",
            Paper::VisitRecord => "三位评委手写分数的评分表，照表单编号和行号录入。",
            Paper::Agenda => "一次评议会的议程和签到，人手一份，也作存档。",
            Paper::Ballot => "无记名投票的选票，剪开发给到会成员；须回避的另出一份。",
            Paper::TallySheet => "两人唱票、计票的单子，签字后各自照编号录入。",
            Paper::Minutes => "散会以后的会议记录，签字存档。",
            Paper::Letter => "评议会成员的聘书，横开。",
            Paper::Receipt => "一次兑换的小票，58或80毫米热敏纸。",
            Paper::ShelfLabels => "在架商品的标签，一页24张，可以只打一类或一种。",
            Paper::GoodsPoster => "积分超市能换什么，A3张贴用，可以只印一类。",
            Paper::Handover => "一班的合计、清点和交接事项，交班后三人签字。",
            Paper::StocktakeSheet => "照着货架清点用，不印账面数，录入时照表单编号和行号。",
            Paper::DonationReceipt => "捐赠物品的收据和存根。",
            Paper::ThankYou => "写给捐赠人的信，说明有多少户换到了捐赠的物品。",
            Paper::Settlement => "与定点商户一个月的逐笔对账，双方签字。",
            Paper::Register => "积分发放、积分兑换、商品出入库、捐赠四本台账，按月打印存档。",
            Paper::MonthSummary => "一个月积分和商品的期初、变动、期末，并核对是否一致。",
            Paper::OpenBook => "一个月的积分、商品、好事和异议，只有合计，贴在超市门口，A4。",
            Paper::CallBackSheet => "从当月入账里抽20条上门回访，抽签号码可以重算。",
            Paper::Broadcast => "一次公示的大喇叭播报稿，只播同意播报的人家，只说姓氏和好事、称号。",
            Paper::HonourBoard => "一个季度的好人好事，只列同意上榜的人家，A3、A2或四张A4拼成。",
            Paper::Certificate => "授予称号的奖状。已授予的从称号页上打印；以前的写明户号、称号和做了什么。",
            Paper::Plaque => "称号的荣誉牌，200×120毫米。已授予的从称号页上打印。",
            Paper::DividendRegister => "把一笔钱按荣誉分分到各户，精确到分，供签领。系统不付钱。",
            Paper::AwardList => "一年或一季授予的称号，存档和张贴用。户主写法同公示。",
            Paper::Ceremony => "表彰会上照着念的议程，大字。只念同意播报的人家，只念姓氏。",
        }
    }

    /// Who may have it.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Paper::Statement | Paper::Slip => Permission::ReadHouseholds,
            Paper::Notice | Paper::TitleNotice | Paper::RuleBook | Paper::AwardList | Paper::Ceremony => {
                Permission::ReadNominations
            }
            Paper::NominationForm | Paper::SignInSheet | Paper::VolunteerSheet => Permission::Nominate,
            Paper::ScoreSheet | Paper::VisitRecord => Permission::ReadVisits,
            Paper::ConsentForm => Permission::ChangeHouseholds,
            Paper::ExpiryReminders => Permission::ReadHouseholds,
            Paper::Agenda | Paper::Ballot | Paper::TallySheet | Paper::Minutes | Paper::Letter => {
                Permission::ReadCouncil
            }
            Paper::Receipt | Paper::Handover | Paper::GoodsPoster => Permission::ReadJournal,
            Paper::StocktakeSheet => Permission::CountStock,
            Paper::ShelfLabels | Paper::DonationReceipt | Paper::ThankYou => Permission::ReadStock,
            Paper::Settlement => Permission::ReadSettlements,
            Paper::Register | Paper::MonthSummary => Permission::ReadGoodsRegisters,
            Paper::CallBackSheet => Permission::ReadAudit,
            Paper::Broadcast | Paper::HonourBoard | Paper::OpenBook => Permission::ReadNominations,
            Paper::Certificate | Paper::Plaque => Permission::KeepSession,
            Paper::DividendRegister => Permission::ReadPointsRegisters,
        }
    }
}

/// What each paper's data is, and what finds it.
macro_rules! data {
    ($($paper:ident: $data:path = $load:path;)+) => {
        impl Paper {
            /// Its data, as JSON for the template.
            ///
            /// # Errors
            /// `Invalid` when the order lacks something; `NotFound`, also outside the orderer's reach.
            pub fn load(self, conn: &mut Conn, order: &Order) -> Result<Vec<u8>> {
                match self { $(Paper::$paper => json(&$load(conn, order)?),)+ }
            }

            /// Reads a file of data as this paper's, without a field missing or to spare.
            ///
            /// # Errors
            /// What is missing or to spare, in serde's words.
            pub fn read(self, data: &[u8]) -> Result<(), String> {
                match self { $(Paper::$paper => read::<$data>(data),)+ }
            }
        }
    };
}

data! {
    Statement: statement::Statement = statement::load;
    Slip: notice::Slips = notice::slips;
    Notice: notice::PublicNotice = notice::load;
    TitleNotice: title_notice::TitleNotice = title_notice::load;
    RuleBook: rules::RuleBook = rules::book;
    NominationForm: rules::NominationForm = rules::nomination_form;
    ConsentForm: household::ConsentForm = household::consent_form;
    ExpiryReminders: household::ExpiryReminders = household::expiry_reminders;
    SignInSheet: sheet::SignInSheet = sheet::sign_in;
    VolunteerSheet: volunteer_sheet::VolunteerSheet = volunteer_sheet::load;
    ScoreSheet: sheet::ScoreSheet = sheet::score;
    VisitRecord: sheet::VisitRecord = sheet::visit_record;
    Agenda: session::Agenda = session::agenda;
    Ballot: session::Ballot = session::ballot;
    TallySheet: session::TallySheet = session::tally_sheet;
    Minutes: session::Minutes = session::minutes;
    Letter: letter::Letter = letter::load;
    Receipt: receipt::Receipt = receipt::load;
    ShelfLabels: goods::ShelfLabels = goods::shelf_labels;
    GoodsPoster: goods::GoodsPoster = goods::poster;
    Handover: handover::Handover = handover::load;
    StocktakeSheet: stocktake::StocktakeSheet = stocktake::load;
    DonationReceipt: donation::DonationReceipt = donation::donation_receipt;
    ThankYou: donation::ThankYou = donation::thank_you;
    Settlement: settlement::Settlement = settlement::load;
    Register: register::Register = register::register;
    MonthSummary: register::MonthSummary = register::month_summary;
    OpenBook: open_book::OpenBook = open_book::load;
    CallBackSheet: call_back::CallBackSheet = call_back::load;
    Broadcast: broadcast::Broadcast = broadcast::load;
    HonourBoard: honour_board::HonourBoard = honour_board::load;
    Certificate: certificate::Certificate = certificate::load;
    Plaque: certificate::Plaque = certificate::plaque;
    DividendRegister: dividend::DividendRegister = dividend::load;
    AwardList: award_list::AwardList = award_list::load;
    Ceremony: ceremony::Ceremony = ceremony::load;
}

impl Paper {
    /// The code of the one household whose data the paper shows, whatever else its order names. Papers of many show none.
    ///
    /// # Errors
    /// As [`Paper::load`].
    pub fn household(self, conn: &mut Conn, order: &Order) -> Result<Option<String>> {
        let named = order.asked.household.as_deref().map(str::trim);
        let named = named.filter(|code| !code.is_empty()).map(str::to_owned);
        let shown = match self {
            Paper::Statement => return Ok(named),
            Paper::Certificate | Paper::Plaque => match (named, order.asked.id.as_deref().map(str::trim)) {
                (Some(code), _) => return Ok(Some(code)),
                (None, None | Some("")) => None,
                (None, Some(id)) => Some(award::by_id(conn, &Id::known(id))?.household_id),
            },
            Paper::ConsentForm => consent_form::by_number(conn, order.number()?)?.household_id,
            _ => None,
        };
        match shown {
            None => Ok(None),
            Some(id) => Ok(Some(places::household::by_id(conn, &id)?.code)),
        }
    }

    /// The data of a paper with the pictures that it names put in. It reads files: call it outside of every read and write.
    ///
    /// # Errors
    /// `Internal` when the data are not this paper's.
    pub fn illustrated(self, data: Vec<u8>, files: &Files) -> Result<Vec<u8>> {
        match self {
            Paper::GoodsPoster => with_pictures::<goods::GoodsPoster>(&data, files),
            Paper::ShelfLabels => with_pictures::<goods::ShelfLabels>(&data, files),
            _ => Ok(data),
        }
    }
}

fn with_pictures<Data: DeserializeOwned + Serialize + Illustrated>(data: &[u8], files: &Files) -> Result<Vec<u8>> {
    let mut data: Data = serde_json::from_slice(data).map_err(Error::internal)?;
    data.illustrate(files);
    json(&data)
}

fn read<Data: DeserializeOwned>(data: &[u8]) -> Result<(), String> {
    serde_json::from_slice::<Data>(data)
        .map(drop)
        .map_err(|cause| cause.to_string())
}

fn json(data: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(data).map_err(Error::internal)
}
