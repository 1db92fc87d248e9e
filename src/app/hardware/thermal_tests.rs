//! What is told when, and what a sensor that hangs costs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::*;
use crate::edge::thermal::{Supply, Throttled};
use crate::error::{Error, Kind};

/// Far more than anything here takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

fn look(celsius: f32, bits: u32) -> Look {
    Look {
        temperature: Ok(Some(Reading {
            celsius,
            sensor: "cpu-thermal".into(),
        })),
        supply: Some(Supply {
            throttled: Some(Throttled(bits)),
            low: None,
        }),
    }
}

fn told(looks: impl IntoIterator<Item = Look>) -> Vec<HardwareEvent> {
    let told = Mutex::new(Vec::new());
    let mut teller = Teller::new(|e| told.lock().unwrap().push(e));
    for look in looks {
        teller.seen(look);
    }
    drop(teller);
    told.into_inner().unwrap()
}

fn power(under_voltage: bool, throttled: bool, under_voltage_before: bool) -> HardwareEvent {
    HardwareEvent::Power(PowerState {
        under_voltage,
        throttled,
        under_voltage_before,
    })
}

#[test]
fn each_temperature_is_told_and_the_supply_when_it_changes() {
    let seen = told([look(50.0, 0), look(50.0, 0), look(51.0, 0x4), look(52.0, 0)]);
    assert_eq!(
        seen,
        [
            HardwareEvent::Temperature(50.0),
            power(false, false, false),
            HardwareEvent::Temperature(50.0),
            HardwareEvent::Temperature(51.0),
            power(false, true, false),
            HardwareEvent::Temperature(52.0),
            power(false, false, false),
        ]
    );
}

#[test]
fn a_weak_supply_is_remembered_though_the_kernel_forgets_it() {
    let seen = told([look(50.0, 0), look(50.0, 0x1_0001), look(50.0, 0)]);
    let supply: Vec<_> = seen
        .into_iter()
        .filter(|e| matches!(e, HardwareEvent::Power(_)))
        .collect();
    assert_eq!(
        supply,
        [
            power(false, false, false),
            power(true, false, true),
            power(false, false, true)
        ]
    );
}

#[test]
fn no_sensor_and_no_supply_tell_nothing() {
    let nothing = || Look {
        temperature: Ok(None),
        supply: None,
    };
    assert_eq!(told([nothing(), nothing()]), []);
    let broken = Look {
        temperature: Err(Error::new(Kind::NotFound, "It is gone.")),
        supply: None,
    };
    assert_eq!(told([look(50.0, 0), broken]).len(), 2);
}

#[test]
fn it_looks_again_and_again_and_ends_at_once() {
    let (tell, told) = channel();
    let thermal = Thermal::watch(
        Duration::from_millis(5),
        PATIENCE,
        || look(50.0, 0),
        move |e| drop(tell.send(e)),
    );
    let temperatures = || told.recv_timeout(PATIENCE).unwrap();
    let seen: Vec<_> = (0..4).map(|_| temperatures()).collect();
    assert_eq!(seen[1], power(false, false, false));
    assert_eq!(seen[3], HardwareEvent::Temperature(50.0));
    thermal.stop();
    // Both threads are gone, and with them the sender.
    while told.recv().is_ok() {}
}

#[test]
fn a_sensor_that_hangs_costs_one_thread_and_is_heard_when_it_comes_back() {
    let (release, hang) = channel::<()>();
    let looks = Arc::new(AtomicU32::new(0));
    let counted = looks.clone();
    let (tell, told) = channel();
    let thermal = Thermal::watch(
        Duration::from_millis(5),
        Duration::from_millis(10),
        move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = hang.recv();
            look(50.0, 0)
        },
        move |e| drop(tell.send(e)),
    );
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err());
    assert_eq!(looks.load(Ordering::Relaxed), 1, "it is not asked again");
    release.send(()).unwrap();
    let first = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first, HardwareEvent::Temperature(50.0));
    // It hangs again by now, or soon: the end does not wait for it.
    let begun = Instant::now();
    thermal.stop();
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    drop(release);
}
