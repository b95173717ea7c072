//! Standard input and output as the framework wants them, such that neither can stall the other.
//!
//! The framework reads, answers and writes in one task. Were that task to wait for a slow reader of our output, it would stop
//! reading too, and a client that writes before it reads would wait for us for ever. So output is queued without limit of time
//! and written by a thread of its own; who produces much (a job's output) looks at [`Backlog`] first.

use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tower_lsp::ls_types::notification::Notification;

/// How many bytes wait to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

/// A second way to the output, for what must not wait for the framework's turn: the answer to a keystroke.
#[derive(Clone)]
pub(super) struct Wire {
    queue: mpsc::Sender<Piece>,
    backlog: Backlog,
    output: Arc<Mutex<Output>>,
}

type Output = Box<dyn Write + Send>;

impl Wire {
    /// Writes a notification; behind what is queued, if something is. The framework queues whole messages too, so they do not mix.
    /// When the client is gone it is lost, and who writes next tells of that.
    pub(super) fn notify<N: Notification>(&self, params: &N::Params) {
        #[derive(serde::Serialize)]
        struct Message<'p, P> {
            jsonrpc: &'static str,
            method: &'static str,
            params: &'p P,
        }
        let message = Message {
            jsonrpc: "2.0",
            method: N::METHOD,
            params,
        };
        // What the protocol's types hold can always be written as JSON.
        let Ok(body) = serde_json::to_vec(&message) else {
            return;
        };
        let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        frame.extend_from_slice(&body);
        let waiting = self.backlog.0.fetch_add(frame.len(), Ordering::AcqRel);
        if waiting == 0
            && let Ok(mut output) = self.output.try_lock()
            && output
                .write_all(&frame)
                .and_then(|()| output.flush())
                .is_ok()
        {
            self.backlog.0.fetch_sub(frame.len(), Ordering::AcqRel);
            return;
        }
        let _ = self.queue.send(Piece::Bytes(frame));
    }

    /// How far the client is behind.
    pub(super) fn backlog(&self) -> &Backlog {
        &self.backlog
    }
}

impl Backlog {
    /// Bytes above which output of jobs waits; it is in their logs and not lost.
    const HIGH: usize = 8 << 20;

    /// Waits until the reader of our output has caught up.
    pub(super) async fn wait(&self) {
        while self.0.load(Ordering::Acquire) > Self::HIGH {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The end into which the framework writes; never pending.
pub(super) struct QueueWriter {
    queue: mpsc::Sender<Piece>,
    backlog: Backlog,
}

/// What is queued.
#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    /// Nothing that comes after it is written.
    End,
}

/// The thread that writes.
pub(super) struct Writer {
    queue: mpsc::Sender<Piece>,
    done: mpsc::Receiver<()>,
}

impl Writer {
    /// Waits until everything queued is written, at most `limit`.
    pub(super) fn finish(self, limit: Duration) {
        // An error means that the thread is at its end, which is as good.
        let _ = self.queue.send(Piece::End);
        let _ = self.done.recv_timeout(limit);
    }
}

/// Starts the thread that writes to `output`; `closed` is told when nobody reads any more.
pub(super) fn queue_to(
    output: impl Write + Send + 'static,
    closed: Arc<Notify>,
) -> std::io::Result<(QueueWriter, Wire, Writer)> {
    let (queue, pieces) = mpsc::channel();
    let (finished, done) = mpsc::channel();
    let backlog = Backlog::default();
    let written = backlog.clone();
    let output: Arc<Mutex<Output>> = Arc::new(Mutex::new(Box::new(output)));
    let shared = output.clone();
    std::thread::Builder::new()
        .name("lsp output".to_owned())
        .spawn(move || {
            while let Ok(Piece::Bytes(piece)) = pieces.recv() {
                // A panic of another writer leaves it as it is: bytes.
                let mut output = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let outcome = output.write_all(&piece).and_then(|()| output.flush());
                drop(output);
                if outcome.is_err() {
                    closed.notify_one();
                    break;
                }
                written.0.fetch_sub(piece.len(), Ordering::AcqRel);
            }
            let _ = finished.send(());
        })?;
    let wire = Wire {
        queue: queue.clone(),
        backlog: backlog.clone(),
        output,
    };
    let writer = Writer {
        queue: queue.clone(),
        done,
    };
    Ok((QueueWriter { queue, backlog }, wire, writer))
}

impl AsyncWrite for QueueWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.backlog.0.fetch_add(bytes.len(), Ordering::AcqRel);
        let sent = self.queue.send(Piece::Bytes(bytes.to_vec()));
        Poll::Ready(match sent {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(std::io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Standard input, read where the messages are handled if the system can tell when there is something to read. Else by a thread
/// for that, which costs a change of threads for each keystroke.
pub(super) fn standard_input() -> std::io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::{AsFd, OwnedFd};
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        let input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        let (meta, other) = (input.metadata()?, output.metadata()?);
        // What is set for one end of a socket that is both would be set for writing, too.
        let is_both = (meta.dev(), meta.ino()) == (other.dev(), other.ino());
        if meta.file_type().is_fifo() {
            return Ok(Box::new(tokio::net::unix::pipe::Receiver::from_file(
                input,
            )?));
        }
        if meta.file_type().is_socket() && !is_both {
            let socket = std::os::unix::net::UnixStream::from(OwnedFd::from(input));
            socket.set_nonblocking(true)?;
            return Ok(Box::new(tokio::net::UnixStream::from_std(socket)?));
        }
    }
    Ok(Box::new(tokio::io::stdin()))
}

/// Input that tells when it is at its end: the client is gone, with or without saying so.
pub(super) struct Watched<R> {
    input: R,
    closed: Arc<Notify>,
}

impl<R> Watched<R> {
    /// Watches `input`.
    pub(super) fn new(input: R, closed: Arc<Notify>) -> Self {
        Self { input, closed }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.input).poll_read(context, buffer);
        let ended = match &polled {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended {
            self.closed.notify_one();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_queued_is_written_in_order_before_the_end() {
        let sink = Sink::default();
        let (mut writer, wire, thread) = queue_to(sink.clone(), Arc::new(Notify::new())).unwrap();
        let backlog = wire.backlog();
        for number in 0..1000 {
            writer
                .write_all(format!("{number} ").as_bytes())
                .await
                .unwrap();
        }
        drop(writer);
        thread.finish(Duration::from_secs(5));
        let expected: String = (0..1000).map(|number| format!("{number} ")).collect();
        assert_eq!(
            String::from_utf8(sink.0.lock().unwrap().clone()).unwrap(),
            expected
        );
        assert_eq!(backlog.0.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn the_end_of_the_input_is_told() {
        let closed = Arc::new(Notify::new());
        let mut input = Watched::new(&b"abc"[..], closed.clone());
        let mut text = String::new();
        input.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abc");
        tokio::time::timeout(Duration::from_secs(1), closed.notified())
            .await
            .expect("the end was not told");
    }
}
