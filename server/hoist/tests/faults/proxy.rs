//! A way to a server that can be slow, stand still, or be cut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Listens on a port of its own and hands everything on to another one, in both directions.
pub struct Proxy {
    pub port: u16,
    way: Arc<Way>,
}

#[derive(Default)]
struct Way {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: Vec<TcpStream>,
    /// How long each byte is under way, in one direction.
    delay: Duration,
    /// So many bytes go through in a second, in one direction.
    rate: Option<u64>,
    /// Nothing goes through before.
    still_until: Option<Instant>,
    /// Whoever connects is hung up on before.
    closed_until: Option<Instant>,
}

impl Proxy {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let own = listener.local_addr().expect("its number").port();
        let way = Arc::new(Way::default());
        let theirs = way.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is not there hangs up.
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                    theirs.join(client, server);
                }
            }
        });
        Self { port: own, way }
    }

    /// Cuts every connection, and each new one for so long.
    pub fn cut(&self, closed: Duration) {
        let mut state = self.way.state.lock().expect("no thread panicked");
        state.closed_until = Some(Instant::now() + closed);
        for stream in state.open.drain(..) {
            // It may have ended by itself.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Lets nothing through for so long; then all of it.
    pub fn stand_still(&self, time: Duration) {
        let mut state = self.way.state.lock().expect("no thread panicked");
        state.still_until = Some(Instant::now() + time);
    }

    /// Makes a round trip take so long from now on.
    pub fn round_trip(&self, time: Duration) {
        let mut state = self.way.state.lock().expect("no thread panicked");
        state.delay = time / 2;
    }

    /// Lets so many bytes through in a second, in each direction of each connection.
    pub fn limit(&self, rate: u64) {
        let mut state = self.way.state.lock().expect("no thread panicked");
        state.rate = Some(rate);
    }

    /// Whether no connection is open any more.
    pub fn is_idle(&self) -> bool {
        let mut state = self.way.state.lock().expect("no thread panicked");
        state.open.retain(|stream| stream.peer_addr().is_ok());
        state.open.is_empty()
    }
}

impl Way {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        {
            let mut state = self.state.lock().expect("no thread panicked");
            if state
                .closed_until
                .is_some_and(|until| Instant::now() < until)
            {
                return;
            }
            for stream in [&client, &server] {
                stream.set_nodelay(true).ok();
                state.open.extend(stream.try_clone());
            }
        }
        let ends = (client.try_clone(), server.try_clone());
        let (Ok(client_too), Ok(server_too)) = ends else {
            return;
        };
        self.carry(client, server_too);
        self.carry(server, client_too);
    }

    /// Hands on what comes from one end, as late as it must.
    fn carry(self: &Arc<Self>, mut from: TcpStream, to: TcpStream) {
        let (sender, receiver) = channel();
        let way = self.clone();
        thread::spawn(move || way.let_out(to, receiver));
        let way = self.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let delay = way.state.lock().expect("no thread panicked").delay;
                if !send(&sender, Instant::now() + delay, &buffer[..count]) {
                    break;
                }
            }
        });
    }

    fn let_out(&self, mut to: TcpStream, pieces: Receiver<(Instant, Vec<u8>)>) {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.wait_while_still();
            if to.write_all(&piece).is_err() {
                break;
            }
            let rate = self.state.lock().expect("no thread panicked").rate;
            if let Some(rate) = rate {
                thread::sleep(Duration::from_secs(1).mul_f64(piece.len() as f64 / rate as f64));
            }
        }
        // The other end hung up, or ours did: either way it is over for both.
        to.shutdown(Shutdown::Both).ok();
    }

    fn wait_while_still(&self) {
        let mut state = self.state.lock().expect("no thread panicked");
        while let Some(left) = state
            .still_until
            .and_then(|until| until.checked_duration_since(Instant::now()))
            .filter(|left| !left.is_zero())
        {
            state = self
                .changed
                .wait_timeout(state, left)
                .expect("no thread panicked")
                .0;
        }
    }
}

fn send(to: &Sender<(Instant, Vec<u8>)>, due: Instant, bytes: &[u8]) -> bool {
    to.send((due, bytes.to_vec())).is_ok()
}
