//! One connection per host, shared by all targets and jobs on it, made again after a loss when that needs no person.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::auth::Secrets;
use super::reach::{Connection, Way};
use crate::ask::{Ask, Nobody};
use crate::error::{ClusterError, ErrorKind};
use crate::follower::{Follower, WeakFollower};
use crate::settings::TargetSettings;
use crate::shell;
use crate::transport::{Hold, Piece, Process, Transport};

/// No more channels than this are open at once.
const CHANNELS: usize = 4;
/// How long to go on asking for a channel that the server refuses.
const CHANNEL_LIMIT: Duration = Duration::from_secs(60);

/// Everything there is to one host.
struct Link {
    alias: String,
    home: PathBuf,
    limit: Option<Duration>,
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
    /// The same for those who only want to look.
    current: Mutex<Weak<Connection>>,
    secrets: Mutex<Secrets>,
    places: Arc<Places>,
    followers: Mutex<HashMap<String, WeakFollower>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        let Some(connection) = self.connection.get_mut().take() else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // The server notices a closed connection by itself too.
                let _ = connection
                    .handle
                    .disconnect(Disconnect::ByApplication, "", "en")
                    .await;
            });
        }
    }
}

/// Places for channels. A server may allow fewer than we would take: each refusal beside open channels takes one place
/// away. The follower, which would keep its place for good, makes room when it holds the last one and somebody waits.
struct Places {
    free: Arc<Semaphore>,
    total: AtomicUsize,
    taken: AtomicUsize,
    long: AtomicUsize,
    waiting: AtomicUsize,
    news: Notify,
}

impl Places {
    fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(CHANNELS)),
            total: AtomicUsize::new(CHANNELS),
            taken: AtomicUsize::new(0),
            long: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            news: Notify::new(),
        }
    }

    /// Whether somebody waits and only those who stay for long hold places.
    fn stuck(&self) -> bool {
        let long = self.long.load(Ordering::SeqCst);
        self.waiting.load(Ordering::SeqCst) > 0
            && long > 0
            && self.taken.load(Ordering::SeqCst) <= long
            && (self.free.available_permits() == 0 || self.total.load(Ordering::SeqCst) <= long)
    }
}

/// A place that is taken.
struct Place {
    places: Arc<Places>,
    hold: Hold,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn new(places: &Arc<Places>, hold: Hold, permit: OwnedSemaphorePermit) -> Self {
        places.taken.fetch_add(1, Ordering::SeqCst);
        if hold == Hold::Long {
            places.long.fetch_add(1, Ordering::SeqCst);
        }
        Self {
            places: Arc::clone(places),
            hold,
            _permit: permit,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::SeqCst);
        if self.hold == Hold::Long {
            self.places.long.fetch_sub(1, Ordering::SeqCst);
        }
        self.places.news.notify_waiters();
    }
}

struct Waiting<'a>(&'a Places);

impl<'a> Waiting<'a> {
    fn new(places: &'a Places) -> Self {
        places.waiting.fetch_add(1, Ordering::SeqCst);
        places.news.notify_waiters();
        Self(places)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The links of this process by host and home.
static LINKS: LazyLock<Mutex<Links>> = LazyLock::new(Mutex::default);

type Links = HashMap<(String, PathBuf), Weak<Link>>;

/// The transport to the host of `settings`, connected.
pub(crate) async fn open(
    settings: &TargetSettings,
    host: &str,
    ask: Arc<dyn Ask>,
) -> Result<Arc<dyn Transport>, ClusterError> {
    let Some(home) = std::env::var_os("HOME").map(PathBuf::from) else {
        return Err(ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            "HOME is not set, so there is no ~/.ssh to read",
            "set HOME",
        ));
    };
    let key = (host.to_owned(), home.clone());
    let link = {
        let mut links = LINKS.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, link| link.strong_count() > 0);
        match links.get(&key).and_then(Weak::upgrade) {
            Some(link) => link,
            None => {
                let link = Arc::new(Link {
                    alias: host.to_owned(),
                    home,
                    limit: settings
                        .connect_timeout
                        .map(|time| Duration::from_secs(time.0)),
                    connection: tokio::sync::Mutex::default(),
                    current: Mutex::default(),
                    secrets: Mutex::default(),
                    places: Arc::new(Places::new()),
                    followers: Mutex::default(),
                });
                links.insert(key, Arc::downgrade(&link));
                link
            }
        }
    };
    let ssh = Ssh {
        target: settings.name.clone(),
        link,
    };
    ssh.connection(ask).await?;
    Ok(Arc::new(ssh))
}

/// The transport of one target: its name for the errors, and the link that it shares.
struct Ssh {
    target: String,
    link: Arc<Link>,
}

impl Ssh {
    /// The connection; made again when it was lost.
    async fn connection(&self, ask: Arc<dyn Ask>) -> Result<Arc<Connection>, ClusterError> {
        let link = &self.link;
        let mut slot = link.connection.lock().await;
        if let Some(connection) = &*slot
            && !connection.handle.is_closed()
        {
            return Ok(Arc::clone(connection));
        }
        *slot = None;
        let way = Way {
            target: &self.target,
            home: &link.home,
            ask,
            limit: link.limit,
            secrets: &link.secrets,
        };
        let mut attempt = 0;
        let connection = loop {
            match way.connect(&link.alias, 0).await {
                // A server with many logins at once (MaxStartups) hangs up before it has said anything.
                Err(error) if error.kind == ErrorKind::Connection && attempt < 2 => {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(500 * attempt)).await;
                }
                result => break Arc::new(result?),
            }
        };
        *link.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&connection);
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn lost(&self, why: &str) -> ClusterError {
        ClusterError::new(
            &self.target,
            ErrorKind::Connection,
            format!("the connection to {} broke off ({why})", self.link.alias),
            "it is made again when it is needed; check the network if that does not help",
        )
    }

    /// Opens a channel, waiting for a place as long as others hold all of them.
    async fn channel(&self, hold: Hold) -> Result<(Channel<Msg>, Place), ClusterError> {
        let places = &self.link.places;
        let _waiting = (hold == Hold::Short).then(|| Waiting::new(places));
        let mut refused_since = None;
        let mut broken = 0;
        loop {
            let Ok(permit) = Arc::clone(&places.free).acquire_owned().await else {
                return Err(self.lost("closed"));
            };
            let connection = self.connection(Arc::new(Nobody)).await?;
            match connection.handle.channel_open_session().await {
                Ok(channel) => return Ok((channel, Place::new(places, hold, permit))),
                Err(russh::Error::ChannelOpenFailure(reason)) => {
                    let since = *refused_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > CHANNEL_LIMIT {
                        return Err(ClusterError::new(
                            &self.target,
                            ErrorKind::Connection,
                            format!(
                                "{} refuses a session ({reason:?})",
                                connection.host.host_name
                            ),
                            "close other sessions there, or ask your site for a higher MaxSessions",
                        ));
                    }
                    let taken = places.taken.load(Ordering::SeqCst);
                    if taken > 0 && taken < places.total.load(Ordering::SeqCst) {
                        places.total.fetch_sub(1, Ordering::SeqCst);
                        permit.forget();
                    } else {
                        drop(permit);
                    }
                    places.news.notify_waiters();
                    // A channel that was just closed still counts on the other side for a moment.
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                Err(error) => {
                    broken += 1;
                    if broken > 2 {
                        return Err(self.lost(&error.to_string()));
                    }
                    // The session's task may need a moment to see that its connection is gone.
                    drop(permit);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// Reads a channel to its end, always: one that nobody reads would hold up the whole connection. When the process is
/// dropped its input ends, which ends what we start; what goes on all the same is left behind.
async fn pump(
    mut read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    output: UnboundedSender<Piece>,
    mut dropped: oneshot::Receiver<()>,
    place: Place,
) {
    let mut leave_at: Option<Instant> = None;
    loop {
        let far = Instant::now() + Duration::from_secs(3_600);
        tokio::select! {
            message = read.wait() => match message {
                None | Some(ChannelMsg::Close | ChannelMsg::Failure) => break,
                // A reader that is gone is no reason to stop reading.
                Some(ChannelMsg::Data { data }) => drop(output.send(Piece::Stdout(data))),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => drop(output.send(Piece::Stderr(data))),
                Some(_) => {}
            },
            _ = &mut dropped, if leave_at.is_none() => {
                // The connection may be gone; then the channel ends by itself.
                let _ = write.eof().await;
                leave_at = Some(Instant::now() + Duration::from_secs(1));
            }
            () = tokio::time::sleep_until(leave_at.unwrap_or(far)), if leave_at.is_some() => break,
        }
    }
    let _ = write.close().await;
    drop(place);
}

impl Transport for Ssh {
    fn spawn<'a>(
        &'a self,
        script: &'a str,
        hold: Hold,
    ) -> BoxFuture<'a, Result<Process, ClusterError>> {
        Box::pin(async move {
            let (channel, place) = self.channel(hold).await?;
            let (read, write) = channel.split();
            let (command, first) = shell::wrap(script);
            let mut input = write.make_writer();
            write
                .exec(true, command)
                .await
                .map_err(|e| self.lost(&e.to_string()))?;
            if !first.is_empty() {
                tokio::io::AsyncWriteExt::write_all(&mut input, &first)
                    .await
                    .map_err(|e| self.lost(&e.to_string()))?;
            }
            let (sender, output) = mpsc::unbounded_channel();
            let (guard, dropped) = oneshot::channel::<()>();
            tokio::spawn(pump(read, write, sender, dropped, place));
            Ok(Process {
                input: Box::new(Box::pin(input)),
                output,
                _guard: Box::new(guard),
            })
        })
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn wanted(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let places = &self.link.places;
            loop {
                if places.stuck() {
                    return;
                }
                let _ =
                    tokio::time::timeout(Duration::from_millis(500), places.news.notified()).await;
            }
        })
    }

    fn alive(&self) -> bool {
        let current = self
            .link
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade();
        current.is_some_and(|connection| !connection.handle.is_closed())
    }

    fn follower(self: Arc<Self>, python: &str) -> Follower {
        let mut followers = self
            .link
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(follower) = followers.get(python).and_then(WeakFollower::upgrade) {
            return follower;
        }
        let transport: Arc<dyn Transport> = Arc::clone(&self) as Arc<dyn Transport>;
        let follower = Follower::new(transport, python.to_owned());
        followers.insert(python.to_owned(), follower.downgrade());
        follower
    }
}
