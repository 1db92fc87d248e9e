//! Codes that are held before the camera, rubbish, the line on the picture, what lasts.

use super::*;

#[test]
fn a_code_that_is_held_is_taken_once() {
    let mut rig = fresh();
    let mut joins = 0;
    for round in 0..40 {
        joins += steps(&show(&mut rig, WIFI)).len();
        if round == 3 {
            done(&mut rig);
        }
        later(&mut rig, Duration::from_millis(500));
    }
    assert_eq!(joins, 1, "20 s in sight");
    later(&mut rig, SEEN_FOR);
    assert_eq!(steps(&show(&mut rig, WIFI)).len(), 1, "and again later");
}

#[test]
fn a_code_that_failed_is_tried_again_after_a_while() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    failed(&mut rig, "nobody there");
    later(&mut rig, AGAIN_AFTER - Duration::from_millis(500));
    assert!(show(&mut rig, WIFI).is_empty());
    later(&mut rig, Duration::from_millis(500));
    assert_eq!(steps(&show(&mut rig, WIFI)).len(), 1);
}

#[test]
fn one_step_at_a_time_and_none_for_ever() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    let before = rig.state.clone();
    assert!(show(&mut rig, LIVE).is_empty());
    assert_eq!(rig.state, before);
    later(&mut rig, STEP_LIMIT - secs(1));
    assert_eq!(rig.health().1, "Joining Wi-Fi Shop…");
    later(&mut rig, secs(1));
    assert_eq!(rig.health().1, words::TOO_LONG);
    done(&mut rig);
    assert_eq!(rig.health().1, words::TOO_LONG, "too late to be heard");
    assert!(!show(&mut rig, LIVE).is_empty());
}

#[test]
fn rubbish_is_told_but_not_over_a_confirmation() {
    let mut rig = fresh();
    let rubbish = |rig: &mut Rig| {
        let reason = "it is neither a Wi-Fi code nor a Boothcast code".into();
        rig.event(Event::Setup(SetupEvent::Unreadable { reason }))
    };
    show(&mut rig, WIFI);
    done(&mut rig);
    rubbish(&mut rig);
    assert_eq!(rig.health().1, "Wi-Fi Shop joined.");
    later(&mut rig, YES_FOR);
    rubbish(&mut rig);
    let said = "That QR code does not count: it is neither a Wi-Fi code nor a Boothcast code.";
    assert_eq!(rig.health().1, said);
    let before = rig.state.clone();
    rubbish(&mut rig);
    assert_eq!(rig.state, before, "said once while it is shown");
}

#[test]
fn the_owners_line_stays_but_for_the_confirmation() {
    let mut rig = fresh();
    rig.order(Command::OverlayText(crate::device::notice::Banner {
        text: "Sale".into(),
        seconds: None,
    }));
    saved(&mut rig);
    assert_eq!(
        line_of(&rig).as_deref(),
        Some("Sale"),
        "no invitation over it"
    );
    show(&mut rig, WIFI);
    done(&mut rig);
    assert_eq!(line_of(&rig).as_deref(), Some("Wi-Fi Shop joined."));
    let status = crate::device::status::Status::of(&rig.state);
    assert_eq!(
        status.stage.banner.as_deref(),
        Some("Sale"),
        "it is not theirs"
    );
    later(&mut rig, NOTE_FOR);
    assert_eq!(line_of(&rig).as_deref(), Some("Sale"));
}

#[test]
fn a_long_sentence_is_cut_on_the_picture() {
    let mut rig = fresh();
    show(&mut rig, WIFI);
    failed(&mut rig, &"ö".repeat(500));
    let line = line_of(&rig).unwrap();
    assert_eq!(line.chars().count(), 100);
    assert!(line.ends_with('…'));
}

#[test]
fn the_slate_says_it_while_there_is_no_camera() {
    let mut rig = fresh();
    rig.media(MediaEvent::CameraLost {
        reason: "unplugged".into(),
    });
    rig.event(Event::Setup(SetupEvent::Seen {
        way: Way::Page,
        code: WIFI.parse().unwrap(),
    }));
    assert_eq!(slate_sentence(&rig.state).unwrap(), "Joining Wi-Fi Shop…");
    failed(&mut rig, "no");
    later(&mut rig, NOTE_FOR);
    assert!(
        slate_sentence(&rig.state)
            .unwrap()
            .starts_with("No camera picture")
    );
}

#[test]
fn the_owner_opens_and_closes_from_afar() {
    let mut rig = fresh();
    let open = || Command::SetupOpen { open: true };
    let close = || Command::SetupOpen { open: false };
    let effects = rig.order(close());
    assert!(matches!(effects[0], Effect::Persist(_)));
    assert!(rig.state.wanted.claimed, "as wanted, says its owner");
    assert!(!rig.state.is_setup_open());
    let decided = decide(&rig.state, &close(), crate::device::command::Origin::Mqtt);
    assert!(matches!(decided, Decision::Ignore(_)));
    let effects = rig.order(open());
    assert!(effects.contains(&Effect::Setup(SetupStep::Open(true))));
    assert_eq!(SetupStatus::of(&rig.state).closes_in_s, Some(600));
    let (off, _) = Rig::new(setup(), false);
    let decided = decide(&off.state, &open(), crate::device::command::Origin::Cli);
    assert!(matches!(decided, Decision::Deny(_)));
}

#[test]
fn its_own_network_is_named_but_not_its_password() {
    let mut rig = fresh();
    rig.event(Event::Setup(SetupEvent::AccessPoint(Some(WifiCode {
        ssid: "Boothcast-1234".into(),
        password: Some(Secret::new("canary-ap")),
        hidden: false,
    }))));
    let (_, sentence) = rig.health();
    assert!(sentence.contains("join the Wi-Fi Boothcast-1234"));
    let status = crate::device::status::Status::of(&rig.state);
    let all = format!(
        "{:?} {}",
        rig.state,
        serde_json::to_string(&status).unwrap()
    );
    assert!(all.contains("Boothcast-1234") && !all.contains("canary"));
}

#[test]
fn a_destination_of_the_file_is_not_changed_by_a_code() {
    let mut own = plan();
    own.destinations = vec![crate::device::state::DestinationSetup {
        name: name("live"),
        enabled: false,
        max_bitrate: None,
    }];
    let (mut rig, _) = Rig::new(own, false);
    rig.all_up();
    show(&mut rig, LIVE);
    assert!(!rig.state.wanted.claimed);
    assert!(rig.health().1.contains("configuration file"));
}

#[test]
fn it_stays_claimed_after_a_power_cut() {
    let mut rig = fresh();
    show(&mut rig, LIVE);
    let json = serde_json::to_string(&rig.state.wanted).unwrap();
    assert!(!json.contains("token-one"), "the token itself is not kept");
    let wanted: Wanted = serde_json::from_str(&json).unwrap();
    let (state, effects) = State::new(plan(), wanted).start(secs(0));
    assert!(steps(&effects).is_empty() && state.is_claimed());
}
