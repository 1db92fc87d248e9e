use super::super::item::AlertKind;
use super::*;

const S: Duration = Duration::from_secs(1);

fn alert(kind: AlertKind, who: &str) -> Alert {
    Alert {
        kind,
        who: who.into(),
        what: None,
        amount: None,
        count: 1,
        combo: None,
        platform: None,
        colour: None,
    }
}

fn gift(who: &str, count: u32) -> Alert {
    Alert {
        count,
        combo: Some("rose".into()),
        ..alert(AlertKind::Gift, who)
    }
}

/// Who is told to be shown at each whole second, as long as something changes.
fn told(alerts: &mut Alerts, from: u32, to: u32) -> Vec<(u32, Option<(String, u32)>)> {
    let mut out = Vec::new();
    for s in from..to {
        if let Some(Output::Alert(shown)) = alerts.turn(S * s).output {
            out.push((s, shown.map(|(_, a)| (a.who, a.count))));
        }
    }
    out
}

#[test]
fn one_at_a_time_by_kind_and_shorter_while_others_wait() {
    let mut alerts = Alerts::default();
    for (n, (kind, who)) in [
        (AlertKind::Chat, "chat"),
        (AlertKind::Follow, "follow"),
        (AlertKind::Order, "order 1"),
        (AlertKind::Gift, "gift"),
        (AlertKind::Order, "order 2"),
    ]
    .into_iter()
    .enumerate()
    {
        alerts.add(ItemId(n as u64), alert(kind, who), Duration::ZERO);
    }
    let shown = |who: &str| Some((who.to_owned(), 1));
    assert_eq!(
        told(&mut alerts, 0, 30),
        [
            (0, shown("order 1")),
            (3, shown("order 2")),
            (6, shown("gift")),
            (9, shown("follow")),
            (12, shown("chat")),
            (18, None),
        ]
    );
    assert_eq!(alerts.next(), None);
}

#[test]
fn a_combo_shows_the_highest_count_and_stays_for_15_s_at_most() {
    let mut alerts = Alerts::default();
    alerts.add(ItemId(1), gift("anna", 1), Duration::ZERO);
    assert_eq!(told(&mut alerts, 0, 1), [(0, Some(("anna".into(), 1)))]);
    assert_eq!(alerts.join(&gift("anna", 5), S), Some(ItemId(1)));
    assert_eq!(alerts.join(&gift("anna", 3), S * 2), Some(ItemId(1)));
    assert_eq!(alerts.join(&gift("ben", 9), S * 2), None);
    assert_eq!(told(&mut alerts, 2, 7), [(2, Some(("anna".into(), 5)))]);
    assert_eq!(
        told(&mut alerts, 7, 8),
        [(7, None)],
        "6 s after the rise at 1 s"
    );

    alerts.add(ItemId(2), gift("anna", 1), S * 20);
    told(&mut alerts, 20, 21);
    for s in 21..40 {
        alerts.join(&gift("anna", s), S * s);
        alerts.turn(S * s);
    }
    assert_eq!(
        alerts.told, None,
        "it went at 35 s though its counter rose on"
    );
}

#[test]
fn a_queued_combo_rises_where_it_stands() {
    let mut alerts = Alerts::default();
    alerts.add(ItemId(1), alert(AlertKind::Order, "first"), Duration::ZERO);
    told(&mut alerts, 0, 1);
    alerts.add(ItemId(2), gift("anna", 2), S);
    assert_eq!(alerts.join(&gift("anna", 7), S), Some(ItemId(2)));
    assert_eq!(told(&mut alerts, 1, 5), [(3, Some(("anna".into(), 7)))]);
}

#[test]
fn a_full_queue_keeps_what_counts_more() {
    let mut alerts = Alerts::default();
    for n in 0..MAX_ALERTS as u64 {
        let kind = if n == 3 || n == 5 {
            AlertKind::Follow
        } else {
            AlertKind::Gift
        };
        assert_eq!(alerts.add(ItemId(n), alert(kind, "x"), S), Added::Queued);
    }
    let add = |alerts: &mut Alerts, kind| alerts.add(ItemId(99), alert(kind, "new"), S);
    assert_eq!(add(&mut alerts, AlertKind::Chat), Added::Full);
    assert_eq!(
        add(&mut alerts, AlertKind::Follow),
        Added::Instead(ItemId(3))
    );
    assert_eq!(
        add(&mut alerts, AlertKind::Order),
        Added::Instead(ItemId(5))
    );
    assert_eq!(alerts.waiting(), MAX_ALERTS);
}

#[test]
fn what_waited_for_a_minute_goes() {
    let mut alerts = Alerts::default();
    for n in 0..MAX_ALERTS as u64 {
        alerts.add(ItemId(n), alert(AlertKind::Gift, "x"), Duration::ZERO);
    }
    let (mut shown, mut late) = (0, 0);
    for s in 0..200 {
        let turned = alerts.turn(S * s);
        shown += turned.shown;
        late += turned.late;
    }
    assert_eq!((shown, late), (20, 12));
}

#[test]
fn the_shown_one_can_be_taken_off() {
    let mut alerts = Alerts::default();
    alerts.add(ItemId(1), alert(AlertKind::Chat, "a"), Duration::ZERO);
    alerts.add(ItemId(2), alert(AlertKind::Chat, "b"), Duration::ZERO);
    told(&mut alerts, 0, 1);
    assert_eq!(alerts.remove(ItemId(1)), Some(true));
    assert_eq!(told(&mut alerts, 1, 2), [(1, Some(("b".into(), 1)))]);
    assert_eq!(alerts.remove(ItemId(2)), Some(true));
    assert_eq!(told(&mut alerts, 2, 3), [(2, None)]);
    assert_eq!(alerts.remove(ItemId(2)), None);
}
