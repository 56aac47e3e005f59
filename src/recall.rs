//! Recall: answers that every request asks for and that change seldom, kept until something is written.
//!
//! Who is behind this token, which store is this clerk's: at a busy counter these look-ups would cost more than the redemption.
//! An answer is good as long as nobody has written anything but redemptions through this server since before it was looked
//! up, and for five seconds at most, because a command line on the same database writes behind our back. So a duty that is taken
//! away here is gone with the answer of the request that took it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use crate::clock::Moment;

/// How long an answer is good although nobody has written here.
const AGE: TimeDelta = TimeDelta::seconds(5);
/// Answers kept at most; then all are forgotten.
const MOST: usize = 4_096;

/// Answers to one kind of question.
pub struct Recall<K, V>(Mutex<HashMap<K, (u64, Moment, V)>>);

impl<K: Hash + Eq, V: Clone> Recall<K, V> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Recall<K, V> {
        Recall(Mutex::new(HashMap::new()))
    }

    /// The answer, if it is still good after `writes` writes.
    #[must_use]
    pub fn get(&self, question: &K, writes: u64, now: Moment) -> Option<V> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, at, answer) = answers.get(question)?;
        (*since == writes && now - *at < AGE).then(|| answer.clone())
    }

    /// Keeps an answer that was looked up after `writes` writes.
    pub fn keep(&self, question: K, writes: u64, now: Moment, answer: V) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(question, (writes, now, answer));
    }
}

impl<K: Hash + Eq, V: Clone> Default for Recall<K, V> {
    fn default() -> Self {
        Recall::new()
    }
}
