//! Attempts to sign in: whoever guesses has to wait, and nobody else. ASVS 6.3.1.
//!
//! A name has few attempts, a network address many, because an office or a village shares one. An attempt that succeeds is
//! given back; it is counted while it lasts, or a hundred guesses at once would all come before the first answer. Kept in
//! memory only: a server that starts anew forgets, and starting takes longer than waiting.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use crate::clock::Moment;

/// The attempts of all names and addresses.
pub struct Attempts {
    of_names: Allowance,
    of_addresses: Allowance,
}

/// An attempt that was let through.
pub struct Attempt {
    name: String,
    address: String,
}

impl Attempts {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new() -> Attempts {
        Attempts {
            of_names: Allowance::new(TimeDelta::seconds(12), 10),
            of_addresses: Allowance::new(TimeDelta::seconds(1), 60),
        }
    }

    /// Reports of good deeds, which nobody gives back: a card has a few in an hour, an address as many as a village sends.
    #[must_use]
    pub fn of_reports() -> Attempts {
        Attempts {
            of_names: Allowance::new(TimeDelta::minutes(10), 6),
            of_addresses: Allowance::new(TimeDelta::seconds(5), 30),
        }
    }

    /// PINs of households: five tries, then one every three minutes; a till stands behind one address and serves everybody.
    #[must_use]
    pub fn of_pins() -> Attempts {
        Attempts {
            of_names: Allowance::new(TimeDelta::minutes(3), 5),
            of_addresses: Allowance::new(TimeDelta::seconds(1), 600),
        }
    }

    /// Households that look at their own points. The tries of a card are counted where a new start does not forget them; here
    /// an address has twenty, then one a minute, because all phones of a village may stand behind one.
    #[must_use]
    pub fn of_residents() -> Attempts {
        Attempts {
            of_names: Allowance::new(TimeDelta::seconds(1), 60),
            of_addresses: Allowance::new(TimeDelta::minutes(1), 20),
        }
    }

    /// Somebody tries under a name from an address; `None` when there were too many.
    #[must_use]
    pub fn begin(&self, name: &str, address: Option<IpAddr>, now: Moment) -> Option<Attempt> {
        let attempt = Attempt {
            name: name.to_owned(),
            address: address.map_or_else(String::new, network),
        };
        if !self.of_names.take(&attempt.name, now) {
            return None;
        }
        if !self.of_addresses.take(&attempt.address, now) {
            self.of_names.give_back(&attempt.name);
            return None;
        }
        Some(attempt)
    }

    /// It was the right password.
    pub fn succeeded(&self, attempt: &Attempt) {
        self.of_names.give_back(&attempt.name);
        self.of_addresses.give_back(&attempt.address);
    }
}

/// What strangers send in without an account, and ask for by a number, counted by address: a village may stand behind one.
pub struct Filings {
    sent: Allowance,
    looked_up: Allowance,
}

impl Filings {
    /// Nobody has sent anything yet.
    #[must_use]
    pub fn new() -> Filings {
        Filings {
            sent: Allowance::new(TimeDelta::minutes(2), 20),
            looked_up: Allowance::new(TimeDelta::seconds(6), 30),
        }
    }

    /// May somebody at this address send an objection or an appeal now?
    #[must_use]
    pub fn may_send(&self, address: Option<IpAddr>, now: Moment) -> bool {
        self.sent.take(&address.map_or_else(String::new, network), now)
    }

    /// May somebody at this address ask for a receipt now? Ten digits are not to be tried out.
    #[must_use]
    pub fn may_look_up(&self, address: Option<IpAddr>, now: Moment) -> bool {
        self.looked_up.take(&address.map_or_else(String::new, network), now)
    }
}

impl Default for Filings {
    fn default() -> Filings {
        Filings::new()
    }
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts::new()
    }
}

/// What one customer of a network operator has: an address, or in IPv6 the first half of all that it may choose from.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let half = u128::from(address) & (u128::MAX << 64);
            Ipv6Addr::from(half).to_string()
        }
    }
}

/// So many at once, and one more after each pause. For each it keeps the moment at which all will have come back.
struct Allowance {
    pause: TimeDelta,
    at_once: i32,
    spent_until: Mutex<HashMap<String, Moment>>,
}

/// Entries from which on those are thrown away that say nothing any more.
const MANY: usize = 4_096;

impl Allowance {
    fn new(pause: TimeDelta, at_once: i32) -> Allowance {
        Allowance {
            pause,
            at_once,
            spent_until: Mutex::new(HashMap::new()),
        }
    }

    fn take(&self, who: &str, now: Moment) -> bool {
        let mut spent = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= MANY {
            spent.retain(|_, until| *until > now);
        }
        let all = self.pause * self.at_once;
        // A clock that was set back locks nobody out for longer.
        let until = spent.get(who).map_or(now, |until| (*until).clamp(now, now + all));
        let is_left = until + self.pause <= now + all;
        let until = if is_left { until + self.pause } else { until };
        spent.insert(who.to_owned(), until);
        is_left
    }

    fn give_back(&self, who: &str) {
        let mut spent = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = spent.get_mut(who) {
            *until -= self.pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::default() + TimeDelta::seconds(seconds)
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_name_has_ten_failures_and_an_address_sixty() {
        let attempts = Attempts::new();
        let fails = |name: &str, from: &str, second| attempts.begin(name, address(from), at(second)).is_some();
        let tried = (0..100).filter(|_| fails("grid", "192.0.2.1", 0)).count();
        assert_eq!(tried, 10);
        assert!(!fails("grid", "192.0.2.2", 11), "from elsewhere it is the same name");
        assert!(fails("grid", "192.0.2.2", 12) && !fails("grid", "192.0.2.2", 12));

        let attempts = Attempts::new();
        let fails =
            |nth: usize, from: &str, second| attempts.begin(&format!("u{nth}"), address(from), at(second)).is_some();
        assert_eq!((0..100).filter(|nth| fails(*nth, "192.0.2.1", 0)).count(), 60);
        assert!(fails(200, "192.0.2.2", 0), "the neighbours are not to blame");
        assert!(fails(201, "192.0.2.1", 1) && !fails(202, "192.0.2.1", 1));
        // An attempt that the address may not make costs the name nothing.
        let tried = (0..100).filter(|_| fails(99, "192.0.2.3", 1)).count();
        assert_eq!(tried, 10);
    }

    #[test]
    fn success_costs_nothing() {
        let attempts = Attempts::new();
        for _ in 0..200 {
            let attempt = attempts.begin("grid", address("192.0.2.1"), at(0)).unwrap();
            attempts.succeeded(&attempt);
        }
        let in_flight: Vec<_> = (0..20).map(|_| attempts.begin("grid", None, at(0))).collect();
        assert_eq!(
            in_flight.iter().flatten().count(),
            10,
            "guesses at once are counted before they are answered"
        );
    }

    #[test]
    fn one_customer_has_one_allowance_in_ipv6() {
        let attempts = Attempts::new();
        let fails = |nth: u16| {
            let from = format!("2001:db8:1:2::{nth:x}");
            attempts.begin(&format!("u{nth}"), address(&from), at(0)).is_some()
        };
        assert_eq!((0..100).filter(|nth| fails(*nth)).count(), 60);
        assert!(attempts.begin("x", address("2001:db8:1:3::1"), at(0)).is_some());
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let attempts = Attempts::new();
        for nth in 0..20_000i64 {
            let name = format!("n{nth}");
            let _ = attempts.begin(
                &name,
                Some(IpAddr::from(std::net::Ipv4Addr::from(u32::try_from(nth).unwrap()))),
                at(nth),
            );
        }
        let kept = |allowance: &Allowance| allowance.spent_until.lock().unwrap().len();
        assert!(kept(&attempts.of_names) <= MANY && kept(&attempts.of_addresses) <= MANY);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let attempts = Attempts::new();
        let tries = |second| {
            (0..20)
                .filter(|_| attempts.begin("grid", None, at(second)).is_some())
                .count()
        };
        assert_eq!(tries(1_000_000), 10);
        assert_eq!(tries(0), 0);
        // The name is free after its two minutes, the address a minute after it was looked at.
        assert_eq!(tries(120), 0);
        assert_eq!(tries(180), 10);
    }
}
