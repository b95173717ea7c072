//! Standard input and output as the framework wants them, such that neither can stall the other.
//!
//! The framework reads, answers and writes in one task. Were that task to wait for a slow reader of our output, it would stop
//! reading too, and a client that writes before it reads would wait for us for ever. So output is queued without limit of time
//! and written by a thread of its own; who produces much (a job's output) looks at [`Backlog`] first.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// How many bytes wait to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

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
    queue: mpsc::Sender<Vec<u8>>,
    backlog: Backlog,
}

/// The thread that writes.
pub(super) struct Writer {
    done: mpsc::Receiver<()>,
}

impl Writer {
    /// Waits until everything queued is written, at most `limit`.
    pub(super) fn finish(self, limit: Duration) {
        // An error means that the thread is at its end, which is as good.
        let _ = self.done.recv_timeout(limit);
    }
}

/// Starts the thread that writes to `output`; `closed` is told when nobody reads any more.
pub(super) fn queue_to(
    mut output: impl Write + Send + 'static,
    closed: Arc<Notify>,
) -> std::io::Result<(QueueWriter, Backlog, Writer)> {
    let (queue, pieces) = mpsc::channel::<Vec<u8>>();
    let (finished, done) = mpsc::channel();
    let backlog = Backlog::default();
    let written = backlog.clone();
    std::thread::Builder::new()
        .name("lsp output".to_owned())
        .spawn(move || {
            while let Ok(piece) = pieces.recv() {
                let mut length = piece.len();
                let mut outcome = output.write_all(&piece);
                for piece in pieces.try_iter() {
                    length += piece.len();
                    outcome = outcome.and_then(|()| output.write_all(&piece));
                }
                if outcome.and_then(|()| output.flush()).is_err() {
                    closed.notify_one();
                    break;
                }
                written.0.fetch_sub(length, Ordering::AcqRel);
            }
            let _ = finished.send(());
        })?;
    let writer = QueueWriter {
        queue,
        backlog: backlog.clone(),
    };
    Ok((writer, backlog, Writer { done }))
}

impl AsyncWrite for QueueWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.backlog.0.fetch_add(bytes.len(), Ordering::AcqRel);
        let sent = self.queue.send(bytes.to_vec());
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
    use std::sync::Mutex;

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
        let (mut writer, backlog, thread) =
            queue_to(sink.clone(), Arc::new(Notify::new())).unwrap();
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
