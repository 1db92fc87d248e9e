//! Codes are read and written.

use proptest::prelude::*;

use super::*;

fn wifi(text: &str) -> Result<WifiCode, String> {
    match SetupCode::read(text)? {
        SetupCode::Wifi(code) => Ok(code),
        SetupCode::Box(_) => Err("a box code".into()),
    }
}

fn boxed(text: &str) -> Result<BoxCode, String> {
    match SetupCode::read(text)? {
        SetupCode::Box(code) => Ok(*code),
        SetupCode::Wifi(_) => Err("a Wi-Fi code".into()),
    }
}

fn network(ssid: &str, password: Option<&str>, hidden: bool) -> WifiCode {
    WifiCode {
        ssid: ssid.into(),
        password: password.map(Secret::new),
        hidden,
    }
}

#[test]
fn codes_of_phones_and_other_makers_are_read() {
    for (text, code) in [
        // Android's "share network".
        (
            "WIFI:S:Shop;T:WPA;P:correct horse;H:false;;",
            network("Shop", Some("correct horse"), false),
        ),
        // iOS writes an empty transition flag, others a revision and a public key (Wi-Fi Alliance's URI).
        (
            "WIFI:T:WPA;R:1;S:Shop;P:correct horse;I:;TR:;;",
            network("Shop", Some("correct horse"), false),
        ),
        (
            "WIFI:T:nopass;S:Open Air;;",
            network("Open Air", None, false),
        ),
        ("WIFI:S:Open Air;;", network("Open Air", None, false)),
        (
            "WIFI:S:Open Air;P:;T:;H:;;",
            network("Open Air", None, false),
        ),
        (
            "WIFI:S:Shop;P:12345678;;",
            network("Shop", Some("12345678"), false),
        ),
        // Quotes around a name that looks like hexadecimal digits.
        (
            "WIFI:T:WPA;S:\"ABCD\";P:\"12345678\";H:True;",
            network("ABCD", Some("12345678"), true),
        ),
        (
            r#"WIFI:T:WPA;S:\"foo\;bar\\baz\";P:a\:b\,c\;d\"e\\;;"#,
            network(r#""foo;bar\baz""#, Some(r#"a:b,c;d"e\"#), false),
        ),
        // An unescaped colon within a value is no harm; a line end after the code neither.
        (
            "WIFI:T:wpa2;S:a:b;P:pass:word;;\r\n",
            network("a:b", Some("pass:word"), false),
        ),
    ] {
        assert_eq!(wifi(text), Ok(code), "{text}");
    }
}

#[test]
fn networks_that_cannot_be_joined_are_refused_with_the_reason() {
    for (text, clause) in [
        ("WIFI:T:WEP;S:x;P:12345;;", "WEP"),
        ("WIFI:T:SAE;S:x;P:12345678;;", "WPA3 only"),
        ("WIFI:T:WPA2-EAP;S:x;E:PEAP;P:12345678;;", "Enterprise"),
        ("WIFI:T:magic;S:x;;", "does not know"),
        ("WIFI:T:WPA;P:12345678;;", "names no network"),
        ("WIFI:", "names no network"),
        ("WIFI:T:WPA;S:x;;", "no password"),
        ("WIFI:T:WPA;S:x;P:1234567;;", "8 to 63"),
        ("WIFI:T:WPA;S:x;S:y;P:12345678;;", "S twice"),
        (
            "WIFI:T:nopass;S:123456789012345678901234567890123;;",
            "at most 32",
        ),
        ("WIFI:T:nopass;S:a\u{202e}b;;", "cannot be shown"),
        ("WIFI:T:nopass;S:a\nb;;", "cannot be shown"),
        ("https://example.com/", "neither"),
        ("", "neither"),
        ("wifi:S:x;;", "neither"),
    ] {
        let said = SetupCode::read(text).unwrap_err();
        assert!(said.contains(clause), "{text}: {said}");
    }
    let long = format!("WIFI:S:x;X:{};;", "y".repeat(MAX_BYTES));
    assert!(SetupCode::read(&long).unwrap_err().contains("longer"));
}

#[test]
fn a_key_of_64_hexadecimal_digits_is_a_password() {
    let key = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    let code = wifi(&format!("WIFI:T:WPA;S:x;P:{key};;")).unwrap();
    assert_eq!(code.password.unwrap().expose(), key);
    let no_key = format!("{}g", &key[..63]);
    assert!(wifi(&format!("WIFI:T:WPA;S:x;P:{no_key};;")).is_err());
}

#[test]
fn a_box_code_is_read() {
    let code = boxed(
        "BOOTHCAST:V:1;N:Hall 2;U:rtmp\\://10.0.0.5\\:1935/live;K:k\\;1;F:shops;I:box-7;B:mqtts://b.example;M:box;P:pw;C:token-123;;",
    )
    .unwrap();
    assert_eq!(code.name.as_ref().unwrap().as_str(), "Hall 2");
    let (name, url, key) = code.destination().unwrap();
    assert_eq!(
        (name.as_str(), url.as_str(), key.expose()),
        ("live", "rtmp://10.0.0.5:1935/live", "k;1")
    );
    assert_eq!(code.fleet.as_ref().unwrap().as_str(), "shops");
    assert_eq!(code.id.as_ref().unwrap().as_str(), "box-7");
    assert_eq!(code.broker.as_ref().unwrap().as_str(), "mqtts://b.example");
    assert_eq!(code.user.as_deref(), Some("box"));
    assert_eq!(code.password.as_ref().unwrap().expose(), "pw");
    assert_eq!(code.claim.as_ref().unwrap().expose(), "token-123");
    assert!(code.needs_restart());
    let only = boxed("BOOTHCAST:V:1;U:rtmp://h/live;K:k;;").unwrap();
    assert!(!only.needs_restart());
    assert!(
        boxed("BOOTHCAST:V:1;C:token-123;;")
            .unwrap()
            .destination()
            .is_none()
    );
}

#[test]
fn box_codes_that_are_wrong_are_refused_with_the_reason() {
    for (text, clause) in [
        ("BOOTHCAST:N:x;;", "no version"),
        ("BOOTHCAST:V:2;Z:x;;", "newer version"),
        ("BOOTHCAST:V:0;N:x;;", "no version (V) that there is"),
        ("BOOTHCAST:V:+1;N:x;;", "no version (V) that there is"),
        ("BOOTHCAST:V:1;V:1;N:x;;", "V twice"),
        ("BOOTHCAST:V:1;N:x;Z:y;;", "part Z"),
        ("BOOTHCAST:V:1;N:x;a b\u{7}:y;;", "not a plain word"),
        ("BOOTHCAST:V:1;N:x;rubbish;;", "without a key"),
        ("BOOTHCAST:V:1;;", "says nothing"),
        ("BOOTHCAST:V:1;N: x;;", "name (N) must not begin"),
        (
            "BOOTHCAST:V:1;U:http://h/live;K:k;;",
            "address (U) must start",
        ),
        ("BOOTHCAST:V:1;U:rtmp://h/live;;", "without its stream key"),
        ("BOOTHCAST:V:1;K:k;;", "without its address"),
        (
            "BOOTHCAST:V:1;U:rtmp://h/live;K:a b;;",
            "stream key (K) must be",
        ),
        ("BOOTHCAST:V:1;F:Shops;;", "fleet (F) must be"),
        ("BOOTHCAST:V:1;I:b/7;;", "id (I) must be"),
        ("BOOTHCAST:V:1;B:http://b;;", "broker (B) must be"),
        ("BOOTHCAST:V:1;M:box;;", "without a broker"),
        ("BOOTHCAST:V:1;B:mqtt://b;P:pw;;", "without a user"),
        ("BOOTHCAST:V:1;B:mqtt://b;M:a\tb;;", "user (M)"),
        ("BOOTHCAST:V:1;C:short;;", "claim token"),
        ("BOOTHCAST:V:1;C:with a space;;", "claim token"),
    ] {
        let said = SetupCode::read(text).unwrap_err();
        assert!(said.contains(clause), "{text}: {said}");
    }
}

#[test]
fn no_secret_is_printed_or_repeated() {
    let text = "BOOTHCAST:V:1;U:rtmp://h/live;K:canary-k;B:mqtt://b;M:u;P:canary-p;C:canary-c;;";
    let code = SetupCode::read(text).unwrap();
    assert!(!format!("{code:?} {}", code.text()).contains("canary"));
    let wifi = SetupCode::read("WIFI:S:x;P:canary-w;;").unwrap();
    assert!(!format!("{wifi:?}").contains("canary"));
    for bad in [
        "BOOTHCAST:V:1;U:rtmp://h/live;K:canary k;;",
        "BOOTHCAST:V:1;U:rtmp://canary@h/live;K:k;;",
        "BOOTHCAST:V:1;canary-long-key-that-is-a-secret:x;;",
        "BOOTHCAST:V:1;C:canary c;;",
        "WIFI:T:canary;S:x;;",
        "WIFI:T:WPA;S:x;P:canary;;",
        "canary",
    ] {
        let said = SetupCode::read(bad).unwrap_err();
        assert!(!said.contains("canary"), "{said}");
    }
}

fn some_text(least: usize, most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![3 => any::<char>(), 2 => Just(';'), 2 => Just(':'), 2 => Just('\\'), 1 => Just('"'), 1 => Just(',')],
        least..most,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn any_wifi() -> impl Strategy<Value = WifiCode> {
    let password = proptest::option::of(some_text(8, 24).prop_map(Secret::new));
    (some_text(1, 12), password, any::<bool>())
        .prop_map(|(ssid, password, hidden)| WifiCode {
            ssid,
            password,
            hidden,
        })
        .prop_filter("there can be such a network", |code| code.check().is_ok())
}

fn any_box() -> impl Strategy<Value = BoxCode> {
    use proptest::option::of;
    let secret = || "[!-~]{1,60}".prop_map(Secret::new);
    let segment = || "[a-z0-9-]{1,32}";
    (
        of("[a-zA-Z;:\\\\\",äß会]{1,20}".prop_map(|s| s.parse().unwrap())),
        of((
            Just("rtmp://host.example:1935/live/x".parse().unwrap()),
            secret(),
        )),
        of(segment().prop_map(|s| s.parse().unwrap())),
        of(segment().prop_map(|s| s.parse().unwrap())),
        of((
            Just("mqtts://[::1]:884".parse().unwrap()),
            of(("[ -~]{1,40}", of(secret()))),
        )),
        of("[!-~]{8,64}".prop_map(Secret::new)),
    )
        .prop_map(|(name, to, fleet, id, broker, claim)| {
            let (url, key) = to.unzip();
            let (broker, login) = broker.unzip();
            let (user, password) = login.flatten().unzip();
            BoxCode {
                name,
                url,
                key,
                fleet,
                id,
                broker,
                user,
                password: password.flatten(),
                claim,
            }
        })
        .prop_filter("it says something", |code| code.check().is_ok())
}

proptest! {
    #[test]
    fn a_network_that_is_written_is_read_again(code in any_wifi()) {
        let text = code.text();
        prop_assert_eq!(wifi(text.expose()), Ok(code));
    }

    #[test]
    fn a_box_code_that_is_written_is_read_again(code in any_box()) {
        let text = code.text();
        prop_assert_eq!(boxed(text.expose()), Ok(code));
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_sound(
        head in prop_oneof![Just("WIFI:"), Just("BOOTHCAST:V:1;"), Just("BOOTHCAST:"), Just("")],
        rest in some_text(0, 80),
        keyed in proptest::collection::vec(("[TSPHNUKFIBMCV]", some_text(0, 20)), 0..6),
    ) {
        let keyed: String = keyed.iter().map(|(k, v)| format!("{k}:{v};")).collect();
        for text in [format!("{head}{rest}"), format!("{head}{keyed}{rest}")] {
            match SetupCode::read(&text) {
                Ok(SetupCode::Wifi(code)) => prop_assert_eq!(code.check(), Ok(())),
                Ok(SetupCode::Box(code)) => prop_assert_eq!(code.check(), Ok(())),
                Err(clause) => prop_assert!(!clause.is_empty() && clause.len() < 400 && !clause.contains('\n')),
            }
        }
    }
}
