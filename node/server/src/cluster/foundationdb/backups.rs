//! The operator's hand upon FoundationDB's backup.

use hongyan_cluster::StoreBackups;
use hongyan_env::BoxFuture;
use hongyan_foundationdb_keeper::{BackupStatus, Backups, KeeperError, Place, PlaceError};
use hongyan_http_admin::BackupView;

/// Backups by the programs of this machine.
pub(super) struct Operated(pub(super) Backups);

impl StoreBackups for Operated {
    fn status(&self) -> BoxFuture<'_, Result<BackupView, String>> {
        Box::pin(async move { self.0.status().await.map(view).map_err(told) })
    }
    fn check(&self, to: &str) -> Result<String, String> {
        let place: Result<Place, PlaceError> = to.parse();
        let place = place.map_err(|error| error.to_string())?;
        Ok(place.as_str().to_owned())
    }
    fn start(&self, to: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let place: Place = to.parse().map_err(|error: PlaceError| error.to_string())?;
            self.0.start(&place).await.map_err(told)
        })
    }
    fn stop(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.0.stop().await.map_err(told) })
    }
}

fn told(error: KeeperError) -> String {
    match error {
        // Its path says nothing to the operator; it was found.
        KeeperError::Refused { said, .. } => format!("FoundationDB says: {said}"),
        KeeperError::Run { program, source } => format!("{} cannot be run: {source}", program.display()),
        error => error.to_string(),
    }
}

fn view(status: BackupStatus) -> BackupView {
    let state = match (&status.phase, status.running, status.restorable) {
        (None, false, _) => "none",
        (_, false, _) => "ended",
        (_, true, false) => "starting",
        (_, true, true) => "running",
    };
    BackupView {
        state: state.to_owned(),
        restorable: status.restorable,
        to: status.to,
        behind_secs: status.behind_secs,
        messages: status.errors,
    }
}
