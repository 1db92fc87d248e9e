//! Tests of everything about sound cards that needs none, and of a machine as it is.

use super::*;

fn card(index: u32, card_id: &str, device: u32, name: &str) -> Card {
    Card {
        id: format!("CARD={card_id},DEV={device}"),
        pcm: format!("hw:CARD={card_id},DEV={device}"),
        index,
        card_id: card_id.into(),
        device,
        name: name.into(),
        long_name: format!("{name} at usb-{index}"),
        port: Some(format!("pci/usb1/1-{index}")),
        usb: None,
        capture: Capture::Openable {
            formats: vec!["S16_LE"],
            rates: vec![44_100, 48_000],
            channels: (1, 2),
        },
    }
}

fn shut(mut card: Card) -> Card {
    let e = open_error(Path::new("/none"), &title(&card), (9, 9), libc::EBUSY);
    card.capture = Capture::NotOpenable {
        kind: e.kind(),
        reason: e.message().into(),
        mend: e.mend_text().unwrap_or_default().into(),
    };
    card
}

#[test]
fn what_no_microphone_can_be_behind_comes_last() {
    let at = |id: &str, place: &str| {
        let mut card = card(0, id, 0, id);
        card.port = Some(place.into());
        card
    };
    assert!(is_virtual(&at("Loopback_1", "platform/snd_aloop.1")));
    assert!(is_virtual(&at("Mic", "platform/snd_dummy.0")));
    assert!(is_virtual(&at("UAC2Gadget", "platform/dcd.usb/gadget.0")));
    assert!(!is_virtual(&at(
        "Dummy",
        "pci0000:00/0000:00:14.0/usb1/1-2"
    )));
    let mut all = vec![
        at("Loopback", "platform/snd_aloop.0"),
        at("Dummy", "platform/snd_dummy.0"),
        at("Mic", "soc/usb1/1-1"),
    ];
    sort(&mut all);
    assert_eq!(find_in(all, "").unwrap().card_id, "Mic");
}

fn cards() -> Vec<Card> {
    let mut all = vec![
        card(3, "Loopback", 0, "Loopback"),
        shut(card(0, "PCH", 0, "HDA Intel PCH")),
        card(1, "Mic", 0, "USB Mic"),
        card(1, "Mic", 1, "USB Mic"),
        card(2, "Mic_1", 0, "USB Mic"),
    ];
    sort(&mut all);
    all
}

#[test]
fn the_default_is_the_first_real_card_that_can_be_opened() {
    assert_eq!(find_in(cards(), "").unwrap().id, "CARD=Mic,DEV=0");
    assert_eq!(find_in(cards(), "default").unwrap().id, "CARD=Mic,DEV=0");
    let mut busy = vec![
        card(3, "Loopback", 0, "Loopback"),
        shut(card(0, "PCH", 0, "HDA")),
    ];
    sort(&mut busy);
    let e = find_in(busy.clone(), "").unwrap_err();
    assert!(
        find_in(busy, "Loopback").is_ok(),
        "a loopback is taken when it is asked for"
    );
    assert_eq!(e.kind(), Kind::InUse);
    assert_eq!(
        e.report(),
        "The sound card HDA (CARD=PCH,DEV=0) is used by another program. \
         End that program, or choose another card."
    );
}

#[test]
fn a_card_is_found_by_every_name_that_it_has() {
    for (wanted, id) in [
        ("CARD=Mic,DEV=1", "CARD=Mic,DEV=1"),
        ("hw:CARD=Mic,DEV=1", "CARD=Mic,DEV=1"),
        ("plughw:1,1", "CARD=Mic,DEV=1"),
        ("hw:2", "CARD=Mic_1,DEV=0"),
        ("Mic", "CARD=Mic,DEV=0"),
        ("pci/usb1/1-2", "CARD=Mic_1,DEV=0"),
        ("/sys/devices/pci/usb1/1-2", "CARD=Mic_1,DEV=0"),
        ("loopback", "CARD=Loopback,DEV=0"),
        ("usb-2", "CARD=Mic_1,DEV=0"),
    ] {
        assert_eq!(find_in(cards(), wanted).unwrap().id, id, "{wanted}");
    }
}

#[test]
fn what_cannot_be_found_is_said_with_what_is_there() {
    let report = |wanted| find_in(cards(), wanted).unwrap_err().report();
    assert_eq!(
        report("USB"),
        "\"USB\" fits 3 sound cards. Use one of their ids: CARD=Mic,DEV=0 CARD=Mic,DEV=1 CARD=Mic_1,DEV=0."
    );
    assert!(report("Røde").starts_with(
        "There is no capture card \"Røde\". Set audio.device to what is there: CARD=Mic,DEV=0 (USB Mic)"
    ));
    assert!(report("hw:7,0").starts_with("There is no capture card"));
    assert!(report("PCH").contains("is used by another program"));
    assert_eq!(
        find_in(Vec::new(), "").unwrap_err().report(),
        "There is no capture card. Plug in a microphone or a sound card."
    );
}

#[test]
fn names_of_pcms_are_taken_apart() {
    assert_eq!(parse_pcm("hw:CARD=USB,DEV=2"), Some(("USB", Some(2))));
    assert_eq!(parse_pcm("CARD=USB"), Some(("USB", None)));
    assert_eq!(parse_pcm("plughw:1,0"), Some(("1", Some(0))));
    assert_eq!(parse_pcm("hw:1,x"), None);
    assert_eq!(parse_pcm(""), None);
}

#[test]
fn a_card_is_described_in_one_clause() {
    assert_eq!(
        card(1, "Mic", 0, "USB Mic").describe(),
        "USB Mic, 44100 48000 samples/s, 1 to 2 channels"
    );
    let e = open_error(Path::new("/none"), "The sound card X", (0, 0), libc::EACCES);
    assert_eq!(e.kind(), Kind::Permission);
    assert!(e.report().contains("group audio"));
    let odd = open_error(Path::new("/none"), "The sound card X", (0, 0), libc::EINVAL);
    assert_eq!(odd.kind(), Kind::Unsupported);
}

#[test]
fn the_real_machine_is_looked_at_without_harm() {
    let cards = list().unwrap();
    if !Path::new("/dev/snd").exists() {
        assert_eq!(cards, []);
        let e = find("").unwrap_err();
        assert_eq!(e.kind(), Kind::NotFound);
        assert_eq!(
            e.report(),
            "There is no capture card. Plug in a microphone or a sound card."
        );
    }
    let gone = capture_controls(&card(77, "NoSuchCard", 0, "Gone")).unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
    assert_eq!(
        gone.message(),
        "The sound card Gone (CARD=NoSuchCard,DEV=0) is gone."
    );
    assert!(set_capture_switch(&card(77, "NoSuchCard", 0, "Gone"), "Mic", true).is_err());
    assert!(set_capture_volume_db(&card(77, "NoSuchCard", 0, "Gone"), "Mic", 0.0).is_err());
}
