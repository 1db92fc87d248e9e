//! The sound path.

use super::*;

#[test]
fn sound_keeps_its_exact_grid_with_a_source_and_without() {
    let (clock, tape, events) = (clock(), Tape::default(), Notes::default());
    let path = AudioPath::start(options(), &clock, tape.sink(), reporter(&events));
    tape.wait_len(10);
    path.open(&AudioInput::Test, faults(&Notes::default()))
        .unwrap();
    tape.wait_len(10 + 120);
    // −30 dBFS peak, so −33 RMS, between the beeps. Windows in which a loaded machine left a hole do not count.
    let heard = |events: &Notes<MediaEvent>, peak: f32| {
        events.all().iter().any(|e| {
            matches!(e, MediaEvent::Levels { channels, .. } if channels.len() == 2 && channels.iter().all(|l| {
                (l.peak_db - peak).abs() < 0.5 && (l.rms_db - (peak - 3.0)).abs() < 0.5
            }))
        })
    };
    assert!(heard(&events, -30.0), "{:?}", events.all());
    assert!(!heard(&events, -24.0));
    path.set_gain(6.0);
    tape.wait_len(tape.len() + 90);
    assert!(heard(&events, -24.0), "{:?}", events.all());
    path.set_mute(true);
    tape.wait_len(tape.len() + 10);
    let muted = tape.buffers().len() - 3;
    path.close();
    path.set_mute(false);
    tape.wait_len(tape.len() + 20);
    path.stop();
    let buffers = tape.buffers();
    for (n, buffer) in buffers.iter().enumerate() {
        assert_eq!(buffer.size(), BLOCK_FRAMES as usize * 4);
        let exact = pts(&buffers[0]) + n as u64 * 1024 * SECOND / 48_000;
        assert_eq!(pts(buffer), exact, "block {n}");
    }
    assert!(
        samples(&buffers[..5]).iter().all(|s| *s == 0.0),
        "silence before a source"
    );
    assert!(
        samples(&buffers[muted..muted + 2])
            .iter()
            .all(|s| *s == 0.0),
        "muted"
    );
    assert!(
        samples(&buffers[buffers.len() - 5..])
            .iter()
            .all(|s| *s == 0.0),
        "silence after the source"
    );
    let ups = events
        .all()
        .iter()
        .filter(|e| matches!(e, MediaEvent::MicUp { .. }))
        .count();
    assert_eq!(ups, 1);
}

#[test]
fn flash_and_beep_of_the_test_sources_are_in_step() {
    let (clock, frames, sound) = (clock(), Tape::default(), Tape::default());
    let path = AudioPath::start(options(), &clock, sound.sink(), reporter(&Notes::default()));
    path.open(&AudioInput::Test, faults(&Notes::default()))
        .unwrap();
    let (capture, _) = open(&test_picture("clock"), FORMAT, &clock, &frames);
    std::thread::sleep(Duration::from_millis(4500));
    capture.stop();
    path.stop();
    let lit = |b: &gst::Buffer| b.map_readable().unwrap()[(360 / 4) * 640 + 320] > 200;
    let flashes: Vec<_> = frames
        .buffers()
        .iter()
        .filter(|b| lit(b))
        .map(pts)
        .collect();
    assert!(
        flashes
            .iter()
            .all(|t| t % SECOND < FLASH_FRAMES * SECOND / 30)
    );
    let beeps = beeps(&sound.buffers(), 0.2);
    assert!(beeps.len() >= 3, "{beeps:?}");
    let mut matched = 0;
    for beep in beeps.iter().filter(|b| **b > SECOND / 2) {
        let near = flashes.iter().map(|f| f.abs_diff(*beep)).min().unwrap();
        // A frame can be left out on a loaded machine; a flash begins three times in three frames.
        if flashes
            .iter()
            .any(|f| f / SECOND == (beep + SECOND / 2) / SECOND && f % SECOND == 0)
        {
            assert!(near <= 10_000_000, "beep at {beep}, flash {near} ns off");
            matched += 1;
        }
    }
    assert!(matched >= 2, "{beeps:?} {flashes:?}");
}

/// ALSA's own `null` card gives silence as fast as it is read, far faster than real time: the worst clock there is.
#[test]
fn a_card_with_an_absurd_clock_harms_nothing() {
    let (clock, tape, events) = (clock(), Tape::default(), Notes::default());
    let path = AudioPath::start(options(), &clock, tape.sink(), reporter(&events));
    let card = AudioInput::Alsa {
        pcm: "null".to_owned(),
        description: "null card".to_owned(),
    };
    path.open(&card, faults(&Notes::default())).unwrap();
    tape.wait_len(100);
    let up = MediaEvent::MicUp {
        description: "null card".to_owned(),
    };
    assert!(events.all().contains(&up));
    let begin = Instant::now();
    path.stop();
    assert!(begin.elapsed() < Duration::from_secs(3));
    let buffers = tape.buffers();
    for (n, buffer) in buffers.iter().enumerate() {
        assert_eq!(
            pts(buffer),
            pts(&buffers[0]) + n as u64 * 1024 * SECOND / 48_000
        );
    }
}
