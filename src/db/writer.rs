//! The writer: one thread per programme through which everything that changes the database goes.
//!
//! It takes what is waiting, runs it in order inside one transaction, each piece in its own savepoint, commits, and only
//! then answers. There is no timer: while one group commits, the next gathers. So a rule may be written as look, decide,
//! write; and one disk flush pays for many redemptions. A pool of writers would be slower on both databases and could not
//! promise either (measured: `books.md` §1b, §2).

use std::any::{Any, TypeId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use diesel::connection::{Connection, TransactionManager};
use tokio::sync::oneshot;

use super::{Conn, Location, Together, begin_writing, connect};
use crate::error::{Error, Result};

/// The most pieces of work in one transaction: enough to fill a flush, few enough that the first need not wait long.
const GROUP: usize = 256;
/// The most pieces of work that may wait. Beyond it the server says that it is busy instead of growing.
const QUEUE: usize = 8_192;

/// Takes work in order, one group at a time.
pub(super) struct Writer {
    queue: mpsc::SyncSender<Box<dyn Work>>,
    writes: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread. It ends when the last `Db` is dropped, after what is waiting is done.
    pub(super) fn start(location: Location) -> Result<Writer> {
        let (queue, waiting) = mpsc::sync_channel(QUEUE);
        let writes = Arc::new(AtomicU64::new(0));
        let bench = Bench {
            conn: Some(connect(&location)?),
            location,
            writes: Arc::clone(&writes),
        };
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || bench.work(&waiting))
            .map_err(Error::internal)?;
        Ok(Writer { queue, writes })
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Alone {
            work: Some(work),
            outcome: None,
            reply: Some(reply),
        }))?;
        answer.await.map_err(Error::internal)?
    }

    pub(super) async fn write_together<R, T>(&self, request: R, decide: Together<R, T>) -> Result<T>
    where
        R: Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Gathered {
            decide,
            requests: vec![request],
            outcomes: Vec::new(),
            replies: vec![reply],
        }))?;
        answer.await.map_err(Error::internal)?
    }

    fn submit(&self, work: Box<dyn Work>) -> Result<()> {
        self.queue
            .try_send(work)
            .map_err(|_| Error::internal("too much is waiting to be written"))
    }
}

/// The writer thread's own connection.
struct Bench {
    location: Location,
    conn: Option<Conn>,
    writes: Arc<AtomicU64>,
}

impl Bench {
    fn work(mut self, waiting: &mpsc::Receiver<Box<dyn Work>>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            for next in waiting.try_iter().take(GROUP.saturating_sub(1)) {
                gather(&mut group, next);
            }
            self.commit(group);
        }
    }

    /// Runs a group in one transaction and answers it after the commit.
    fn commit(&mut self, mut group: Vec<Box<dyn Work>>) {
        let done = self.run(&mut group);
        if let Err(cause) = &done {
            tracing::error!("a group of {} was not written: {cause}", group.len());
            // Whatever state the connection is in, a fresh one has none.
            self.conn = None;
        }
        // Counted before anybody is answered: whoever has the answer to a write no longer gets what was read before it.
        if group.iter().any(|work| work.kind().is_none()) {
            self.writes.fetch_add(1, Ordering::Release);
        }
        let failure = done.err().map(|cause| cause.to_string());
        for work in group {
            work.answer(failure.as_deref());
        }
    }

    fn run(&mut self, group: &mut [Box<dyn Work>]) -> Result<()> {
        let conn = self.open()?;
        for work in group {
            // A panic in one piece of work must not end the writer; the group is given up and nothing of it is kept.
            catch_unwind(AssertUnwindSafe(|| work.run(conn))).map_err(|_| Error::internal("the work panicked"))??;
        }
        <Conn as Connection>::TransactionManager::commit_transaction(conn)?;
        Ok(())
    }

    /// The connection with its transaction begun; connects again once when the database went away in between.
    fn open(&mut self) -> Result<&mut Conn> {
        let begun = match &mut self.conn {
            Some(conn) => begin_writing(conn).is_ok(),
            None => false,
        };
        if !begun {
            let mut conn = connect(&self.location)?;
            begin_writing(&mut conn)?;
            self.conn = Some(conn);
        }
        self.conn.as_mut().ok_or_else(|| Error::internal("no connection"))
    }
}

/// Puts a piece of work behind the group, or into a piece of its own kind that is waiting already.
fn gather(group: &mut Vec<Box<dyn Work>>, work: Box<dyn Work>) {
    let Some(kind) = work.kind() else {
        group.push(work);
        return;
    };
    match group.iter_mut().find(|other| other.kind() == Some(kind)) {
        Some(other) => other.absorb(work.into_any()),
        None => group.push(work),
    }
}

/// A piece of work that the writer runs and later answers.
trait Work: Send {
    /// Runs inside the transaction and keeps the outcome. An error here gives up the whole group.
    fn run(&mut self, conn: &mut Conn) -> Result<()>;
    /// Answers after the commit, or with the reason why there was none.
    fn answer(self: Box<Self>, failure: Option<&str>);
    /// Work of the same kind is decided together.
    fn kind(&self) -> Option<TypeId>;
    /// Takes in another piece of the same kind.
    fn absorb(&mut self, other: Box<dyn Any>);
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

struct Alone<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: Option<oneshot::Sender<Result<T>>>,
}

impl<T, F> Work for Alone<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
{
    fn run(&mut self, conn: &mut Conn) -> Result<()> {
        if let Some(work) = self.work.take() {
            self.outcome = Some(conn.transaction(work));
        }
        Ok(())
    }

    fn answer(mut self: Box<Self>, failure: Option<&str>) {
        if let Some(reply) = self.reply.take() {
            // A caller that has gone away no longer wants the answer.
            let _ = reply.send(settled(self.outcome.take(), failure));
        }
    }

    fn kind(&self) -> Option<TypeId> {
        None
    }
    fn absorb(&mut self, _: Box<dyn Any>) {}
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

struct Gathered<R, T> {
    decide: Together<R, T>,
    requests: Vec<R>,
    outcomes: Vec<Option<Result<T>>>,
    replies: Vec<oneshot::Sender<Result<T>>>,
}

impl<R: Send + 'static, T: Send + 'static> Work for Gathered<R, T> {
    fn run(&mut self, conn: &mut Conn) -> Result<()> {
        let decide = self.decide;
        match conn.transaction(|conn| decide(conn, &self.requests)) {
            Ok(outcomes) => self.outcomes = outcomes.into_iter().map(Some).collect(),
            // One request that fails (not: is refused) must not fail its neighbours: each gets its own savepoint.
            Err(cause) if self.requests.len() > 1 => {
                tracing::error!("a set of {} failed, trying each alone: {cause}", self.requests.len());
                for request in self.requests.chunks(1) {
                    let outcome = conn
                        .transaction(|conn| decide(conn, request))
                        .and_then(|mut outcomes| outcomes.pop().ok_or_else(|| Error::internal("no outcome"))?);
                    self.outcomes.push(Some(outcome));
                }
            }
            Err(cause) => self.outcomes.push(Some(Err(cause))),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let mut outcomes = self.outcomes.into_iter();
        for reply in self.replies {
            // A caller that has gone away no longer wants the answer.
            let _ = reply.send(settled(outcomes.next().flatten(), failure));
        }
    }

    fn kind(&self) -> Option<TypeId> {
        Some(TypeId::of::<(R, T)>())
    }

    fn absorb(&mut self, other: Box<dyn Any>) {
        if let Ok(other) = other.downcast::<Self>() {
            self.requests.extend(other.requests);
            self.replies.extend(other.replies);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// What to answer: the outcome only if it was committed.
fn settled<T>(outcome: Option<Result<T>>, failure: Option<&str>) -> Result<T> {
    match (outcome, failure) {
        (Some(outcome), None) => outcome,
        (_, Some(failure)) => Err(Error::internal(failure)),
        (None, None) => Err(Error::internal("the work was not run")),
    }
}
