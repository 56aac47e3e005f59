//! The thread of the press: whatever is set is set on it, one after the other.
//!
//! One thread is the turn that papers wait for, and it keeps the memory small: what one paper has given back the next one
//! uses, whereas each of many threads would keep as much for itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;

use crate::error::{Error, Result};

type Work = Box<dyn FnOnce() + Send>;

/// The thread of the press. It starts with the first paper and ends when this is dropped.
#[derive(Default)]
pub struct PressThread {
    queue: OnceLock<Sender<Work>>,
}

impl PressThread {
    /// Runs a work when those before it are done. One that nobody waits for any more is left out.
    ///
    /// # Errors
    /// What the work answers; `Internal` when it panicked or there is no thread.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move || {
            if !answer.is_closed() {
                let done = catch_unwind(AssertUnwindSafe(work));
                // Whoever asked may have gone meanwhile.
                let _ = answer.send(done.unwrap_or_else(|_| Err(Error::internal("the press stumbled"))));
            }
        });
        self.queue.get_or_init(start).send(work).map_err(Error::internal)?;
        answered.await.map_err(Error::internal)?
    }
}

fn start() -> Sender<Work> {
    let (queue, works) = channel::<Work>();
    let started = thread::Builder::new()
        .name("press".to_owned())
        .spawn(move || works.into_iter().for_each(|work| work()));
    if let Err(error) = started {
        // The queue has no reader then, and each work is answered with an error.
        tracing::error!("the press has no thread: {error}");
    }
    queue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn works_run_in_turn_and_one_that_panics_stops_no_other() {
        let press = PressThread::default();
        let name = || Ok(thread::current().id());
        let (first, second) = (press.run(name).await.unwrap(), press.run(name).await.unwrap());
        assert_eq!(first, second);
        assert!(press.run(|| -> Result<()> { panic!("a paper") }).await.is_err());
        assert_eq!(press.run(name).await.unwrap(), first);
        assert!(press.run(|| -> Result<()> { Err(Error::NotFound) }).await.is_err());
    }
}
