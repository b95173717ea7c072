//! A package index of the test's own, on this machine, with packages that the test writes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Writes a wheel of one module, `NAME.py`, that says its version; `metadata` are further lines.
pub fn wheel(folder: &Path, name: &str, version: &str, metadata: &str) -> PathBuf {
    const WRITE: &str = r"
import sys, zipfile
path, name, version, metadata = sys.argv[1:]
info = '%s-%s.dist-info/' % (name, version)
with zipfile.ZipFile(path, 'w') as out:
    out.writestr(name + '.py', 'version = %r\n' % version)
    out.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s' % (name, version, metadata))
    out.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    names = [name + '.py', info + 'METADATA', info + 'WHEEL', info + 'RECORD']
    out.writestr(info + 'RECORD', ''.join(n + ',,\n' for n in names))
";
    let path = folder.join(format!("{name}-{version}-py3-none-any.whl"));
    let written = Command::new("python3")
        .args(["-c", WRITE])
        .arg(&path)
        .args([name, version, metadata])
        .status();
    assert!(written.unwrap().success());
    path
}

/// Writes a source package whose own build backend runs these lines and then fails.
pub fn source(folder: &Path, name: &str, version: &str, lines: &str) -> PathBuf {
    const WRITE: &str = r"
import io, sys, tarfile
path, name, version, lines = sys.argv[1:]
backend = '''
import os
def build_wheel(*args, **kwargs):
%s
    raise SystemExit(1)
def prepare_metadata_for_build_wheel(folder, *args, **kwargs):
    info = '%s-%s.dist-info'
    os.mkdir(os.path.join(folder, info))
    with open(os.path.join(folder, info, 'METADATA'), 'w') as file:
        file.write('Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n')
    return info
''' % (lines, name, version, name, version)
files = {
    'pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = \'backend\'\nbackend-path = [\'.\']\n',
    'backend.py': backend,
    'PKG-INFO': 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' % (name, version),
}
with tarfile.open(path, 'w:gz') as out:
    for file, text in files.items():
        entry = tarfile.TarInfo('%s-%s/%s' % (name, version, file))
        data = text.encode()
        entry.size = len(data)
        out.addfile(entry, io.BytesIO(data))
";
    let path = folder.join(format!("{name}-{version}.tar.gz"));
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    let written = Command::new("python3")
        .args(["-c", WRITE])
        .arg(&path)
        .args([name, version, &lines])
        .status();
    assert!(written.unwrap().success());
    path
}

/// An index that runs as long as the test's runtime does.
pub struct Index {
    pub url: String,
    /// What was asked for, in order.
    pub asked: Arc<Mutex<Vec<String>>>,
    slow: Arc<Mutex<Duration>>,
}

impl Index {
    /// Serves these files; links to them may say `data-requires-python`.
    pub async fn serve(files: Vec<(PathBuf, Option<&str>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let slow = Arc::new(Mutex::new(Duration::ZERO));
        let files: Vec<(String, Vec<u8>, Option<String>)> = files
            .into_iter()
            .map(|(path, python)| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let bytes = std::fs::read(path).unwrap();
                (name, bytes, python.map(str::to_owned))
            })
            .collect();
        let files = Arc::new(files);
        let told = (Arc::clone(&asked), Arc::clone(&slow));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (files, asked, slow) = (files.clone(), told.0.clone(), told.1.clone());
                tokio::spawn(async move { answer(stream, &files, &asked, &slow).await });
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}/simple/"),
            asked,
            slow,
        }
    }

    /// From now on each file takes so long.
    pub fn slow(&self, time: Duration) {
        *self.slow.lock().unwrap() = time;
    }

    /// The variables of a target whose pip and uv know this index alone.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_INDEX_URL", &self.url),
            ("PIP_FIND_LINKS", ""),
            ("PIP_DEFAULT_TIMEOUT", "15"),
            ("UV_NO_CONFIG", "1"),
            ("UV_INDEX_URL", &self.url),
            ("UV_NO_CACHE", "1"),
        ];
        let variables = variables.iter();
        variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// How many files were fetched.
    pub fn fetched(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|path| path.starts_with("/files/"))
            .count()
    }
}

async fn answer(
    mut stream: TcpStream,
    files: &[(String, Vec<u8>, Option<String>)],
    asked: &Mutex<Vec<String>>,
    slow: &Mutex<Duration>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    asked.lock().unwrap().push(path.clone());
    let name = path.rsplit('/').find(|part| !part.is_empty())?;
    let (status, kind, body) = if path.starts_with("/files/") {
        let time = *slow.lock().unwrap();
        tokio::time::sleep(time).await;
        match files.iter().find(|(file, ..)| file == name) {
            Some((_, bytes, _)) => ("200 OK", "application/octet-stream", bytes.clone()),
            None => ("404 Not Found", "text/plain", Vec::new()),
        }
    } else {
        let mut page = Vec::new();
        for (file, _, python) in files {
            if file.split('-').next() == Some(name) {
                let python = python.as_ref().map(|python| {
                    format!(" data-requires-python=\"{}\"", python.replace('>', "&gt;"))
                });
                let python = python.unwrap_or_default();
                writeln!(page, "<a href=\"/files/{file}\"{python}>{file}</a><br>").unwrap();
            }
        }
        match page.is_empty() {
            true => ("404 Not Found", "text/plain", page),
            false => ("200 OK", "text/html", page),
        }
    };
    let length = body.len();
    let top = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(top.as_bytes()).await.ok()?;
    if !head.starts_with("HEAD") {
        stream.write_all(&body).await.ok()?;
    }
    stream.shutdown().await.ok()
}
