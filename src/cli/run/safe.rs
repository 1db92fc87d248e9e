//! Safe mode: what could make the box fail is left out; what is needed to mend it from afar stays.
//!
//! | left out | stays |
//! |---|---|
//! | camera and microphone, the hardware encoder, a camera's own stream | RTSP with the slate, software encoder, 640x360 |
//! | destinations, settings of operators, what stands on the picture | MQTT, `boothcast ctl`, set-up page, updates, factory reset |
//! | fonts, logo and slate of the owner, comments, the audience's room and its pages | light, button, network |

use std::path::PathBuf;
use std::time::Duration;

use crate::config::board::Board;
use crate::config::{self, Config, Loaded, Problems, Profile, Sources};

/// Then the normal service has its turn again.
pub const LIMIT: Duration = Duration::from_secs(1800);

/// What people read.
pub const SENTENCE: &str = "Safe mode: the box failed again and again, so it shows no camera and is not live. It tries once more within 30 minutes; \
     correct its settings or update it, and restart it.";

/// What they read where the configuration is the reason.
const BROKEN: &str = "Safe mode: the configuration cannot be used, so the box shows no camera and is not live. Correct it, and restart the box.";

/// Encoders that every machine has; the first that works.
const ENCODERS: [&str; 2] = ["x264enc", "openh264enc"];

/// The sentence for this configuration.
pub fn sentence(loaded: &Loaded) -> String {
    match &loaded.set_aside {
        Some(_) => BROKEN.to_owned(),
        None => SENTENCE.to_owned(),
    }
}

/// A configuration in place of one that cannot be used: that of the image, else the defaults.
///
/// # Errors
/// The problems as they were, if even the environment or the flags are wrong.
pub fn fallback(sources: &Sources, problems: Problems) -> Result<Loaded, Problems> {
    let first: Vec<(PathBuf, bool)> = sources.files.iter().take(1).cloned().collect();
    for files in [first, vec![]] {
        let fewer = Sources {
            files,
            ..sources.clone()
        };
        if let Ok(mut loaded) = config::load(&fewer) {
            loaded.set_aside = Some(problems);
            return Ok(loaded);
        }
    }
    Err(problems)
}

/// Leaves out what could be the reason.
pub fn reduce(config: &mut Config, board: &mut Board) {
    let main = &mut config.encode;
    main.profile = Profile::Custom;
    "auto".clone_into(&mut main.encoder);
    (main.video.width, main.video.height) = (640, 360);
    main.video.fps = main.video.fps.min(10);
    main.video.bitrate = main.video.bitrate.min(400_000);
    board.encoders = ENCODERS.map(str::to_owned).to_vec();
    config.video.passthrough = false;
    config.sub.enabled = false;
    config.adaptive.enabled = false;
    config.destination.clear();
    config.slate.picture = PathBuf::new();
    config.overlay.fonts = PathBuf::new();
    config.overlay.font.clear();
    config.overlay.logo = PathBuf::new();
    config.overlay.clock.clear();
    config.danmaku.enabled = false;
    config.web.enabled = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("boothcast.toml");
        std::fs::write(&file, text).unwrap();
        let sources = Sources {
            files: vec![(file, true), (dir.path().join("imported.toml"), false)],
            env: vec![],
            set: vec![],
            board: config::board::detected(),
            default_state: dir.path().into(),
        };
        (dir, sources)
    }

    #[test]
    fn what_could_fail_is_left_out_and_the_rest_stays() {
        let (_dir, sources) = sources(
            "[box]\nname = \"Hall\"\n[rtsp]\nport = 9000\n[mqtt]\nbroker = \"local\"\n[encode]\nprofile = \"1080p30\"\n\
             [[destination]]\nname = \"a\"\nurl = \"rtmp://a.example/b\"\nkey = \"k-1234\"\n",
        );
        let mut loaded = config::load(&sources).unwrap();
        assert_eq!(sentence(&loaded), SENTENCE);
        reduce(&mut loaded.config, &mut loaded.board.board);
        let config = loaded.config;
        assert!(config.destination.is_empty() && !config.sub.enabled && !config.video.passthrough);
        assert_eq!(
            (config.encode.video.width, config.encode.video.fps),
            (640, 10)
        );
        assert_eq!(loaded.board.board.encoders, ENCODERS);
        assert_eq!(
            (config.box_.name.as_str(), config.rtsp.port),
            ("Hall", 9000)
        );
        assert!(config.mqtt.broker.is_some());
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_replaced() {
        let (dir, sources) = sources("[setup]\nenabled = true\n");
        std::fs::write(dir.path().join("imported.toml"), "[vidoe]\n").unwrap();
        let problems = config::load(&sources).unwrap_err();
        let loaded = fallback(&sources, problems).unwrap();
        // The image's own file counts still.
        assert!(loaded.config.setup.enabled);
        assert!(sentence(&loaded).contains("the configuration cannot be used"));
        std::fs::write(dir.path().join("boothcast.toml"), "[[[").unwrap();
        let problems = config::load(&sources).unwrap_err();
        assert!(!fallback(&sources, problems).unwrap().config.setup.enabled);
    }
}
