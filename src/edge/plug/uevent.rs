//! The kernel's uevents: what a message says, as far as it concerns cameras and sound cards. Pure.
//!
//! A message is `ACTION@DEVPATH`, a NUL, then `KEY=VALUE` fields with a NUL after each (the kernel's
//! `lib/kobject_uevent.c`). udevd's own messages, which begin with `libudev`, go to another group and are none of ours.

use crate::device::event::DeviceClass;

/// The kernel's messages are at most this long: 2048 bytes of fields after action and path (`UEVENT_BUFFER_SIZE`, `PATH_MAX`).
pub(super) const MAX_MESSAGE: usize = 8192;

/// The class whose devices changed; `None`: some other kind of device, another kind of event, or no uevent at all.
pub(super) fn class(message: &[u8]) -> Option<DeviceClass> {
    let mut parts = message
        .get(..message.len().min(MAX_MESSAGE))?
        .split(|b| *b == 0);
    let (action, path) = split(parts.next()?, b'@')?;
    if path.first() != Some(&b'/') || !matches!(action, b"add" | b"remove" | b"change") {
        return None;
    }
    let subsystem = parts
        .filter_map(|field| split(field, b'='))
        .find_map(|(key, value)| (key == b"SUBSYSTEM").then_some(value))?;
    match subsystem {
        b"video4linux" => Some(DeviceClass::Camera),
        b"sound" => Some(DeviceClass::Sound),
        _ => None,
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let n = text.iter().position(|b| *b == at)?;
    Some((&text[..n], &text[n + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the kernel of the rig sent them.
    const CAMERA: &[u8] = b"remove@/devices/platform/vivid.0/video4linux/video0\0ACTION=remove\0\
        DEVPATH=/devices/platform/vivid.0/video4linux/video0\0SUBSYSTEM=video4linux\0MAJOR=81\0MINOR=0\0\
        DEVNAME=video0\0SEQNUM=269\0";
    const CARD: &[u8] = b"add@/devices/platform/snd_aloop.0/sound/card0/controlC0\0ACTION=add\0\
        DEVPATH=/devices/platform/snd_aloop.0/sound/card0/controlC0\0SUBSYSTEM=sound\0MAJOR=116\0MINOR=0\0\
        DEVNAME=snd/controlC0\0SEQNUM=265\0";

    #[test]
    fn real_messages_are_understood() {
        assert_eq!(class(CAMERA), Some(DeviceClass::Camera));
        assert_eq!(class(CARD), Some(DeviceClass::Sound));
        let renamed = String::from_utf8_lossy(CARD).replace("add@", "change@");
        assert_eq!(class(renamed.as_bytes()), Some(DeviceClass::Sound));
    }

    #[test]
    fn other_devices_and_events_are_none_of_ours() {
        for other in [
            &b"add@/devices/usb1/1-1\0ACTION=add\0SUBSYSTEM=usb\0PRODUCT=sound\0"[..],
            b"bind@/devices/x\0ACTION=bind\0SUBSYSTEM=video4linux\0",
            b"libudev\0\xfe\xed\xca\xfe\0SUBSYSTEM=sound\0",
            b"add@relative\0SUBSYSTEM=sound\0",
            b"add@/devices/x\0XSUBSYSTEM=sound\0SUBSYSTEM\0",
            b"add@/devices/x\0SUBSYSTEM=soundtrack\0",
            b"SUBSYSTEM=sound\0",
            b"",
            b"\0\0\0",
        ] {
            assert_eq!(class(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn a_subsystem_past_the_longest_message_is_not_read() {
        let mut long = b"add@/x\0A=".to_vec();
        long.resize(MAX_MESSAGE, b'a');
        long.extend_from_slice(b"\0SUBSYSTEM=sound\0");
        assert_eq!(class(&long), None);
    }

    proptest! {
        #[test]
        fn odd_bytes_do_no_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            cut in 0..CAMERA.len(),
            at in 0..CAMERA.len(),
            byte: u8,
        ) {
            // Nothing random begins with an action and a path.
            prop_assert_eq!(class(&bytes), None);
            let mut bent = CAMERA.to_vec();
            bent[at] = byte;
            // Whatever a bent message says, it is never about sound.
            prop_assert_ne!(class(&bent), Some(DeviceClass::Sound));
            bent.truncate(cut);
            prop_assert_ne!(class(&bent), Some(DeviceClass::Sound));
        }

        #[test]
        fn the_subsystem_is_found_wherever_it_stands(before in 0_usize..20, sound: bool) {
            let mut text = "add@/devices/x\0".to_owned();
            for n in 0..before {
                text += &format!("K{n}=v{n}\0");
            }
            text += if sound { "SUBSYSTEM=sound\0" } else { "SUBSYSTEM=video4linux\0" };
            let want = if sound { DeviceClass::Sound } else { DeviceClass::Camera };
            prop_assert_eq!(class(text.as_bytes()), Some(want));
        }
    }
}
