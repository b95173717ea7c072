//! Upload of one file over SFTP.

use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use russh_sftp::client::{Config, SftpSession};
use russh_sftp::protocol::OpenFlags;
use tokio::io::AsyncWriteExt;
use tokio::time::{Duration, timeout};

/// How long the subsystem may take to begin: where a start file talks, it never does.
const BEGIN: Duration = Duration::from_secs(10);

/// Puts `bytes` into the file `path`. False when it did not work, for whatever reason: the caller has another way, whose
/// errors have words, which SFTP's do not ("Failure" is all that it says of a full disk).
pub(super) async fn upload(
    mut channel: Channel<Msg>,
    path: &str,
    bytes: &[u8],
    progress: &(dyn Fn(u64) + Send + Sync),
) -> bool {
    let begun = timeout(BEGIN, async {
        channel.request_subsystem(true, "sftp").await.ok()?;
        // Nothing else can come before the answer.
        matches!(
            channel.wait().await,
            Some(ChannelMsg::Success | ChannelMsg::WindowAdjusted { .. })
        )
        .then_some(())?;
        // Many requests on their way at once make up for the time that each one takes.
        let config = Config {
            max_concurrent_writes: 64,
            request_timeout_secs: 120,
            ..Config::default()
        };
        SftpSession::new_with_config(channel.into_stream(), config)
            .await
            .ok()
    })
    .await;
    let Ok(Some(session)) = begun else {
        return false;
    };
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
    let Ok(mut file) = session.open_with_flags(path, flags).await else {
        return false;
    };
    let mut sent = 0;
    for piece in bytes.chunks(256 * 1024) {
        if file.write_all(piece).await.is_err() {
            return false;
        }
        sent += piece.len() as u64;
        progress(sent);
    }
    // Dropping the file would hide the errors of what is still on its way.
    let done = file.close().await.is_ok();
    // The file is whole: how the session ends does not matter.
    let _ = session.close().await;
    done
}
