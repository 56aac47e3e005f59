//! Roles: the duties of the field, and what each permits.

use std::collections::HashSet;

use crate::db::text_enum;
use crate::id::Id;
use crate::places::area::{Area, Tree};

text_enum! {
    /// A duty that a person holds for an area.
    pub enum Role {
        /// Programme administrator at the township: rules, users, places. Awards nothing, sells nothing.
        Administrator = "administrator", "项目管理员";
        /// 网格员: nominates, verifies, hands out cards.
        GridWorker = "grid_worker", "网格员";
        /// 楼栋长: nominates.
        BuildingHead = "building_head", "楼栋长";
        /// 店长: works the counter.
        StoreManager = "store_manager", "店长";
        /// 库管监督员: receives stock.
        StoreSupervisor = "store_supervisor", "库管监督员";
        /// 定点商户店主: works the counter of the partner's shop of just this area, and reads what is settled with it.
        PartnerKeeper = "partner_keeper", "定点商户店主";
        /// 道德评议会成员.
        CouncilMember = "council_member", "评议会成员";
        /// 审计、监督委员会: reads everything, changes nothing.
        Auditor = "auditor", "监督审计";
    }
}

text_enum! {
    /// What a page or a call needs the visitor to be allowed.
    pub enum Permission {
        /// See households with their balances and statements.
        ReadHouseholds = "read_households", "查看住户";
        /// Nominate a household for an item.
        Nominate = "nominate", "申报";
        /// See nominations.
        ReadNominations = "read_nominations", "查看申报";
        /// Verify a nomination of someone else.
        Verify = "verify", "核实";
        /// See sessions, notices, objections and the budget.
        ReadCouncil = "read_council", "查看评议";
        /// Appoint council members and end their seats.
        SeatCouncil = "seat_council", "聘任评议会成员";
        /// Convene and keep sessions, key tallies, publish notices.
        KeepSession = "keep_session", "主持记录评议会";
        /// Vote in a session in which one has a seat.
        Vote = "vote", "评议投票";
        /// Take in an objection or appeal for somebody.
        TakeObjection = "take_objection", "登记异议申诉";
        /// Decide an objection or appeal in which one had no part.
        DecideObjection = "decide_objection", "处理异议申诉";
        /// Set how many points may be issued.
        SetBudget = "set_budget", "定发放预算";
        /// Issue reminder notes.
        IssueReminders = "issue_reminders", "开提醒单";
        /// Hand reminder notes over, write down what became of them and what the household says.
        HandleReminders = "handle_reminders", "办理提醒单";
        /// Confirm as a second person that something is unfixed; decide about objections to notes.
        ConfirmReminders = "confirm_reminders", "复核提醒单";
        /// See reminder notes as long as there is something to do.
        ReadReminders = "read_reminders", "查看提醒单";
        /// See reminder notes that are over.
        ReadClosedReminders = "read_closed_reminders", "查看已了结的提醒单";
        /// Mark homes on visits, and key the judges' paper.
        MarkVisits = "mark_visits", "入户评比";
        /// See home-visit sheets.
        ReadVisits = "read_visits", "查看入户评比";
        /// Add photographs to a nomination.
        AttachEvidence = "attach_evidence", "补充照片";
        /// Announce and cancel volunteer events; write down help between households.
        KeepVolunteering = "keep_volunteering", "办志愿活动与互助";
        /// Issue and stop cards.
        IssueCards = "issue_cards", "制发积分卡";
        /// Work the counter: redeem and void.
        Redeem = "redeem", "兑换";
        /// Audit the shifts of others.
        AuditShifts = "audit_shifts", "稽核交班";
        /// Set a store's rules, tills and opening days.
        KeepStore = "keep_store", "管理超市";
        /// See the journal of the counter.
        ReadJournal = "read_journal", "查看柜台流水";
        /// See goods and stock.
        ReadStock = "read_stock", "查看库存";
        /// Receive stock.
        ReceiveStock = "receive_stock", "入库";
        /// Keep the catalogue: goods, prices, photographs; decide wishes.
        KeepGoods = "keep_goods", "管理商品";
        /// Count stock and propose write-offs.
        CountStock = "count_stock", "盘点报损";
        /// Confirm a write-off or a stocktake that somebody else made.
        ConfirmStock = "confirm_stock", "确认盘点报损";
        /// Write down wishes and the voices for them.
        RecordWishes = "record_wishes", "登记心愿";
        /// Read the registers of goods: stock in and out, donations, the goods of the monthly summary.
        ReadGoodsRegisters = "read_goods_registers", "查看商品台账";
        /// Read the registers of points: issued, redeemed, the points of the monthly summary.
        ReadPointsRegisters = "read_points_registers", "查看积分台账";
        /// Agree with partners' shops, make their statements, decide disputes, record payments.
        KeepPartners = "keep_partners", "管理定点商户";
        /// Read what is settled with partners' shops.
        ReadSettlements = "read_settlements", "查看结算单";
        /// Dispute a line of a statement, and confirm a statement that somebody else made.
        AnswerSettlements = "answer_settlements", "核对结算单";
        /// Manage users and their roles.
        ManageUsers = "manage_users", "管理用户";
        /// Load a version of the rules; import households.
        ManageProgramme = "manage_programme", "管理方案与住户";
        /// Register that a household splits, merges, moves, leaves or comes back, and what it agrees to.
        ChangeHouseholds = "change_households", "办理住户变更";
        /// Read drafts of the rules; review those of others, and confirm overrides.
        ReviewScheme = "review_scheme", "审核方案";
        /// See who did what.
        ReadAudit = "read_audit", "查看操作记录";
        /// Read the sentences that households wrote about the services.
        ReadFeedback = "read_feedback", "查看评价意见";
    }
}

impl Role {
    /// What the duty permits: the one table of it.
    #[must_use]
    pub fn permits(self, permission: Permission) -> bool {
        use Permission as P;
        let permitted: &[Permission] = match self {
            Role::Administrator => &[
                P::ReadHouseholds,
                P::ReadNominations,
                P::ReadCouncil,
                P::SeatCouncil,
                P::KeepSession,
                P::TakeObjection,
                P::DecideObjection,
                P::SetBudget,
                P::HandleReminders,
                P::ConfirmReminders,
                P::ReadReminders,
                P::ReadVisits,
                P::KeepVolunteering,
                P::IssueCards,
                P::ChangeHouseholds,
                P::AuditShifts,
                P::KeepStore,
                P::ReadJournal,
                P::ReadStock,
                P::KeepGoods,
                P::ConfirmStock,
                P::RecordWishes,
                P::ReadGoodsRegisters,
                P::ReadPointsRegisters,
                P::KeepPartners,
                P::ReadSettlements,
                P::AnswerSettlements,
                P::ManageUsers,
                P::ManageProgramme,
                P::ReviewScheme,
                P::ReadAudit,
            ],
            Role::GridWorker => &[
                P::ReadHouseholds,
                P::Nominate,
                P::ReadNominations,
                P::Verify,
                P::ReadCouncil,
                P::TakeObjection,
                P::IssueReminders,
                P::HandleReminders,
                P::ConfirmReminders,
                P::ReadReminders,
                P::MarkVisits,
                P::ReadVisits,
                P::AttachEvidence,
                P::KeepVolunteering,
                P::IssueCards,
                P::ChangeHouseholds,
            ],
            Role::BuildingHead => &[
                P::ReadHouseholds,
                P::Nominate,
                P::ReadNominations,
                P::TakeObjection,
                P::IssueReminders,
                P::HandleReminders,
                P::ReadReminders,
                P::MarkVisits,
                P::ReadVisits,
                P::AttachEvidence,
            ],
            Role::StoreManager => &[
                P::Redeem,
                P::ReadJournal,
                P::ReadStock,
                P::CountStock,
                P::RecordWishes,
                P::TakeObjection,
            ],
            Role::StoreSupervisor => &[
                P::AuditShifts,
                P::ReadJournal,
                P::ReadStock,
                P::ReceiveStock,
                P::KeepGoods,
                P::CountStock,
                P::ConfirmStock,
                P::RecordWishes,
                P::ReadGoodsRegisters,
            ],
            Role::PartnerKeeper => &[P::Redeem, P::ReadJournal, P::ReadSettlements, P::AnswerSettlements],
            Role::CouncilMember => &[
                P::ReadHouseholds,
                P::ReadNominations,
                P::Verify,
                P::ReadCouncil,
                P::KeepSession,
                P::Vote,
                P::DecideObjection,
                P::MarkVisits,
                P::ReadVisits,
                P::AttachEvidence,
                P::ReviewScheme,
            ],
            Role::Auditor => &[
                P::ReadHouseholds,
                P::ReadNominations,
                P::ReadCouncil,
                P::ReadReminders,
                P::ReadClosedReminders,
                P::ReadVisits,
                P::ReadJournal,
                P::ReadStock,
                P::ReadGoodsRegisters,
                P::ReadPointsRegisters,
                P::ReadSettlements,
                P::ReadAudit,
                P::ReadFeedback,
            ],
        };
        permitted.contains(&permission)
    }
}

impl Role {
    /// May one person hold both? Who sells does not keep the stock; who audits does nothing else (`domain.md` A15).
    #[must_use]
    pub fn goes_with(self, other: Role) -> bool {
        let apart = |one, two| matches!((one, two), (Role::StoreManager, Role::StoreSupervisor));
        let audits = (self == Role::Auditor) != (other == Role::Auditor);
        // A partner is paid by the programme: it holds no duty of it.
        let sells = self.is_partners() != other.is_partners();
        !audits && !sells && !apart(self, other) && !apart(other, self)
    }
}

impl Role {
    /// Is it a partner's, not the programme's own?
    #[must_use]
    pub fn is_partners(self) -> bool {
        self == Role::PartnerKeeper
    }
}

/// The duties of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Duties(pub Vec<(Role, Id<Area>)>);

/// Where a permission holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the whole programme.
    Everywhere,
    /// In these buildings.
    Buildings(HashSet<Id<Area>>),
}

impl Duties {
    /// Is it permitted anywhere?
    #[must_use]
    pub fn permit(&self, permission: Permission) -> bool {
        self.0.iter().any(|(role, _)| role.permits(permission))
    }

    /// What they are called, each once; `工作人员` for somebody who has none any more.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut labels: Vec<&str> = self.0.iter().map(|(role, _)| role.label()).collect();
        labels.dedup();
        match labels.is_empty() {
            true => "工作人员".to_owned(),
            false => labels.join("、"),
        }
    }

    /// Where it is permitted.
    #[must_use]
    pub fn reach(&self, permission: Permission, tree: &Tree) -> Reach {
        let mut buildings = HashSet::new();
        for (role, area) in &self.0 {
            let Some(area) = tree.get(area).filter(|_| role.permits(permission)) else {
                continue;
            };
            if area.parent_id.is_none() {
                return Reach::Everywhere;
            }
            let inside = tree.all().iter().filter(|other| other.path.starts_with(&area.path));
            buildings.extend(inside.map(|other| other.id.clone()));
        }
        Reach::Buildings(buildings)
    }
}

impl Reach {
    /// Is this building inside?
    #[must_use]
    pub fn covers(&self, building: &Id<Area>) -> bool {
        match self {
            Reach::Everywhere => true,
            Reach::Buildings(buildings) => buildings.contains(building),
        }
    }

    /// The buildings to look in; `None` for everywhere.
    #[must_use]
    pub fn buildings(&self) -> Option<Vec<Id<Area>>> {
        match self {
            Reach::Everywhere => None,
            Reach::Buildings(buildings) => Some(buildings.iter().cloned().collect()),
        }
    }
}
