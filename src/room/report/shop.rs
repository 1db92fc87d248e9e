//! Products, clicks, orders.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::Count;
use super::line::Line;
use crate::room::live::event::Fact;

/// Products, clicks, orders.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Shop {
    /// Clicks.
    pub clicks: Count,
    /// Orders.
    pub orders: Count,
    /// Orders that belong to no pin.
    pub orders_without_pin: Count,
    /// Worth of the orders in the smallest unit, by currency.
    pub revenue: BTreeMap<String, Count>,
    /// Best first: by orders, then clicks.
    pub products: Vec<ProductReport>,
    /// Each pinning, in its order.
    pub pins: Vec<PinReport>,
}

/// One product.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct ProductReport {
    /// Its number.
    pub product: u64,
    /// Its name at the end; empty if the events do not tell.
    pub name: String,
    /// Times that it was pinned.
    pub pinned: Count,
    /// Clicks.
    pub clicks: Count,
    /// Orders.
    pub orders: Count,
    /// Pieces.
    pub pieces: Count,
    /// Worth of the orders in the smallest unit, by currency.
    pub revenue: BTreeMap<String, Count>,
}

/// One pinning: what came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct PinReport {
    /// Its number.
    pub pin: u64,
    /// Which product it showed; 0 if the events do not tell.
    pub product: u64,
    /// When, ms since the show began; `None`: before it.
    pub at_ms: Option<u64>,
    /// Clicks.
    pub clicks: Count,
    /// Orders.
    pub orders: Count,
    /// Worth of the orders in the smallest unit, by currency.
    pub revenue: BTreeMap<String, Count>,
}

impl Shop {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let mut shop = Self::default();
        let mut products: BTreeMap<u64, ProductReport> = BTreeMap::new();
        let mut pins: BTreeMap<u64, PinReport> = BTreeMap::new();
        let (mut names, mut shown) = (BTreeMap::new(), BTreeMap::new());
        for (_, event) in line.all() {
            match &event.fact {
                Fact::ProductSet { product, name, .. } => {
                    names.insert(*product, name.clone());
                }
                Fact::Pinned { pin, product } | Fact::Clicked { pin, product } => {
                    shown.insert(*pin, *product);
                }
                _ => {}
            }
        }
        for (elapsed, event) in line.during() {
            match &event.fact {
                Fact::Pinned { pin, product } => {
                    products.entry(*product).or_default().pinned.one(event);
                    pins.entry(*pin).or_default().at_ms = Some(*elapsed);
                }
                Fact::Clicked { pin, product } => {
                    shop.clicks.one(event);
                    products.entry(*product).or_default().clicks.one(event);
                    pins.entry(*pin).or_default().clicks.one(event);
                }
                Fact::Ordered {
                    pin,
                    product,
                    count,
                    amount_minor,
                    currency,
                    ..
                } => {
                    let earn = |revenue: &mut BTreeMap<String, Count>| {
                        revenue
                            .entry(currency.clone())
                            .or_default()
                            .more(*amount_minor, event);
                    };
                    shop.orders.one(event);
                    earn(&mut shop.revenue);
                    if let Some(pin) = pin {
                        let pin = pins.entry(*pin).or_default();
                        pin.orders.one(event);
                        earn(&mut pin.revenue);
                    } else {
                        shop.orders_without_pin.one(event);
                    }
                    let of_pin = pin.as_ref().and_then(|p| shown.get(p));
                    if let Some(product) = product.as_ref().or(of_pin) {
                        let product = products.entry(*product).or_default();
                        product.orders.one(event);
                        product.pieces.more(u64::from(*count), event);
                        earn(&mut product.revenue);
                    }
                }
                _ => {}
            }
        }
        let named = |(product, report): (u64, ProductReport)| ProductReport {
            product,
            name: names.get(&product).cloned().unwrap_or_default(),
            ..report
        };
        shop.products = products.into_iter().map(named).collect();
        // Stable: those that are equal stay in the order of their numbers.
        shop.products
            .sort_by_key(|p| std::cmp::Reverse((p.orders.n, p.clicks.n)));
        let placed = |(pin, report): (u64, PinReport)| PinReport {
            pin,
            product: shown.get(&pin).copied().unwrap_or(0),
            ..report
        };
        shop.pins = pins.into_iter().map(placed).collect();
        shop
    }
}
