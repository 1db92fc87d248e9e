//! Tests of the controller over simulated links.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const STEP: Duration = Duration::from_millis(50);
/// Simulations begin here, so that there can be older media.
const START: Duration = Duration::from_secs(10);
const GOP: Duration = Duration::from_secs(2);

/// A link with a queue in front, fed by an encoder that obeys after 300 ms; beyond 5 s the queue refuses until the next
/// keyframe, as the fan-out does.
struct Link {
    name: &'static str,
    queue: VecDeque<(Duration, f64)>,
    delivered: VecDeque<(Duration, f64)>,
    refusing: bool,
}

impl Link {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            queue: VecDeque::new(),
            delivered: VecDeque::new(),
            refusing: false,
        }
    }

    fn run(&mut self, now: Duration, media_bps: f64, link_bps: f64) {
        let keyframe = now.as_millis().is_multiple_of(GOP.as_millis());
        if keyframe {
            self.refusing = false;
        }
        // As the fan-out: a unit is refused that would make the span too long.
        let oldest = self.queue.front().map_or(now, |(at, _)| *at);
        if now - oldest > Duration::from_secs(5) {
            self.refusing = true;
        }
        if !self.refusing {
            self.queue.push_back((now, media_bps * STEP.as_secs_f64()));
        }
        let mut room = link_bps * STEP.as_secs_f64();
        let mut sent = 0.0;
        while let Some((_, bits)) = self.queue.front_mut() {
            let take = room.min(*bits);
            *bits -= take;
            room -= take;
            sent += take;
            if *bits > 0.0 {
                break;
            }
            self.queue.pop_front();
        }
        self.delivered.push_back((now, sent));
        while self
            .delivered
            .front()
            .is_some_and(|(at, _)| *at + Duration::from_secs(1) <= now)
        {
            self.delivered.pop_front();
        }
    }

    /// Newest minus oldest, as the fan-out counts.
    fn span(&self) -> Duration {
        match (self.queue.front(), self.queue.back()) {
            (Some((first, _)), Some((last, _))) => *last - *first,
            _ => Duration::ZERO,
        }
    }

    fn sample(&self) -> Sample {
        Sample {
            backlog_ms: u32::try_from(self.span().as_millis()).unwrap(),
            backlog_bytes: (self.queue.iter().map(|(_, b)| b).sum::<f64>() / 8.0) as u64,
            delivered_bps: self.delivered.iter().map(|(_, b)| b).sum::<f64>() as u32,
        }
    }
}

/// Runs links for `seconds`; calls `see` with time in seconds, advice and the first link's backlog in ms.
fn simulate(
    controller: &mut Controller,
    links: &mut [Link],
    seconds: u64,
    rate: impl Fn(&str, f64) -> f64,
    mut see: impl FnMut(f64, u32, u32),
) {
    let mut encoder: VecDeque<u32> = [controller.advised(); 6].into();
    let mut now = START;
    while now < START + Duration::from_secs(seconds) {
        let t = (now - START).as_secs_f64();
        encoder.push_back(controller.advised());
        let media = f64::from(encoder.pop_front().unwrap());
        for link in links.iter_mut() {
            link.run(now, media, rate(link.name, t));
        }
        if now.as_millis().is_multiple_of(250) {
            for link in links.iter() {
                controller.sample(link.name, now, link.sample());
            }
        }
        see(t, controller.advised(), links[0].sample().backlog_ms);
        now += STEP;
    }
}

#[test]
fn a_link_that_drops_and_recovers_is_followed() {
    let wanted = 4_500_000;
    let mut c = Controller::new(wanted, 300_000);
    c.enrol("a", None);
    let rate = |_: &str, t: f64| if (20.0..80.0).contains(&t) { 1e6 } else { 5e6 };
    let (mut stepped, mut recovered, mut worst_late) = (None, None, 0);
    let (mut sum, mut n) = (0.0, 0.0);
    simulate(
        &mut c,
        &mut [Link::new("a")],
        150,
        rate,
        |t, advised, backlog| {
            if t < 20.0 {
                assert_eq!(advised, wanted, "at {t}");
            }
            if stepped.is_none() && advised <= 1_000_000 {
                stepped = Some(t);
            }
            assert!(backlog <= 5_100, "at {t}: {backlog} ms");
            if (40.0..80.0).contains(&t) {
                worst_late = worst_late.max(backlog);
                sum += f64::from(advised);
                n += 1.0;
            }
            if t > 80.0 && recovered.is_none() && f64::from(advised) >= 0.8 * f64::from(wanted) {
                recovered = Some(t);
            }
            if let Some(at) = recovered
                && t > at
            {
                assert!(
                    f64::from(advised) >= 0.8 * f64::from(wanted),
                    "fell back at {t}"
                );
            }
        },
    );
    assert!(stepped.unwrap() <= 25.0, "stepped down at {stepped:?}");
    assert!(recovered.unwrap() <= 140.0, "recovered at {recovered:?}");
    assert!(worst_late <= 2_000, "settled backlog of {worst_late} ms");
    let mean = sum / n;
    assert!(
        (500_000.0..=1_000_000.0).contains(&mean),
        "uses {mean} of 1 Mbit/s"
    );
}

#[test]
fn failed_climbs_become_rarer() {
    let mut c = Controller::new(4_000_000, 300_000);
    c.enrol("a", None);
    let (mut steps, mut before) = (Vec::new(), 4_000_000);
    simulate(
        &mut c,
        &mut [Link::new("a")],
        300,
        |_, _| 1e6,
        |t, advised, _| {
            if f64::from(advised) < 0.8 * f64::from(before) {
                steps.push(t);
            }
            before = advised;
        },
    );
    let late = steps.iter().filter(|t| **t > 120.0).count();
    assert!(
        late <= 9,
        "{late} steps down in the last three minutes: {steps:?}"
    );
    assert!(!steps.is_empty());
}

#[test]
fn the_slowest_live_destination_rules_and_its_vote_goes_with_it() {
    let mut c = Controller::new(4_000_000, 300_000);
    c.enrol("fast", None);
    c.enrol("slow", None);
    let rate = |name: &str, _: f64| if name == "slow" { 2e6 } else { 10e6 };
    let mut links = [Link::new("slow"), Link::new("fast")];
    let mut stepped = None;
    simulate(&mut c, &mut links, 12, rate, |t, advised, _| {
        if advised < 2_000_000 {
            stepped.get_or_insert(t);
        }
    });
    assert!(
        stepped.is_some_and(|t| t <= 5.0),
        "stepped down at {stepped:?}"
    );
    assert!(c.advised() <= 2_000_000);
    assert_eq!(c.leave("slow"), Some(4_000_000));
    assert_eq!(c.advised(), 4_000_000);
}

#[test]
fn a_peer_that_takes_nothing_does_not_hurt_the_others() {
    let mut c = Controller::new(4_000_000, 300_000);
    c.enrol("stalled", None);
    c.enrol("fast", None);
    let rate = |name: &str, t: f64| {
        if name == "stalled" && t >= 5.0 {
            0.0
        } else {
            10e6
        }
    };
    let mut links = [Link::new("stalled"), Link::new("fast")];
    simulate(&mut c, &mut links, 20, rate, |t, advised, _| {
        assert_eq!(advised, 4_000_000, "at {t}");
    });
}

#[test]
fn ceilings_hold_from_the_start_and_below_the_floor() {
    let mut c = Controller::new(4_000_000, 500_000);
    assert_eq!(c.enrol("a", Some(3_000_000)), Some(3_000_000));
    assert_eq!(c.enrol("b", Some(400_000)), Some(400_000));
    assert_eq!(c.retire("b"), Some(3_000_000));
    assert_eq!(c.leave("a"), None);
    assert_eq!(c.retire("a"), Some(4_000_000));
    assert_eq!(c.set_wanted(2_000_000, 500_000), Some(2_000_000));

    let mut off = Controller::new(4_000_000, 4_000_000);
    off.enrol("a", Some(3_000_000));
    simulate(
        &mut off,
        &mut [Link::new("a")],
        30,
        |_, _| 1e6,
        |_, advised, _| {
            assert_eq!(advised, 3_000_000);
        },
    );
}

#[test]
fn a_burst_at_the_start_that_drains_is_no_congestion() {
    let mut c = Controller::new(4_000_000, 300_000);
    c.enrol("a", None);
    let mut link = Link::new("a");
    for ms in 0..40u64 {
        link.queue
            .push_back((Duration::from_millis(8_000 + ms * 50), 200_000.0));
    }
    simulate(
        &mut c,
        &mut [link],
        20,
        |_, _| 8e6,
        |t, advised, _| {
            assert_eq!(advised, 4_000_000, "at {t}");
        },
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn on_any_link_the_advice_stays_within_bounds(
        rates in proptest::collection::vec(0.0f64..8e6, 1..12),
        floor in 100_000u32..1_000_000, above in 0u32..5_000_000, ceiling in proptest::option::of(200_000u32..6_000_000),
    ) {
        let wanted = floor + above;
        let mut c = Controller::new(wanted, floor);
        c.enrol("a", ceiling);
        c.enrol("b", None);
        let cap = ceiling.map_or(wanted, |x| x.min(wanted));
        let rate = |name: &str, t: f64| {
            let at = (t / 5.0) as usize + usize::from(name == "b");
            rates[at % rates.len()]
        };
        let mut links = [Link::new("a"), Link::new("b")];
        simulate(&mut c, &mut links, 60, rate, |t, advised, _| {
            assert!(advised >= floor.min(cap) && advised <= cap, "{advised} at {t}");
        });
    }
}
