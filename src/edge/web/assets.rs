//! The pages of the room, their scripts and styles: all in the program, nothing is read from disk.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// A file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Below `assets/`.
    pub path: &'static str,
    /// Its contents.
    pub bytes: &'static [u8],
}

/// Styles of the report.
const REPORT: &str = "report.css";

/// Files by their path below `assets/`.
macro_rules! table {
    ($($path:literal),* $(,)?) => {
        &[
            // It belongs to the report, and lies there.
            Asset { path: REPORT, bytes: super::report::REPORT_CSS.as_bytes() },
            $(Asset { path: $path, bytes: include_bytes!(concat!("assets/", $path)) }),*
        ]
    };
}

/// All of them; a test compares the table with the folder.
pub const ASSETS: &[Asset] = table![
    "desk.css",
    "desk.html",
    "desk/act.js",
    "desk/air.js",
    "desk/api.js",
    "desk/box.js",
    "desk/chat.js",
    "desk/login.js",
    "desk/main.js",
    "desk/password.js",
    "desk/picture.js",
    "desk/plot.js",
    "desk/questions.js",
    "desk/schema.js",
    "desk/settings.js",
    "desk/show.js",
    "desk/store.js",
    "desk/text-en.js",
    "desk/text-zh.js",
    "desk/ui.js",
    "desk/words.js",
    "favicon.svg",
    "lib/api.js",
    "lib/dom.js",
    "lib/fmp4.js",
    "lib/i18n.js",
    "lib/player.js",
    "lib/socket.js",
    "lib/text-en.js",
    "lib/text-zh.js",
    "lib/toast.js",
    "lib/whep.js",
    "lib/zoom.js",
    "login.html",
    "room.html",
    "room/chat.js",
    "room/combo.js",
    "room/draws.js",
    "room/fair.js",
    "room/fly.js",
    "room/give.js",
    "room/main.js",
    "room/menu.js",
    "room/name.js",
    "room/poll.js",
    "room/products.js",
    "room/questions.js",
    "room/room.css",
    "room/stage.js",
    "room/tabs.js",
    "style.css",
];

impl Asset {
    /// The file of that path.
    #[must_use]
    pub fn find(path: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|a| a.path == path)
    }

    /// Its type, by its name.
    #[must_use]
    pub fn mime(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or("") {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" => "image/jpeg",
            "woff2" => "font/woff2",
            "webmanifest" | "json" => "application/json",
            _ => "application/octet-stream",
        }
    }

    /// Says whether a browser has it already: the beginning of its SHA-256.
    fn etag(&self) -> &'static str {
        static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let tag = |a: &Asset| {
                let sum = Sha256::digest(a.bytes);
                let digits: String = sum.iter().take(12).map(|b| format!("{b:02x}")).collect();
                format!("\"{digits}\"")
            };
            ASSETS.iter().map(tag).collect()
        });
        let at = ASSETS.iter().position(|a| a.path == self.path);
        at.and_then(|at| TAGS.get(at))
            .map_or("\"\"", String::as_str)
    }

    /// The answer to a browser that may have it already. It asks each time: after an update of the box all files are of one version.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = self.etag();
        let known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|v| v.to_str().ok());
        let head = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
        if known.is_some_and(|k| {
            k.split(',')
                .any(|k| k.trim().trim_start_matches("W/") == tag)
        }) {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        (head, [(header::CONTENT_TYPE, self.mime())], self.bytes).into_response()
    }
}

/// `GET /assets/…`; pages are not there, they have addresses of their own.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match Asset::find(&path).filter(|a| !a.path.ends_with(".html")) {
        Some(asset) => asset.answer(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, below: &str, out: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files(&entry.path(), &format!("{name}/"), out);
            } else {
                out.insert(name);
            }
        }
    }

    #[test]
    fn the_table_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge/web/assets");
        let mut there = BTreeSet::new();
        files(&folder, "", &mut there);
        there.insert(REPORT.to_owned());
        let table: BTreeSet<String> = ASSETS.iter().map(|a| a.path.to_owned()).collect();
        assert_eq!(table, there);
        assert_eq!(table.len(), ASSETS.len(), "a file twice");
    }

    #[test]
    fn each_file_has_a_type_and_a_tag_of_its_own() {
        let tags: BTreeSet<&str> = ASSETS.iter().map(Asset::etag).collect();
        assert_eq!(tags.len(), ASSETS.len());
        for asset in ASSETS {
            assert_ne!(asset.mime(), "application/octet-stream", "{}", asset.path);
            assert!(!asset.bytes.is_empty(), "{}", asset.path);
        }
    }
}
