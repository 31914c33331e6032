//! Keeps one check from taking the others with it: each has a deadline, and one that panics is a row, too.

use super::row::{Fault, Found, Row};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Waits so long for a check.
pub async fn within<T>(
    name: &'static str,
    limit: Duration,
    check: impl Future<Output = Found<T>>,
) -> Found<T> {
    // What a check holds is dropped with it, so nothing that is half changed is seen again.
    match tokio::time::timeout(limit, AssertUnwindSafe(check).catch_unwind()).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => (broken(name), None),
        Err(_) => (late(name, limit), None),
    }
}

/// The same for a check that blocks its thread. One that never ends keeps its thread until the program ends.
pub async fn aside<T: Send + 'static>(
    name: &'static str,
    limit: Duration,
    check: impl FnOnce() -> Found<T> + Send + 'static,
) -> Found<T> {
    let check = tokio::task::spawn_blocking(check);
    within(name, limit, async { check.await.unwrap_or_else(|_| (broken(name), None)) }).await
}

fn broken(name: &'static str) -> Row {
    let finding = "the check itself broke off, which is a fault of this program";
    Row::failed(name, Fault::Infrastructure, finding, "report it, with what was printed on standard error")
}

fn late(name: &'static str, limit: Duration) -> Row {
    let finding = format!("no result within {} s", limit.as_secs());
    Row::failed(name, Fault::Infrastructure, finding, "try again, with a longer --wait if it is only slow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::row::Status;

    #[tokio::test]
    async fn neither_panic_nor_silence_ends_the_others() {
        let (limit, short) = (Duration::from_secs(60), Duration::from_millis(30));
        let check = |found: Found<u8>, expected: &str| {
            assert!(matches!(found.0.status, Status::Failed(_)) && found.1.is_none(), "{found:?}");
            assert!(found.0.finding.contains(expected) && found.0.fix.is_some(), "{found:?}");
        };
        check(within("x", limit, async { panic!("on purpose") }).await, "broke off");
        check(within("x", short, std::future::pending()).await, "no result within");
        check(aside("x", limit, || panic!("on purpose")).await, "broke off");
        let (gate, closed) = std::sync::mpsc::channel::<()>();
        let found = aside("x", short, move || (Row::passed("x", "late"), closed.recv().ok().map(|()| 1)));
        check(found.await, "no result within");
        drop(gate);
        assert_eq!(aside("x", limit, || (Row::passed("x", "y"), Some(1))).await.1, Some(1));
    }
}
