//! A model that answers as many questions as a test wants, so that a run is where the test wants it.

use super::fake::{Fake, says};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nothing here takes so long unless it never ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// A model that answers so many questions, and has the others wait.
pub struct Gated {
    pub model: Fake,
    gate: Arc<(Mutex<u32>, Condvar)>,
    asked: Arc<AtomicU32>,
}

impl Gated {
    pub fn start(questions: u32) -> Gated {
        let gate = Arc::new((Mutex::new(questions), Condvar::new()));
        let asked = Arc::new(AtomicU32::new(0));
        let (theirs, count) = (gate.clone(), asked.clone());
        let model = Fake::start(move |asked| {
            count.fetch_max(asked.before + 1, Ordering::SeqCst);
            let (questions, opened) = &*theirs;
            let questions = questions.lock().expect("no test fails while it looks");
            drop(opened.wait_while(questions, |questions| asked.before >= *questions));
            says("Done.")
        });
        Gated { model, gate, asked }
    }

    pub fn open(&self, questions: u32) {
        *self.gate.0.lock().unwrap_or_else(PoisonError::into_inner) = questions;
        self.gate.1.notify_all();
    }

    pub fn wait_for_question(&self, number: u32) {
        wait("a question", || (self.asked.load(Ordering::SeqCst) > number).then_some(()));
    }
}

/// Looks until there is something.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Gated {
    /// Nobody waits for a model that a test has forgotten.
    fn drop(&mut self) {
        self.open(u32::MAX);
    }
}
