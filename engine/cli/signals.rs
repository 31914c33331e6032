//! Signals to commands that only wait: the first one ends them. A run has more to say to them, see `run::process`.

use crate::exit::Exit;
use crate::out;
use anyhow::Context;

/// Has the first signal from here on end the program, which would otherwise hear none that it listened to once: what is
/// left is kept, and is done by whoever goes on. `told` says how.
pub fn end_at_signal(told: String) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Heard from here on, not from when the thread comes to it.
    let asked = runtime.block_on(async { asked_to_stop() }).context("listen to signals")?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(asked);
        out::note(told);
        std::process::exit(Exit::Interrupted as i32);
    })?;
    Ok(())
}

/// Ctrl-C, or what a service manager sends, heard from here on.
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
