//! Codes on the command line: what goes in comes out of a reader, and no secret by another way.

use std::os::unix::fs::PermissionsExt;

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: QrArgs,
}

/// Makes the code of a command line; what it says.
fn made(line: &str, input: &'static str) -> Result<(SetupCode, String), Trouble> {
    let words = std::iter::once("qr").chain(line.split_whitespace());
    let parsed = Line::try_parse_from(words).map_err(|e| Trouble::Usage(e.to_string()))?;
    let mut secrets = Secrets::of(input);
    let (code, mut said) = match &parsed.args.what {
        What::Wifi(args) => wifi(args, &mut secrets)?,
        What::Box(args) => boxed(args, &mut secrets)?,
    };
    let output = match parsed.args.what {
        What::Wifi(args) => args.output,
        What::Box(args) => args.output,
    };
    let mut out = Vec::new();
    show(&code, &mut said, &output, &mut out)?;
    Ok((code, String::from_utf8(out).unwrap()))
}

fn refused(line: &str, input: &'static str) -> String {
    let trouble = made(line, input).unwrap_err();
    assert_eq!(trouble.exit_code(), 2, "{trouble:?}");
    trouble.text().unwrap().to_owned()
}

/// What a reader sees in a picture in grey.
fn read(width: usize, height: usize, at: impl FnMut(usize, usize) -> u8) -> String {
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

#[test]
fn the_picture_is_read_by_a_reader_and_by_nobody_else_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("code.png");
    let line = format!(
        "wifi --ssid Shop;1 --password-file - --json --scale 3 --out {}",
        file.display()
    );
    let (code, said) = made(&line, "canary secret\n").unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let png = image::open(&file).unwrap().to_luma8();
    assert_eq!(said["pixels"], json!(png.width()));
    assert_eq!(
        said["modules"],
        json!(png.width() / 3 - 8),
        "a quiet zone of four modules"
    );
    let (width, height) = (png.width() as usize, png.height() as usize);
    let text = read(width, height, |x, y| png.get_pixel(x as u32, y as u32).0[0]);
    assert_eq!(text.parse(), Ok(code));
    assert_eq!(text, r"WIFI:T:WPA;S:Shop\;1;P:canary secret;;");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(said["ssid"], "Shop;1");
    assert_eq!(said["password"], "***");
}

/// Draws as a terminal does whose own colours are `light` on `dark`, and reads that.
#[test]
fn the_terminal_shows_black_on_white_whatever_its_colours_are() {
    let (code, shown) = made("wifi --ssid Shop --open", "").unwrap();
    let rows: Vec<&str> = shown
        .lines()
        .filter_map(|l| {
            l.strip_prefix("\x1b[38;5;16;48;5;231m")?
                .strip_suffix("\x1b[0m")
        })
        .collect();
    let width = rows[0].chars().count();
    assert!(rows.len() * 2 >= width && rows.iter().all(|r| r.chars().count() == width));
    let mut grey = vec![255_u8; width * rows.len() * 2];
    for (n, row) in rows.iter().enumerate() {
        for (x, c) in row.chars().enumerate() {
            let (upper, lower) = match c {
                '█' => (0, 0),
                '▀' => (0, 255),
                '▄' => (255, 0),
                ' ' => (255, 255),
                other => panic!("{other:?}"),
            };
            grey[2 * n * width + x] = upper;
            grey[(2 * n + 1) * width + x] = lower;
        }
    }
    let text = read(width * 4, rows.len() * 8, |x, y| {
        grey[y / 4 * width + x / 4]
    });
    assert_eq!(text.parse(), Ok(code));
}

#[test]
fn a_box_code_takes_its_secrets_in_order() {
    let line =
        "box --name Hall --url rtmp://h/live --broker mqtts://b --user u --claim-file - --json";
    let (code, said) = made(line, "canary-key\ncanary-password\r\ncanary-claim").unwrap();
    let SetupCode::Box(code) = code else {
        panic!("{code:?}");
    };
    assert_eq!(code.key.unwrap().expose(), "canary-key");
    assert_eq!(code.password.unwrap().expose(), "canary-password");
    assert_eq!(code.claim.unwrap().expose(), "canary-claim");
    assert!(!said.contains("canary"), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["name"], "Hall");
    assert_eq!(said["key"], "***");
}

#[test]
fn a_new_claim_is_kept_once_and_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("claim");
    let line = format!("box --fleet shops --new-claim {}", file.display());
    let (code, said) = made(&line, "").unwrap();
    let token = std::fs::read_to_string(&file).unwrap();
    assert!(!said.contains(token.trim()));
    assert!(refused(&line, "").contains("is there already"));
    let again = format!("box --fleet shops --claim-file {}", file.display());
    assert_eq!(made(&again, "").unwrap().0, code);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&again, "").contains("chmod 600"));
}

#[test]
fn wrong_arguments_are_told_without_secrets() {
    for (line, input, clause) in [
        ("wifi --ssid Shop", "", "nothing was given"),
        ("wifi --ssid Shop", "canary", "8 to 63"),
        (
            "wifi --ssid Shop --open --password-file -",
            "",
            "cannot be used with",
        ),
        ("box", "", "says nothing"),
        ("box --url rtmp://h/live", "a canary", "stream key"),
        ("box --url http://h/live", "", "rtmp://"),
        ("box --user u", "", "--broker"),
        ("box --claim-file -", "canary", "claim token"),
        (
            "box --name x --claim-file /nowhere/canary",
            "",
            "cannot be read",
        ),
    ] {
        let said = refused(line, input);
        assert!(said.contains(clause), "{line}: {said}");
        assert!(
            !said.contains("canary") || line.contains("canary"),
            "{said}"
        );
    }
    let (long, short) = ("x".repeat(3000), "y");
    let input: &'static str = Box::leak(format!("{long}{short}\n").into_boxed_str());
    assert!(refused("box --url rtmp://h/live", input).contains("2048"));
    let input: &'static str = Box::leak(format!("{}\n", "k".repeat(2048)).into_boxed_str());
    let url = format!("rtmp://h/{}", "a".repeat(1000));
    assert!(refused(&format!("box --url {url}"), input).contains("too much for a QR code"));
}
