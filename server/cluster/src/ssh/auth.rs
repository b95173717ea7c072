//! The login: the agent's keys, key files, then what a person must answer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::ssh_key::{Certificate, HashAlg, PublicKey};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;

use super::config::{AgentPlace, Host};
use super::host_key::{Checker, Said};
use super::reach::Way;
use crate::ask::{Question, QuestionKind};
use crate::error::{ClusterError, ErrorKind, one_line};

/// What the person told us, kept in memory only, so that the connection can be made again without asking again.
#[derive(Default)]
pub(crate) struct Secrets {
    keys: HashMap<PathBuf, Arc<PrivateKey>>,
    passwords: HashMap<String, String>,
}

/// The state of one login.
struct Login<'a> {
    way: &'a Way<'a>,
    host: &'a Host,
    handle: &'a mut Handle<Checker>,
    methods: MethodSet,
    /// What was tried, for the error.
    tried: Vec<String>,
    rsa: Option<Option<HashAlg>>,
}

enum Step {
    In,
    /// Not with this.
    No,
    /// The connection is gone.
    Closed,
}

/// How long the end of a connection may take to be known.
const END: Duration = Duration::from_secs(2);
/// How long the host may think about a key. A connection that is half dead says nothing, and before the login nothing else
/// finds that out.
const PROMPT: Duration = Duration::from_secs(30);
/// The same where a person may have to do something that we do not see: touch a key, approve on a telephone.
const PATIENT: Duration = Duration::from_secs(180);

/// Logs in, or says what was tried. A connection that breaks meanwhile is no refusal: trying again may help.
pub(super) async fn login(
    way: &Way<'_>,
    host: &Host,
    handle: &mut Handle<Checker>,
    said: &Said,
) -> Result<(), ClusterError> {
    let mut login = Login {
        way,
        host,
        handle,
        methods: MethodSet::empty(),
        tried: Vec::new(),
        rsa: None,
    };
    let step = login.run().await;
    if matches!(step, Step::In) {
        return Ok(());
    }
    let Login { methods, tried, .. } = login;
    let takes: Vec<&str> = methods.iter().map(<&str>::from).collect();
    let mut why = vec![if takes.is_empty() {
        "it takes nothing".to_owned()
    } else {
        format!("it takes {}", takes.join(", "))
    }];
    why.push(if tried.is_empty() {
        "there was nothing to try: no agent, no key file".to_owned()
    } else {
        format!("tried {}", tried.join(", "))
    });
    if matches!(step, Step::Closed) || handle.is_closed() {
        // How it ended is known when the session's task is over.
        let _ = tokio::time::timeout(END, handle).await;
        let Some(farewell) = said.farewell() else {
            return Err(ClusterError::new(
                way.target,
                ErrorKind::Connection,
                format!(
                    "the connection to {} broke off during the login",
                    host.host_name
                ),
                "try again",
            ));
        };
        why.push(format!("it hung up: {farewell}"));
    }
    let banner = said.banner();
    if !banner.is_empty() {
        why.push(format!("it says: {banner}"));
    }
    Err(ClusterError::new(
        way.target,
        ErrorKind::Auth,
        format!(
            "{} refuses the login as {} ({})",
            host.host_name,
            host.user,
            why.join("; ")
        ),
        format!(
            "check that `ssh {}` works, set User or IdentityFile for it in ~/.ssh/config, or connect again and answer what is asked",
            host.alias
        ),
    ))
}

impl Login<'_> {
    async fn run(&mut self) -> Step {
        let first = within(PROMPT, self.handle.authenticate_none(&self.host.user)).await;
        match self.note(first) {
            Step::No => {}
            done => return done,
        }
        // A server may want several methods one after another: each success leads to another round.
        let mut key_done = false;
        for _ in 0..4 {
            let before = self.methods.clone();
            let mut step = Step::No;
            if !key_done && self.takes(MethodKind::PublicKey) {
                step = self.keys().await;
                key_done = true;
            }
            if matches!(step, Step::No)
                && self.methods == before
                && self.takes(MethodKind::KeyboardInteractive)
            {
                step = self.interactive().await;
            }
            if matches!(step, Step::No)
                && self.methods == before
                && self.takes(MethodKind::Password)
            {
                step = self.password().await;
            }
            match step {
                Step::No if self.methods != before => {}
                done => return done,
            }
        }
        Step::No
    }

    fn takes(&self, kind: MethodKind) -> bool {
        self.methods.contains(&kind)
    }

    fn note(&mut self, result: Result<AuthResult, russh::Error>) -> Step {
        match result {
            Ok(AuthResult::Success) => Step::In,
            Ok(AuthResult::Failure {
                remaining_methods, ..
            }) => {
                if remaining_methods.iter().next().is_none() && self.handle.is_closed() {
                    return Step::Closed;
                }
                self.methods = remaining_methods;
                Step::No
            }
            Err(_) => Step::Closed,
        }
    }

    async fn rsa_hash(&mut self) -> Option<HashAlg> {
        if self.rsa.is_none() {
            self.rsa = Some(
                self.handle
                    .best_supported_rsa_hash()
                    .await
                    .ok()
                    .flatten()
                    .unwrap_or(Some(HashAlg::Sha512)),
            );
        }
        self.rsa.flatten()
    }

    /// Keys in OpenSSH's order: those of the agent that are named, the agent's others, key files.
    async fn keys(&mut self) -> Step {
        let named: Vec<(PathBuf, Option<PublicKey>)> = self
            .host
            .identity_files
            .iter()
            .map(|file| (file.clone(), public_of(file)))
            .collect();
        let mut offered: Vec<PublicKey> = Vec::new();
        if let Some((mut agent, identities)) = self.agent().await {
            let is_named = |identity: &AgentIdentity| {
                let key = identity.public_key();
                named.iter().any(|(_, public)| {
                    public
                        .as_ref()
                        .is_some_and(|p| p.key_data() == key.key_data())
                })
            };
            let (first, rest): (Vec<_>, Vec<_>) = identities.into_iter().partition(is_named);
            let rest = if self.host.identities_only {
                Vec::new()
            } else {
                rest
            };
            for identity in first.into_iter().chain(rest) {
                let key = identity.public_key().into_owned();
                let hash = if key.algorithm().is_rsa() {
                    self.rsa_hash().await
                } else {
                    None
                };
                self.tried.push(format!(
                    "the agent's key {}",
                    shown(&key, identity.comment())
                ));
                let user = self.host.user.clone();
                let handle = &mut *self.handle;
                let offer = async {
                    match &identity {
                        AgentIdentity::PublicKey { .. } => {
                            let key = key.clone();
                            handle
                                .authenticate_publickey_with(user, key, hash, &mut agent)
                                .await
                        }
                        AgentIdentity::Certificate { certificate, .. } => {
                            let certificate = certificate.clone();
                            handle
                                .authenticate_certificate_with(user, certificate, hash, &mut agent)
                                .await
                        }
                    }
                };
                let Ok(result) = tokio::time::timeout(PATIENT, offer).await else {
                    return Step::Closed;
                };
                offered.push(key);
                // An agent that will not sign is one key less, no more.
                let Ok(result) = result else { continue };
                match self.note(Ok(result)) {
                    Step::No if self.takes(MethodKind::PublicKey) => {}
                    done => return done,
                }
            }
        }
        let mut locked = Vec::new();
        for (file, public) in &named {
            if public
                .as_ref()
                .is_some_and(|p| offered.iter().any(|o| o.key_data() == p.key_data()))
            {
                continue;
            }
            let kept = self
                .way
                .secrets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .keys
                .get(file)
                .cloned();
            let text = match std::fs::read_to_string(file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.tried
                        .push(format!("{} (cannot be read: {error})", file.display()));
                    continue;
                }
            };
            let key = match kept {
                Some(key) => Ok(key),
                None => decode_secret_key(&text, None).map(Arc::new),
            };
            match key {
                Ok(key) => match self.offer(file, key).await {
                    Step::No if self.takes(MethodKind::PublicKey) => {}
                    done => return done,
                },
                Err(_) if is_locked(&text) => locked.push((file.clone(), text)),
                Err(error) => self
                    .tried
                    .push(format!("{} (not usable: {error})", file.display())),
            }
        }
        for (file, text) in locked {
            match self.unlock(&file, &text).await {
                Some(key) => match self.offer(&file, key).await {
                    Step::No if self.takes(MethodKind::PublicKey) => {}
                    done => return done,
                },
                None => self.tried.push(format!(
                    "{} (locked by a passphrase that was not given)",
                    file.display()
                )),
            }
        }
        Step::No
    }

    async fn agent(&self) -> Option<(AgentClient<UnixStream>, Vec<AgentIdentity>)> {
        let socket = match &self.host.agent {
            AgentPlace::None => return None,
            AgentPlace::Environment => PathBuf::from(std::env::var_os("SSH_AUTH_SOCK")?),
            AgentPlace::Socket(path) => path.clone(),
        };
        // An agent that is gone is no reason to fail: there are key files.
        let mut agent = AgentClient::connect_uds(socket).await.ok()?;
        let list = tokio::time::timeout(Duration::from_secs(5), agent.request_identities());
        let identities = list.await.ok()?.ok()?;
        Some((agent, identities))
    }

    /// Offers a key file, with its certificate first where there is one.
    async fn offer(&mut self, file: &Path, key: Arc<PrivateKey>) -> Step {
        let beside = PathBuf::from(format!("{}-cert.pub", file.display()));
        for path in self.host.certificate_file.iter().chain([&beside]) {
            let Some(certificate) = std::fs::read_to_string(path)
                .ok()
                .and_then(|t| Certificate::from_openssh(&t).ok())
            else {
                continue;
            };
            if certificate.public_key() != key.public_key().key_data() {
                continue;
            }
            self.tried.push(path.display().to_string());
            let user = self.host.user.clone();
            let offer = self
                .handle
                .authenticate_openssh_cert(user, Arc::clone(&key), certificate);
            let result = within(PROMPT, offer).await;
            match self.note(result) {
                Step::No if self.takes(MethodKind::PublicKey) => {}
                done => return done,
            }
        }
        let hash = if key.algorithm().is_rsa() {
            self.rsa_hash().await
        } else {
            None
        };
        self.tried.push(file.display().to_string());
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let offer = self.handle.authenticate_publickey(&self.host.user, key);
        let result = within(PROMPT, offer).await;
        self.note(result)
    }

    async fn unlock(&self, file: &Path, text: &str) -> Option<Arc<PrivateKey>> {
        for attempt in 0..3 {
            let again = if attempt > 0 { "That was not it. " } else { "" };
            let title = format!("{}: passphrase of {}", self.way.target, file.display());
            let question = Question::new(
                QuestionKind::Secret,
                title,
                format!("{again}It stays in memory only."),
            );
            let answer = self.way.ask.ask(question).await?;
            // Unlocking is made to be slow.
            let (text, file) = (text.to_owned(), file.to_owned());
            let key =
                tokio::task::spawn_blocking(move || decode_secret_key(&text, Some(&answer))).await;
            if let Ok(Ok(key)) = key {
                let key = Arc::new(key);
                let mut secrets = self
                    .way
                    .secrets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                secrets.keys.insert(file, Arc::clone(&key));
                return Some(key);
            }
        }
        None
    }

    fn place(&self) -> String {
        format!(
            "{}@{}:{}",
            self.host.user, self.host.host_name, self.host.port
        )
    }

    fn kept_password(&self) -> Option<String> {
        self.way
            .secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .passwords
            .get(&self.place())
            .cloned()
    }

    fn keep_password(&self, password: Option<&str>) {
        let mut secrets = self
            .way
            .secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match password {
            Some(password) => secrets.passwords.insert(self.place(), password.to_owned()),
            None => secrets.passwords.remove(&self.place()),
        };
    }

    async fn interactive(&mut self) -> Step {
        self.tried.push("the questions of the server".to_owned());
        let mut kept = self.kept_password();
        let mut had_kept = kept.is_some();
        for _ in 0..3 {
            let mut typed: Option<String> = None;
            let mut answered = false;
            let user = self.host.user.clone();
            let start = self
                .handle
                .authenticate_keyboard_interactive_start(user, None);
            let mut response = within(PATIENT, start).await;
            loop {
                match response {
                    Ok(KeyboardInteractiveAuthResponse::Success) => {
                        if let Some(password) = &typed {
                            self.keep_password(Some(password));
                        }
                        return Step::In;
                    }
                    Ok(KeyboardInteractiveAuthResponse::Failure {
                        remaining_methods,
                        partial_success,
                    }) => {
                        self.keep_password(None);
                        if remaining_methods.iter().next().is_none() && self.handle.is_closed() {
                            return Step::Closed;
                        }
                        self.methods = remaining_methods;
                        if partial_success {
                            return Step::No;
                        }
                        break;
                    }
                    Err(_) => return Step::Closed,
                    Ok(KeyboardInteractiveAuthResponse::InfoRequest {
                        name,
                        instructions,
                        prompts,
                    }) => {
                        let mut answers = Vec::new();
                        for prompt in prompts {
                            let is_password =
                                !prompt.echo && prompt.prompt.to_lowercase().contains("password");
                            if is_password && let Some(password) = kept.take() {
                                answers.push(password);
                                continue;
                            }
                            let kind = if prompt.echo {
                                QuestionKind::Text
                            } else {
                                QuestionKind::Secret
                            };
                            let title = format!(
                                "{}: {}",
                                self.way.target,
                                prompt.prompt.trim().trim_end_matches(':')
                            );
                            let detail = format!(
                                "{} {} {}",
                                self.place(),
                                one_line(&name),
                                one_line(&instructions)
                            );
                            let question = Question::new(kind, title, detail.trim());
                            let Some(answer) = self.way.ask.ask(question).await else {
                                self.tried.pop();
                                self.tried
                                    .push(format!("nobody answered {:?}", prompt.prompt.trim()));
                                return Step::No;
                            };
                            answered = true;
                            if is_password {
                                typed = Some(answer.clone());
                            }
                            answers.push(answer);
                        }
                        let answer = self
                            .handle
                            .authenticate_keyboard_interactive_respond(answers);
                        response = within(PATIENT, answer).await;
                    }
                }
            }
            if !self.takes(MethodKind::KeyboardInteractive) || (!answered && !had_kept) {
                return Step::No;
            }
            // A kept password that no longer holds: the next round asks.
            had_kept = false;
        }
        Step::No
    }

    async fn password(&mut self) -> Step {
        for attempt in 0..3 {
            let kept = if attempt == 0 {
                self.kept_password()
            } else {
                None
            };
            let password = match kept {
                Some(password) => password,
                None => {
                    let title = format!("{}: password of {}", self.way.target, self.place());
                    let question =
                        Question::new(QuestionKind::Secret, title, "It stays in memory only.");
                    let Some(answer) = self.way.ask.ask(question).await else {
                        self.tried.push("no password was given".to_owned());
                        return Step::No;
                    };
                    answer
                }
            };
            self.tried.push("a password".to_owned());
            let before = self.methods.clone();
            let answer = self
                .handle
                .authenticate_password(&self.host.user, &password);
            let result = within(PATIENT, answer).await;
            match self.note(result) {
                Step::No if self.methods == before => self.keep_password(None),
                Step::No => return Step::No,
                done => {
                    self.keep_password(Some(&password));
                    return done;
                }
            }
        }
        Step::No
    }
}

/// One question to the host and its answer.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, russh::Error> {
    let answer = tokio::time::timeout(limit, work).await;
    answer.unwrap_or(Err(russh::Error::ConnectionTimeout))
}

/// The public half of a key file: from the file beside it, or from the key itself, whose public half is never locked.
fn public_of(file: &Path) -> Option<PublicKey> {
    let beside = PathBuf::from(format!("{}.pub", file.display()));
    if let Ok(text) = std::fs::read_to_string(beside)
        && let Ok(key) = PublicKey::from_openssh(text.trim())
    {
        return Some(key);
    }
    let text = std::fs::read_to_string(file).ok()?;
    PublicKey::from_openssh(text.trim())
        .ok()
        .or_else(|| Some(PrivateKey::from_openssh(&text).ok()?.public_key().clone()))
}

fn is_locked(text: &str) -> bool {
    text.contains("ENCRYPTED") || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}

fn shown(key: &PublicKey, comment: &str) -> String {
    let comment = one_line(comment);
    if comment.is_empty() {
        key.fingerprint(HashAlg::Sha256).to_string()
    } else {
        comment
    }
}
