//! Which names are tried: the wanted ones, then with a number (RFC 6762, section 9).

use std::time::Duration;

use super::Offer;

/// The longest label of DNS (RFC 1035, section 2.3.4), less what a number takes.
const LABEL: usize = 63 - 7;
/// So many names are tried at once; then slower, as section 8.1 has it for a network full of them.
const QUICK: u32 = 15;
const SLOW: Duration = Duration::from_secs(5);

/// The names that are tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    wanted: (String, String),
    host: u32,
    instance: u32,
}

impl Names {
    /// The wanted ones.
    pub fn of(offer: &Offer) -> Self {
        Self {
            wanted: (host_label(&offer.host), instance_label(&offer.instance)),
            host: 1,
            instance: 1,
        }
    }

    /// Numbers stay for as long as the wanted names do.
    pub fn follow(&mut self, offer: &Offer) {
        let new = Self::of(offer);
        if new.wanted.0 != self.wanted.0 {
            self.host = 1;
        }
        if new.wanted.1 != self.wanted.1 {
            self.instance = 1;
        }
        self.wanted = new.wanted;
    }

    /// Somebody else has `taken`, a name of DNS with all its labels: the next one; how long to wait before it is tried.
    pub fn after(&mut self, taken: &str) -> Duration {
        let host = format!("{}.local.", self.host());
        let number = if taken.eq_ignore_ascii_case(&host) {
            &mut self.host
        } else {
            &mut self.instance
        };
        *number = number.saturating_add(1);
        if *number > QUICK {
            SLOW
        } else {
            Duration::ZERO
        }
    }

    /// Without `.local`.
    pub fn host(&self) -> String {
        match self.host {
            1 => self.wanted.0.clone(),
            n => format!("{}-{n}", self.wanted.0),
        }
    }

    /// As people see it.
    pub fn instance(&self) -> String {
        match self.instance {
            1 => self.wanted.1.clone(),
            n => format!("{} ({n})", self.wanted.1),
        }
    }
}

/// The name of the host of a box whose network card's address ends in `hardware` (six hexadecimal digits): `boothcast-` and the
/// last four of them, as its access point is named.
#[must_use]
pub fn host_of(hardware: Option<&str>) -> String {
    let end = hardware.and_then(|h| h.get(h.len().checked_sub(4)?..));
    end.map_or_else(|| "boothcast".to_owned(), |end| format!("boothcast-{end}"))
}

/// Letters, digits and hyphens between them.
fn host_label(wanted: &str) -> String {
    let plain: String = wanted
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(LABEL)
        .collect();
    match plain.trim_matches('-') {
        "" => "boothcast".into(),
        label => label.into(),
    }
}

/// Any text (RFC 6763, section 4.1.1), cut between letters where it is too long.
fn instance_label(wanted: &str) -> String {
    let clean: String = wanted.chars().filter(|c| !c.is_control()).collect();
    let mut end = clean.len().min(LABEL);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    match clean[..end].trim() {
        "" => "Boothcast".into(),
        label => label.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(host: &str, instance: &str) -> Offer {
        Offer {
            host: host.into(),
            instance: instance.into(),
            services: Vec::new(),
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_and_the_other_one_stays() {
        let mut names = Names::of(&offer("boothcast-0102", "Kasse 3"));
        assert_eq!(names.after("BOOTHCAST-0102.local."), Duration::ZERO);
        assert_eq!(
            (names.host(), names.instance()),
            ("boothcast-0102-2".into(), "Kasse 3".into())
        );
        names.after("boothcast-0102-2.local.");
        names.after("Kasse 3._rtsp._tcp.local.");
        assert_eq!(
            (names.host(), names.instance()),
            ("boothcast-0102-3".into(), "Kasse 3 (2)".into())
        );
        names.follow(&offer("boothcast-0102", "Kasse 4"));
        assert_eq!(
            (names.host(), names.instance()),
            ("boothcast-0102-3".into(), "Kasse 4".into())
        );
        // On a network full of them it slows down.
        let waits = (0..20)
            .map(|_| names.after("Kasse 4._rtsp._tcp.local."))
            .filter(|w| *w == SLOW);
        assert_eq!(waits.count(), 6);
    }

    #[test]
    fn labels_are_ones_that_dns_can_carry() {
        for (wanted, label) in [
            ("boothcast-3f2a", "boothcast-3f2a"),
            ("Halle.2 ", "halle-2"),
            ("会场", "boothcast"),
            ("", "boothcast"),
        ] {
            assert_eq!(host_label(wanted), label);
        }
        for name in [
            "会场".repeat(40),
            "ä".repeat(64),
            "👩‍🎤".repeat(20),
            " x".into(),
        ] {
            let mut names = Names::of(&offer(&name, &name));
            names.instance = 9999;
            names.host = 9999;
            assert!(
                names.instance().len() <= 63 && names.host().len() <= 63,
                "{name}"
            );
            assert!(name.contains(names.instance().split(" (").next().unwrap()));
        }
        assert_eq!(instance_label("\u{7}"), "Boothcast");
        assert_eq!(host_of(Some("a1b2c3")), "boothcast-b2c3");
        assert_eq!(host_of(Some("c3")), "boothcast");
        assert_eq!(host_of(None), "boothcast");
    }
}
