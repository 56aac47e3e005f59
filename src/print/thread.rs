//! The thread of the press: whatever is set is set on it, one after the other.
//!
//! One thread is the turn that papers wait for, and it keeps the memory small: what one paper has given back the next one
//! uses, whereas each of many threads would keep as much for itself. Typst spreads its work over the threads of the pool in
//! which it runs; this pool has one, and the counter keeps the other processors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// The thread of the press. It starts with the first paper and ends when this is dropped.
#[derive(Default)]
pub struct PressThread {
    pool: OnceLock<Option<ThreadPool>>,
}

impl PressThread {
    /// Runs a work when those before it are done. One that nobody waits for any more is left out.
    ///
    /// # Errors
    /// What the work answers; `Internal` when it panicked or there is no thread.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let pool = self.pool.get_or_init(start).as_ref();
        let pool = pool.ok_or_else(|| Error::internal("the press has no thread"))?;
        let (answer, answered) = oneshot::channel();
        pool.spawn_fifo(move || {
            if !answer.is_closed() {
                let done = catch_unwind(AssertUnwindSafe(work));
                // Whoever asked may have gone meanwhile.
                let _ = answer.send(done.unwrap_or_else(|_| Err(Error::internal("the press stumbled"))));
            }
        });
        answered.await.map_err(Error::internal)?
    }
}

fn start() -> Option<ThreadPool> {
    let named = ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| "press".to_owned());
    let started = named.build();
    if let Err(error) = &started {
        tracing::error!("the press has no thread: {error}");
    }
    started.ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

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
