//! A made-up sysfs, and every bit of the firmware's word.

use std::fs;

use super::*;

struct Sysfs(tempfile::TempDir);

impl Sysfs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn zone(&self, n: u32, name: &str, temp: &str) -> PathBuf {
        self.put(
            &format!("class/thermal/thermal_zone{n}/type"),
            &format!("{name}\n"),
        );
        self.put(
            &format!("class/thermal/thermal_zone{n}/temp"),
            &format!("{temp}\n"),
        )
    }

    fn places(&self) -> Places {
        Places {
            sysfs: self.0.path().to_owned(),
            wanted: None,
            usual: None,
        }
    }

    fn temperature(&self) -> Option<(f32, String)> {
        let reading = temperature(&self.places()).unwrap()?;
        Some((reading.celsius, reading.sensor))
    }
}

#[test]
fn thousandths_become_degrees_and_nonsense_is_refused() {
    for (text, degrees) in [
        ("48312\n", 48.312),
        ("0", 0.0),
        ("-40000", -40.0),
        ("150000", 150.0),
        (" 80000 ", 80.0),
    ] {
        assert!((celsius(text).unwrap() - degrees).abs() < 1e-4, "{text}");
    }
    for text in [
        "",
        "hot",
        "48.3",
        "-40001",
        "150001",
        "-274000",
        "0x10",
        "1 2",
        "99999999999999999999999",
    ] {
        assert!(celsius(text).is_err(), "{text}");
    }
}

#[test]
fn every_bit_of_the_firmware_s_word_means_one_thing() {
    for bit in 0..32 {
        let word = Throttled::parse(&format!("{:x}\n", 1_u32 << bit)).unwrap();
        let seen = (
            word.under_voltage(),
            word.slowed(),
            word.under_voltage_before(),
            word.slowed_before(),
        );
        let meant = match bit {
            0 => (true, false, false, false),
            1..=3 => (false, true, false, false),
            16 => (false, false, true, false),
            17..=19 => (false, false, false, true),
            _ => (false, false, false, false),
        };
        assert_eq!(seen, meant, "bit {bit}");
        let known = matches!(bit, 0..=3 | 16..=19);
        assert_eq!(word.0, if known { 1 << bit } else { 0 }, "bit {bit}");
    }
    assert_eq!(Throttled::parse("0x50005\n"), Some(Throttled(0x5_0005)));
    assert_eq!(Throttled::parse("0"), Some(Throttled(0)));
    assert_eq!(Throttled::parse("F000F"), Some(Throttled(0xf_000f)));
    for text in ["", "0x", "throttled=0x0", "+5", "-1", "1ffffffff", "5 0"] {
        assert_eq!(Throttled::parse(text), None, "{text}");
    }
}

#[test]
fn the_hottest_of_the_processor_s_zones_counts() {
    let sysfs = Sysfs::new();
    assert_eq!(sysfs.temperature(), None, "no sensor, nothing said");
    sysfs.zone(0, "iwlwifi_1", "70000");
    sysfs.zone(1, "BAT0", "90000");
    sysfs.zone(2, "gpu-thermal", "95000");
    assert_eq!(sysfs.temperature(), None, "none of these is the processor");
    sysfs.zone(3, "acpitz", "30000");
    assert_eq!(sysfs.temperature(), Some((30.0, "acpitz".into())));
    sysfs.zone(4, "cpu0-thermal", "41000");
    sysfs.zone(5, "cpu1-thermal", "42500");
    assert_eq!(sysfs.temperature(), Some((42.5, "cpu1-thermal".into())));
    sysfs.zone(5, "cpu1-thermal", "900000");
    let seen = sysfs.temperature();
    assert_eq!(seen, Some((41.0, "cpu0-thermal".into())), "a broken one");
    let names: Vec<String> = zones(sysfs.0.path()).into_iter().map(|z| z.name).collect();
    assert_eq!(
        names,
        ["gpu-thermal", "BAT0", "iwlwifi_1", "cpu0-thermal", "acpitz"]
    );
}

#[test]
fn names_of_real_zones_are_told_apart() {
    for name in [
        "cpu-thermal",
        "cpu_thermal",
        "soc-thermal",
        "x86_pkg_temp",
        "bigcore0-thermal",
        "CPU-therm",
        "B0D4 cpu",
    ] {
        assert_eq!(likeness(name), 2, "{name}");
    }
    for name in [
        "gpu-thermal",
        "test_battery",
        "iwlwifi_1",
        "ddr_thermal",
        "npu-thermal",
        "INT3400 Thermal",
        "",
    ] {
        assert_eq!(likeness(name), 0, "{name}");
    }
}

#[test]
fn the_board_s_sensor_comes_first_and_others_stand_in_for_it() {
    let sysfs = Sysfs::new();
    let usual = sysfs.zone(0, "cpu-thermal", "50000");
    sysfs.zone(1, "cpu-other", "60000");
    let mut places = sysfs.places();
    places.usual = Some(usual.clone());
    let read = |places: &Places| temperature(places).unwrap().map(|r| r.sensor);
    assert_eq!(read(&places).as_deref(), Some("cpu-thermal"));
    fs::write(&usual, "nonsense").unwrap();
    assert_eq!(read(&places).as_deref(), Some("cpu-other"));
    fs::remove_dir_all(sysfs.0.path().join("class/thermal/thermal_zone1")).unwrap();
    let e = temperature(&places).unwrap_err();
    assert_eq!(e.kind(), Kind::Unsupported);
    assert!(e.report().contains("thermal_zone0/temp gives no whole"));
    fs::remove_file(&usual).unwrap();
    assert_eq!(read(&places), None, "an emulated board without a sensor");
}

#[test]
fn the_configured_sensor_is_the_only_one_asked() {
    let sysfs = Sysfs::new();
    sysfs.zone(0, "cpu-thermal", "50000");
    let battery = sysfs.zone(1, "test_battery", "81000");
    let mut places = sysfs.places();
    places.wanted = Some(battery.clone());
    let seen = temperature(&places).unwrap().unwrap();
    assert_eq!((seen.celsius, &*seen.sensor), (81.0, "test_battery"));
    fs::remove_file(&battery).unwrap();
    let e = temperature(&places).unwrap_err();
    assert_eq!(e.kind(), Kind::NotFound);
    assert!(e.report().contains("thermal.sensor"), "{}", e.report());
    // A plain file without a name beside it is called by its path.
    places.wanted = Some(sysfs.put("elsewhere/probe", "20000"));
    let seen = temperature(&places).unwrap().unwrap();
    assert!(seen.sensor.ends_with("elsewhere/probe"));
}

#[test]
fn nothing_endless_or_silent_is_waited_for() {
    let sysfs = Sysfs::new();
    let mut places = sysfs.places();
    places.wanted = Some("/dev/zero".into());
    assert!(look_in_time(&places).unwrap().temperature.is_err());
    let pipe = sysfs.0.path().join("pipe");
    let c_path = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: the path ends in NUL and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) }, 0);
    places.wanted = Some(pipe);
    assert!(look_in_time(&places).unwrap().temperature.is_err());
    places.wanted = Some(sysfs.0.path().to_owned());
    assert!(look_in_time(&places).unwrap().temperature.is_err());
}

#[test]
fn the_supply_is_found_where_each_kernel_shows_it() {
    let nothing = Sysfs::new();
    assert_eq!(supply(nothing.0.path()), None);
    // A Pi 5's firmware device has another path; its driver's folder leads to it, as a link.
    for device in [
        "devices/platform/soc/soc:firmware",
        "devices/platform/soc@107c000000/soc@107c000000:firmware",
    ] {
        let sysfs = Sysfs::new();
        sysfs.put(&format!("{device}/get_throttled"), "50005\n");
        let driver = sysfs
            .0
            .path()
            .join("bus/platform/drivers/raspberrypi-firmware");
        fs::create_dir_all(&driver).unwrap();
        fs::write(driver.join("bind"), "").unwrap();
        let link = driver.join("firmware");
        std::os::unix::fs::symlink(sysfs.0.path().join(device), link).unwrap();
        let seen = supply(sysfs.0.path()).unwrap();
        assert_eq!(seen.throttled, Some(Throttled(0x5_0005)));
        assert_eq!(
            seen.power(),
            PowerState {
                under_voltage: true,
                throttled: true,
                under_voltage_before: true
            }
        );
    }
    let plain = Sysfs::new();
    plain.put("devices/platform/soc/soc:firmware/get_throttled", "0\n");
    let seen = supply(plain.0.path()).unwrap();
    assert_eq!(seen.power(), PowerState::default());
}

#[test]
fn the_supply_s_alarm_alone_says_low_voltage() {
    let sysfs = Sysfs::new();
    sysfs.put("class/hwmon/hwmon0/name", "cpu_thermal\n");
    sysfs.put("class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
    assert_eq!(supply(sysfs.0.path()), None, "another chip's alarm");
    sysfs.put("class/hwmon/hwmon1/name", "rpi_volt\n");
    for (text, low) in [("0\n", Some(false)), ("1\n", Some(true)), ("?\n", None)] {
        sysfs.put("class/hwmon/hwmon1/in0_lcrit_alarm", text);
        let seen = supply(sysfs.0.path());
        assert_eq!(seen.and_then(|s| s.low), low, "{text}");
        let power = seen.map(Supply::power).unwrap_or_default();
        assert_eq!(power.under_voltage, low == Some(true));
        assert!(!power.throttled);
    }
}
