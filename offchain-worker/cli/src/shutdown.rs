//! Being asked to stop: SIGINT or SIGTERM.

use crate::failure::Failure;

/// Listens from its making on, so that no request is missed.
pub struct Shutdown {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Shutdown {
    /// Starts to listen.
    pub fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|error| Failure::local("cannot listen for signals", error))?;
        Ok(Self {
            #[cfg(unix)]
            terminate,
        })
    }

    /// Waits until asked. Dropping the future loses nothing but a Ctrl-C in that very moment.
    pub async fn asked(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {},
            _ = tokio::signal::ctrl_c() => {},
        }
        #[cfg(not(unix))]
        // Without Ctrl-C there is nothing to wait for.
        let _ = tokio::signal::ctrl_c().await;
    }
}
