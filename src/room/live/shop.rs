//! Products, pins, clicks and orders.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::act::{Act, Refusal, Why};
use super::bridged::NewOrder;
use super::event::Fact;
use super::state::{Decision, Live};
use super::texts::{bad, unknown, url, word};
use super::view;

/// Products on the list.
const MAX_PRODUCTS: usize = 100;
/// Pinnings whose clicks are still led on.
const MAX_PINS: usize = 2_000;
/// Orders that are known again.
const MAX_ORDERS: usize = 100_000;

#[derive(Debug)]
struct Product {
    name: String,
    price: String,
    old_price: Option<String>,
    stock: Option<u32>,
    url: Option<String>,
}

/// The list, and what is pinned.
#[derive(Debug, Default)]
pub(super) struct Shop {
    products: BTreeMap<u64, Product>,
    /// Product of each pinning.
    pins: BTreeMap<u64, u64>,
    /// The pinning that is on show.
    pinned: Option<u64>,
    orders: HashSet<String>,
    order: VecDeque<String>,
}

impl Shop {
    pub(super) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::ProductSet {
                product,
                name,
                price,
                old_price,
                stock,
                url,
            } => {
                let set = Product {
                    name: name.clone(),
                    price: price.clone(),
                    old_price: old_price.clone(),
                    stock: *stock,
                    url: url.clone(),
                };
                self.products.insert(*product, set);
            }
            Fact::ProductRemoved { product } => {
                self.products.remove(product);
                if self
                    .pinned
                    .is_some_and(|pin| self.pins.get(&pin) == Some(product))
                {
                    self.pinned = None;
                }
            }
            Fact::Pinned { pin, product } => {
                self.pins.insert(*pin, *product);
                self.pinned = Some(*pin);
                if self.pins.len() > MAX_PINS {
                    self.pins.pop_first();
                }
            }
            Fact::Unpinned { pin } if self.pinned == Some(*pin) => self.pinned = None,
            Fact::Ordered {
                order,
                product,
                count,
                ..
            } => {
                if !self.orders.insert(order.clone()) {
                    return;
                }
                self.order.push_back(order.clone());
                if self.order.len() > MAX_ORDERS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.orders.remove(&oldest);
                }
                let product = product.and_then(|product| self.products.get_mut(&product));
                if let Some(stock) = product.and_then(|product| product.stock.as_mut()) {
                    *stock = stock.saturating_sub(*count);
                }
            }
            _ => {}
        }
    }

    pub(super) fn view(&self) -> Vec<view::Product> {
        let pinned = self
            .pinned
            .and_then(|pin| Some((pin, *self.pins.get(&pin)?)));
        let view = |(number, of): (&u64, &Product)| view::Product {
            product: *number,
            name: of.name.clone(),
            price: of.price.clone(),
            old_price: of.old_price.clone(),
            stock: of.stock,
            link: of.url.is_some(),
            pin: pinned
                .filter(|(_, product)| product == number)
                .map(|(pin, _)| pin),
        };
        self.products.iter().map(view).collect()
    }
}

impl Live {
    /// The product that is pinned, with the number of its pinning.
    #[must_use]
    pub fn pinned(&self) -> Option<view::Product> {
        self.shop
            .view()
            .into_iter()
            .find(|product| product.pin.is_some())
    }

    /// The product of a pinning, also of one that is over.
    #[must_use]
    pub fn product_of(&self, pin: u64) -> Option<u64> {
        self.shop.pins.get(&pin).copied()
    }

    /// A product of the list.
    #[must_use]
    pub fn product(&self, product: u64) -> Option<view::Product> {
        self.shop
            .view()
            .into_iter()
            .find(|of| of.product == product)
    }

    pub(super) fn decide_product_set(&self, act: &Act) -> Result<Decision, Refusal> {
        let Act::ProductSet {
            product,
            name,
            price,
            old_price,
            stock,
            url: to,
        } = act
        else {
            return Err(bad("It is no product."));
        };
        let number = match product {
            Some(product) if self.shop.products.contains_key(product) => *product,
            Some(product) => return Err(unknown("product", *product)),
            None if self.shop.products.len() >= MAX_PRODUCTS => {
                let full = format!("At most {MAX_PRODUCTS} products are on the list.");
                return Err(Refusal::new(Why::Full, full));
            }
            None => self.highest.product + 1,
        };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        // The pages do not know the address, so a change that leaves it out leaves it as it is; an empty one takes it away.
        let to = match to {
            Some(to) if to.trim().is_empty() => None,
            Some(to) => Some(url(to)?),
            None => self.shop.products.get(&number).and_then(|p| p.url.clone()),
        };
        let old_price = given(old_price).map(|price| self.texts.staff(&price, 24));
        let fact = Fact::ProductSet {
            product: number,
            name: self.texts.staff(name, 60)?,
            price: self.texts.staff(price, 24)?,
            old_price: old_price.transpose()?,
            stock: *stock,
            url: to,
        };
        Ok(Decision::of(vec![fact], Some(number)))
    }

    pub(super) fn decide_product_remove(&self, product: u64) -> Result<Decision, Refusal> {
        if !self.shop.products.contains_key(&product) {
            return Err(unknown("product", product));
        }
        let mut facts = self.unpin_facts(|of| of == product);
        facts.push(Fact::ProductRemoved { product });
        Ok(Decision::of(facts, Some(product)))
    }

    fn unpin_facts(&self, of: impl Fn(u64) -> bool) -> Vec<Fact> {
        let pin = self
            .shop
            .pinned
            .filter(|pin| self.shop.pins.get(pin).is_some_and(|p| of(*p)));
        pin.map(|pin| Fact::Unpinned { pin }).into_iter().collect()
    }

    pub(super) fn decide_pin(&self, product: u64) -> Result<Decision, Refusal> {
        if !self.shop.products.contains_key(&product) {
            return Err(unknown("product", product));
        }
        if let Some(pin) = self.shop.pinned
            && self.shop.pins.get(&pin) == Some(&product)
        {
            return Ok(Decision::again(Some(pin)));
        }
        let mut facts = self.unpin_facts(|_| true);
        let pin = self.highest.pin + 1;
        facts.push(Fact::Pinned { pin, product });
        Ok(Decision::of(facts, Some(pin)))
    }

    pub(super) fn decide_unpin(&self) -> Result<Decision, Refusal> {
        let facts = self.unpin_facts(|_| true);
        if facts.is_empty() {
            return Ok(Decision::again(None));
        }
        Ok(Decision::of(facts, self.shop.pinned))
    }

    /// Where `/r/{pin}` leads, and that somebody followed it.
    pub(super) fn decide_click(&self, pin: u64) -> Result<(String, Fact), Refusal> {
        let product = self.product_of(pin).ok_or_else(|| unknown("pin", pin))?;
        let of = self.shop.products.get(&product);
        let to = of.and_then(|of| of.url.clone());
        let to = to.ok_or_else(|| Refusal::new(Why::NotFound, "The product has no address."))?;
        Ok((to, Fact::Clicked { pin, product }))
    }

    pub(super) fn decide_order(&self, new: &NewOrder) -> Result<Decision, Refusal> {
        let order = word(new.order.trim(), 80)?;
        if order.is_empty() {
            return Err(bad("An order has an id of 1 to 80 characters."));
        }
        if self.shop.orders.contains(&order) {
            return Ok(Decision::again(None));
        }
        if !(1..=10_000).contains(&new.count) {
            return Err(bad("count is 1 to 10000."));
        }
        let iso = new.currency.len() == 3 && new.currency.bytes().all(|b| b.is_ascii_uppercase());
        if !iso && !new.currency.is_empty() {
            return Err(bad("currency is three capital letters, such as EUR."));
        }
        // What the store of numbers cannot hold is no sum of money.
        if i64::try_from(new.amount_minor).is_err() {
            return Err(bad("amount_minor is too large."));
        }
        // An order is money: one that names a pin or a product that is not known (any more) is taken nevertheless.
        let pin = new.pin.filter(|pin| self.shop.pins.contains_key(pin));
        let product = new
            .product
            .filter(|product| self.shop.products.contains_key(product));
        let product = product.or_else(|| pin.and_then(|pin| self.product_of(pin)));
        let name = new.name.as_deref().filter(|name| !name.trim().is_empty());
        let fact = Fact::Ordered {
            order,
            pin,
            product,
            count: new.count,
            amount_minor: new.amount_minor,
            currency: new.currency.clone(),
            name: name.map(|name| self.texts.foreign_name(name)),
        };
        Ok(Decision::of(vec![fact], None))
    }
}
