//! The demo's titles: the five of the rules are entered on the first day; three households hold one since the autumn, two
//! are on public notice today, and one was not carried: the household that can be tried on a phone may appeal.
//!
//! They go the way of every title: nominated by the building head, verified by the grid worker, counted at a session of the
//! council by two people, shown, and conferred by the clockwork. Most of these households agree to be named.

use chrono::TimeDelta;

use super::{Resident, Setting, stars};
use crate::access::user;
use crate::clock::{Day, Moment, begin_of, day_of};
use crate::council::motion::Counts;
use crate::council::session::Session;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, Nominate, Verify};
use crate::honours::{ballot, notice, title};
use crate::places::consent::Purpose;
use crate::places::standing;

/// At which part of the list of households, in hundredths, for which title, and why; and whether it agrees to the board of
/// honour and the loudspeaker.
type Deed = (usize, &'static str, &'static str, bool);

const AUTUMN: [Deed; 3] = [
    (24, "文明榜样户", "红白事简办，带头清扫楼道，邻里有事随叫随到", true),
    (50, "孝善互助户", "常年给楼上独居老人送饭，陪着看病拿药", false),
    (74, "整洁美丽户", "家里家外常年干净，楼前花池也一起打理", true),
];
const RECENT: [Deed; 3] = [
    // The household of the demo's phone: what it agrees to is for the visitor to say.
    (30, "孝善互助户", "邻居住院时帮忙照看家里，一个多月没有断过", false),
    (30, "整洁美丽户", NOT_CARRIED, false),
    (66, "文明榜样户", "每次院坝会都到场，带着大家商量楼道晾晒", true),
];
const NOT_CARRIED: &str = "阳台和楼道都收拾得干净";

fn at(day: Day, hour: i64) -> Moment {
    begin_of(day) + TimeDelta::hours(hour)
}

/// Enters the titles of the rules.
pub(super) fn enter(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    title::enter_from_rules(conn, &town.administrator, begin_of(day)).map(drop)
}

/// Three households are nominated for what they did.
pub(super) fn nominate_in_autumn(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    AUTUMN.iter().try_for_each(|deed| nominate(conn, town, *deed, day))
}

/// Three more, for the session of yesterday.
pub(super) fn nominate_of_late(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    RECENT.iter().try_for_each(|deed| nominate(conn, town, *deed, day))
}

/// The first household from there on that may be nominated is, and the grid worker verifies it.
fn nominate(conn: &mut Conn, town: &Setting, (part, name, reason, agrees): Deed, day: Day) -> Result<()> {
    let Some(title) = title::standing(conn)?.into_iter().find(|title| title.name == name) else {
        return Ok(());
    };
    let from = town.households.len().saturating_mul(part) / 100;
    for resident in town.households.iter().skip(from) {
        if !standing::now(conn, &resident.household.id)?.is_active() {
            continue;
        }
        let asked = Nominate {
            period_from: title.period.around(day).from,
            title: title.id.clone(),
            household: resident.household.id.clone(),
            reason: reason.to_owned(),
            by: resident.building_head.clone(),
            key: format!("demo-title-{}-{}-{day}", title.id, resident.household.code),
        };
        match award::nominate(conn, &asked, at(day, 10)) {
            Ok(award) => {
                if agrees {
                    let to = [Purpose::HonourBoard, Purpose::Broadcast];
                    stars::agree(conn, &award.household_id, &to, &town.administrator, at(day, 10))?;
                }
                return verify(conn, resident, award, at(day, 15));
            }
            // Somebody of the household sits on the council, or it has this title already.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn verify(conn: &mut Conn, resident: &Resident, award: award::TitleAward, at: Moment) -> Result<()> {
    let asked = Verify {
        key: format!("demo-title-verified-{}", award.id),
        award: award.id,
        holds: true,
        reason: String::new(),
        by: user::by_id(conn, &resident.grid_worker.id)?,
    };
    award::verify(conn, &asked, at).map(drop)
}

/// The titles of a session are counted: all but one are in favour of each, and of one nobody but one.
pub(super) fn count(conn: &mut Conn, town: &Setting, session: &Session, at: Moment) -> Result<()> {
    for candidate in ballot::candidates(conn, session, at)? {
        let voters = candidate.votes();
        let (one, others) = (voters.min(1), voters.saturating_sub(1));
        let counts = match candidate.award.reason == NOT_CARRIED {
            true => Counts {
                votes_for: one,
                votes_against: others,
                abstentions: 0,
            },
            false => Counts {
                votes_for: others,
                votes_against: 0,
                abstentions: one,
            },
        };
        for by in [&town.administrator, &town.council_member] {
            match ballot::key_counts(conn, &session.id, &candidate.award.id, counts, by, at) {
                // In a village of a few households too few may be left to vote.
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// What the session carried is shown to everybody.
pub(super) fn publish(conn: &mut Conn, town: &Setting, session: &Session, at: Moment) -> Result<()> {
    if notice::to_publish(conn, &session.id)?.is_empty() {
        return Ok(());
    }
    let key = format!("demo-title-notice-{}", day_of(at));
    notice::publish(conn, &session.id, &town.administrator, &key, at).map(drop)
}
