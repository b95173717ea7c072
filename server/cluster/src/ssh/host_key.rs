//! Is this the host that we mean? The decision about the key that a host shows.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use russh::client::DisconnectReason;
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use tokio::sync::watch;

use super::config::{Host, Strictness};
use super::known_hosts::{self, KnownHostsError, Verdict};
use crate::ask::{Ask, Question, QuestionKind};
use crate::error::{ClusterError, ErrorKind, one_line};

/// What a host says in words.
#[derive(Default)]
pub(super) struct Said {
    /// Before the login.
    banner: Mutex<String>,
    /// When it ended the connection itself. A connection that breaks ends without a word.
    farewell: Mutex<Option<String>>,
}

impl Said {
    /// What it said before the login; empty when nothing.
    pub(super) fn banner(&self) -> String {
        let banner = self.banner.lock().unwrap_or_else(PoisonError::into_inner);
        one_line(&banner)
    }

    /// The words with which the host ended the connection; none when it did not.
    pub(super) fn farewell(&self) -> Option<String> {
        let farewell = self.farewell.lock().unwrap_or_else(PoisonError::into_inner);
        farewell.as_deref().map(one_line)
    }
}

/// The error for a file of known hosts that cannot be read.
pub(super) fn unreadable(target: &str, host: &str, error: KnownHostsError) -> ClusterError {
    ClusterError::new(
        target,
        ErrorKind::HostKey,
        format!("the key of {host} cannot be checked: {error}"),
        "make the file readable; without it every host would look unknown",
    )
}

/// The handler of a connection: it decides about the host's key and keeps what the host says.
pub(super) struct Checker {
    pub(super) target: String,
    pub(super) host: Arc<Host>,
    pub(super) ask: Arc<dyn Ask>,
    /// Whether a person is thinking about the key: no time limit runs meanwhile.
    pub(super) asking: watch::Sender<bool>,
    /// Why the key was refused, because the library's own error does not say.
    pub(super) refusal: Arc<Mutex<Option<ClusterError>>>,
    /// What the host says.
    pub(super) said: Arc<Said>,
}

impl russh::client::Handler for Checker {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        match self.decide(shown).await {
            Ok(()) => Ok(true),
            Err(error) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(false)
            }
        }
    }

    async fn auth_banner(
        &mut self,
        banner: &str,
        _session: &mut russh::client::Session,
    ) -> Result<(), russh::Error> {
        let kept = &self.said.banner;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < 4_096 {
            kept.push_str(banner);
        }
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<russh::Error>,
    ) -> Result<(), russh::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let farewell = &self.said.farewell;
                *farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

impl Checker {
    fn refuse<T>(&self, why: String, mend: String) -> Result<T, ClusterError> {
        Err(ClusterError::new(
            &self.target,
            ErrorKind::HostKey,
            why,
            mend,
        ))
    }

    fn decide<'a>(
        &'a self,
        shown: &'a PublicKeyOrCertificate,
    ) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let host = &*self.host;
            let name = host.key_name();
            let files = host.known_hosts_files();
            let unreadable = |error| unreadable(&self.target, &name, error);
            let key = shown.public_key();
            if let Some(certificate) = shown.certificate() {
                let authorities = known_hosts::authorities(&files, &name).map_err(unreadable)?;
                let prints: Vec<_> = authorities
                    .iter()
                    .map(|key| key.fingerprint(HashAlg::Sha256))
                    .collect();
                let plain = host
                    .host_key_alias
                    .as_deref()
                    .unwrap_or(&host.host_name)
                    .to_lowercase();
                let names = certificate.valid_principals();
                let for_it = names.is_empty() || names.iter().any(|n| n.to_lowercase() == plain);
                if certificate.cert_type() == CertType::Host
                    && for_it
                    && certificate.validate(&prints).is_ok()
                {
                    return Ok(());
                }
                return self.refuse(
                    format!("{name} shows a certificate that no authority of your known_hosts vouches for, or that is not for it or no longer valid"),
                    "ask your site for the authority's key, or remove its @cert-authority line to check the plain key".to_owned(),
                );
            }
            let print = format!("{} {}", kind(&key), known_hosts::fingerprint(&key));
            match known_hosts::check(&files, &name, &key).map_err(unreadable)? {
                Verdict::Known => Ok(()),
                Verdict::Revoked { file, line } => self.refuse(
                    format!("the key of {name} ({print}) is marked as revoked in {} line {line}", file.display()),
                    "do not connect; ask your site".to_owned(),
                ),
                Verdict::Changed { file, line } => self.refuse(
                    format!(
                        "the key of {name} has changed: it shows {print}, another one stands in {} line {line}, somebody may be listening in",
                        file.display()
                    ),
                    format!("ask your site whether the key is new; if it is, remove the old one with `ssh-keygen -R '{name}'`"),
                ),
                Verdict::Unknown => self.unknown(&name, &key, &print).await,
            }
        })
    }

    async fn unknown(&self, name: &str, key: &PublicKey, print: &str) -> Result<(), ClusterError> {
        let host = &*self.host;
        let file = host.known_hosts.first();
        let shown = file.map_or_else(
            || "known_hosts".to_owned(),
            |file| file.display().to_string(),
        );
        let accepted = match host.strictness {
            Strictness::Yes => false,
            Strictness::AcceptNew | Strictness::No => true,
            Strictness::Ask => {
                let question = Question::new(
                    QuestionKind::Confirm,
                    format!("{}: connect to {name} for the first time?", self.target),
                    format!(
                        "Its key is not known yet. Fingerprint: {print}. Compare it with the one that your site publishes. \
                         Yes adds it to {shown}."
                    ),
                );
                let _ = self.asking.send(true);
                let answer = self.ask.ask(question).await;
                let _ = self.asking.send(false);
                answer.is_some_and(|answer| {
                    matches!(answer.trim().to_lowercase().as_str(), "yes" | "y" | "true")
                })
            }
        };
        if !accepted {
            return self.refuse(
                format!("the key of {name} is not known ({print})"),
                format!(
                    "compare the fingerprint with the one that your site publishes, then accept it with `ssh {}` or `hoist doctor {}` in a terminal",
                    host.alias, self.target
                ),
            );
        }
        let Some(file) = file else { return Ok(()) };
        match known_hosts::add(file, name, key) {
            Ok(()) => Ok(()),
            Err(error) => self.refuse(
                format!("the accepted key of {name} cannot be kept: {error}"),
                "make the file writable".to_owned(),
            ),
        }
    }
}

/// The key's type as OpenSSH's messages name it.
fn kind(key: &PublicKey) -> String {
    match key.algorithm() {
        Algorithm::Ed25519 => "ED25519".to_owned(),
        Algorithm::Ecdsa { .. } => "ECDSA".to_owned(),
        Algorithm::Rsa { .. } => "RSA".to_owned(),
        other => other.to_string(),
    }
}
