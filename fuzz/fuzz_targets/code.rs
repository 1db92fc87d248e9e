//! Whatever a QR code before the camera says: it is refused with a clause, or what is read is written and read again as it is.
#![no_main]

use boothcast::config::code::{MAX_BYTES, SetupCode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match SetupCode::read(text) {
        Ok(code) => {
            let written = code.text();
            // Escapes make it longer.
            if written.expose().len() <= MAX_BYTES {
                assert_eq!(SetupCode::read(written.expose()), Ok(code));
            }
        }
        Err(clause) => assert!((1..400).contains(&clause.len()) && !clause.contains('\n')),
    }
});
