//! What households of the demo said of the services last quarter: enough in the first community, too few elsewhere.

use super::Setting;
use super::town::Dice;
use crate::clock::{Day, Span, begin_of};
use crate::db::Conn;
use crate::error::Result;
use crate::feedback::answer::{self, Answer, Service};

/// Households that answer, in the order of the list: the first are of the first community, the last of another.
const EARLY: usize = 24;
const LATE: usize = 3;

/// What some of them write.
const SENTENCES: [(Service, &str); 6] = [
    (Service::Shop, "赶场天人多，能不能早半小时开门"),
    (Service::Shop, "找货快，说话和气"),
    (Service::Shop, "想多进一点洗衣液"),
    (Service::Grid, "报上去的事第二天就有回话"),
    (Service::Grid, "老人不会用手机，上门念给他听，很好"),
    (Service::Office, "对账单字再大一点就好了"),
];

/// Their answers of the quarter before this day.
pub(super) fn rate(conn: &mut Conn, town: &Setting, today: Day) -> Result<()> {
    let last = Span::quarter_of(today).from.pred_opt().unwrap_or(today);
    let now = begin_of(last);
    let (mut dice, mut sentences) = (Dice(20), SENTENCES.iter());
    let late = town.households.iter().skip(EARLY).rev().take(LATE);
    for resident in town.households.iter().take(EARLY).chain(late) {
        for service in Service::ALL {
            // Most are content.
            let stars = i64::try_from(dice.below(3)).unwrap_or(0).saturating_add(3);
            let sentence = match sentences.as_slice().first() {
                Some((about, words)) if about == service => {
                    sentences.next();
                    *words
                }
                _ => "",
            };
            let answer = Answer {
                service: *service,
                stars,
                sentence: sentence.to_owned(),
            };
            answer::give(conn, &town.programme, &resident.household, &answer, now)?;
        }
    }
    Ok(())
}
