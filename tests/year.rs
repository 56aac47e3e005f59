//! A year of a town: 272 households and twelve councils, lived through the same doors as people use, with objections, an
//! appeal won and one lost, a split, a merge, an expiry and a budget stop, and something left to do at every desk. The books
//! are proved after every month and after each of these.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jishan::audit;
use jishan::clock::{begin_of, day_of, days_after};
use jishan::council::appeal::{self, panel};
use jishan::council::nomination::{self, Filter, Nomination, State};
use jishan::council::objection::{self, State as Objected};
use jishan::council::reminder::{self, State as Reminded};
use jishan::council::session::{self, State as Stand};
use jishan::council::visit::{self, Outcome};
use jishan::council::{clockwork, correction, gathering, motion, notice};
use jishan::db::{Conn, Db, migrate};
use jishan::demo::{self, Year};
use jishan::error::Result;
use jishan::id::Id;
use jishan::ledger::account::{AccountKind, PROGRAMME};
use jishan::ledger::balance::{self, Line};
use jishan::ledger::lot;
use jishan::ledger::transaction::TransactionKind;
use jishan::places::event::{self, EventKind, HouseholdEvent};
use jishan::places::household::{self, Household, Search};
use jishan::places::standing;
use jishan::points::Points;
use jishan::{books, cards};

use crate::town::{Database, fresh_location, morning, runtime, today};

const HOUSEHOLDS: u32 = 272;

fn a_year(database: Database) {
    runtime().block_on(async {
        let (location, _folder) = fresh_location(database);
        migrate::run(&location, morning()).unwrap();
        let db = Db::open(&location).unwrap();
        // Fewer deeds than in the demo, so that the test does not take as long as the year.
        let year = Year {
            days_between_deeds: 60,
            proves: true,
            ..Year::of(HOUSEHOLDS)
        };
        demo::make(&db, year, "http://127.0.0.1:8080", morning(), Arc::new(|_, _, _| {}))
            .await
            .unwrap();
        db.read(|conn| {
            twelve_councils_met(conn)?;
            in_the_lean_month_awards_waited(conn)?;
            of_four_objections_one_was_right(conn)?;
            one_appeal_was_won_and_one_lost(conn)?;
            a_household_split_and_two_became_one(conn)?;
            points_of_the_year_before_ended(conn)?;
            one_award_was_taken_back(conn)?;
            a_reminder_came_back_and_one_is_open(conn)?;
            homes_were_visited_and_neighbours_gathered(conn)
        })
        .await
        .unwrap();

        // Twelve days later it is another month, and everything that waited for it has moved on.
        let later = begin_of(days_after(today(), 12));
        db.write(move |conn| clockwork::run(conn, later)).await.unwrap();
        db.read(|conn| {
            let left = [State::Notified, State::Queued, State::Suspended];
            let left = every(conn)?.into_iter().filter(|one| left.contains(&one.state));
            assert_eq!(left.count(), 0, "the notice is over, and there is a new budget");
            // Whom nobody answered was wrong: silence favours the household.
            let silent: Vec<_> = objection::list(conn, None, 100)?
                .into_iter()
                .filter(|(one, _)| one.was_silence())
                .map(|(_, row)| row.state)
                .collect();
            assert_eq!(silent, [State::Posted, State::Posted]);
            assert!(books::check(conn, &mut |_, _| {})?.is_ok());
            Ok(())
        })
        .await
        .unwrap();
    });
}

fn every(conn: &mut Conn) -> Result<Vec<Nomination>> {
    nomination::list(conn, &Filter::default(), 100_000)
}

fn twelve_councils_met(conn: &mut Conn) -> Result<()> {
    let sessions = session::list(conn, 100)?;
    let of = |state| sessions.iter().filter(|session| session.state == state).count();
    assert_eq!((of(Stand::Closed), of(Stand::Open), of(Stand::Convened)), (14, 1, 0));
    let notices = notice::list(conn, 100)?;
    assert_eq!(notices.len(), 14);
    let running: Vec<_> = notices.iter().filter(|notice| notice.runs_at(morning())).collect();
    assert_eq!(running.len(), 1);

    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for one in every(conn)? {
        *states.entry(one.state.word()).or_default() += 1;
    }
    for state in [State::Submitted, State::Verified, State::Notified, State::Queued] {
        assert!(states.contains_key(state.word()), "nothing is {state:?}");
    }
    for state in [State::Returned, State::Declined] {
        assert!(states.contains_key(state.word()), "in a year nothing was {state:?}");
    }
    assert_eq!((states["suspended"], states["reversed"]), (1, 1));
    assert!(states["posted"] > 1_000);
    // What waits goes on by itself.
    assert!(balance::outstanding(conn, AccountKind::Pending)? > Points::ZERO);
    Ok(())
}

/// March was lean: what its notice was over for and what found no room waited, and posted on the first of April, in the
/// order of the deeds.
fn in_the_lean_month_awards_waited(conn: &mut Conn) -> Result<()> {
    let queued: HashSet<String> = audit::events(conn, None, i64::MAX)?
        .into_iter()
        .filter(|event| event.act == "award.queued" && day_of(event.recorded_at).to_string() == "2026-03-29")
        .map(|event| event.subject)
        .collect();
    assert!(queued.len() > 3, "the budget stopped something");
    let mut waited = every(conn)?;
    waited.retain(|one| queued.contains(&format!("award:{}", one.id)));
    assert_eq!(waited.len(), queued.len());
    waited.sort_by_key(|one| one.transaction_number);
    for one in &waited {
        assert_eq!(one.state, State::Posted);
        assert_eq!(day_of(one.posted_at.unwrap()).to_string(), "2026-04-01");
    }
    assert!(waited.is_sorted_by_key(|one| (one.occurred_on, one.nominated_at)));
    Ok(())
}

fn of_four_objections_one_was_right(conn: &mut Conn) -> Result<()> {
    let mut became: BTreeMap<(&str, bool), Vec<Nomination>> = BTreeMap::new();
    for (objection, row) in objection::list(conn, None, 100)? {
        let how = (objection.state.word(), objection.was_silence());
        became.entry(how).or_default().push(row);
    }
    let counts: Vec<_> = became.iter().map(|(how, rows)| (*how, rows.len())).collect();
    let (upheld, dismissed, open) = (
        Objected::Upheld.word(),
        Objected::Dismissed.word(),
        Objected::Open.word(),
    );
    let expected = [
        ((dismissed, false), 1),
        ((dismissed, true), 1),
        ((open, false), 1),
        ((upheld, false), 1),
    ];
    assert_eq!(counts, expected);
    // Right: the row ended, and what was promised went back.
    let ended = &became[&(upheld, false)][0];
    assert_eq!(
        (ended.state, ended.transaction_number, ended.posted_at),
        (State::Declined, None, None)
    );
    let promised = ended.pending_number.unwrap();
    let released = balance::undone_by(conn, promised)?.unwrap();
    let before = sum(
        &balance::lines_of(conn, ended.household_id.as_str(), promised)?,
        AccountKind::Pending,
    );
    let back = sum(
        &balance::lines_of(conn, ended.household_id.as_str(), released.number)?,
        AccountKind::Pending,
    );
    assert!(before > Points::ZERO && back == -before);
    // Not right, or unanswered: the row went on. Open: it waits, and no other of its notice does.
    for row in [&became[&(dismissed, false)][0], &became[&(dismissed, true)][0]] {
        assert!(row.state == State::Posted && row.transaction_number.is_some());
    }
    let held = &became[&(open, false)][0];
    assert_eq!((held.state, held.transaction_number), (State::Suspended, None));
    let beside = nomination::of_notice(conn, held.notice_id.as_ref().unwrap())?;
    let waits = beside.iter().filter(|row| row.state == State::Suspended).count();
    assert!(waits == 1 && beside.len() > 1);
    assert_eq!(objection::open_count(conn, None)?.0, 1, "the desk has one to decide");
    Ok(())
}

fn one_appeal_was_won_and_one_lost(conn: &mut Conn) -> Result<()> {
    let appeals = appeal::list(conn, None, 100)?;
    let mut states: Vec<_> = appeals.iter().map(|one| one.state.word()).collect();
    states.sort_unstable();
    assert_eq!(states, [appeal::State::Dismissed.word(), appeal::State::Upheld.word()]);
    for one in &appeals {
        assert_eq!(one.kind, appeal::Kind::Declined);
        let row = nomination::by_id(conn, one.nomination_id.as_ref().unwrap())?;
        // Three people decided, of whom nobody had a vote in the session that had said no.
        let panel = panel::of(conn, &one.id)?;
        let said = panel
            .iter()
            .filter(|member| member.opinion.is_some() && member.reason.is_some());
        assert_eq!((panel.len(), said.count()), (3, 3));
        let [decided] = &motion::of_nomination(conn, &row.id)?[..] else {
            panic!("the council voted once")
        };
        assert_eq!(decided.state, motion::State::Declined);
        let voted = session::present(conn, &decided.session_id)?;
        let seats = jishan::council::member::all(conn)?;
        for member in &panel {
            let mut own = seats.iter().filter(|seat| {
                member.member_id.as_ref() == Some(&seat.id)
                    || (member.user_id.is_some() && seat.user_id == member.user_id)
            });
            assert!(own.all(|seat| !voted.contains(&seat.id)), "{} voted", member.name);
        }
        assert!(
            panel.iter().any(|member| member.member_id.is_some()),
            "one of the council was away"
        );
        let household = one.household_id.as_str();
        match one.state {
            // Won: points that can be spent, and honour, at once.
            appeal::State::Upheld => {
                assert_eq!(row.state, State::Posted);
                assert_eq!(row.transaction_number, one.correction_number);
                let lines = balance::lines_of(conn, household, one.correction_number.unwrap())?;
                assert_eq!(sum(&lines, AccountKind::Spendable), Points(10));
                assert_eq!(sum(&lines, AccountKind::Honour), Points(10));
                assert_eq!(sum(&lines, AccountKind::Pending), Points(-10));
                assert_eq!(row.posted_at, one.decided_at);
            }
            _ => {
                assert_eq!((row.state, row.transaction_number), (State::Declined, None));
                assert_eq!((one.correction_number, one.points_added), (None, None));
            }
        }
    }
    Ok(())
}

fn sum(lines: &[Line], kind: AccountKind) -> Points {
    lines
        .iter()
        .filter(|line| line.kind == kind)
        .map(|line| line.amount)
        .sum()
}

/// What an account had before and after these lines of one transaction.
fn before_and_after(lines: &[Line], kind: AccountKind) -> (Points, Points) {
    let last = lines
        .iter()
        .filter(|line| line.kind == kind)
        .max_by_key(|line| line.version);
    let after = last.map_or(Points::ZERO, |line| line.balance_after);
    (after.plus(-sum(lines, kind)).unwrap(), after)
}

fn a_household_split_and_two_became_one(conn: &mut Conn) -> Result<()> {
    let everybody = Search {
        limit: i64::MAX,
        ..Search::default()
    };
    let active = household::search(conn, &everybody)?;
    assert_eq!(
        active.len(),
        usize::try_from(HOUSEHOLDS).unwrap(),
        "one more, and one less"
    );
    let mut events: HashMap<Id<HouseholdEvent>, HouseholdEvent> = HashMap::new();
    for household in &active {
        for event in event::of_household(conn, &household.id)? {
            events.insert(event.id.clone(), event);
        }
    }
    let of = |kind| {
        let found: Vec<&HouseholdEvent> = events.values().filter(|event| event.kind == kind).collect();
        let [event] = found[..] else {
            panic!("{kind:?}: {}", found.len())
        };
        (
            event.household_id.clone(),
            event.other_id.clone().unwrap(),
            event.transaction_number.unwrap(),
        )
    };
    assert_eq!(events.len(), 2);

    // The split: what the two have is what the one had; honour stays; the new household has a card of its own.
    let (old, new, number) = of(EventKind::Split);
    let (from, to) = (lines(conn, &old, number)?, lines(conn, &new, number)?);
    let (had, left) = before_and_after(&from, AccountKind::Spendable);
    let (none, got) = before_and_after(&to, AccountKind::Spendable);
    assert!(none == Points::ZERO && got > Points::ZERO && left > Points::ZERO);
    assert_eq!(left.plus(got), Some(had));
    assert_eq!(
        (sum(&from, AccountKind::Honour), sum(&to, AccountKind::Honour)),
        (Points::ZERO, Points::ZERO)
    );
    assert_eq!(
        balance::of(conn, new.as_str())?.spendable,
        got,
        "nobody of it has spent anything since"
    );
    let [card] = &cards::card::of_household(conn, &new)?[..] else {
        panic!("a card")
    };
    assert!(card.stopped_at.is_none());
    let people = |id: &Id<Household>| active.iter().find(|one| one.id == *id).map(|one| one.people);
    assert_eq!(people(&new), Some(2));

    // The merge: one account is empty for good, and the other has all of it.
    let (gone, survivor, number) = of(EventKind::Merged);
    assert_eq!(
        (people(&gone), standing::survivor(conn, &gone)?),
        (None, survivor.clone())
    );
    let (from, to) = (lines(conn, &gone, number)?, lines(conn, &survivor, number)?);
    for kind in [AccountKind::Spendable, AccountKind::Honour] {
        let (had, left) = before_and_after(&from, kind);
        let (before, after) = before_and_after(&to, kind);
        assert!(had > Points::ZERO && left == Points::ZERO, "{kind:?}");
        assert_eq!(before.plus(had), Some(after), "{kind:?}");
    }
    assert_eq!(balance::of(conn, gone.as_str())?, balance::Balances::default());
    assert!(lot::of(conn, gone.as_str())?.is_empty());
    let cards = cards::card::of_household(conn, &gone)?;
    assert!(
        cards
            .iter()
            .all(|card| card.stop_reason.as_deref() == Some(cards::card::MERGED))
    );
    Ok(())
}

fn lines(conn: &mut Conn, owner: &Id<Household>, number: i64) -> Result<Vec<Line>> {
    balance::lines_of(conn, owner.as_str(), number)
}

/// What was earned in 2025 could be spent until 31 March, and one day longer for whoever came late.
fn points_of_the_year_before_ended(conn: &mut Conn) -> Result<()> {
    let ended = balance::posted(conn, TransactionKind::Expiry)?;
    let all: Points = ended.iter().map(|one| one.spendable).sum();
    // The made year is the same each time: whoever changes its deeds or its shopping sees here what that did.
    assert_eq!((ended.len(), all), (130, Points(-457)));
    let owners: HashSet<&str> = ended.iter().map(|one| one.owner.as_str()).collect();
    assert_eq!(owners.len(), ended.len(), "nobody twice");
    for one in &ended {
        let head = balance::head(conn, one.number)?.unwrap();
        assert_eq!(head.effective_on.to_string(), "2026-04-01");
        assert_eq!(day_of(head.recorded_at).to_string(), "2026-04-02");
        assert!(one.spendable < Points::ZERO && one.honour == Points::ZERO);
    }
    assert_eq!(balance::on(conn, PROGRAMME, AccountKind::Expiry, today())?, -all);
    assert!(
        lot::expiring(conn, None, today())?.is_empty(),
        "nothing that has ended is left"
    );
    Ok(())
}

fn one_award_was_taken_back(conn: &mut Conn) -> Result<()> {
    let [(one, row)] = &correction::list(conn, None, 100)?[..] else {
        panic!("one correction")
    };
    assert_eq!((one.state, row.state), (correction::State::Confirmed, State::Reversed));
    assert!(one.decided_by.is_some() && one.decided_by.as_ref() != Some(&one.proposed_by));
    let given = sum(
        &lines(conn, &row.household_id, row.transaction_number.unwrap())?,
        AccountKind::Spendable,
    );
    let taken = sum(
        &lines(conn, &row.household_id, one.reversal_number.unwrap())?,
        AccountKind::Spendable,
    );
    assert!(given > Points::ZERO);
    assert_eq!(
        taken.plus(given),
        one.written_off,
        "what was spent is borne by the programme"
    );
    Ok(())
}

fn a_reminder_came_back_and_one_is_open(conn: &mut Conn) -> Result<()> {
    let all = [Reminded::OPEN.to_vec(), vec![Reminded::Reduced]].concat();
    let filter = reminder::Filter {
        states: all,
        households: None,
    };
    let open: Vec<_> = reminder::list(conn, &filter, 100)?
        .into_iter()
        .map(|(note, _)| note.state)
        .collect();
    assert_eq!(open, [Reminded::Acknowledged]);
    let over: Vec<_> = reminder::over(conn, 100)?.into_iter().map(|(note, _)| note).collect();
    let states: Vec<_> = over.iter().map(|note| note.state).collect();
    assert_eq!(states, [Reminded::Fixed, Reminded::Repaired]);
    let repaired = &over[1];
    let honour = |conn: &mut Conn, number: Option<i64>| {
        let lines = lines(conn, &repaired.household_id, number.unwrap())?;
        assert_eq!(lines.len(), 1, "nothing but honour");
        Ok::<_, jishan::error::Error>(sum(&lines, AccountKind::Honour))
    };
    assert_eq!(honour(conn, repaired.reduction_number)?, Points(-2));
    assert_eq!(honour(conn, repaired.repair_number)?, Points(2));
    let back_on = days_after(repaired.reduced_on.unwrap(), 30);
    assert_eq!(
        (repaired.repair_on, repaired.closed_at.map(day_of)),
        (Some(back_on), Some(back_on))
    );
    assert_eq!(over[0].points_taken, None);
    Ok(())
}

fn homes_were_visited_and_neighbours_gathered(conn: &mut Conn) -> Result<()> {
    let sheets = visit::list(conn, None, 100)?;
    let [sheet] = &sheets[..] else { panic!("one sheet") };
    assert_eq!(sheet.state, visit::State::Closed);
    let homes = visit::load(conn, &sheet.id)?.homes;
    let with = |outcome| homes.iter().filter(|home| home.row.outcome == Some(outcome)).count();
    assert_eq!((homes.len(), with(Outcome::NotVisited)), (6, 1));
    assert!(with(Outcome::Nominated) >= 2);
    assert!(homes.iter().all(|home| home.row.outcome.is_some()));

    let gatherings = gathering::list(conn, 100)?;
    let [gathering] = &gatherings[..] else {
        panic!("one gathering")
    };
    let rows = gathering::rows(conn, &gathering.id)?;
    let came: Vec<_> = rows.iter().filter(|row| row.signed_at.is_some()).collect();
    assert!(gathering.is_closed() && came.len() == 9 && rows.len() > came.len());
    let nominations = homes.iter().filter_map(|home| home.row.nomination_id.clone());
    let nominations: Vec<_> = nominations
        .chain(came.iter().filter_map(|row| row.nomination_id.clone()))
        .collect();
    assert!(nominations.len() >= 11);
    for row in nomination::by_ids(conn, &nominations)? {
        assert_eq!(row.state, State::Posted, "{}", row.note);
    }
    Ok(())
}

#[test]
fn a_year_of_a_town_on_sqlite() {
    a_year(Database::Sqlite);
}

#[test]
fn a_year_of_a_town_on_postgres() {
    a_year(Database::Postgres);
}

/// A village of a few households has no room for all of it, and a day of the calendar has no room for all of it either.
#[test]
fn a_small_village_has_a_year_on_any_day() {
    runtime().block_on(async {
        for (households, day) in [
            (1, "2026-12-30"),
            (2, "2026-04-02"),
            (5, "2026-11-25"),
            (8, "2027-02-28"),
            (13, "2028-02-29"),
            (30, "2027-01-01"),
        ] {
            let (location, _folder) = fresh_location(Database::Sqlite);
            let now = begin_of(day.parse().unwrap()) + chrono::TimeDelta::hours(10);
            migrate::run(&location, now).unwrap();
            let db = Db::open(&location).unwrap();
            let year = Year {
                proves: true,
                ..Year::of(households)
            };
            let made = demo::make(&db, year, "http://127.0.0.1:8080", now, Arc::new(|_, _, _| {})).await;
            made.unwrap_or_else(|error| panic!("{households} households on {day}: {error}"));
        }
    });
}
