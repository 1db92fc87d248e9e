use super::*;
use crate::device::event::PushFigures;
use crate::device::testing::Rig;

fn system(total: u64, idle: u64) -> SystemLook {
    SystemLook {
        load1: Some(0.5),
        cpu: Some(Cpu { total, idle }),
        ..SystemLook::default()
    }
}

/// A round at `now_s`.
fn told(
    now_s: f64,
    status: &Status,
    (total, idle): (u64, u64),
    (link, received): (&str, u64),
    before: &Before,
) -> (Round, Before) {
    let looks = Looks {
        now_s,
        at: None,
        status,
        system: &system(total, idle),
        net: &net(link, received),
        outbox_dropped: 0,
    };
    round(&looks, before)
}

fn net(link: &str, received: u64) -> NetLook {
    NetLook {
        link: Some(link.into()),
        traffic: Some(Traffic {
            received,
            sent: 2 * received,
        }),
        ..NetLook::default()
    }
}

#[test]
fn rates_are_against_the_round_before() {
    let mut status = Status::of(&Rig::up().state);
    status.flow = FlowStatus {
        main: 300,
        sub: 0,
        audio: 470,
    };
    let (one, before) = told(
        10.0,
        &status,
        (1000, 900),
        ("eth0", 1000),
        &Before::default(),
    );
    assert_eq!((one.stream.fps.main, one.stream.fps.audio), (30.0, 47.0));
    assert_eq!((one.sys.cpu_percent, one.net.rx_bytes_per_s), (None, None));

    let mut later = status.clone();
    later.flow.main = 455;
    later.destinations[0].figures = PushFigures {
        backlog_ms: 40,
        bps: 2_000_000,
        refused: 3,
        sessions: 1,
    };
    let (two, _) = told(20.0, &later, (2000, 1650), ("eth0", 11_000), &before);
    assert_eq!(two.stream.fps.main, 15.5);
    assert_eq!(two.sys.cpu_percent, Some(25.0));
    assert_eq!(
        (two.net.rx_bytes_per_s, two.net.tx_bytes_per_s),
        (Some(1000), Some(2000))
    );
    let name = later.destinations[0].name.to_string();
    let push = &two.stream.destinations[&name];
    assert_eq!(
        (push.bps, push.backlog_ms, push.refused),
        (2_000_000, 40, 3)
    );
    // Another link, a counter that began anew, no time between: no nonsense.
    let (other, _) = told(10.0, &status, (1, 1), ("wlan0", 1), &before);
    assert_eq!(
        (other.net.rx_bytes_per_s, other.sys.cpu_percent),
        (None, None)
    );
    assert_eq!(other.stream.fps.main, 0.0);
}
