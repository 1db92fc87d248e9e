use std::fs;

use super::*;

fn scene(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scene.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn refused(text: &str) -> String {
    let (_dir, path) = scene(text);
    let said = plan(&path, None, None).unwrap_err().report();
    said.replace(&path.display().to_string(), "scene.toml")
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    for (text, said) in [
        (
            "size = \"1280x720\"\nbackgroud = \"grey\"\n",
            "scene.toml:2: there is no such key as backgroud. Did you mean background?",
        ),
        (
            "[overlay]\nclok = \"%H\"\n",
            "scene.toml: overlay.clok is not a known key. Did you mean overlay.clock?",
        ),
        (
            "[stage.product]\nname = \"a\"\nprise = \"1\"\n",
            "scene.toml: stage: there is no such key as prise. Did you mean price?",
        ),
        (
            "[[alert]]\nkind = \"gfit\"\nwho = \"a\"\n",
            "scene.toml: alert: there is no such word as gfit. Did you mean gift?",
        ),
        (
            "[[comment]]\nat = -1\ntext = \"a\"\n",
            "scene.toml: comment: at must be 0 to 3600 seconds.",
        ),
        (
            "size = \"1281x720\"\n",
            "scene.toml: size must be two even numbers from 64 to 3840, such as 1280x720.",
        ),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = refused("[stage.product]\nname = \"a\"\nprice = \"1\"\npicture = \"mug.png\"\n");
    assert!(said.contains("mug.png cannot be read"), "{said}");
    let args = PreviewArgs {
        scene: "nowhere.toml".into(),
        out: "out.png".into(),
        at: None,
        size: None,
        json: false,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(report(&args, &mut out, &mut err), 1);
    let said = String::from_utf8(err).unwrap();
    assert!(said.starts_with("nowhere.toml cannot be read"), "{said}");
}

#[test]
fn a_scene_becomes_a_picture_of_its_size_and_json_says_what_is_where() {
    let (dir, path) = scene(
        "size = \"640x360\"\n[stage]\nbanner = \"Back at 8\"\n[[comment]]\nat = 1\ntext = \"hi\"\n",
    );
    let args = PreviewArgs {
        scene: path,
        out: dir.path().join("out.png"),
        at: seconds("3").ok(),
        size: None,
        json: true,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(report(&args, &mut out, &mut err), 0, "{err:?}");
    let said: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let layers: Vec<_> = said["layers"].as_array().unwrap().iter().collect();
    let names: Vec<_> = layers
        .iter()
        .map(|l| l["layer"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["danmaku", "banner"]);
    assert_eq!(said["warnings"], serde_json::json!([]));
    let png = image::open(&args.out).unwrap().to_rgb8();
    assert_eq!(png.dimensions(), (640, 360));
    // Under the box the picture is dark, beside it grey as the ground.
    let at = |n: &str| layers[1][n].as_i64().unwrap() as u32;
    let inside = png.get_pixel(at("x") + at("width") / 2, at("y") + 2).0;
    assert!(inside[0] < 80, "{inside:?}");
    assert_eq!(png.get_pixel(at("x") + 4, at("y") - 20).0, [104; 3]);
}

#[test]
fn sizes_and_times_are_checked() {
    assert_eq!(size("1280x720"), Ok((1280, 720)));
    for bad in [
        "", "x", "1280", "1280x", "1280x721", "32x18", "99999x2", "-2x4", "a x b",
    ] {
        assert!(size(bad).is_err(), "{bad}");
    }
    assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
    for bad in ["", "-1", "NaN", "inf", "3601", "x"] {
        assert!(seconds(bad).is_err(), "{bad}");
    }
}
