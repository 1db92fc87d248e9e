//! The scanner's thread: when it looks, how often, what it leaves.

use super::*;

fn frame(luma: &Luma) -> gst::Buffer {
    let mut bytes = vec![128; 640 * 480 * 3 / 2];
    for (n, byte) in bytes.iter_mut().take(640 * 480).enumerate() {
        *byte = luma.at(n % 640, n / 640);
    }
    gst::Buffer::from_slice(bytes)
}

fn scanner() -> (Scanner, Receiver<SetupEvent>) {
    crate::media::init().unwrap();
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let scanner = Scanner::start(Arc::new(move |event| drop(lock(&tell).send(event)))).unwrap();
    (scanner, told)
}

fn shown() -> gst::Buffer {
    frame(
        &Shot {
            width: 640,
            height: 480,
            module: 5.0,
            ..PLAIN
        }
        .of(&code(WIFI)),
    )
}

/// Offers the frame until something is said, as a camera does.
fn offer(
    eye: &Eye,
    frame: &gst::Buffer,
    told: &Receiver<SetupEvent>,
    limit: Duration,
) -> Option<SetupEvent> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        eye.look(frame, RAW);
        if let Ok(event) = told.recv_timeout(Duration::from_millis(30)) {
            return Some(event);
        }
    }
    None
}

#[test]
fn it_looks_while_it_is_told_to_and_only_then() {
    let (scanner, told) = scanner();
    let (eye, mut frame) = (scanner.eye(), shown());
    assert_eq!(offer(&eye, &frame, &told, Duration::from_millis(500)), None);
    assert!(
        lock(&scanner.shared.state).picture.is_none(),
        "nothing is copied"
    );
    scanner.set(true);
    assert_eq!(
        offer(&eye, &frame, &told, Duration::from_secs(30)),
        seen(WIFI)
    );
    assert_eq!(
        offer(&eye, &frame, &told, Duration::from_secs(30)),
        seen(WIFI),
        "and again"
    );
    scanner.set(false);
    // One that was being looked at may still be told.
    let _ = told.recv_timeout(Duration::from_secs(2));
    assert_eq!(offer(&eye, &frame, &told, Duration::from_millis(500)), None);
    assert!(frame.get_mut().is_some(), "no frame is held");
    scanner.stop();
    eye.look(&frame, RAW);
}

#[test]
fn three_pictures_a_second_at_most_are_taken() {
    let (scanner, told) = scanner();
    let (eye, frame) = (scanner.eye(), shown());
    scanner.set(true);
    let begun = Instant::now();
    let mut taken = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        eye.look(&frame, RAW);
        taken += told.try_iter().count();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        (1..=10).contains(&taken),
        "{taken} in {:?}",
        begun.elapsed()
    );
    scanner.stop();
}

#[test]
fn frames_of_another_size_than_they_say_are_left() {
    let (scanner, told) = scanner();
    scanner.set(true);
    let eye = scanner.eye();
    let small = gst::Buffer::from_slice(vec![0_u8; 100]);
    assert_eq!(offer(&eye, &small, &told, Duration::from_millis(300)), None);
    assert_eq!(
        offer(&eye, &shown(), &told, Duration::from_secs(30)),
        seen(WIFI)
    );
    scanner.stop();
}
