//! Headless Chromium through its own driver: each browser has a profile of its own, and ends with the test.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::support::{Guard, free_port};

/// How long an element or a text may take to be there.
const LIMIT: Duration = Duration::from_secs(20);

/// A phone held upright, and a desk.
pub const PHONE: (u32, u32) = (390, 844);
pub const WIDE: (u32, u32) = (1280, 800);

/// A browser.
pub struct Browser {
    client: Client,
    _driver: Guard,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one with a window of this size.
    pub async fn start((width, height): (u32, u32)) -> Self {
        Self::start_in((width, height), "en").await
    }

    /// The same for somebody who speaks `language`.
    pub async fn start_in((width, height): (u32, u32), language: &str) -> Self {
        let port = free_port();
        let driver = Guard::spawn(
            Command::new("chromedriver")
                .arg(format!("--port={port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let profile = tempfile::tempdir().unwrap();
        let mut capabilities = Capabilities::new();
        let args = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-extensions".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--ignore-certificate-errors".to_owned(),
            "--autoplay-policy=no-user-gesture-required".to_owned(),
            // The browser's own name for its address would have to be found by mDNS.
            "--disable-features=WebRtcHideLocalIpsWithMdns".to_owned(),
            format!("--lang={language}"),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        capabilities.insert(
            "goog:chromeOptions".into(),
            json!({
                "args": args,
                "prefs": { "intl.accept_languages": language },
                "mobileEmulation": if width < 500 {
                    json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": false } })
                } else {
                    Value::Null
                },
            }),
        );
        if width >= 500
            && let Some(options) = capabilities
                .get_mut("goog:chromeOptions")
                .and_then(Value::as_object_mut)
        {
            options.remove("mobileEmulation");
        }
        capabilities.insert("goog:loggingPrefs".into(), json!({ "browser": "ALL" }));
        capabilities.insert("unhandledPromptBehavior".into(), json!("ignore"));
        let client = Self::connect(port, &capabilities).await;
        Self {
            client,
            _driver: driver,
            _profile: profile,
        }
    }

    async fn connect(port: u16, capabilities: &Capabilities) -> Client {
        let end = Instant::now() + LIMIT;
        loop {
            let tried = ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await;
            match tried {
                Ok(client) => return client,
                Err(e) => assert!(Instant::now() < end, "no browser: {e}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn goto(&self, url: &str) {
        self.client
            .goto(url)
            .await
            .unwrap_or_else(|e| panic!("{url}: {e}"));
    }

    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The element that the page calls so (`data-test`), once it is there and seen.
    pub async fn find(&self, name: &str) -> Element {
        self.css(&format!("[data-test=\"{name}\"]")).await
    }

    /// The first element that fits and is seen.
    pub async fn css(&self, css: &str) -> Element {
        let end = Instant::now() + LIMIT;
        loop {
            for element in self.client.find_all(Locator::Css(css)).await.unwrap() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            if Instant::now() >= end {
                self.shot(Path::new("/tmp/boothcast-lost.png")).await;
                panic!(
                    "{css} is not seen at {}:\n{}",
                    self.address().await,
                    self.console().await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn click(&self, name: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            // Something may move or lie over it for a moment.
            match self.find(name).await.click().await {
                Ok(()) => return,
                Err(e) => assert!(Instant::now() < end, "{name} cannot be clicked: {e}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Empties the field and types.
    pub async fn write(&self, name: &str, text: &str) {
        let field = self.find(name).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Runs a function body in the page and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.client
            .execute(script, vec![])
            .await
            .unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    /// Waits until a function body returns something true; gives it.
    pub async fn until(&self, what: &str, script: &str) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let value = self.run(script).await;
            if !matches!(value, Value::Null | Value::Bool(false))
                && value != json!(0)
                && value != json!("")
            {
                return value;
            }
            if Instant::now() >= end {
                self.shot(Path::new("/tmp/boothcast-lost.png")).await;
                panic!(
                    "{what} in vain at {}:\n{}",
                    self.address().await,
                    self.console().await
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the page's text has `text`.
    pub async fn sees(&self, text: &str) {
        let text = serde_json::to_string(text).unwrap();
        self.until(
            &format!("looked for {text}"),
            &format!("return document.body.innerText.includes({text})"),
        )
        .await;
    }

    /// A picture of the page as PNG.
    pub async fn shot(&self, file: &Path) {
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
    }

    /// What the page's console says, a line each.
    pub async fn console(&self) -> String {
        let lines = self.run("return (window.__said || []).join('\\n')").await;
        lines.as_str().unwrap_or_default().to_owned()
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub async fn end(self) {
        let _ = self.client.close().await;
    }
}
