//! The real program inside the rig.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, Process, Rig};
use crate::support::wait_for;
use crate::wire::GUEST;

/// Where its configuration, state and pipeline graphs lie, inside.
pub const CONFIG: &str = "/run/boothcast.toml";
pub const STATE: &str = "/run/boothcast-state";
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_boothcast");

/// A running box.
pub struct Daemon<'r> {
    rig: &'r Rig,
    process: Process,
}

impl<'r> Daemon<'r> {
    pub fn start(rig: &'r Rig, config: &str, env: &[(&str, &str)]) -> Self {
        let whole = format!(
            "[paths]\nstate = \"{STATE}\"\n[rtsp]\nlisten = \"0.0.0.0\"\nport = 8554\nauth = \"none\"\n[web]\nenabled = false\n{config}\n"
        );
        rig.write(CONFIG, &whole);
        rig.sh("mkdir -p /run/graphs");
        let mut all = vec![
            ("GST_DEBUG_DUMP_DOT_DIR", "/run/graphs"),
            ("GST_REGISTRY", "/run/gst.bin"),
        ];
        // The registry of the host's GStreamer fits: scanning all plug-ins again takes seconds.
        rig.sh("[ -e /run/gst.bin ] || cp ~/.cache/gstreamer-1.0/registry.x86_64.bin /run/gst.bin 2>/dev/null || true");
        all.extend(env);
        let process = Process::start(
            &[PROGRAM, "run", "--config", CONFIG],
            &all,
            Some(&rig.folder().join("boothcast.log")),
        );
        Self { rig, process }
    }

    /// Its pipelines write their graphs when they end.
    fn end_for_graphs(&mut self) {
        self.process.signal(libc::SIGINT);
        let _ = self.process.wait(Duration::from_secs(4));
    }

    /// Waits until it says that it is up.
    pub fn wait_up(&mut self) {
        wait_for("the box to be up", Duration::from_secs(20), || {
            assert!(
                self.process.running(),
                "the box ended early:\n{}",
                self.stderr()
            );
            self.stdout().contains("Ctrl-C ends it").then_some(())
        });
    }

    pub fn url(&self, mount: &str) -> String {
        format!("rtsp://{GUEST}:8554/{mount}")
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn stdout(&self) -> String {
        self.process.stdout()
    }

    /// Its log.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    pub fn running(&self) -> bool {
        self.process.running()
    }

    pub fn signal(&mut self, signal: i32) {
        self.process.signal(signal);
    }

    /// Ends it in order; gives its exit code.
    pub fn stop(mut self) -> i32 {
        self.process.signal(libc::SIGINT);
        self.process
            .wait(Duration::from_secs(10))
            .expect("the box did not end within 10 s")
    }

    pub fn wait_log(&self, what: &str, limit: Duration) {
        wait_for(&format!("{what:?} in the log"), limit, || {
            self.stderr().contains(what).then_some(())
        });
    }

    /// `boothcast ctl` inside.
    pub fn ctl(&self, args: &[&str]) -> Outcome {
        let mut argv = vec![PROGRAM, "ctl", "--config", CONFIG];
        argv.extend(args);
        self.rig.start(&argv, &[]).finish(Duration::from_secs(20))
    }

    /// The status, from `boothcast ctl status --json`.
    pub fn status(&self) -> Value {
        let outcome = self.ctl(&["status", "--json"]);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {}", outcome.stdout))
    }

    /// Waits for a status that `f` takes a value from.
    pub fn wait_status<T>(
        &self,
        what: &str,
        limit: Duration,
        mut f: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        wait_for(what, limit, || f(&self.status()))
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && self.process.running() {
            self.end_for_graphs();
        }
    }
}
