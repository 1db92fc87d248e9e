use super::*;

const RATE: u32 = 48_000;

/// A sine of `hz` captured from `begin` s on by a card `ppm` off, in 10 ms blocks.
struct Card {
    begin: f64,
    true_rate: f64,
    hz: f64,
    jitter: f64,
    sent: u64,
    noise: u64,
}

impl Card {
    fn new(begin: f64, ppm: f64, hz: f64) -> Self {
        Self {
            begin,
            true_rate: f64::from(RATE) * (1.0 + ppm * 1e-6),
            hz,
            jitter: 0.0,
            sent: 0,
            noise: 7,
        }
    }

    fn time(&self, n: u64) -> f64 {
        self.begin + n as f64 / self.true_rate
    }

    /// Sends what was captured until `t`.
    fn send(&mut self, feeds: &mut Feeds, t: f64) {
        while self.time(self.sent + 480) <= t {
            let samples: Vec<f32> = (self.sent..self.sent + 480)
                .map(|n| wave(self.hz, self.time(n)))
                .collect();
            self.noise = self
                .noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            let jitter =
                ((self.noise >> 33) as f64 / (1_u64 << 31) as f64 - 0.5) * 2.0 * self.jitter;
            feeds.push(&Block {
                at: ((self.time(self.sent) + jitter) * 1e9) as u64,
                rate: RATE,
                samples: &samples,
                marked: false,
            });
            self.sent += 480;
        }
    }
}

fn wave(hz: f64, t: f64) -> f32 {
    (0.5 * (std::f64::consts::TAU * hz * t).sin()) as f32
}

/// Output of `blocks` blocks from `from` s on; `before` runs before each, with the time up to which sources have sent.
fn play(
    feeds: &mut Feeds,
    from: f64,
    blocks: u32,
    mut before: impl FnMut(&mut Feeds, f64),
) -> Vec<f32> {
    let mut out = Vec::new();
    for n in 0..blocks {
        let t = from + f64::from(n) * 1024.0 / f64::from(RATE);
        before(feeds, t + 0.08);
        let mut block = [[0.0; CHANNELS]; 1024];
        feeds.fill(t * 1e9, &mut block);
        out.extend(block.iter().map(|f| f[0]));
    }
    out
}

/// Largest step between neighbours: a click shows as a step that the sine does not have.
fn roughest(samples: &[f32]) -> f32 {
    samples
        .windows(2)
        .map(|w| (w[1] - w[0]).abs())
        .fold(0.0, f32::max)
}

/// Lag of `samples` (from time `from` on) behind a sine of `hz`, in s, by correlation.
fn lag(samples: &[f32], from: f64, hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, s) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hz * (from + n as f64 / f64::from(RATE));
        re += f64::from(*s) * phase.sin();
        im += f64::from(*s) * phase.cos();
    }
    -im.atan2(re) / (std::f64::consts::TAU * hz)
}

#[test]
fn a_skewed_card_comes_out_in_time_and_in_tune() {
    for ppm in [200.0, -200.0] {
        let mut feeds = Feeds::new(RATE, 1, 0);
        let mut card = Card::new(2.0, ppm, 40.0);
        card.jitter = 5e-3;
        let out = play(&mut feeds, 2.0, 47 * 40, |feeds, t| card.send(feeds, t));
        for second in [5, 20, 38] {
            let part = &out[second * 48_000..(second + 1) * 48_000];
            let off = lag(part, 2.0 + second as f64, 40.0);
            assert!(
                off.abs() < 3e-3,
                "{ppm} ppm, second {second}: {} ms off",
                off * 1e3
            );
        }
        assert!(roughest(&out[48_000..]) < 0.004, "clicks");
        assert!(
            (f64::from(feeds.ppm().unwrap()) - ppm).abs() < 60.0,
            "{:?}",
            feeds.ppm()
        );
    }
}

#[test]
fn without_a_source_there_is_silence_and_edges_are_faded() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    let mut card = Card::new(3.0, 0.0, 440.0);
    let out = play(&mut feeds, 2.0, 47 * 4, |feeds, t| {
        if t < 4.5 {
            card.send(feeds, t);
        } else {
            feeds.close();
        }
    });
    let at = |s: f64| ((s - 2.0) * 48_000.0) as usize;
    assert!(out[..at(2.999)].iter().all(|s| *s == 0.0));
    assert!(out[at(3.1)..at(4.4)].iter().any(|s| *s > 0.49));
    assert!(out[at(4.6)..].iter().all(|s| *s == 0.0));
    assert!(roughest(&out) < 0.04, "{}", roughest(&out));
}

#[test]
fn a_gap_is_silent_in_its_place_and_the_rest_is_in_time() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    let mut card = Card::new(2.0, 0.0, 50.0);
    let mut lost = false;
    let out = play(&mut feeds, 2.0, 47 * 4, |feeds, t| {
        if t > 3.5 && !lost {
            lost = true;
            // 300 ms are lost: the index goes on, the time jumps, and the card does not say so.
            card.begin += 0.3;
            card.hz = 50.0;
        }
        card.send(feeds, t);
    });
    let at = |s: f64| ((s - 2.0) * 48_000.0) as usize;
    let before = lag(&out[at(2.5)..at(3.3)], 2.5, 50.0);
    let after = lag(&out[at(4.5)..at(5.5)], 4.5, 50.0);
    assert!(
        before.abs() < 1e-3 && after.abs() < 1e-3,
        "{before} {after}"
    );
    assert!(
        out[at(3.6)..at(3.75)].iter().all(|s| s.abs() < 1e-6),
        "no silence in the gap"
    );
    assert!(roughest(&out) < 0.02, "{}", roughest(&out));
}

#[test]
fn a_lasting_step_of_60_ms_is_in_time_again_within_a_second() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    let mut card = Card::new(2.0, 100.0, 10.0);
    let mut stepped = false;
    let out = play(&mut feeds, 2.0, 47 * 6, |feeds, t| {
        if t > 5.0 && !stepped {
            stepped = true;
            card.begin += 0.06;
        }
        card.send(feeds, t);
    });
    let at = |s: f64| ((s - 2.0) * 48_000.0) as usize;
    let off = lag(&out[at(6.0)..at(7.9)], 6.0, 10.0);
    assert!(off.abs() < 5e-3, "{off}");
    assert!(roughest(&out) < 0.02, "{}", roughest(&out));
}

#[test]
fn opening_again_goes_on_after_the_rest_of_the_old_source() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    let (mut old, mut new) = (Card::new(2.0, 100.0, 50.0), Card::new(4.0, 0.0, 50.0));
    let out = play(&mut feeds, 2.0, 47 * 5, |feeds, t| {
        if t < 3.9 {
            old.send(feeds, t);
        } else if new.sent == 0 && old.sent > 0 {
            feeds.close();
        }
        if t > 4.0 {
            new.send(feeds, t);
        }
    });
    let at = |s: f64| ((s - 2.0) * 48_000.0) as usize;
    assert!(out[at(3.7)..at(3.8)].iter().any(|s| *s > 0.4));
    assert!(lag(&out[at(4.2)..at(6.0)], 4.2, 50.0).abs() < 1e-3);
    assert!(roughest(&out) < 0.02);
}

#[test]
fn a_delay_moves_the_sound_by_just_that_much() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    let mut card = Card::new(2.0, 0.0, 5.0);
    let mut turned = false;
    let out = play(&mut feeds, 2.0, 47 * 6, |feeds, t| {
        if t > 5.0 && !turned {
            turned = true;
            feeds.set_delay(50_000_000);
        }
        card.send(feeds, t);
    });
    let at = |s: f64| ((s - 2.0) * 48_000.0) as usize;
    assert!(lag(&out[at(3.0)..at(4.0)], 3.0, 5.0).abs() < 1e-3);
    let late = lag(&out[at(6.0)..at(7.0)], 6.0, 5.0);
    assert!((late - 0.05).abs() < 1e-3, "{late}");
    assert!(roughest(&out) < 0.02);
}

#[test]
fn two_channels_of_another_rate_keep_apart() {
    let mut feeds = Feeds::new(RATE, 2, 0);
    let mut sent = 0_u64;
    let mut left_right = Vec::new();
    for n in 0..94_u64 {
        let t = 1.0 + n as f64 * 1024.0 / 48_000.0;
        while 1.0 + sent as f64 / 16_000.0 < t + 0.08 {
            let samples: Vec<f32> = (sent..sent + 160)
                .flat_map(|i| [wave(300.0, i as f64 / 16_000.0), 0.25])
                .collect();
            let at = 1_000_000_000 + sent * 62_500;
            feeds.push(&Block {
                at,
                rate: 16_000,
                samples: &samples,
                marked: false,
            });
            sent += 160;
        }
        let mut block = [[0.0; CHANNELS]; 1024];
        feeds.fill(t * 1e9, &mut block);
        left_right.extend(block);
    }
    for (n, frame) in left_right.iter().enumerate().skip(4800) {
        assert!((frame[1] - 0.25).abs() < 1e-3, "{frame:?}");
        assert!(
            (frame[0] - wave(300.0, n as f64 / 48_000.0)).abs() < 0.02,
            "{n}: {frame:?}"
        );
    }
}

#[test]
fn a_source_that_jumps_all_the_time_is_bounded() {
    let mut feeds = Feeds::new(RATE, 1, 0);
    for n in 0..500_u64 {
        feeds.push(&Block {
            at: n * 1_000_000_000,
            rate: RATE,
            samples: &[0.1; 480],
            marked: true,
        });
        assert!(feeds.feeds.len() <= FEEDS);
    }
    for _ in 0..1000 {
        feeds.push(&Block {
            at: 0,
            rate: RATE,
            samples: &[0.1; 4800],
            marked: false,
        });
        let held: usize = feeds.feeds.iter().map(|f| f.samples.len()).sum();
        assert!(held < FEEDS * 7 * 48_000, "{held}");
    }
}
