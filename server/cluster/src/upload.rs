//! Upload of what is too large for the submission's own channel: it goes on where an earlier attempt was cut off, and is summed
//! over there as it comes.

use futures::future::BoxFuture;

use crate::error::{ClusterError, ErrorKind};
use crate::settings::TargetSettings;
use crate::shell::{python_word, quote};
use crate::site::{Site, no_python};
use crate::submit::{Upload, refused};
use crate::transport::{Output, Running, Transport};

const RECEIVER: &str = concat!(include_str!("take.py"), "\n\n", include_str!("receiver.py"));

/// What is handed to the channel at once, in bytes.
const PIECE: usize = 256 * 1024;

/// Completes when someone wishes that nothing more is sent.
pub(crate) type Stop<'a> = dyn Fn() -> BoxFuture<'a, ()> + Send + Sync + 'a;

/// Nobody wishes that.
pub(crate) fn never() -> BoxFuture<'static, ()> {
    Box::pin(futures::future::pending())
}

/// A file on its way into a folder that is there.
pub(crate) struct SentFile<'a> {
    /// Where it lies until it is whole.
    pub(crate) temporary: &'a str,
    /// Where it lies then.
    pub(crate) path: &'a str,
    /// In hexadecimal, lower case.
    pub(crate) sha256: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// Sends a large file. Should what is left of an earlier attempt be other bytes than these, all are sent again. A receiver that ends
/// without a word, killed by whoever watches over the machine, is started again as long as more is there each time.
pub(crate) async fn send_file(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    file: &SentFile<'_>,
    progress: &(dyn Fn(Upload) + Send + Sync),
    stop: &Stop<'_>,
) -> Result<(), ClusterError> {
    let Some(python) = site.python_path() else {
        return Err(no_python(settings, &site.host));
    };
    let script = format!(
        "umask 077\nexec {} -I -S -c {} {} {} {} {}\n",
        quote(python),
        python_word(RECEIVER),
        quote(file.temporary),
        quote(file.path),
        file.bytes.len(),
        file.sha256
    );
    // Where the attempt began that was cut off last.
    let mut last = None;
    loop {
        match send(transport, settings, &script, file.bytes, progress, stop).await {
            (Err(error), start) if error.kind == ErrorKind::Altered && start > 0 => {}
            (Err(error), start) if error.kind == ErrorKind::Command && last < Some(start) => {
                last = Some(start);
            }
            (done, _) => return done,
        }
    }
}

/// Sends what is not there yet; says from which byte on.
async fn send(
    transport: &dyn Transport,
    settings: &TargetSettings,
    script: &str,
    bytes: &[u8],
    progress: &(dyn Fn(Upload) + Send + Sync),
    stop: &Stop<'_>,
) -> (Result<(), ClusterError>, u64) {
    let mut running = match Running::start(transport, script).await {
        Ok(running) => running,
        Err(error) => return (Err(error), 0),
    };
    let total = bytes.len() as u64;
    let (mut first, mut start) = (String::new(), 0);
    let work = async {
        first = running.line().await.unwrap_or_default();
        let there = first
            .strip_prefix("from ")
            .and_then(|n| n.trim().parse().ok());
        // A file that cannot be a beginning of these bytes is begun anew over there, too.
        start = there.filter(|there| *there <= total).unwrap_or_default();
        let mut sent = start;
        progress(Upload { sent, total });
        let rest = usize::try_from(start).ok().and_then(|at| bytes.get(at..));
        for piece in rest.unwrap_or_default().chunks(PIECE) {
            if !running.write(piece).await {
                break;
            }
            sent += piece.len() as u64;
            progress(Upload { sent, total });
        }
    };
    let is_stopped = tokio::select! {
        () = work => false,
        () = stop() => true,
    };
    // Once the receiver has ended, nothing makes its file again.
    let done = running.finish().await;
    if is_stopped {
        return (done.and_then(|_| Err(stopped(settings))), start);
    }
    (
        done.and_then(|output| judge(settings, &first, &output)),
        start,
    )
}

/// Someone wished that, and nothing is left there.
pub(crate) fn stopped(settings: &TargetSettings) -> ClusterError {
    ClusterError::new(
        &settings.name,
        ErrorKind::Stopped,
        "the upload was stopped, nothing was submitted",
        "run again when you want it after all",
    )
}

/// What became of it. `first` is the line that came before the bytes, which may have been an answer already.
fn judge(settings: &TargetSettings, first: &str, output: &Output) -> Result<(), ClusterError> {
    let text = output.text();
    let mut lines = std::iter::once(first).chain(text.lines());
    let answer = lines.find(|line| *line == "done" || line.starts_with("fail "));
    match answer.map(|line| line.strip_prefix("fail ")) {
        Some(None) => Ok(()),
        Some(Some(failure)) => {
            let (kind, words) = failure.split_once(' ').unwrap_or((failure, ""));
            Err(refused(settings, kind, words))
        }
        None => Err(ClusterError::new(
            &settings.name,
            ErrorKind::Command,
            format!(
                "the upload there ended with status {} before all was there ({})",
                output.status,
                output.complaint()
            ),
            "run again; if that does not help, look whether something there kills your processes",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::script::PYTHONS;

    /// What the receiver says to these bytes, until they end.
    fn received(
        python: &str,
        folder: &std::path::Path,
        arguments: [&str; 2],
        bytes: &[u8],
    ) -> String {
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", RECEIVER])
            .args([folder.join(".part"), folder.join("whole")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut said = String::new();
        output.read_line(&mut said).expect("UTF-8");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(bytes).expect("it reads");
        drop(input);
        output.read_to_string(&mut said).expect("UTF-8");
        assert!(child.wait().expect("it ends").success());
        said
    }

    #[test]
    fn each_python_that_is_at_hand_receives_and_goes_on_where_it_was_cut_off() {
        let package: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let sum: String = Sha256::digest(&package)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let total = package.len().to_string();
        let (first, rest) = package.split_at(5_000_001);
        let mut answered = 0;
        for python in PYTHONS.split_whitespace() {
            let is_there = Command::new(python).args(["-c", "f'{1}'"]).output();
            if !is_there.is_ok_and(|output| output.status.success()) {
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            let (part, whole) = (folder.path().join(".part"), folder.path().join("whole"));
            let receive = |sum, bytes| received(python, folder.path(), [&total, sum], bytes);
            assert_eq!(receive(&sum, first), "from 0\n", "{python}");
            assert_eq!(std::fs::read(&part).expect("kept"), first);
            assert_eq!(receive(&sum, rest), "from 5000001\ndone\n", "{python}");
            assert!(!part.exists());
            assert_eq!(std::fs::read(&whole).expect("there"), package);
            // Others than they were, and more than there can be.
            std::fs::write(&part, &rest[..1_000]).expect("written");
            assert_eq!(
                receive(&sum, &package[1_000..]),
                "from 1000\nfail altered\n"
            );
            assert!(!part.exists());
            std::fs::write(&part, [&package, &b"x"[..]].concat()).expect("written");
            assert_eq!(receive(&sum, &package), "from 0\ndone\n");
            answered += 1;
        }
        assert!(answered > 0);
    }
}
