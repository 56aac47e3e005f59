//! Every door of the house in one table: method, path, who may enter, handler. Grouped by room.
//!
//! A door that is not in the table does not exist, and a line without a `Who` does not compile. `tests/doors.rs` tries every
//! door as every role against a snapshot; `tests/api/description.rs` holds `static/openapi.json` against the lines below `/api`.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::access::role::Permission as P;
use crate::app::App;
use crate::guard::Who::{Anyone, Household, May, SignedIn};
use crate::guard::{Who, guard, harden};
use crate::papers::paper::Paper;
use crate::{
    access, assets, boards, cards, council, demo, dividends, feedback, honours, language, papers, places, registers,
    registry, resident, retention, scheme, shop, statements, volunteering,
};

/// One door.
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may enter.
    pub who: Who,
    /// Does the door exist in the demo only?
    pub only_in_demo: bool,
    handler: MethodRouter<App>,
}

impl Route {
    /// The same door for larger bodies than [`BODY_LIMIT`].
    fn with_body_limit(self, bytes: usize) -> Route {
        let handler = self.handler.layer(DefaultBodyLimit::max(bytes));
        Route { handler, ..self }
    }

    /// A door that only the demo has.
    fn only_in_demo(self) -> Route {
        Route {
            only_in_demo: true,
            ..self
        }
    }
}

/// The table.
#[must_use]
pub fn table() -> Vec<Route> {
    let mut table = rooms();
    table.extend(Paper::ALL.iter().map(|paper| {
        let paper = *paper;
        get(paper.path(), May(paper.permission()), move |app, staff, asked| {
            papers::web::paper(paper, app, staff, asked)
        })
    }));
    table
}

fn rooms() -> Vec<Route> {
    vec![
        // Public.
        get("/", Anyone, access::web::start),
        get("/healthz", Anyone, assets::healthz),
        get("/static/{*path}", Anyone, assets::serve),
        post("/language", Anyone, language::choose),
        get("/scheme", Anyone, scheme::web::rules),
        get("/scheme/versions", Anyone, scheme::web::versions),
        get("/scheme/versions/{number}", Anyone, scheme::web::version),
        get("/scheme/versions/{number}/file", Anyone, scheme::web::export),
        get("/scheme/difference", Anyone, scheme::web::difference),
        get("/K/{token}", Anyone, cards::web::found),
        get("/notices", Anyone, council::web::notices),
        get("/notices/{number}", Anyone, council::web::notice),
        get("/board", Anyone, boards::web::board),
        get("/board/kiosk", Anyone, boards::web::kiosk),
        get("/board/photos/{id}", Anyone, boards::web::board_photo),
        get("/open-book", Anyone, registers::web::open_book),
        get("/feedback", Anyone, feedback::web::ratings),
        get("/K/{token}/deed", Anyone, council::web::deed_form),
        post("/K/{token}/deed", Anyone, council::web::report_deed),
        // Access.
        get("/first-run", Anyone, access::web::first_run),
        post("/first-run", Anyone, access::web::found),
        get("/sign-in", Anyone, access::web::sign_in_form),
        post("/sign-in", Anyone, access::web::sign_in),
        post("/sign-out", SignedIn, access::web::sign_out),
        get("/desk", SignedIn, access::web::desk),
        get("/users", May(P::ManageUsers), access::web::users),
        post("/users", May(P::ManageUsers), access::web::add_user),
        post(
            "/users/{name}/disabling",
            May(P::ManageUsers),
            access::web::disable_user,
        ),
        get("/users/{name}", May(P::ManageUsers), access::web::duties),
        post("/users/{name}/duties", May(P::ManageUsers), access::web::add_duty),
        post("/users/{name}/duty-ending", May(P::ManageUsers), access::web::end_duty),
        get("/audit", May(P::ReadAudit), access::web::audit),
        // Places.
        get("/households", May(P::ReadHouseholds), places::web::households),
        get("/households/{code}", May(P::ReadHouseholds), places::web::household),
        get("/programme", May(P::ManageProgramme), places::web::programme),
        post("/programme", May(P::ManageProgramme), places::web::change_programme),
        get("/import", May(P::ManageProgramme), places::web::import_form),
        post("/import", May(P::ManageProgramme), places::web::import).with_body_limit(ROSTER_LIMIT),
        // Registry.
        get("/areas", May(P::ManageProgramme), registry::web::areas),
        post("/areas", May(P::ManageProgramme), registry::web::move_area),
        get("/households/{code}/lookups", May(P::ReadAudit), access::web::lookups),
        get("/expiring", May(P::ReadHouseholds), registry::web::expiring),
        get(
            "/households/{code}/changes",
            May(P::ChangeHouseholds),
            registry::web::changes,
        ),
        get(
            "/households/{code}/changes/{kind}",
            May(P::ChangeHouseholds),
            registry::web::change_form,
        ),
        post(
            "/households/{code}/changes/{kind}",
            May(P::ChangeHouseholds),
            registry::web::change,
        ),
        get(
            "/households/{code}/enrolment",
            May(P::ChangeHouseholds),
            registry::web::enrolment,
        ),
        post(
            "/households/{code}/consents",
            May(P::ChangeHouseholds),
            registry::web::decide,
        ),
        // Scheme: versions on their way.
        get(
            "/scheme/versions/{number}/scan",
            May(P::ReadNominations),
            scheme::web::scan,
        ),
        post(
            "/scheme/versions/{number}/suspension",
            May(P::ManageProgramme),
            scheme::web::suspend,
        ),
        post("/scheme/drafts", May(P::ManageProgramme), scheme::web::begin),
        post("/scheme/drafts/import", May(P::ManageProgramme), scheme::web::import).with_body_limit(SCHEME_LIMIT),
        get("/scheme/drafts/{id}", May(P::ReviewScheme), scheme::web::draft),
        get(
            "/scheme/drafts/{id}/items/new",
            May(P::ManageProgramme),
            scheme::web::new_item_form,
        ),
        get(
            "/scheme/drafts/{id}/items/{code}",
            May(P::ManageProgramme),
            scheme::web::item_form,
        ),
        post(
            "/scheme/drafts/{id}/items",
            May(P::ManageProgramme),
            scheme::web::put_item,
        ),
        post(
            "/scheme/drafts/{id}/categories",
            May(P::ManageProgramme),
            scheme::web::put_category,
        ),
        post(
            "/scheme/drafts/{id}/terms",
            May(P::ManageProgramme),
            scheme::web::change_terms,
        ),
        post(
            "/scheme/drafts/{id}/submission",
            May(P::ManageProgramme),
            scheme::web::submit,
        ),
        post("/scheme/drafts/{id}/review", May(P::ReviewScheme), scheme::web::review),
        post(
            "/scheme/drafts/{id}/overrides",
            May(P::ManageProgramme),
            scheme::web::override_finding,
        ),
        post(
            "/scheme/drafts/{id}/override-confirmations",
            May(P::ReviewScheme),
            scheme::web::confirm_override,
        ),
        post(
            "/scheme/drafts/{id}/adoption",
            May(P::ManageProgramme),
            scheme::web::adopt,
        )
        .with_body_limit(SCAN_LIMIT),
        // Papers; each has a door of its own besides.
        get("/papers", SignedIn, papers::web::papers),
        post(
            "/consent-forms",
            May(P::ChangeHouseholds),
            papers::web::number_consent_form,
        ),
        get("/papers/preview/{paper}", May(P::ManageProgramme), papers::web::preview),
        get(
            "/papers/preview/{paper}/picture",
            May(P::ManageProgramme),
            papers::web::preview_page,
        ),
        get("/forms", SignedIn, papers::web::forms),
        post("/forms", SignedIn, papers::web::find).with_body_limit(PHOTO_LIMIT),
        get("/forms/{number}", SignedIn, papers::web::form),
        post("/forms/{number}", SignedIn, papers::web::key_in),
        get("/print-jobs", SignedIn, papers::web::jobs),
        post("/print-jobs", SignedIn, papers::web::ask),
        get("/print-jobs/{id}", SignedIn, papers::web::job),
        post("/print-jobs/{id}/state", SignedIn, papers::web::stop),
        post("/print-jobs/{id}/discarding", SignedIn, papers::web::discard),
        get("/print-jobs/{id}/files/{position}", SignedIn, papers::web::file),
        get("/year-end", May(P::ReadNominations), papers::web::year_end),
        get(
            "/year-end/file.xlsx",
            May(P::ReadNominations),
            papers::web::year_end_file,
        ),
        // What is read out.
        get("/broadcast", May(P::ReadNominations), boards::web::broadcast),
        get("/broadcast/script.txt", May(P::ReadNominations), boards::web::script),
        get("/broadcast/speech.wav", May(P::ReadNominations), boards::web::speech),
        // Photographs on the board.
        get("/board/pictures", May(P::KeepSession), boards::web::pictures),
        post("/board/pictures", May(P::KeepSession), boards::web::add_picture).with_body_limit(PHOTO_LIMIT),
        get("/board/pictures/new", May(P::KeepSession), boards::web::new_picture),
        get("/board/pictures/{id}", May(P::KeepSession), boards::web::picture),
        get(
            "/board/pictures/{id}/file",
            May(P::KeepSession),
            boards::web::picture_file,
        ),
        post(
            "/board/pictures/{id}/decision",
            May(P::KeepSession),
            boards::web::decide_picture,
        ),
        // Cards.
        post("/households/{code}/cards", May(P::IssueCards), cards::web::issue),
        post("/households/{code}/card-stop", May(P::IssueCards), cards::web::stop),
        // Council.
        get("/nominations", May(P::ReadNominations), council::web::nominations),
        get("/gatherings", May(P::ReadNominations), council::web::gatherings),
        post("/gatherings", May(P::Nominate), council::web::open),
        get("/gatherings/{id}", May(P::ReadNominations), council::web::gathering),
        post("/gatherings/{id}/sign-ins", May(P::Nominate), council::web::sign_in).with_body_limit(PHOTO_LIMIT),
        post("/gatherings/{id}/strikes", May(P::Nominate), council::web::strike),
        post("/gatherings/{id}/closing", May(P::Nominate), council::web::close),
        get(
            "/nominations/confirmations",
            May(P::Nominate),
            resident::web::confirmations,
        ),
        post(
            "/nominations/confirmations",
            May(P::Nominate),
            resident::web::file_confirmations,
        ),
        post(
            "/nominations/confirmations/paper",
            May(P::Nominate),
            resident::web::take_confirmation,
        ),
        get("/nominations/new", May(P::Nominate), council::web::nominate_form),
        post("/nominations/household", May(P::Nominate), council::web::find_household).with_body_limit(PHOTO_LIMIT),
        post("/nominations/check", May(P::Nominate), council::web::check),
        post("/nominations", May(P::Nominate), council::web::nominate).with_body_limit(PHOTOS_LIMIT),
        get("/nominations/{id}", May(P::ReadNominations), council::web::nomination),
        post("/nominations/{id}/withdrawal", May(P::Nominate), council::web::withdraw),
        post(
            "/nominations/{id}/evidence",
            May(P::AttachEvidence),
            council::web::add_evidence,
        )
        .with_body_limit(PHOTOS_LIMIT),
        get(
            "/nominations/{id}/evidence/{evidence}",
            May(P::ReadNominations),
            council::web::show_evidence,
        ),
        post("/nominations/{id}/verification", May(P::Verify), council::web::verify),
        get("/reminders", May(P::ReadReminders), council::web::reminders),
        get("/reminders/new", May(P::IssueReminders), council::web::remind_form),
        post("/reminders", May(P::IssueReminders), council::web::remind),
        get("/reminders/{id}", May(P::ReadReminders), council::web::reminder),
        post(
            "/reminders/{id}/delivery",
            May(P::HandleReminders),
            council::web::deliver_reminder,
        ),
        post(
            "/reminders/{id}/fixing",
            May(P::HandleReminders),
            council::web::fix_reminder,
        ),
        post(
            "/reminders/{id}/withdrawal",
            May(P::HandleReminders),
            council::web::withdraw_reminder,
        ),
        post(
            "/reminders/{id}/confirmation",
            May(P::ConfirmReminders),
            council::web::confirm_reminder,
        ),
        post(
            "/reminders/{id}/objection",
            May(P::HandleReminders),
            council::web::object_to_reminder,
        ),
        post(
            "/reminders/{id}/objection/decision",
            May(P::ConfirmReminders),
            council::web::decide_objection_to_reminder,
        ),
        get("/visits", May(P::ReadVisits), council::web::visits),
        get("/visits/new", May(P::MarkVisits), council::web::visit_form),
        post("/visits", May(P::MarkVisits), council::web::make_visit),
        get("/visits/{id}", May(P::ReadVisits), council::web::visit),
        get("/visits/{id}/marks", May(P::MarkVisits), council::web::visit_marks),
        post(
            "/visits/{id}/marks",
            May(P::MarkVisits),
            council::web::write_visit_marks,
        ),
        post("/visits/{id}/closing", May(P::MarkVisits), council::web::close_visit),
        post(
            "/visits/{id}/discarding",
            May(P::MarkVisits),
            council::web::discard_visit,
        ),
        // Council: members, sessions, votes.
        get("/council", May(P::ReadCouncil), council::web::members),
        post("/council/members", May(P::SeatCouncil), council::web::appoint),
        get("/council/members/{id}", May(P::ReadCouncil), council::web::member),
        post(
            "/council/members/{id}/ending",
            May(P::SeatCouncil),
            council::web::end_seat,
        ),
        post(
            "/council/members/{id}/kin",
            May(P::KeepSession),
            council::web::declare_kin,
        ),
        post(
            "/council/members/{id}/kin/withdrawal",
            May(P::SeatCouncil),
            council::web::withdraw_kin,
        ),
        get("/sessions", May(P::ReadCouncil), council::web::sessions),
        post("/sessions", May(P::KeepSession), council::web::convene),
        get("/sessions/{number}", May(P::ReadCouncil), council::web::session),
        get("/sessions/{number}/screen", May(P::ReadCouncil), council::web::screen),
        get("/sessions/{number}/minutes", May(P::ReadCouncil), council::web::minutes),
        post(
            "/sessions/{number}/opening",
            May(P::KeepSession),
            council::web::open_session,
        ),
        post(
            "/sessions/{number}/cancellation",
            May(P::KeepSession),
            council::web::cancel,
        ),
        post("/sessions/{number}/arrivals", May(P::KeepSession), council::web::arrive),
        post("/sessions/{number}/hands", May(P::KeepSession), council::web::hands),
        post(
            "/sessions/{number}/separations",
            May(P::KeepSession),
            council::web::separate,
        ),
        post(
            "/sessions/{number}/recusals",
            May(P::KeepSession),
            council::web::step_back,
        ),
        post(
            "/sessions/{number}/end-of-voting",
            May(P::KeepSession),
            council::web::end_voting,
        ),
        post("/sessions/{number}/tallies", May(P::KeepSession), council::web::tally),
        post(
            "/sessions/{number}/closing",
            May(P::KeepSession),
            council::web::close_session,
        ),
        get("/vote", May(P::Vote), council::web::vote_form),
        post("/vote", May(P::Vote), council::web::vote),
        post("/vote/arrival", May(P::Vote), council::web::arrive_oneself),
        // Objections, appeals, corrections.
        get("/objections/new", Anyone, council::web::object_form),
        get(
            "/objections/take",
            May(P::TakeObjection),
            council::web::take_objection_form,
        ),
        post("/objections/take", May(P::TakeObjection), council::web::take_objection),
        get("/objections", May(P::ReadCouncil), council::web::objections),
        post("/objections", Anyone, council::web::object),
        get("/objections/{receipt}", Anyone, council::web::objection_receipt),
        get(
            "/objections/{receipt}/decision",
            May(P::ReadCouncil),
            council::web::objection,
        ),
        post(
            "/objections/{receipt}/decision",
            May(P::DecideObjection),
            council::web::decide_objection,
        ),
        get("/receipts", Anyone, council::web::receipts),
        get("/K/{token}/appeal", Anyone, council::web::appeal_form),
        post("/K/{token}/appeal", Anyone, council::web::appeal),
        get("/appeals", May(P::ReadCouncil), council::web::appeals),
        get("/appeals/take", May(P::TakeObjection), council::web::take_appeal_form),
        post("/appeals/take", May(P::TakeObjection), council::web::take_appeal),
        get("/appeals/{receipt}", Anyone, council::web::appeal_receipt),
        get("/appeals/{receipt}/hearing", May(P::ReadCouncil), council::web::hearing),
        post(
            "/appeals/{receipt}/hearing",
            May(P::DecideObjection),
            council::web::hold_hearing,
        ),
        post(
            "/appeals/{receipt}/panel",
            May(P::DecideObjection),
            council::web::name_panel,
        ),
        post(
            "/appeals/{receipt}/opinions",
            May(P::DecideObjection),
            council::web::give_opinion,
        ),
        post(
            "/appeals/{receipt}/settlement",
            May(P::DecideObjection),
            council::web::settle_appeal,
        ),
        post(
            "/appeals/{receipt}/withdrawal",
            May(P::TakeObjection),
            council::web::withdraw_appeal,
        ),
        get("/corrections", May(P::ReadCouncil), council::web::corrections),
        get(
            "/corrections/new",
            May(P::DecideObjection),
            council::web::correction_form,
        ),
        post(
            "/corrections",
            May(P::DecideObjection),
            council::web::propose_correction,
        ),
        get("/corrections/{id}", May(P::ReadCouncil), council::web::correction),
        post(
            "/corrections/{id}/decision",
            May(P::DecideObjection),
            council::web::decide_correction,
        ),
        get("/budget", May(P::ReadCouncil), council::web::budget),
        post("/budget", May(P::SetBudget), council::web::set_budget),
        get("/sessions/{number}/notice", May(P::KeepSession), council::web::draft),
        post("/sessions/{number}/notice", May(P::KeepSession), council::web::publish),
        // Honours: titles, who is to have one, the ballot, the notice, and what is said against it.
        get("/titles", May(P::ReadNominations), honours::web::titles),
        post("/titles", May(P::ManageProgramme), honours::web::define),
        post("/titles/rules", May(P::ManageProgramme), honours::web::enter_from_rules),
        post("/titles/{id}/retirement", May(P::ManageProgramme), honours::web::retire),
        get("/titles/year", May(P::ReadNominations), honours::web::year),
        get("/stars", May(P::ReadNominations), honours::web::stars),
        post("/stars", May(P::ManageProgramme), honours::web::define_star),
        post(
            "/stars/{id}/retirement",
            May(P::ManageProgramme),
            honours::web::retire_star,
        ),
        get(
            "/households/{code}/stars",
            May(P::ReadHouseholds),
            honours::web::stars_of,
        ),
        post("/households/{code}/stars", May(P::KeepSession), honours::web::give_star),
        post("/star-entries", May(P::KeepSession), honours::web::key_stars),
        get("/star-entries/{id}", May(P::ReadCouncil), honours::web::star_entry),
        post(
            "/star-entries/{id}/decision",
            May(P::KeepSession),
            honours::web::decide_entry,
        ),
        get("/title-awards", May(P::ReadNominations), honours::web::awards),
        get("/title-awards/new", May(P::Nominate), honours::web::nominate_form),
        post("/title-awards", May(P::Nominate), honours::web::nominate),
        get("/title-awards/{id}", May(P::ReadNominations), honours::web::award),
        post("/title-awards/{id}/verification", May(P::Verify), honours::web::verify),
        post(
            "/title-awards/{id}/withdrawal",
            May(P::Nominate),
            honours::web::withdraw,
        ),
        post(
            "/title-awards/{id}/appeals",
            May(P::TakeObjection),
            honours::web::file_appeal,
        ),
        get("/sessions/{number}/titles", May(P::ReadCouncil), honours::web::ballot),
        post(
            "/sessions/{number}/titles",
            May(P::KeepSession),
            honours::web::key_counts,
        ),
        post(
            "/sessions/{number}/title-notice",
            May(P::KeepSession),
            honours::web::publish,
        ),
        get("/title-notices", Anyone, honours::web::notices),
        get("/title-notices/{number}", Anyone, honours::web::notice),
        get("/title-objections/new", Anyone, honours::web::object_form),
        post("/title-objections", Anyone, honours::web::object),
        get("/title-objections/{receipt}", Anyone, honours::web::objection_receipt),
        get(
            "/title-objections/{receipt}/decision",
            May(P::ReadCouncil),
            honours::web::objection,
        ),
        post(
            "/title-objections/{receipt}/decision",
            May(P::DecideObjection),
            honours::web::decide_objection,
        ),
        get("/title-appeals/{receipt}", Anyone, honours::web::appeal_receipt),
        get(
            "/title-appeals/{receipt}/hearing",
            May(P::ReadCouncil),
            honours::web::appeal,
        ),
        post(
            "/title-appeals/{receipt}/panel",
            May(P::DecideObjection),
            honours::web::name_panel,
        ),
        post(
            "/title-appeals/{receipt}/opinions",
            May(P::DecideObjection),
            honours::web::give_opinion,
        ),
        // Volunteering: events and who came, help hour for hour, the register of both.
        get("/volunteering", May(P::ReadNominations), volunteering::web::events),
        post("/volunteering", May(P::KeepVolunteering), volunteering::web::announce),
        get(
            "/volunteering/new",
            May(P::KeepVolunteering),
            volunteering::web::new_event,
        ),
        get(
            "/volunteering/register",
            May(P::ReadNominations),
            volunteering::web::register,
        ),
        post(
            "/volunteering/pool",
            May(P::ManageProgramme),
            volunteering::web::set_pool_limit,
        ),
        get("/volunteering/{id}", May(P::ReadNominations), volunteering::web::event),
        post(
            "/volunteering/{id}/arrivals",
            May(P::Nominate),
            volunteering::web::arrive,
        ),
        post(
            "/volunteering/{id}/departures",
            May(P::Nominate),
            volunteering::web::depart,
        ),
        post("/volunteering/{id}/times", May(P::Nominate), volunteering::web::key_in),
        post(
            "/volunteering/{id}/strikes",
            May(P::Nominate),
            volunteering::web::strike,
        ),
        post(
            "/volunteering/{id}/confirmation",
            May(P::Verify),
            volunteering::web::confirm,
        ),
        post(
            "/volunteering/{id}/cancellation",
            May(P::KeepVolunteering),
            volunteering::web::cancel,
        ),
        post(
            "/volunteering/{id}/corrections",
            May(P::Verify),
            volunteering::web::correct,
        ),
        get("/time-helps", May(P::ReadNominations), volunteering::web::helps),
        post("/time-helps", May(P::KeepVolunteering), volunteering::web::record_help),
        get("/time-helps/{id}", May(P::ReadNominations), volunteering::web::help),
        post(
            "/time-helps/{id}/correction",
            May(P::Verify),
            volunteering::web::correct_help,
        ),
        // Shop.
        get("/counter", May(P::Redeem), shop::web::counter),
        post("/counter", May(P::Redeem), shop::web::show_card),
        get("/counter/goods", May(P::Redeem), shop::web::goods_at_the_counter),
        get("/counter/goods/left", May(P::Redeem), shop::web::left_at_the_counter),
        post("/counter/photo", May(P::Redeem), shop::web::show_photo).with_body_limit(PHOTO_LIMIT),
        get("/counter/try-scan", May(P::Redeem), shop::web::try_scan),
        post("/counter/try-scan", May(P::Redeem), shop::web::try_scan_text),
        post("/counter/quote", May(P::Redeem), shop::web::quote),
        get("/counter/sw.js", Anyone, assets::worker),
        post("/counter/offline/hold", May(P::Redeem), shop::web::take_hold),
        post("/counter/offline/beat", May(P::Redeem), shop::web::beat),
        post("/counter/offline/sales", May(P::Redeem), shop::web::settle),
        post("/counter/offline/return", May(P::Redeem), shop::web::give_back),
        get("/offline-sales", May(P::ReadJournal), shop::web::offline_sales),
        post(
            "/offline-sales/{number}",
            May(P::AuditShifts),
            shop::web::decide_offline_sale,
        ),
        post("/counter/holds", May(P::Redeem), shop::web::hold),
        post("/counter/holds/{id}", May(P::Redeem), shop::web::take_up),
        get("/shift", May(P::Redeem), shop::web::shift),
        post("/shift", May(P::Redeem), shop::web::open_shift),
        get("/shifts", May(P::ReadJournal), shop::web::shifts),
        get("/shifts/{number}", May(P::ReadJournal), shop::web::handover),
        post("/shifts/{number}/closing", May(P::Redeem), shop::web::close_shift),
        post("/shifts/{number}/audit", May(P::AuditShifts), shop::web::audit_shift),
        get("/store", May(P::ReadJournal), shop::web::store),
        post("/store/opening", May(P::KeepStore), shop::web::set_opening),
        post("/store/days", May(P::KeepStore), shop::web::set_day),
        post("/store/tills", May(P::KeepStore), shop::web::add_till),
        post(
            "/store/tills/{id}/withdrawal",
            May(P::KeepStore),
            shop::web::withdraw_till,
        ),
        post("/store/rules", May(P::KeepStore), shop::web::set_rules),
        get("/deliveries", May(P::ReadJournal), shop::web::deliveries),
        get("/deliveries/pick-list", May(P::ReadJournal), shop::web::pick_list),
        post("/deliveries/{id}/packing", May(P::Redeem), shop::web::pack_delivery),
        post("/deliveries/{id}/ending", May(P::Redeem), shop::web::end_delivery),
        get("/households/{code}/proxies", May(P::ReadHouseholds), shop::web::proxies),
        post(
            "/households/{code}/proxies",
            May(P::ChangeHouseholds),
            shop::web::register_proxy,
        ),
        post(
            "/households/{code}/proxies/{id}/ending",
            May(P::ChangeHouseholds),
            shop::web::end_proxy,
        ),
        post("/households/{code}/pin", May(P::ChangeHouseholds), shop::web::set_pin),
        post(
            "/households/{code}/pin-unlocking",
            May(P::ChangeHouseholds),
            shop::web::unlock_pin,
        ),
        post("/redemptions", May(P::Redeem), shop::web::redeem),
        get("/redemptions/{id}", May(P::ReadJournal), shop::web::slip),
        post("/redemptions/{id}/void", May(P::Redeem), shop::web::void),
        post("/redemptions/{id}/refund", May(P::Redeem), shop::web::refund),
        get("/journal", May(P::ReadJournal), shop::web::journal),
        get("/stock", May(P::ReadStock), shop::web::stock),
        post("/stock/receipts", May(P::ReceiveStock), shop::web::receive),
        get("/goods", May(P::ReadStock), shop::web::goods),
        get("/goods/new", May(P::KeepGoods), shop::web::new_goods),
        post("/goods", May(P::KeepGoods), shop::web::add_goods),
        get("/goods/file.csv", May(P::ReadStock), shop::web::goods_csv),
        get("/goods/file.xlsx", May(P::ReadStock), shop::web::goods_xlsx),
        get("/goods/import", May(P::KeepGoods), shop::web::import_form),
        post("/goods/import", May(P::KeepGoods), shop::web::import_goods).with_body_limit(SCHEME_LIMIT),
        get("/goods/{sku}", May(P::ReadStock), shop::web::goods_item),
        get("/goods/{sku}/description", May(P::KeepGoods), shop::web::goods_form),
        post("/goods/{sku}/description", May(P::KeepGoods), shop::web::describe_goods),
        post("/goods/{sku}/prices", May(P::KeepGoods), shop::web::set_price),
        post("/goods/{sku}/offering", May(P::KeepGoods), shop::web::offer_goods),
        get("/goods/{sku}/photo", May(P::ReadStock), shop::web::show_goods_photo),
        post("/goods/{sku}/photo", May(P::KeepGoods), shop::web::add_photo).with_body_limit(PHOTO_LIMIT),
        get("/stock/receipts", May(P::ReadStock), shop::web::receipts),
        get("/stock/receipts/new", May(P::ReceiveStock), shop::web::new_receipt),
        post("/stock/receipts/new", May(P::ReceiveStock), shop::web::add_receipt),
        get("/stock/receipts/{number}", May(P::ReadStock), shop::web::receipt),
        get("/stock/transfers/new", May(P::ReceiveStock), shop::web::transfer_form),
        post("/stock/transfers", May(P::ReceiveStock), shop::web::transfer),
        get("/stock/lists", May(P::ReadStock), shop::web::lists),
        get("/stock/lists/order.csv", May(P::ReadStock), shop::web::order_csv),
        get("/stock/write-offs", May(P::ReadStock), shop::web::write_offs),
        post("/stock/write-offs", May(P::CountStock), shop::web::propose_write_off),
        get("/stock/write-offs/new", May(P::CountStock), shop::web::write_off_form),
        get("/stock/write-offs/{id}", May(P::ReadStock), shop::web::write_off),
        post(
            "/stock/write-offs/{id}/decision",
            May(P::ConfirmStock),
            shop::web::decide_write_off,
        ),
        get("/stocktakes", May(P::ReadStock), shop::web::stocktakes),
        post("/stocktakes", May(P::CountStock), shop::web::open_stocktake),
        get("/stocktakes/{id}", May(P::ReadStock), shop::web::stocktake),
        get("/stocktakes/{id}/counts", May(P::CountStock), shop::web::counting),
        post("/stocktakes/{id}/counts", May(P::CountStock), shop::web::count),
        post(
            "/stocktakes/{id}/closing",
            May(P::CountStock),
            shop::web::close_stocktake,
        ),
        post(
            "/stocktakes/{id}/cancellation",
            May(P::CountStock),
            shop::web::cancel_stocktake,
        ),
        post(
            "/stocktakes/{id}/reasons",
            May(P::CountStock),
            shop::web::explain_stocktake,
        ),
        post(
            "/stocktakes/{id}/decision",
            May(P::ConfirmStock),
            shop::web::decide_stocktake,
        ),
        get("/donations", May(P::ReadStock), shop::web::donations),
        post("/donors", May(P::ReceiveStock), shop::web::add_donor),
        get("/donors/{id}", May(P::ReadStock), shop::web::donor),
        post("/donors/{id}/forgetting", May(P::ReceiveStock), shop::web::forget_donor),
        get("/wishes", May(P::ReadStock), shop::web::wishes),
        post("/wishes", May(P::RecordWishes), shop::web::make_wish),
        post("/wishes/{id}/voices", May(P::RecordWishes), shop::web::voice),
        post("/wishes/{id}/decision", May(P::KeepGoods), shop::web::decide_wish),
        // Partners' shops.
        get("/partners", May(P::ReadSettlements), shop::web::partners),
        post("/partners", May(P::KeepPartners), shop::web::add_partner),
        get("/partners/{id}", May(P::ReadSettlements), shop::web::partner),
        post("/partners/{id}/agreements", May(P::KeepPartners), shop::web::agree),
        post("/partners/{id}/offers", May(P::KeepPartners), shop::web::set_offer),
        post("/settlements", May(P::KeepPartners), shop::web::make_settlement),
        get("/settlements/{number}", May(P::ReadSettlements), shop::web::settlement),
        get(
            "/settlements/{number}/file.xlsx",
            May(P::ReadSettlements),
            shop::web::settlement_file,
        ),
        post(
            "/settlements/{number}/disputes",
            May(P::AnswerSettlements),
            shop::web::dispute_settlement,
        ),
        post(
            "/settlements/{number}/decisions",
            May(P::KeepPartners),
            shop::web::decide_dispute,
        ),
        post(
            "/settlements/{number}/confirmation",
            May(P::AnswerSettlements),
            shop::web::confirm_settlement,
        ),
        post(
            "/settlements/{number}/payment",
            May(P::KeepPartners),
            shop::web::record_payment,
        ),
        // The demo's time.
        post("/demo/clock", SignedIn, demo::web::move_clock).only_in_demo(),
        // Statements.
        get(
            "/households/{code}/statement",
            May(P::ReadHouseholds),
            statements::web::statement,
        ),
        get("/trace/{number}", May(P::ReadHouseholds), statements::web::trace),
        // A household at its own pages, and what it asks of the office.
        post("/K/{token}/sign-in", Anyone, resident::web::sign_in_by_card),
        get("/my", Anyone, resident::web::sign_in_form),
        post("/my", Anyone, resident::web::sign_in),
        post("/my/view", Anyone, resident::web::choose_view),
        post("/my/sign-out", Household, resident::web::sign_out),
        get("/my/points", Household, resident::web::points),
        get("/my/points/lines", Household, resident::web::lines),
        get("/my/points/coming", Household, resident::web::coming),
        get("/my/points/{number}", Household, resident::web::line),
        get("/my/time", Household, resident::web::time),
        get("/my/honours", Household, resident::web::honours),
        get("/my/honours/{id}/appeal", Household, honours::web::own_appeal_form),
        post("/my/honours/{id}/appeal", Household, honours::web::own_appeal),
        get("/my/goods", Household, resident::web::goods),
        get("/my/goods/{sku}/photo", Household, resident::web::goods_photo),
        get("/my/wishes", Household, resident::web::wishes),
        post("/my/wishes/{id}/voice", Household, resident::web::voice),
        get("/my/consents", Household, resident::web::consents),
        get("/my/consents/{purpose}", Household, resident::web::consent),
        post("/my/consents/{purpose}", Household, resident::web::decide),
        get("/my/pictures/{id}", Household, boards::web::own_picture),
        get("/my/data", Household, resident::web::data),
        get("/my/data/lines.csv", Household, resident::web::lines_csv),
        get("/my/data/honour.csv", Household, resident::web::honour_csv),
        get("/my/data/honours.csv", Household, resident::web::honours_csv),
        get("/my/data/time.csv", Household, resident::web::time_csv),
        get("/my/data/looks.csv", Household, resident::web::looks_csv),
        get("/my/data/statement.pdf", Household, resident::web::statement_pdf),
        post("/my/data/check", Household, resident::web::check_book),
        get("/my/deed", Household, council::web::own_deed_form),
        post("/my/deed", Household, council::web::report_own_deed),
        get("/my/appeal", Household, council::web::own_appeal_form),
        post("/my/appeal", Household, council::web::own_appeal),
        get("/my/feedback", Household, feedback::web::own),
        post("/my/feedback", Household, feedback::web::give),
        get("/my/requests", Household, resident::web::own_requests),
        post("/my/requests", Household, resident::web::make_request),
        // Feedback, and what is kept how long.
        get("/feedback/entry", May(P::TakeObjection), feedback::web::entry_form),
        post("/feedback/entry", May(P::TakeObjection), feedback::web::key_in),
        get("/feedback/sentences", May(P::ReadFeedback), feedback::web::sentences),
        get("/retention", May(P::ReadAudit), retention::web::schedule),
        get(
            "/households/{code}/deletion",
            May(P::ChangeHouseholds),
            retention::web::deletion,
        ),
        post(
            "/households/{code}/deletion",
            May(P::ChangeHouseholds),
            retention::web::propose,
        ),
        post(
            "/households/{code}/deletion/decision",
            May(P::ChangeHouseholds),
            retention::web::decide,
        ),
        get(
            "/household-requests",
            May(P::ReadHouseholds),
            resident::web::all_requests,
        ),
        post(
            "/household-requests/{id}/answer",
            May(P::ChangeHouseholds),
            resident::web::answer_request,
        ),
        // Registers.
        get("/registers", May(P::ReadGoodsRegisters), registers::web::month),
        get(
            "/registers/file.xlsx",
            May(P::ReadGoodsRegisters),
            registers::web::month_file,
        ),
        get("/dividends", May(P::ReadPointsRegisters), dividends::web::dividends),
        post("/dividends", May(P::ManageProgramme), dividends::web::resolve),
        get(
            "/dividends/file.xlsx",
            May(P::ReadPointsRegisters),
            dividends::web::trial_file,
        ),
        get(
            "/dividends/{number}",
            May(P::ReadPointsRegisters),
            dividends::web::dividend,
        ),
        get(
            "/dividends/{number}/file.xlsx",
            May(P::ReadPointsRegisters),
            dividends::web::dividend_file,
        ),
        post(
            "/dividends/{number}/annulment",
            May(P::ManageProgramme),
            dividends::web::annul,
        ),
        get("/registers/issue", May(P::ReadPointsRegisters), registers::web::issue),
        get(
            "/registers/issue/file.xlsx",
            May(P::ReadPointsRegisters),
            registers::web::issue_file,
        ),
        get(
            "/registers/redemptions",
            May(P::ReadPointsRegisters),
            registers::web::redemptions,
        ),
        get(
            "/registers/redemptions/file.xlsx",
            May(P::ReadPointsRegisters),
            registers::web::redemptions_file,
        ),
        get("/registers/stock", May(P::ReadGoodsRegisters), registers::web::stock),
        get(
            "/registers/stock/file.xlsx",
            May(P::ReadGoodsRegisters),
            registers::web::stock_file,
        ),
        get(
            "/registers/donations",
            May(P::ReadGoodsRegisters),
            registers::web::donations,
        ),
        get(
            "/registers/donations/file.xlsx",
            May(P::ReadGoodsRegisters),
            registers::web::donations_file,
        ),
        // The API for counters and other programs.
        get("/api/openapi.json", Anyone, assets::openapi),
        get(
            "/api/v1/households",
            May(P::ReadHouseholds),
            statements::api::households,
        ),
        get(
            "/api/v1/households/{code}",
            May(P::ReadHouseholds),
            statements::api::household,
        ),
        get(
            "/api/v1/households/{code}/statement",
            May(P::ReadHouseholds),
            statements::api::statement,
        ),
        post("/api/v1/households/{code}/cards", May(P::IssueCards), cards::api::issue),
        post("/api/v1/awards", May(P::Nominate), council::api::nominate),
        post("/api/v1/awards/{id}/verification", May(P::Verify), council::api::verify),
        post("/api/v1/redemptions", May(P::Redeem), shop::api::redeem),
        post("/api/v1/redemptions/{id}/void", May(P::Redeem), shop::api::void),
    ]
}

/// The largest body that is read, in bytes. A photograph or a roster may be larger and has its own limit.
pub const BODY_LIMIT: usize = 256 * 1024;
/// A photograph of a card, as a phone takes it.
const PHOTO_LIMIT: usize = 12 * 1024 * 1024;
/// Two photographs of a deed as a phone takes them, or more that the page has made small, and the rest of the form.
const PHOTOS_LIMIT: usize = 25 * 1024 * 1024;
/// A file of rules, and the rest of its form.
const SCHEME_LIMIT: usize = 5 * 1024 * 1024;
/// A scan of 12 MB, and the rest of its form.
const SCAN_LIMIT: usize = 13 * 1024 * 1024;
/// A roster of 20 MB, and the rest of its form.
const ROSTER_LIMIT: usize = 21 * 1024 * 1024;

/// The house with all its doors, each behind its guard.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in table().into_iter().filter(|route| app.is_demo() || !route.only_in_demo) {
        let guarded = route.handler.layer(from_fn_with_state((app.clone(), route.who), guard));
        router = router.route(route.path, guarded);
    }
    let for_everybody = || from_fn_with_state((app.clone(), Anyone), guard);
    router
        .method_not_allowed_fallback(assets::another_method.layer(for_everybody()))
        .fallback(assets::nothing_here.layer(for_everybody()))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(axum::middleware::from_fn(language::read_out))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(axum::middleware::from_fn(harden))
        .with_state(app.clone())
}

fn get<H: Handler<T, App>, T: 'static>(path: &'static str, who: Who, handler: H) -> Route {
    Route {
        method: "GET",
        path,
        who,
        only_in_demo: false,
        handler: on(MethodFilter::GET, handler),
    }
}

fn post<H: Handler<T, App>, T: 'static>(path: &'static str, who: Who, handler: H) -> Route {
    Route {
        method: "POST",
        path,
        who,
        only_in_demo: false,
        handler: on(MethodFilter::POST, handler),
    }
}
