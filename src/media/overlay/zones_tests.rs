use proptest::prelude::*;

use super::*;

const CORNERS: [Corner; 4] = [
    Corner::TopLeft,
    Corner::TopRight,
    Corner::BottomLeft,
    Corner::BottomRight,
];

fn inside(inner: &Rect, outer: &Rect) -> bool {
    inner.x >= outer.x
        && inner.y >= outer.y
        && inner.right() <= outer.right()
        && inner.bottom() <= outer.bottom()
}

/// Every layer asks for `percent` of what it may have, in the usual order.
fn full(page: Page, percent: u32, corner: Corner) -> Zones {
    let mut zones = Zones::new(page);
    for layer in ORDER {
        if let Some((width, height)) = zones.limit(layer, corner) {
            let size = (share(width, percent).max(1), share(height, percent).max(1));
            zones.take(layer, corner, size);
        }
    }
    zones
}

fn place(zones: &Zones, layer: Layer) -> Rect {
    zones.taken().iter().find(|(l, _)| *l == layer).unwrap().1
}

#[test]
fn everything_has_a_place_on_usual_pictures() {
    for (width, height) in [
        (1920, 1080),
        (1280, 720),
        (854, 480),
        (720, 1280),
        (1080, 1920),
        (1080, 1080),
    ] {
        let page = Page::new(width, height, 5);
        // Logo, clock and status share a corner: one below the other.
        let zones = full(page, 30, Corner::TopRight);
        for layer in ORDER {
            assert!(
                zones.taken().iter().any(|(l, _)| *l == layer),
                "{width}x{height}: {layer:?} has no place: {:?}",
                zones.taken()
            );
        }
        let logo = place(&zones, Layer::Logo);
        let clock = place(&zones, Layer::Clock);
        assert!(clock.y > logo.bottom());
        assert!((logo.right() - clock.right()).abs() <= 1);
    }
}

#[test]
fn the_ticker_is_lowest_then_banner_then_lower_third() {
    let zones = full(Page::new(1280, 720, 5), 60, Corner::BottomRight);
    let (ticker, banner) = (place(&zones, Layer::Ticker), place(&zones, Layer::Banner));
    let third = place(&zones, Layer::LowerThird);
    assert!(banner.bottom() < ticker.y && third.bottom() < banner.y);
    let clock = place(&zones, Layer::Clock);
    assert!(
        clock.bottom() < ticker.y,
        "a corner stands above the ticker"
    );
}

#[test]
fn an_alert_and_what_it_needs_never_move_what_was_there() {
    for (width, height) in [(1280, 720), (720, 1280)] {
        let page = Page::new(width, height, 5);
        let mut zones = full(page, 25, Corner::TopLeft);
        let before = place(&zones, Layer::Poll);
        zones = Zones::new(page);
        for layer in ORDER.into_iter().filter(|l| *l != Layer::Alert) {
            let limit = zones.limit(layer, Corner::TopLeft).unwrap();
            zones.take(layer, Corner::TopLeft, (limit.0 / 4, limit.1 / 4));
        }
        assert_eq!(place(&zones, Layer::Poll), before);
    }
}

#[test]
fn what_is_larger_than_its_limit_has_no_place() {
    let mut zones = Zones::new(Page::new(1280, 720, 5));
    let (width, height) = zones.limit(Layer::Product, Corner::TopLeft).unwrap();
    for size in [(1281, 10), (10, 721), (0, 10), (width, u32::MAX)] {
        assert_eq!(zones.take(Layer::Product, Corner::TopLeft, size), None);
    }
    assert!(
        zones
            .take(Layer::Product, Corner::TopLeft, (width, height))
            .is_some()
    );
}

#[test]
fn a_picture_too_small_for_anything_has_nothing() {
    for (width, height) in [(0, 0), (2, 2), (16, 9), (64, 2), (u32::MAX, u32::MAX)] {
        let zones = full(Page::new(width, height, 15), 100, Corner::TopLeft);
        for (_, rect) in zones.taken() {
            assert!(inside(rect, &zones.page().safe));
        }
    }
}

proptest! {
    #[test]
    fn no_two_zones_overlap(
        width in 32_u32..2100, height in 18_u32..2100, safe in 0_u32..16,
        wanted in proptest::collection::vec((any::<bool>(), 1_u32..120, 1_u32..120, 0_usize..4), ORDER.len()),
    ) {
        let page = Page::new(2 * width, 2 * height, safe);
        let mut zones = Zones::new(page);
        for (layer, (shown, wide, tall, corner)) in ORDER.into_iter().zip(wanted) {
            if !shown {
                continue;
            }
            let corner = CORNERS[corner];
            let limit = zones.limit(layer, corner);
            let (w, h) = limit.unwrap_or((40, 20));
            let taken = zones.take(layer, corner, (share(w, wide).max(1), share(h, tall).max(1)));
            if wide <= 100 && tall <= 100 && limit.is_some() {
                prop_assert!(taken.is_some(), "{layer:?} fits its limit and has no place");
            }
        }
        let taken = zones.taken();
        for (i, (layer, rect)) in taken.iter().enumerate() {
            prop_assert!(inside(rect, &page.safe), "{layer:?} {rect:?} juts out of {:?}", page.safe);
            for (other, there) in &taken[i + 1..] {
                prop_assert!(!rect.meets(there), "{layer:?} {rect:?} covers {other:?} {there:?}");
            }
        }
    }
}
