//! Connecting to a target because a person wants it, and learning what the editor says of it.

use hoist_cluster::{ClusterError, TargetSettings};

use crate::Engine;

/// What was learnt of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// The version of the Python that jobs get, as `3.6.8`, where that can be known before one.
    pub python: Option<String>,
    /// How many distributions it has, where that can be known.
    pub packages: Option<usize>,
    /// Why that is not known, in one sentence, where the target was asked in vain: a module or a set-up line failed there.
    pub silence: Option<String>,
}

impl Engine {
    /// Whether there is a connection to a target, for whoever asks without making one.
    pub fn is_connected(&self, settings: &TargetSettings) -> bool {
        self.hubs().get(settings).open_target().is_some()
    }

    /// Connects to a target unless that is done, asking whatever must be asked, and learns its Python and what that can import. What waited
    /// for the connection goes on by itself, and what findings say of the target is true from then on.
    ///
    /// # Errors
    /// The target cannot be reached.
    pub async fn connect(&self, settings: &TargetSettings) -> Result<Learnt, ClusterError> {
        let hub = self.hubs().get(settings);
        let target = hub.reconnect().await?;
        hub.ask_again();
        hub.look_again();
        // Another one may be asking already.
        hub.looked().await;
        hub.look(&target);
        hub.looked().await;
        let silence = hub.silence();
        if silence.is_none() && hub.known().is_none() {
            // One that can import more than is kept tells its version all the same.
            if let Some(version) = hub.version(&target).await? {
                hub.remember(&version);
            }
        }
        let known = hub.known().filter(|_| silence.is_none());
        let (python, packages) =
            known.map_or((None, None), |(python, packages)| (Some(python), packages));
        Ok(Learnt {
            python,
            packages,
            silence,
        })
    }
}
