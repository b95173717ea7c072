//! Volumes of the cluster that jobs find in their pods, as the configuration writes them.

use serde_json::{Value, json};

use super::WORK;
use super::manifest::is_domain;

/// A volume with the place at which a job finds it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Volume<'a> {
    place: &'a str,
    source: Source<'a>,
    is_read_only: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    /// A PersistentVolumeClaim of the namespace, with a folder in it; all of it where that is empty.
    Claim(&'a str, &'a str),
    /// A folder that a server exports.
    Nfs(&'a str, &'a str),
    /// A folder of the node.
    Node(&'a str),
}

/// Why a place cannot be one at which a volume is mounted.
pub(crate) fn place_refusal(place: &str) -> Option<&'static str> {
    let is_good = |part: &str| !part.is_empty() && part != "." && part != "..";
    let mut parts = place.split('/');
    let is_absolute = parts.next() == Some("") && !place.is_empty();
    if !is_absolute || !parts.all(is_good) || place.contains([':', '\0', '\n']) {
        return Some("it is no place in a pod such as \"/data\"");
    }
    let own = [WORK.to_owned(), format!("{WORK}-given")];
    let is_own = |own: &String| place == own || place.starts_with(&format!("{own}/"));
    own.iter()
        .any(is_own)
        .then_some("the job's own folder is there")
}

impl<'a> Volume<'a> {
    /// Reads `pvc:NAME`, `pvc:NAME/FOLDER`, `nfs:SERVER:/FOLDER` or `node:/FOLDER`, each with `:ro` behind it where jobs only read.
    pub(crate) fn read(place: &'a str, text: &'a str) -> Option<Self> {
        let (source, is_read_only) = match text.strip_suffix(":ro") {
            Some(source) => (source, true),
            None => (text, false),
        };
        let is_folder = |path: &str| {
            path.starts_with('/') && !path.contains([':', '\0', '\n']) && !climbs(path)
        };
        let (kind, rest) = source.split_once(':')?;
        let source = match kind {
            "pvc" => {
                let (name, folder) = rest.split_once('/').unwrap_or((rest, ""));
                let is_good = is_domain(name)
                    && !folder.starts_with('/')
                    && !folder.contains([':', '\0', '\n'])
                    && !climbs(folder);
                is_good.then_some(Source::Claim(name, folder))?
            }
            "nfs" => {
                let (server, path) = rest.split_once(':')?;
                let is_server = !server.is_empty()
                    && server
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
                (is_server && is_folder(path)).then_some(Source::Nfs(server, path))?
            }
            "node" => is_folder(rest).then_some(Source::Node(rest))?,
            _ => return None,
        };
        Some(Volume {
            place,
            source,
            is_read_only,
        })
    }

    /// The volume of the pod, by this name.
    pub(crate) fn of_pod(&self, name: &str) -> Value {
        let is_read_only = self.is_read_only;
        match self.source {
            Source::Claim(claim, _) => {
                json!({ "name": name, "persistentVolumeClaim": { "claimName": claim, "readOnly": is_read_only } })
            }
            Source::Nfs(server, path) => {
                json!({ "name": name, "nfs": { "server": server, "path": path, "readOnly": is_read_only } })
            }
            Source::Node(path) => {
                json!({ "name": name, "hostPath": { "path": path, "type": "Directory" } })
            }
        }
    }

    /// Where the job's container has it.
    pub(crate) fn of_container(&self, name: &str) -> Value {
        let mut mount =
            json!({ "name": name, "mountPath": self.place, "readOnly": self.is_read_only });
        if let Source::Claim(_, folder) = self.source
            && !folder.is_empty()
        {
            mount["subPath"] = folder.into();
        }
        mount
    }
}

/// Does a path lead out of its folder?
fn climbs(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_a_claim_a_server_s_folder_or_one_of_the_node() {
        let read = |text: &'static str| Volume::read("/data", text);
        for (text, source, is_read_only) in [
            ("pvc:lab-data", Source::Claim("lab-data", ""), false),
            ("pvc:lab/sets/a b", Source::Claim("lab", "sets/a b"), false),
            ("pvc:lab:ro", Source::Claim("lab", ""), true),
            (
                "nfs:files.lab:/export/x:ro",
                Source::Nfs("files.lab", "/export/x"),
                true,
            ),
            ("node:/mnt/fast", Source::Node("/mnt/fast"), false),
        ] {
            let wanted = Volume {
                place: "/data",
                source,
                is_read_only,
            };
            assert_eq!(read(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "lab",
            "pvc:",
            "pvc:La b",
            "pvc:lab/../x",
            "pvc:lab//x",
            "pvc:lab:rw",
            "nfs:server",
            "nfs::/x",
            "nfs:server:x",
            "node:mnt",
            "node:/a/../b",
            "smb:x:/y",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for place in ["/data", "/data/sets", "/hoist2", "/a b"] {
            assert_eq!(place_refusal(place), None, "{place}");
        }
        for place in [
            "",
            "/",
            "data",
            "/data/",
            "/a/../b",
            "/a:b",
            "/hoist",
            "/hoist/jobs",
            "/hoist-given",
        ] {
            assert!(place_refusal(place).is_some(), "{place}");
        }
    }
}
