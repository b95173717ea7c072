//! The way to a host: its address, the hosts to go through, the handshake, the login.

use std::borrow::Cow;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use russh::client::{self, Handle};
use russh::keys::ssh_key::Algorithm;
use russh::{Preferred, cipher, compression};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::auth::{self, Secrets};
use super::config::{self, Host};
use super::host_key::{self, Checker};
use super::known_hosts;
use crate::ask::Ask;
use crate::error::{ClusterError, ErrorKind};

/// How long to wait for an address to answer when nobody says otherwise.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How many hosts one may go through.
const JUMPS: usize = 8;

/// A connection on which somebody is logged in.
pub(super) struct Connection {
    pub(super) handle: Handle<Checker>,
    /// The connections that carry it, the first hop last.
    _through: Option<Box<Connection>>,
    pub(super) host: Arc<Host>,
}

/// What making a connection needs.
pub(super) struct Way<'a> {
    pub(super) target: &'a str,
    pub(super) home: &'a Path,
    pub(super) ask: Arc<dyn Ask>,
    /// The target's own limit for the connection.
    pub(super) limit: Option<Duration>,
    pub(super) secrets: &'a Mutex<Secrets>,
}

impl Way<'_> {
    fn error(&self, kind: ErrorKind, why: String, mend: String) -> ClusterError {
        ClusterError::new(self.target, kind, why, mend)
    }

    /// Reads how `alias` is reached. `ssh -G` may be asked, so this stays off the runtime's threads.
    async fn resolve(&self, alias: &str) -> Result<Host, ClusterError> {
        let (name, home) = (alias.to_owned(), self.home.to_owned());
        let read = tokio::task::spawn_blocking(move || config::resolve(&name, &home)).await;
        match read {
            Ok(Ok(host)) => Ok(host),
            Ok(Err(error)) => Err(self.error(
                ErrorKind::Settings,
                format!("~/.ssh/config cannot be used: {error}"),
                "correct it; `ssh -G` shows what OpenSSH makes of it".to_owned(),
            )),
            Err(error) => Err(self.error(
                ErrorKind::Settings,
                format!("~/.ssh/config: {error}"),
                "try again".to_owned(),
            )),
        }
    }

    /// Connects to `alias` and logs in, through other hosts where the configuration says so.
    pub(super) fn connect<'a>(
        &'a self,
        alias: &'a str,
        depth: usize,
    ) -> BoxFuture<'a, Result<Connection, ClusterError>> {
        Box::pin(async move {
            let host = Arc::new(self.resolve(alias).await?);
            if depth > JUMPS {
                return Err(self.error(
                    ErrorKind::Settings,
                    format!("{alias} is reached through more than {JUMPS} hosts"),
                    "look for a circle of ProxyJump lines in ~/.ssh/config".to_owned(),
                ));
            }
            let limit = self.limit.or(host.connect_timeout).unwrap_or(CONNECT_LIMIT);
            let mut through = None;
            let stream: Box<dyn Duplex> = if let Some((last, before)) = host.proxy_jump.split_last()
            {
                let mut connection = match before.first() {
                    // The hops before the last are the way to it.
                    Some(_) => self.chain(before, depth).await?,
                    None => None,
                };
                connection = Some(match connection {
                    None => self.connect(last, depth + 1).await?,
                    Some(previous) => self.hop(last, previous, depth).await?,
                });
                let Some(jump) = connection else {
                    return Err(self.lost(&host, "no way"));
                };
                let stream = self.tunnel(&jump, &host).await?;
                through = Some(Box::new(jump));
                stream
            } else if let Some(command) = &host.proxy_command {
                self.command(command, &host)?
            } else {
                self.tcp(&host, limit).await?
            };
            self.login(host, stream, through, limit).await
        })
    }

    async fn chain(
        &self,
        hops: &[String],
        depth: usize,
    ) -> Result<Option<Connection>, ClusterError> {
        let mut connection = None;
        for hop in hops {
            connection = Some(match connection {
                None => self.connect(hop, depth + 1).await?,
                Some(previous) => self.hop(hop, previous, depth).await?,
            });
        }
        Ok(connection)
    }

    /// Goes on from one host to the next.
    async fn hop(
        &self,
        alias: &str,
        previous: Connection,
        depth: usize,
    ) -> Result<Connection, ClusterError> {
        if depth > JUMPS {
            return Err(self.lost(&previous.host, "too many hosts on the way"));
        }
        let host = Arc::new(self.resolve(alias).await?);
        let limit = self.limit.or(host.connect_timeout).unwrap_or(CONNECT_LIMIT);
        let stream = self.tunnel(&previous, &host).await?;
        self.login(host, stream, Some(Box::new(previous)), limit)
            .await
    }

    async fn tunnel(
        &self,
        jump: &Connection,
        host: &Host,
    ) -> Result<Box<dyn Duplex>, ClusterError> {
        let opened = jump
            .handle
            .channel_open_direct_tcpip(host.host_name.clone(), u32::from(host.port), "127.0.0.1", 0)
            .await;
        match opened {
            Ok(channel) => Ok(Box::new(channel.into_stream())),
            Err(error) => Err(self.error(
                ErrorKind::Refused,
                format!("{} does not lead on to {}:{} ({error})", jump.host.alias, host.host_name, host.port),
                format!("check ProxyJump of {} in ~/.ssh/config and that the host on the way allows forwarding", host.alias),
            )),
        }
    }

    fn command(&self, command: &str, host: &Host) -> Result<Box<dyn Duplex>, ClusterError> {
        let failed = |e: String| {
            self.error(
                ErrorKind::Refused,
                format!("ProxyCommand of {} cannot be started ({e})", host.alias),
                "correct it in ~/.ssh/config".to_owned(),
            )
        };
        let mut child = tokio::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipes".to_owned()));
        };
        // Its end is the end of the connection, which is noticed there.
        tokio::spawn(async move { child.wait().await });
        Ok(Box::new(tokio::io::join(output, input)))
    }

    async fn tcp(&self, host: &Host, limit: Duration) -> Result<Box<dyn Duplex>, ClusterError> {
        let place = if host.alias == host.host_name {
            host.host_name.clone()
        } else {
            format!("{} ({})", host.host_name, host.alias)
        };
        let work = async {
            let addresses: Vec<_> = match tokio::net::lookup_host((
                host.host_name.as_str(),
                host.port,
            ))
            .await
            {
                Ok(found) => found.collect(),
                Err(error) => {
                    return Err(self.error(
                        ErrorKind::UnknownHost,
                        format!("the name {place} has no address ({error})"),
                        "check `host` of the target and HostName in ~/.ssh/config, and that you are in the right network or VPN".to_owned(),
                    ));
                }
            };
            let mut last = None;
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        // Without it small packets wait for each other; with an error it is only slower.
                        let _ = stream.set_nodelay(true);
                        return Ok(stream);
                    }
                    Err(error) => last = Some(error),
                }
            }
            let why = last.map_or_else(|| "no address".to_owned(), |e| e.to_string());
            Err(self.error(
                ErrorKind::Refused,
                format!(
                    "{place} does not take a connection on port {} ({why})",
                    host.port
                ),
                "check the port and that the machine is up and reachable from this network"
                    .to_owned(),
            ))
        };
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.error(
                ErrorKind::Timeout,
                format!("{place} did not answer on port {} within {} s", host.port, limit.as_secs()),
                "check that you are in the right network or VPN, or set `connect_timeout` of the target".to_owned(),
            )),
        }
    }

    fn lost(&self, host: &Host, why: &str) -> ClusterError {
        self.error(
            ErrorKind::Connection,
            format!("the connection to {} broke off ({why})", host.host_name),
            "try again".to_owned(),
        )
    }

    async fn login(
        &self,
        host: Arc<Host>,
        stream: Box<dyn Duplex>,
        through: Option<Box<Connection>>,
        limit: Duration,
    ) -> Result<Connection, ClusterError> {
        let preferred = self.preferred(&host)?;
        let (asking, mut asked) = watch::channel(false);
        let refusal = Arc::new(Mutex::new(None));
        let checker = Checker {
            target: self.target.to_owned(),
            host: Arc::clone(&host),
            ask: Arc::clone(&self.ask),
            asking,
            refusal: Arc::clone(&refusal),
            said: Arc::default(),
        };
        let said = Arc::clone(&checker.said);
        let settings = Arc::new(client::Config {
            nodelay: true,
            keepalive_interval: Some(host.alive_interval.unwrap_or(Duration::from_secs(10))),
            keepalive_max: 3,
            window_size: 8 << 20,
            channel_buffer_size: 1_000,
            preferred,
            ..client::Config::default()
        });
        let mut handshake = std::pin::pin!(client::connect_stream(settings, stream, checker));
        let mut started = tokio::time::Instant::now();
        let result = loop {
            tokio::select! {
                result = &mut handshake => break Some(result),
                changed = asked.changed() => {
                    started = tokio::time::Instant::now();
                    if changed.is_err() {
                        // The handler is gone: the handshake is about to end.
                        break Some(handshake.await);
                    }
                }
                () = tokio::time::sleep_until(started + limit), if !*asked.borrow() => break None,
            }
        };
        if let Some(error) = refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            return Err(error);
        }
        let mut handle = match result {
            Some(Ok(handle)) => handle,
            Some(Err(error)) => {
                return Err(self.error(
                    ErrorKind::Connection,
                    format!("the handshake with {} failed ({error})", host.host_name),
                    format!(
                        "check that an SSH server listens on port {}, and try again",
                        host.port
                    ),
                ));
            }
            None => {
                return Err(self.error(
                    ErrorKind::Timeout,
                    format!(
                        "{} took the connection but did not finish the handshake within {} s",
                        host.host_name,
                        limit.as_secs()
                    ),
                    "try again, or set `connect_timeout` of the target".to_owned(),
                ));
            }
        };
        auth::login(self, &host, &mut handle, &said).await?;
        Ok(Connection {
            handle,
            _through: through,
            host,
        })
    }

    /// AES-GCM first: on most machines nothing is faster. Key types that are known for the host first, so that a host with
    /// several keys shows the one that can be checked; certificates only where an authority is known.
    fn preferred(&self, host: &Host) -> Result<Preferred, ClusterError> {
        let name = host.key_name();
        let files = host.known_hosts_files();
        let unreadable = |error| host_key::unreadable(self.target, &name, error);
        let known = known_hosts::algorithms(&files, &name).map_err(unreadable)?;
        let authorities = known_hosts::authorities(&files, &name).map_err(unreadable)?;
        let base = Preferred::default();
        let same = |a: &Algorithm, b: &Algorithm| {
            a == b || (matches!(a, Algorithm::Rsa { .. }) && matches!(b, Algorithm::Rsa { .. }))
        };
        let mut keys = base.key.to_vec();
        keys.sort_by_key(|key| !known.iter().any(|k| same(k, key)));
        let mut ciphers = base.cipher.to_vec();
        ciphers.sort_by_key(|name| *name != cipher::AES_256_GCM);
        let certificates = if authorities.is_empty() {
            Vec::new()
        } else {
            base.key.to_vec()
        };
        // As OpenSSH: none, unless the configuration wishes for it.
        let mut compressions = vec![compression::NONE];
        if host.compression {
            compressions.splice(..0, [compression::ZLIB_LEGACY, compression::ZLIB]);
        }
        Ok(Preferred {
            compression: Cow::Owned(compressions),
            key: Cow::Owned(keys),
            cipher: Cow::Owned(ciphers),
            host_key_certificates: Cow::Owned(certificates),
            ..base
        })
    }
}

/// Something to talk SSH over.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
